//! The result of a worker, for the operator.

use std::time::Duration;

use crate::output::thousands;

/// Counts of a finished run, and of the remaining work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Files that this process copied, found complete, or deleted.
    pub done: u64,
    /// Files that were complete at their target already.
    pub present: u64,
    /// Files to be deleted that did not exist.
    pub absent: u64,
    /// Bytes copied by this process or by the service for it.
    pub bytes: u64,
    /// Files that wait for an attempt, in the whole queue or of the given run.
    pub pending: u64,
    /// Files that other workers have claimed.
    pub running: u64,
    /// Files that need `pg_clone blobs retry`.
    pub failed: u64,
    /// Duration of the run.
    pub elapsed: Duration,
    /// Whether the run was stopped.
    pub stopped: bool,
    /// Storages that could not be used: store and reason.
    pub paused: Vec<(String, String)>,
}

impl Summary {
    /// Whether every file is at its target: exit code 0; otherwise 3.
    pub fn is_complete(&self) -> bool {
        self.pending == 0 && self.running == 0 && self.failed == 0
    }

    /// A hint for the operator; `None` if nothing is left to do.
    pub fn advice(&self) -> Option<String> {
        if let Some((store, error)) = self.paused.first() {
            return Some(format!(
                "store {store} paused: {error}; fix this, then run: pg_clone blobs run"
            ));
        }
        if self.pending + self.running > 0 {
            let left = grouped(self.pending + self.running);
            return Some(format!(
                "{left} files are left; continue with: pg_clone blobs run"
            ));
        }
        let failed = grouped(self.failed);
        (self.failed > 0).then(|| {
            format!("{failed} files failed: see pg_clone blobs status; retry them with: pg_clone blobs retry")
        })
    }
}

fn grouped(number: u64) -> String {
    thousands(i64::try_from(number).unwrap_or(i64::MAX))
}
