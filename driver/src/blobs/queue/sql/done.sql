-- $1 worker number; then per row: $2 id, $3 method, $4 bytes, $5 checksum
UPDATE clone.blob_copy AS q
SET state = 'done',
    claimed_by = NULL,
    method = f.method,
    bytes = f.bytes,
    checksum = f.checksum,
    last_error = NULL,
    error_is_permanent = false,
    finished_at = pg_catalog.clock_timestamp()
FROM ROWS FROM (
    pg_catalog.unnest($2::bigint[]), pg_catalog.unnest($3::text[]),
    pg_catalog.unnest($4::bigint[]), pg_catalog.unnest($5::text[])
) AS f (id, method, bytes, checksum)
WHERE q.id = f.id AND q.claimed_by = $1
