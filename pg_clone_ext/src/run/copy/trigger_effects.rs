//! What triggers do to other rows while a clone's rows are inserted: counted by the server's own statistics of the transaction.

use super::deferred_triggers;
use super::written_rows::{WrittenRows, described};
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, Table};
use std::collections::HashMap;

/// What has been written before the first row of the clone is inserted.
pub struct Effects(WrittenRows);

impl Effects {
    /// None if no trigger of the run's tables fires, or if the call wants what triggers do.
    pub fn watch(run: &Run) -> Result<Option<Self>> {
        let fires = |table| run.store.table(table).is_some_and(Table::may_fire_triggers);
        if !run.guards_against_triggers() || !run.table_copies.iter().any(|copy| fires(copy.table)) {
            return Ok(None);
        }
        WrittenRows::begin().map(|before| Some(Effects(before)))
    }

    /// Runs the deferred triggers of every table that has been written.
    pub fn run_deferred(&self, run: &Run) -> Result<()> {
        deferred_triggers::run_all(&run.path, &[], &self.0)
    }

    /// Rows that triggers changed or deleted are an error (0A000), and so are rows that they added to tables of the store: more than the
    /// clone has `made` for a table (None: a function of the store wrote rows too). Rows that they added to tables that the store does not
    /// describe, such as a log, are a to-do of the operator, because a deletion of the clone leaves them.
    pub fn check(&self, run: &Run, made: Option<&HashMap<Oid, u64>>, todos: &mut Vec<String>) -> Result<()> {
        let mut inserted: HashMap<Oid, i64> = HashMap::new();
        for (name, counts) in self.0.since()? {
            if counts.emptied {
                return Err(emptied(&name));
            }
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
            match described(&run.store, counts.table)? {
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

fn emptied(table: &str) -> Error {
    Error::new(
        Code::Unsupported,
        format!("a trigger of the store's tables has removed all rows of {table} with TRUNCATE, or has rewritten it"),
    )
    .hint(
        "Leave the triggers out: options => '{\"triggers\": \"skip\"}'. Or let them do it: '{\"triggers\": \"fire\"}'.",
    )
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
