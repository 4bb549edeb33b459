//! The fence: every `unsafe` of the extension is in this folder, behind safe types.
//!
//! One type per PostgreSQL resource. Their `Drop` gives the resource back on the normal way out and does nothing while
//! a panic unwinds: then the transaction (or subtransaction) aborts, and PostgreSQL itself releases snapshots, locks,
//! buffers, memory contexts and settings.

pub mod as_role;
pub mod background;
pub mod bulk_insert;
pub mod datum;
pub mod domain_check;
pub mod environment;
mod gin_pending;
pub mod hook;
mod index_entries;
pub mod json_text;
pub mod key_checks;
pub mod memory;
mod node;
pub mod notice;
pub mod object_lock;
pub mod plan_check;
pub mod privileges;
pub mod progress;
pub mod query;
pub mod relation;
pub mod rewritten_rows;
pub mod row;
pub mod settings_guard;
pub mod signals;
pub mod snapshot;
pub mod subtransaction;
pub mod table_locks;
pub mod toast;
