//! Deferrable constraints and triggers while another role's rights are in force. What is deferred there would run later, with the rights of
//! the caller; what the caller has deferred must not run with the rights of the other role.

use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query;
use pg_clone_core::error::Result;
use pgrx::Spi;

/// Runs what is deferred, with the caller's rights, and lets nothing be deferred from here on. To be called before the role changes.
pub fn run_now() -> Result<()> {
    Spi::run("SET CONSTRAINTS ALL IMMEDIATE").map_err(internal)
}

/// Constraints are deferred again as they are declared, for the rest of the transaction. What the caller had set by SET CONSTRAINTS cannot be
/// read. A name that other constraints of the schema have too stays immediate, if these are not deferred.
pub fn as_declared() -> Result<()> {
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
