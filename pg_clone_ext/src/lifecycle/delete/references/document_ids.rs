//! Documents of other projects that name deleted rows by an id for which no reference is declared: a UUID, or `Type/id`. A clone rewrites
//! such ids wherever they stand, so they are references.

use super::{Again, values_that_go};
use crate::lifecycle::delete::conflicts::Conflict;
use crate::lifecycle::delete::deletion_set::DeletionSet;
use crate::lifecycle::delete::foreign_keys::rows_of;
use crate::lifecycle::delete::rows_of_others::row_key;
use crate::pg::query::for_each_row;
use crate::run::document_errors::rewrite_error;
use crate::run::keys::Key;
use crate::run::plan::id_paths;
use crate::run::state::over_budget;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{IdMap, IdVersion, NewIds, TextIdMap};
use pg_clone_core::plan::{Column, ColumnRole, KeyKind, SourceQuery, Table, TableRole, quote};
use pg_clone_core::rewrite::{Dangling, Format, IdPaths, Rewriter};

/// The ids of the deleted rows.
pub struct DeletedIds {
    uuids: IdMap,
    texts: TextIdMap,
    paths: IdPaths,
}

impl DeletedIds {
    /// Reads them, without those of rows that are inserted again.
    ///
    /// # Errors
    /// 53200: they need more memory than `pg_clone.max_memory`.
    pub fn of(rows: &DeletionSet, again: Again<'_>) -> Result<Self> {
        let budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX);
        let mut ids = DeletedIds {
            uuids: IdMap::new(NewIds::new(IdVersion::V4, 0, [0; 16]), budget),
            texts: TextIdMap::new(budget),
            paths: id_paths::of_store(rows.store())?,
        };
        for table in &rows.store().tables {
            if matches!(table.role, TableRole::Project | TableRole::Resource) {
                ids.add(rows, table, again)?;
            }
        }
        Ok(ids)
    }

    fn add(&mut self, rows: &DeletionSet, table: &Table, again: Again<'_>) -> Result<()> {
        let Some(id) = &table.id_column else {
            return Ok(());
        };
        let id_type = table.type_of(id);
        let kind = KeyKind::of(id_type);
        let value = match kind {
            KeyKind::Int => return Ok(()),
            KeyKind::Uuid => format!("t.{}", quote::identifier(id)),
            KeyKind::Text => table.text_of("t", id),
        };
        let Some(sql) = values_that_go(rows, table, id, &value, again)? else {
            return Ok(());
        };
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            match (Key::read(row, 0, kind, id_type)?, &table.resource_type) {
                (Some(Key::Uuid(id)), _) => self.uuids.insert_not_cloned(id),
                (Some(Key::Text(text)), Some(resource_type)) => {
                    self.texts.insert_left_typed(resource_type, &text)
                }
                _ => Ok(()),
            }
            .map_err(over_budget)
        })?;
        Ok(())
    }

    /// Whether no document can name one.
    pub fn is_empty(&self) -> bool {
        self.uuids.is_empty() && self.texts.is_empty()
    }

    /// Rows of a table that do not belong to the project and name one in a document. All of these documents are read.
    pub fn conflict(&self, rows: &DeletionSet, table: &Table) -> Result<Option<Conflict>> {
        let documents = documents(table);
        // Former versions are not read by anybody who follows a reference.
        if documents.is_empty() || table.role == TableRole::History || !rows.filled().contains(&table.oid) {
            return Ok(None);
        }
        let theirs = match rows.belongs(table)? {
            Some(mine) => format!("({mine}) IS NOT TRUE"),
            None => "true".to_owned(),
        };
        let mut selected: Vec<String> = documents
            .iter()
            .map(|(name, format)| match format {
                Format::Jsonb => format!("t.{}", quote::identifier(name)),
                Format::Json | Format::Text => table.text_of("t", name),
            })
            .collect();
        selected.push(row_key(table));
        let sql = SourceQuery::over(&rows_of(table))
            .filter(theirs)
            .filter(table.live.as_deref().unwrap_or("true"))
            .select(&selected.join(", "));
        let mut rewriter = Rewriter::new(&self.uuids, &self.texts, Dangling::Keep).with_id_paths(&self.paths);
        let mut conflict = Conflict::new(table, "name{s} deleted rows in its documents".to_owned());
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let before = rewriter.dangling_targets().total();
            for (place, (_, format)) in documents.iter().enumerate() {
                if let Some(value) = row.bytes(place).filter(|value| !value.is_empty()) {
                    rewriter.note_references(value, *format).map_err(rewrite_error)?;
                }
            }
            if rewriter.dangling_targets().total() == before {
                return Ok(());
            }
            conflict.add_row(row.text(documents.len())?);
            Ok(())
        })?;
        Ok((conflict.rows > 0).then_some(conflict))
    }
}

/// The columns of a table in which ids are rewritten wherever they stand.
fn documents(table: &Table) -> Vec<(&str, Format)> {
    let is_document = |column: &Column| table.document_column.as_ref() == Some(&column.name);
    table
        .columns
        .iter()
        .filter(|column| column.role == ColumnRole::Rewrite || is_document(column))
        .map(|column| {
            let format = match column.type_name.as_str() {
                "jsonb" => Format::Jsonb,
                "json" => Format::Json,
                _ if is_document(column) => Format::Json,
                _ => Format::Text,
            };
            (column.name.as_str(), format)
        })
        .collect()
}
