//! Attempts at rows of the queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use crate::blobs::file::blocking::blocking;
use crate::blobs::file::failure::Failure;
use crate::blobs::file::outcome::{Copied, FileOutcome};
use crate::blobs::file::shared::Shared;
use crate::blobs::queue::Row;
use crate::blobs::storage::Storage;
use crate::blobs::storage::directory::temporary_file::TemporaryFile;
use crate::blobs::transfer;
use crate::blobs::transfer::job::Job;
use crate::blobs::worker::listing;
use crate::blobs::worker::store_locations::Place;

/// How long one thread works on its rows before it hands the rest back.
const SHARE: Duration = Duration::from_millis(20);

/// The result of an attempt.
#[derive(Debug)]
pub enum Attempted {
    /// All bytes are in a temporary file; it must be published before the row is done.
    Written(Copied, TemporaryFile),
    /// The attempt is complete.
    Ended(FileOutcome),
}

impl From<FileOutcome> for Attempted {
    fn from(outcome: FileOutcome) -> Self {
        Self::Ended(outcome)
    }
}

/// The result of a task.
#[derive(Debug, Default)]
pub struct Attempts {
    /// Rows that were attempted.
    pub made: Vec<(Row, Attempted)>,
    /// Rows that were not begun.
    pub rest: Vec<Row>,
}

/// Spawns an attempt; a failure in `place` is its outcome.
pub fn begin(row: Row, place: Result<Place, Failure>, shared: Shared, under_way: &mut JoinSet<Attempts>) {
    under_way.spawn(async move {
        let attempt = async { attempt(&row, &place?, &shared).await };
        let attempt = AssertUnwindSafe(attempt).catch_unwind();
        let attempted = settle(attempt.await.unwrap_or_else(broken), &shared);
        Attempts {
            made: vec![(row, attempted)],
            rest: Vec::new(),
        }
    });
}

/// Copies files between the two directories of `place`, one after another on one thread: copying a small file takes less
/// time than handing it to another thread. After `SHARE` the rest is returned for other threads.
pub fn begin_local(rows: Vec<Row>, place: Place, shared: Shared, under_way: &mut JoinSet<Attempts>) {
    under_way.spawn_blocking(move || {
        let start = Instant::now();
        let mut rows = rows.into_iter();
        let mut made = Vec::with_capacity(rows.len());
        while (made.is_empty() || start.elapsed() < SHARE)
            && let Some(row) = rows.next()
        {
            let copied = catch_unwind(AssertUnwindSafe(|| copy_locally(&row, &place, &shared)));
            let attempted = settle(copied.unwrap_or_else(broken), &shared);
            made.push((row, attempted));
        }
        let rest = rows.collect();
        Attempts { made, rest }
    });
}

fn copy_locally(row: &Row, place: &Place, shared: &Shared) -> Result<Attempted, Failure> {
    let (Storage::Directory(from), Storage::Directory(to)) = (&*place.source, &*place.target) else {
        return Err(Failure::file("only a directory can be copied from locally"));
    };
    shared.meter.go_on()?;
    let (copied, file) = to.copy(&row.target_key, from, &row.source_key, row.size_expected, shared)?;
    published(copied, file, shared)
}

/// Renames a file now if no sync is requested; otherwise it is published in a group.
fn published(copied: Copied, mut file: TemporaryFile, shared: &Shared) -> Result<Attempted, Failure> {
    if shared.durable {
        return Ok(Attempted::Written(copied, file));
    }
    file.give_name()?;
    Ok(FileOutcome::Done(copied).into())
}

/// The outcome of a task that panicked: the row must not stay claimed.
fn broken<T>(_: T) -> Result<Attempted, Failure> {
    Err(Failure::passing("the copy broke off by an internal error"))
}

async fn attempt(row: &Row, place: &Place, shared: &Shared) -> Result<Attempted, Failure> {
    if row.is_prefix() {
        let suffixes = listing::list(&place.source, row, &shared.meter).await?;
        return Ok(FileOutcome::Listed(suffixes).into());
    }
    if row.delete {
        if row.target_key.ends_with('/') {
            return Err(Failure::file(format!(
                "{} stands for all files below it, and a delete is of one file: nothing was deleted",
                row.target_key
            )));
        }
        return Ok(FileOutcome::Done(transfer::delete(&place.target, &row.target_key).await?).into());
    }
    let job = Job {
        source_key: row.source_key.clone(),
        target_key: row.target_key.clone(),
        size_expected: row.size_expected,
        content_type: row.content_type.clone(),
    };
    Ok(
        match transfer::copy(&place.source, &place.target, job, shared).await? {
            (copied, Some(file)) => {
                let shared = shared.clone();
                blocking(move || published(copied, file, &shared)).await?
            }
            (copied, None) => FileOutcome::Done(copied).into(),
        },
    )
}

fn settle(attempted: Result<Attempted, Failure>, shared: &Shared) -> Attempted {
    match attempted {
        Ok(attempted) => attempted,
        // After an abort every error of a transfer means only that its file is not done.
        Err(_) if shared.meter.abandon().is_cancelled() => FileOutcome::Released.into(),
        Err(failure) => FileOutcome::Failed(failure).into(),
    }
}
