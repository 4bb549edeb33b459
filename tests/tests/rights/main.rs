//! No role gets additional privileges through the extension.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod casts;
mod deletion;
mod discovery;
mod expiry;
mod hostile;
mod hostile_database;
mod qualified_sql;
mod rewritten_rows;
mod skipped_triggers;
mod subtypes;
mod visibility;
