//! One attempt at one row of the queue.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use super::draft::Draft;
use super::failure::Failure;
use super::listing;
use super::outcome::{Copied, Outcome};
use super::places::Place;
use super::queue::Row;
use super::storage::Storage;
use super::transfer::{self, Job, Shared};

/// What an attempt came to.
#[derive(Debug)]
pub enum Attempted {
    /// All bytes are in a draft, which is to be published before the row is done.
    Written(Copied, Draft),
    /// All there was to do.
    Ended(Outcome),
}

impl From<Outcome> for Attempted {
    fn from(outcome: Outcome) -> Self {
        Self::Ended(outcome)
    }
}

/// Begins an attempt among those under way.
pub fn begin(row: Row, place: &Place, shared: &Shared, under_way: &mut JoinSet<(Row, Attempted)>) {
    let (place, shared) = (place.clone(), shared.clone());
    // A panic must not keep the row claimed for as long as this worker lives.
    let broken = |_| Err(Failure::passing("the copy broke off by an internal error"));
    if is_local(&row, &place) {
        // All of it on one thread: a small file takes less time than handing it from thread to thread.
        under_way.spawn_blocking(move || {
            let copied = catch_unwind(AssertUnwindSafe(|| copy_locally(&row, &place, &shared)));
            let attempted = settle(copied.unwrap_or_else(broken), &shared);
            (row, attempted)
        });
    } else {
        under_way.spawn(async move {
            let attempt = AssertUnwindSafe(attempt(&row, &place, &shared)).catch_unwind();
            let attempted = settle(attempt.await.unwrap_or_else(broken), &shared);
            (row, attempted)
        });
    }
}

fn is_local(row: &Row, place: &Place) -> bool {
    let directories = [&place.source, &place.target].map(|side| matches!(**side, Storage::Directory(_)));
    directories == [true, true] && !row.delete && !listing::is_prefix(row)
}

fn copy_locally(row: &Row, place: &Place, shared: &Shared) -> Result<Attempted, Failure> {
    let (Storage::Directory(from), Storage::Directory(to)) = (&*place.source, &*place.target) else {
        unreachable!("is_local() saw two directories");
    };
    let (flush, meter) = (shared.flush, &shared.meter);
    meter.go_on()?;
    let (copied, draft) = to.copy(
        &row.target_key,
        from,
        &row.source_key,
        row.size_expected,
        flush,
        meter,
    )?;
    Ok(Attempted::Written(copied, draft))
}

async fn attempt(row: &Row, place: &Place, shared: &Shared) -> Result<Attempted, Failure> {
    if listing::is_prefix(row) {
        let rests = listing::list(&place.source, row, &shared.meter).await?;
        return Ok(Outcome::Listed(rests).into());
    }
    if row.delete {
        if row.target_key.ends_with('/') {
            return Err(Failure::file(format!(
                "{} stands for all files below it, and a delete is of one file: nothing was deleted",
                row.target_key
            )));
        }
        return Ok(Outcome::Done(transfer::delete(&place.target, &row.target_key).await?).into());
    }
    let job = Job {
        source_key: row.source_key.clone(),
        target_key: row.target_key.clone(),
        size_expected: row.size_expected,
        content_type: row.content_type.clone(),
    };
    Ok(
        match transfer::copy(&place.source, &place.target, job, shared).await? {
            (copied, Some(draft)) => Attempted::Written(copied, draft),
            (copied, None) => Outcome::Done(copied).into(),
        },
    )
}

fn settle(attempted: Result<Attempted, Failure>, shared: &Shared) -> Attempted {
    match attempted {
        Ok(attempted) => attempted,
        // Whatever a transfer says once it was told to break off, its file is simply not done.
        Err(_) if shared.meter.abandon().is_cancelled() => Outcome::Released.into(),
        Err(failure) => Outcome::Failed(failure).into(),
    }
}
