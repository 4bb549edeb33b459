//! The error of a map that would outgrow its memory.

/// A map would need more memory than it may use, or the system has none left. SQLSTATE 53200 (`out_of_memory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id map of {entries} ids needs {needed} bytes, its budget is {budget}")]
pub struct OutOfMemory {
    /// Bytes in use at the moment of the refused growth, the growth included (a table that grows is held twice).
    pub needed: usize,
    /// The budget in bytes.
    pub budget: usize,
    /// Ids in the map when it had to grow.
    pub entries: u64,
}
