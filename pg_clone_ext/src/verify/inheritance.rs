//! Tables of a store that inherit from each other. A reference that was declared for one of them may hold keys of rows of another, which
//! would not be shared rows.

use crate::catalog::relations_below::PARTS;
use crate::error::internal;
use crate::pg::query;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, Store};
use std::collections::HashMap;

/// For each such table the others, directly or through tables that are not described.
pub fn of(store: &Store) -> Result<HashMap<Oid, Vec<Oid>>> {
    let oids: Vec<String> = store
        .tables
        .iter()
        .filter(|table| table.kind == "r")
        .map(|table| table.oid.to_string())
        .collect();
    let found = query::text(&format!(
        "WITH RECURSIVE described AS MATERIALIZED (SELECT o.oid FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) AS o (oid)), \
         edge AS MATERIALIZED (SELECT e.above AS one, e.below AS other FROM ({PARTS}) AS e UNION ALL SELECT e.below, e.above FROM ({PARTS}) AS e), \
         relative (of, oid) AS (SELECT d.oid, d.oid FROM described AS d \
           UNION SELECT r.of, e.other FROM relative AS r JOIN edge AS e ON e.one OPERATOR(pg_catalog.=) r.oid) \
         SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(r.of::pg_catalog.int8, r.oid::pg_catalog.int8) ORDER BY r.of, r.oid)::pg_catalog.text \
         FROM relative AS r JOIN described AS d ON d.oid OPERATOR(pg_catalog.=) r.oid WHERE r.oid OPERATOR(pg_catalog.<>) r.of",
        oids.join(",")
    ))?;
    let pairs: Vec<(Oid, Oid)> = match found {
        Some(pairs) => serde_json::from_str(&pairs).map_err(internal)?,
        None => Vec::new(),
    };
    let mut relatives: HashMap<Oid, Vec<Oid>> = HashMap::new();
    for (of, oid) in pairs {
        relatives.entry(of).or_default().push(oid);
    }
    Ok(relatives)
}
