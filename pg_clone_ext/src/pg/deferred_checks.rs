//! Deferrable constraints and triggers while another role's rights are in force. What is deferred there would run later, with the rights of
//! the caller; what the caller has deferred must not run with the rights of the other role.

use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query;
use pg_clone_core::error::Result;
use pgrx::Spi;

/// What SET CONSTRAINTS ALL says in this transaction. What it says of single constraints cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Nothing.
    AsDeclared,
    /// DEFERRED.
    AllDeferred,
    /// IMMEDIATE.
    AllImmediate,
}

/// What the caller has set. To be called before anything else is set.
pub fn of_caller() -> Result<Callers> {
    let _owner = AsExtensionOwner::new();
    let found = Spi::get_one::<String>("SELECT clone_internal.constraints_set()").map_err(internal)?;
    Ok(match found.as_deref() {
        Some("deferred") => Callers::AllDeferred,
        Some("immediate") => Callers::AllImmediate,
        _ => Callers::AsDeclared,
    })
}

/// Runs what is deferred, with the caller's rights, and lets nothing be deferred from here on. To be called before the role changes.
pub fn run_now() -> Result<()> {
    Spi::run("SET CONSTRAINTS ALL IMMEDIATE").map_err(internal)
}

/// After [`run_now`], constraints are what they were: as the caller has set all of them, or as they are declared. A name that other constraints
/// of the schema have too stays immediate, if these are not deferred.
pub fn restore(callers: Callers) -> Result<()> {
    match callers {
        Callers::AllDeferred => Spi::run("SET CONSTRAINTS ALL DEFERRED").map_err(internal),
        Callers::AllImmediate => Ok(()),
        Callers::AsDeclared => as_declared(),
    }
}

fn as_declared() -> Result<()> {
    let _owner = AsExtensionOwner::new();
    let deferred = query::text(
        "SELECT pg_catalog.string_agg(d.name, ', ') FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname) AS name \
         FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.connamespace \
         WHERE NOT pg_catalog.pg_is_other_temp_schema(n.oid) GROUP BY n.nspname, c.conname HAVING pg_catalog.bool_and(c.condeferred)) AS d",
    )?;
    match deferred {
        Some(deferred) => Spi::run(&format!("SET CONSTRAINTS {deferred} DEFERRED")).map_err(internal),
        None => Ok(()),
    }
}
