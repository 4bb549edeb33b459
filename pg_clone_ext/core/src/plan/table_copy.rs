//! How the rows of one target table are made: the query over the source and the action for each column.

use super::call_options::History;
use super::columns::ColumnRole;
use super::columns::column_action::action;
use super::keys::{KeyForm, KeyRef};
use super::membership::condition;
use super::quote::{identifier, text_of, type_name};
use super::row_filter::row_filter;
use super::source_query::SourceQuery;
use super::store::{Column, Oid, Store, Table, TableRole};
use super::types::{is_numeric, is_plain_text, is_text};
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
    /// By the name from `format_type`.
    pub fn of(type_name: &str) -> Self {
        match type_name {
            "uuid" => KeyKind::Uuid,
            "smallint" | "integer" | "bigint" => KeyKind::Int,
            _ => KeyKind::Text,
        }
    }
}

/// Keys at a JSONPath of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPlace {
    /// JSONPath.
    pub path: String,
    /// The keys, each with the characters that separate keys, if a value is not one key as a whole.
    pub keys: Vec<(KeyRef, Option<String>)>,
    /// Place of the condition in the query's list.
    pub condition: Option<usize>,
}

/// The action for one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Copied.
    Keep,
    /// The new value of a key; the key is not needed for UUIDs.
    Map(KeyKind, Option<KeyRef>),
    /// The first key whose condition (a boolean at that place of the query's list) is true.
    MapWhen(Vec<(usize, KeyKind, KeyRef)>),
    /// Each element of an array of integers or texts is a key: those of the rows whose condition (a boolean at that place of the
    /// query's list) is true. A text can be a key of several tables; it is looked up in each.
    MapArray(Vec<(Option<usize>, KeyRef)>),
    /// The text's segments between these characters are keys.
    MapSegments {
        /// Which, the characters between them, and the condition on the row (a boolean at that place of the query's list).
        keys: Vec<(Option<usize>, KeyRef, String)>,
        /// Whether UUIDs in it are rewritten too.
        rewrite: bool,
    },
    /// Keys at JSONPaths of a document, in addition to ids that are rewritten in it.
    JsonReferences {
        /// Whether the document is a `jsonb`.
        jsonb: bool,
        /// Whether UUIDs and references in it are rewritten too.
        rewrite: bool,
        /// The JSONPaths.
        paths: Vec<JsonPlace>,
    },
    /// Ids in the value's text form, for types whose layout is not known.
    ViaText,
    /// Random letters and digits.
    Random,
    /// A text with placeholders.
    Template(String),
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
    /// The new project's id; NULL stays, because the row belongs in another way.
    ProjectUnlessNull,
    /// The new version of the resource, found in the document.
    VersionOfDocument,
    /// The `name` argument if given, otherwise kept.
    Name,
    /// The `owner` argument if given, otherwise kept, or the new value of the key.
    Owner(Option<KeyRef>),
    /// Now.
    Now,
    /// A random UUID.
    NewUuid,
    /// NULL.
    Null,
    /// A constant in text form.
    Value(String),
    /// The oid of a large object, of which the clone gets a copy. Where no trigger deletes the object with the row, all columns that name the
    /// same object name the same copy.
    LargeObject {
        /// Whether a trigger deletes it.
        managed: bool,
    },
}

/// One column of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the target, unquoted.
    pub column: String,
    /// Its type.
    pub type_name: String,
    /// Place of its source value in the query's list; 0 for actions without a source.
    pub source: usize,
    /// What happens to it.
    pub action: Action,
    /// The target column is NOT NULL.
    pub not_null: bool,
    /// Its source is an expression of the base type: no domain has checked the value.
    pub computed: bool,
    /// Place of a key in its canonical form, in which equal keys have the same text; otherwise the same as `source`.
    pub lookup: usize,
    /// [`Table::embeds_keys`].
    pub embedded: bool,
}

/// Which of the query's rows are cloned: those with a mapped key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFilter {
    /// Place of the key in the query's list.
    pub source: usize,
    /// Its kind.
    pub kind: KeyKind,
    /// The type of the keys that it may be, as `format_type` writes it.
    pub type_name: String,
    /// The keys that it may be.
    pub keys: Vec<KeyRef>,
    /// The tables that it references.
    pub tables: Vec<Oid>,
    /// Only rows in which this place of the list is true.
    pub condition: Option<usize>,
    /// Alternative filters: a row is cloned if any of them matches.
    pub others: Vec<RowFilter>,
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
    /// Place of the document in the query's list, and its storage form in the source's table.
    pub document_source: Option<(usize, DocumentFormat)>,
    /// Path of the version in the document.
    pub version_path: Option<Vec<String>>,
    /// The query.
    pub sql: String,
    /// Which rows.
    pub row_filter: RowFilter,
    /// The target's columns.
    pub outputs: Vec<Output>,
}

/// The columns and expressions that a query reads.
pub(super) struct SelectList(pub(super) Vec<String>);

impl SelectList {
    pub(super) fn place(&mut self, column: &str) -> usize {
        let quoted = format!("t.{}", identifier(column));
        if let Some(found) = self.0.iter().position(|c| *c == quoted) {
            return found;
        }
        self.0.push(quoted);
        self.0.len() - 1
    }

    pub(super) fn expression(&mut self, sql: String) -> usize {
        if let Some(found) = self.0.iter().position(|c| *c == sql) {
            return found;
        }
        self.0.push(sql);
        self.0.len() - 1
    }

    /// A column as a key in canonical form, in which equal keys are equal values.
    pub(super) fn key(&mut self, table: &Table, column: &str) -> usize {
        match canonical_key(table, column, "t") {
            Some(sql) => self.expression(sql),
            None => self.place(column),
        }
    }

    /// The same for a column that refers to a key of this type. A `citext` or `character(n)` that refers to a key of another type is compared
    /// as that type does.
    pub(super) fn lookup(&mut self, table: &Table, column: &str, key_type: &str) -> usize {
        let (own, of_key) = (KeyForm::of(table.type_of(column)), KeyForm::of(key_type));
        match matches!(own, KeyForm::Folded | KeyForm::Padded) && own != of_key {
            true => self.expression(table.text_of("t", column)),
            false => self.key(table, column),
        }
    }

    fn as_text(&mut self, table: &Table, column: &str) -> usize {
        self.0.push(table.text_of("t", column));
        self.0.len() - 1
    }
}

/// The table copy of a table; None if no row can belong to the project (or history is not cloned).
/// An inconsistent catalog is an error (55000).
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
    // With one version per resource the history row is made from the resource's row, so that both are equal.
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

    let mut list = SelectList(Vec::new());
    let row_filter = row_filter(store, source_table, &mut list).ok_or_else(|| {
        broken(format!(
            "table {} has no column that ties its rows to a resource",
            table.sql_name
        ))
    })?;
    let type_source = source_table
        .type_column
        .as_deref()
        .map(|column| match source_table.type_of(column) {
            "text" => list.place(column),
            // For example an enum, whose datum is not a text.
            _ => list.as_text(source_table, column),
        });
    let mut outputs = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        if column.generated || (column.role == ColumnRole::Default && history != History::AsIs) {
            continue;
        }
        let from = counterpart(table, source_table, column);
        let action = match history {
            History::AsIs => Some(Action::Keep),
            _ => action(store, table, source_table, column, history, &mut list),
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
        let source = match (&column.role, needs_source, from) {
            (ColumnRole::Expression(sql), ..) if action == Action::Keep => {
                list.expression(format!("({sql})::{}", type_name(&column.type_name)))
            }
            // The value is read by the layout of its type there and written as one of the type here.
            (_, true, Some(from)) if from.type_name != column.type_name => {
                return Err(broken(format!(
                    "column {}.{} has type {}, in {} it has type {}",
                    table.sql_name, column.name, column.type_name, source_table.sql_name, from.type_name
                )));
            }
            (_, true, Some(from)) => list.place(&from.name),
            (_, true, None) => return Err(no_counterpart(store, table, source_table, column)),
            (_, false, _) => 0,
        };
        let lookup = match (&action, from) {
            (Action::Map(KeyKind::Text, _) | Action::MapWhen(_), Some(from)) => {
                list.key(source_table, &from.name)
            }
            _ => source,
        };
        outputs.push(Output {
            column: column.name.clone(),
            type_name: column.type_name.clone(),
            source,
            action,
            not_null: column.not_null,
            computed: matches!(column.role, ColumnRole::Expression(_)),
            lookup,
            embedded: table.embeds_keys(column),
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
        sql: SourceQuery::over(&source_table.from_sql())
            .filter(belongs)
            .select(&list.0.join(", ")),
        row_filter,
        outputs,
    }))
}

/// The column of the source's table from which a column of the clone's is made: for a history that is made of the rows of its
/// resources the column with the same name, for the join column and the document those of the resource.
fn counterpart<'a>(table: &'a Table, source_table: &'a Table, column: &'a Column) -> Option<&'a Column> {
    if source_table.oid == table.oid {
        return Some(column);
    }
    let is = |named: &Option<String>| named.as_deref() == Some(column.name.as_str());
    let other = if is(&table.join_column) {
        source_table.id_column.as_deref()
    } else if is(&table.document_column) {
        source_table.document_column.as_deref()
    } else {
        None
    };
    source_table.column(other.unwrap_or(&column.name))
}

fn no_counterpart(store: &Store, table: &Table, source_table: &Table, column: &Column) -> Error {
    Error::new(
        Code::StoreChanged,
        format!(
            "column {}.{} has no counterpart in {}",
            table.sql_name, column.name, source_table.sql_name
        ),
    )
    .detail("With the option \"history\": \"current\", the one version of a resource is made of its row.")
    .hint(format!(
        "Call it with options => '{{\"history\": \"full\"}}' or '{{\"history\": \"none\"}}', or say what the column gets: SELECT clone.store_column({}, {}, {}, '<role>');",
        super::quote::literal(&store.name),
        super::quote::literal(&table.sql_name),
        super::quote::literal(&column.name)
    ))
}

/// A key column in canonical form, in which keys that are equal by the type's operator are equal values. None: unchanged.
pub fn canonical_key(table: &Table, column: &str, alias: &str) -> Option<String> {
    let name = table.type_of(column);
    let quoted = format!("{alias}.{}", identifier(column));
    match name {
        "uuid" | "smallint" | "integer" | "bigint" => None,
        _ if is_plain_text(name) => None,
        _ if is_text(name) => Some(format!("pg_catalog.lower({})", text_of(&quoted, name))),
        _ if is_numeric(name) => Some(format!("pg_catalog.trim_scale({quoted})::pg_catalog.text")),
        _ => Some(text_of(&quoted, name)),
    }
}
