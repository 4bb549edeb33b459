//! Inserting rows into a table: the bulk path with its index entries, the rows of the SQL path, deferred checks, progress.

pub mod bulk_insert;
mod gin_pending;
mod index_entries;
pub mod key_checks;
pub mod progress;
pub mod rewritten_rows;
