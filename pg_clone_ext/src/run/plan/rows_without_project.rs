//! Rows that have the key of the new project although no such project exists: without a foreign key they may be left from one that was deleted.
//! They would become rows of the clone, and be deleted with it.

use crate::pg::query;
use crate::run::state::Run;
use pg_clone_core::error::{Error, Result, shown};
use pg_clone_core::plan::{EQUAL, KeyKind, SourceQuery, Table, TableRole, quote};

/// Refuses such rows (22023). A key that a sequence or a generator of UUIDs makes was in use by no project before.
pub fn refuse(run: &Run) -> Result<()> {
    let project = run.store.project_table()?;
    let id = project.id_column.as_deref().unwrap_or_default();
    let options = &run.request.options;
    let made_anew =
        options.target.is_none() && !options.keep_ids && KeyKind::of(project.type_of(id)) != KeyKind::Text;
    if made_anew || options.replace.is_some() {
        return Ok(());
    }
    // A plan makes no keys, and ids that are kept and in use are another error.
    if query::exists(&SourceQuery::over(&project.sql_name).equal(project, id, &run.target))? {
        return Ok(());
    }
    for table in run
        .store
        .tables
        .iter()
        .filter(|table| !table.empty && !table.elsewhere)
    {
        for condition in conditions(run, project, table) {
            let rows = query::count(&SourceQuery::over(&table.sql_name).filter(&condition))?;
            if rows > 0 {
                return Err(refused(run, table, rows, &condition));
            }
        }
    }
    Ok(())
}

/// The conditions on rows `t` of a table that name the new project by a column of their own.
fn conditions(run: &Run, project: &Table, table: &Table) -> Vec<String> {
    if table.role == TableRole::Project {
        return Vec::new();
    }
    let target = quote::literal(&run.target);
    let mut conditions = Vec::new();
    if let Some(column) = &table.project_column {
        conditions.push(format!(
            "t.{} {} {target}::{}",
            quote::identifier(column),
            table.column(column).map_or(EQUAL, |c| c.equality()),
            quote::type_name(table.type_of(column))
        ));
    }
    for way in table
        .ways(&run.store)
        .into_iter()
        .filter(|way| way.parent == project.oid)
    {
        let values = way.values(table, project, "t");
        let pairs = way
            .parent_columns
            .iter()
            .zip(way.equalities(table, project))
            .zip(values);
        for ((parent, operator), value) in
            pairs.filter(|((parent, _), _)| project.id_column.as_ref() == Some(*parent))
        {
            let key = format!("{target}::{}", quote::type_name(project.type_of(parent)));
            let names = format!("{key} {operator} {value}");
            conditions.push(match &way.condition {
                Some(condition) => format!("{names} AND ({condition})"),
                None => names,
            });
        }
    }
    conditions
}

fn refused(run: &Run, table: &Table, rows: i64, condition: &str) -> Error {
    let (word, have) = if rows == 1 {
        ("row", "has")
    } else {
        ("rows", "have")
    };
    Error::bad_argument(format!(
        "{rows} {word} of {} already {have} the key of the new project, \"{}\"",
        table.sql_name,
        shown(&run.target)
    ))
    .detail("There is no such project. They would become rows of the clone, and be deleted with it.")
    .hint(format!(
        "Choose another id with options.target, or delete them first: DELETE FROM {} AS t WHERE {condition};",
        table.sql_name
    ))
}
