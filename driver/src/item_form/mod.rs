//! The form of an item on a terminal: prompts for the fields of its JSON Schema until the server accepts the values.
//!
//! [`schema`] reads the schema, [`fill`] prompts for values, [`prompts`] is the terminal, [`merge`] joins entered values with a changed source, [`walk`] is the whole dialogue.

mod fill;
mod form;
mod labels;
mod merge;
mod prompts;
mod schema;
mod walk;

pub(crate) use prompts::is_there;
pub(crate) use walk::{Walk, walk};
