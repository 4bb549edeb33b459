//! Options of a worker.

use std::time::Duration;

use crate::blobs::queue::backoff::Backoff;
use crate::blobs::queue::notify_listener::Listener;
use crate::blobs::storage::allowed::AllowedLocations;
use crate::blobs::storage::location::Location;

/// Which rows to process, and how.
#[derive(Clone)]
pub struct RunOptions {
    /// Only the files of this run.
    pub run: Option<i64>,
    /// Source location that replaces the store's.
    pub from: Option<Location>,
    /// Target location that replaces the store's; for a delete it is used only if neither the queue nor the store has one.
    pub to: Option<Location>,
    /// Locations that the database may name.
    pub allowed: AllowedLocations,
    /// Number of transfers at the same time.
    pub concurrency: usize,
    /// Keep running and process the files of later clones too.
    pub watch: bool,
    /// Wakes a watching worker; without it, the worker checks every `poll`.
    pub listener: Option<Listener>,
    /// Time between two checks of the queue while the worker waits.
    pub poll: Duration,
    /// Attempts and the waits between them.
    pub backoff: Backoff,
    /// A file in a directory is synced before it counts as copied, so that it survives a crash of the machine.
    pub durable: bool,
    /// Time that transfers get to finish when the run is stopped; then they are aborted.
    pub grace: Duration,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            run: None,
            from: None,
            to: None,
            allowed: AllowedLocations::default(),
            concurrency: 16,
            watch: false,
            listener: None,
            poll: Duration::from_secs(10),
            backoff: Backoff::default(),
            durable: true,
            grace: Duration::from_secs(7),
        }
    }
}
