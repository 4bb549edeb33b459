//! Clones that come and go: they are deleted, they expire, a newer one takes their place.

pub mod authorize;
mod delete;
mod expiry;
pub mod locks;
pub mod refresh;
pub mod target;

pub use delete::delete_project;
pub use expiry::{expire, set_expiry};
