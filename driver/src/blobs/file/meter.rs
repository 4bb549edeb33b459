//! Counts copied bytes and tells transfers to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::blobs::file::failure::Failure;

/// The meter of all transfers of a run.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    bytes: Arc<AtomicU64>,
    abandon: CancellationToken,
}

impl Meter {
    /// Counts bytes that arrived at a target.
    ///
    /// # Errors
    /// The run is being aborted.
    pub fn advance(&self, bytes: u64) -> Result<(), Failure> {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.go_on()
    }

    /// Checks whether the transfer should continue.
    ///
    /// # Errors
    /// The run is being aborted.
    pub fn go_on(&self) -> Result<(), Failure> {
        if self.abandon.is_cancelled() {
            Err(Failure::passing("abandoned: the run was stopped"))
        } else {
            Ok(())
        }
    }

    /// Bytes moved so far, of finished and unfinished files.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Cancelled when transfers are to stop before the end of their file.
    pub fn abandon(&self) -> &CancellationToken {
        &self.abandon
    }
}
