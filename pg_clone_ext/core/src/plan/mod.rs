//! The plan of a clone: which tables, in which order, read by which query, what each column gets.
//!
//! Everything here is pure: `project_clone_plan` shows what `project_clone` will do because both build the same plan.

mod emission;
mod membership;
mod order;
pub mod quote;
mod request;
mod store;
mod types;

pub use emission::{Action, Emission, Gate, KeyKind, Output, emission};
pub use membership::{condition, source_of_ids};
pub use order::insertion_order;
pub use request::{History, Options, Request};
pub use store::{Belonging, Column, ColumnRole, InsertPath, Oid, Store, Table, TableRole};

#[cfg(test)]
mod tests;
