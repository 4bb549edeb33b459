-- $1 stores, $2 keys that are about to be deleted: what still waits to be copied there need not be.
UPDATE clone.blob_copy AS q
SET state = 'cancelled', finished_at = pg_catalog.clock_timestamp()
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS gone (store, key)
WHERE q.store = gone.store AND q.target_key = gone.key AND q.operation = 'copy' AND q.state IN ('pending', 'failed')
