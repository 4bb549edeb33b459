//! What triggers do to other rows while a clone's rows are inserted: counted by the server's own statistics of the transaction.

use super::deferred_triggers;
use crate::catalog::relations_below::PARTS;
use crate::catalog::rows_once;
use crate::error::internal;
use crate::pg::query::{for_each_row, text};
use crate::pg::session::settings_guard::CountedRows;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, Table};
use std::collections::{HashMap, HashSet};

/// Rows that the transaction has inserted into, and changed or deleted in, one table.
#[derive(Clone, Copy)]
struct Counts {
    table: Oid,
    inserted: i64,
    changed: i64,
}

/// The counts of all tables before the first row of the clone is inserted.
pub struct Effects {
    before: HashMap<String, Counts>,
    _counted: CountedRows,
}

fn counts() -> Result<HashMap<String, Counts>> {
    let mut counts = HashMap::new();
    for_each_row(
        "SELECT pg_catalog.format('%I.%I', s.schemaname, s.relname), s.n_tup_ins, s.n_tup_upd OPERATOR(pg_catalog.+) s.n_tup_del, s.relid::pg_catalog.int8 \
         FROM pg_catalog.pg_stat_xact_user_tables AS s \
         WHERE (s.n_tup_ins OPERATOR(pg_catalog.<>) 0::pg_catalog.int8 OR (s.n_tup_upd OPERATOR(pg_catalog.+) s.n_tup_del) OPERATOR(pg_catalog.<>) 0::pg_catalog.int8) \
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
                };
                counts.insert(table.into_owned(), found);
            }
            Ok(())
        },
    )?;
    Ok(counts)
}

impl Effects {
    /// None if no trigger of the run's tables fires, or if the call wants what triggers do.
    pub fn watch(run: &Run) -> Result<Option<Self>> {
        let fires = |table| run.store.table(table).is_some_and(Table::may_fire_triggers);
        if !run.guards_against_triggers() || !run.table_copies.iter().any(|copy| fires(copy.table)) {
            return Ok(None);
        }
        let counted = CountedRows::new();
        counts().map(|before| {
            Some(Effects {
                before,
                _counted: counted,
            })
        })
    }

    /// What has been written since, by table in the order of names.
    fn since(&self) -> Result<Vec<(String, Counts)>> {
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
        since.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(since)
    }

    /// Runs the deferred triggers of every table that has been written, so that what they do is seen by the checks. What they write can
    /// have deferred triggers too.
    pub fn run_deferred(&self, run: &Run) -> Result<()> {
        let mut done = HashSet::new();
        loop {
            let written: Vec<Oid> = self.since()?.iter().map(|(_, counts)| counts.table).collect();
            if !deferred_triggers::run(&run.path, &written, &mut done)? {
                return Ok(());
            }
        }
    }

    /// Rows that triggers changed or deleted are an error (0A000), and so are rows that they added to tables of the store: more than the
    /// clone has `made` for a table (None: a function of the store wrote rows too). Rows that they added to tables that the store does not
    /// describe, such as a log, are a to-do of the operator, because a deletion of the clone leaves them.
    pub fn check(&self, run: &Run, made: Option<&HashMap<Oid, u64>>, todos: &mut Vec<String>) -> Result<()> {
        let mut inserted: HashMap<Oid, i64> = HashMap::new();
        for (name, counts) in self.since()? {
            if counts.changed > 0 {
                return Err(Error::new(
                    Code::Unsupported,
                    format!(
                        "a trigger of the store's tables has changed or deleted {} rows of {name}",
                        counts.changed
                    ),
                )
                .detail("They can be rows of the clone, which would then differ from its source, or rows of others.")
                .hint(
                    "Leave the triggers out: options => '{\"triggers\": \"skip\"}'. Or let them do it: '{\"triggers\": \"fire\"}'.",
                ));
            }
            if counts.inserted == 0 {
                continue;
            }
            match described(run, counts.table)? {
                Some(table) => *inserted.entry(table).or_default() += counts.inserted,
                None if run.store.outside.reaching.iter().any(|(_, other)| *other == name) => {}
                None => todos.push(format!(
                    "triggers have added {} rows to {name}, which the store does not describe: a deletion of the clone leaves them",
                    counts.inserted
                )),
            }
        }
        let Some(made) = made else {
            return Ok(());
        };
        for table in &run.store.tables {
            let made = made.get(&table.oid).and_then(|rows| i64::try_from(*rows).ok());
            let added = inserted.get(&table.oid).unwrap_or(&0) - made.unwrap_or(0);
            if added > 0 {
                return Err(added_for_others(&table.sql_name, added));
            }
        }
        Ok(())
    }
}

/// Rows of the clone itself were counted before.
fn added_for_others(table: &str, rows: i64) -> Error {
    let word = if rows == 1 { "row" } else { "rows" };
    Error::new(
        Code::Unsupported,
        format!(
            "a trigger of the store's tables has added {rows} {word} to {table} beside those of the clone"
        ),
    )
    .detail("They are rows of another project or of none: a deletion of the clone leaves them. An INSERT that was undone counts too.")
    .hint(
        "Leave the triggers out: options => '{\"triggers\": \"skip\"}'. Or let them do it: '{\"triggers\": \"fire\"}'.",
    )
}

/// The table of the store whose rows a table has: itself, one of which it is a part at any depth, or a view over it.
fn described(run: &Run, table: Oid) -> Result<Option<Oid>> {
    let tables = &run.store.tables;
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
