//! Columns whose values a clone rewrites: in which of them UUIDs are followed, and in which it is compared what stands beside keys.

use crate::run::document_errors::jsonb_error;
use crate::verify::contents::Contents;
use crate::verify::contents::beside_keys::{BesideKeys, Keys, beside_keys, beside_keys_of_document};
use pg_clone_core::batch::DocumentFormat;
use pg_clone_core::depth::{self, DepthError};
use pg_clone_core::document_tree::{self, TreeError};
use pg_clone_core::error::Result;
use pg_clone_core::jsonb;
use pg_clone_core::plan::{self, Column, ColumnRole, KeyKind, Oid, ReferenceForm, Store, Table, TableRole};
use pg_clone_core::rules::DocumentPath;
use pg_clone_core::scan;

/// A column that is read.
pub struct Read<'a> {
    /// The column.
    pub column: &'a Column,
    /// UUIDs in it are followed. Those of declared references are verified as such.
    pub follows: bool,
    /// What stands beside its keys is compared.
    pub compares: bool,
    /// What else may be a key.
    keys: Keys,
    /// The paths of its declared keys, each with the condition on the rows in which they are keys.
    pub paths: Vec<(DocumentPath, Option<String>)>,
}

impl Read<'_> {
    /// For each path, whether its keys are keys in a row `t`, as SQL.
    pub fn conditions(&self) -> impl Iterator<Item = String> {
        self.paths.iter().map(|(_, condition)| match condition {
            Some(condition) => format!("({condition})"),
            None => "true".to_owned(),
        })
    }

    /// Whether names of members are UUIDs: these are sorted in jsonb.
    pub fn has_keys_as_names(&self, bytes: &[u8]) -> Result<bool> {
        match self.column.type_name.as_str() {
            "jsonb" => {
                let places = scan::uuids(bytes).map(|(place, _)| place);
                jsonb::is_in_name(bytes, places).map_err(jsonb_error)
            }
            name => Ok(name.starts_with("jsonb")),
        }
    }

    /// What a value says beside its keys. `applies`: whether the keys at a path are keys in this row.
    pub fn beside_keys(&self, bytes: &[u8], applies: impl Fn(usize) -> bool) -> Result<BesideKeys> {
        if self.paths.is_empty() && self.keys != Keys::Texts {
            return Ok(beside_keys(bytes, self.keys));
        }
        let format = match self.column.type_name.as_str() {
            "jsonb" => DocumentFormat::Jsonb,
            _ => DocumentFormat::Text,
        };
        let mut document = match document_tree::read(format, bytes) {
            Ok(document) => document,
            Err(TreeError::Depth(error)) => return Err(error.error()),
            Err(TreeError::Jsonb(error)) => return Err(jsonb_error(error)),
            // A text column may not be JSON in some rows.
            Err(TreeError::Text(_)) => return Ok(beside_keys(bytes, self.keys)),
        };
        let applying: Vec<&DocumentPath> = self
            .paths
            .iter()
            .enumerate()
            .filter(|(place, _)| applies(*place))
            .map(|(_, (path, _))| path)
            .collect();
        let keys = self.keys;
        let beside = depth::with_room(document.levels(), move || {
            for path in applying {
                path.mask(&mut document)?;
            }
            Ok::<_, DepthError>(beside_keys_of_document(&document, keys))
        });
        beside.map_err(DepthError::error)?.map_err(DepthError::error)
    }
}

/// The columns of a table that are read. `says`: also for what stands beside their keys.
pub fn columns<'a>(
    store: &Store,
    contents: &Contents,
    table: &'a Table,
    has_rules: bool,
    says: bool,
) -> Result<Vec<Read<'a>>> {
    let text_keys = has_text_keys(store);
    let says =
        says && table.role != TableRole::Project && !(text_keys && store.rewrites_text_keys_everywhere());
    // Rules remove members of documents and change others.
    let by_rule = |column: &Column| has_rules && table.document_column.as_ref() == Some(&column.name);
    let of_uuids = |type_name: &str| {
        plan::is_text(type_name.trim_end_matches("[]"))
            || matches!(
                type_name,
                "uuid" | "uuid[]" | "json" | "jsonb" | "jsonb[]" | "json[]"
            )
    };
    let columns = table
        .columns
        .iter()
        .filter(|column| matches!(column.role, ColumnRole::Map(None) | ColumnRole::Rewrite))
        .filter(|column| of_uuids(&column.type_name) && !by_rule(column));
    let mut read = Vec::new();
    for column in columns {
        let whole = is_declared(table, column);
        let paths = paths(table, column)?;
        let compares = says
            && column.role == ColumnRole::Rewrite
            && !contents.has_column(table, column)
            && !(whole && names_text_keys(store, table, column))
            && match column.type_name.as_str() {
                "json" | "jsonb" => true,
                name => plan::is_text(name.trim_end_matches("[]")) && (whole || !text_keys),
            };
        // Where a document has declared keys, UUIDs elsewhere in it are rewritten too.
        if !whole || compares {
            read.push(Read {
                column,
                follows: !whole,
                compares,
                keys: match (whole, text_keys) {
                    (true, _) => Keys::Numbers,
                    (false, true) => Keys::Texts,
                    (false, false) => Keys::BehindSlash,
                },
                paths,
            });
        }
    }
    Ok(read)
}

/// Whether the values of a column are keys, or texts that consist of them.
fn is_declared(table: &Table, column: &Column) -> bool {
    let keys = table.keys.foreign_keys.iter().flat_map(|key| &key.columns);
    let references = table
        .keys
        .references
        .iter()
        .filter(|reference| !matches!(reference.form, ReferenceForm::Json(_)))
        .map(|reference| &reference.column);
    keys.chain(references).any(|name| *name == column.name)
        || table.id_column.as_ref() == Some(&column.name)
        || table.project_column.as_ref() == Some(&column.name)
}

/// The paths of the keys in a document, with the conditions.
fn paths(table: &Table, column: &Column) -> Result<Vec<(DocumentPath, Option<String>)>> {
    let mut paths = Vec::new();
    for reference in table.keys.references.iter().filter(|r| r.column == column.name) {
        if let ReferenceForm::Json(path) = &reference.form {
            paths.push((
                DocumentPath::of_column(&column.name, path)?,
                reference.condition.clone(),
            ));
        }
    }
    Ok(paths)
}

/// Whether a key of a table is a text that a clone changes.
fn is_text_key(store: &Store, oid: Oid, name: &str) -> bool {
    store
        .table(oid)
        .and_then(|table| table.column(name))
        .is_some_and(|key| key.role != ColumnRole::Keep && KeyKind::of(&key.type_name) == KeyKind::Text)
}

/// Whether keys of the store's tables are such texts.
fn has_text_keys(store: &Store) -> bool {
    store.tables.iter().any(|table| {
        table
            .id_column
            .as_deref()
            .is_some_and(|id| is_text_key(store, table.oid, id))
            || table
                .keys
                .references
                .iter()
                .any(|reference| is_text_key(store, reference.target, &reference.target_column))
            || table.keys.foreign_keys.iter().any(|key| {
                let mut columns = key.target_columns.iter();
                columns.any(|name| is_text_key(store, key.target, name))
            })
    })
}

/// Whether a column has such keys, whole or as parts of texts.
fn names_text_keys(store: &Store, table: &Table, column: &Column) -> bool {
    let key = |(target, name): (Oid, &String)| is_text_key(store, target, name);
    let references = table.keys.references.iter().filter(|r| r.column == column.name);
    let keys = table
        .keys
        .foreign_keys
        .iter()
        .filter(|key| key.columns.contains(&column.name));
    references.map(|r| (r.target, &r.target_column)).any(key)
        || keys
            .flat_map(|k| k.target_columns.iter().map(|name| (k.target, name)))
            .any(key)
        || table.id_column.as_ref() == Some(&column.name)
}
