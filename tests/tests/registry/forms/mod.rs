//! Forms: what a user changes in the draft of a clone, and what is checked; on a terminal and in a browser too.

mod edits;
mod form_flow;
mod provena_forms;
mod terminal;
mod validation;
mod web_form;
