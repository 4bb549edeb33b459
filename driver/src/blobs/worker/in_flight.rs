//! The files that a worker has claimed, from claimed to recorded.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::task::JoinSet;

use crate::blobs::file::failure::Failure;
use crate::blobs::file::outcome::{Copied, Outcome};
use crate::blobs::queue::Row;
use crate::blobs::storage::directory::durable_rename::publish;
use crate::blobs::storage::directory::temporary_file::TemporaryFile;
use crate::blobs::worker::attempt::Attempts;

/// How long a finished file may stay unpublished or unrecorded.
pub const TICK: Duration = Duration::from_millis(200);
/// Finished files that are recorded together.
const BATCH: usize = 128;
/// Drafts that need not wait for more files. With 128, 1,000 files of 100 kB took 218 ms, with 512 206 ms.
const GROUP: usize = 256;
/// The most files that wait.
const MOST_WRITTEN: usize = 512;
/// Bytes in files that need not wait for more files.
const GROUP_BYTES: u64 = 64 * 1024 * 1024;

/// The most files that one thread is given.
const LARGEST_SHARE: usize = 16;

/// The files that this worker has claimed.
pub struct InFlight {
    /// Claimed and not begun.
    pub ready: VecDeque<Row>,
    /// Being attempted.
    pub under_way: JoinSet<Attempts>,
    /// Being published: one group at a time, so that meanwhile the next one grows.
    pub publishing: JoinSet<Vec<(Row, Outcome)>>,
    written: Pile<(Row, Copied, TemporaryFile)>,
    written_bytes: u64,
    finished: Pile<(Row, Outcome)>,
    most_written: usize,
}

/// What gathers until it is taken as a whole.
struct Pile<T> {
    items: Vec<T>,
    since: Option<Instant>,
}

impl Default for InFlight {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            under_way: JoinSet::new(),
            publishing: JoinSet::new(),
            written: Pile::default(),
            written_bytes: 0,
            finished: Pile::default(),
            most_written: most_written(),
        }
    }
}

/// Each file keeps itself and its directory open: those that are being published, those that wait, and those under way. A
/// process may have 1,024 open by default, and more if it asks.
fn most_written() -> usize {
    let files = Resource::RLIMIT_NOFILE;
    let allowed = || getrlimit(files).unwrap_or((256, 256));
    let (now, most) = allowed();
    let wanted = most.min(16 * MOST_WRITTEN as u64);
    if now < wanted {
        // If it may not, fewer wait.
        let _ = setrlimit(files, wanted, most);
    }
    usize::try_from(allowed().0 / 16).map_or(MOST_WRITTEN, |files| files.clamp(1, MOST_WRITTEN))
}

impl InFlight {
    /// Whether nothing is left to do with what was claimed.
    pub fn are_empty(&self) -> bool {
        self.ready.is_empty() && self.are_idle() && self.finished.items.is_empty()
    }

    /// Whether nothing is being done about any file.
    pub fn are_idle(&self) -> bool {
        self.under_way.is_empty() && self.written.items.is_empty() && self.publishing.is_empty()
    }

    /// Whether another task may begin when there may be `most`.
    pub fn have_room(&self, most: usize) -> bool {
        self.under_way.len() < most && self.written.items.len() < self.most_written
    }

    /// The next files to begin if the next row is one: so many that they suffice for `tasks`, all of the same places.
    pub fn next_files(&mut self, tasks: usize) -> Vec<Row> {
        let place = self.ready.front().map(Row::place_key);
        let share = self.ready.len().div_ceil(tasks.max(1)).min(LARGEST_SHARE);
        let alike = |row: &&Row| row.is_file() && Some(row.place_key()) == place;
        let count = self.ready.iter().take(share).take_while(alike).count();
        self.ready.drain(..count).collect()
    }

    /// Takes a complete file.
    pub fn take_written(&mut self, row: Row, copied: Copied, file: TemporaryFile) {
        self.written_bytes += copied.bytes;
        self.written.push((row, copied, file));
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

    /// Begins to publish the files when there are many, nothing else is under way, or they wait for long.
    pub fn publish(&mut self) {
        let many =
            self.written.items.len() >= GROUP.min(self.most_written) || self.written_bytes >= GROUP_BYTES;
        let due = many || self.under_way.is_empty() || self.written.is_overdue();
        if self.written.items.is_empty() || !self.publishing.is_empty() || !due {
            return;
        }
        self.written_bytes = 0;
        let written = self.written.take();
        self.publishing.spawn_blocking(move || publish_rows(written));
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

fn publish_rows(written: Vec<(Row, Copied, TemporaryFile)>) -> Vec<(Row, Outcome)> {
    let (rows, files): (Vec<_>, Vec<_>) = written
        .into_iter()
        .map(|(row, copied, file)| ((row, copied), file))
        .unzip();
    // A panic must not keep the rows claimed for as long as this worker lives.
    let published = catch_unwind(AssertUnwindSafe(|| publish(files))).unwrap_or_else(|_| {
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
