//! Cloning items of a registry, over SQL on a throw-away cluster: the feature table row by row, edits, permissions, sets,
//! handles, loading, and 13 items exported from a real registry.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod feature_table;
mod fixture;
mod forms;
mod handles;
mod loading;
mod model_runs;
mod options;
mod other_registries;
mod real_items;
mod rewritten_items;
mod rights;
mod rules;
mod sets;
