//! Calls a function of the store's catalog by its oid.

use pg_clone_core::error::{Code, Error, Result};
use pgrx::{FromDatum, IntoDatum, JsonB, pg_sys};

fn datum(value: impl IntoDatum) -> Result<pg_sys::Datum> {
    value
        .into_datum()
        .ok_or_else(|| Error::new(Code::Internal, "an argument of a hook is NULL"))
}

/// Calls `function(store text, arguments jsonb)`. It runs with the caller's rights; that the caller may execute it
/// follows from the right to call us, so no EXECUTE is looked for.
pub fn check(function: u32, store: &str, arguments: serde_json::Value) -> Result<()> {
    let (store, arguments) = (datum(store)?, datum(JsonB(arguments))?);
    // SAFETY: the catalog's comment and the presets declare hooks with these argument types; a missing function raises.
    unsafe {
        pg_sys::OidFunctionCall2Coll(
            pg_sys::Oid::from(function),
            pg_sys::Oid::INVALID,
            store,
            arguments,
        );
    }
    Ok(())
}

/// Calls `function(store text, run bigint, arguments jsonb)`, which returns jsonb and never NULL.
pub fn finish(
    function: u32,
    store: &str,
    run: i64,
    arguments: serde_json::Value,
) -> Result<serde_json::Value> {
    let (store, run, arguments) = (datum(store)?, datum(run)?, datum(JsonB(arguments))?);
    // SAFETY: as in check(); the result is a jsonb datum.
    let result = unsafe {
        let result = pg_sys::OidFunctionCall3Coll(
            pg_sys::Oid::from(function),
            pg_sys::Oid::INVALID,
            store,
            run,
            arguments,
        );
        JsonB::from_datum(result, false)
    };
    Ok(result.map_or(serde_json::Value::Null, |JsonB(value)| value))
}
