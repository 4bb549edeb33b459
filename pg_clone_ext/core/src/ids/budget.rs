//! The error of a map that would exceed its memory limit.

/// A map would exceed its memory limit, or an allocation failed. SQLSTATE 53200 (`out_of_memory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id map of {entries} ids needs {needed} bytes, its budget is {budget}")]
pub struct OutOfMemory {
    /// Bytes that the refused growth would have used (a table that grows exists twice for a moment).
    pub needed: usize,
    /// The budget in bytes.
    pub budget: usize,
    /// Number of ids in the map before the growth.
    pub entries: u64,
}
