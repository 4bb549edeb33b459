//! Parallel queries: no function of the extension that reads or writes a store can run in one.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

/// Raises 25000 in a parallel worker, and in its leader while workers run. PostgreSQL does not plan it: some function around the call says of
/// itself that it is PARALLEL SAFE.
pub fn refuse() {
    // SAFETY: reads the state of the transaction.
    if unsafe { pg_sys::IsInParallelMode() } {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_INVALID_TRANSACTION_STATE,
            "a function of pg_clone_ext was called within a parallel query",
            "pg_clone",
        )
        .set_hint(
            "A function that calls it says of itself that it is PARALLEL SAFE, and it is not. Say so, ALTER FUNCTION … PARALLEL UNSAFE, or \
             SET max_parallel_workers_per_gather = 0.",
        )
        .report(PgLogLevel::ERROR);
    }
}
