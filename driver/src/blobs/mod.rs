//! Files outside the database: works off `clone.blob_copy`, shows where it stands, verifies.
//!
//! [`run()`] is a worker; [`status()`] and [`retry()`] are for the operator; [`verify()`] compares a project with its files.

mod agenda;
mod attempt;
mod backoff;
mod checksum;
mod cloud;
mod directory;
mod directory_list;
mod draft;
mod failure;
mod hands;
mod inflow;
mod listing;
mod location;
mod memory;
mod meter;
mod object;
mod outcome;
mod places;
mod progress;
mod publication;
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
mod stream;
mod tally;
mod transfer;
mod verify;
mod wakeup;
mod worker;

pub use backoff::Backoff;
pub use location::{Bucket, Location};
pub use progress::{Event, Progress, Silent, Snapshot};
pub use run::{RunOptions, Summary, run};
pub use status::{FileError, RunStatus, Status, retry, status};
pub use verify::{FaultyFile, FileReport, verify};
pub use wakeup::{CHANNEL, Listener};
