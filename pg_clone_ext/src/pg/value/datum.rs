//! Values: reading datums and making new ones, in the current memory context.

use super::toast::copied;
use crate::pg::table::relation::Attribute;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{Id, uuid_text};
use pg_clone_core::rewrite::Outcome;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// What became of a value.
pub enum Changed {
    /// The source's datum can be used.
    No,
    /// A new datum in the current memory context.
    To(pg_sys::Datum),
    /// NULL.
    ToNull,
}

/// The 16 bytes of a uuid datum.
pub fn read_uuid(datum: pg_sys::Datum) -> Id {
    // SAFETY: callers pass datums of columns whose type the catalog check proved to be uuid: 16 bytes by reference.
    unsafe { *datum.cast_mut_ptr::<Id>() }
}

/// A new uuid datum.
pub fn make_uuid(id: &Id) -> pg_sys::Datum {
    // SAFETY: palloc returns 16 writable bytes or raises.
    unsafe {
        let bytes = pg_sys::palloc(size_of::<Id>()).cast::<Id>();
        bytes.write(*id);
        pg_sys::Datum::from(bytes)
    }
}

/// A UUID as a datum of a column of type uuid, or of a text type.
pub fn make_uuid_of(type_name: &str, id: &Id) -> Result<pg_sys::Datum> {
    if type_name == "uuid" {
        Ok(make_uuid(id))
    } else {
        make_varlena(uuid_text::to_string(id).as_bytes())
    }
}

/// An integer datum of a column of that type.
pub fn read_integer(datum: pg_sys::Datum, type_name: &str) -> i64 {
    match type_name {
        "smallint" => i64::from(datum.value() as i16),
        "integer" => i64::from(datum.value() as i32),
        _ => datum.value() as i64,
    }
}

/// A datum for a column of that integer type; out of its range is an error (22023).
pub fn make_integer(value: i64, type_name: &str) -> Result<pg_sys::Datum> {
    let out_of_range =
        || Error::bad_argument(format!("the new key {value} does not fit into type {type_name}"));
    Ok(match type_name {
        "smallint" => pg_sys::Datum::from(i16::try_from(value).map_err(|_| out_of_range())?),
        "integer" => pg_sys::Datum::from(i32::try_from(value).map_err(|_| out_of_range())?),
        _ => pg_sys::Datum::from(value),
    })
}

/// The bytes of a varlena without its header; detoasted into the current memory context if need be.
pub fn bytes<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: callers pass datums of varlena types; the slice lives as long as the datum or the memory context that
    // detoasting used, and the callers keep it no longer than a row.
    unsafe {
        let plain = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        std::slice::from_raw_parts(
            pgrx::vardata_any(plain).cast::<u8>(),
            pgrx::varsize_any_exhdr(plain),
        )
    }
}

/// A varlena datum (text, json, jsonb) from its bytes.
pub fn make_varlena(bytes: &[u8]) -> Result<pg_sys::Datum> {
    const HEADER: usize = pg_sys::VARHDRSZ;
    if bytes.len() > 0x3FFF_FFFF - HEADER {
        return Err(Error::new(
            Code::BadData,
            format!("a value of {} bytes exceeds PostgreSQL's 1 GB", bytes.len()),
        ));
    }
    // SAFETY: palloc returns that many writable bytes or raises; the header is set for the same size.
    unsafe {
        let varlena = pg_sys::palloc(bytes.len() + HEADER).cast::<pg_sys::varlena>();
        pgrx::set_varsize_4b(varlena, (bytes.len() + HEADER) as i32);
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), varlena.cast::<u8>().add(HEADER), bytes.len());
        Ok(pg_sys::Datum::from(varlena))
    }
}

/// Gives `rewrite` a private, plain, 4-byte aligned copy of a varlena's payload to change.
pub fn rewrite_varlena(
    datum: pg_sys::Datum,
    rewrite: impl FnOnce(&mut [u8]) -> Result<Outcome>,
) -> Result<Changed> {
    // SAFETY: the copy is ours: detoasted, decompressed, with a 4-byte header, in the current memory context.
    let (copy, payload) = unsafe {
        let copy = pg_sys::pg_detoast_datum_copy(datum.cast_mut_ptr());
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
        Outcome::InPlace => Changed::To(pg_sys::Datum::from(copy)),
        Outcome::Rebuilt(bytes) => Changed::To(make_varlena(&bytes)?),
        Outcome::Null => Changed::ToNull,
    })
}

/// Maps every element of a `uuid[]`; an element for which `map` gives None is taken out.
pub fn map_uuid_array(
    datum: pg_sys::Datum,
    mut map: impl FnMut(&Id) -> Result<Option<Id>>,
) -> Result<Changed> {
    let elements = array_elements(datum, pg_sys::UUIDOID, 16, b'c');
    let mut out = Vec::with_capacity(elements.len());
    let mut changed = false;
    for element in &elements {
        match element {
            None => out.push(None),
            Some(value) => {
                let old = read_uuid(*value);
                match map(&old)? {
                    Some(new) => {
                        changed |= new != old;
                        out.push(Some(make_uuid(&new)));
                    }
                    None => changed = true,
                }
            }
        }
    }
    if changed {
        Ok(Changed::To(make_array(&out, datum, pg_sys::UUIDOID, 16, b'c')))
    } else {
        Ok(Changed::No)
    }
}

/// Maps every element of a `text[]`; `map` gets the element's bytes and says what becomes of it.
pub fn map_text_array(
    datum: pg_sys::Datum,
    element_type: pg_sys::Oid,
    mut map: impl FnMut(&mut [u8]) -> Result<Outcome>,
) -> Result<Changed> {
    let elements = array_elements(datum, element_type, -1, b'i');
    let mut out = Vec::with_capacity(elements.len());
    let mut changed = false;
    for element in elements {
        let Some(value) = element else {
            out.push(None);
            continue;
        };
        match rewrite_varlena(value, &mut map)? {
            Changed::No => out.push(Some(value)),
            Changed::To(new) => {
                changed = true;
                out.push(Some(new));
            }
            Changed::ToNull => changed = true,
        }
    }
    if changed {
        Ok(Changed::To(make_array(&out, datum, element_type, -1, b'i')))
    } else {
        Ok(Changed::No)
    }
}

/// Maps every element of an array of that integer type; an element for which `map` gives None is taken out.
pub fn map_integer_array(
    datum: pg_sys::Datum,
    element: &str,
    mut map: impl FnMut(i64) -> Result<Option<i64>>,
) -> Result<Changed> {
    let (oid, len, align) = match element {
        "smallint" => (pg_sys::INT2OID, 2, b's'),
        "integer" => (pg_sys::INT4OID, 4, b'i'),
        _ => (pg_sys::INT8OID, 8, b'd'),
    };
    let elements = array_elements(datum, oid, len, align);
    let mut out = Vec::with_capacity(elements.len());
    let mut changed = false;
    for value in elements {
        let Some(value) = value else {
            out.push(None);
            continue;
        };
        let old = read_integer(value, element);
        match map(old)? {
            Some(new) => {
                changed |= new != old;
                out.push(Some(make_integer(new, element)?));
            }
            None => changed = true,
        }
    }
    if changed {
        Ok(Changed::To(make_array(&out, datum, oid, len, align)))
    } else {
        Ok(Changed::No)
    }
}

/// The text form of a value, by its type's output function. Text that is no UTF-8 is an error (22P02).
pub fn to_text(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Result<String> {
    // SAFETY: looks up the type's output function and calls it with a datum of that type, as callers promise; it returns
    // a NUL-terminated string in the current memory context.
    unsafe {
        let mut output = pg_sys::Oid::INVALID;
        let mut varlena = false;
        pg_sys::getTypeOutputInfo(type_oid, &mut output, &mut varlena);
        let text = pg_sys::OidOutputFunctionCall(output, datum);
        std::ffi::CStr::from_ptr(text)
            .to_str()
            .map(str::to_owned)
            .map_err(|_| Error::new(Code::BadData, "a value is not valid UTF-8"))
    }
}

fn array_elements(
    datum: pg_sys::Datum,
    element: pg_sys::Oid,
    len: i32,
    align: u8,
) -> Vec<Option<pg_sys::Datum>> {
    let mut values = std::ptr::null_mut();
    let mut nulls = std::ptr::null_mut();
    let mut count = 0;
    // SAFETY: the datum is an array of this element type; the out-arrays are palloc'd with `count` entries.
    unsafe {
        let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
        pg_sys::deconstruct_array(
            array,
            element,
            len,
            (1..=8).contains(&len),
            align as std::ffi::c_char,
            &mut values,
            &mut nulls,
            &mut count,
        );
        (0..usize::try_from(count).unwrap_or(0))
            .map(|i| (!*nulls.add(i)).then(|| *values.add(i)))
            .collect()
    }
}

/// An array of one dimension with the lower bound of the old one; if nothing was taken out, with all its dimensions.
fn make_array(
    elements: &[Option<pg_sys::Datum>],
    old: pg_sys::Datum,
    element: pg_sys::Oid,
    len: i32,
    align: u8,
) -> pg_sys::Datum {
    let mut values: Vec<pg_sys::Datum> = elements
        .iter()
        .map(|e| e.unwrap_or(pg_sys::Datum::from(0)))
        .collect();
    let mut nulls: Vec<bool> = elements.iter().map(Option::is_none).collect();
    // SAFETY: both vectors have one entry per element; dims and bounds of the old array are read behind its header,
    // where an array of ndim dimensions has 2 * ndim integers.
    unsafe {
        let array = pg_sys::pg_detoast_datum(old.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
        let ndim = usize::try_from((*array).ndim).unwrap_or(0);
        let numbers = std::slice::from_raw_parts(array.add(1).cast::<i32>(), 2 * ndim);
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
            element,
            len,
            (1..=8).contains(&len),
            align as std::ffi::c_char,
        ))
    }
}

/// A value of any type from its text form, by the type's input function; a text that the type refuses raises the
/// type's own error.
pub fn from_text(text: &str, type_oid: pg_sys::Oid, typmod: i32) -> Result<pg_sys::Datum> {
    let text = CString::new(text).map_err(|_| Error::bad_argument("a value holds a NUL byte"))?;
    // SAFETY: looks up the type's input function and calls it with a NUL-terminated string.
    unsafe {
        let mut input = pg_sys::Oid::INVALID;
        let mut ioparam = pg_sys::Oid::INVALID;
        pg_sys::getTypeInputInfo(type_oid, &mut input, &mut ioparam);
        Ok(pg_sys::OidInputFunctionCall(
            input,
            text.as_ptr().cast_mut(),
            ioparam,
            typmod,
        ))
    }
}

/// The transaction's time as a value of that type, as a cast makes it: local time where the type has no zone, with the type's
/// precision, checked by the type if it is a domain. In the current memory context.
pub fn transaction_time(attribute: &Attribute) -> Result<pg_sys::Datum> {
    // SAFETY: returns a palloc'd, NUL-terminated string that means the type under any search_path.
    let type_name = unsafe {
        let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY;
        let name = pg_sys::format_type_extended(attribute.type_oid, attribute.typmod, flags as u16);
        CStr::from_ptr(name).to_string_lossy().into_owned()
    };
    // SAFETY: reads the current context, which outlives this call.
    let context = unsafe { pg_sys::CurrentMemoryContext };
    let mut time = None;
    crate::pg::query::for_each_row(
        &format!("SELECT CAST(pg_catalog.transaction_timestamp() AS {type_name})"),
        &mut |row| {
            if let Some(datum) = row.and_then(|row| row.datum(0)) {
                // SAFETY: the context is alive, and the one of the query is put back.
                time = Some(unsafe {
                    let old = pg_sys::MemoryContextSwitchTo(context);
                    let copy = copied(datum, attribute);
                    pg_sys::MemoryContextSwitchTo(old);
                    copy
                });
            }
            Ok(())
        },
    )?;
    time.ok_or_else(|| {
        Error::new(
            Code::Internal,
            format!("the time is no value of type {type_name}"),
        )
    })
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
