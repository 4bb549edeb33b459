//! Forms: what a user changes in the draft of a clone, and what is checked.

mod edits;
mod form_flow;
mod provena_forms;
mod validation;
