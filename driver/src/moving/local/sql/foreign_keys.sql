-- Foreign keys between the given tables that are checked with each statement: table, referenced table, the columns that may be NULL.
-- One whose rows name rows of the same table is checked after the table's last row.
WITH tables AS (
    SELECT r.name, pg_catalog.to_regclass(r.name)::oid AS oid FROM pg_catalog.unnest($1::text[]) AS r (name)
)
SELECT t.name, p.name, COALESCE((
    SELECT pg_catalog.array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = t.oid AND a.attnum = ANY (f.conkey) AND NOT a.attnotnull), '{}')
FROM tables t
JOIN pg_catalog.pg_constraint f ON f.conrelid = t.oid AND f.contype = 'f' AND NOT f.condeferrable
JOIN tables p ON p.oid = f.confrelid
WHERE t.oid <> p.oid
ORDER BY 1, 2
