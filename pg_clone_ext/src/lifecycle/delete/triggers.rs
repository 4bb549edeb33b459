//! Triggers that a deletion may fire: they can keep rows, or write rows of the project that is being deleted.

use crate::catalog::relations_below::{PARTS, READ_BY_VIEWS};
use crate::error::internal;
use crate::pg::query;
use crate::pg::session::constraint_hint::{ConstraintHints, Kind};
use crate::pg::session::settings_guard::CallersPath;
use crate::run::copy::deferred_triggers;
use crate::run::copy::written_rows::{Counts, WrittenRows, described};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, Store};
use std::collections::{HashMap, HashSet};

/// How many triggers a message names.
const NAMED: usize = 5;

/// The triggers of the tables in which a deletion deletes or changes rows.
#[derive(Default)]
pub struct Triggers {
    /// Described tables whose rows a trigger can keep: one of the table, of a part of it, or below the view.
    pub keeping: HashSet<Oid>,
    /// All of them: name and table.
    names: Vec<String>,
}

impl Triggers {
    /// Those of a store's tables, of their partitions and children, of the tables below views, and of tables in which actions of foreign keys
    /// delete or change rows.
    pub fn of(store: &Store) -> Result<Self> {
        let oids: Vec<String> = store.tables.iter().map(|table| table.oid.to_string()).collect();
        // Types of triggers: for rows (1), before (2), DELETE (8), UPDATE (16), instead of (64).
        let found = query::text(&format!(
            "WITH RECURSIVE edge (above, below, own) AS MATERIALIZED ( \
               SELECT e.above, e.below, true FROM ({PARTS} UNION ALL {READ_BY_VIEWS}) AS e \
               UNION ALL SELECT f.confrelid, f.conrelid, false FROM pg_catalog.pg_constraint AS f \
               WHERE f.contype OPERATOR(pg_catalog.=) 'f' AND f.confdeltype OPERATOR(pg_catalog.=) ANY ('{{c,n,d}}'::pg_catalog.\"char\"[])), \
             own (described, oid) AS (SELECT o.oid, o.oid FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) AS o (oid) \
               UNION SELECT own.described, edge.below FROM own JOIN edge ON edge.own AND edge.above OPERATOR(pg_catalog.=) own.oid), \
             reached (oid) AS (SELECT own.oid FROM own \
               UNION SELECT edge.below FROM reached JOIN edge ON edge.above OPERATOR(pg_catalog.=) reached.oid) \
             SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(pg_catalog.format('%I on %I.%I', g.tgname, n.nspname, c.relname), \
               CASE WHEN g.tgtype OPERATOR(pg_catalog.&) 9::pg_catalog.int2 OPERATOR(pg_catalog.=) 9::pg_catalog.int2 \
                 AND g.tgtype OPERATOR(pg_catalog.&) 66::pg_catalog.int2 OPERATOR(pg_catalog.<>) 0::pg_catalog.int2 \
               THEN (SELECT pg_catalog.jsonb_agg(own.described::pg_catalog.int8) FROM own WHERE own.oid OPERATOR(pg_catalog.=) c.oid) END) \
               ORDER BY n.nspname, c.relname, g.tgname)::pg_catalog.text \
             FROM reached JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) reached.oid \
             JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             JOIN pg_catalog.pg_trigger AS g ON g.tgrelid OPERATOR(pg_catalog.=) c.oid \
             WHERE NOT g.tgisinternal AND g.tgenabled OPERATOR(pg_catalog.<>) 'D' \
               AND g.tgtype OPERATOR(pg_catalog.&) 24::pg_catalog.int2 OPERATOR(pg_catalog.<>) 0::pg_catalog.int2",
            oids.join(",")
        ))?;
        let found: Vec<(String, Option<Vec<Oid>>)> = match found {
            Some(rows) => serde_json::from_str(&rows).map_err(internal)?,
            None => Vec::new(),
        };
        let mut triggers = Triggers::default();
        for (name, keeps) in found {
            triggers.names.push(name);
            triggers.keeping.extend(keeps.unwrap_or_default());
        }
        Ok(triggers)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What to do about a trigger that changes rows which the deletion deletes (27000): it is one statement for all tables. And about one that
    /// writes rows which refer to deleted ones (23503).
    pub fn hint_for_changes(&self) -> ConstraintHints {
        let detail = if self.is_empty() {
            String::new()
        } else {
            self.detail()
        };
        ConstraintHints::new(Box::new(move |violation| match violation.kind {
            Kind::TriggeredChange => Some(format!(
                "A trigger BEFORE DELETE or BEFORE UPDATE has changed a row that is deleted too. Let it run AFTER DELETE, or disable it for the \
                 deletion: ALTER TABLE … DISABLE TRIGGER …. {detail}"
            )),
            Kind::ForeignKey if !detail.is_empty() => Some(format!(
                "A trigger can have written rows that refer to deleted ones. Disable it for the deletion, ALTER TABLE … DISABLE TRIGGER …, or let it \
                 write nothing about clones. {detail}"
            )),
            _ => None,
        }))
    }

    fn detail(&self) -> String {
        let more = match self.names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names: Vec<&str> = self.names.iter().take(NAMED).map(String::as_str).collect();
        format!("Triggers that the deletion can fire: {}{more}.", names.join(", "))
    }

    /// Refuses (0A000) what triggers have changed or deleted beside the rows that were `deleted`, by names of the store's tables. Rows that they
    /// have inserted, such as those of a log, stay.
    pub fn check_changes(
        &self,
        store: &Store,
        since: &[(String, Counts)],
        deleted: &HashMap<&str, i64>,
    ) -> Result<()> {
        let mut changed: HashMap<Oid, i64> = HashMap::new();
        for (name, counts) in since {
            if counts.emptied {
                return Err(self.have_changed(&format!("all rows of {name}")));
            }
            if counts.changed == 0 {
                continue;
            }
            match described(store, counts.table)? {
                Some(table) => *changed.entry(table).or_default() += counts.changed,
                None => return Err(self.have_changed(&format!("{} rows of {name}", counts.changed))),
            }
        }
        for table in &store.tables {
            let own = deleted.get(table.sql_name.as_str()).unwrap_or(&0);
            let others = changed.get(&table.oid).unwrap_or(&0) - own;
            if others > 0 {
                return Err(self.have_changed(&format!("{others} rows of {}", table.sql_name)));
            }
        }
        Ok(())
    }

    fn have_changed(&self, what: &str) -> Error {
        Error::new(
            Code::Unsupported,
            format!("a trigger has changed or deleted {what} beside those of the project"),
        )
        .detail(self.detail())
        .hint(
            "Nothing was changed. They can be rows of other projects. Disable the trigger for the deletion, ALTER TABLE … DISABLE TRIGGER …, or \
             let it do that: options => '{\"triggers\": \"fire\"}'.",
        )
    }

    /// The error (0A000) if a trigger has kept rows.
    pub fn have_kept(&self, table: &str, rows: i64) -> Error {
        let message = match rows {
            1 => format!("1 row of {table} was not deleted: a trigger of the table keeps it"),
            _ => format!("{rows} rows of {table} were not deleted: a trigger of the table keeps them"),
        };
        Error::new(Code::Unsupported, message)
        .detail(self.detail())
        .hint("Nothing was changed. Disable the trigger for the deletion, ALTER TABLE … DISABLE TRIGGER …, or let it delete rows of clones.")
    }

    /// The error (0A000) if the project has rows again after its deletion.
    pub fn have_written(&self, table: &str, rows: i64) -> Error {
        let (were, belong) = if rows == 1 {
            ("row", "belongs")
        } else {
            ("rows", "belong")
        };
        Error::new(
            Code::Unsupported,
            format!("{rows} {were} of {table} {belong} to the project after its deletion: a trigger has written or kept them"),
        )
        .detail(self.detail())
        .hint(
            "Nothing was changed. Disable the trigger for the deletion, ALTER TABLE … DISABLE TRIGGER …, or let it write nothing about clones, \
             or to a table that the store does not describe.",
        )
    }
}

/// Deferred triggers of the tables in which a deletion has deleted rows. A refresh runs them when the new rows are there.
pub struct DeferredTriggers {
    /// All triggers, for the messages.
    pub triggers: Triggers,
    /// The tables that have been written, partitions among them.
    pub tables: Vec<Oid>,
}

impl DeferredTriggers {
    /// Runs them under `path`. None of the rows that they change or delete is the project's: an error (0A000). Unless they `may_add` rows to
    /// described tables, these are one too: they would be rows of the new clone.
    pub fn run(&self, store: &Store, path: &CallersPath, may_add: bool) -> Result<()> {
        if !deferred_triggers::exist(&self.tables)? {
            return Ok(());
        }
        let written = WrittenRows::begin()?;
        deferred_triggers::run_all(path, &self.tables, &written)?;
        let since = written.since()?;
        self.triggers.check_changes(store, &since, &HashMap::new())?;
        for (name, counts) in since.iter().filter(|(_, counts)| counts.inserted > 0 && !may_add) {
            if described(store, counts.table)?.is_some() {
                return Err(self.triggers.have_written(name, counts.inserted));
            }
        }
        Ok(())
    }
}
