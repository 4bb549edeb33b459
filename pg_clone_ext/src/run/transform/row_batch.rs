//! Batches of rows of the clone, between the query over the source and the table. Rows are added to a batch, their
//! documents are rewritten together, then the rows are written one by one.

use crate::pg::memory::Memory;
use crate::pg::value::Value;
use crate::pg::value::toast::CompressedValue;
use crate::run::keys::Key;
use pg_clone_core::batch::DocumentBatch;

/// Rows and documents of a batch: enough that the hand-over cost is negligible, few enough to remain in the CPU cache.
const ROWS: usize = 256;
const BYTES: usize = 256 << 10;
/// Rows that were read and left out; they may use memory too.
const LEFT_OUT: usize = 16 * ROWS;

/// The state of a batch.
pub enum BatchState {
    /// Rows are added.
    Filling,
    /// The documents are with the thread, under this number.
    AtThread(u64),
    /// The documents are rewritten, so the rows can be written.
    Rewritten,
}

/// A document that a row waits for.
pub struct PendingDocument {
    /// The output that it becomes.
    pub output: usize,
    /// Its place among the batch's documents.
    pub document: usize,
}

/// A row of the clone, in its batch. Its values are final except its pending documents.
pub struct CloneRow<'b> {
    /// One value per output.
    pub values: &'b mut [Value],
    /// Which of them are NULL.
    pub nulls: &'b mut [bool],
    /// Values that are compressed.
    pub compressed: &'b mut Vec<CompressedValue>,
    /// Its key in the source.
    pub key: &'b Key,
    /// The number of its type.
    pub type_number: usize,
    /// Documents that become values of the row.
    pub pending: &'b [PendingDocument],
    /// The documents of the batch.
    pub documents: &'b DocumentBatch,
}

/// Information about a row in addition to its values.
struct RowInfo {
    key: Key,
    type_number: usize,
    /// Where its pending documents begin; they end where those of the next row begin.
    pending: usize,
}

/// Rows in the same state.
pub struct RowBatch {
    /// Their state.
    pub state: BatchState,
    /// The memory of the values.
    pub memory: Memory,
    /// The documents.
    pub documents: DocumentBatch,
    width: usize,
    values: Vec<Value>,
    nulls: Vec<bool>,
    rows: Vec<RowInfo>,
    pending: Vec<PendingDocument>,
    compressed: Vec<CompressedValue>,
    left_out: usize,
    /// Rows are written one by one: no value needs to outlive the row of the source.
    single: bool,
}

impl RowBatch {
    /// An empty batch of rows with `width` values; with `single` it takes one row; `keep_plain` is for its documents.
    pub fn new(width: usize, single: bool, keep_plain: bool) -> Self {
        RowBatch {
            state: BatchState::Filling,
            memory: Memory::new(c"pg_clone rows"),
            documents: DocumentBatch::new(keep_plain),
            width,
            values: Vec::new(),
            nulls: Vec::new(),
            rows: Vec::new(),
            pending: Vec::new(),
            compressed: Vec::new(),
            left_out: 0,
            single,
        }
    }

    /// Whether values must be copied because they outlive the row they were read from.
    pub fn keeps_values(&self) -> bool {
        !self.single
    }

    /// Adds a row; [`Self::wait_for`] was called for each of its documents.
    pub fn push(&mut self, values: &[Value], nulls: &[bool], key: Key, type_number: usize, documents: usize) {
        self.values.extend_from_slice(values);
        self.nulls.extend_from_slice(nulls);
        self.rows.push(RowInfo {
            key,
            type_number,
            pending: self.pending.len() - documents,
        });
    }

    /// Adds a document of the next row.
    pub fn wait_for(&mut self, pending: PendingDocument) {
        self.pending.push(pending);
    }

    /// Counts a row that was left out.
    pub fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no more rows should be added.
    pub fn is_full(&self) -> bool {
        let most = if self.single { 1 } else { ROWS };
        self.len() >= most || self.documents.bytes() >= BYTES || self.left_out >= LEFT_OUT
    }

    /// A row.
    pub fn row(&mut self, number: usize) -> CloneRow<'_> {
        let values = number * self.width..(number + 1) * self.width;
        let row = &self.rows[number];
        let end = self
            .rows
            .get(number + 1)
            .map_or(self.pending.len(), |next| next.pending);
        self.compressed.clear();
        CloneRow {
            values: &mut self.values[values.clone()],
            nulls: &mut self.nulls[values],
            compressed: &mut self.compressed,
            key: &row.key,
            type_number: row.type_number,
            pending: &self.pending[row.pending..end],
            documents: &self.documents,
        }
    }

    /// Removes the rows.
    pub fn clear(&mut self) {
        self.state = BatchState::Filling;
        self.memory.reset();
        self.documents.clear();
        self.values.clear();
        self.nulls.clear();
        self.rows.clear();
        self.pending.clear();
        self.left_out = 0;
    }
}
