//! How the rows of one target table are made: the query over the source and what becomes of each column.

use super::membership::condition;
use super::quote::identifier;
use super::request::History;
use super::store::{Column, ColumnRole, Oid, Store, Table, TableRole};
use super::types::is_text;
use crate::batch::DocumentFormat;
use crate::error::{Code, Error, Result};
use std::collections::HashSet;

/// What kind of key a column holds, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `uuid`.
    Uuid,
    /// `smallint`, `integer`, `bigint`.
    Int,
    /// Any text type.
    Text,
}

impl KeyKind {
    /// By the name `format_type` gives.
    pub fn of(type_name: &str) -> Self {
        match type_name {
            "uuid" => KeyKind::Uuid,
            "smallint" | "integer" | "bigint" => KeyKind::Int,
            _ => KeyKind::Text,
        }
    }
}

/// What happens to one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Taken over.
    Keep,
    /// The new id of the id there; in the domain of that table if keys are integers.
    Map(KeyKind, Option<Oid>),
    /// Each element of a `uuid[]` is mapped.
    MapUuidArray,
    /// Each element of a `text[]` is an id.
    MapTextArray,
    /// A JSON document as text (`document`: the resource's own, on which rules act).
    JsonText {
        /// Whether rules act on it.
        document: bool,
    },
    /// A `jsonb` document.
    Jsonb {
        /// Whether rules act on it.
        document: bool,
    },
    /// A text value with ids in it.
    Text,
    /// An array of them.
    TextArray,
    /// The new project's id.
    Project,
    /// The new version of the resource, found in the document.
    VersionOfDocument,
    /// The `name` argument if given, else kept.
    Name,
    /// The `owner` argument if given, else kept.
    Owner,
    /// Now.
    Now,
    /// A random UUID.
    NewUuid,
    /// NULL.
    Null,
    /// A constant in text form.
    Value(String),
    /// The oid of a large object, of which the clone gets a copy.
    LargeObject,
}

/// One column of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the target, unquoted.
    pub column: String,
    /// Its type.
    pub type_name: String,
    /// Where its source value stands in the query's list; actions without a source name column 0.
    pub source: usize,
    /// What happens to it.
    pub action: Action,
    /// NULL is refused by the target.
    pub not_null: bool,
}

/// Which of the query's rows are cloned: those whose key here was mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFilter {
    /// Place of the key in the query's list.
    pub source: usize,
    /// Its kind.
    pub kind: KeyKind,
    /// Its type, as `format_type` writes it.
    pub type_name: String,
    /// Tables in whose domain it is (integer keys).
    pub domains: Vec<Oid>,
}

/// The making of one target table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCopy {
    /// The target.
    pub table: Oid,
    /// Fixed type of its resources.
    pub resource_type: Option<String>,
    /// Place of the type in the query's list, where it differs by row.
    pub type_source: Option<usize>,
    /// Place of the document in the query's list, and the form in which the source's table keeps it.
    pub document_source: Option<(usize, DocumentFormat)>,
    /// Where the document says its version.
    pub version_path: Option<Vec<String>>,
    /// The query.
    pub sql: String,
    /// Which rows.
    pub row_filter: RowFilter,
    /// The target's columns.
    pub outputs: Vec<Output>,
}

struct SelectList(Vec<String>);

impl SelectList {
    fn place(&mut self, column: &str) -> usize {
        let quoted = format!("t.{}", identifier(column));
        if let Some(found) = self.0.iter().position(|c| *c == quoted) {
            return found;
        }
        self.0.push(quoted);
        self.0.len() - 1
    }

    fn as_text(&mut self, column: &str) -> usize {
        self.0.push(format!("t.{}::pg_catalog.text", identifier(column)));
        self.0.len() - 1
    }
}

/// The table_copy of a table; None where no row can belong to the project (or the run wants no history).
/// A catalog that does not fit itself is an error (55000).
pub fn table_copy(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    history: History,
) -> Result<Option<TableCopy>> {
    let broken = |what: String| {
        Error::new(Code::StoreChanged, what).hint(format!(
            "Describe the store again: SELECT clone.store_refresh({}).",
            super::quote::literal(&store.name)
        ))
    };
    // With one version per resource the history row is made from the resource's own row: it equals it by construction.
    let source_table = match (table.role, history) {
        (TableRole::History, History::None) => return Ok(None),
        (TableRole::History, History::Current) => table
            .parents
            .first()
            .and_then(|oid| store.table(*oid))
            .ok_or_else(|| broken(format!("history table {} has no parent table", table.sql_name)))?,
        _ => table,
    };
    if !active.contains(&source_table.oid)
        && matches!(source_table.role, TableRole::Project | TableRole::Resource)
    {
        return Ok(None);
    }
    if source_table.empty {
        return Ok(None);
    }
    let all = history.is_complete();
    let Some(belongs) = condition(store, source_table, project, active, all)? else {
        return Ok(None);
    };

    let filter_column = match source_table.role {
        TableRole::Project | TableRole::Resource => source_table.id_column.as_deref(),
        TableRole::History => source_table.join_column.as_deref(),
        TableRole::Derived => source_table
            .join_column
            .as_deref()
            .or(source_table.id_column.as_deref()),
    }
    .or(source_table.project_column.as_deref())
    .ok_or_else(|| {
        broken(format!(
            "table {} has no column that ties its rows to a resource",
            table.sql_name
        ))
    })?;
    let mut list = SelectList(Vec::new());
    let row_filter = RowFilter {
        source: list.place(filter_column),
        kind: KeyKind::of(source_table.type_of(filter_column)),
        type_name: source_table.type_of(filter_column).to_owned(),
        domains: if source_table.join_column.as_deref() == Some(filter_column) {
            source_table.parents.clone()
        } else {
            vec![source_table.oid]
        },
    };
    let type_source = source_table
        .type_column
        .as_deref()
        .map(|column| match source_table.type_of(column) {
            "text" => list.place(column),
            // An enum, say: its datum is no text.
            _ => list.as_text(column),
        });
    let mut outputs = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        if column.generated || (column.role == ColumnRole::Default && history != History::AsIs) {
            continue;
        }
        let from = if source_table.oid == table.oid {
            Some(column)
        } else {
            source_table.column(&column.name)
        };
        let action = match history {
            History::AsIs => Some(Action::Keep),
            _ => action(table, source_table, column, history),
        };
        let action = action.ok_or_else(|| {
            broken(format!(
                "column {}.{} cannot be {}",
                table.sql_name,
                column.name,
                column.role.word()
            ))
        })?;
        let needs_source = !matches!(
            action,
            Action::Project
                | Action::VersionOfDocument
                | Action::Now
                | Action::NewUuid
                | Action::Null
                | Action::Value(_)
        );
        let source = match (needs_source, from) {
            // The value is read by the layout of its type there and written as one of the type here.
            (true, Some(from)) if from.type_name != column.type_name => {
                return Err(broken(format!(
                    "column {}.{} has type {}, in {} it has type {}",
                    table.sql_name, column.name, column.type_name, source_table.sql_name, from.type_name
                )));
            }
            (true, Some(from)) => list.place(&from.name),
            (true, None) => {
                return Err(broken(format!(
                    "column {}.{} has no counterpart in {}",
                    table.sql_name, column.name, source_table.sql_name
                )));
            }
            (false, _) => 0,
        };
        outputs.push(Output {
            column: column.name.clone(),
            type_name: column.type_name.clone(),
            source,
            action,
            not_null: column.not_null,
        });
    }
    let document_source = source_table.document_column.as_deref().map(|column| {
        (
            list.place(column),
            DocumentFormat::of(source_table.type_of(column)),
        )
    });
    Ok(Some(TableCopy {
        table: table.oid,
        resource_type: source_table.resource_type.clone(),
        type_source,
        document_source,
        version_path: source_table.version_path.clone(),
        sql: format!(
            "SELECT {} FROM {} AS t WHERE {belongs}",
            list.0.join(", "),
            source_table.source_name()
        ),
        row_filter,
        outputs,
    }))
}

fn action(table: &Table, source_table: &Table, column: &Column, history: History) -> Option<Action> {
    let type_name = column.type_name.as_str();
    let document = source_table.document_column.as_deref() == Some(column.name.as_str());
    Some(match &column.role {
        ColumnRole::Keep => Action::Keep,
        ColumnRole::Project => Action::Project,
        ColumnRole::Name => Action::Name,
        ColumnRole::Owner => Action::Owner,
        ColumnRole::Now => Action::Now,
        ColumnRole::NewUuid => Action::NewUuid,
        ColumnRole::Null => Action::Null,
        ColumnRole::Value(value) => Action::Value(value.clone()),
        ColumnRole::Default => return None,
        // A counter of versions begins anew, with all its versions it goes on as it is.
        ColumnRole::Version if KeyKind::of(type_name) == KeyKind::Int => {
            if history == History::Full {
                Action::Keep
            } else {
                Action::Value("1".to_owned())
            }
        }
        ColumnRole::Version if table.oid != source_table.oid => Action::VersionOfDocument,
        ColumnRole::Version => Action::Map(KeyKind::of(type_name), None),
        ColumnRole::Key => Action::Map(KeyKind::of(type_name), Some(table.oid)),
        ColumnRole::Map(target) => match type_name {
            "uuid[]" => Action::MapUuidArray,
            "text[]" | "character varying[]" => Action::MapTextArray,
            _ => {
                let own = table.id_column.as_deref() == Some(column.name.as_str());
                let joins = table.join_column.as_deref() == Some(column.name.as_str());
                let domain = target.or(if own {
                    Some(table.oid)
                } else if joins {
                    table.parents.first().copied()
                } else {
                    None
                });
                Action::Map(KeyKind::of(type_name), domain)
            }
        },
        ColumnRole::Rewrite => match type_name {
            "jsonb" => Action::Jsonb { document },
            "json" => Action::JsonText { document },
            "uuid" => Action::Map(KeyKind::Uuid, None),
            "uuid[]" => Action::MapUuidArray,
            "text[]" | "character varying[]" => Action::TextArray,
            name if is_text(name) && document => Action::JsonText { document },
            name if is_text(name) => Action::Text,
            _ => return None,
        },
    })
}
