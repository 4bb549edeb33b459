//! The tables of a project: the rows to read, and their definitions on a server.

use std::collections::BTreeMap;

use anyhow::Result;
use clone_archive::{Column, Manifest, Table};
use serde_json::Value;

use crate::connect::session::Session;

/// The rows to read of one table of the source.
#[derive(Clone, Debug)]
pub struct TableRows {
    /// Qualified and quoted.
    pub relation: String,
    /// Columns, not quoted.
    pub columns: Vec<String>,
    /// Condition on the rows; the table has the alias `t`.
    pub condition: String,
}

impl TableRows {
    /// The query for the rows.
    pub fn query(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|name| format!("t.{}", identifier(name)))
            .collect();
        format!(
            "SELECT {} FROM {} AS t WHERE {}",
            columns.join(", "),
            self.relation,
            self.condition
        )
    }
}

/// A quoted identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The rows to read of a project, by the description of its store on the server of `session`.
///
/// # Errors
/// Those of `clone.source_queries`.
pub async fn tables_of_project(
    session: &Session,
    project: &str,
    store: Option<&str>,
    options: &Value,
) -> Result<Vec<TableRows>> {
    let rows = session
        .query(
            "SELECT relation, columns, condition FROM clone.source_queries($1::text, $2::text, $3::jsonb)",
            &[&project, &store, options],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(TableRows {
                relation: row.try_get(0)?,
                columns: row.try_get(1)?,
                condition: row.try_get(2)?,
            })
        })
        .collect()
}

/// A column of a server's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerColumn {
    /// Name, type, NOT NULL.
    pub column: Column,
    /// Whether it is a generated column.
    pub generated: bool,
    /// The expression of its default; `identity` for an identity column.
    pub default: Option<String>,
    /// Its collation, if it differs from the type's.
    pub collation: Option<String>,
}

/// The definition of a table on a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerTable {
    /// Columns in order.
    pub columns: Vec<ServerColumn>,
    /// Definitions of constraints and unique indexes; `None` if unknown, as for an archive.
    pub constraints: Option<Vec<String>>,
}

/// Tables by name. A missing table has no entry.
pub type ServerTables = BTreeMap<String, ServerTable>;

/// Reads the definitions of these tables from a server.
///
/// # Errors
/// Those of the server.
pub async fn on_server(session: &Session, relations: &Vec<String>) -> Result<ServerTables> {
    let mut found = ServerTables::new();
    for row in session
        .query(include_str!("sql/columns.sql"), &[relations])
        .await?
    {
        let table: &mut ServerTable = found.entry(row.try_get(0)?).or_default();
        table.constraints.get_or_insert_default();
        table.columns.push(ServerColumn {
            column: Column {
                name: row.try_get(1)?,
                type_name: row.try_get(2)?,
                not_null: row.try_get(3)?,
            },
            generated: row.try_get(4)?,
            default: row.try_get(5)?,
            collation: row.try_get(6)?,
        });
    }
    for row in session
        .query(include_str!("sql/constraints.sql"), &[relations])
        .await?
    {
        let (name, definition): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if let Some(table) = found.get_mut(&name) {
            table.constraints.get_or_insert_default().push(definition);
        }
    }
    Ok(found)
}

/// The tables with the columns that are read, for the manifest of an archive.
pub fn described(tables: &[TableRows], known: &ServerTables) -> Vec<Table> {
    tables
        .iter()
        .map(|table| Table {
            name: table.relation.clone(),
            columns: known
                .get(&table.relation)
                .into_iter()
                .flat_map(|known| &known.columns)
                .filter(|known| table.columns.contains(&known.column.name))
                .map(|known| known.column.clone())
                .collect(),
            expected_rows: None,
        })
        .collect()
}

/// The tables of an archive as the tables of a source.
pub fn of_archive(manifest: &Manifest) -> ServerTables {
    manifest
        .tables
        .iter()
        .map(|table| {
            let columns = table.columns.iter().map(|column| ServerColumn {
                column: column.clone(),
                generated: false,
                default: None,
                collation: None,
            });
            let table_of_archive = ServerTable {
                columns: columns.collect(),
                constraints: None,
            };
            (table.name.clone(), table_of_archive)
        })
        .collect()
}
