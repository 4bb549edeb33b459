//! The present state of tables: concurrent changes, types and column roles, the storage of rows, names of
//! tables.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod changes_beside;
mod changes_within;
mod elsewhere;
mod engine;
mod indexes_beside;
mod names;
mod options;
mod read_only;
mod roles;
mod rows;
mod surroundings;
