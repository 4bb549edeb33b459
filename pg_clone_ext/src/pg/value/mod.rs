//! A value: a datum with its type and the memory that it lives in. Nothing reads it as another type, or after its memory is
//! gone: either is a fault of ours and ends in an error, not in bytes of something else.

pub mod datum;
pub mod domain_check;
pub mod json_text;
pub mod toast;

use super::memory::Home;
use pgrx::pg_sys;

/// A datum that knows what it is. Only this folder makes values and looks into them.
#[derive(Clone, Copy)]
pub struct Value {
    datum: pg_sys::Datum,
    form: Form,
    home: Home,
}

/// What a datum of a type is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::pg) struct Form {
    /// The type; of a domain the one that it is stored as.
    pub type_oid: pg_sys::Oid,
    /// Bytes of a value that is referred to, or what PostgreSQL's `typlen` says of varying ones; None if it is passed by
    /// value.
    pub referred: Option<i16>,
}

impl Form {
    /// The form of values of a type.
    pub fn of(type_oid: pg_sys::Oid) -> Self {
        // SAFETY: both look up the syscache; an unknown type is an ERROR.
        unsafe {
            let type_oid = pg_sys::getBaseType(type_oid);
            let (mut length, mut by_value) = (0, false);
            pg_sys::get_typlenbyval(type_oid, &mut length, &mut by_value);
            Form {
                type_oid,
                referred: (!by_value).then_some(length),
            }
        }
    }

    /// A type whose values are a header that says their length, and their bytes.
    pub const fn varlena(type_oid: pg_sys::Oid) -> Self {
        Form {
            type_oid,
            referred: Some(-1),
        }
    }

    /// Whether a value of this form is one of the other's type: the types of text differ in what they check only.
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
            home: Home::current(),
        }
    }

    /// A value that lives elsewhere.
    ///
    /// # Safety
    /// The datum is one of that form. What it refers to lives as long as that home.
    pub(in crate::pg) unsafe fn at(datum: pg_sys::Datum, form: Form, home: Home) -> Self {
        Value { datum, form, home }
    }

    /// The form of the datum.
    pub(in crate::pg) fn form(self) -> Form {
        self.form
    }

    /// The datum, which can be followed. One whose memory is gone is a fault of ours.
    pub(in crate::pg) fn datum(self) -> pg_sys::Datum {
        assert!(
            self.form.referred.is_none() || self.home.is_alive(),
            "a value is used after its memory was released"
        );
        self.datum
    }

    /// The datum of a value of this type; another type is a fault of ours.
    pub(in crate::pg) fn datum_of(self, wanted: Form) -> pg_sys::Datum {
        assert!(
            self.form.fits(wanted),
            "a value of type {} is read as one of type {}",
            u32::from(self.form.type_oid),
            u32::from(wanted.type_oid)
        );
        self.datum()
    }

    /// The datum of a value that says its length itself.
    pub(in crate::pg) fn varlena(self) -> *mut pg_sys::varlena {
        assert!(
            self.form.referred == Some(-1),
            "a value of type {} is read as bytes",
            u32::from(self.form.type_oid)
        );
        self.datum().cast_mut_ptr()
    }
}

/// The values of a row as the server takes them: one datum per column, each of the column's type.
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

    /// The datums of a row. Another number of values, or a value of another type, is a fault of ours.
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

/// What stands where a value is NULL.
pub const NOTHING: Value = Value {
    datum: pg_sys::Datum::null(),
    form: Form {
        type_oid: pg_sys::InvalidOid,
        referred: None,
    },
    home: Home::NOWHERE,
};
