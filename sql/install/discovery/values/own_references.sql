-- References to the own table under names that say nothing: reply_to, quoted, and lists of them: kids.

-- Whether a name says that the column holds keys of its own table.
CREATE FUNCTION clone_internal.says_own_row(name text, list boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.name ~ ('(^|_)(repl(y|ies|ied)|respon(se|ds?)|answer(s|ed)?|quot(e|es|ed)|parent|prev|previous|next|origin|original|link(s|ed)?|thread|root|cop(y|ied)|duplicate|merged|'
                     || 'supersed(es|ed)|replac(es|ed)|fork(s|ed)?|cloned|related|follows?|predecessor|successor|above|below|child|ancestor|head|tail|blocks|blocked)(_|$)|_(to|of|from)$')
        -- As a number, such a name is a count.
        OR $2 AND w.name ~ ('(^|_)(kid|children|descendant|sibling|peer|parents|ancestors|copies|duplicates|forks|successors|predecessors|part|component|subs?|sub[a-z]+|member|friend|'
                            || 'neighbou?r|depend(s|encies|ency|ents?)|requires|prerequisite|path|chain|branch(es)?|tree|dup(e|licate)?)s?(_|$)')
    FROM (SELECT clone_internal.snake($1) AS name) w
$$;
COMMENT ON FUNCTION clone_internal.says_own_row(text, boolean) IS 'Whether a name says that the column, or a list, holds keys of its own table';

CREATE FUNCTION clone_internal.ask_about_own_references(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    missing boolean;
    found record;
    elements text;
    by_bytes text;
BEGIN
    FOR c IN
        SELECT DISTINCT p.relation, p."column" AS name, p.family LIKE '%[]' AS list, p.family LIKE 'text%' AS texts, r.id_column, COALESCE(r.project_column, r.join_column) AS holder, r.project_column IS NULL AND clone_internal.tenant_sql($1, r.relation, 't') NOT LIKE '%.ctid::text' AS through_parents,
               NOT a.attnotnull AND NOT a.atthasdef AS free,
               clone_internal.says_own_row(w.name, p.family LIKE '%[]') AS says
        FROM unnest($2) AS p
        JOIN clone.store_relation r ON r.store = $1 AND r.relation = p.relation AND r.role <> 'project'
        JOIN pg_attribute i ON i.attrelid = r.relation AND i.attname = r.id_column
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = p."column"
        CROSS JOIN LATERAL (SELECT clone_internal.snake(p."column") AS name) w
        WHERE p.path = '' AND p.family IN ('int', 'int[]', 'text', 'text[]') AND NOT (p.says_id AND p.family NOT LIKE '%[]') AND clone_internal.family(i.atttypid) = rtrim(p.family, '[]')
          AND clone_internal.gets_new_values($1, r.relation, r.id_column)
          -- Rows may belong by a polymorphic pair, or because others name them.
          AND (COALESCE(r.project_column, r.join_column) IS NOT NULL OR clone_internal.tenant_sql($1, r.relation, 't') NOT LIKE '%.ctid::text')
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column")
        ORDER BY 1, 2
    LOOP
        -- Columns of texts may have different collations.
        by_bytes := CASE WHEN c.texts THEN ' COLLATE "C"' ELSE '' END;
        -- Each value with the row that has it; a row without one has NULL.
        elements := format('SELECT CASE WHEN lower(e.x::text) <> ALL (clone_internal.in_place_of_null()) THEN e.x END AS x, %s AS holder, t.%I AS own FROM %s AS t %s',
            CASE WHEN c.through_parents THEN clone_internal.tenant_sql($1, c.relation, 't') ELSE format('t.%I', c.holder) END, c.id_column, clone_internal.spread(c.relation, '*', 50000), format(CASE WHEN c.list THEN 'LEFT JOIN LATERAL unnest(t.%I) AS e (x) ON true' ELSE 'CROSS JOIN LATERAL (SELECT t.%I AS x) AS e' END, c.name));
        EXECUTE format('SELECT count(*) > 0 FROM (SELECT * FROM (%s) AS t WHERE t.x IS NOT NULL) AS t WHERE NOT EXISTS (SELECT FROM %s AS k WHERE k.%I = t.x%s AND %s IS NOT DISTINCT FROM t.holder)',
            elements, c.relation, c.id_column, by_bytes, CASE WHEN c.through_parents THEN clone_internal.tenant_sql($1, c.relation, 'k') ELSE format('k.%I', c.holder) END) INTO missing;
        CONTINUE WHEN missing;
        EXECUTE format('SELECT count(t.x) AS rows, count(DISTINCT t.x) AS keys, count(DISTINCT t.holder) FILTER (WHERE t.x IS NOT NULL) AS holders, count(*) > count(t.x) AS roots, COALESCE(bool_and(t.x = t.own%s), false) AS themselves FROM (%s) AS t',
            by_bytes, elements) INTO found;
        -- Small numbers are keys of any table by chance, but not of rows of the same tenant for several tenants.
        -- A tree has a root: a row that names no other.
        -- An order, a size or a state names no row of its own table. One row of each tenant is no chance where few numbers are keys.
        CONTINUE WHEN found.rows = 0 OR NOT c.says AND NOT c.list AND clone_internal.names_quantity(c.name) OR found.themselves OR NOT c.free AND NOT found.roots
            OR NOT c.says AND NOT (found.roots AND (found.keys >= 5 OR found.keys >= 3 AND (c.list OR NOT c.texts AND (clone_internal.share_of_numbers(c.relation, c.id_column) / greatest(found.holders, 1)) ^ LEAST(found.keys, 40) < 0.001)) AND found.holders >= 2) AND NOT (c.texts AND found.keys >= 3);
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error',
            format(CASE WHEN c.list THEN '%s.%I lists keys of its own table: all %s values are keys of rows ' ELSE '%s.%I looks like a key of its own table: all %s values are keys of rows ' END, c.relation, c.name, found.rows)
                || CASE WHEN c.through_parents THEN 'of the same tenant' ELSE format('with the same %I', c.holder) END,
            clone_internal.reference_call($1, c.relation, c.name, c.relation, ''), clone_internal.keep_call($1, c.relation, c.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_own_references(text, clone_internal.place[]) IS 'Records questions about columns whose values are keys of their own table';

-- References to a table with inheritance: its own rows are one key, those of each child and of its parent are others.
CREATE FUNCTION clone_internal.ask_about_relatives(store text, only_in regclass DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    d record;
    relatives regclass[];
    declared regclass[];
    missing boolean;
    others text;
BEGIN
    -- A table that inherits a column holds keys in it as the other one does.
    FOR d IN
        SELECT k.relation, r."column", i.inhparent::regclass AS parent, string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L', $1, k.relation, r."column", r.target, r.target_column)
                   || CASE WHEN r.form = 'json' THEN format(', path => %L', r.path) ELSE '' END || CASE WHEN COALESCE(r.separators, CASE r.form WHEN 'path' THEN r.path END) IS NOT NULL THEN format(', separators => %L', COALESCE(r.separators, r.path)) ELSE '' END
                   || CASE WHEN r.condition IS NOT NULL THEN format(', condition => %L', r.condition) ELSE '' END || ');', ' ' ORDER BY r.id) AS calls
        FROM clone.store_reference r JOIN pg_inherits i ON i.inhparent = r.relation JOIN clone.store_relation k ON k.store = $1 AND k.relation = i.inhrelid JOIN pg_class c ON c.oid = k.relation AND c.relkind = 'r' AND NOT c.relispartition
        JOIN pg_attribute a ON a.attrelid = k.relation AND a.attname = r."column" AND NOT a.attisdropped AND a.attinhcount > 0
        WHERE r.store = $1 AND $2 IS NULL AND NOT clone_internal.answered($1, k.relation, r."column", '')
          AND NOT EXISTS (SELECT FROM clone.store_reference o WHERE o.store = $1 AND o.relation = k.relation AND o."column" = r."column")
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = k.relation AND a.attnum = ANY (f.conkey))
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = k.relation AND q."column" = r."column")
        GROUP BY 1, 2, 3 ORDER BY 1, 2
    LOOP
        PERFORM clone_internal.ask($1, d.relation, d."column", '', 'error', format('%s.%I is inherited from %s, where it is a reference', d.relation, d."column", d.parent), d.calls, clone_internal.keep_call($1, d.relation, d."column", ''));
    END LOOP;
    FOR d IN
        SELECT DISTINCT r.relation, r."column", r.target, r.target_column, r.form FROM clone.store_reference r
        JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p') JOIN pg_class t ON t.oid = r.target AND t.relkind = 'r'
        WHERE r.store = $1 AND r.form IN ('column', 'array') AND r.condition IS NULL AND r.relation = COALESCE($2, r.relation)
          AND EXISTS (SELECT FROM pg_inherits i WHERE r.target::oid IN (i.inhrelid, i.inhparent))
        ORDER BY 1, 2, 3
    LOOP
        SELECT array_agg(f.oid ORDER BY f.oid) INTO relatives FROM unnest(clone_internal.relatives_of(d.target)) AS f (oid)
        JOIN clone.store_relation r ON r.store = $1 AND r.relation = f.oid
        JOIN pg_attribute a ON a.attrelid = f.oid AND a.attname = d.target_column AND NOT a.attisdropped;
        -- In an array, keys of any of the declared tables are found.
        SELECT CASE d.form WHEN 'array' THEN array_agg(DISTINCT r.target) ELSE ARRAY[d.target] END INTO declared FROM clone.store_reference r
        WHERE r.store = $1 AND r.relation = d.relation AND r."column" = d."column" AND r.form = d.form AND r.condition IS NULL;
        SELECT string_agg(format('SELECT k.%I FROM ONLY %s AS k', d.target_column, t), ' UNION ALL ') INTO others FROM unnest(relatives) t WHERE t <> ALL (declared);
        CONTINUE WHEN others IS NULL;
        EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT %1$s AS x FROM ONLY %2$s AS t) s WHERE s.x IN (%3$s) AND s.x NOT IN (%4$s))',
            format(CASE d.form WHEN 'array' THEN 'unnest(t.%I)' ELSE 't.%I' END, d."column"), d.relation, others,
            (SELECT string_agg(format('SELECT k.%1$I FROM ONLY %2$s AS k WHERE k.%1$I IS NOT NULL', d.target_column, t), ' UNION ALL ') FROM unnest(declared) t)) INTO missing;
        CONTINUE WHEN NOT missing;
        IF d.form = 'array' THEN
            PERFORM clone_internal.ask($1, d.relation, d."column", '$relatives', 'error',
                format('%s.%I lists keys of rows of several tables that inherit from each other: %s', d.relation, d."column", array_to_string(relatives, ', ')),
                (SELECT string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L);', $1, d.relation, d."column", t, d.target_column), ' ' ORDER BY t::oid)
                 FROM unnest(relatives) t WHERE t <> ALL (declared)), NULL);
            CONTINUE;
        END IF;
        PERFORM clone_internal.ask($1, d.relation, d."column", '$relatives', 'error',
            format('%s.%I names rows of several tables that inherit from each other: %s', d.relation, d."column", array_to_string(relatives, ', ')),
            format('SELECT clone.store_no_reference(%L, %L, %L); ', $1, d.relation, d."column")
                || (SELECT string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L, condition => %L);', $1, d.relation, d."column", t, d.target_column,
                        format('%I OPERATOR(pg_catalog.=) ANY (SELECT k.%I FROM ONLY %s AS k)', d."column", d.target_column, t)), ' ' ORDER BY t::oid) FROM unnest(relatives) t), NULL);
    END LOOP;
    -- Rows that belong by such a column, without a foreign key.
    FOR d IN
        SELECT r.relation, r.join_column AS "column", t.oid::regclass AS target, p.id_column AS target_column, r.id_column
        FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p') JOIN pg_class t ON t.oid = r.parents[1] AND t.relkind = 'r'
        JOIN clone.store_relation p ON p.store = $1 AND p.relation = t.oid AND p.id_column IS NOT NULL
        WHERE r.store = $1 AND cardinality(r.parents) = 1 AND r.project_column IS NULL AND r.relation = COALESCE($2, r.relation)
          AND EXISTS (SELECT FROM pg_inherits i WHERE t.oid IN (i.inhrelid, i.inhparent))
          AND NOT EXISTS (SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attname = r.join_column)
          AND NOT clone_internal.answered($1, r.relation, r.join_column, '$parents')
        ORDER BY r.relation::oid
    LOOP
        SELECT array_agg(f.oid ORDER BY f.oid) INTO relatives FROM unnest(clone_internal.relatives_of(d.target)) AS f (oid)
        JOIN clone.store_relation r ON r.store = $1 AND r.relation = f.oid JOIN pg_attribute a ON a.attrelid = f.oid AND a.attname = d.target_column AND NOT a.attisdropped;
        SELECT string_agg(format('SELECT %s FROM ONLY %s AS k', clone_internal.column_text('k', t, d.target_column), t), ' UNION ALL ') INTO others FROM unnest(relatives) t WHERE t <> d.target;
        CONTINUE WHEN others IS NULL;
        EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT %s AS x FROM ONLY %s AS t) s WHERE s.x IN (%s))', clone_internal.column_text('t', d.relation, d."column"), d.relation, others) INTO missing;
        CONTINUE WHEN NOT missing;
        PERFORM clone_internal.ask($1, d.relation, d."column", '$parents', 'error',
            format('%s.%I names rows of several tables that inherit from each other: %s', d.relation, d."column", array_to_string(relatives, ', ')),
            (SELECT string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L, condition => %L, belongs => true);', $1, d.relation, d."column", t, d.target_column,
                        format('%I OPERATOR(pg_catalog.=) ANY (SELECT k.%I FROM ONLY %s AS k)', d."column", d.target_column, t)), ' ' ORDER BY t::oid) FROM unnest(relatives) t)
                || format(' SELECT clone.store_table(%L, %L, ''derived''', $1, d.relation) || CASE WHEN d.id_column IS NULL THEN '' ELSE format(', id_column => %L', d.id_column) END || ');',
            format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, d.relation, d."column", '$parents'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_relatives(text, regclass) IS 'Records questions about references to rows of several tables that inherit from each other';
