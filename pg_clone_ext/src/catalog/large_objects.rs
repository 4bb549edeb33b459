//! Columns that hold large objects.

use crate::error::internal;
use crate::pg::query;
use crate::pg::query::snapshot::Snapshot;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{ColumnRole, Oid, Store, quote};
use std::collections::{HashMap, HashSet};

/// The columns that the trigger function `lo_manage` of contrib/lo is given, of any type: it reads the text of the value.
const MANAGED: &str = "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attrelid::pg_catalog.int8, a.attname))::pg_catalog.text \
     FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) g.tgfoid \
     JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) g.tgrelid \
     WHERE p.proname OPERATOR(pg_catalog.=) 'lo_manage'::pg_catalog.name AND g.tgenabled OPERATOR(pg_catalog.<>) 'D'::pg_catalog.\"char\" \
       AND g.tgargs OPERATOR(pg_catalog.=) (pg_catalog.convert_to(a.attname::pg_catalog.text, pg_catalog.getdatabaseencoding()) \
         OPERATOR(pg_catalog.||) E'\\\\x00'::pg_catalog.bytea) \
       AND a.attrelid OPERATOR(pg_catalog.=) ANY (CAST({tables} AS pg_catalog.oid[])) AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped";

/// A column that may hold the oids of large objects.
pub struct LargeObjectColumn {
    /// Its table.
    pub table: Oid,
    /// Its name.
    pub name: String,
    /// Whether a trigger deletes the object with the row.
    pub managed: bool,
}

/// The columns of the store's tables that are stored as oid, through any number of domains, those that a trigger manages, and those that
/// were declared.
pub fn columns(store: &Store) -> Result<Vec<LargeObjectColumn>> {
    let oids: Vec<String> = store.tables.iter().map(|table| table.oid.to_string()).collect();
    // Read-only: a plan takes no transaction id, so that a standby can make it.
    let sql = MANAGED.replace("{tables}", &quote::literal(&format!("{{{}}}", oids.join(","))));
    let managed: HashSet<(Oid, String)> = match Snapshot::newest().within(|| query::text(&sql))? {
        Some(rows) => serde_json::from_str(&rows).map_err(internal)?,
        None => HashSet::new(),
    };
    let mut found = Vec::new();
    for table in &store.tables {
        for column in &table.columns {
            let name = (table.oid, column.name.clone());
            let managed = managed.contains(&name);
            if managed || column.type_name == "oid" || column.role == ColumnRole::LargeObject {
                found.push(LargeObjectColumn {
                    table: table.oid,
                    name: name.1,
                    managed,
                });
            }
        }
    }
    Ok(found)
}

/// The columns by table, and whether a trigger deletes the object with the row.
pub fn by_table(store: &Store) -> Result<HashMap<Oid, HashMap<String, bool>>> {
    let mut by_table: HashMap<Oid, HashMap<String, bool>> = HashMap::new();
    for column in columns(store)? {
        by_table
            .entry(column.table)
            .or_default()
            .insert(column.name, column.managed);
    }
    Ok(by_table)
}
