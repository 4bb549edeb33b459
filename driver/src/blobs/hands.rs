//! The files in a worker's hands, from claimed to recorded.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::attempt::Attempted;
use super::draft::Draft;
use super::failure::Failure;
use super::outcome::{Copied, Outcome};
use super::publication::publish;
use super::queue::Row;

/// How long a finished file may stay unpublished or unrecorded.
pub const TICK: Duration = Duration::from_millis(200);
/// Finished files that are recorded together.
const BATCH: usize = 128;
/// Drafts that are published together; those of one publication and those that wait for the next keep a file open each,
/// and a process may often have 1,024.
const GROUP: usize = 128;
/// Bytes in drafts that need not wait for more drafts.
const GROUP_BYTES: u64 = 64 * 1024 * 1024;

/// The files in this worker's hands.
#[derive(Default)]
pub struct Hands {
    /// Claimed and not begun.
    pub ready: VecDeque<Row>,
    /// Being attempted.
    pub under_way: JoinSet<(Row, Attempted)>,
    /// Being published: one group at a time, so that meanwhile the next one grows.
    pub publishing: JoinSet<Vec<(Row, Outcome)>>,
    written: Pile<(Row, Copied, Draft)>,
    written_bytes: u64,
    finished: Pile<(Row, Outcome)>,
}

/// What gathers until it is taken as a whole.
struct Pile<T> {
    items: Vec<T>,
    since: Option<Instant>,
}

impl Hands {
    /// Whether nothing is left to do with what was claimed.
    pub fn are_empty(&self) -> bool {
        self.ready.is_empty() && self.are_idle() && self.finished.items.is_empty()
    }

    /// Whether nothing is being done about any file.
    pub fn are_idle(&self) -> bool {
        self.under_way.is_empty() && self.written.items.is_empty() && self.publishing.is_empty()
    }

    /// The next row to begin, if `most` allow one more under way.
    pub fn next(&mut self, most: usize) -> Option<Row> {
        let room = self.under_way.len() < most && self.written.items.len() < GROUP;
        room.then(|| self.ready.pop_front()).flatten()
    }

    /// Takes a complete draft.
    pub fn take_written(&mut self, row: Row, copied: Copied, draft: Draft) {
        self.written_bytes += copied.bytes;
        self.written.push((row, copied, draft));
    }

    /// Takes what is to be recorded.
    pub fn take_finished(&mut self, row: Row, outcome: Outcome) {
        self.finished.push((row, outcome));
    }

    /// Gives up what is ready and meets the condition, to be recorded as not begun.
    pub fn release(&mut self, condition: impl Fn(&Row) -> bool) {
        for row in std::mem::take(&mut self.ready) {
            if condition(&row) {
                self.finished.push((row, Outcome::Released));
            } else {
                self.ready.push_back(row);
            }
        }
    }

    /// Begins to publish the drafts when there are many, nothing else is under way, or they wait for long.
    pub fn publish(&mut self, durable: bool) {
        let many = self.written.items.len() >= GROUP || self.written_bytes >= GROUP_BYTES;
        let due = many || self.under_way.is_empty() || self.written.is_overdue();
        if self.written.items.is_empty() || !self.publishing.is_empty() || !due {
            return;
        }
        self.written_bytes = 0;
        let written = self.written.take();
        self.publishing
            .spawn_blocking(move || publish_rows(written, durable));
    }

    /// What is to be recorded now: when it is much, nothing else happens, or it waits for long; else nothing.
    pub fn take_due(&mut self) -> Vec<(Row, Outcome)> {
        if self.finished.items.len() >= BATCH || self.are_idle() || self.finished.is_overdue() {
            self.finished.take()
        } else {
            Vec::new()
        }
    }
}

fn publish_rows(written: Vec<(Row, Copied, Draft)>, durable: bool) -> Vec<(Row, Outcome)> {
    let (rows, drafts): (Vec<_>, Vec<_>) = written
        .into_iter()
        .map(|(row, copied, draft)| ((row, copied), draft))
        .unzip();
    // A panic must not keep the rows claimed for as long as this worker lives.
    let published = catch_unwind(AssertUnwindSafe(|| publish(drafts, durable))).unwrap_or_else(|_| {
        vec![Err(Failure::passing("publishing broke off by an internal error")); rows.len()]
    });
    let outcomes = rows.into_iter().zip(published).map(|((row, copied), published)| {
        let outcome = published.map_or_else(Outcome::Failed, |()| Outcome::Done(copied));
        (row, outcome)
    });
    outcomes.collect()
}

impl<T> Pile<T> {
    fn push(&mut self, item: T) {
        self.items.push(item);
        self.since.get_or_insert_with(Instant::now);
    }

    fn take(&mut self) -> Vec<T> {
        std::mem::take(self).items
    }

    fn is_overdue(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= TICK)
    }
}

impl<T> Default for Pile<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            since: None,
        }
    }
}
