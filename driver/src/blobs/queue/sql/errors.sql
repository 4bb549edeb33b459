-- $1 run or NULL, $2 most rows: what failed, or failed once and will be tried again
SELECT q.id, q.run_id, q.store, COALESCE(q.source_key, q.target_key), q.target_key, q.state, q.attempts, q.error_is_permanent, q.last_error
FROM clone.blob_copy AS q
WHERE q.last_error IS NOT NULL
  AND q.state IN ('failed', 'pending', 'running')
  AND ($1::bigint IS NULL OR q.run_id = $1)
ORDER BY q.error_is_permanent DESC, q.state, q.id
LIMIT $2
