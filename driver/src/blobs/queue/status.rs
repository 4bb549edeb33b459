//! `pg_clone blobs status` and `pg_clone blobs retry`.

use deadpool_postgres::Pool;
use tokio_postgres::types::Type;

/// Counts of one run and operation, from `clone.blob_status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStatus {
    /// The run.
    pub run: i64,
    /// Its store.
    pub store: String,
    /// `copy` or `delete`.
    pub operation: String,
    /// All files.
    pub total: i64,
    /// Waiting for an attempt.
    pub pending: i64,
    /// Claimed by a worker.
    pub running: i64,
    /// At their target.
    pub done: i64,
    /// Failed; a manual retry is needed.
    pub failed: i64,
    /// Failed files with a permanent error.
    pub failed_for_good: i64,
    /// Cancelled files.
    pub cancelled: i64,
    /// Bytes of those done.
    pub bytes: i64,
}

/// A file with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The row's id.
    pub id: i64,
    /// Its run.
    pub run: i64,
    /// Its store.
    pub store: String,
    /// Key of the source (of the target for a delete).
    pub source_key: String,
    /// Key of the target.
    pub target_key: String,
    /// `failed`; `pending` or `running` if it is retried.
    pub state: String,
    /// Attempts so far.
    pub attempts: i32,
    /// Whether the error is permanent.
    pub permanent: bool,
    /// The last error.
    pub error: String,
}

/// The state of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Per run and operation, oldest first.
    pub runs: Vec<RunStatus>,
    /// Files with errors, permanent ones first; at most the requested number.
    pub errors: Vec<FileError>,
}

/// Reads the state of the queue, of one run or of all, with up to `errors` files that have errors.
///
/// # Errors
/// When the database fails, or the role may not read the queue (42501).
pub async fn status(pool: &Pool, run: Option<i64>, errors: i64) -> anyhow::Result<Status> {
    let client = pool.get().await?;
    let runs = client
        .query_typed(include_str!("sql/status.sql"), &[(&run, Type::INT8)])
        .await?;
    let errors = client
        .query_typed(
            include_str!("sql/errors.sql"),
            &[(&run, Type::INT8), (&errors, Type::INT8)],
        )
        .await?;
    let runs = runs.iter().map(|row| RunStatus {
        run: row.get(0),
        store: row.get(1),
        operation: row.get(2),
        total: row.get(3),
        pending: row.get(4),
        running: row.get(5),
        done: row.get(6),
        failed: row.get(7),
        failed_for_good: row.get(8),
        cancelled: row.get(9),
        bytes: row.get(10),
    });
    let errors = errors.iter().map(|row| FileError {
        id: row.get(0),
        run: row.get(1),
        store: row.get(2),
        source_key: row.get(3),
        target_key: row.get(4),
        state: row.get(5),
        attempts: row.get(6),
        permanent: row.get(7),
        error: row.get(8),
    });
    Ok(Status {
        runs: runs.collect(),
        errors: errors.collect(),
    })
}

/// Makes failed files due again, and pending retries due now; `permanent` includes files whose
/// error was permanent. Returns their number, and wakes watching workers.
///
/// # Errors
/// When the database fails, or the role may not work the queue (42501).
pub async fn retry(pool: &Pool, run: Option<i64>, permanent: bool) -> anyhow::Result<u64> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    let files = transaction
        .execute_typed(
            include_str!("sql/retry.sql"),
            &[(&run, Type::INT8), (&permanent, Type::BOOL)],
        )
        .await?;
    let run = run.map(|run| run.to_string()).unwrap_or_default();
    transaction
        .execute_typed(
            "SELECT pg_catalog.pg_notify('clone_blob_copy', $1)",
            &[(&run, Type::TEXT)],
        )
        .await?;
    transaction.commit().await?;
    Ok(files)
}
