//! An open table.

use crate::pg::value::toast::CompressedValue;
use crate::pg::value::{Form, RowForm, Value, stored_type};
use pgrx::pg_sys;

#[derive(Clone)]
/// A column of the open table, dropped ones included: places are attribute numbers minus one.
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_oid: pg_sys::Oid,
    /// Its type modifier.
    pub typmod: i32,
    /// The form of its values.
    pub(in crate::pg) form: Form,
    /// Whether it was dropped.
    pub dropped: bool,
}

impl Attribute {
    /// Whether its type is a text type, not a domain.
    pub fn is_text(&self) -> bool {
        matches!(
            self.type_oid,
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID
        )
    }

    /// The same column with the base type of a domain.
    pub fn base(&self) -> Self {
        let mut typmod = self.typmod;
        // SAFETY: looks up the syscache; an unknown type is an ERROR.
        let base = unsafe { pg_sys::getBaseTypeAndTypmod(self.type_oid, &mut typmod) };
        let type_oid = stored_type(base);
        if type_oid != base {
            // SAFETY: as above; an array of a domain has the modifier of the domain.
            unsafe { pg_sys::getBaseTypeAndTypmod(pg_sys::get_element_type(base), &mut typmod) };
        }
        Attribute {
            type_oid,
            typmod,
            ..self.clone()
        }
    }
}

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

/// The attributes of a descriptor that its owner keeps alive.
pub(in crate::pg) fn attributes(descriptor: pg_sys::TupleDesc) -> Vec<Attribute> {
    // SAFETY: callers pass a live descriptor; it has natts attributes.
    unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        (0..count)
            .map(|i| {
                let attribute = attribute(descriptor, i);
                Attribute {
                    name: pgrx::name_data_to_str(&attribute.attname).to_owned(),
                    type_oid: attribute.atttypid,
                    typmod: attribute.atttypmod,
                    form: Form {
                        // A column that was dropped has no type any more.
                        type_oid: match attribute.attisdropped {
                            false => stored_type(attribute.atttypid),
                            true => pg_sys::InvalidOid,
                        },
                        referred: (!attribute.attbyval).then_some(attribute.attlen),
                    },
                    dropped: attribute.attisdropped,
                }
            })
            .collect()
    }
}

/// # Safety
/// `descriptor` is live and has more than `i` attributes.
#[cfg(not(feature = "pg18"))]
unsafe fn attribute<'a>(descriptor: pg_sys::TupleDesc, i: usize) -> &'a pg_sys::FormData_pg_attribute {
    // SAFETY: the attributes stand behind the descriptor's header.
    unsafe { &*(*descriptor).attrs.as_ptr().add(i) }
}

/// # Safety
/// `descriptor` is live and has more than `i` attributes.
#[cfg(feature = "pg18")]
unsafe fn attribute<'a>(descriptor: pg_sys::TupleDesc, i: usize) -> &'a pg_sys::FormData_pg_attribute {
    // SAFETY: since PostgreSQL 18 the full attributes stand behind the natts compact ones.
    unsafe {
        let natts = (*descriptor).natts as usize;
        &*(*descriptor)
            .compact_attrs
            .as_ptr()
            .add(natts)
            .cast::<pg_sys::FormData_pg_attribute>()
            .add(i)
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
