//! A store as the catalog describes it: its tables, how their rows belong to a project, what each column gets.

use super::keys::{ColumnKeys, Outside, TableKeys};
use crate::error::{Code, Error, Result};

/// Object id of a table, as PostgreSQL counts them.
pub type Oid = u32;

/// What a table is in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableRole {
    /// One row per project.
    Project,
    /// One row per resource.
    Resource,
    /// Rows computed from a resource, or children of one.
    Derived,
    /// One row per version of a resource.
    History,
}

impl TableRole {
    /// Reads the catalog's word.
    pub fn parse(word: &str) -> Result<Self> {
        match word {
            "project" => Ok(TableRole::Project),
            "resource" => Ok(TableRole::Resource),
            "derived" => Ok(TableRole::Derived),
            "history" => Ok(TableRole::History),
            _ => Err(Error::new(
                Code::StoreChanged,
                format!("unknown table role \"{word}\" in clone.store_relation"),
            )),
        }
    }

    /// The catalog's word.
    pub fn word(self) -> &'static str {
        match self {
            TableRole::Project => "project",
            TableRole::Resource => "resource",
            TableRole::Derived => "derived",
            TableRole::History => "history",
        }
    }
}

/// What the clone gets in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnRole {
    /// The source's value.
    Keep,
    /// The new id of the id that stands there; the table whose keys stand there, where they are not UUIDs.
    Map(Option<Oid>),
    /// Ids inside a document, a text or an array are rewritten.
    Rewrite,
    /// The new project's id.
    Project,
    /// The new version id of the resource.
    Version,
    /// The next value of the column's sequence.
    Key,
    /// The `name` argument if given, else the source's value.
    Name,
    /// The `owner` argument if given, else the source's value.
    Owner,
    /// The transaction's time.
    Now,
    /// A random UUID.
    NewUuid,
    /// NULL.
    Null,
    /// A constant, in the type's text form.
    Value(String),
    /// Left out of the insert.
    Default,
    /// Letters and digits anew, of the same length and kinds.
    Random,
    /// A text with `{value}`, `{name}`, `{n}`, `{new_id}`, `{project}`.
    Template(String),
    /// What an SQL expression over the source's row yields.
    Expression(String),
    /// A copy of the large object that stands there.
    LargeObject,
}

impl ColumnRole {
    /// Reads the catalog's words.
    pub fn parse(word: &str, target: Option<Oid>, value: Option<String>) -> Result<Self> {
        Ok(match word {
            "keep" => ColumnRole::Keep,
            "map" => ColumnRole::Map(target),
            "rewrite" => ColumnRole::Rewrite,
            "project" => ColumnRole::Project,
            "version" => ColumnRole::Version,
            "key" => ColumnRole::Key,
            "name" => ColumnRole::Name,
            "owner" => ColumnRole::Owner,
            "now" => ColumnRole::Now,
            "new_uuid" => ColumnRole::NewUuid,
            "null" => ColumnRole::Null,
            "value" => ColumnRole::Value(value.unwrap_or_default()),
            "default" => ColumnRole::Default,
            "random" => ColumnRole::Random,
            "suffix" => ColumnRole::Template("{value}-{n}".to_owned()),
            "template" => ColumnRole::Template(value.unwrap_or_default()),
            "expression" => ColumnRole::Expression(value.unwrap_or_default()),
            "large_object" => ColumnRole::LargeObject,
            _ => {
                return Err(Error::new(
                    Code::StoreChanged,
                    format!("unknown column role \"{word}\" in clone.store_column"),
                ));
            }
        })
    }

    /// The catalog's word.
    pub fn word(&self) -> &'static str {
        match self {
            ColumnRole::Keep => "keep",
            ColumnRole::Map(_) => "map",
            ColumnRole::Rewrite => "rewrite",
            ColumnRole::Project => "project",
            ColumnRole::Version => "version",
            ColumnRole::Key => "key",
            ColumnRole::Name => "name",
            ColumnRole::Owner => "owner",
            ColumnRole::Now => "now",
            ColumnRole::NewUuid => "new_uuid",
            ColumnRole::Null => "null",
            ColumnRole::Value(_) => "value",
            ColumnRole::Default => "default",
            ColumnRole::Random => "random",
            ColumnRole::Template(template) if template == "{value}-{n}" => "suffix",
            ColumnRole::Template(_) => "template",
            ColumnRole::Expression(_) => "expression",
            ColumnRole::LargeObject => "large_object",
        }
    }
}

/// A column of a table of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    /// Its type as `format_type` writes it.
    pub type_name: String,
    /// What the clone gets.
    pub role: ColumnRole,
    /// Why, for the plan.
    pub reason: String,
    /// NULL is refused.
    pub not_null: bool,
    /// The server computes it: it cannot be written.
    pub generated: bool,
    /// What the database says of it as a key.
    pub keys: ColumnKeys,
}

/// Whether a table can be filled by the bulk path, as its live shape says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertPath {
    /// The server's multi-insert.
    Bulk,
    /// A plain `INSERT`, and why it must be.
    Sql(String),
}

/// A table of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its object id.
    pub oid: Oid,
    /// Quoted and schema-qualified name, ready for SQL.
    pub sql_name: String,
    /// Its schema, unquoted.
    pub schema: String,
    /// Its description.
    pub role: TableRole,
    /// The catalog's order.
    pub position: i32,
    /// Type of all its resources, if fixed.
    pub resource_type: Option<String>,
    /// Column that says the type.
    pub type_column: Option<String>,
    /// Its key.
    pub id_column: Option<String>,
    /// Column that holds the project's id.
    pub project_column: Option<String>,
    /// Tables that `join_column` names.
    pub parents: Vec<Oid>,
    /// Column by which rows belong to a row of a parent.
    pub join_column: Option<String>,
    /// The document.
    pub document_column: Option<String>,
    /// Nobody has said so: it is the only JSON column, and need not say the row's id.
    pub document_inferred: bool,
    /// Where the document says its version.
    pub version_path: Option<Vec<String>>,
    /// SQL condition on live rows.
    pub live: Option<String>,
    /// SQL condition without which a row may belong to somebody else: the one on live rows, where neither a project column nor a
    /// foreign key proves whose a row is (`kind = 'post'` of a table that names rows of several tables). It holds wherever
    /// membership is asked for, in deletion and verification too.
    pub membership: Option<String>,
    /// Cloned unless the call says otherwise.
    pub cloned: bool,
    /// Key template of each row's file.
    pub blob_key: Option<String>,
    /// Only resources of this type have a file.
    pub blob_type: Option<String>,
    /// Its columns in the table's order.
    pub columns: Vec<Column>,
    /// How it can be filled.
    pub path: InsertPath,
    /// The store's finish function writes its rows of the clone: they are counted only.
    pub left_to_finish: bool,
    /// Its kind as pg_class says it: r, p, v, f.
    pub kind: String,
    /// Tables that inherit from it (not its partitions), quoted and qualified.
    pub inherited_by: Vec<String>,
    /// Its children are tables of the store themselves: only its own rows are meant.
    pub only: bool,
    /// Its rows are not in this server's own tables: a foreign table, or what an extension keeps.
    pub elsewhere: bool,
    /// No block on disk, no child, no other engine: no row to read.
    pub empty: bool,
    /// Tables its foreign keys name.
    pub references: Vec<Oid>,
    /// Its foreign keys (oids of constraints) from the project column to the project table.
    pub project_keys: Vec<Oid>,
    /// The relation from which the source's rows are read, ready for SQL; None: this table.
    pub source: Option<String>,
    /// Its keys and references.
    pub keys: TableKeys,
}

impl Table {
    /// The relation from which the source's rows are read, ready for SQL.
    pub fn source_name(&self) -> &str {
        self.source.as_deref().unwrap_or(&self.sql_name)
    }

    /// Whether rows of this table are cloned at all: `cloned` of the catalog, or its type is named. Of resources it is decided row
    /// by row.
    pub fn takes_part(&self, resource_types: &[String]) -> bool {
        matches!(self.role, TableRole::Project | TableRole::Resource)
            || self.cloned
            || self
                .resource_type
                .as_ref()
                .is_some_and(|name| resource_types.contains(name))
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Type of a column, empty where there is none.
    pub fn type_of(&self, name: &str) -> &str {
        self.column(name).map_or("", |c| c.type_name.as_str())
    }
}

/// What brings what along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Type that was chosen, `*` for any.
    pub resource_type: String,
    /// Type that comes along.
    pub includes_type: String,
    /// Empty: what the document references; else the column of `includes_type`'s table that references the resource.
    pub via_column: String,
}

/// A store.
#[derive(Debug, Clone)]
pub struct Store {
    /// Its name.
    pub name: String,
    /// Its preset.
    pub preset: String,
    /// Its options.
    pub options: serde_json::Value,
    /// Its tables.
    pub tables: Vec<Table>,
    /// What chosen resources need.
    pub dependencies: Vec<Dependency>,
    /// Tables it does not describe.
    pub outside: Outside,
}

impl Store {
    /// The store as it is without [`Table::source`]: for what concerns rows of the target.
    pub fn without_sources(&self) -> Store {
        let mut store = self.clone();
        for table in &mut store.tables {
            if table.source.take().is_some() || table.empty {
                table.empty = false;
            }
        }
        store
    }

    /// The table of that oid.
    pub fn table(&self, oid: Oid) -> Option<&Table> {
        self.tables.iter().find(|t| t.oid == oid)
    }

    /// The table of that oid, to be changed.
    pub fn table_mut(&mut self, oid: Oid) -> Option<&mut Table> {
        self.tables.iter_mut().find(|t| t.oid == oid)
    }

    /// The project table.
    pub fn project_table(&self) -> Result<&Table> {
        self.tables.iter().find(|t| t.role == TableRole::Project).ok_or_else(|| {
            Error::new(Code::StoreChanged, format!("store \"{}\" has no project table", self.name))
                .hint("Describe it: SELECT clone.store_table('<store>', '<table>', 'project', id_column => '<key>').")
        })
    }
}
