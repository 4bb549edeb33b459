//! Rows of other projects that refer to deleted rows by a declared reference of a column, an element of an array or a segment of a path.

use super::{Again, Declared, declared, keys_that_go};
use crate::lifecycle::delete::deletion_set::DeletionSet;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, ReferenceForm, Table, TableRole};

/// Conditions on rows `t` of a table that do not belong to the project and refer to a deleted row by a declared reference, each with how
/// they depend on it.
pub fn conditions(rows: &DeletionSet, table: &Table, again: Again<'_>) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for Declared {
        reference,
        column,
        target,
        key,
    } in declared(rows, table)
    {
        if matches!(reference.form, ReferenceForm::Json(_)) || is_own_or_checked(table, &column, target, &key)
        {
            continue;
        }
        let Some(keys) = keys_that_go(rows, &reference, target, &key, again)? else {
            continue;
        };
        let operator = reference.operators.first().map_or(plan::EQUAL, String::as_str);
        let (joined, values) = reference.values(rows.store(), table);
        // With IS TRUE it is no join: for each row, a join would compare its elements with each key. 66,000 arrays and 50,000 keys took
        // more than 120 s. A column alone is joined once, without a limit on the number of keys.
        let within = if joined.is_empty() { "" } else { " IS TRUE" };
        let named: Vec<String> = values
            .iter()
            .map(|value| format!("({value} {operator} ANY ({keys})){within}"))
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
