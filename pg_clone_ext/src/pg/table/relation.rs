//! An open table.

use crate::pg::value::attribute::{Attribute, attributes};
use crate::pg::value::toast::CompressedValue;
use crate::pg::value::{RowForm, Value};
use pgrx::pg_sys;

/// A table opened for writing; closed when dropped, its lock kept to the end of the transaction.
pub struct OpenTable {
    relation: pg_sys::Relation,
    row: Option<RowForm>,
}

impl OpenTable {
    /// Opens and locks (ROW EXCLUSIVE, as INSERT does).
    pub fn for_insert(table: u32) -> Self {
        OpenTable {
            // SAFETY: raises if there is no such table.
            relation: unsafe {
                pg_sys::table_open(
                    pg_sys::Oid::from(table),
                    pg_sys::RowExclusiveLock as pg_sys::LOCKMODE,
                )
            },
            row: None,
        }
    }

    /// Opens and locks (ACCESS SHARE, as SELECT does).
    pub fn for_read(table: u32) -> Self {
        OpenTable {
            // SAFETY: raises if there is no such table.
            relation: unsafe {
                pg_sys::table_open(
                    pg_sys::Oid::from(table),
                    pg_sys::AccessShareLock as pg_sys::LOCKMODE,
                )
            },
            row: None,
        }
    }

    /// The relcache entry, for this folder.
    pub(in crate::pg) fn as_ptr(&self) -> pg_sys::Relation {
        self.relation
    }

    /// The table's descriptor.
    pub(in crate::pg) fn descriptor(&self) -> pg_sys::TupleDesc {
        // SAFETY: the relation is open.
        unsafe { (*self.relation).rd_att }
    }

    /// Bytes of the values of a row before compression; one entry per attribute, dropped ones included.
    pub fn row_bytes(
        &mut self,
        values: &[Value],
        nulls: &mut [bool],
        compressed: &[CompressedValue],
    ) -> usize {
        let descriptor = self.descriptor();
        row_bytes(descriptor, self.row().datums(values, nulls), nulls, compressed)
    }

    /// The form of its rows.
    pub(in crate::pg) fn row(&mut self) -> &mut RowForm {
        let descriptor = self.descriptor();
        self.row.get_or_insert_with(|| row_form(descriptor))
    }

    /// All attributes.
    pub fn attributes(&self) -> Vec<Attribute> {
        attributes(self.descriptor())
    }
}

impl Drop for OpenTable {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened in for_insert(); NoLock keeps the lock until the transaction ends.
            unsafe { pg_sys::table_close(self.relation, pg_sys::NoLock as pg_sys::LOCKMODE) }
        }
    }
}

/// Length of the tuple from heap_form_tuple without compression: its header, the bitmap of NULLs if it
/// has any, its data.
pub(in crate::pg) fn row_bytes(
    descriptor: pg_sys::TupleDesc,
    values: &[pg_sys::Datum],
    nulls: &mut [bool],
    compressed: &[CompressedValue],
) -> usize {
    const HEADER: usize = std::mem::offset_of!(pg_sys::HeapTupleHeaderData, t_bits);
    let bitmap = if nulls.contains(&true) {
        nulls.len().div_ceil(8)
    } else {
        0
    };
    let header = (HEADER + bitmap).next_multiple_of(pg_sys::MAXIMUM_ALIGNOF as usize);
    let mut values = values.to_vec();
    // Only the length of a value is needed, which is in its first four bytes.
    let mut lengths = vec![0u32; compressed.len()];
    for (value, length) in compressed.iter().zip(&mut lengths) {
        let length: *mut u32 = length;
        // SAFETY: the header of a plain varlena is these four bytes; lengths are below 1 GB.
        unsafe { pgrx::set_varsize_4b(length.cast(), (value.length + pg_sys::VARHDRSZ) as i32) };
        values[value.place] = pg_sys::Datum::from(length);
    }
    // SAFETY: callers pass one entry per attribute of this descriptor.
    header + unsafe { pg_sys::heap_compute_data_size(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr()) }
}

/// The form of the rows of a descriptor that its owner keeps alive.
pub(in crate::pg) fn row_form(descriptor: pg_sys::TupleDesc) -> RowForm {
    let form = |attribute: Attribute| (!attribute.dropped).then_some(attribute.form);
    RowForm::new(attributes(descriptor).into_iter().map(form).collect())
}
