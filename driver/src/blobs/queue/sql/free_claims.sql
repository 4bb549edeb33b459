-- $1 numbers of dead workers, $2 most attempts
UPDATE clone.blob_copy AS q
SET state = CASE WHEN q.attempts >= $2 THEN 'failed' ELSE 'pending' END,
    claimed_by = NULL,
    last_error = pg_catalog.format('worker %s died while it worked on this file', q.worker),
    error_is_permanent = false,
    next_attempt_at = pg_catalog.clock_timestamp(),
    finished_at = CASE WHEN q.attempts >= $2 THEN pg_catalog.clock_timestamp() END
WHERE q.state = 'running' AND q.claimed_by = ANY ($1::int[])
