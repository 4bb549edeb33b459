//! The plan of a clone: which tables, in which order, read by which query, what each column gets.
//!
//! Everything here is pure: `project_clone_plan` shows what `project_clone` will do because both build the same plan.

mod membership;
mod order;
pub mod quote;
mod request;
mod rules_apply;
mod store;
mod table_copy;
mod types;

pub use membership::{condition, source_of_ids};
pub use order::insertion_order;
pub use request::{History, Options, Request};
pub use store::{Column, ColumnRole, Dependency, InsertPath, Oid, Store, Table, TableRole};
pub use table_copy::{Action, KeyKind, Output, RowFilter, TableCopy, table_copy};
pub use types::is_text;

#[cfg(test)]
mod tests;
