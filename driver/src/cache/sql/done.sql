DELETE FROM clone.cache_invalidation WHERE id = ANY ($1)
