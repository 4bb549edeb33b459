//! Writes the extension's own tables, one file for each subject, with the rights of the extension's owner, in the
//! caller's transaction. No other file writes to these tables.

pub mod blob_queue;
pub mod runs;
