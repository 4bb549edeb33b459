//! The queries that read a project of another database for a clone into this one: one for each table of the store.

use crate::catalog;
use crate::run::authorize;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Oid, Options, TableRole};
use std::collections::HashSet;

/// The rows of a table that belong to a project.
pub struct TableRows {
    /// The table, qualified and quoted.
    pub relation: String,
    /// The columns of the query, in order, not quoted; without generated columns.
    pub columns: Vec<String>,
    /// The condition on its rows; the table has the alias `t`.
    pub condition: String,
}

/// The queries for a project, in the store's order. All versions of resources are read only if `options.history` is `full` or ids are kept.
/// The project need not be in this database. An unknown store is 22023.
pub fn source_queries(
    source_project: &str,
    store: Option<&str>,
    options: &serde_json::Value,
) -> Result<Vec<TableRows>> {
    let options = Options::parse(options)?;
    let store = catalog::open(&catalog::resolve(store, source_project)?, catalog::Purpose::Read)?
        .description
        .store;
    let project = authorize::project_id(store.project_table()?, source_project)?;
    let every: HashSet<Oid> = store.tables.iter().map(|table| table.oid).collect();
    let mut queries = Vec::new();
    for table in &store.tables {
        if table.role == TableRole::History && !options.history.is_complete() {
            continue;
        }
        let Some(belongs) = plan::condition(&store, table, &project, &every, true)? else {
            continue;
        };
        let columns: Vec<String> = table
            .columns
            .iter()
            .filter(|column| !column.generated)
            .map(|column| column.name.clone())
            .collect();
        queries.push(TableRows {
            relation: table.sql_name.clone(),
            columns,
            condition: belongs,
        });
    }
    Ok(queries)
}
