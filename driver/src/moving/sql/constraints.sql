-- Constraints and unique indexes of the given tables: table, definition. NOT NULL is a column's (and a constraint since PostgreSQL 18).
WITH path AS MATERIALIZED (SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true))
SELECT r.name, pg_catalog.pg_get_constraintdef(c.oid)
FROM path, pg_catalog.unnest($1::text[]) AS r (name)
JOIN pg_catalog.pg_constraint c ON c.conrelid = pg_catalog.to_regclass(r.name) AND c.contype IN ('p', 'u', 'c', 'f', 'x')
UNION ALL
SELECT r.name, 'UNIQUE INDEX ' || pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.* USING ', '')
FROM path, pg_catalog.unnest($1::text[]) AS r (name)
JOIN pg_catalog.pg_index i ON i.indrelid = pg_catalog.to_regclass(r.name) AND i.indisunique
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conindid = i.indexrelid)
ORDER BY 1, 2
