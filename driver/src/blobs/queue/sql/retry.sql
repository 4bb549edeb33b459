-- $1 run or NULL, $2 whether permanent failures are included
UPDATE clone.blob_copy AS q
SET state = 'pending',
    attempts = 0,
    next_attempt_at = pg_catalog.clock_timestamp(),
    error_is_permanent = false,
    finished_at = NULL
WHERE (q.state = 'failed' OR (q.state = 'pending' AND q.attempts > 0))
  AND ($1::bigint IS NULL OR q.run_id = $1)
  AND ($2::boolean OR NOT q.error_is_permanent)
