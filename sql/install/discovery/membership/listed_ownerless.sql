-- Rows without an owner that rows of a tenant name in lists and documents: addresses in orders.address_ids.

-- Lists and documents of a store's tables that name rows of its other tables: arrays, lists in texts and paths that are declared, and UUIDs,
-- which are rewritten without a declaration. elements: the keys in a row t, as SQL that returns a set of texts.
CREATE FUNCTION clone_internal.listing_ways(store text) RETURNS TABLE (relation regclass, name name, parent regclass, key name, elements text, condition text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.relation, d."column", d.target, d.target_column,
           CASE WHEN d.form = 'array' THEN format('unnest(t.%I)::text', d."column")
                WHEN d.form = 'path' THEN format('unnest(string_to_array(translate(%s, %L, %L), '' ''))', v.value, d.path, repeat(' ', length(d.path)))
                WHEN d.separators IS NOT NULL AND d.path = '$' THEN format('unnest(string_to_array(translate(%s, %L, %L), '' ''))', v.value, d.separators, repeat(' ', length(d.separators)))
                ELSE format('(jsonb_path_query(clone_internal.json_of(t.%I::text), unnest(%L::jsonpath[]), silent => true) #>> ''{}'')', d."column",
                            ARRAY(SELECT DISTINCT clone_internal.postgres_path(d.path, m) FROM unnest('{false,true}'::boolean[]) m)) END, d.condition
    FROM clone.store_reference d CROSS JOIN LATERAL (SELECT clone_internal.column_text('t', d.relation, d."column") AS value) v
    WHERE d.store = $1 AND d.target <> d.relation AND (d.form IN ('array', 'path') OR d.form = 'json' AND (d.separators IS NULL OR d.path = '$'))
    UNION ALL
    SELECT r.relation, a.attname, p.relation, p.id_column,
           CASE WHEN f.family = 'json' THEN format('(jsonb_path_query(clone_internal.json_of(t.%I::text), ''strict $.**'') #>> ''{}'')', a.attname) ELSE format('unnest(t.%I)::text', a.attname) END, NULL
    FROM clone.store_relation r
    JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
    JOIN clone.store_relation p ON p.store = $1 AND p.relation <> r.relation
    JOIN pg_attribute k ON k.attrelid = p.relation AND k.attname = p.id_column AND k.atttypid = 'uuid'::regtype
    WHERE r.store = $1 AND f.family IN ('uuid[]', 'json') AND NOT EXISTS (SELECT FROM clone.store_no_reference n WHERE n.store = $1 AND n.relation = r.relation AND n."column" = a.attname AND n.path = '')
$$;
COMMENT ON FUNCTION clone_internal.listing_ways(text) IS 'Lists and documents of a store''s tables that name rows of its other tables';

-- Rows that belong to nobody and that lists or documents of tenants name. No row can belong by these: its table must say the tenant.
CREATE FUNCTION clone_internal.ask_about_listed_ownerless(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r record;
    w record;
    sought boolean;
    tenant text;
    filter text;
    uses text;
    names text;
    found record;
BEGIN
    FOR r IN
        SELECT o.*, concat_ws(' or ', quote_ident(d.project_column), quote_ident(d.join_column)) AS owner, d.project_column IS NULL AS below
        FROM clone_internal.tables_with_unowned_rows($1) o JOIN clone.store_relation d ON d.store = $1 AND d.relation = o.relation
        ORDER BY o.relation::oid
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS p WHERE %s)', clone_internal.spread(r.relation, '*', 100000), r.unowned) INTO sought;
        CONTINUE WHEN NOT sought;
        uses := NULL;
        names := NULL;
        FOR w IN
            SELECT n.* FROM clone_internal.listing_ways($1) n
            JOIN clone.store_relation p ON p.store = $1 AND p.relation = n.relation AND p.role <> 'project' JOIN pg_class c ON c.oid = n.relation AND c.relkind IN ('r', 'p')
            WHERE n.parent = r.relation AND n.key = r.id_column ORDER BY n.relation::oid, n.name, n.elements
        LOOP
            tenant := clone_internal.tenant_sql($1, w.relation, 't');
            filter := CASE WHEN w.condition IS NOT NULL THEN format(E' WHERE (SELECT %s\n FROM (SELECT t.*) AS o)', w.condition) ELSE '' END;
            EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT %s AS x FROM %s AS t%s) u JOIN %s AS p ON %s WHERE %s)', w.elements,
                clone_internal.spread(w.relation, '*', 5000), filter,
                r.relation, clone_internal.equals_text('p', r.relation, r.id_column, 'u.x'), r.unowned) INTO sought;
            CONTINUE WHEN NOT sought;
            uses := concat_ws(' UNION ALL ', uses, format('SELECT %s AS x, %s AS tenant FROM %s AS t%s', w.elements, tenant,
                clone_internal.spread(w.relation, CASE WHEN tenant LIKE '%.ctid::text' THEN '*, ctid' ELSE '*' END, 50000),
                filter));
            names := CASE WHEN names IS NULL OR position(format('%s.%I', w.relation, w.name) IN names) = 0 THEN concat_ws(', ', names, format('%s.%I', w.relation, w.name)) ELSE names END;
        END LOOP;
        CONTINUE WHEN uses IS NULL;
        found := clone_internal.named_by_one_tenant(r.relation, r.unowned, uses, clone_internal.equals_text('p', r.relation, r.id_column, 'u.x'));
        CONTINUE WHEN found.rows < 3 OR NOT found.by_one;
        PERFORM clone_internal.ask($1, r.relation, r.id_column, '$unowned', CASE WHEN found.rows >= 8 THEN 'error' ELSE 'warning' END,
            format('%s rows of %s belong to no tenant, and rows of one tenant only name each of them in %s: they are not cloned, and the clone names the source''s. ', found.rows, r.relation, names)
                || CASE WHEN r.below THEN 'Give them a column with the key of their tenant, and describe the table by it' ELSE format('Set %s in them', r.owner) END,
            NULL, format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, r.relation, r.id_column, '$unowned'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_listed_ownerless(text) IS 'Records questions about rows that belong to nobody and that lists or documents of one tenant name';
