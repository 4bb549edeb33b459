//! Conformance of clones of a real Medplum project: the table "What a clone is", row by row.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod contents;
mod pairs;
mod rows;
mod schemas;
mod verification;
