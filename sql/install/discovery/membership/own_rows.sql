-- Rows that belong through other rows of their table: below a row that they name, or in a row that names them.

-- References to the own table, in tables of which a row can name no tenant and no parent. loose: the columns that do can be NULL, else they
-- have no foreign key and can hold any value, such as 0. form: column, array, or json (anywhere in a document).
CREATE FUNCTION clone_internal.own_row_ways(store text) RETURNS TABLE (relation regclass, columns jsonb, others jsonb, form text, loose boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH described AS MATERIALIZED (
        SELECT r.relation, COALESCE(r.project_column, '') AS project_column, r.join_column, r.id_column, o.loose, o.keyed
        FROM clone.store_relation r
        CROSS JOIN LATERAL (
            SELECT COALESCE(bool_and(NOT a.attnotnull), true) AS loose,
                   COALESCE(bool_or(a.attnotnull AND EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = a.attrelid AND a.attnum = ANY (f.conkey))), false) AS keyed
            FROM pg_attribute a WHERE a.attrelid = r.relation AND a.attname IN (r.project_column, r.join_column)) o
        WHERE r.store = $1 AND r.role IN ('resource', 'derived') AND (o.loose OR NOT o.keyed)
          AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indpred IS NULL AND u.indexprs IS NULL)
    )
    SELECT l.relation, clone_internal.column_names(f.conrelid, f.conkey), clone_internal.column_names(f.confrelid, f.confkey), 'column', l.loose
    FROM described l JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = l.relation AND f.confrelid = l.relation AND f.conparentid = 0
    WHERE NOT clone_internal.column_names(f.conrelid, f.conkey) ? l.project_column::text
    UNION
    SELECT l.relation, jsonb_build_array(d."column"), jsonb_build_array(d.target_column), d.form, l.loose
    FROM described l JOIN clone.store_reference d ON d.store = $1 AND d.relation = l.relation AND d.target = l.relation
    WHERE d.form IN ('column', 'array', 'json') AND d.condition IS NULL AND d.type_column IS NULL
    UNION
    -- UUIDs are rewritten without a declaration, in texts too.
    SELECT l.relation, jsonb_build_array(a.attname), jsonb_build_array(l.id_column), CASE f.family WHEN 'uuid[]' THEN 'array' WHEN 'json' THEN 'json' ELSE 'column' END, l.loose
    FROM described l JOIN pg_attribute i ON i.attrelid = l.relation AND i.attname = l.id_column AND i.atttypid = 'uuid'::regtype
    JOIN pg_attribute a ON a.attrelid = l.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname NOT IN (l.id_column, l.project_column, COALESCE(l.join_column, ''))
    CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
    WHERE (f.family IN ('uuid', 'uuid[]', 'json') OR f.family = 'text' AND clone_internal.says_id(a.attname))
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = l.relation AND a.attnum = ANY (k.conkey));
END
$$;
COMMENT ON FUNCTION clone_internal.own_row_ways(text) IS 'Ways in which rows of a store''s tables can belong through other rows of the same table';

-- As SQL over a row: it names no tenant and no parent, and belongs in no declared way but by the columns that are given.
CREATE FUNCTION clone_internal.without_owner(store text, relation regclass, alias text, ignored jsonb) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT string_agg(c.condition, ' AND ' ORDER BY c.condition) FROM (
        SELECT CASE WHEN EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = $2 AND a.attnum = ANY (f.conkey)) OR k.rows IS NULL
               THEN clone_internal.empty_key($1, $2, a.attname, $3)
               ELSE format('(%1$s.%2$I IS NULL OR %4$s NOT IN (%3$s))', $3, a.attname, k.rows, clone_internal.column_text($3, $2, a.attname)) END AS condition
        FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname IN (r.project_column, r.join_column)
        CROSS JOIN LATERAL (
            SELECT string_agg(format('SELECT %s FROM %s AS k WHERE k.%I IS NOT NULL', clone_internal.column_text('k', p.relation, p.id_column), p.relation, p.id_column), ' UNION ALL ' ORDER BY p.relation::oid) AS rows
            FROM clone.store_relation p WHERE p.store = $1 AND p.id_column IS NOT NULL AND CASE WHEN a.attname = r.project_column THEN p.role = 'project' ELSE p.relation = ANY (r.parents) END) k
        WHERE r.store = $1 AND r.relation = $2
        UNION ALL
        -- The row may have the alias p itself.
        SELECT format('NOT EXISTS (SELECT FROM %s AS %s WHERE %s%s)', m.parent, $3 || '_',
            (SELECT string_agg(clone_internal.equality_sql($3, $2, u.own, $3 || '_', m.parent, u.other), ' AND ' ORDER BY u.n) FROM unnest(m.columns, m.parent_columns) WITH ORDINALITY AS u (own, other, n)),
            -- Its names are those of the table's columns.
            CASE WHEN m.condition IS NOT NULL THEN format(E' AND (SELECT %s\n FROM (SELECT %s.*) AS o)', m.condition, $3) ELSE '' END)
        FROM clone.store_membership m
        WHERE m.store = $1 AND m.relation = $2 AND m.columns::text[] <> ARRAY(SELECT jsonb_array_elements_text($4))
          AND NOT EXISTS (SELECT FROM unnest(m.parent_columns) n JOIN pg_attribute a ON a.attrelid = m.parent AND a.attname = n AND clone_internal.family(a.atttypid) LIKE '%[]')
    ) c);
END
$$;
COMMENT ON FUNCTION clone_internal.without_owner(text, regclass, text, jsonb) IS 'The condition that a row belongs to no tenant by its columns, as SQL';

-- Rows that name no tenant and no parent, below other rows of their table or named by them.
CREATE FUNCTION clone_internal.ask_about_own_rows(store text, only_in regclass DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    w record;
    found boolean;
    above boolean;
    use record;
    names text;
    key text;
    unowned text;
    value text;
    rows text;
BEGIN
    FOR w IN
        SELECT o.*, r.project_column, r.join_column, ARRAY(SELECT jsonb_array_elements_text(o.columns)) AS own, ARRAY(SELECT jsonb_array_elements_text(o.others)) AS keys
        FROM clone_internal.own_row_ways($1) o
        JOIN clone.store_relation r ON r.store = $1 AND r.relation = o.relation JOIN pg_class c ON c.oid = o.relation AND c.relkind IN ('r', 'p')
        WHERE o.relation = COALESCE($2, o.relation)
    LOOP
        names := array_to_string(w.own, ', ');
        -- A few rows without an owner may be anywhere.
        rows := clone_internal.spread(w.relation, '*', 100000000);
        -- NOT IN with few values is a hash table.
        unowned := clone_internal.without_owner($1, w.relation, 't', w.columns);
        CONTINUE WHEN unowned IS NULL;
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE %s)', rows, unowned) INTO found;
        CONTINUE WHEN found IS NOT TRUE;
        key := CASE cardinality(w.keys) WHEN 1 THEN clone_internal.column_text('t', w.relation, w.keys[1]::name) ELSE (SELECT format('ROW(%s)::text', string_agg(format('t.%I', n), ', ')) FROM unnest(w.keys) n) END;
        value := CASE WHEN w.form = 'array' THEN format('unnest(k.%I)::text', w.own[1])
            WHEN w.form = 'json' THEN format('(jsonb_path_query(clone_internal.json_of(k.%I::text), ''strict $.**'') #>> ''{}'')', w.own[1])
            WHEN cardinality(w.own) = 1 THEN clone_internal.column_text('k', w.relation, w.own[1]::name)
            ELSE (SELECT format('CASE WHEN ROW(%s) IS NOT NULL THEN ROW(%1$s)::text END', string_agg(format('k.%I', n), ', ')) FROM unnest(w.own) n) END;
        IF w.form = 'column' AND w.loose AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = w.relation AND m.parent = w.relation AND to_jsonb(m.columns) = w.columns) THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE %s AND (%s) IS NOT NULL)', rows, unowned, (SELECT string_agg(format('t.%I', n), ', ') FROM unnest(w.own) n)) INTO found;
            IF found THEN
                PERFORM clone_internal.ask($1, w.relation, w.own[1]::name, '$rows', 'error',
                    format('rows of %s name no tenant and belong only through other rows of the table, which %s names: they are not cloned', w.relation, names),
                    format('SELECT clone.store_belongs(%L, %L, %L, %L, %L);', $1, w.relation, w.own::text, w.relation, w.keys::text),
                    format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, w.relation, w.own[1], '$rows'));
            END IF;
        ELSIF w.form = 'column' AND NOT w.loose THEN
            -- Values in place of NULL, such as 0, below a row of a tenant.
            EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT t.*, %s AS names_row FROM %s AS t) AS t JOIN (SELECT %s AS x FROM %s AS t WHERE (%s) IS NOT TRUE) k ON k.x = t.names_row WHERE %s)',
                replace(value, 'k.', 't.'), rows, key, w.relation, unowned, unowned) INTO found;
            IF found THEN
                PERFORM clone_internal.ask($1, w.relation, w.own[1]::name, '$no_owner', 'error',
                    format('rows of %s hold in %s a value that is no key there, and name rows of tenants by %s: they are not cloned. Set it to the key of their tenant or parent', w.relation,
                        concat_ws(', ', w.project_column, w.join_column), names), NULL,
                    format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, w.relation, w.own[1], '$no_owner'));
            END IF;
        END IF;
        -- A parent that belongs to no tenant is shared by its rows, unless all of them are of one tenant.
        above := w.own[1] ~* '(^|_)(parent|root|template|origin|original|source|base|super|ancestor|copied|copy|prev|previous|predecessor|reply|response|answer|master|duplicate|fork|forked|based|inherit|extends|category)|_of($|_)|parent';
        CONTINUE WHEN above AND w.form = 'json'
            OR EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = w.relation AND m.parent = w.relation AND m.columns::text[] = w.keys AND m.parent_columns::text[] = w.own);
        EXECUTE format('SELECT COALESCE(sum(n.times), 0) AS named, count(*) AS rows, COALESCE(max(n.tenants), 0) AS most, count(DISTINCT n.tenant) AS tenants FROM (
                SELECT t.x, count(*) AS times, count(DISTINCT k.tenant) AS tenants, min(k.tenant) AS tenant FROM (SELECT %s AS x FROM %s AS t WHERE %s%s) AS t
                JOIN (SELECT %s AS x, COALESCE(%s, t.ctid::text) AS tenant FROM %s AS t WHERE (%s) IS NOT TRUE) AS k ON k.x = t.x GROUP BY t.x) n',
            key, rows, unowned,
            -- Those that name a row themselves belong with that.
            CASE WHEN above AND w.form = 'column' THEN (SELECT ' AND ' || string_agg(format('(t.%I IS NULL OR lower(%s) = ANY (clone_internal.in_place_of_null()))', n, clone_internal.column_text('t', w.relation, n::name)), ' AND ' ORDER BY place) FROM unnest(w.own) WITH ORDINALITY AS o (n, place)) ELSE '' END,
            replace(value, 'k.', 't.'), clone_internal.tenant_sql($1, w.relation, 't'), clone_internal.spread(w.relation, '*, ctid', CASE WHEN w.form = 'column' THEN 100000000 ELSE 50000 END), unowned) INTO use;
        -- Rows that several tenants name are shared, and as a rule those that several rows name.
        CONTINUE WHEN use.rows = 0 OR above AND use.most > 1 OR NOT above AND use.named > use.rows AND NOT (use.most = 1 AND use.tenants > 1) AND w.own[1] !~* 'child|sub|part|next|member|item';
        PERFORM clone_internal.ask($1, w.relation, w.own[1]::name, '$owned', CASE WHEN above AND use.tenants = 1 AND use.named > use.rows THEN 'warning' ELSE 'error' END,
            format('%s rows of %s name no tenant and no parent, and %s of rows of tenants names them, as if they were parts of those: they are not cloned', use.rows, w.relation, names)
                || CASE WHEN w.form = 'json' THEN format('. Set %s in them', concat_ws(' or ', w.project_column, w.join_column)) ELSE '' END,
            CASE WHEN w.form <> 'json' THEN format('SELECT clone.store_belongs(%L, %L, %L, %L, %L);', $1, w.relation, w.keys::text, w.relation, w.own::text) END,
            format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, w.relation, w.own[1], '$owned'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_own_rows(text, regclass) IS 'Records questions about rows that belong only through other rows of their table';
