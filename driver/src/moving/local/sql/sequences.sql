-- Sequences that give keys to the given tables, with the tables: sequence, increment, tables.
WITH columns AS (
    SELECT r.name, a.attrelid, a.attnum, (SELECT d.oid FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) AS def
    FROM pg_catalog.unnest($1::text[]) AS r (name)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(r.name) AND a.attnum > 0 AND NOT a.attisdropped
), found AS (
    SELECT c.name, d.refobjid AS sequence FROM columns c
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = c.def
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'n'
    UNION
    SELECT c.name, d.objid FROM columns c
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid
        AND d.refobjid = c.attrelid AND d.refobjsubid = c.attnum AND d.deptype IN ('a', 'i')
)
SELECT pg_catalog.format('%I.%I', n.nspname, s.relname), q.seqincrement, pg_catalog.array_agg(f.name ORDER BY f.name)
FROM found f
JOIN pg_catalog.pg_class s ON s.oid = f.sequence AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid
GROUP BY 1, 2
