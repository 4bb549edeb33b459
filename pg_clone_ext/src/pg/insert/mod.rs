//! Rows go into a table: the bulk path, its index entries, the checks that wait, the progress that operators see.

pub mod bulk_insert;
mod gin_pending;
mod index_entries;
pub mod key_checks;
pub mod progress;
