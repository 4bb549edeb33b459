//! Sequences that an application keeps for each project, with the project's id at the end of their names: a trigger of the projects' table
//! makes them.

use crate::pg::query::for_each_row;
use crate::run::state::Run;
use pg_clone_core::error::Result;
use pg_clone_core::plan::quote;

/// Tasks for the operator: the source has such a sequence, another project too, and the clone has none, because triggers were skipped.
pub fn todos(run: &Run) -> Result<Vec<String>> {
    let mut todos = Vec::new();
    let options = &run.request.options;
    let project = run.store.project_table()?;
    let Some(id) = &project.id_column else {
        return Ok(todos);
    };
    if !options.skip_triggers || options.keep_ids || !run.store.follows_constraints() {
        return Ok(todos);
    }
    let (source, target) = (quote::literal(&run.source), quote::literal(&run.target));
    let other = project.text_of("p", id);
    // pg_depend: a sequence of a column is that of a table.
    let sql = format!(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.format('%I.%I', n.nspname, s.stem OPERATOR(pg_catalog.||) {target}) \
         FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         CROSS JOIN LATERAL (SELECT pg_catalog.left(c.relname::pg_catalog.text, pg_catalog.length(c.relname::pg_catalog.text) OPERATOR(pg_catalog.-) pg_catalog.length({source})) AS stem) AS s \
         WHERE c.relkind OPERATOR(pg_catalog.=) 'S' AND c.relname::pg_catalog.text OPERATOR(pg_catalog.=) (s.stem OPERATOR(pg_catalog.||) {source}) AND pg_catalog.right(s.stem, 1) OPERATOR(pg_catalog.=) '_' \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.deptype OPERATOR(pg_catalog.=) ANY ('{{a,i}}'::\"char\"[])) \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS k WHERE k.relnamespace OPERATOR(pg_catalog.=) c.relnamespace AND k.relname::pg_catalog.text OPERATOR(pg_catalog.=) (s.stem OPERATOR(pg_catalog.||) {target})) \
         AND EXISTS (SELECT FROM {projects} AS p JOIN pg_catalog.pg_class AS k ON k.relnamespace OPERATOR(pg_catalog.=) c.relnamespace \
                     AND k.relname::pg_catalog.text OPERATOR(pg_catalog.=) (s.stem OPERATOR(pg_catalog.||) {other}) WHERE {other} OPERATOR(pg_catalog.<>) {source}) \
         ORDER BY 1",
        projects = project.from_sql()
    );
    for_each_row(&sql, &mut |row| {
        if let Some(row) = row
            && let (Some(has), Some(lacks)) = (row.text(0)?, row.text(1)?)
        {
            todos.push(format!(
                "the source has the sequence {has}, the clone has none: triggers were skipped. Make {lacks}, if the application needs it"
            ));
        }
        Ok(())
    })?;
    Ok(todos)
}
