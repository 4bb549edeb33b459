//! The versions of resources that have files, as a table and its history say: a clone copies their files, a deletion removes them, so
//! both read them here.

use crate::pg::query::for_each_row;
use crate::pg::query::row::Row;
use crate::run::keys::Key;
use pg_clone_core::edit::member;
use pg_clone_core::error::Result;
use pg_clone_core::jsonb;
use pg_clone_core::plan::{ColumnRole, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote};
use std::collections::HashMap;
use std::rc::Rc;

/// What the row of a resource says about its files, the same for all versions.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its type; empty if nothing says it.
    pub resource_type: String,
    /// Its values in the columns that were asked for.
    pub columns: Vec<Option<String>>,
}

/// A version of a resource that has a file.
#[derive(Debug)]
pub struct FileRow {
    /// Key of the resource.
    pub key: Key,
    /// Its row.
    pub resource: Rc<Resource>,
    /// Its version, if one is recorded.
    pub version: Option<String>,
    /// The media type that the document says.
    pub content_type: Option<String>,
}

/// Which rows are read, and what of them.
#[derive(Debug, Clone, Copy)]
pub struct FileRows<'a> {
    /// The table with the files.
    pub table: &'a Table,
    /// Columns of the table whose values are wanted.
    pub columns: &'a [String],
    /// Condition on the rows `t` of the table.
    pub condition: &'a str,
    /// The table's history with the condition on its rows, if the versions in it have files of their own.
    pub history: Option<(&'a Table, &'a str)>,
}

/// The history of a table, if it has one.
pub fn history_of(store: &Store, table: Oid) -> Option<&Table> {
    store
        .tables
        .iter()
        .find(|other| other.role == TableRole::History && other.parents.contains(&table))
}

impl FileRows<'_> {
    /// Calls `each` for every version: those of the table, then those of its history. A version that is in both comes twice. Versions
    /// of resources without a row are left out: nothing says where their files are.
    pub fn for_each(&self, each: &mut dyn FnMut(FileRow) -> Result<()>) -> Result<()> {
        let Some(id) = self.table.id_column.as_deref() else {
            return Ok(());
        };
        let mut resources: HashMap<Key, Rc<Resource>> = HashMap::new();
        let with_history = self.history.is_some();
        let condition = format!("({}){}", self.condition, self.of_type());
        self.read(self.table, id, &condition, &mut |row, found| {
            let (row_type, columns) = self.own_columns(row)?;
            let resource_type = row_type
                .or_else(|| self.table.resource_type.clone())
                .unwrap_or_default();
            if self
                .table
                .blob_type
                .as_ref()
                .is_some_and(|only| *only != resource_type)
            {
                return Ok(());
            }
            let resource = Rc::new(Resource {
                resource_type,
                columns,
            });
            if with_history {
                resources.insert(found.0.clone(), Rc::clone(&resource));
            }
            each(file_row(found, resource))
        })?;
        let Some((history, condition)) = self.history else {
            return Ok(());
        };
        let Some(join) = history.join_column.as_deref() else {
            return Ok(());
        };
        self.read(
            history,
            join,
            condition,
            &mut |_, found| match resources.get(&found.0) {
                Some(resource) => each(file_row(found, Rc::clone(resource))),
                None => Ok(()),
            },
        )
    }

    /// The condition that leaves out rows of other types than that of files, which may be most of the table.
    fn of_type(&self) -> String {
        match (&self.table.blob_type, &self.table.type_column) {
            (Some(only), Some(column)) => format!(
                " AND (t.{} IS NULL OR {} OPERATOR(pg_catalog.=) {})",
                quote::identifier(column),
                self.table.text_of("t", column),
                quote::literal(only)
            ),
            _ => String::new(),
        }
    }

    /// Calls `each` with the key, the version and the media type of every row of `from`.
    fn read(&self, from: &Table, id: &str, condition: &str, each: &mut EachRow<'_>) -> Result<()> {
        let version = from
            .columns
            .iter()
            .find(|column| column.role == ColumnRole::Version);
        let document = Document::of(from);
        let null = || "NULL::pg_catalog.text".to_owned();
        let mut columns = vec![
            format!("t.{}", quote::identifier(id)),
            version.map_or_else(null, |column| from.text_of("t", &column.name)),
            document.as_ref().map_or_else(null, |document| {
                format!("t.{}", quote::identifier(document.column))
            }),
        ];
        if from.oid == self.table.oid {
            let type_column = self.table.type_column.as_ref();
            columns.push(type_column.map_or_else(null, |column| from.text_of("t", column)));
            columns.extend(self.columns.iter().map(|column| from.text_of("t", column)));
        }
        let sql = SourceQuery::over(from.source_name())
            .filter(condition)
            .select(&columns.join(", "));
        let id_type = from.type_of(id);
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let Some(key) = Key::read(row, 0, KeyKind::of(id_type), id_type)? else {
                return Ok(());
            };
            let bytes = row.bytes(2).unwrap_or_default();
            let in_document = |path: &[&str]| document.as_ref().and_then(|d| d.string(bytes, path));
            let version = match row.text(1)? {
                Some(version) => Some(version.into_owned()),
                None => document.as_ref().and_then(|d| d.string(bytes, &d.version_path)),
            };
            each(row, (key, version, in_document(&["contentType"])))
        })?;
        Ok(())
    }

    /// The type and the columns of a row of the table.
    fn own_columns(&self, row: &Row<'_>) -> Result<(Option<String>, Vec<Option<String>>)> {
        let text = |place| Ok(row.text(place)?.map(std::borrow::Cow::into_owned));
        let columns = (0..self.columns.len()).map(|place| text(4 + place));
        Ok((text(3)?, columns.collect::<Result<_>>()?))
    }
}

/// The key, the version and the media type of a row.
type Found = (Key, Option<String>, Option<String>);
type EachRow<'a> = dyn FnMut(&Row<'_>, Found) -> Result<()> + 'a;

fn file_row((key, version, content_type): Found, resource: Rc<Resource>) -> FileRow {
    FileRow {
        key,
        resource,
        version,
        content_type,
    }
}

/// The document of a table's rows.
struct Document<'a> {
    column: &'a str,
    is_jsonb: bool,
    version_path: Vec<&'a str>,
}

impl<'a> Document<'a> {
    fn of(table: &'a Table) -> Option<Self> {
        let column = table.document_column.as_deref()?;
        let version_path = table.version_path.as_deref().unwrap_or_default();
        Some(Document {
            column,
            is_jsonb: table.type_of(column) == "jsonb",
            version_path: version_path.iter().map(String::as_str).collect(),
        })
    }

    /// The text at a path of a document.
    fn string(&self, document: &[u8], path: &[&str]) -> Option<String> {
        if document.is_empty() || path.is_empty() {
            return None;
        }
        if !self.is_jsonb {
            return member::string(document, path).map(std::borrow::Cow::into_owned);
        }
        let found = jsonb::string_at(document, path)?;
        std::str::from_utf8(found).map(str::to_owned).ok()
    }
}
