//! What a worker achieved, for the operator.

use std::time::Duration;

use crate::output::thousands;

/// What a run achieved, and what is left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Files that this process brought to their target, or deleted; those found there among them.
    pub done: u64,
    /// Files that were at their target already.
    pub present: u64,
    /// Files that were to be deleted and were not there.
    pub absent: u64,
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
                "store {store} paused: {error}; fix this, then run: pg_clone blobs run"
            ));
        }
        if self.pending + self.running > 0 {
            let left = grouped(self.pending + self.running);
            return Some(format!("{left} files are left; go on with: pg_clone blobs run"));
        }
        let failed = grouped(self.failed);
        (self.failed > 0).then(|| {
            format!(
                "{failed} files failed: see pg_clone blobs status; try them again with: pg_clone blobs retry"
            )
        })
    }
}

fn grouped(number: u64) -> String {
    thousands(i64::try_from(number).unwrap_or(i64::MAX))
}
