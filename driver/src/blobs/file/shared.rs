//! What all transfers of a run share.

use super::memory::Memory;
use super::meter::Meter;

/// What all transfers of a run share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Counts bytes, and ends transfers that are to be abandoned.
    pub meter: Meter,
    /// Bounds what streaming keeps in memory.
    pub memory: Memory,
    /// Whether a file in a directory counts as copied only when it is on disk.
    pub durable: bool,
}

impl Shared {
    /// What is to be done with the bytes of a growing file.
    pub fn flush(&self) -> Flush {
        if self.durable { Flush::Early } else { Flush::Late }
    }
}

/// Whether the bytes of a file are sent to the disk while it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// They are, so that a sync at the end finds little left to do.
    Early,
    /// The system writes them when it likes.
    Late,
}
