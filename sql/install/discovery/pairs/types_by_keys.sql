-- Types that no table, class or declared reference explains, beside types that are known: the ids beside them say which table they mean.

-- The tables that have the ids beside each type as their keys, of rows of the same tenant. kinds and ids: a sample of the pair's rows.
CREATE FUNCTION clone_internal.tables_with_ids(store text, relation regclass, type_column name, "column" name, kinds text[], ids text[]) RETURNS TABLE (kind text, targets regclass[])
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH pair AS MATERIALIZED (
        SELECT DISTINCT p.kind, p.id COLLATE "C" AS id FROM unnest($5, $6) AS p (kind, id) WHERE lower(p.id) <> ALL (clone_internal.in_place_of_null())
    ), seen AS MATERIALIZED (
        -- Small numbers and short texts are keys by chance.
        SELECT p.kind, count(*) AS ids FROM pair p GROUP BY 1 HAVING count(*) >= 4 OR bool_and(length(p.id) >= 12 AND p.id !~ '^[0-9]+$')
    ), target AS MATERIALIZED (
        SELECT array_agg(n.relation) AS relations, array_agg(n.name) AS names, array_agg(n.family) AS families
        FROM (SELECT n.* FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project' AND n.family IN ('int', 'text', 'uuid') ORDER BY n.relation::oid) n
    ), found AS MATERIALIZED (
        SELECT f.target, f.value COLLATE "C" AS id FROM target t
        CROSS JOIN LATERAL clone_internal.keys_of_tables(t.relations, t.names, t.families, ARRAY(SELECT p.id FROM pair p JOIN seen s ON s.kind = p.kind)) f
    ), likely AS MATERIALIZED (
        SELECT p.kind, f.target FROM pair p JOIN seen s ON s.kind = p.kind JOIN found f ON f.id = p.id GROUP BY p.kind, f.target, s.ids HAVING 5 * (s.ids - count(*)) <= s.ids
    )
    SELECT l.kind, array_agg(l.target ORDER BY l.target::oid) FROM likely l
    WHERE clone_internal.are_keys_of_kind($1, $2, $3, clone_internal.column_text('t', $2, $4), ARRAY[l.kind], l.target) GROUP BY 1 ORDER BY 1
$$;
COMMENT ON FUNCTION clone_internal.tables_with_ids(text, regclass, name, name, text[], text[]) IS 'The tables that have the ids beside each type of a polymorphic pair as their keys';

-- The same for tables that the store does not describe: all ids are keys there.
CREATE FUNCTION clone_internal.outside_tables_with_ids(store text, kinds text[], ids text[]) RETURNS TABLE (kind text, targets regclass[])
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH pair AS MATERIALIZED (
        SELECT DISTINCT p.kind, p.id COLLATE "C" AS id FROM unnest($2, $3) AS p (kind, id) WHERE lower(p.id) <> ALL (clone_internal.in_place_of_null())
    ), seen AS MATERIALIZED (
        SELECT p.kind, count(*) AS ids FROM pair p GROUP BY 1 HAVING count(*) >= 4 OR bool_and(length(p.id) >= 12 AND p.id !~ '^[0-9]+$')
    ), found AS MATERIALIZED (
        SELECT f.target, f.value COLLATE "C" AS id
        FROM (SELECT array_agg(k.relation) AS relations, array_agg(k.key) AS names, array_agg(k.family) AS families FROM clone_internal.listed_keys($1) k WHERE NOT k.described) t
        CROSS JOIN LATERAL clone_internal.keys_of_tables(t.relations, t.names, t.families, ARRAY(SELECT p.id FROM pair p JOIN seen s ON s.kind = p.kind)) f
    )
    SELECT l.kind, array_agg(l.target ORDER BY l.target::oid)
    FROM (SELECT p.kind, f.target FROM pair p JOIN seen s ON s.kind = p.kind JOIN found f ON f.id = p.id GROUP BY p.kind, f.target, s.ids HAVING count(*) = s.ids) l GROUP BY 1 ORDER BY 1;
END
$$;
COMMENT ON FUNCTION clone_internal.outside_tables_with_ids(text, text[], text[]) IS 'The tables that a store does not describe and that have all ids beside each type of a polymorphic pair as their keys';
