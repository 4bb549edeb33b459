//! The form of an item, filled in on a terminal: field by field as its JSON Schema says, until the server finds nothing wrong.
//!
//! [`schema`] reads the schema, [`fill`] asks for values, [`prompts`] is the terminal, [`walk`] the conversation with the server.

mod fill;
mod form;
mod labels;
mod prompts;
mod schema;
mod walk;

pub(crate) use prompts::is_there;
pub(crate) use walk::{Walk, walk};
