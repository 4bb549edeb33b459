-- Types that no table, class or declared reference explains, beside types that are known: the ids beside them say which table they mean.

-- How many ids beside each type are keys of each of these tables. kinds and ids: a sample of the pair's rows.
CREATE FUNCTION clone_internal.keys_of_kinds(tables regclass[], names name[], families text[], kinds text[], ids text[]) RETURNS TABLE (kind text, target regclass, ids bigint, keys bigint)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH pair AS MATERIALIZED (
        SELECT DISTINCT p.kind, p.id COLLATE "C" AS id FROM unnest($4, $5) AS p (kind, id) WHERE lower(p.id) <> ALL (clone_internal.in_place_of_null())
    ), seen AS MATERIALIZED (
        -- Small numbers and short texts are keys by chance.
        SELECT p.kind, count(*) AS ids FROM pair p GROUP BY 1 HAVING count(*) >= 4 OR bool_and(length(p.id) >= 12 AND p.id !~ '^[0-9]+$')
    ), found AS MATERIALIZED (
        SELECT f.target, f.value COLLATE "C" AS id FROM clone_internal.keys_of_tables($1, $2, $3, ARRAY(SELECT p.id FROM pair p JOIN seen s ON s.kind = p.kind)) f
    )
    SELECT p.kind, f.target, s.ids, count(*) FROM pair p JOIN seen s ON s.kind = p.kind JOIN found f ON f.id = p.id GROUP BY p.kind, f.target, s.ids
$$;
COMMENT ON FUNCTION clone_internal.keys_of_kinds(regclass[], name[], text[], text[], text[]) IS 'How many ids beside each type of a polymorphic pair are keys of each of the given tables';

-- The tables that have the ids beside each type as their keys, of rows of the same tenant.
CREATE FUNCTION clone_internal.tables_with_ids(store text, relation regclass, type_column name, "column" name, kinds text[], ids text[]) RETURNS TABLE (kind text, targets regclass[])
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH likely AS MATERIALIZED (
        SELECT k.kind, k.target
        FROM (SELECT array_agg(n.relation ORDER BY n.relation::oid) AS relations, array_agg(n.name ORDER BY n.relation::oid) AS names, array_agg(n.family ORDER BY n.relation::oid) AS families
              FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project' AND n.family IN ('int', 'text', 'uuid')) t
        CROSS JOIN LATERAL clone_internal.keys_of_kinds(t.relations, t.names, t.families, $5, $6) k WHERE 5 * (k.ids - k.keys) <= k.ids
    )
    SELECT l.kind, array_agg(l.target ORDER BY l.target::oid) FROM likely l
    WHERE clone_internal.are_keys_of_kind($1, $2, $3, clone_internal.column_text('t', $2, $4), ARRAY[l.kind], l.target) GROUP BY 1 ORDER BY 1
$$;
COMMENT ON FUNCTION clone_internal.tables_with_ids(text, regclass, name, name, text[], text[]) IS 'The tables that have the ids beside each type of a polymorphic pair as their keys';

-- Of several tables with the ids beside a type, the one that the application's own columns call so: with chart_id to slices, a chart is a slice.
CREATE FUNCTION clone_internal.tables_with_columns_of_type(store text, kind text, targets regclass[]) RETURNS regclass[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH called AS MATERIALIZED (
        SELECT DISTINCT k.target FROM (
            SELECT f.confrelid::regclass AS target, f.conrelid AS relation, a.attname AS name FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
            WHERE f.contype = 'f' AND cardinality(f.conkey) = 1 AND f.confrelid = ANY ($3::oid[])
            UNION ALL
            SELECT d.target, d.relation, d."column" FROM clone.store_reference d WHERE d.store = $1 AND d.form = 'column' AND d.condition IS NULL AND d.target = ANY ($3)) k
        WHERE clone_internal.says_id(k.name) AND clone_internal.kind_forms(clone_internal.named_word(k.name)) && clone_internal.kind_forms(regexp_replace($2, E'^.*(::|[.:/]|\\\\)', ''))
    )
    SELECT CASE WHEN (SELECT count(*) FROM called) = 1 THEN ARRAY(SELECT c.target FROM called c) ELSE $3 END
$$;
COMMENT ON FUNCTION clone_internal.tables_with_columns_of_type(text, text, regclass[]) IS 'Of several tables, the one to which columns refer that have a type of a pair as their name; else all of them';

-- The tables that the store does not describe and that have all ids beside a type as their keys.
CREATE FUNCTION clone_internal.outside_tables_with_ids(store text, kinds text[], ids text[]) RETURNS TABLE (kind text, targets regclass[])
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT k.kind, array_agg(k.target ORDER BY k.target::oid)
        FROM (SELECT array_agg(l.relation) AS relations, array_agg(l.key) AS names, array_agg(l.family) AS families FROM clone_internal.listed_keys($1) l WHERE NOT l.described) t
        CROSS JOIN LATERAL clone_internal.keys_of_kinds(t.relations, t.names, t.families, $2, $3) k WHERE k.keys = k.ids GROUP BY 1 ORDER BY 1;
END
$$;
COMMENT ON FUNCTION clone_internal.outside_tables_with_ids(text, text[], text[]) IS 'The tables that a store does not describe and that have all ids beside each type of a polymorphic pair as their keys';

-- The same with the tables that are declared as shared, of which nothing is asked.
CREATE FUNCTION clone_internal.kinds_of_other_tables(store text, kinds text[], ids text[]) RETURNS SETOF text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT o.kind FROM clone_internal.outside_tables_with_ids($1, $2, $3) o
        UNION
        SELECT k.kind FROM (
            SELECT array_agg(h.relation) AS relations, array_agg(a.attname) AS names, array_agg(clone_internal.family(a.atttypid)) AS families
            FROM clone.store_shared h JOIN clone_internal.discoverable(NULL) d ON d.oid = h.relation JOIN pg_attribute a ON a.attrelid = h.relation AND a.attname = clone_internal.key_of(h.relation)
            WHERE h.store = $1 AND clone_internal.family(a.atttypid) IN ('int', 'text', 'uuid')) t
        CROSS JOIN LATERAL clone_internal.keys_of_kinds(t.relations, t.names, t.families, $2, $3) k WHERE k.keys = k.ids;
END
$$;
COMMENT ON FUNCTION clone_internal.kinds_of_other_tables(text, text[], text[]) IS 'The types of a polymorphic pair whose ids all are keys of a table that a store does not describe, shared or not';
