-- Columns of the given tables: table, name, type, NOT NULL, generated, expression of the default or the kind of identity, collation where it is not the type's.
-- Names in types and expressions are qualified by what the search_path leaves out, so it is set for this statement.
WITH path AS MATERIALIZED (SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true))
SELECT r.name, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '',
       CASE WHEN a.attidentity <> '' THEN 'identity' ELSE pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
       CASE WHEN a.attcollation <> t.typcollation THEN (SELECT c.collname::text FROM pg_catalog.pg_collation c WHERE c.oid = a.attcollation) END
FROM path, pg_catalog.unnest($1::text[]) AS r (name)
JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(r.name) AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
ORDER BY r.name, a.attnum
