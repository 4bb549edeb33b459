//! Columns that hold large objects.

use crate::error::internal;
use crate::pg::query;
use crate::pg::query::snapshot::Snapshot;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, Store, quote};
use std::collections::{HashMap, HashSet};

const COLUMNS: &str = "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attrelid::pg_catalog.int8, a.attname, \
       EXISTS (SELECT 1 FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) g.tgfoid \
         WHERE g.tgrelid OPERATOR(pg_catalog.=) a.attrelid AND p.proname OPERATOR(pg_catalog.=) 'lo_manage'::pg_catalog.name \
         AND g.tgenabled OPERATOR(pg_catalog.<>) 'D'::pg_catalog.\"char\" \
         AND g.tgargs OPERATOR(pg_catalog.=) (pg_catalog.convert_to(a.attname::pg_catalog.text, pg_catalog.getdatabaseencoding()) \
           OPERATOR(pg_catalog.||) E'\\\\x00'::pg_catalog.bytea))))::pg_catalog.text \
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

/// The columns by table.
pub fn by_table(store: &Store) -> Result<HashMap<Oid, HashSet<String>>> {
    let mut by_table: HashMap<Oid, HashSet<String>> = HashMap::new();
    for column in columns(store)? {
        by_table.entry(column.table).or_default().insert(column.name);
    }
    Ok(by_table)
}
