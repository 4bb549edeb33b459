//! What a transaction writes: the server's own statistics of it, and the files of tables, of which TRUNCATE makes new ones.

use crate::catalog::relations_below::PARTS;
use crate::catalog::rows_once;
use crate::error::internal;
use crate::pg::query::{for_each_row, text};
use crate::pg::session::settings_guard::CountedRows;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, Store};
use std::collections::HashMap;

/// Rows that the transaction has inserted into, and changed or deleted in, one table.
#[derive(Clone, Copy)]
pub struct Counts {
    /// The table, which may be a partition.
    pub table: Oid,
    /// Rows inserted.
    pub inserted: i64,
    /// Rows changed or deleted.
    pub changed: i64,
    /// Whether all its rows were removed at once: TRUNCATE counts none. A table that the same transaction has made or emptied before is not
    /// noticed.
    pub emptied: bool,
}

/// What was written before; as long as it lives, the server counts.
pub struct WrittenRows {
    before: HashMap<String, Counts>,
    files: HashMap<Oid, i64>,
    _counted: CountedRows,
}

/// Tables of users. A materialized view has rows of no tenant, and is computed again.
const USER_TABLES: &str = "c.relkind OPERATOR(pg_catalog.=) 'r' AND c.relpersistence OPERATOR(pg_catalog.<>) 't' \
     AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{clone,clone_internal,pg_catalog,information_schema}'::pg_catalog.name[])";

fn counts() -> Result<HashMap<String, Counts>> {
    let mut counts = HashMap::new();
    for_each_row(
        "SELECT pg_catalog.format('%I.%I', s.schemaname, s.relname), s.n_tup_ins, s.n_tup_upd OPERATOR(pg_catalog.+) s.n_tup_del, s.relid::pg_catalog.int8 \
         FROM pg_catalog.pg_stat_xact_user_tables AS s JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) s.relid \
         WHERE c.relkind OPERATOR(pg_catalog.<>) 'm' AND c.relpersistence OPERATOR(pg_catalog.<>) 't' AND (s.n_tup_ins OPERATOR(pg_catalog.<>) 0::pg_catalog.int8 OR (s.n_tup_upd OPERATOR(pg_catalog.+) s.n_tup_del) OPERATOR(pg_catalog.<>) 0::pg_catalog.int8) \
         AND s.schemaname OPERATOR(pg_catalog.<>) ALL ('{clone,clone_internal}'::pg_catalog.name[])",
        &mut |row| {
            if let Some(row) = row
                && let Some(table) = row.text(0)?
            {
                let number = |place| row.bigint(place).unwrap_or(0);
                let found = Counts {
                    table: Oid::try_from(number(3)).unwrap_or(0),
                    inserted: number(1),
                    changed: number(2),
                    emptied: false,
                };
                counts.insert(table.into_owned(), found);
            }
            Ok(())
        },
    )?;
    Ok(counts)
}

/// The files of tables, by their oids, with the names of the tables. The function reads what the transaction has just written, which the
/// statement's snapshot does not see.
fn files() -> Result<HashMap<Oid, (i64, String)>> {
    let mut files = HashMap::new();
    for_each_row(
        &format!(
            "SELECT c.oid::pg_catalog.int8, pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.int8, pg_catalog.format('%I.%I', n.nspname, c.relname) \
             FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace WHERE {USER_TABLES}"
        ),
        &mut |row| {
            if let Some(row) = row
                && let (Some(oid), Some(file), Some(name)) = (row.bigint(0), row.bigint(1), row.text(2)?)
            {
                files.insert(Oid::try_from(oid).unwrap_or(0), (file, name.into_owned()));
            }
            Ok(())
        },
    )?;
    Ok(files)
}

/// Whether this session has locked a table against all others, as TRUNCATE does until the transaction ends. Another session may have made
/// a new file of it meanwhile: VACUUM FULL, REFRESH MATERIALIZED VIEW.
fn holds_alone(table: Oid) -> Result<bool> {
    let found = text(&format!(
        "SELECT 'yes' FROM pg_catalog.pg_locks AS l WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.granted \
         AND l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock' \
         AND l.relation OPERATOR(pg_catalog.=) {table}::pg_catalog.oid LIMIT 1"
    ))?;
    Ok(found.is_some())
}

impl WrittenRows {
    /// Counts from now on.
    pub fn begin() -> Result<Self> {
        let counted = CountedRows::new();
        Ok(WrittenRows {
            before: counts()?,
            files: files()?
                .into_iter()
                .map(|(table, (file, _))| (table, file))
                .collect(),
            _counted: counted,
        })
    }

    /// What has been written since, by table in the order of names.
    pub fn since(&self) -> Result<Vec<(String, Counts)>> {
        let mut since: Vec<(String, Counts)> = counts()?
            .into_iter()
            .map(|(name, mut now)| {
                if let Some(before) = self.before.get(&name) {
                    now.inserted = now.inserted.saturating_sub(before.inserted);
                    now.changed = now.changed.saturating_sub(before.changed);
                }
                (name, now)
            })
            .filter(|(_, counts)| counts.inserted > 0 || counts.changed > 0)
            .collect();
        let changed = |table: &Oid, file: i64| self.files.get(table).is_some_and(|before| *before != file);
        for (table, (file, name)) in files()? {
            if changed(&table, file) && holds_alone(table)? {
                let emptied = Counts {
                    table,
                    inserted: 0,
                    changed: 0,
                    emptied: true,
                };
                since.push((name, emptied));
            }
        }
        since.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(since)
    }
}

/// The table of the store whose rows a table has: itself, one of which it is a part at any depth, or a view over it.
pub fn described(store: &Store, table: Oid) -> Result<Option<Oid>> {
    let tables = &store.tables;
    if tables.iter().any(|other| other.oid == table) {
        return Ok(Some(table));
    }
    let list: Vec<String> = tables.iter().map(|table| table.oid.to_string()).collect();
    let above = text(&format!(
        "WITH RECURSIVE whole (oid) AS (SELECT {table}::pg_catalog.oid UNION \
         SELECT e.above FROM whole JOIN ({PARTS}) AS e ON e.below OPERATOR(pg_catalog.=) whole.oid) \
         SELECT whole.oid::pg_catalog.text FROM whole WHERE whole.oid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]) LIMIT 1",
        list.join(",")
    ))?;
    if let Some(oid) = above {
        return oid.parse().map(Some).map_err(internal);
    }
    let mut views = tables.iter().filter(|table| table.kind == "v");
    Ok(views
        .find(|view| rows_once::table_below(view.oid) == Some(table))
        .map(|view| view.oid))
}
