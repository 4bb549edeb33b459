//! Columns that hold large objects: which there are, and which objects more than one project names.

use super::deletion_set::DeletionSet;
use super::foreign_keys::rows_of;
use crate::error::internal;
use crate::pg::query;
use crate::pg::snapshot::Snapshot;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, Store, quote};
use std::collections::{HashMap, HashSet};

const COLUMNS: &str = "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attrelid::pg_catalog.int8, a.attname, \
       EXISTS (SELECT 1 FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) g.tgfoid \
         WHERE g.tgrelid OPERATOR(pg_catalog.=) a.attrelid AND p.proname OPERATOR(pg_catalog.=) 'lo_manage'::pg_catalog.name \
         AND g.tgenabled OPERATOR(pg_catalog.<>) 'D'::pg_catalog.\"char\" \
         AND g.tgargs OPERATOR(pg_catalog.=) (pg_catalog.convert_to(a.attname::pg_catalog.text, pg_catalog.getdatabaseencoding()) \
           OPERATOR(pg_catalog.||) '\\x00'::pg_catalog.bytea))))::pg_catalog.text \
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid OPERATOR(pg_catalog.=) a.atttypid \
     WHERE a.attrelid OPERATOR(pg_catalog.=) ANY (CAST({tables} AS pg_catalog.oid[])) AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 \
     AND NOT a.attisdropped AND (a.atttypid OPERATOR(pg_catalog.=) 26::pg_catalog.oid \
       OR (y.typtype OPERATOR(pg_catalog.=) 'd'::pg_catalog.\"char\" AND y.typbasetype OPERATOR(pg_catalog.=) 26::pg_catalog.oid))";

/// A column that may hold the oids of large objects.
pub struct LargeObjectColumn {
    /// Its table.
    pub table: Oid,
    /// Its name.
    pub name: String,
    /// Whether a trigger deletes the object with the row.
    pub managed: bool,
}

/// The columns of type oid, and of domains over it, of the store's tables.
pub fn columns(store: &Store) -> Result<Vec<LargeObjectColumn>> {
    let oids: Vec<String> = store.tables.iter().map(|table| table.oid.to_string()).collect();
    // Read-only: a plan takes no transaction id, so that a standby can make it.
    let sql = COLUMNS.replace("{tables}", &quote::literal(&format!("{{{}}}", oids.join(","))));
    let found = Snapshot::newest().within(|| query::text(&sql))?;
    let found: Vec<(Oid, String, bool)> = match found {
        Some(rows) => serde_json::from_str(&rows).map_err(internal)?,
        None => Vec::new(),
    };
    Ok(found
        .into_iter()
        .map(|(table, name, managed)| LargeObjectColumn { table, name, managed })
        .collect())
}

/// Rows that stay and name a large object that a deletion would destroy.
pub struct Shared {
    /// Their table.
    pub table: String,
    /// Its rows, as they stand after FROM.
    pub rows: String,
    /// The condition on its rows `t`.
    pub condition: String,
    /// An expression for the key of a row `t`.
    pub key: String,
    /// What ties them to the rows that go.
    pub why: String,
}

/// Where to look for rows that stay and name a large object of a row that goes, whose trigger would delete it.
pub fn shared(rows: &DeletionSet) -> Result<Vec<Shared>> {
    let columns = columns(rows.store())?;
    let managed: Vec<&LargeObjectColumn> = columns.iter().filter(|column| column.managed).collect();
    let mut destroyed = Vec::new();
    for column in managed {
        let Some(table) = rows.store().table(column.table) else {
            continue;
        };
        if let Some(gone) = rows.condition(table)? {
            destroyed.push(format!(
                "SELECT t.{}::pg_catalog.oid FROM {} AS t WHERE {gone}",
                quote::identifier(&column.name),
                table.sql_name
            ));
        }
    }
    let mut shared = Vec::new();
    if destroyed.is_empty() {
        return Ok(shared);
    }
    let destroyed = destroyed.join(" UNION ALL ");
    for column in &columns {
        let Some(table) = rows.store().table(column.table) else {
            continue;
        };
        if !rows.filled().contains(&table.oid) {
            continue;
        }
        let stays = match rows.condition(table)? {
            Some(gone) => format!("({gone}) IS NOT TRUE"),
            None => "true".to_owned(),
        };
        shared.push(Shared {
            table: table.sql_name.clone(),
            rows: rows_of(table),
            condition: format!(
                "t.{}::pg_catalog.oid OPERATOR(pg_catalog.=) ANY ({destroyed}) AND {stays}",
                quote::identifier(&column.name)
            ),
            key: table.id_column.as_ref().map_or_else(
                || "t.ctid::pg_catalog.text".to_owned(),
                |id| format!("t.{}::pg_catalog.text", quote::identifier(id)),
            ),
            why: format!(
                "name{{s}} large objects (column {}) that the trigger lo_manage would delete with the project's rows",
                column.name
            ),
        });
    }
    Ok(shared)
}

/// The columns by table.
pub fn by_table(store: &Store) -> Result<HashMap<Oid, HashSet<String>>> {
    let mut by_table: HashMap<Oid, HashSet<String>> = HashMap::new();
    for column in columns(store)? {
        by_table.entry(column.table).or_default().insert(column.name);
    }
    Ok(by_table)
}
