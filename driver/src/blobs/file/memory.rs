//! Limits the memory that streaming uses, for all files together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::blobs::file::failure::Failure;

/// Bytes per permit.
const UNIT: u64 = 64 * 1024;
/// Bytes that one process keeps in memory of the files it streams.
pub const BUDGET: u64 = 64 * 1024 * 1024;
/// Size in bytes of a part of a multipart upload, unless a file would need more than 10,000 parts.
pub const PART: u64 = 8 * 1024 * 1024;

/// Allocates memory for parts.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Semaphore>);

impl Default for Memory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(
            usize::try_from(BUDGET / UNIT).unwrap_or(usize::MAX),
        )))
    }
}

impl Memory {
    /// Waits until `bytes` are free; a request above the budget gets the whole budget.
    ///
    /// # Errors
    /// The run has ended.
    pub async fn take(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Failure> {
        let units = u32::try_from(bytes.min(BUDGET).div_ceil(UNIT)).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.0).acquire_many_owned(units).await;
        taken.map_err(|_| Failure::passing("the run is over"))
    }
}

/// The part size in bytes for a file of `size` bytes: [`PART`], or a 10,000th of a file over 80 GB.
pub fn part_size(size: u64) -> u64 {
    let least = size.div_ceil(10_000);
    PART.max(least.div_ceil(1024 * 1024) * 1024 * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_needs_more_than_ten_thousand_parts() {
        for size in [0, PART, 80 << 30, 100 << 30, 5 << 40] {
            assert!(size.div_ceil(part_size(size)) <= 10_000, "{size}");
        }
        assert_eq!(part_size(2 << 30), PART);
    }
}
