-- Foreign keys of the tables below views: a view has none itself.

-- The columns of tables that columns of a view are, through any number of views. The rule of a view says for each of its columns where
-- it comes from.
CREATE FUNCTION clone_internal.view_columns(view oid) RETURNS TABLE (name name, relation oid, attnum int)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE origin AS (
        SELECT r.ev_class AS view, m.found[1]::int AS number, m.found[2]::oid AS relation, m.found[3]::int AS attnum
        FROM pg_rewrite r CROSS JOIN LATERAL regexp_matches(r.ev_action::text, ':resno (\d+) :resname \S+ :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+)', 'g') AS m (found)
        WHERE r.ev_type = '1' AND r.ev_class = $1
        UNION
        SELECT o.view, o.number, m.found[2]::oid, m.found[3]::int
        FROM origin o JOIN pg_rewrite r ON r.ev_class = o.relation AND r.ev_type = '1'
        CROSS JOIN LATERAL regexp_matches(r.ev_action::text, ':resno (\d+) :resname \S+ :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+)', 'g') AS m (found)
        WHERE m.found[1]::int = o.attnum
    )
    SELECT a.attname, o.relation, o.attnum
    FROM origin o JOIN pg_attribute a ON a.attrelid = o.view AND a.attnum = o.number JOIN pg_class c ON c.oid = o.relation AND c.relkind IN ('r', 'p', 'f')
$$;
COMMENT ON FUNCTION clone_internal.view_columns(oid) IS 'The columns of tables that the columns of a view show';

-- Keys that a foreign key below a view explains: of a view's column, and of a column that refers to the table below a view.
CREATE FUNCTION clone_internal.view_keys(store text) RETURNS TABLE (relation regclass, name name, target regclass, below text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH views AS MATERIALIZED (
        SELECT r.relation AS view, r.project_column, v.name, v.relation, v.attnum
        FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind = 'v' CROSS JOIN LATERAL clone_internal.view_columns(r.relation) v
        WHERE r.store = $1
    ), keys AS MATERIALIZED (
        SELECT f.conname, f.conrelid, f.conkey[1] AS attnum, f.confrelid,
               COALESCE((SELECT r.relation FROM clone.store_relation r WHERE r.store = $1 AND r.relation = f.confrelid),
                        (SELECT min(v.view) FROM views v WHERE v.relation = f.confrelid AND v.attnum = f.confkey[1])) AS target
        FROM pg_constraint f WHERE f.contype = 'f' AND cardinality(f.conkey) = 1
    )
    SELECT v.view, v.name, k.target, format('foreign key %I of %s', k.conname, k.conrelid::regclass)
    FROM views v JOIN keys k ON k.conrelid = v.relation AND k.attnum = v.attnum
    WHERE k.target IS NOT NULL AND v.name IS DISTINCT FROM v.project_column
    UNION
    SELECT r.relation, a.attname, k.target, format('foreign key %I of %s', k.conname, k.conrelid::regclass)
    FROM keys k JOIN clone.store_relation r ON r.store = $1 AND r.relation = k.conrelid JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.attnum
    WHERE k.target <> k.confrelid AND a.attname IS DISTINCT FROM r.project_column
$$;
COMMENT ON FUNCTION clone_internal.view_keys(text) IS 'Columns that hold keys of rows which a store describes by a view';
