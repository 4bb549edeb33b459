//! `pg_clone blobs run`: options, the life of a worker from connecting to the last file, and what it achieved.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::file_counts::FileCounts;
use super::location::Location;
use super::memory::Memory;
use super::meter::Meter;
use super::notify_listener::Listener;
use super::progress::{Event, Progress};
use super::queue::{Queue, QueueCounts};
use super::store_locations::StoreLocations;
use super::transfer::Shared;
use super::worker::Worker;

/// What to work off, and how.
#[derive(Clone)]
pub struct RunOptions {
    /// Only the files of this run.
    pub run: Option<i64>,
    /// Copy from here instead of from where the store says.
    pub from: Option<Location>,
    /// Copy to (and delete) here instead of where the store says.
    pub to: Option<Location>,
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
            concurrency: 16,
            watch: false,
            listener: None,
            poll: Duration::from_secs(10),
            backoff: Backoff::default(),
            durable: true,
            grace: Duration::from_secs(10),
        }
    }
}

/// What a run achieved, and what is left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Files that this process brought to their target, or deleted; those found there among them.
    pub done: u64,
    /// Files that were at their target already.
    pub present: u64,
    /// Bytes moved by this process or by the service on its behalf.
    pub bytes: u64,
    /// Files that wait for an attempt, in the whole queue or of the run asked for.
    pub pending: u64,
    /// Files that other workers are at.
    pub running: u64,
    /// Files that need `pg_clone blobs retry`.
    pub failed: u64,
    /// From start to end.
    pub elapsed: Duration,
    /// The run was asked to stop.
    pub stopped: bool,
    /// Storages that could not be used at all: the store, and why.
    pub paused: Vec<(String, String)>,
}

impl Summary {
    /// Whether every file is where it should be: exit code 0; otherwise 3.
    pub fn is_complete(&self) -> bool {
        self.pending == 0 && self.running == 0 && self.failed == 0
    }

    /// How to go on, for the operator; `None` when there is nothing left to do.
    pub fn advice(&self) -> Option<String> {
        if let Some((store, error)) = self.paused.first() {
            return Some(format!(
                "store {store}: {error}; when that is mended, go on with: pg_clone blobs run"
            ));
        }
        if self.pending + self.running > 0 {
            let left = self.pending + self.running;
            return Some(format!("{left} files are left; go on with: pg_clone blobs run"));
        }
        let failed = self.failed;
        (failed > 0).then(|| {
            format!(
                "{failed} files failed: see pg_clone blobs status; try them again with: pg_clone blobs retry"
            )
        })
    }
}

/// Lost connections in a row after which a run that does not watch gives up.
const RECONNECTS: u32 = 6;

/// Works off the queue until nothing is left to do (with `watch`: until `stop`). Any number of these may run at once, on
/// any number of machines.
///
/// When `stop` is cancelled no new file is begun; those under way get `options.grace` to finish.
///
/// # Errors
/// When the database cannot be reached (with `watch`: at the start), or the role may not work the queue (42501). Files
/// that fail are no error: see [`Summary`].
pub async fn run(
    pool: &Pool,
    options: &RunOptions,
    progress: &dyn Progress,
    stop: CancellationToken,
) -> anyhow::Result<Summary> {
    let start = Instant::now();
    let wake = Arc::new(Notify::new());
    let listening = options.listener.clone().filter(|_| options.watch);
    let listening = listening.map(|listener| tokio::spawn(listener.listen(Arc::clone(&wake))));
    let locations = StoreLocations::new(options.from.clone(), options.to.clone());
    let mut file_counts = FileCounts::new(start);
    let mut lost = 0;
    let left = loop {
        let shared = Shared {
            meter: Meter::default(),
            memory: Memory::default(),
            durable: options.durable,
        };
        let before = file_counts.files();
        let ended = match Queue::open(pool, options.backoff).await {
            Ok(queue) => {
                let worker = Worker {
                    queue: &queue,
                    options,
                    progress,
                    stop: &stop,
                    wake: &wake,
                    locations: &locations,
                    shared: &shared,
                };
                let ended = worker.work(&mut file_counts).await;
                file_counts.keep_bytes(&shared);
                ended.map_err(|error| (queue.is_lost_by(&error), anyhow::Error::new(error)))
            }
            Err(error) => Err((before > 0 || lost > 0, error)),
        };
        let error = match ended {
            Ok(counts) => break counts,
            Err((false, error)) => return Err(error),
            Err((true, error)) => error,
        };
        // The server freed our claims with the session; what was copied and not recorded will be found present.
        lost = if file_counts.files() > before { 1 } else { lost + 1 };
        if stop.is_cancelled() || (lost > RECONNECTS && !options.watch) {
            return Err(error.context("lost the connection to the database; go on with: pg_clone blobs run"));
        }
        progress.event(&Event::Reconnecting {
            error: format!("{error:#}"),
        });
        tokio::select! {
            () = tokio::time::sleep(options.backoff.wait(lost + 1)) => {}
            () = stop.cancelled() => {}
        }
    };
    if let Some(listening) = listening {
        listening.abort();
    }
    let QueueCounts {
        pending,
        running,
        failed,
        ..
    } = left;
    Ok(Summary {
        pending,
        running,
        failed,
        stopped: stop.is_cancelled(),
        ..file_counts.summary()
    })
}
