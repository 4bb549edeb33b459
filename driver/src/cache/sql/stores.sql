SELECT i.store, pg_catalog.max(s.options->>'cache')
FROM clone.cache_invalidation i LEFT JOIN clone.store s ON s.name = i.store
WHERE $1::bigint IS NULL OR i.run_id = $1
GROUP BY i.store ORDER BY i.store
