-- Foreign keys of one column from the given tables to tables that are not among them: table, column, its type, referenced table and
-- column, and the columns of another unique key of that table, its natural key.
WITH tables AS (
    SELECT r.name, pg_catalog.to_regclass(r.name)::oid AS oid FROM pg_catalog.unnest($1::text[]) AS r (name)
)
SELECT t.name, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
       pg_catalog.format('%I.%I', n.nspname, c.relname), k.attname::text,
       COALESCE((
           SELECT pg_catalog.array_agg(u.attname::text ORDER BY x.at)
           FROM (SELECT i.indexrelid, i.indkey FROM pg_catalog.pg_index i
                 WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid
                   AND NOT (i.indnkeyatts = 1 AND i.indkey[0] = k.attnum)
                   AND NOT k.attnum = ANY (i.indkey::int2[])
                 ORDER BY i.indnkeyatts, i.indexrelid LIMIT 1) AS i
           CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS x (attnum, at)
           JOIN pg_catalog.pg_attribute u ON u.attrelid = c.oid AND u.attnum = x.attnum), '{}') AS natural
FROM tables t
JOIN pg_catalog.pg_constraint f ON f.conrelid = t.oid AND f.contype = 'f' AND pg_catalog.cardinality(f.conkey) = 1
JOIN pg_catalog.pg_class c ON c.oid = f.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = f.conkey[1]
JOIN pg_catalog.pg_attribute k ON k.attrelid = c.oid AND k.attnum = f.confkey[1]
WHERE f.confrelid NOT IN (SELECT oid FROM tables WHERE oid IS NOT NULL)
ORDER BY 1, 2
