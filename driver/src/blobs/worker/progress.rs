//! Progress events of a run.

use std::time::Duration;

/// The state of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Files that this process copied, found complete, or deleted.
    pub files_done: u64,
    /// Files among them that were already complete.
    pub files_present: u64,
    /// Files that failed in this process.
    pub files_failed: u64,
    /// Files done by this process, and files still to do by any worker.
    pub files_total: u64,
    /// Files that are being copied.
    pub files_under_way: u64,
    /// Bytes copied by this process or by the service for it.
    pub bytes_done: u64,
    /// Bytes still to copy, if the queue has the sizes.
    pub bytes_left: Option<u64>,
    /// Since the start.
    pub elapsed: Duration,
}

impl Snapshot {
    /// Bytes per second since the start.
    pub fn rate(&self) -> f64 {
        self.bytes_done as f64 / self.elapsed.as_secs_f64().max(1e-3)
    }

    /// Expected time to the end at the present rate: by bytes if known, else by files. `None` before anything
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

/// An event for the operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The state of the run; sent a few times a second.
    Moved(Snapshot),
    /// A file failed and will be tried again after the wait.
    WillRetry {
        /// Key of the target.
        key: String,
        /// Why.
        error: String,
        /// Time until the next attempt.
        wait: Duration,
    },
    /// A file failed and needs `pg_clone blobs retry`.
    Failed {
        /// Key of the target.
        key: String,
        /// Why.
        error: String,
        /// Whether the error is permanent.
        permanent: bool,
    },
    /// A storage cannot be used: its files are paused.
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
    /// The connection to the database was lost; the worker reconnects.
    Reconnecting {
        /// Why.
        error: String,
    },
    /// Nothing to do at the moment (`--watch`).
    Idle,
    /// The run stops: no new files are begun, current transfers are finished.
    Stopping {
        /// Files under way.
        under_way: u64,
    },
}

/// Receives progress events. Called from the run's own task: it must not block for long.
pub trait Progress: Send + Sync {
    /// Handles an event.
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
