UPDATE clone.cache_invalidation SET flushed_at = pg_catalog.clock_timestamp() WHERE id = ANY ($1)
