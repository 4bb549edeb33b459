//! Tables that look like detached partitions. After ALTER TABLE … DETACH PARTITION nothing in the catalog tells of whose table one was a
//! partition, and its rows are in no table of the store: a clone would miss them, and a deletion would leave them.

use crate::error::internal;
use crate::pg::privileges::{self, AsExtensionOwner};
use crate::pg::query;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Oid, SourceQuery, Store, Table, quote};
use serde::Deserialize;
use std::collections::HashSet;

/// A table that looks like a former partition of a described one.
#[derive(Deserialize)]
pub struct Detached {
    /// The table.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// The partitioned table.
    pub of: Oid,
    /// Whether the store says that it is not cloned.
    #[serde(default)]
    pub shared: bool,
    /// The tables of which it is a part, whose rows are also its.
    above: Vec<Oid>,
    /// Columns of the partitioned table that it lacks.
    lacks: Vec<String>,
}

/// Tables that the store does not describe, with the columns of one of its partitioned tables: all in the same order, or without those that one
/// of the two got later. Only those of the same owner, or of a superuser: any role can make a table that looks like another's.
pub fn of(store: &Store) -> Result<Vec<Detached>> {
    let partitioned: Vec<String> = store
        .tables
        .iter()
        .filter(|table| table.kind == "p")
        .map(|table| table.oid.to_string())
        .collect();
    if partitioned.is_empty() {
        return Ok(Vec::new());
    }
    let described: Vec<String> = store.tables.iter().map(|table| table.oid.to_string()).collect();
    let found = query::text(&format!(
        "WITH whole AS MATERIALIZED (SELECT d.oid, d.relowner, a.columns, a.later FROM pg_catalog.pg_class AS d CROSS JOIN LATERAL ( \
           SELECT pg_catalog.array_agg(pg_catalog.format('%s %s', b.atttypid, b.attname) ORDER BY b.attnum) AS columns, \
             pg_catalog.array_agg(pg_catalog.format('%s %s', b.atttypid, b.attname)) FILTER (WHERE NOT b.attnotnull OR b.atthasdef) AS later \
           FROM pg_catalog.pg_attribute AS b WHERE b.attrelid OPERATOR(pg_catalog.=) d.oid AND b.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT b.attisdropped) AS a \
           WHERE d.oid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[])) \
         SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('oid', c.oid::pg_catalog.int8, 'name', pg_catalog.format('%I.%I', n.nspname, c.relname), \
           'of', w.oid::pg_catalog.int8, \
           'above', pg_catalog.to_jsonb(ARRAY(SELECT p.relid::pg_catalog.oid::pg_catalog.int8 FROM pg_catalog.pg_partition_ancestors(c.oid::pg_catalog.regclass) AS p WHERE p.relid::pg_catalog.oid OPERATOR(pg_catalog.<>) c.oid)), \
           'lacks', pg_catalog.to_jsonb(ARRAY(SELECT pg_catalog.substr(x.part, pg_catalog.strpos(x.part, ' ') OPERATOR(pg_catalog.+) 1) FROM pg_catalog.unnest(w.columns) AS x (part) WHERE x.part OPERATOR(pg_catalog.<>) ALL (a.columns)))) \
           ORDER BY n.nspname, c.relname)::pg_catalog.text \
         FROM whole AS w JOIN pg_catalog.pg_class AS c ON c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p}}'::pg_catalog.\"char\"[]) AND c.relpersistence OPERATOR(pg_catalog.<>) 't'::pg_catalog.\"char\" \
           AND c.oid OPERATOR(pg_catalog.<>) ALL ('{{{}}}'::pg_catalog.oid[]) \
           AND (c.relowner OPERATOR(pg_catalog.=) w.relowner OR (SELECT o.rolsuper FROM pg_catalog.pg_roles AS o WHERE o.oid OPERATOR(pg_catalog.=) c.relowner)) \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(pg_catalog.format('%s %s', b.atttypid, b.attname) ORDER BY b.attnum) AS columns \
           FROM pg_catalog.pg_attribute AS b WHERE b.attrelid OPERATOR(pg_catalog.=) c.oid AND b.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT b.attisdropped) AS a \
         WHERE (a.columns OPERATOR(pg_catalog.@>) w.columns OR w.columns OPERATOR(pg_catalog.@>) a.columns AND COALESCE(w.later, '{{}}') OPERATOR(pg_catalog.@>) \
             w.columns[pg_catalog.cardinality(a.columns) OPERATOR(pg_catalog.+) 1 : ]) \
           AND (pg_catalog.cardinality(a.columns) OPERATOR(pg_catalog.=) pg_catalog.cardinality(w.columns) \
             OR a.columns[ : pg_catalog.cardinality(w.columns)] OPERATOR(pg_catalog.=) w.columns[ : pg_catalog.cardinality(a.columns)]) \
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(c.oid::pg_catalog.regclass) AS p WHERE p.relid::pg_catalog.oid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]))",
        partitioned.join(","),
        described.join(","),
        described.join(","),
    ))?;
    let mut found: Vec<Detached> = match found {
        Some(found) => serde_json::from_str(&found).map_err(internal)?,
        None => return Ok(Vec::new()),
    };
    let all: HashSet<Oid> = found.iter().map(|table| table.oid).collect();
    found.retain(|table| !table.above.iter().any(|above| all.contains(above)));
    let _owner = AsExtensionOwner::new();
    query::for_each_row(
        &format!(
            "SELECT s.relation::pg_catalog.oid::pg_catalog.int8 FROM clone.store_shared AS s WHERE s.store OPERATOR(pg_catalog.=) {}",
            quote::literal(&store.name)
        ),
        &mut |row| {
            let oid = row.and_then(|row| row.bigint(0));
            for table in found.iter_mut().filter(|table| Some(i64::from(table.oid)) == oid) {
                table.shared = true;
            }
            Ok(())
        },
    )?;
    Ok(found)
}

impl Detached {
    /// The partitioned table.
    pub fn whole<'s>(&self, store: &'s Store) -> Option<&'s Table> {
        store.table(self.of)
    }

    /// Whether an expression on rows `t` of the partitioned table is one on its rows too.
    pub fn has_columns_of(&self, expression: &str) -> bool {
        !self
            .lacks
            .iter()
            .any(|column| expression.contains(&format!("t.{}", quote::identifier(column))))
    }

    /// Requires that the caller sees its rows (42501, 0A000).
    pub fn check_readable(&self) -> Result<()> {
        privileges::check_select(self.oid, &self.name)?;
        privileges::check_no_row_security(self.oid, &self.name)
    }

    /// The number of its rows that belong to a project.
    pub fn rows_of(&self, store: &Store, project: &str) -> Result<i64> {
        let every: HashSet<Oid> = store.tables.iter().map(|table| table.oid).collect();
        let belongs = match self.whole(store) {
            Some(whole) => plan::condition(store, whole, project, &every, true)?,
            None => None,
        };
        match belongs.filter(|belongs| self.has_columns_of(belongs)) {
            Some(belongs) => {
                self.check_readable()?;
                query::count(&SourceQuery::over(&self.name).filter(belongs))
            }
            None => Ok(0),
        }
    }
}
