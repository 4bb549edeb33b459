-- $1 run or NULL
SELECT s.run_id, s.store, s.operation, s.total, s.pending, s.running, s.done, s.failed, s.failed_for_good, s.cancelled, s.bytes
FROM clone.blob_status AS s
WHERE $1::bigint IS NULL OR s.run_id = $1
ORDER BY s.run_id, s.store, s.operation
