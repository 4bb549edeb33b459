//! The life of clones: deletion, expiry, refresh.

pub mod authorize;
mod delete;
mod expiry;
pub mod identity;
mod ids;
pub mod locks;
pub mod refresh;
pub mod target;

pub use delete::delete_project;
pub use expiry::{expire, set_expiry};
