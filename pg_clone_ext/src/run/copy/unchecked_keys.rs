//! Foreign keys of tables that statements filled without triggers, including those by which the server checks keys. They are checked here
//! as the server does it: the referenced rows are read and locked with the rights of their table's owner.

use super::sql_path::skips_triggers;
use crate::error::internal;
use crate::pg::query::kept_rows::{self, KeptRows};
use crate::pg::query::snapshot::within_current;
use crate::pg::query::{text, text_over_locked};
use crate::pg::session::as_role::AsRole;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::run::copy;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::plan::{self, ColumnPair, InsertPath, Oid, PAIRS_OF_FOREIGN_KEY, Table, quote};
use serde::Deserialize;

/// A foreign key that the server enforces.
#[derive(Deserialize)]
struct Key {
    name: String,
    target_name: String,
    /// The rows that it may refer to, as a FROM item: not those of tables that inherit.
    target_rows: String,
    owner: Oid,
    /// All of its columns are NULL, or none is.
    full: bool,
    pairs: Vec<ColumnPair>,
}

fn keys_of(table: Oid) -> Result<Vec<Key>> {
    let found = text(&format!(
        "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', f.conname, 'target_name', pg_catalog.format('%I.%I', n.nspname, c.relname), \
           'target_rows', pg_catalog.format(CASE c.relkind WHEN 'p' THEN '%I.%I' ELSE 'ONLY %I.%I' END, n.nspname, c.relname), \
           'owner', c.relowner::pg_catalog.int8, 'full', f.confmatchtype OPERATOR(pg_catalog.=) 'f', \
           'pairs', {PAIRS_OF_FOREIGN_KEY}) ORDER BY f.conname)::pg_catalog.text \
         FROM pg_catalog.pg_constraint AS f JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) f.confrelid \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         WHERE f.contype OPERATOR(pg_catalog.=) 'f' AND f.conrelid OPERATOR(pg_catalog.=) {table}::pg_catalog.oid \
         AND COALESCE((pg_catalog.to_jsonb(f) OPERATOR(pg_catalog.->>) 'conenforced') OPERATOR(pg_catalog.<>) 'false', true) \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS p WHERE p.oid OPERATOR(pg_catalog.=) f.conparentid \
           AND p.conrelid OPERATOR(pg_catalog.=) f.conrelid)"
    ))?;
    found.map_or(Ok(Vec::new()), |keys| {
        serde_json::from_str(&keys).map_err(internal)
    })
}

/// Checks them. A row without a referenced row is an error (23503). The referenced rows are locked: another session cannot delete them before
/// the clone is committed, or the clone waits for its deletion.
pub fn check(run: &Run) -> Result<()> {
    if !run.request.options.skip_triggers {
        return Ok(());
    }
    let unchecked = |table: &&Table| {
        let is_sql = |copy| matches!(copy::path(run, copy), InsertPath::Sql(_));
        skips_triggers(run, table) && run.table_copy(table.oid).is_some_and(is_sql)
    };
    for table in run.store.tables.iter().filter(unchecked) {
        let Some(belongs) = plan::condition(&run.store, table, &run.target, &run.active, true)? else {
            continue;
        };
        for key in keys_of(table.oid)? {
            let rows = format!("FROM {} AS t WHERE {belongs}", table.from_sql());
            if key.full {
                key.check_full(run, table, &rows)?;
            }
            key.check_found(run, table, &rows)?;
        }
    }
    Ok(())
}

impl Key {
    fn columns(&self) -> Vec<String> {
        self.pairs
            .iter()
            .map(|pair| format!("t.{}", quote::identifier(&pair.column)))
            .collect()
    }

    /// One of MATCH FULL: a row with NULL in some of its columns is refused.
    fn check_full(&self, run: &Run, table: &Table, rows: &str) -> Result<()> {
        let columns = self.columns().join(", ");
        let mixed = text_within_current(&format!(
            "SELECT pg_catalog.concat(ROW({columns})) {rows} AND NOT ROW({columns}) IS NULL AND NOT ROW({columns}) IS NOT NULL LIMIT 1"
        ))?;
        let Some(values) = mixed else {
            return Ok(());
        };
        Err(Error::new(
            Code::Dangling,
            format!(
                "a cloned row of {} has NULL in some columns of foreign key {}, which it forbids (MATCH FULL)",
                table.sql_name, self.name
            ),
        )
        .detail(format!("Its ({}) is {}.", self.names(), shown(&values)))
        .hint(format!(
            "Let all of its columns be NULL in clones, or none: {}",
            self.pairs
                .iter()
                .map(|pair| call(run, table, &pair.column))
                .collect::<Vec<_>>()
                .join("; ")
        )))
    }

    fn check_found(&self, run: &Run, table: &Table, rows: &str) -> Result<()> {
        let columns = self.columns();
        let not_null: Vec<String> = columns.iter().map(|c| format!("{c} IS NOT NULL")).collect();
        let selected: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| format!("{column} AS k{place}"))
            .collect();
        let kept = within_current(|| {
            KeptRows::of(&format!(
                "SELECT d.*, pg_catalog.row_number() OVER () AS number FROM (SELECT DISTINCT {} {rows} AND {}) AS d",
                selected.join(", "),
                not_null.join(" AND ")
            ))
        })?;
        if kept.count() == 0 {
            return Ok(());
        }
        let equal: Vec<String> = self
            .pairs
            .iter()
            .enumerate()
            .map(|(place, pair)| pair.equality("p", &format!("k.k{place}")))
            .collect();
        let values: Vec<String> = (0..self.pairs.len()).map(|place| format!("k.k{place}")).collect();
        let missing = {
            let _settings = ReadingSettings::new();
            let _owner = AsRole::owner_of_rows(self.owner.into());
            text_over_locked(
                &format!(
                    "WITH locked AS MATERIALIZED (SELECT k.number FROM {} AS p JOIN {name} AS k ON {} FOR KEY SHARE OF p) \
                     SELECT pg_catalog.concat_ws(', ', {}) FROM {name} AS k LEFT JOIN locked AS l ON l.number OPERATOR(pg_catalog.=) k.number \
                     WHERE l.number IS NULL LIMIT 1",
                    self.target_rows,
                    equal.join(" AND "),
                    values.join(", "),
                    name = kept_rows::NAME,
                ),
                &kept,
            )?
        };
        let Some(values) = missing else {
            return Ok(());
        };
        Err(Error::new(
            Code::Dangling,
            format!(
                "a cloned row of {} refers to no row of {}, which foreign key {} forbids",
                table.sql_name, self.target_name, self.name
            ),
        )
        .detail(format!("Its ({}) is ({}).", self.names(), shown(&values)))
        .hint(format!(
            "Clone the rows that it refers to as well, or let a column of the key be NULL in clones: {}.",
            call(
                run,
                table,
                self.pairs.first().map_or("…", |pair| pair.column.as_str())
            )
        )))
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.pairs.iter().map(|pair| pair.column.as_str()).collect();
        names.join(", ")
    }
}

fn text_within_current(sql: &str) -> Result<Option<String>> {
    within_current(|| text(sql))
}

fn call(run: &Run, table: &Table, column: &str) -> String {
    format!(
        "SELECT clone.store_column({}, {}, {}, 'null')",
        quote::literal(&run.store.name),
        quote::literal(&table.sql_name),
        quote::literal(column)
    )
}
