//! The files that a worker has claimed and not yet recorded.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::task::JoinSet;

use crate::blobs::file::failure::Failure;
use crate::blobs::file::outcome::{Copied, FileOutcome};
use crate::blobs::queue::Row;
use crate::blobs::storage::directory::durable_rename::publish;
use crate::blobs::storage::directory::temporary_file::TemporaryFile;
use crate::blobs::worker::attempt::Attempts;

/// Longest time that a finished file stays unpublished or unrecorded.
pub const TICK: Duration = Duration::from_millis(200);
/// Finished files that are recorded together.
const BATCH: usize = 128;
/// Number of temporary files that are published without waiting for more. With 128, 1,000 files of 100 kB took 218 ms, with 512 206 ms.
const GROUP: usize = 256;
/// Maximum number of files that wait for publication.
const MOST_WRITTEN: usize = 512;
/// Bytes in temporary files that are published without waiting for more.
const GROUP_BYTES: u64 = 64 * 1024 * 1024;

/// Maximum number of files for one thread.
const LARGEST_SHARE: usize = 16;

/// The files that this worker has claimed.
pub struct InFlight {
    /// Claimed and not begun.
    pub ready: VecDeque<Row>,
    /// Being attempted.
    pub under_way: JoinSet<Attempts>,
    /// Being published: one group at a time, so that meanwhile the next one grows.
    pub publishing: JoinSet<Vec<(Row, FileOutcome)>>,
    written: Pile<(Row, Copied, TemporaryFile)>,
    written_bytes: u64,
    finished: Pile<(Row, FileOutcome)>,
    most_written: usize,
}

/// Entries that are taken together.
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

/// Maximum number of files that wait for publication. Each file needs two descriptors, its own and its directory's. The
/// default limit of a process is 1,024; this raises it if it can.
fn most_written() -> usize {
    let files = Resource::RLIMIT_NOFILE;
    let allowed = || getrlimit(files).unwrap_or((256, 256));
    let (now, most) = allowed();
    let wanted = most.min(16 * MOST_WRITTEN as u64);
    if now < wanted {
        // On failure, fewer files wait.
        let _ = setrlimit(files, wanted, most);
    }
    usize::try_from(allowed().0 / 16).map_or(MOST_WRITTEN, |files| files.clamp(1, MOST_WRITTEN))
}

impl InFlight {
    /// Whether all claimed files are recorded.
    pub fn are_empty(&self) -> bool {
        self.ready.is_empty() && self.are_idle() && self.finished.items.is_empty()
    }

    /// Whether no file is being copied or published.
    pub fn are_idle(&self) -> bool {
        self.under_way.is_empty() && self.written.items.is_empty() && self.publishing.is_empty()
    }

    /// Whether fewer than `most` tasks run.
    pub fn have_room(&self, most: usize) -> bool {
        self.under_way.len() < most && self.written.items.len() < self.most_written
    }

    /// The next files to begin, if the next row is a file: one share for each of `tasks`, all with the same locations.
    pub fn next_files(&mut self, tasks: usize) -> Vec<Row> {
        let place = self.ready.front().map(Row::place_key);
        let share = self.ready.len().div_ceil(tasks.max(1)).min(LARGEST_SHARE);
        let alike = |row: &&Row| row.is_file() && Some(row.place_key()) == place;
        let count = self.ready.iter().take(share).take_while(alike).count();
        self.ready.drain(..count).collect()
    }

    /// Adds a complete temporary file.
    pub fn take_written(&mut self, row: Row, copied: Copied, file: TemporaryFile) {
        self.written_bytes += copied.bytes;
        self.written.push((row, copied, file));
    }

    /// Adds an outcome to be recorded.
    pub fn take_finished(&mut self, row: Row, outcome: FileOutcome) {
        self.finished.push((row, outcome));
    }

    /// Releases ready rows that meet the condition; they are recorded as not begun.
    pub fn release(&mut self, condition: impl Fn(&Row) -> bool) {
        for row in std::mem::take(&mut self.ready) {
            if condition(&row) {
                self.finished.push((row, FileOutcome::Released));
            } else {
                self.ready.push_back(row);
            }
        }
    }

    /// Starts to publish the waiting files if there are many, nothing else runs, or they have waited long.
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

    /// The outcomes to record now: all if there are many, nothing else runs, or they have waited long; else none.
    pub fn take_due(&mut self) -> Vec<(Row, FileOutcome)> {
        if self.finished.items.len() >= BATCH || self.are_idle() || self.finished.is_overdue() {
            self.finished.take()
        } else {
            Vec::new()
        }
    }
}

fn publish_rows(written: Vec<(Row, Copied, TemporaryFile)>) -> Vec<(Row, FileOutcome)> {
    let (rows, files): (Vec<_>, Vec<_>) = written
        .into_iter()
        .map(|(row, copied, file)| ((row, copied), file))
        .unzip();
    // After a panic the rows must not stay claimed.
    let published = catch_unwind(AssertUnwindSafe(|| publish(files))).unwrap_or_else(|_| {
        vec![Err(Failure::passing("publishing broke off by an internal error")); rows.len()]
    });
    let outcomes = rows.into_iter().zip(published).map(|((row, copied), published)| {
        let outcome = published.map_or_else(FileOutcome::Failed, |()| FileOutcome::Done(copied));
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
