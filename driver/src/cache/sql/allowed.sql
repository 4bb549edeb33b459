SELECT pg_catalog.has_schema_privilege('clone', 'USAGE')
   AND pg_catalog.has_table_privilege('clone.cache_invalidation', 'SELECT')
   AND pg_catalog.has_column_privilege('clone.cache_invalidation', 'flushed_at', 'UPDATE')
   AND pg_catalog.has_table_privilege('clone.cache_invalidation', 'DELETE')
