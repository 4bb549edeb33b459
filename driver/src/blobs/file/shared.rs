//! State that all transfers of a run share.

use super::memory::Memory;
use super::meter::Meter;

/// State that all transfers of a run share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Counts bytes and stops transfers.
    pub meter: Meter,
    /// Limits the memory that streaming uses.
    pub memory: Memory,
    /// Whether a file in a directory must be synced to disk before it counts as copied.
    pub durable: bool,
}

impl Shared {
    /// When written bytes are flushed to disk.
    pub fn flush(&self) -> Flush {
        if self.durable { Flush::Early } else { Flush::Late }
    }
}

/// When written bytes are flushed to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// While the file grows, so that the sync at the end is short.
    Early,
    /// When the operating system decides.
    Late,
}
