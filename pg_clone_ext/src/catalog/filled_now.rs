//! Tables that were empty when the store was opened can have rows by now: a trigger or another session has written them.

use crate::error::internal;
use crate::pg::privileges;
use crate::pg::query;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, Store};
use std::collections::HashSet;

/// Tables of the store that can have rows by now, read-only under the active snapshot. One that was empty before must be readable (42501).
pub fn filled_now(store: &Store) -> Result<HashSet<Oid>> {
    let oids: Vec<String> = store.tables.iter().map(|table| table.oid.to_string()).collect();
    let found = query::text(&format!(
        "SELECT pg_catalog.jsonb_agg(c.oid::pg_catalog.int8)::pg_catalog.text FROM pg_catalog.pg_class AS c \
         WHERE c.oid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]) \
         AND (c.relkind OPERATOR(pg_catalog.<>) 'r' OR pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog.>) 0)",
        oids.join(",")
    ))?;
    let found: HashSet<Oid> = match found {
        Some(oids) => serde_json::from_str(&oids).map_err(internal)?,
        None => HashSet::new(),
    };
    for table in store
        .tables
        .iter()
        .filter(|table| table.empty && found.contains(&table.oid))
    {
        privileges::check_select(table.oid, &table.sql_name)?;
    }
    Ok(found)
}
