//! The time of the transaction as a value.

use super::for_each_row;
use crate::pg::memory::Lifetime;
use crate::pg::value::Value;
use crate::pg::value::attribute::Attribute;
use crate::pg::value::toast::copied;
use pg_clone_core::error::{Code, Error, Result};
use pgrx::pg_sys;
use std::ffi::CStr;

/// The transaction's time as a value of that type, like a cast: local time if the type has no time zone, with the type's
/// precision, checked if the type is a domain. In the current memory context.
pub fn transaction_time(attribute: &Attribute) -> Result<Value> {
    // SAFETY: returns a palloc'd, NUL-terminated string that means the type under any search_path.
    let type_name = unsafe {
        let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY;
        let name = pg_sys::format_type_extended(attribute.type_oid, attribute.typmod, flags as u16);
        CStr::from_ptr(name).to_string_lossy().into_owned()
    };
    // SAFETY: reads the current context, which outlives this call.
    let (context, lifetime) = (unsafe { pg_sys::CurrentMemoryContext }, Lifetime::current());
    let mut time = None;
    for_each_row(
        &format!("SELECT CAST(pg_catalog.transaction_timestamp() AS {type_name})"),
        &mut |row| {
            if let Some(value) = row.and_then(|row| row.value(0)) {
                // SAFETY: the context is alive, the copy is made in it, and the one of the query is put back.
                time = Some(unsafe {
                    let old = pg_sys::MemoryContextSwitchTo(context);
                    let copy = copied(value);
                    pg_sys::MemoryContextSwitchTo(old);
                    Value::at(copy.datum(), copy.form(), lifetime)
                });
            }
            Ok(())
        },
    )?;
    time.ok_or_else(|| {
        Error::new(
            Code::Internal,
            format!("the time is not a value of type {type_name}"),
        )
    })
}
