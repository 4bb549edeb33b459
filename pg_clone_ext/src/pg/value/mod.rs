//! A value: a datum with its type and its memory. It cannot be read as another type, or after its memory was
//! freed: both are bugs and raise an error instead of returning wrong bytes.

pub mod attribute;
pub mod datum;
pub mod domain_check;
pub mod json_text;
pub mod toast;

use super::memory::Lifetime;
use pgrx::pg_sys;

/// A datum with its type and memory. Only this folder creates values and reads them.
#[derive(Clone, Copy)]
pub struct Value {
    datum: pg_sys::Datum,
    form: Form,
    lifetime: Lifetime,
}

/// The form of the datums of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::pg) struct Form {
    /// The type; for a domain its base type.
    pub type_oid: pg_sys::Oid,
    /// The `typlen` of a type that is passed by reference; None if it is passed by
    /// value.
    pub referred: Option<i16>,
}

/// The type as which values of a type are stored: the base type of a domain, and the array of the base type for an array of a domain.
pub(in crate::pg) fn stored_type(type_oid: pg_sys::Oid) -> pg_sys::Oid {
    // Asked for each value of a row, so without a look-up where none is needed: the types whose oids are assigned by hand are no domains.
    if u32::from(type_oid) < pg_sys::FirstGenbkiObjectId {
        return type_oid;
    }
    // SAFETY: all look up the syscache; an unknown type is an ERROR.
    unsafe {
        let type_oid = pg_sys::getBaseType(type_oid);
        let element = pg_sys::get_element_type(type_oid);
        if element == pg_sys::InvalidOid {
            return type_oid;
        }
        let base = pg_sys::getBaseType(element);
        // An array has no array type of its own.
        match pg_sys::get_array_type(base) {
            array if base != element && array != pg_sys::InvalidOid => array,
            _ => type_oid,
        }
    }
}

impl Form {
    /// The form of values of a type.
    pub fn of(type_oid: pg_sys::Oid) -> Self {
        let type_oid = stored_type(type_oid);
        // SAFETY: looks up the syscache; an unknown type is an ERROR.
        unsafe {
            let (mut length, mut by_value) = (0, false);
            pg_sys::get_typlenbyval(type_oid, &mut length, &mut by_value);
            Form {
                type_oid,
                referred: (!by_value).then_some(length),
            }
        }
    }

    /// A varlena type: its values have a header with their length.
    pub const fn varlena(type_oid: pg_sys::Oid) -> Self {
        Form {
            type_oid,
            referred: Some(-1),
        }
    }

    /// Whether a value of this form is valid for the other form: text types differ only in their checks.
    pub fn fits(self, other: Form) -> bool {
        let text = |form: Form| {
            matches!(
                form.type_oid,
                pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID
            )
        };
        self == other || text(self) && text(other)
    }
}

/// uuid.
pub(in crate::pg) const UUID: Form = Form {
    type_oid: pg_sys::UUIDOID,
    referred: Some(16),
};

/// boolean.
pub(in crate::pg) const BOOLEAN: Form = Form {
    type_oid: pg_sys::BOOLOID,
    referred: None,
};

/// bigint.
pub(in crate::pg) const BIGINT: Form = Form {
    type_oid: pg_sys::INT8OID,
    referred: None,
};

impl Value {
    /// A value made in the current memory context.
    ///
    /// # Safety
    /// The datum is one of that form. What it refers to lives in the current memory context.
    pub(in crate::pg) unsafe fn made(datum: pg_sys::Datum, form: Form) -> Self {
        Value {
            datum,
            form,
            lifetime: Lifetime::current(),
        }
    }

    /// A value in other memory.
    ///
    /// # Safety
    /// The datum is one of that form. What it refers to is valid during that lifetime.
    pub(in crate::pg) unsafe fn at(datum: pg_sys::Datum, form: Form, lifetime: Lifetime) -> Self {
        Value {
            datum,
            form,
            lifetime,
        }
    }

    /// The form of the datum.
    pub(in crate::pg) fn form(self) -> Form {
        self.form
    }

    /// The datum. It is a bug, and an error, if its memory was freed.
    pub(in crate::pg) fn datum(self) -> pg_sys::Datum {
        assert!(
            self.form.referred.is_none() || self.lifetime.is_alive(),
            "a value is used after its memory was released"
        );
        self.datum
    }

    /// The datum of a value of this type. It is a bug, and an error, if it has another type.
    pub(in crate::pg) fn datum_of(self, wanted: Form) -> pg_sys::Datum {
        assert!(
            self.form.fits(wanted),
            "a value of type {} is read as one of type {}",
            u32::from(self.form.type_oid),
            u32::from(wanted.type_oid)
        );
        self.datum()
    }

    /// The datum of a varlena value.
    pub(in crate::pg) fn varlena(self) -> *mut pg_sys::varlena {
        assert!(
            self.form.referred == Some(-1),
            "a value of type {} is read as bytes",
            u32::from(self.form.type_oid)
        );
        self.datum().cast_mut_ptr()
    }
}

/// The values of a row for the server: one datum per column, each of the column's type.
pub(in crate::pg) struct RowForm {
    forms: Vec<Option<Form>>,
    datums: Vec<pg_sys::Datum>,
}

impl RowForm {
    /// For rows of these columns, in the order of the table; a column that was dropped has no form.
    pub fn new(forms: Vec<Option<Form>>) -> Self {
        let datums = vec![pg_sys::Datum::from(0); forms.len()];
        RowForm { forms, datums }
    }

    /// The datums of a row. A wrong number of values, or a value of another type, is a bug, and an error.
    pub fn datums(&mut self, values: &[Value], nulls: &[bool]) -> &mut [pg_sys::Datum] {
        let width = self.forms.len();
        assert!(
            values.len() == width && nulls.len() == width,
            "a row of {} values for {width} columns",
            values.len()
        );
        for (place, value) in values.iter().enumerate() {
            self.datums[place] = match self.forms[place] {
                Some(form) if !nulls[place] => value.datum_of(form),
                _ => {
                    assert!(nulls[place], "a value for a column that is gone");
                    pg_sys::Datum::from(0)
                }
            };
        }
        &mut self.datums
    }
}

/// The placeholder for NULL.
pub const NOTHING: Value = Value {
    datum: pg_sys::Datum::null(),
    form: Form {
        type_oid: pg_sys::InvalidOid,
        referred: None,
    },
    lifetime: Lifetime::UNKNOWN,
};
