-- $1 worker number; then per row: $2 id, $3 error, $4 no attempt follows, $5 permanent, $6 seconds to wait, $7 attempt counts
UPDATE clone.blob_copy AS q
SET state = CASE WHEN f.is_last THEN 'failed' ELSE 'pending' END,
    claimed_by = NULL,
    attempts = CASE WHEN f.counts THEN q.attempts ELSE q.attempts - 1 END,
    last_error = f.error,
    error_is_permanent = f.permanent,
    next_attempt_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => f.wait),
    finished_at = CASE WHEN f.is_last THEN pg_catalog.clock_timestamp() END
FROM ROWS FROM (
    pg_catalog.unnest($2::bigint[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::boolean[]), pg_catalog.unnest($5::boolean[]),
    pg_catalog.unnest($6::double precision[]), pg_catalog.unnest($7::boolean[])
) AS f (id, error, is_last, permanent, wait, counts)
WHERE q.id = f.id AND q.claimed_by = $1
