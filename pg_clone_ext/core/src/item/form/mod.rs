//! The form that a user edits: prefilled from the source, then changed by edits.

pub mod draft;
pub mod edits;
