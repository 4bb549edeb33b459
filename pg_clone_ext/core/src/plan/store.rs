//! A store as described in the catalog: its tables, the membership of their rows, the role of each column.

use super::columns::ColumnRole;
use super::keys::{ColumnKeys, Outside, TableKeys};
use super::quote;
use super::types::is_text;
use crate::error::{Code, Error, Result};

/// Object id of a table.
pub type Oid = u32;

/// The role of a table in its store.
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
    /// The catalog's words.
    pub const WORDS: &'static [&'static str] = &["project", "resource", "derived", "history"];

    /// Reads the catalog's word; an unknown one is an error (55000).
    pub fn parse(word: &str) -> Result<Self> {
        match word {
            "project" => Ok(TableRole::Project),
            "resource" => Ok(TableRole::Resource),
            "derived" => Ok(TableRole::Derived),
            "history" => Ok(TableRole::History),
            _ => Err(Error::new(
                Code::Internal,
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
    /// It is NOT NULL.
    pub not_null: bool,
    /// The server computes it: it cannot be written.
    pub generated: bool,
    /// What the database knows about it as a key.
    pub keys: ColumnKeys,
}

/// The path by which a table can be filled, according to its current definition and apart from its triggers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertPath {
    /// The server's multi-insert.
    Bulk,
    /// `INSERT … SELECT`, and the reason.
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
    /// Column with the type.
    pub type_column: Option<String>,
    /// Its key.
    pub id_column: Option<String>,
    /// Column that holds the project's id.
    pub project_column: Option<String>,
    /// Tables that `join_column` references.
    pub parents: Vec<Oid>,
    /// Column by which rows belong to a row of a parent.
    pub join_column: Option<String>,
    /// The document.
    pub document_column: Option<String>,
    /// The document column was inferred, as the only JSON column; it need not contain the row's id.
    pub document_inferred: bool,
    /// Path of the version in the document.
    pub version_path: Option<Vec<String>>,
    /// SQL condition on live rows.
    pub live: Option<String>,
    /// SQL condition that is part of the membership: the one on live rows, if neither a project column nor a
    /// foreign key proves to which project a row belongs (`kind = 'post'` of a table that refers to rows of several tables). It applies to
    /// deletion and verification too.
    pub membership: Option<String>,
    /// Whether it is cloned by default.
    pub cloned: bool,
    /// Key template of each row's file.
    pub blob_key: Option<String>,
    /// Only resources of this type have a file.
    pub blob_type: Option<String>,
    /// Its columns in the table's order.
    pub columns: Vec<Column>,
    /// How it can be filled.
    pub path: InsertPath,
    /// The names of the triggers that an INSERT fires, also those of its partitions; None: it has none.
    pub triggers: Option<String>,
    /// One of them fires for each row before it is inserted, and so can change the row.
    pub triggers_before_row: bool,
    /// The store's finish function writes its rows; the run only counts them.
    pub left_to_finish: bool,
    /// Its `relkind` in pg_class: r, p, v, f.
    pub kind: String,
    /// Tables that inherit from it (not its partitions), quoted and qualified.
    pub inherited_by: Vec<String>,
    /// Its children are tables of the store: only its own rows are read.
    pub only: bool,
    /// Its rows are not stored in this server: a foreign table, or a table of a distributed engine.
    pub elsewhere: bool,
    /// It has no block on disk, no child and no other storage: it has no rows.
    pub empty: bool,
    /// Tables that its foreign keys reference.
    pub references: Vec<Oid>,
    /// Its foreign keys (oids of constraints) from the project column to the project table.
    pub project_keys: Vec<Oid>,
    /// The relation from which the source's rows are read, ready for SQL; None: this table.
    pub source: Option<String>,
    /// Its keys and references.
    pub keys: TableKeys,
}

impl Table {
    /// Whether an INSERT may fire triggers: those of the table, or of the tables below a view.
    pub fn may_fire_triggers(&self) -> bool {
        self.triggers.is_some() || self.kind == "v"
    }

    /// The relation from which the source's rows are read, ready for SQL.
    pub fn source_name(&self) -> &str {
        self.source.as_deref().unwrap_or(&self.sql_name)
    }

    /// Whether rows of this table can be cloned: `cloned` of the catalog, or its type is in `resource_types`. For resources each row is
    /// decided separately.
    pub fn takes_part(&self, resource_types: &[String]) -> bool {
        matches!(self.role, TableRole::Project | TableRole::Resource)
            || self.cloned
            || self
                .resource_type
                .as_ref()
                .is_some_and(|name| resource_types.contains(name))
    }

    /// Whether it can have resources of a type: it has a column with the type, or all its resources are of this type.
    pub fn may_hold(&self, resource_type: &str) -> bool {
        self.resource_type
            .as_ref()
            .is_none_or(|fixed| fixed == resource_type)
    }

    /// Whether its rows have a version: in a column, or in the document.
    pub fn has_version(&self) -> bool {
        let in_column = self
            .columns
            .iter()
            .any(|column| column.role == ColumnRole::Version);
        in_column || (self.document_column.is_some() && self.version_path.is_some())
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Whether rows of a clone have the ids of the source's rows: such an id names rows of both.
    pub fn keeps_id(&self) -> bool {
        let id = self.id_column.as_deref().and_then(|id| self.column(id));
        id.is_some_and(|id| id.role == ColumnRole::Keep)
    }

    /// Type of a column, empty if there is none.
    pub fn type_of(&self, name: &str) -> &str {
        self.column(name).map_or("", |c| c.type_name.as_str())
    }

    /// Type of the key, empty without one.
    pub fn id_type(&self) -> &str {
        self.id_column.as_deref().map_or("", |id| self.type_of(id))
    }

    /// The row `alias` as a JSON object, as SQL. `to_jsonb` of a whole row calls casts that users have made for their types.
    pub fn as_json(&self, alias: &str) -> String {
        let members: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                let value = match quote::is_of_the_server(&column.type_name) {
                    true => format!("{alias}.{}", quote::identifier(&column.name)),
                    false => self.text_of(alias, &column.name),
                };
                format!("({}, pg_catalog.to_jsonb({value}))", quote::literal(&column.name))
            })
            .collect();
        format!(
            "(SELECT pg_catalog.jsonb_object_agg(m.name, m.value) FROM (VALUES {}) AS m (name, value))",
            members.join(", ")
        )
    }

    /// The text form of a column of the row `alias`, as SQL.
    pub fn text_of(&self, alias: &str, name: &str) -> String {
        quote::text_of(
            &format!("{alias}.{}", quote::identifier(name)),
            self.type_of(name),
        )
    }

    /// Whether a text of this column that is no key of the referenced table is rewritten as one of an undeclared column: it may hold
    /// a key beside other text (`urn:uuid:…`, `Person/…`). Not with a foreign key: there such a text is the key of a shared row.
    pub fn embeds_keys(&self, column: &Column) -> bool {
        matches!(column.role, ColumnRole::Map(_) | ColumnRole::Rewrite)
            && is_text(column.type_name.trim_end_matches("[]"))
            && !self
                .keys
                .foreign_keys
                .iter()
                .any(|key| key.columns.contains(&column.name))
    }
}

/// A dependency: resources of one type that another type needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Type of the selected resource, `*` for any.
    pub resource_type: String,
    /// Type of the included resources.
    pub includes_type: String,
    /// Empty: resources that the document references; otherwise the column of `includes_type`'s table that references the resource.
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
    /// Dependencies of selected resources.
    pub dependencies: Vec<Dependency>,
    /// Tables it does not describe.
    pub outside: Outside,
}

impl Store {
    /// Whether text keys are rewritten wherever they stand: option `text_keys` = `everywhere`.
    pub fn rewrites_text_keys_everywhere(&self) -> bool {
        self.options.get("text_keys").is_some_and(|v| v == "everywhere")
    }

    /// The store without [`Table::source`], to read rows of the target.
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

    /// The project table; an error (55000) if the store describes none.
    pub fn project_table(&self) -> Result<&Table> {
        self.tables.iter().find(|t| t.role == TableRole::Project).ok_or_else(|| {
            Error::new(Code::StoreChanged, format!("store \"{}\" has no project table", self.name))
                .hint("Describe it: SELECT clone.store_table('<store>', '<table>', 'project', id_column => '<key>').")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::TableRole;
    use crate::plan::columns::sql_list;

    #[test]
    fn the_words_of_table_roles_are_the_same_in_rust_and_in_sql() {
        for word in TableRole::WORDS {
            assert_eq!(TableRole::parse(word).unwrap().word(), *word);
        }
        for sql in [sql_list::CATALOG, sql_list::STORES] {
            assert_eq!(
                sql_list::words(sql, "('project', 'resource', 'derived'"),
                TableRole::WORDS
            );
        }
        assert!(sql_list::STORES.contains(&format!("Roles: {}.", TableRole::WORDS.join(", "))));
    }
}
