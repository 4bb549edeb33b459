//! What becomes of a clone after it was made: it is deleted, it expires, a newer one takes its place.

mod authorize;
mod delete;
mod doomed;
mod files;
mod options;
mod queue;
mod target;

pub use delete::delete_project;
