//! What becomes of a clone after it was made: it is deleted, it expires, a newer one takes its place.

mod authorize;
mod carry;
mod delete;
mod doomed;
mod files;
mod kept_values;
mod options;
mod queue;
mod refresh;
mod stable;
mod target;

pub use delete::delete_project;
pub use refresh::Succession;
