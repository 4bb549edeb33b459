//! One execution of a clone: its state and its stages, in the order in which `clone` calls them.

pub mod any_reference;
pub mod authorize;
pub mod constraint_hints;
pub mod copy;
pub mod document_errors;
pub mod document_keys;
pub mod file_rows;
mod key_maps;
pub mod keys;
pub mod map;
pub mod nested_runs;
pub mod plan;
pub mod record;
pub mod state;
pub mod transform;
mod worker_thread;
