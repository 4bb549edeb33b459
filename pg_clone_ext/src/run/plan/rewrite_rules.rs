//! Rewrite rules for INSERT and DELETE: what they make of the rows of a clone is not known before.

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
        if let Some(rule) = rule_for(table, '3')? {
            return Err(Error::new(
                Code::Unsupported,
                format!("{} has the rule {rule} for INSERT, which may keep back rows of the clone or write them twice", table.sql_name),
            )
            .hint(format!(
                "Make it a trigger, or switch it off while the project is cloned: ALTER TABLE {} DISABLE RULE {rule}.",
                table.sql_name
            )));
        }
    }
    Ok(())
}

/// The name of a rule for INSERT (3) or DELETE (4) on a table.
fn rule_for(table: &Table, event: char) -> Result<Option<String>> {
    let mut rule = None;
    let sql = format!(
        "SELECT r.rulename::pg_catalog.text FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class OPERATOR(pg_catalog.=) {}::pg_catalog.oid \
         AND r.ev_type OPERATOR(pg_catalog.=) '{event}' AND r.ev_enabled OPERATOR(pg_catalog.<>) 'D' {} ORDER BY r.rulename",
        table.oid,
        if table.kind == "v" {
            "AND (NOT r.is_instead OR r.ev_qual::pg_catalog.text OPERATOR(pg_catalog.<>) '<>'::pg_catalog.text)"
        } else {
            ""
        }
    );
    for_each_row(&sql, &mut |row| {
        if let Some(name) = row.map(|row| row.text(0)).transpose()?.flatten() {
            rule.get_or_insert(quote::identifier(&name));
        }
        Ok(())
    })?;
    Ok(rule)
}

/// The same (0A000) for rows that are deleted.
pub fn refuse_for_deletion(table: &Table) -> Result<()> {
    match rule_for(table, '4')? {
        None => Ok(()),
        Some(rule) => Err(Error::new(
            Code::Unsupported,
            format!("{} has the rule {rule} for DELETE, which may keep rows or delete others", table.sql_name),
        )
        .hint(format!(
            "Make it a trigger, or switch it off while clones are deleted or replaced: ALTER TABLE {} DISABLE RULE {rule}.",
            table.sql_name
        ))),
    }
}
