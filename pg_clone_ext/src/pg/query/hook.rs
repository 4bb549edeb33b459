//! Calls a function of the store's catalog by its oid.

use crate::pg::node::new_bytes;
use pg_clone_core::error::{Code, Error, Result};
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::{FromDatum, IntoDatum, JsonB, pg_sys};

fn datum(value: impl IntoDatum) -> Result<pg_sys::Datum> {
    value
        .into_datum()
        .ok_or_else(|| Error::new(Code::Internal, "an argument of a hook is NULL"))
}

/// Calls a function with arguments that are not NULL; a NULL result is None. Functions in LANGUAGE sql that return void
/// return NULL.
///
/// # Safety
/// The arguments are of the types that the function declares.
unsafe fn call(function: u32, arguments: &[pg_sys::Datum]) -> Option<pg_sys::Datum> {
    // SAFETY: the call information has room for so many arguments behind its head, and lives in the current memory context,
    // longer than the call; a missing function raises.
    unsafe {
        let mut info = pg_sys::FmgrInfo::default();
        pg_sys::fmgr_info(pg_sys::Oid::from(function), &mut info);
        let size = size_of::<pg_sys::FunctionCallInfoBaseData>()
            + arguments.len() * size_of::<pg_sys::NullableDatum>();
        let call = new_bytes(size).cast::<pg_sys::FunctionCallInfoBaseData>();
        (*call).flinfo = &raw mut info;
        (*call).nargs = arguments.len() as i16;
        let places = (*call).args.as_mut_ptr();
        for (place, argument) in arguments.iter().enumerate() {
            places.add(place).write(pg_sys::NullableDatum {
                value: *argument,
                isnull: false,
            });
        }
        let address = info.fn_addr?;
        // A call through a pointer is not guarded by pgrx of itself.
        let result = pg_guard_ffi_boundary(|| address(call));
        (!(*call).isnull).then_some(result)
    }
}

/// Calls `function(store text, arguments jsonb)`. It runs with the caller's rights. EXECUTE on it is not checked: a role that may
/// call the extension's function may run the hooks.
pub fn check(function: u32, store: &str, arguments: serde_json::Value) -> Result<()> {
    let arguments = [datum(store)?, datum(JsonB(arguments))?];
    // SAFETY: the catalog accepts only hooks with these argument types.
    unsafe { call(function, &arguments) };
    Ok(())
}

/// Calls `function(store text, arguments jsonb)`, which returns jsonb; NULL means no checks.
pub fn verify(function: u32, store: &str, arguments: serde_json::Value) -> Result<serde_json::Value> {
    let arguments = [datum(store)?, datum(JsonB(arguments))?];
    // SAFETY: as in check(); the catalog accepts only functions that return jsonb.
    let result = unsafe { call(function, &arguments).and_then(|result| JsonB::from_datum(result, false)) };
    Ok(result.map_or(serde_json::Value::Null, |JsonB(value)| value))
}

/// Calls `function(store text, run bigint, arguments jsonb)`, which returns jsonb; NULL means no tasks.
pub fn finish(
    function: u32,
    store: &str,
    run: i64,
    arguments: serde_json::Value,
) -> Result<serde_json::Value> {
    let arguments = [datum(store)?, datum(run)?, datum(JsonB(arguments))?];
    // SAFETY: as in check(); the result is a jsonb datum.
    let result = unsafe { call(function, &arguments).and_then(|result| JsonB::from_datum(result, false)) };
    Ok(result.map_or(serde_json::Value::Null, |JsonB(value)| value))
}
