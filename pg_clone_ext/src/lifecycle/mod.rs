//! Clones that come and go: they are deleted, they expire, a newer one takes their place, a worker makes them.

mod authorize;
mod cache;
mod conflicts;
mod delete;
mod deletion_set;
mod expiry;
mod files;
mod foreign_keys;
pub mod jobs;
pub mod large_objects;
pub mod locks;
mod manual_rows;
mod options;
mod preserved_ids;
mod preserved_secrets;
mod queue;
mod refresh;
mod target;

pub use delete::delete_project;
pub use expiry::{expire, set_expiry};
pub use refresh::Succession;
