//! Whether ids are unique, by the indexes of the tables.

use crate::error::internal;
use crate::pg::query;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, Store, quote};
use std::collections::HashSet;

/// Tables of the store in which no two rows have the same id.
pub fn tables_with_unique_ids(store: &Store) -> Result<HashSet<Oid>> {
    let ids: Vec<serde_json::Value> = store
        .tables
        .iter()
        .filter_map(|table| Some(serde_json::json!({"table": table.oid, "id": table.id_column.as_ref()?})))
        .collect();
    let found = query::text(&format!(
        "SELECT pg_catalog.jsonb_agg(DISTINCT r.\"table\")::pg_catalog.text \
     FROM pg_catalog.jsonb_to_recordset({}::pg_catalog.jsonb) AS r (\"table\" pg_catalog.int8, id pg_catalog.text) \
     JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) r.\"table\"::pg_catalog.oid AND i.indisunique AND i.indisvalid \
       AND i.indnkeyatts OPERATOR(pg_catalog.=) 1::pg_catalog.int2 AND i.indpred IS NULL AND i.indexprs IS NULL \
     JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid AND a.attnum OPERATOR(pg_catalog.=) i.indkey[0] \
       AND a.attname OPERATOR(pg_catalog.=) r.id::pg_catalog.name",
        quote::literal(&serde_json::Value::from(ids).to_string())
    ))?;
    found.map_or(Ok(HashSet::new()), |oids| {
        serde_json::from_str(&oids).map_err(internal)
    })
}
