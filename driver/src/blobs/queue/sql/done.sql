-- $1 worker number; then per row: $2 id, $3 method, $4 bytes, $5 checksum, $6 and $7 where source and target are
UPDATE clone.blob_copy AS q
SET state = 'done',
    claimed_by = NULL,
    method = f.method,
    bytes = f.bytes,
    checksum = f.checksum,
    source_location = CASE WHEN q.operation = 'copy' THEN COALESCE(f.source, q.source_location) END,
    target_location = COALESCE(f.target, q.target_location),
    last_error = NULL,
    error_is_permanent = false,
    finished_at = pg_catalog.clock_timestamp()
FROM ROWS FROM (
    pg_catalog.unnest($2::bigint[]), pg_catalog.unnest($3::text[]),
    pg_catalog.unnest($4::bigint[]), pg_catalog.unnest($5::text[]),
    pg_catalog.unnest($6::text[]), pg_catalog.unnest($7::text[])
) AS f (id, method, bytes, checksum, source, target)
WHERE q.id = f.id AND q.claimed_by = $1
