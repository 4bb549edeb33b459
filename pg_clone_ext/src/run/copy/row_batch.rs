//! Rows of the clone: those that wait for their documents, and what becomes of them then.

use crate::pg::memory::Memory;
use crate::pg::value::Value;
use crate::pg::value::toast::CompressedValue;
use crate::run::keys::Key;
use pg_clone_core::batch::DocumentBatch;

/// Rows and documents of a batch: enough that handing it over does not count, so little that it stays in the cache.
const ROWS: usize = 256;
const BYTES: usize = 256 << 10;
/// Rows that were looked at and left out, of which the memory may hold something too.
const LEFT_OUT: usize = 16 * ROWS;

/// A row of the clone.
pub struct FinishedRow<'a> {
    /// One value per output.
    pub values: &'a [Value],
    /// Which of them are NULL.
    pub nulls: &'a mut [bool],
    /// Values that are compressed.
    pub compressed: &'a [CompressedValue],
}

/// Takes a row; returns its bytes.
pub type Put<'p> = dyn FnMut(FinishedRow<'_>) -> usize + 'p;

/// A document that a row waits for.
pub struct Awaited {
    /// The row in the batch.
    pub row: usize,
    /// The output that it becomes.
    pub place: usize,
    /// Its place among the batch's documents.
    pub document: usize,
}

/// Finished values of some rows, and the documents that are still to be rewritten.
pub struct RowBatch {
    /// What the values point to.
    pub memory: Memory,
    /// The documents.
    pub documents: DocumentBatch,
    /// Which row waits for which of them, in order.
    pub awaited: Vec<Awaited>,
    width: usize,
    values: Vec<Value>,
    nulls: Vec<bool>,
    /// Of each row, its key in the source and the number of its type.
    origins: Vec<(Key, usize)>,
    left_out: usize,
    /// Rows that are written one by one: no value needs to outlive the row of the source.
    single: bool,
}

impl RowBatch {
    /// An empty batch of rows of so many values, `single` ones or many; `keep_plain` is for its documents.
    pub fn new(width: usize, single: bool, keep_plain: bool) -> Self {
        RowBatch {
            memory: Memory::new(c"pg_clone rows"),
            documents: DocumentBatch::new(keep_plain),
            awaited: Vec::new(),
            width,
            values: Vec::new(),
            nulls: Vec::new(),
            origins: Vec::new(),
            left_out: 0,
            single,
        }
    }

    /// Whether values must be copied because they outlive the row they were read from.
    pub fn keeps_values(&self) -> bool {
        !self.single
    }

    /// Adds a row.
    pub fn push(&mut self, values: &[Value], nulls: &[bool], key: Key, type_number: usize) {
        self.values.extend_from_slice(values);
        self.nulls.extend_from_slice(nulls);
        self.origins.push((key, type_number));
    }

    /// A row was made and left out.
    pub fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.origins.len()
    }

    /// Whether it should be written now.
    pub fn is_full(&self) -> bool {
        let most = if self.single { 1 } else { ROWS };
        self.rows() >= most || self.documents.bytes() >= BYTES || self.left_out >= LEFT_OUT
    }

    /// A row's values, which of them are NULL, its key in the source and the number of its type.
    pub fn row(&mut self, row: usize) -> (&mut [Value], &mut [bool], &Key, usize) {
        let values = row * self.width..(row + 1) * self.width;
        let (key, type_number) = &self.origins[row];
        (
            &mut self.values[values.clone()],
            &mut self.nulls[values],
            key,
            *type_number,
        )
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        self.memory.reset();
        self.documents.clear();
        self.awaited.clear();
        self.values.clear();
        self.nulls.clear();
        self.origins.clear();
        self.left_out = 0;
    }
}
