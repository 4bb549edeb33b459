//! Files outside the database: processes the queue `clone.blob_copy`, shows its state, verifies files.
//!
//! [`run()`] is a worker; [`status()`] and [`retry()`] are for the operator; [`verify()`] compares a project with its files.
//!
//! Each folder uses those listed before it: `file` (bytes, checksums, metadata), `storage` (directory, S3, Azure, Google),
//! `transfer` (one file from storage to storage), `queue` (`clone.blob_copy`), `worker` (the loop).

mod archived;
mod file;
mod queue;
mod storage;
mod transfer;
mod verify;
mod worker;

pub use archived::{EachFile, FilesOfProject, UnpackedFiles};
pub use queue::backoff::Backoff;
pub use queue::notify_listener::{CHANNEL, Listener};
pub use queue::status::{FileError, RunStatus, Status, retry, status};
pub use storage::allowed::AllowedLocations;
pub use storage::location::{Bucket, Location};
pub use verify::{FaultyFile, FileReport, verify};
pub use worker::options::RunOptions;
pub use worker::progress::{Event, Progress, Silent, Snapshot};
pub use worker::run::run;
pub use worker::summary::Summary;
