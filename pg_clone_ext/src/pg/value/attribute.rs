//! A column: its name, its type, and the form of its values.

use super::{Form, stored_type};
use pgrx::pg_sys;

/// A column of a table or a row, dropped ones included: places are attribute numbers minus one.
#[derive(Clone)]
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
