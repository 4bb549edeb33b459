//! Rows of other projects that refer to deleted rows by declared references.

use super::deletion_set::DeletionSet;
use super::foreign_keys::rows_of;
use crate::run::any_reference;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, ReferenceForm, Table, TableRole};

/// Conditions on rows `t` of a table that do not belong to the project and refer to a deleted row by a declared reference (by a column, an
/// element of an array, or a segment of a path), each with how they depend on it. `again` is the condition on rows that are inserted again.
/// References in documents are not searched: every document of every project would have to be read.
pub fn references(
    rows: &DeletionSet,
    table: &Table,
    again: &dyn Fn(&Table, &str) -> Option<String>,
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    if !rows.filled().contains(&table.oid) {
        return Ok(found);
    }
    for reference in any_reference::all_references(rows.store(), table) {
        let ([column], [key]) = (reference.columns.as_slice(), reference.parent_columns.as_slice()) else {
            continue;
        };
        let Some(target) = rows.store().table(reference.parent) else {
            continue;
        };
        if !reference.declared
            || matches!(reference.form, ReferenceForm::Json(_))
            || is_own_or_checked(table, column, target, key)
        {
            continue;
        }
        let Some(gone) = rows.condition(target)? else {
            continue;
        };
        let again = (target.id_column.as_ref() == Some(key)).then(|| again(target, key));
        let excluded = match again.flatten() {
            Some(again) => format!("{gone} AND NOT {again}"),
            None => gone.clone(),
        };
        let value = reference.key(target, key);
        let keys_with =
            |condition: &str| format!("SELECT {value} FROM {} AS t WHERE {condition}", rows_of(target));
        let mut keys = keys_with(&excluded);
        if !is_unique(target, key) {
            // A row that stays has the same key: that one is meant.
            keys = format!("{keys} EXCEPT {}", keys_with(&format!("({gone}) IS NOT TRUE")));
        }
        let operator = reference.operators.first().map_or(plan::EQUAL, String::as_str);
        let (joined, values) = reference.values(rows.store(), table);
        let named: Vec<String> = values
            .iter()
            .map(|value| format!("{value} {operator} ANY ({keys})"))
            .collect();
        let mut condition = named.join(" AND ");
        if !joined.is_empty() {
            condition = format!("EXISTS (SELECT FROM (SELECT) AS one{joined} WHERE {condition})");
        }
        if let Some(applies) = &reference.condition {
            condition = format!("({applies}) AND {condition}");
        }
        if let Some(mine) = rows.belongs(table)? {
            condition = format!("{condition} AND ({mine}) IS NOT TRUE");
        }
        let why = format!(
            "refer{{s}} to rows of {} that go (column {column})",
            target.sql_name
        );
        found.push((condition, why));
    }
    Ok(found)
}

/// Whether a column that refers to a key of `target` is the row's own key or its membership, or has a foreign key, which is searched as such.
fn is_own_or_checked(table: &Table, column: &str, target: &Table, key: &str) -> bool {
    let is = |name: &Option<String>| name.as_deref() == Some(column);
    let one = |columns: &[String], keys: &[String]| columns == [column] && keys == [key];
    (is(&table.id_column) && target.oid == table.oid)
        || (is(&table.project_column) && target.role == TableRole::Project)
        || (is(&table.join_column) && table.parents.contains(&target.oid))
        || table
            .keys
            .foreign_keys
            .iter()
            .any(|known| known.target == target.oid && one(&known.columns, &known.target_columns))
        || table
            .keys
            .memberships
            .iter()
            .any(|known| known.parent == target.oid && one(&known.columns, &known.parent_columns))
}

/// Whether no two rows of a table have the same value in a column.
fn is_unique(table: &Table, column: &str) -> bool {
    table.keys.uniques.iter().any(|unique| {
        unique.columns == [column] && unique.predicate.is_none() && !unique.exclusion && !unique.expressions
    })
}
