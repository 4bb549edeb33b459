//! Rows of other projects that refer to deleted rows at a path of their documents that is declared a reference.

use super::{Again, Declared, declared, keys_that_go};
use crate::lifecycle::delete::conflicts::Conflict;
use crate::lifecycle::delete::deletion_set::DeletionSet;
use crate::lifecycle::delete::foreign_keys::rows_of;
use crate::lifecycle::delete::rows_of_others::row_key;
use crate::pg::query::for_each_row;
use crate::run::document_keys::{parts, texts_at};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{KeyForm, ReferenceForm, Table, quote};
use pg_clone_core::rules::DocumentPath;
use std::collections::HashSet;

/// Rows of a table that do not belong to the project and name a deleted row at a path of their documents that is declared a reference. The
/// documents of all projects in such a column are read.
pub fn conflicts(rows: &DeletionSet, table: &Table, again: Again<'_>) -> Result<Vec<Conflict>> {
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
        let names_any =
            reference.key_form != KeyForm::Uuid && (reference.mixed || !reference.or_of.is_empty());
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
        let mut conflict = Conflict::new(
            table,
            format!(
                "refer{{s}} to rows of {} that go (column {column} at {path})",
                target.sql_name
            ),
        );
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
            conflict.add_row(row.text(1)?);
            Ok(())
        })?;
        if conflict.rows > 0 {
            found.push(conflict);
        }
    }
    Ok(found)
}
