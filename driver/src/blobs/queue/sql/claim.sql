-- $1 worker number, $2 worker name, $3 most rows, $4 run or NULL, $5 places that are paused, as Row::place_key() makes them
WITH due AS MATERIALIZED (
    SELECT q.id
    FROM clone.blob_copy AS q
    WHERE q.state = 'pending'
      AND q.next_attempt_at <= pg_catalog.clock_timestamp()
      AND ($4::bigint IS NULL OR q.run_id = $4)
      AND (pg_catalog.cardinality($5::text[]) = 0
           OR pg_catalog.concat_ws(E'\x01', q.store, q.operation, COALESCE(q.source_location, ''), COALESCE(q.target_location, ''))
              <> ALL ($5::text[]))
    ORDER BY q.next_attempt_at, q.id
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE clone.blob_copy AS q
SET state = 'running',
    claimed_by = $1,
    worker = $2,
    attempts = q.attempts + 1,
    started_at = pg_catalog.clock_timestamp(),
    finished_at = NULL
FROM due
WHERE q.id = due.id
RETURNING q.id, q.store, q.operation, q.source_key, q.target_key, q.content_type, q.size_expected, q.attempts,
    q.source_location, q.target_location
