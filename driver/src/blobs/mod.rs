//! Files outside the database: works off `clone.blob_copy`, shows where it stands, verifies.
//!
//! [`run()`] is a worker; [`status()`] and [`retry()`] are for the operator; [`verify()`] compares a project with its files.

mod attempt;
mod backoff;
mod checksum;
mod claim_schedule;
mod cloud;
mod directory;
mod directory_list;
mod durable_rename;
mod failure;
mod file_counts;
mod hashing_reader;
mod in_flight;
mod listing;
mod location;
mod memory;
mod meter;
mod notify_listener;
mod object;
mod outcome;
mod progress;
mod queue;
mod run;
mod s3;
mod s3_copy;
mod s3_failure;
mod s3_list;
mod s3_multipart;
mod s3_upload;
mod status;
mod storage;
mod store_locations;
mod stream;
mod temporary_file;
mod transfer;
mod verify;
mod worker;

pub use backoff::Backoff;
pub use location::{Bucket, Location};
pub use notify_listener::{CHANNEL, Listener};
pub use progress::{Event, Progress, Silent, Snapshot};
pub use run::{RunOptions, Summary, run};
pub use status::{FileError, RunStatus, Status, retry, status};
pub use verify::{FaultyFile, FileReport, verify};
