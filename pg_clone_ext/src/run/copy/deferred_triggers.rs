//! Deferred constraint triggers: they act when the transaction commits, after all checks of a run.

use super::written_rows::WrittenRows;
use crate::error::internal;
use crate::pg::deferred_checks::{self, Callers};
use crate::pg::query::for_each_row;
use crate::pg::session::settings_guard::CallersPath;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, Store};
use std::collections::HashSet;

/// A name of constraint triggers, as `SET CONSTRAINTS` takes it: all of the schema with this name are meant.
struct Named {
    name: String,
    /// All of them are initially deferred.
    deferred: bool,
}

/// The deferrable constraint triggers of these tables. Foreign keys are not among them: their checks change nothing.
fn of(tables: &[Oid]) -> Result<Vec<Named>> {
    let list: Vec<String> = tables.iter().map(Oid::to_string).collect();
    let mut found = Vec::new();
    for_each_row(
        &format!(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.conname), (SELECT pg_catalog.bool_and(o.condeferred) FROM pg_catalog.pg_constraint AS o \
             WHERE o.connamespace OPERATOR(pg_catalog.=) c.connamespace AND o.conname OPERATOR(pg_catalog.=) c.conname) \
             FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.connamespace \
             WHERE c.contype OPERATOR(pg_catalog.=) 't'::pg_catalog.\"char\" AND c.condeferrable \
             AND c.conrelid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]) ORDER BY c.oid",
            list.join(",")
        ),
        &mut |row| {
            if let Some(row) = row
                && let Some(name) = row.text(0)?
            {
                found.push(Named {
                    name: name.into_owned(),
                    deferred: row.boolean(1),
                });
            }
            Ok(())
        },
    )?;
    Ok(found)
}

fn set(names: &[&Named], when: &str) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let list: Vec<&str> = names.iter().map(|named| named.name.as_str()).collect();
    pgrx::Spi::run(&format!("SET CONSTRAINTS {} {when}", list.join(", "))).map_err(internal)
}

/// Runs the deferred triggers of these tables that are not `done`, under the caller's search_path. Afterwards they are again as the caller has
/// set all constraints, or as they were declared, for the rest of the transaction. Whether there were any.
fn run(path: &CallersPath, tables: &[Oid], done: &mut HashSet<String>) -> Result<bool> {
    let triggers = of(tables)?;
    let open: Vec<&Named> = triggers
        .iter()
        .filter(|named| done.insert(named.name.clone()))
        .collect();
    if open.is_empty() {
        return Ok(false);
    }
    let callers = deferred_checks::of_caller()?;
    {
        let _path = path.enter();
        set(&open, "IMMEDIATE")?;
    }
    // A name that other constraints have too stays immediate, if these are not deferred.
    let again = open.iter().copied().filter(|named| match callers {
        Callers::AsDeclared => named.deferred,
        Callers::AllDeferred => true,
        Callers::AllImmediate => false,
    });
    set(&again.collect::<Vec<_>>(), "DEFERRED")?;
    Ok(true)
}

/// Runs what the caller's own statements have deferred on these tables, which is not the run's doing.
pub fn run_pending(path: &CallersPath, store: &Store) -> Result<()> {
    let tables: Vec<Oid> = store.tables.iter().map(|table| table.oid).collect();
    run(path, &tables, &mut HashSet::new()).map(|_| ())
}

/// Whether one of these tables has any.
pub fn exist(tables: &[Oid]) -> Result<bool> {
    of(tables).map(|triggers| !triggers.is_empty())
}

/// Runs those of these tables and of all that have been `written` since, so that what they do is seen by the checks. What they write can
/// have deferred triggers too.
pub fn run_all(path: &CallersPath, tables: &[Oid], written: &WrittenRows) -> Result<()> {
    let mut done = HashSet::new();
    loop {
        let since = written.since()?;
        let since = since.iter().map(|(_, counts)| counts.table);
        let all: Vec<Oid> = tables.iter().copied().chain(since).collect();
        if !run(path, &all, &mut done)? {
            return Ok(());
        }
    }
}
