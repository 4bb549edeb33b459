//! Foreign keys of all tables of the database that reference the store's tables.

use crate::error::internal;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, Store, Table, quote};
use serde::Deserialize;
use std::collections::HashSet;

/// A foreign key.
#[derive(Deserialize)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// Its name with its schema, as SET CONSTRAINTS takes it.
    pub qualified: String,
    /// The referencing table.
    pub child: Oid,
    /// Its name, ready for SQL.
    pub child_name: String,
    /// The rows of the key as a FROM item, without tables that inherit.
    pub child_rows: String,
    /// The referenced table.
    pub parent: Oid,
    /// Columns of the child.
    pub columns: Vec<String>,
    /// Columns of the parent.
    pub keys: Vec<String>,
    /// Operators that compare them (parent, child), with their schemas.
    operators: Vec<String>,
    /// a: no action, r: restrict, c: cascade, n: set null, d: set default. A key that is not enforced (18 and later) has no action.
    action: String,
    /// Whether its check can be deferred.
    pub deferrable: bool,
    /// Whether its check is initially deferred.
    pub deferred: bool,
    /// Whether the caller may read the child.
    pub readable: bool,
    /// An expression for the key of a row `t` of the child, to be shown.
    pub row_key: String,
}

const KEYS: &str = "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', f.conname, \
     'qualified', pg_catalog.format('%I.%I', cn.nspname, f.conname), \
     'child', f.conrelid::pg_catalog.int8, 'child_name', pg_catalog.format('%I.%I', n.nspname, c.relname), \
     'child_rows', pg_catalog.format(CASE c.relkind WHEN 'r' THEN 'ONLY %I.%I' ELSE '%I.%I' END, n.nspname, c.relname), 'parent', f.confrelid::pg_catalog.int8, \
     'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place) FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS k (number, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) f.conrelid AND a.attnum OPERATOR(pg_catalog.=) k.number), \
     'keys', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place) FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k (number, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) f.confrelid AND a.attnum OPERATOR(pg_catalog.=) k.number), \
     'operators', (SELECT pg_catalog.jsonb_agg(pg_catalog.format('OPERATOR(%I.%s)', s.nspname, o.oprname) ORDER BY k.place) \
        FROM pg_catalog.unnest(f.conpfeqop) WITH ORDINALITY AS k (number, place) \
        JOIN pg_catalog.pg_operator o ON o.oid OPERATOR(pg_catalog.=) k.number \
        JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) o.oprnamespace), \
     'action', CASE WHEN (pg_catalog.to_jsonb(f) OPERATOR(pg_catalog.->>) 'conenforced') OPERATOR(pg_catalog.=) 'false' THEN 'a' ELSE f.confdeltype::pg_catalog.text END, 'deferrable', f.condeferrable, 'deferred', f.condeferred, \
     'readable', pg_catalog.has_table_privilege(c.oid, 'SELECT'), \
     'row_key', COALESCE((SELECT pg_catalog.string_agg(pg_catalog.format('t.%I::pg_catalog.text', a.attname), ' OPERATOR(pg_catalog.||) '','' OPERATOR(pg_catalog.||) ' ORDER BY k.place) \
        FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (number, place), pg_catalog.pg_attribute a \
        WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indisprimary AND a.attrelid OPERATOR(pg_catalog.=) c.oid \
        AND a.attnum OPERATOR(pg_catalog.=) k.number), 't.ctid::pg_catalog.text')) ORDER BY n.nspname, c.relname, f.conname) \
     FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) f.conrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
     JOIN pg_catalog.pg_namespace cn ON cn.oid OPERATOR(pg_catalog.=) f.connamespace \
     WHERE f.contype OPERATOR(pg_catalog.=) 'f' AND f.conparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid \
     AND f.confrelid OPERATOR(pg_catalog.=) ANY (CAST($1 AS pg_catalog.oid[]))";

/// The table's own rows as a FROM item.
pub fn rows_of(table: &Table) -> String {
    if table.only {
        format!("ONLY {}", table.sql_name)
    } else {
        table.sql_name.clone()
    }
}

/// The foreign keys that reference the store's tables.
pub fn into(store: &Store) -> Result<Vec<ForeignKey>> {
    let oids: Vec<i64> = store.tables.iter().map(|table| i64::from(table.oid)).collect();
    let found = pgrx::Spi::get_one_with_args::<pgrx::JsonB>(KEYS, &[oids.into()]).map_err(internal)?;
    found.map_or(Ok(Vec::new()), |pgrx::JsonB(keys)| {
        serde_json::from_value(keys).map_err(internal)
    })
}

impl ForeignKey {
    /// The condition on rows `t` of the child that reference a row of the parent with `condition` (on its rows `t`).
    pub fn names(&self, parent: &Table, condition: &str) -> String {
        let keys: Vec<String> = self
            .keys
            .iter()
            .enumerate()
            .map(|(place, key)| format!("t.{} AS k{place}", quote::identifier(key)))
            .collect();
        let equal: Vec<String> = self
            .columns
            .iter()
            .zip(&self.operators)
            .enumerate()
            .map(|(place, (column, operator))| {
                format!("g.k{place} {operator} t.{}", quote::identifier(column))
            })
            .collect();
        format!(
            "EXISTS (SELECT 1 FROM (SELECT {} FROM {} AS t WHERE {condition}) AS g WHERE {})",
            keys.join(", "),
            rows_of(parent),
            equal.join(" AND ")
        )
    }

    /// Whether the key's action deletes or changes rows of the child.
    pub fn acts(&self) -> bool {
        matches!(self.action.as_str(), "c" | "n" | "d")
    }

    /// The effect of the key's action on rows of the child, in words.
    pub fn action_words(&self) -> &'static str {
        match self.action.as_str() {
            "c" => ", which deletes them along",
            "n" => ", which sets it to NULL",
            "d" => ", which sets it to its default",
            _ => "",
        }
    }

    /// The error for a child that the caller may not read (42501).
    pub fn unreadable(&self) -> Error {
        Error::new(
            Code::NotAllowed,
            format!("permission denied for table {}", self.child_name),
        )
        .detail(format!(
            "Its foreign key \"{}\" would delete or change rows that this role cannot see.",
            self.name
        ))
        .hint(format!(
            "GRANT SELECT ON {} TO {};",
            self.child_name,
            quote::identifier(&crate::pg::privileges::current_user())
        ))
    }
}

const UNIQUE: &str = "SELECT pg_catalog.jsonb_agg(DISTINCT r.\"table\") \
     FROM pg_catalog.jsonb_to_recordset($1) AS r (\"table\" pg_catalog.int8, id pg_catalog.text) \
     JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) r.\"table\"::pg_catalog.oid AND i.indisunique AND i.indisvalid \
       AND i.indnkeyatts OPERATOR(pg_catalog.=) 1::pg_catalog.int2 AND i.indpred IS NULL AND i.indexprs IS NULL \
     JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid AND a.attnum OPERATOR(pg_catalog.=) i.indkey[0] \
       AND a.attname OPERATOR(pg_catalog.=) r.id::pg_catalog.name";

/// Tables of the store in which no two rows have the same id.
pub fn tables_with_unique_ids(store: &Store) -> Result<HashSet<Oid>> {
    let ids: Vec<serde_json::Value> = store
        .tables
        .iter()
        .filter_map(|table| Some(serde_json::json!({"table": table.oid, "id": table.id_column.as_ref()?})))
        .collect();
    let found = pgrx::Spi::get_one_with_args::<pgrx::JsonB>(UNIQUE, &[pgrx::JsonB(ids.into()).into()])
        .map_err(internal)?;
    found.map_or(Ok(HashSet::new()), |pgrx::JsonB(oids)| {
        serde_json::from_value(oids).map_err(internal)
    })
}
