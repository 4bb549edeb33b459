//! Clones that come and go: they are deleted, they expire, a newer one takes their place, a worker makes them.

mod authorize;
mod carry;
mod delete;
mod doomed;
mod expiry;
mod files;
pub mod jobs;
mod kept_values;
mod options;
mod queue;
mod refresh;
mod stable;
mod target;

pub use delete::delete_project;
pub use expiry::{expire, set_expiry};
pub use refresh::Succession;
