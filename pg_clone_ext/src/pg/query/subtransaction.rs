//! A subtransaction, which can fail without aborting the transaction.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgSqlErrorCode, PgTryBuilder};
use std::panic::AssertUnwindSafe;

/// The error of a failed subtransaction.
pub struct Failure {
    /// Its message.
    pub message: String,
}

/// Runs `f` in a subtransaction. If it raises an error, everything that it did is rolled back and the error is returned. A
/// cancel of the statement and the termination of the session are raised again.
#[expect(clippy::result_large_err, reason = "the caught error is pgrx's type")]
pub fn attempt<R>(f: impl FnOnce() -> R) -> Result<R, Failure> {
    // SAFETY: reads backend variables to be put back below, as PL/pgSQL does around a block with handlers.
    let (memory, owner) = unsafe { (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner) };
    // SAFETY: within a transaction; ended below on both ways out.
    unsafe {
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(memory);
    }
    let result = PgTryBuilder::new(AssertUnwindSafe(|| Ok(f())))
        .catch_others(Err)
        .execute();
    // SAFETY: ends the subtransaction begun above; after an error this also closes what `f` left open (SPI, snapshots,
    // guards of settings and user). Memory context and resource owner are those of before.
    unsafe {
        match &result {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => {
                pg_sys::MemoryContextSwitchTo(memory);
                pg_sys::RollbackAndReleaseCurrentSubTransaction();
            }
        }
        pg_sys::MemoryContextSwitchTo(memory);
        pg_sys::CurrentResourceOwner = owner;
    }
    result.map_err(|caught| {
        let report = match &caught {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => report,
            CaughtError::RustPanic { ereport, .. } => ereport,
        };
        if matches!(
            report.sql_error_code(),
            PgSqlErrorCode::ERRCODE_QUERY_CANCELED | PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN
        ) {
            caught.rethrow();
        }
        Failure {
            message: report.message().to_owned(),
        }
    })
}
