//! The fence: every `unsafe` of the extension is in this folder, behind safe types.
//!
//! One type per PostgreSQL resource. Their `Drop` gives the resource back on the normal way out and does nothing while
//! a panic unwinds: then the transaction (or subtransaction) aborts, and PostgreSQL itself releases snapshots, locks,
//! buffers, memory contexts and settings.

pub mod insert;
pub mod memory;
mod node;
pub mod query;
pub mod session;
pub mod table;
pub mod value;
