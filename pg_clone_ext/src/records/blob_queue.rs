//! `clone.blob_copy`: files that a worker of the driver copies or deletes after the transaction has committed. The driver
//! records its progress (`driver/src/blobs/queue`).

use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use pg_clone_core::error::Result;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Rows per INSERT into the queue.
const BATCH: usize = 1000;

/// Cancels pending copies to a project's files. Returns their number, and the keys that no worker has begun to write.
pub fn cancel_copies(store: &str, project: &str) -> Result<(usize, HashSet<String>)> {
    let _owner = AsExtensionOwner::new();
    let cancelled = pgrx::Spi::get_one_with_args::<pgrx::JsonB>(
        "WITH cancelled AS (UPDATE clone.blob_copy q SET state = 'cancelled', finished_at = pg_catalog.clock_timestamp() \
           FROM clone.run r WHERE r.id OPERATOR(pg_catalog.=) q.run_id AND r.store OPERATOR(pg_catalog.=) $1 \
           AND r.target_project OPERATOR(pg_catalog.=) $2 AND r.deleted_at IS NULL AND q.operation OPERATOR(pg_catalog.=) 'copy' \
           AND q.state OPERATOR(pg_catalog.=) ANY ('{pending,failed}'::pg_catalog.text[]) \
           RETURNING q.target_key, q.attempts) \
         SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(c.target_key, c.attempts)) FROM cancelled c",
        &[store.into(), project.into()],
    )
    .map_err(internal)?;
    let cancelled: Vec<(String, i64)> = match cancelled {
        Some(pgrx::JsonB(rows)) => serde_json::from_value(rows).map_err(internal)?,
        None => Vec::new(),
    };
    let never_begun = cancelled
        .iter()
        .filter(|(_, attempts)| *attempts == 0)
        .map(|(key, _)| key.clone())
        .collect();
    Ok((cancelled.len(), never_begun))
}

/// Files that copies to a project may have written, even if its rows do not exist any more: type, id and key of each.
pub fn copied_files(store: &str, project: &str) -> Result<Vec<(String, String, String)>> {
    let _owner = AsExtensionOwner::new();
    let found = pgrx::Spi::get_one_with_args::<pgrx::JsonB>(
        "SELECT pg_catalog.jsonb_agg(DISTINCT pg_catalog.jsonb_build_array(COALESCE(q.resource_type, ''), COALESCE(q.target_id, ''), q.target_key)) \
         FROM clone.blob_copy q JOIN clone.run r ON r.id OPERATOR(pg_catalog.=) q.run_id \
         WHERE r.store OPERATOR(pg_catalog.=) $1 AND r.target_project OPERATOR(pg_catalog.=) $2 AND r.kind OPERATOR(pg_catalog.=) 'project' \
         AND q.operation OPERATOR(pg_catalog.=) 'copy' AND q.attempts OPERATOR(pg_catalog.>) 0 \
         AND pg_catalog.right(q.target_key, 1) OPERATOR(pg_catalog.<>) '/' \
         AND NOT EXISTS (SELECT 1 FROM clone.blob_copy d WHERE d.store OPERATOR(pg_catalog.=) q.store \
           AND d.target_key OPERATOR(pg_catalog.=) q.target_key AND d.operation OPERATOR(pg_catalog.=) 'delete' \
           AND d.id OPERATOR(pg_catalog.>) q.id AND d.state OPERATOR(pg_catalog.<>) 'cancelled')",
        &[store.into(), project.into()],
    )
    .map_err(internal)?;
    found.map_or(Ok(Vec::new()), |pgrx::JsonB(rows)| {
        serde_json::from_value(rows).map_err(internal)
    })
}

/// Queues copies of files and notifies listening workers at commit. Each file has `resource_type`,
/// `source_id`, `target_id`, `source_key`, `target_key` and, if it is known, `content_type`. `from` and `to` are locations
/// other than those of the store.
pub fn queue_copies(
    store: &str,
    run: i64,
    files: &[Value],
    from: Option<&str>,
    to: Option<&str>,
) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let _owner = AsExtensionOwner::new();
    for batch in files.chunks(BATCH) {
        pgrx::Spi::run_with_args(
            "INSERT INTO clone.blob_copy (run_id, store, operation, resource_type, source_id, target_id, source_key, target_key, \
             content_type, size_expected, source_location, target_location) \
             SELECT $1, $2, 'copy', b.resource_type, b.source_id, b.target_id, b.source_key, b.target_key, b.content_type, NULL, \
             COALESCE($4, (SELECT q.target_location FROM clone.blob_copy AS q WHERE q.store OPERATOR(pg_catalog.=) $2 \
               AND q.target_key OPERATOR(pg_catalog.=) b.source_key AND q.operation OPERATOR(pg_catalog.=) 'copy' \
               AND q.target_location IS NOT NULL ORDER BY q.id DESC LIMIT 1)), $5 \
             FROM pg_catalog.jsonb_to_recordset($3) AS b (resource_type text, source_id text, target_id text, source_key text, \
             target_key text, content_type text)",
            &[
                run.into(),
                store.into(),
                pgrx::JsonB(Value::Array(batch.to_vec())).into(),
                from.into(),
                to.into(),
            ],
        )
        .map_err(internal)?;
    }
    notify(run)
}

fn notify(run: i64) -> Result<()> {
    pgrx::Spi::run_with_args(
        "SELECT pg_catalog.pg_notify('clone_blob_copy', $1::pg_catalog.text)",
        &[run.into()],
    )
    .map_err(internal)
}

/// A file that is to be deleted.
pub struct DeletedFile<'f> {
    /// Type of its resource.
    pub resource_type: &'f str,
    /// Id of its resource.
    pub id: String,
    /// Its key in the storage.
    pub key: &'f str,
}

/// Queues the deletion of files, except files whose key belongs to an existing clone. Listening workers
/// are notified at commit. Returns the number of queued deletions.
pub fn queue_deletions(store: &str, run: i64, files: &[DeletedFile<'_>]) -> Result<i64> {
    let _owner = AsExtensionOwner::new();
    let mut queued = 0;
    for batch in files.chunks(BATCH) {
        let rows: Vec<Value> = batch
            .iter()
            .map(|file| json!({"type": file.resource_type, "id": file.id, "key": file.key}))
            .collect();
        queued += pgrx::Spi::get_one_with_args::<i64>(
            "WITH queued AS (INSERT INTO clone.blob_copy (run_id, store, operation, resource_type, target_id, target_key, \
                 target_location) \
               SELECT $1, $2, 'delete', f.type, f.id, f.key, \
                 (SELECT q.target_location FROM clone.blob_copy q WHERE q.store OPERATOR(pg_catalog.=) $2 \
                  AND q.target_key OPERATOR(pg_catalog.=) f.key AND q.operation OPERATOR(pg_catalog.=) 'copy' \
                  AND q.target_location IS NOT NULL ORDER BY q.id DESC LIMIT 1) \
               FROM pg_catalog.jsonb_to_recordset($3) AS f (type pg_catalog.text, id pg_catalog.text, key pg_catalog.text) \
               WHERE NOT EXISTS (SELECT FROM clone.blob_copy q JOIN clone.run r ON r.id OPERATOR(pg_catalog.=) q.run_id \
                 WHERE q.store OPERATOR(pg_catalog.=) $2 AND q.target_key OPERATOR(pg_catalog.=) f.key \
                 AND q.operation OPERATOR(pg_catalog.=) 'copy' AND q.state OPERATOR(pg_catalog.<>) 'cancelled' \
                 AND r.deleted_at IS NULL) \
               RETURNING 1) \
             SELECT pg_catalog.count(*) FROM queued",
            &[run.into(), store.into(), pgrx::JsonB(Value::Array(rows)).into()],
        )
        .map_err(internal)?
        .unwrap_or_default();
    }
    if queued > 0 {
        notify(run)?;
    }
    Ok(queued)
}
