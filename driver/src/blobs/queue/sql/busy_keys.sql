-- $1 stores, $2 keys of files to delete: which of them somebody is copying to right now, or has yet to copy from (a clone of
-- the clone that was deleted).
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
