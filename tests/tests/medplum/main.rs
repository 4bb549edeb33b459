//! Conformance of clones of a real Medplum project: the table "What a clone is", row by row.

mod binaries;
mod columns;
mod completeness;
mod dangling;
mod documents;
mod external_systems;
mod filters;
mod history;
mod names;
mod owner;
mod pairs;
mod secrets;
mod shapes;
mod terminology;
mod untouched_source;
mod verification;
