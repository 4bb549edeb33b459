//! Values: reading datums and making new ones, in the current memory context.

use super::toast::payload;
use super::{Form, UUID, Value};
use crate::pg::value::attribute::Attribute;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{Id, uuid_text};
use pg_clone_core::rewrite::Outcome;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// The result for a value.
pub enum Changed {
    /// Unchanged: the source's value can be used.
    No,
    /// A new value in the current memory context.
    To(Value),
    /// NULL.
    ToNull,
}

/// The 16 bytes of a uuid.
pub fn read_uuid(value: Value) -> Id {
    // SAFETY: a uuid refers to 16 bytes.
    unsafe { *value.datum_of(UUID).cast_mut_ptr::<Id>() }
}

/// A new uuid.
pub fn make_uuid(id: &Id) -> Value {
    // SAFETY: palloc returns 16 writable bytes or raises.
    unsafe {
        let bytes = pg_sys::palloc(size_of::<Id>()).cast::<Id>();
        bytes.write(*id);
        Value::made(pg_sys::Datum::from(bytes), UUID)
    }
}

/// A UUID as a value of a column of type uuid, or of a text type.
pub fn make_uuid_of(type_name: &str, id: &Id) -> Result<Value> {
    if type_name == "uuid" {
        Ok(make_uuid(id))
    } else {
        varlena(
            uuid_text::to_string(id).as_bytes(),
            Form::varlena(pg_sys::TEXTOID),
        )
    }
}

/// A number of one of the three integer types.
pub fn read_integer(value: Value) -> i64 {
    match value.form().type_oid {
        pg_sys::INT2OID => i64::from(value.datum().value() as i16),
        pg_sys::INT4OID => i64::from(value.datum().value() as i32),
        _ => value.datum_of(super::BIGINT).value() as i64,
    }
}

/// A value for a column of that integer type; out of its range is an error (55000): the tables' keys have outgrown it.
pub fn make_integer(value: i64, type_name: &str) -> Result<Value> {
    let type_oid = match type_name {
        "smallint" => pg_sys::INT2OID,
        "integer" => pg_sys::INT4OID,
        _ => pg_sys::INT8OID,
    };
    integer(value, type_oid)
}

fn integer(value: i64, type_oid: pg_sys::Oid) -> Result<Value> {
    let out_of_range = |name: &str| {
        let message = format!("the new key {value} does not fit into type {name}");
        Error::new(Code::StoreChanged, message)
            .hint("Give the column a larger type, or let the sequence of the key go on from a smaller value.")
    };
    let datum = match type_oid {
        pg_sys::INT2OID => pg_sys::Datum::from(i16::try_from(value).map_err(|_| out_of_range("smallint"))?),
        pg_sys::INT4OID => pg_sys::Datum::from(i32::try_from(value).map_err(|_| out_of_range("integer"))?),
        _ => pg_sys::Datum::from(value),
    };
    let form = Form {
        type_oid,
        referred: None,
    };
    // SAFETY: a number that is passed by value, of this type.
    Ok(unsafe { Value::made(datum, form) })
}

/// An oid.
pub fn read_oid(value: Value) -> pg_sys::Oid {
    pg_sys::Oid::from(value.datum_of(OID).value() as u32)
}

/// A new oid.
pub fn make_oid(oid: pg_sys::Oid) -> Value {
    // SAFETY: an oid is passed by value.
    unsafe { Value::made(pg_sys::Datum::from(oid), OID) }
}

const OID: Form = Form {
    type_oid: pg_sys::OIDOID,
    referred: None,
};

/// Calls `read` with the text of a value of a text type. Bytes that are not UTF-8 are an error (22P02).
pub fn with_text<R>(value: Value, read: impl FnOnce(&str) -> Result<R>) -> Result<R> {
    // SAFETY: a varlena; the slice is used during this call.
    let bytes = unsafe { payload(value.varlena()) };
    read(std::str::from_utf8(bytes).map_err(|_| not_utf8())?)
}

/// A text in lower case, as the server's `lower` has it under the database's collation.
pub fn lower(text: &str) -> String {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return text.to_owned();
    }
    // SAFETY: the function is called as SQL calls it, with a text that was allocated here; it returns a new text, which is copied.
    unsafe {
        let given = pg_sys::cstring_to_text_with_len(text.as_ptr().cast(), text.len() as i32);
        let lowered = pg_sys::OidFunctionCall1Coll(
            pg_sys::Oid::from(pg_sys::F_LOWER_TEXT),
            pg_sys::DEFAULT_COLLATION_OID,
            pg_sys::Datum::from(given),
        );
        let result = String::from_utf8_lossy(payload(lowered.cast_mut_ptr())).into_owned();
        // Of each text in a document: the context lives until the end of a batch or longer.
        pg_sys::pfree(given.cast());
        pg_sys::pfree(lowered.cast_mut_ptr());
        result
    }
}

/// The error (22P02) for bytes that were written past the server's checks.
pub(in crate::pg) fn not_utf8() -> Error {
    Error::new(Code::BadData, "a text is not valid UTF-8")
        .hint("Correct the value, or leave its row out with exclude_ids.")
}

/// The form of a column for new bytes: text, json or jsonb, or a domain over one.
pub(in crate::pg) fn of_bytes(attribute: &Attribute) -> Form {
    let form = attribute.form;
    assert!(
        matches!(
            form.type_oid,
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID | pg_sys::JSONOID | pg_sys::JSONBOID
        ),
        "bytes are made for a column of type {}",
        u32::from(form.type_oid)
    );
    form
}

/// A value of a column of text, json or jsonb from its bytes.
pub fn make_varlena(bytes: &[u8], attribute: &Attribute) -> Result<Value> {
    varlena(bytes, of_bytes(attribute))
}

fn varlena(bytes: &[u8], form: Form) -> Result<Value> {
    const HEADER: usize = pg_sys::VARHDRSZ;
    if bytes.len() > 0x3FFF_FFFF - HEADER {
        return Err(Error::new(
            Code::BadData,
            format!("a value of {} bytes exceeds PostgreSQL's 1 GB", bytes.len()),
        )
        .hint("Leave its row out with exclude_ids."));
    }
    // SAFETY: palloc returns that many writable bytes or raises; the header is set for the same size.
    unsafe {
        let varlena = pg_sys::palloc(bytes.len() + HEADER).cast::<pg_sys::varlena>();
        pgrx::set_varsize_4b(varlena, (bytes.len() + HEADER) as i32);
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), varlena.cast::<u8>().add(HEADER), bytes.len());
        Ok(Value::made(pg_sys::Datum::from(varlena), form))
    }
}

/// Calls `rewrite` with a private, plain, 4-byte aligned copy of a varlena's payload.
pub fn rewrite_varlena(value: Value, rewrite: impl FnOnce(&mut [u8]) -> Result<Outcome>) -> Result<Changed> {
    let form = value.form();
    // SAFETY: the copy is ours: detoasted, decompressed, with a 4-byte header, in the current memory context.
    let (copy, payload) = unsafe {
        let copy = pg_sys::pg_detoast_datum_copy(value.varlena());
        (
            copy,
            std::slice::from_raw_parts_mut(
                pgrx::vardata_any(copy).cast_mut().cast::<u8>(),
                pgrx::varsize_any_exhdr(copy),
            ),
        )
    };
    Ok(match rewrite(payload)? {
        Outcome::Unchanged => Changed::No,
        // SAFETY: made above, in this very memory context.
        Outcome::InPlace => Changed::To(unsafe { Value::made(pg_sys::Datum::from(copy), form) }),
        Outcome::Rebuilt(bytes) => Changed::To(varlena(&bytes, form)?),
        Outcome::Null => Changed::ToNull,
    })
}

/// Maps every element of a `uuid[]`; an element for which `map` returns None is removed.
pub fn map_uuid_array(value: Value, mut map: impl FnMut(&Id) -> Result<Option<Id>>) -> Result<Changed> {
    map_array(value, |element| {
        let old = read_uuid(element);
        Ok(match map(&old)? {
            Some(new) if new == old => Changed::No,
            Some(new) => Changed::To(make_uuid(&new)),
            None => Changed::ToNull,
        })
    })
}

/// Maps every element of a `text[]`; `map` gets the element's bytes and returns the result.
pub fn map_text_array(value: Value, mut map: impl FnMut(&mut [u8]) -> Result<Outcome>) -> Result<Changed> {
    map_array(value, |element| rewrite_varlena(element, &mut map))
}

/// Maps every element of an array of integers; an element for which `map` returns None is removed.
pub fn map_integer_array(value: Value, mut map: impl FnMut(i64) -> Result<Option<i64>>) -> Result<Changed> {
    map_array(value, |element| {
        let old = read_integer(element);
        Ok(match map(old)? {
            Some(new) if new == old => Changed::No,
            Some(new) => Changed::To(integer(new, element.form().type_oid)?),
            None => Changed::ToNull,
        })
    })
}

/// Maps the text of every element of an array of any type. `typmod` is that of the array's column. `map` returns None for an element that is
/// removed, and a text for one that changes.
pub fn map_array_by_text(
    value: Value,
    typmod: i32,
    mut map: impl FnMut(&str) -> Result<Option<Option<String>>>,
) -> Result<Changed> {
    map_array(value, |element| {
        let text = to_text(element)?;
        Ok(match map(&text)? {
            Some(None) => Changed::No,
            Some(Some(new)) => Changed::To(from_text(&new, element.form().type_oid, typmod)?),
            None => Changed::ToNull,
        })
    })
}

/// The text form of a value, by its type's output function. Text that is not UTF-8 is an error (22P02).
pub fn to_text(value: Value) -> Result<String> {
    // SAFETY: looks up the type's output function and calls it with a datum of that type; it returns a NUL-terminated string in
    // the current memory context.
    unsafe {
        let mut output = pg_sys::Oid::INVALID;
        let mut varlena = false;
        pg_sys::getTypeOutputInfo(value.form().type_oid, &mut output, &mut varlena);
        let text = pg_sys::OidOutputFunctionCall(output, value.datum());
        CStr::from_ptr(text)
            .to_str()
            .map(str::to_owned)
            .map_err(|_| not_utf8())
    }
}

/// The type of an array's elements, with its length, alignment and passing mode.
#[derive(Clone, Copy)]
struct Element {
    type_oid: pg_sys::Oid,
    form: Form,
    length: i16,
    by_value: bool,
    align: std::ffi::c_char,
}

/// Maps every element of an array that is not NULL; an element that becomes NULL is removed.
fn map_array(value: Value, mut map: impl FnMut(Value) -> Result<Changed>) -> Result<Changed> {
    let (array, element) = open_array(value);
    // SAFETY: a plain array of that type of elements, and its elements.
    let elements = unsafe { array_elements(array, element) };
    let mut out = Vec::with_capacity(elements.len());
    let mut changed = false;
    for old in elements {
        let Some(old) = old else {
            out.push(None);
            continue;
        };
        match map(old)? {
            Changed::No => out.push(Some(old)),
            Changed::To(new) => {
                changed = true;
                out.push(Some(new));
            }
            Changed::ToNull => changed = true,
        }
    }
    if !changed {
        return Ok(Changed::No);
    }
    // SAFETY: as above; the elements are of that type.
    let made = unsafe { make_array(&out, array, element) };
    // SAFETY: an array of the same type, made in the current memory context.
    Ok(Changed::To(unsafe { Value::made(made, value.form()) }))
}

/// A plain array in the current memory context, and the type of its elements.
fn open_array(value: Value) -> (*mut pg_sys::ArrayType, Element) {
    // SAFETY: looks up the syscache: what has a type of elements is an array, whose header says it again.
    unsafe {
        assert!(
            pg_sys::get_element_type(value.form().type_oid) != pg_sys::InvalidOid,
            "a value of type {} is read as an array",
            u32::from(value.form().type_oid)
        );
        // A copy, because elements that stay must live where those are that are made.
        let array = pg_sys::pg_detoast_datum_copy(value.varlena()).cast::<pg_sys::ArrayType>();
        let type_oid = (*array).elemtype;
        let (mut length, mut by_value, mut align) = (0, false, 0);
        pg_sys::get_typlenbyvalalign(type_oid, &mut length, &mut by_value, &mut align);
        let element = Element {
            type_oid,
            form: Form::of(type_oid),
            length,
            by_value,
            align,
        };
        (array, element)
    }
}

/// # Safety
/// A plain array in the current memory context, with elements of that type.
unsafe fn array_elements(array: *mut pg_sys::ArrayType, element: Element) -> Vec<Option<Value>> {
    let mut values = std::ptr::null_mut();
    let mut nulls = std::ptr::null_mut();
    let mut count = 0;
    // SAFETY: the array is as the caller says; the out-arrays are palloc'd with `count` entries.
    unsafe {
        pg_sys::deconstruct_array(
            array,
            element.type_oid,
            i32::from(element.length),
            element.by_value,
            element.align,
            &mut values,
            &mut nulls,
            &mut count,
        );
        (0..usize::try_from(count).unwrap_or(0))
            .map(|i| (!*nulls.add(i)).then(|| Value::made(*values.add(i), element.form)))
            .collect()
    }
}

/// An array of one dimension with the lower bound of the old one; if no element was removed, with all its dimensions.
///
/// # Safety
/// The old one is a plain array with elements of that type.
unsafe fn make_array(
    elements: &[Option<Value>],
    old: *mut pg_sys::ArrayType,
    element: Element,
) -> pg_sys::Datum {
    let mut values: Vec<pg_sys::Datum> = elements
        .iter()
        .map(|value| value.map_or(pg_sys::Datum::from(0), |value| value.datum_of(element.form)))
        .collect();
    let mut nulls: Vec<bool> = elements.iter().map(Option::is_none).collect();
    // SAFETY: both vectors have one entry per element; dims and bounds of the old array are read behind its header,
    // where an array of ndim dimensions has 2 * ndim integers.
    unsafe {
        let ndim = usize::try_from((*old).ndim).unwrap_or(0);
        let numbers = std::slice::from_raw_parts(old.add(1).cast::<i32>(), 2 * ndim);
        let (dims, bounds) = numbers.split_at(ndim);
        let (mut dims, mut bounds) = (dims.to_vec(), bounds.to_vec());
        let size: i64 = dims.iter().map(|d| i64::from(*d)).product();
        if size != elements.len() as i64 || ndim == 0 {
            dims = vec![i32::try_from(elements.len()).unwrap_or(i32::MAX)];
            bounds = vec![bounds.first().copied().unwrap_or(1)];
        }
        pg_sys::Datum::from(pg_sys::construct_md_array(
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
            if elements.is_empty() { 0 } else { dims.len() as i32 },
            dims.as_mut_ptr(),
            bounds.as_mut_ptr(),
            element.type_oid,
            i32::from(element.length),
            element.by_value,
            element.align,
        ))
    }
}

/// A value of any type from its text form, by the type's input function; an invalid text raises the
/// type's own error. No text of the server and no value of a call holds a NUL byte.
pub fn from_text(text: &str, type_oid: pg_sys::Oid, typmod: i32) -> Result<Value> {
    let text = CString::new(text).map_err(crate::error::internal)?;
    // SAFETY: looks up the type's input function and calls it with a NUL-terminated string.
    unsafe {
        let mut input = pg_sys::Oid::INVALID;
        let mut ioparam = pg_sys::Oid::INVALID;
        pg_sys::getTypeInputInfo(type_oid, &mut input, &mut ioparam);
        let datum = pg_sys::OidInputFunctionCall(input, text.as_ptr().cast_mut(), ioparam, typmod);
        Ok(Value::made(datum, Form::of(type_oid)))
    }
}

/// Unpredictable bytes from the server's strong random source.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut out = [0u8; N];
    // SAFETY: writes N bytes into an array of N bytes.
    if unsafe { pg_sys::pg_strong_random(out.as_mut_ptr().cast(), N) } {
        Ok(out)
    } else {
        Err(Error::new(Code::Internal, "could not get random bytes"))
    }
}

/// A random UUID of version 4.
pub fn random_uuid() -> Result<Id> {
    let mut id = random::<16>()?;
    id[6] = (id[6] & 0x0F) | 0x40;
    id[8] = (id[8] & 0x3F) | 0x80;
    Ok(id)
}
