//! The rows of a clone.

mod binaries;
mod completeness;
mod filters;
mod history;
mod new_types;
mod terminology;
mod untouched_source;
