//! What a worker is asked to do.

use std::time::Duration;

use crate::blobs::queue::backoff::Backoff;
use crate::blobs::queue::notify_listener::Listener;
use crate::blobs::storage::allowed::AllowedLocations;
use crate::blobs::storage::location::Location;

/// What to work off, and how.
#[derive(Clone)]
pub struct RunOptions {
    /// Only the files of this run.
    pub run: Option<i64>,
    /// Copy from here instead of from where the store says.
    pub from: Option<Location>,
    /// Copy to here instead of where the store says; delete here where neither the queue nor the store says.
    pub to: Option<Location>,
    /// Places that the database may name.
    pub allowed: AllowedLocations,
    /// Files under way at once.
    pub concurrency: usize,
    /// Stay, and work off what clones to come queue.
    pub watch: bool,
    /// Wakes a watching worker at once; without it, it looks every `poll`.
    pub listener: Option<Listener>,
    /// How often a worker that waits looks at the queue.
    pub poll: Duration,
    /// Attempts and the waits between them.
    pub backoff: Backoff,
    /// A file counts as copied into a directory only when it is on disk: it survives a crash of the machine.
    pub durable: bool,
    /// How long files under way may go on when the run is asked to stop; what is then unfinished is abandoned.
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
