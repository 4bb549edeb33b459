//! What a run tells whoever draws its progress.

use std::time::Duration;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Files that are at their target (or deleted) by the work of this process.
    pub files_done: u64,
    /// Files among them that were there already.
    pub files_present: u64,
    /// Files that this process gave up.
    pub files_failed: u64,
    /// Files of this run in all: done here, and still to do by whomever.
    pub files_total: u64,
    /// Files under way right now.
    pub files_under_way: u64,
    /// Bytes moved by this process or on its behalf.
    pub bytes_done: u64,
    /// Bytes still to move, where the queue knows the sizes.
    pub bytes_left: Option<u64>,
    /// Since the start.
    pub elapsed: Duration,
}

impl Snapshot {
    /// Bytes per second since the start.
    pub fn rate(&self) -> f64 {
        self.bytes_done as f64 / self.elapsed.as_secs_f64().max(1e-3)
    }

    /// Expected time to the end at the pace so far: by bytes where they are known, else by files. `None` before anything
    /// is done.
    pub fn time_left(&self) -> Option<Duration> {
        let files = self.files_done + self.files_failed;
        let part = match self.bytes_left {
            Some(left) if self.bytes_done > 0 => left as f64 / self.bytes_done as f64,
            _ if files > 0 => self.files_total.saturating_sub(files) as f64 / files as f64,
            _ => return None,
        };
        Duration::try_from_secs_f64(self.elapsed.as_secs_f64() * part).ok()
    }
}

/// Something to tell the operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// How far the run is; a few times a second.
    Moved(Snapshot),
    /// A file failed and will be tried again after the wait.
    WillRetry {
        /// Key of the target.
        key: String,
        /// Why.
        error: String,
        /// How long it rests.
        wait: Duration,
    },
    /// A file failed and needs `pg_clone blobs retry`.
    Failed {
        /// Key of the target.
        key: String,
        /// Why.
        error: String,
        /// Whether trying again cannot help.
        permanent: bool,
    },
    /// A whole storage cannot be used: its files rest.
    Paused {
        /// The store in the catalog.
        store: String,
        /// Why.
        error: String,
    },
    /// Claims of workers that died were freed.
    Freed {
        /// How many files.
        files: u64,
    },
    /// The connection to the database broke; it is being made anew.
    Reconnecting {
        /// Why.
        error: String,
    },
    /// Nothing to do at the moment (`--watch`).
    Idle,
    /// The run was asked to stop: no new files, those under way are finished.
    Stopping {
        /// Files under way.
        under_way: u64,
    },
}

/// Draws progress. Called from the run's own task: it must not block for long.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: &Event) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_bytes_where_known_and_files_otherwise() {
        let mut now = Snapshot {
            elapsed: Duration::from_secs(10),
            ..Snapshot::default()
        };
        assert_eq!(now.time_left(), None);
        (now.files_done, now.files_total, now.bytes_done) = (5, 20, 100);
        assert_eq!(now.time_left(), Some(Duration::from_secs(30)));
        now.bytes_left = Some(200);
        assert_eq!(now.time_left(), Some(Duration::from_secs(20)));
        assert!((now.rate() - 10.0).abs() < 1e-9);
    }
}
