//! Conformance of clones of a real Medplum project: the table "What a clone is", row by row.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod binaries;
mod columns;
mod completeness;
mod dangling;
mod derived;
mod documents;
mod external_systems;
mod filters;
mod history;
mod names;
mod new_types;
mod owner;
mod pairs;
mod secrets;
mod shapes;
mod synthetic;
mod terminology;
mod untouched_source;
mod verification;
mod versions;
