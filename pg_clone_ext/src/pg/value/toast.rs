//! Values in the form in which the table stores them: fetched from TOAST if necessary, but not decompressed.

use crate::pg::value::Value;
use crate::pg::value::attribute::Attribute;
use pg_clone_core::batch::Compressed;
use pg_clone_core::compressed::Method;
use pg_clone_core::error::{Code, Error, Result};
use pgrx::pg_sys;

/// The tag of a value that is stored out of line on disk.
const ON_DISK: u8 = pg_sys::vartag_external::VARTAG_ONDISK as u8;
/// Bits of the length in the info word of a compressed value; the others are the method.
const LENGTH_BITS: u32 = 30;
/// The header of a compressed value: the total length, then the info word.
const HEADER: usize = 2 * size_of::<u32>();

/// A compressed value of a row.
#[derive(Clone, Copy)]
pub struct CompressedValue {
    /// Its place in the row.
    pub place: usize,
    /// Its uncompressed length in bytes.
    pub length: usize,
    /// The uncompressed value, for constraints that read it.
    pub plain: Option<Value>,
}

/// The bytes of a varlena without its header; detoasted into the current memory context if need be.
///
/// # Safety
/// A varlena value. It lives as long as the slice, and so does what is in the current memory context.
pub(in crate::pg) unsafe fn payload<'a>(value: *mut pg_sys::varlena) -> &'a [u8] {
    // SAFETY: as the caller promises; a varlena says how long it is.
    unsafe {
        let plain = pg_sys::pg_detoast_datum_packed(value);
        std::slice::from_raw_parts(
            pgrx::vardata_any(plain).cast::<u8>(),
            pgrx::varsize_any_exhdr(plain),
        )
    }
}

/// The bytes of a varlena value and how they are compressed, fetched into the current memory context if need be.
///
/// # Safety
/// As for [`payload`].
pub(in crate::pg) unsafe fn stored<'a>(
    value: *mut pg_sys::varlena,
) -> Result<(&'a [u8], Option<Compressed>)> {
    // SAFETY: as the caller promises. A compressed value has its 8 bytes of header.
    unsafe {
        let value = pg_sys::detoast_external_attr(value);
        if !pgrx::varatt_is_4b_c(value) {
            let bytes = std::slice::from_raw_parts(
                pgrx::vardata_any(value).cast::<u8>(),
                pgrx::varsize_any_exhdr(value),
            );
            return Ok((bytes, None));
        }
        let information = value.cast::<u32>().add(1).read_unaligned();
        let bytes = std::slice::from_raw_parts(
            value.cast::<u8>().add(HEADER),
            pgrx::varsize_4b(value).saturating_sub(HEADER),
        );
        let method = match information >> LENGTH_BITS {
            0 => Method::Pglz,
            1 => Method::Lz4,
            other => {
                return Err(Error::new(
                    Code::Internal,
                    format!("a value is compressed with unknown method {other}"),
                ));
            }
        };
        let length = (information & ((1 << LENGTH_BITS) - 1)) as usize;
        Ok((bytes, Some(Compressed { method, length })))
    }
}

/// A compressed value for a column of text, json or jsonb, from its bytes.
pub fn make_compressed(bytes: &[u8], how: Compressed, attribute: &Attribute) -> Value {
    let form = super::datum::of_bytes(attribute);
    let method: u32 = match how.method {
        Method::Pglz => 0,
        Method::Lz4 => 1,
    };
    // Both lengths are below 1 GB: no stream is longer than the value it holds, and that one came from a table.
    let length = (bytes.len() + HEADER) as u32;
    let header = if cfg!(target_endian = "big") {
        length | 0x4000_0000
    } else {
        length << 2 | 0b10
    };
    // SAFETY: palloc returns that many writable bytes, aligned, or raises.
    unsafe {
        let value = pg_sys::palloc(bytes.len() + HEADER).cast::<u32>();
        value.write(header);
        value.add(1).write(how.length as u32 | method << LENGTH_BITS);
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.cast::<u8>().add(HEADER), bytes.len());
        Value::made(pg_sys::Datum::from(value), form)
    }
}

/// A copy of a value in the current memory context, which outlives the row; out-of-line data is not copied.
pub fn copied(value: Value) -> Value {
    let form = value.form();
    let Some(length) = form.referred else {
        return value;
    };
    // SAFETY: the datum is of this form, so its length is what typlen says: that of a varlena, of a
    // C string, or so many bytes.
    unsafe {
        let mut value: *mut u8 = value.datum().cast_mut_ptr();
        let size = match usize::try_from(length) {
            Ok(size) => size,
            Err(_) if length == -2 => std::ffi::CStr::from_ptr(value.cast()).count_bytes() + 1,
            Err(_) => {
                if pgrx::varatt_is_1b_e(value.cast()) && value.add(1).read() != ON_DISK {
                    value = pg_sys::detoast_external_attr(value.cast()).cast();
                }
                pgrx::varsize_any(value.cast())
            }
        };
        Value::made(copied_bytes(value, size), form)
    }
}

/// # Safety
/// `value` points to that many bytes.
unsafe fn copied_bytes(value: *const u8, size: usize) -> pg_sys::Datum {
    // SAFETY: palloc returns that many writable bytes, aligned, or raises.
    unsafe {
        let copy = pg_sys::palloc(size).cast::<u8>();
        std::ptr::copy_nonoverlapping(value, copy, size);
        pg_sys::Datum::from(copy)
    }
}
