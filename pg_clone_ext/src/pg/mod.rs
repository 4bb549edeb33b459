//! All `unsafe` code of the extension, behind safe types.
//!
//! There is one type per PostgreSQL resource. `Drop` releases the resource on normal return and does nothing while
//! a panic unwinds: then the transaction (or subtransaction) aborts, and PostgreSQL itself releases snapshots, locks,
//! buffers, memory contexts and settings.

pub mod deferred_checks;
pub mod insert;
pub mod memory;
mod node;
pub mod privileges;
pub mod query;
pub mod session;
pub mod table;
pub mod value;
