//! pg_clone_ext: clone a whole project (a tenant) inside a live database, in one transaction.
//!
//! This crate is the thin PostgreSQL shell around `pg_clone_core`: `api` has every SQL function, `catalog` reads
//! the description of a store, `clone` makes a clone by the stages of `run`, `verify` checks one, `lifecycle` deletes and
//! replaces clones, `jobs` queues them, `item` clones items of registries, and `pg` is the only place with `unsafe` code.
#![deny(unsafe_code)]

mod api;
mod catalog;
mod clone;
mod entry;
mod error;
mod install_script;
mod item;
mod jobs;
mod lifecycle;
#[allow(unsafe_code)]
mod pg;
mod prepared;
mod records;
mod run;
mod settings;
mod verify;
mod version;

use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

/// Called by PostgreSQL when the library is loaded.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    pg::session::environment::no_backtraces();
    settings::register();
    pg::session::interrupts::install();
    // Threads for deeply nested documents never get a signal.
    pg_clone_core::depth::around_start(|| Box::new(pg::session::signals::SignalsBlocked::new()));
}
