//! Forms: changes of a clone's draft and their validation; also on a terminal and in a browser.

mod edits;
mod form_flow;
mod provena_forms;
mod terminal;
mod validation;
mod web_form;
