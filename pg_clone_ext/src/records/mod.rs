//! What the extension records in its own tables, one file for each subject. Written with the rights of the extension's owner, in the
//! caller's transaction. No other file writes to these tables.

pub mod blob_queue;
pub mod runs;
