//! Counts the bytes that move and says whether to go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::blobs::file::failure::Failure;

/// Shared by all files under way in a run.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    bytes: Arc<AtomicU64>,
    abandon: CancellationToken,
}

impl Meter {
    /// Counts bytes that arrived at a target.
    ///
    /// # Errors
    /// When the run is being abandoned.
    pub fn advance(&self, bytes: u64) -> Result<(), Failure> {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.go_on()
    }

    /// Checks whether the file under way should be finished.
    ///
    /// # Errors
    /// When the run is being abandoned.
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

    /// Cancelled when files under way are to be left unfinished.
    pub fn abandon(&self) -> &CancellationToken {
        &self.abandon
    }
}
