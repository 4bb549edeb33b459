//! Deferrable constraints and triggers while another role's rights are in force. What is deferred there would run later, with the rights of
//! the caller; what the caller has deferred must not run with the rights of the other role.

use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query;
use crate::pg::session::error_hint::ErrorHint;
use pg_clone_core::error::Result;
use pgrx::{Spi, pg_sys};

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
    Ok(Callers::of_word(found.as_deref()))
}

impl Callers {
    /// A word for it, which [`Callers::of_word`] reads.
    pub fn word(self) -> &'static str {
        match self {
            Callers::AsDeclared => "as declared",
            Callers::AllDeferred => "deferred",
            Callers::AllImmediate => "immediate",
        }
    }

    /// Reads such a word.
    pub fn of_word(word: Option<&str>) -> Self {
        match word {
            Some("deferred") => Callers::AllDeferred,
            Some("immediate") => Callers::AllImmediate,
            _ => Callers::AsDeclared,
        }
    }
}

/// Runs what is deferred, and lets nothing be deferred from here on. To be called before the role changes.
///
/// It runs with the rights that it would have at COMMIT: a function that is SECURITY DEFINER must not lend its owner's to triggers that the
/// caller has queued.
pub fn run_now() -> Result<()> {
    let _caller = OuterUser::new();
    let _hint = ErrorHint::new(
        "It is a check or trigger that this transaction has deferred, which runs first: call this in a transaction of its own.",
    );
    Spi::run("SET CONSTRAINTS ALL IMMEDIATE").map_err(internal)
}

/// The role of the session, or of SET ROLE, as the current user while this lives.
struct OuterUser {
    user: pg_sys::Oid,
    context: i32,
}

impl OuterUser {
    fn new() -> Self {
        let mut user = pg_sys::Oid::INVALID;
        let mut context = 0;
        // SAFETY: reads and sets the current user; Drop puts back what was there, and so does the abort of the subtransaction.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut context);
            pg_sys::SetUserIdAndSecContext(
                pg_sys::GetOuterUserId(),
                context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32,
            );
        }
        OuterUser { user, context }
    }
}

impl Drop for OuterUser {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: restores what new() saved.
            unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
        }
    }
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
