//! Descriptions of stores: discovered, questioned, described again.

mod discovery;
mod questions;
mod refresh;
mod table_questions;
