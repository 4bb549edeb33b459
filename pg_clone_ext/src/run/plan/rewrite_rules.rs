//! Rewrite rules for INSERT and DELETE: what they make of the rows of a clone is not known before.

use crate::catalog::relations_below::READ_BY_VIEWS;
use crate::pg::query::for_each_row;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Table, quote};

/// A table that is to be filled and has such a rule is an error (0A000). The one unconditional `DO INSTEAD` rule of a view says
/// how rows get into it.
pub fn refuse(run: &Run) -> Result<()> {
    for table in run.store.tables.iter() {
        if run.table_copy(table.oid).is_none() || run.left_to_finish(table.oid) {
            continue;
        }
        if let Some((rule, relation)) = rule_for(table, '3')? {
            return Err(Error::new(
                Code::Unsupported,
                format!("{relation} has the rule {rule} for INSERT, which may keep back rows of the clone or write them twice"),
            )
            .hint(format!(
                "Make it a trigger, or switch it off while the project is cloned: ALTER TABLE {relation} DISABLE RULE {rule}.",
            )));
        }
    }
    Ok(())
}

/// A rule for INSERT (3) or DELETE (4) on a table, or on a relation below a view, and the relation. Without an unconditional
/// `DO INSTEAD` rule of its own, rows of a view get into what is below it.
fn rule_for(table: &Table, event: char) -> Result<Option<(String, String)>> {
    let mut rule = None;
    let is_view = table.kind == "v";
    let sql = format!(
        "WITH RECURSIVE below (oid) AS (SELECT {oid}::pg_catalog.oid UNION SELECT e.below FROM below AS b \
           JOIN ({READ_BY_VIEWS}) AS e ON e.above OPERATOR(pg_catalog.=) b.oid \
           WHERE {is_view} AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite AS i WHERE i.ev_class OPERATOR(pg_catalog.=) b.oid \
             AND i.ev_type OPERATOR(pg_catalog.=) '{event}' AND i.is_instead)) \
         SELECT r.rulename::pg_catalog.text, r.ev_class::pg_catalog.regclass::pg_catalog.text \
         FROM below AS b JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) b.oid JOIN pg_catalog.pg_rewrite AS r ON r.ev_class OPERATOR(pg_catalog.=) b.oid \
         WHERE r.ev_type OPERATOR(pg_catalog.=) '{event}' AND r.ev_enabled OPERATOR(pg_catalog.<>) 'D' \
         AND NOT (c.relkind OPERATOR(pg_catalog.=) 'v' AND r.is_instead AND r.ev_qual::pg_catalog.text OPERATOR(pg_catalog.=) '<>'::pg_catalog.text) \
         ORDER BY b.oid OPERATOR(pg_catalog.<>) {oid}::pg_catalog.oid, r.rulename",
        oid = table.oid,
    );
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        if let (Some(name), Some(relation)) = (row.text(0)?, row.text(1)?) {
            rule.get_or_insert((quote::identifier(&name), relation.into_owned()));
        }
        Ok(())
    })?;
    Ok(rule)
}

/// The same (0A000) for rows that are deleted.
pub fn refuse_for_deletion(table: &Table) -> Result<()> {
    match rule_for(table, '4')? {
        None => Ok(()),
        Some((rule, relation)) => Err(Error::new(
            Code::Unsupported,
            format!("{relation} has the rule {rule} for DELETE, which may keep rows or delete others"),
        )
        .hint(format!(
            "Make it a trigger, or switch it off while clones are deleted or replaced: ALTER TABLE {relation} DISABLE RULE {rule}.",
        ))),
    }
}
