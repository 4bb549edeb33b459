SELECT i.id, i.keys FROM clone.cache_invalidation i
WHERE i.store = $1 AND ($2::bigint IS NULL OR i.run_id = $2)
  AND i.flushed_at <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $3)
ORDER BY i.id LIMIT 20
