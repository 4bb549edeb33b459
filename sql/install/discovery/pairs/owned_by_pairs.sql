-- Rows of undescribed tables that a pair of columns names, a type and a key, as their parts: the blocks of a page (collection, item), the
-- components of an entry (component_type, cmp_id). A clone would share them with its source.

CREATE FUNCTION clone_internal.ask_about_owned_by_pairs(store text, sampled clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    t record;
    c record;
    k record;
    tenant text;
    found record;
    other boolean;
    -- The types that name tables which the store does not describe.
    kinds jsonb := (
        SELECT COALESCE(jsonb_object_agg(o.kind, o.target::oid::bigint), '{}')
        FROM clone_internal.tables_of_kinds($1, ARRAY(SELECT DISTINCT v FROM unnest($2) p CROSS JOIN LATERAL unnest(p.vals) v WHERE p.path = '' AND p.family = 'text' AND cardinality(p.vals) <= 40)) o
        WHERE NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = o.target) AND NOT EXISTS (SELECT FROM clone.store_shared s WHERE s.store = $1 AND s.relation = o.target));
BEGIN
    IF kinds = '{}' THEN
        RETURN;
    END IF;
    FOR t IN
        SELECT p.relation, p."column" AS name, array_agg(DISTINCT v) AS kinds FROM unnest($2) p CROSS JOIN LATERAL unnest(p.vals) v
        JOIN pg_class r ON r.oid = p.relation AND r.relkind IN ('r', 'p')
        WHERE p.path = '' AND p.family = 'text' AND cardinality(p.vals) <= 40 AND kinds ? v GROUP BY 1, 2 ORDER BY p.relation::oid, 2
    LOOP
        tenant := clone_internal.tenant_sql($1, t.relation, 't');
        CONTINUE WHEN tenant LIKE '%.ctid::text';
        FOR k IN
            SELECT n.target, n.key, f.family, n.of_kinds FROM (
                SELECT (kinds->>o)::oid::regclass AS target, clone_internal.key_of((kinds->>o)::oid::regclass) AS key, array_agg(o) AS of_kinds FROM unnest(t.kinds) o GROUP BY 1, 2) n
            JOIN pg_attribute a ON a.attrelid = n.target AND a.attname = n.key CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
            WHERE f.family IN ('int', 'text', 'uuid') AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = n.target) ORDER BY n.target::oid
        LOOP
            FOR c IN
                SELECT a.attname AS name, clone_internal.column_text('t', t.relation, a.attname) AS value, clone_internal.column_text('t', t.relation, t.name) AS kind, clone_internal.family(a.atttypid) AS family
                FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
                WHERE r.store = $1 AND r.relation = t.relation AND a.attname NOT IN (t.name, COALESCE(r.id_column, ''), COALESCE(r.project_column, ''), COALESCE(r.join_column, ''))
                  AND clone_internal.family(a.atttypid) IN ('text', k.family)
                  AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
                ORDER BY a.attnum
            LOOP
                EXECUTE format('WITH u AS MATERIALIZED (SELECT %1$s AS x, %2$s AS tenant FROM %3$s AS t WHERE %4$s = ANY ($1) AND %1$s IS NOT NULL)
                    SELECT COALESCE(sum(n.times), 0) AS named, count(*) AS rows, COALESCE(max(n.tenants), 0) AS most, count(DISTINCT n.tenant) AS tenants, COALESCE(bool_and(n.is_key), false) AS keys
                    FROM (SELECT u.x, count(*) AS times, count(DISTINCT u.tenant) AS tenants, min(u.tenant) AS tenant, EXISTS (SELECT FROM %5$s AS k WHERE %6$s) AS is_key FROM u WHERE u.tenant IS NOT NULL AND lower(u.x) <> ALL (clone_internal.in_place_of_null()) GROUP BY u.x) n',
                    c.value, tenant, clone_internal.spread(t.relation, '*', 20000), c.kind, k.target, clone_internal.equals_text('k', k.target, k.key, 'u.x')) INTO found USING k.of_kinds;
                -- Rows that rows of several tenants name are no parts of them.
                CONTINUE WHEN NOT found.keys OR found.most > 1 OR NOT (found.rows >= 8 AND found.named = found.rows
                    OR found.tenants > 1 AND found.rows >= 2 * found.tenants AND found.rows >= 4 AND clone_internal.has_persons(clone_internal.table_word((SELECT o.relname FROM pg_class o WHERE o.oid = k.target))) = 0);
                -- Membership compares keys alone: a row of another type may have the same one.
                EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE %s <> ALL ($1) AND EXISTS (SELECT FROM %s AS k WHERE %s))',
                    clone_internal.spread(t.relation, '*', 20000), c.kind, k.target, clone_internal.equals_text('k', k.target, k.key, c.value)) INTO other USING k.of_kinds;
                other := other OR k.family = 'int' OR k.family <> c.family;
                PERFORM clone_internal.ask($1, k.target, k.key, '', 'error',
                    format('each of %s rows of %s is named by rows of one tenant only, by %s.%I with %s in %I, as if it were a part of that: its rows are not cloned', found.rows, k.target, t.relation, c.name, clone_internal.quoted(k.of_kinds[1]), t.name)
                        || CASE WHEN other THEN '. No call describes rows that such a pair owns. Give them a column with the tenant, filled from the rows that name them, and check again' ELSE '' END,
                    CASE WHEN NOT other THEN format('SELECT clone.store_belongs(%L, %L, %L, %L, %L); SELECT clone.store_table(%1$L, %2$L, ''derived'', id_column => %6$L); SELECT clone.store_reference(%1$L, %4$L, %7$L, %2$L, type_column => %8$L, type_values => %9$L);',
                        $1, k.target, ARRAY[k.key]::text, t.relation, ARRAY[c.name]::text, k.key, c.name, t.name, k.of_kinds::text) END,
                    format('SELECT clone.store_shared(%L, %L);', $1, k.target));
                EXIT;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_owned_by_pairs(text, clone_internal.place[]) IS 'Records questions about undescribed tables whose rows are parts of rows of the store that name them by a type and a key';
