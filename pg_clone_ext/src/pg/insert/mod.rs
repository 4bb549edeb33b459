//! Inserting rows into a table: the bulk path, its index entries, deferred checks, progress.

pub mod bulk_insert;
mod gin_pending;
mod index_entries;
pub mod key_checks;
pub mod progress;
