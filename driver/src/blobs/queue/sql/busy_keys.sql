-- $1 stores, $2 keys of files to delete: those that a worker is copying to now, or that have yet to be copied from (a clone of
-- the deleted clone).
SELECT q.store, q.target_key
FROM clone.blob_copy AS q
JOIN ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS gone (store, key)
  ON q.store = gone.store AND q.target_key = gone.key
WHERE q.operation = 'copy' AND q.state = 'running'
UNION
SELECT q.store, q.source_key
FROM clone.blob_copy AS q
JOIN ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS gone (store, key)
  ON q.store = gone.store AND q.source_key = gone.key
WHERE q.operation = 'copy' AND q.state IN ('pending', 'running')
