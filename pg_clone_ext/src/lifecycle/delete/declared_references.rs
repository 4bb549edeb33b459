//! Rows of other projects that refer to deleted rows by declared references.

use super::conflicts::{Conflict, KEYS_SHOWN};
use super::deletion_set::DeletionSet;
use super::foreign_keys::rows_of;
use super::rows_of_others::row_key;
use crate::pg::query::for_each_row;
use crate::run::any_reference::{self, AnyReference};
use crate::run::document_keys::{parts, texts_at};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, ReferenceForm, Table, TableRole, quote};
use pg_clone_core::rules::DocumentPath;
use std::collections::HashSet;

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
    any_reference::all_references(rows.store(), table)
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

/// Conditions on rows `t` of a table that do not belong to the project and refer to a deleted row by a declared reference (by a column, an
/// element of an array, or a segment of a path), each with how they depend on it. `again` is the condition on rows that are inserted again.
/// [`in_documents`] searches documents.
pub fn references(
    rows: &DeletionSet,
    table: &Table,
    again: &dyn Fn(&Table, &str) -> Option<String>,
) -> Result<Vec<(String, String)>> {
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

/// Rows of a table that do not belong to the project and name a deleted row at a path of their documents that is declared a reference. The
/// documents of all projects in such a column are read.
pub fn in_documents(
    rows: &DeletionSet,
    table: &Table,
    again: &dyn Fn(&Table, &str) -> Option<String>,
) -> Result<Vec<Conflict>> {
    let mut found = Vec::new();
    for Declared {
        reference,
        column,
        target,
        key,
    } in declared(rows, table)
    {
        let ReferenceForm::Json(path) = &reference.form else {
            continue;
        };
        // A number that rows of several tables may have as their key does not say which one it names, and at some values of a document it
        // names none.
        let names_any = !reference.of_uuids && (reference.mixed || !reference.or_of.is_empty());
        if names_any || path.ends_with("..*") {
            continue;
        }
        let Some(keys) = keys_that_go(rows, &reference, target, &key, again)? else {
            continue;
        };
        let mut gone = HashSet::new();
        for_each_row(
            &format!("SELECT k.key::pg_catalog.text FROM ({keys}) AS k (key)"),
            &mut |row| {
                if let Some(key) = row.map(|row| row.text(0)).transpose()?.flatten() {
                    gone.insert(key.into_owned());
                }
                Ok(())
            },
        )?;
        if gone.is_empty() {
            continue;
        }
        let mut condition = format!("t.{} IS NOT NULL", quote::identifier(&column));
        if let Some(applies) = &reference.condition {
            condition = format!("{condition} AND ({applies})");
        }
        if let Some(mine) = rows.belongs(table)? {
            condition = format!("{condition} AND ({mine}) IS NOT TRUE");
        }
        let documents = format!(
            "SELECT {}, {} FROM {} AS t WHERE {condition}",
            table.text_of("t", &column),
            row_key(table),
            rows_of(table)
        );
        let place = DocumentPath::of_column(&column, path)?;
        let mut conflict = Conflict {
            relation: table.sql_name.clone(),
            rows: 0,
            keys: Vec::new(),
            why: format!(
                "refer{{s}} to rows of {} that go (column {column} at {path})",
                target.sql_name
            ),
            also_deleted: None,
            outside: None,
        };
        for_each_row(&documents, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let Some(document) = row.bytes(0) else {
                return Ok(());
            };
            let names = |text: &String| {
                parts(text, &reference)
                    .iter()
                    .any(|part| gone.contains(part.as_ref()))
            };
            if !texts_at(&place, document)?.iter().any(names) {
                return Ok(());
            }
            conflict.rows += 1;
            if let Some(key) = row.text(1)?.filter(|_| conflict.keys.len() < KEYS_SHOWN) {
                conflict.keys.push(key.into_owned());
            }
            Ok(())
        })?;
        if conflict.rows > 0 {
            found.push(conflict);
        }
    }
    Ok(found)
}

/// A query for the keys of deleted rows of the target, as the reference compares them; not of those that are inserted again, and not if a row
/// that stays has the same key. None: no row of the target is deleted.
fn keys_that_go(
    rows: &DeletionSet,
    reference: &AnyReference,
    target: &Table,
    key: &str,
    again: &dyn Fn(&Table, &str) -> Option<String>,
) -> Result<Option<String>> {
    let Some(gone) = rows.condition(target)? else {
        return Ok(None);
    };
    let again = (target.id_column.as_deref() == Some(key)).then(|| again(target, key));
    let excluded = match again.flatten() {
        Some(again) => format!("{gone} AND NOT {again}"),
        None => gone.clone(),
    };
    let value = reference.key(target, key);
    let keys_with =
        |condition: &str| format!("SELECT {value} FROM {} AS t WHERE {condition}", rows_of(target));
    let keys = keys_with(&excluded);
    if is_unique(target, key) {
        return Ok(Some(keys));
    }
    // A row that stays has the same key: that one is meant.
    Ok(Some(format!(
        "{keys} EXCEPT {}",
        keys_with(&format!("({gone}) IS NOT TRUE"))
    )))
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
