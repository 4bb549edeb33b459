SELECT pg_catalog.has_schema_privilege('clone', 'USAGE')
   AND pg_catalog.has_table_privilege('clone.cache_invalidation', 'SELECT')
   AND pg_catalog.has_table_privilege('clone.cache_invalidation', 'UPDATE')
   AND pg_catalog.has_table_privilege('clone.cache_invalidation', 'DELETE')
