//! Rows of other projects that refer to deleted rows by references that are no foreign keys.

use super::deletion_set::DeletionSet;
use super::foreign_keys::rows_of;
use crate::run::any_reference::{self, AnyReference};
use pg_clone_core::error::Result;
use pg_clone_core::plan::Table;

/// Conditions that leave out rows which are inserted again: of a table's rows `t`, by the table and its key.
pub type Again<'a> = &'a dyn Fn(&Table, &str) -> Option<String>;

/// A declared reference of one column to one column.
struct Declared<'s> {
    reference: AnyReference,
    column: String,
    target: &'s Table,
    key: String,
}

/// The declared references of a table in which the project may have rows.
fn declared<'s>(rows: &'s DeletionSet, table: &Table) -> Vec<Declared<'s>> {
    if !rows.filled().contains(&table.oid) {
        return Vec::new();
    }
    any_reference::references(rows.store(), table)
        .into_iter()
        .filter(|reference| reference.declared)
        .filter_map(|reference| {
            let ([column], [key]) = (reference.columns.as_slice(), reference.parent_columns.as_slice())
            else {
                return None;
            };
            Some(Declared {
                target: rows.store().table(reference.parent)?,
                column: column.clone(),
                key: key.clone(),
                reference,
            })
        })
        .collect()
}

/// A query for the keys of deleted rows of the target, as the reference compares them. None: no row of the target is deleted.
fn keys_that_go(
    rows: &DeletionSet,
    reference: &AnyReference,
    target: &Table,
    key: &str,
    again: Again<'_>,
) -> Result<Option<String>> {
    values_that_go(rows, target, key, &reference.key(target, key), again)
}

/// A query for `value`, an expression over the column `key`, of deleted rows `t` of a table; not of those that are inserted again, and not if a
/// row that stays has the same. None: no row is deleted.
fn values_that_go(
    rows: &DeletionSet,
    table: &Table,
    key: &str,
    value: &str,
    again: Again<'_>,
) -> Result<Option<String>> {
    let Some(gone) = rows.condition(table)? else {
        return Ok(None);
    };
    let again = (table.id_column.as_deref() == Some(key)).then(|| again(table, key));
    let excluded = match again.flatten() {
        Some(again) => format!("{gone} AND NOT {again}"),
        None => gone.clone(),
    };
    let values_with =
        |condition: &str| format!("SELECT {value} FROM {} AS t WHERE {condition}", rows_of(table));
    let values = values_with(&excluded);
    if table.keys.is_unique(key) {
        return Ok(Some(values));
    }
    // A row that stays has the same key: that one is meant.
    Ok(Some(format!(
        "{values} EXCEPT {}",
        values_with(&format!("({gone}) IS NOT TRUE"))
    )))
}

pub mod columns;
pub mod document_ids;
pub mod document_paths;
