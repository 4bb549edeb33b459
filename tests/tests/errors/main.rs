//! What is refused, with its SQLSTATE and a hint that helps; and input that only looks wrong.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod arguments;
mod cloneable;
mod damaged_descriptions;
mod dropped_tables;
mod every_argument;
mod options;
mod privileges;
mod project_ids;
mod refusal;
mod renamed_columns;
mod stores;
