-- Tables with former states of rows: client_history, whose id is the key of the client.

-- What a table's name says of another: that it holds former states of its rows.
CREATE FUNCTION clone_internal.names_history(name text, base text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT bool_or(n.name ~ ('^' || b || 's?_?(history|histories|historical|hist|versions?|versioned|aud|audits?|audit_?logs?|audit_?trails?|revs?|revisions?|logs?|archives?|archived|journals?|changes|change_?logs?|snapshots?|'
                              || 'shadow|backup|bak|old|deleted|temporal|states|events|h|v)$')
                OR n.name ~ ('^(history|historical|hist|versions?|aud|audit|revisions?|log|archive|archived|journal|old|deleted|backup|shadow)_?(of_)?' || b || 's?$'))
    FROM (SELECT clone_internal.snake($1) AS name) n
    CROSS JOIN (SELECT DISTINCT regexp_replace(x, '[^a-z0-9_]', '.', 'g') AS b FROM unnest(ARRAY[clone_internal.snake($2), clone_internal.table_word($2), replace(clone_internal.snake($2), '_', '')]) x WHERE x <> '') v
$$;
COMMENT ON FUNCTION clone_internal.names_history(text, text) IS 'Whether a table''s name says that it holds former states of the rows of another';

CREATE FUNCTION clone_internal.ask_about_history(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    found record;
    own text;
    base text;
    call text;
    asked regclass[] := '{}';
    -- Those of which no name says what they hold.
    by_numbers regclass[] := '{}';
    type_column name;
BEGIN
    FOR c IN
        WITH bases AS MATERIALIZED (
            SELECT b.relation, b.role, b.id_column, clone_internal.family(i.atttypid) AS family, t.relname, replace(clone_internal.table_word(t.relname), '_', '') AS word, i.atthasdef OR i.attidentity <> '' AS numbered
            FROM clone.store_relation b JOIN pg_class t ON t.oid = b.relation AND t.relkind IN ('r', 'p') JOIN pg_attribute i ON i.attrelid = b.relation AND i.attname = b.id_column AND i.attinhcount = 0
            WHERE b.store = $1
        ), keys AS MATERIALIZED (
            SELECT h.oid, h.relname, replace(lower(h.relname), '_', '') AS word, a.attname, clone_internal.family(a.atttypid) AS family, a.atthasdef OR a.attidentity <> '' AS numbered,
                   EXISTS (SELECT FROM pg_index u WHERE u.indrelid = h.oid AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum) AS alone,
                   EXISTS (SELECT FROM pg_index u WHERE u.indrelid = h.oid AND u.indisunique AND a.attnum = ANY (u.indkey::int2[])) AS part_of_key
            FROM clone_internal.discoverable(clone_internal.schemas_of($1)) h JOIN pg_attribute a ON a.attrelid = h.oid AND NOT a.attisdropped AND a.attgenerated = '' AND a.attinhcount = 0 AND a.attname IN (SELECT b.id_column FROM bases b)
            WHERE NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = h.oid AND a.attnum = ANY (f.conkey))
              AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = h.oid AND d."column" = a.attname)
              AND NOT EXISTS (SELECT FROM clone.store_shared s WHERE s.store = $1 AND s.relation = h.oid)
              AND NOT EXISTS (SELECT FROM clone.store_no_reference n WHERE n.store = $1 AND n.relation = h.oid AND n."column" = a.attname AND n.path IN ('', '$history'))
        ), pairs AS MATERIALIZED (
            SELECT h.*, b.relation AS base, b.role AS base_role, b.numbered AS base_numbered, b.relname AS base_name,
                   strpos(h.word, b.word) > 0 AND clone_internal.names_history(h.relname, b.relname) AS named
            FROM keys h JOIN bases b ON b.id_column = h.attname AND b.family = h.family AND b.relation <> h.oid AND b.family IN ('int', 'numeric', 'text', 'uuid')
            -- A number of its own.
            WHERE NOT (h.numbered AND h.alone)
              -- Another column, which the rows of the base have not, names them: document_version(id, document_id) has keys of its own.
              AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = h.oid AND o.attnum > 0 AND NOT o.attisdropped AND o.attname <> h.attname
                              AND NOT EXISTS (SELECT FROM pg_attribute x WHERE x.attrelid = b.relation AND x.attname = o.attname AND NOT x.attisdropped)
                              AND (EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = h.oid AND f.confrelid = b.relation::oid AND f.conkey = ARRAY[o.attnum])
                                   OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = h.oid AND d."column" = o.attname AND d.target = b.relation AND d.form = 'column')
                                   OR EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = h.oid AND r.join_column = o.attname AND r.parents = ARRAY[b.relation])))
              AND (strpos(h.word, b.word) > 0 OR NOT h.alone AND NOT h.numbered AND b.numbered)
        )
        SELECT p.oid::regclass AS relation, p.attname AS name, p.base, p.base_role, r.relation IS NOT NULL AS described, r.project_column, r.join_column, r.parents, r.id_column, p.named, p.part_of_key,
               CASE WHEN k.key IS DISTINCT FROM p.attname THEN k.key END AS own_key
        FROM pairs p LEFT JOIN clone.store_relation r ON r.store = $1 AND r.relation = p.oid CROSS JOIN LATERAL (SELECT clone_internal.own_key(p.oid, NULL) AS key) k
        WHERE COALESCE(r.role, '') NOT IN ('project', 'history') AND p.attname NOT IN (COALESCE(r.project_column, ''), COALESCE(r.join_column, ''))
          -- UUIDs are followed everywhere, except where they are a key.
          AND (p.family <> 'uuid' OR r.id_column = p.attname OR r.relation IS NULL)
          -- Or it has nearly all columns of the other, and no number of that name.
          AND (p.named OR NOT p.alone AND NOT p.numbered AND p.base_numbered
               AND (SELECT count(*) >= 3 AND 10 * count(y.attname) >= 8 * count(*) FROM pg_attribute x LEFT JOIN pg_attribute y ON y.attrelid = p.oid AND y.attname = x.attname AND y.atttypid = x.atttypid AND NOT y.attisdropped
                    WHERE x.attrelid = p.base AND x.attnum > 0 AND NOT x.attisdropped))
        ORDER BY p.oid, p.named DESC, p.base_numbered DESC, length(p.base_name) DESC, p.base::oid
    LOOP
        CONTINUE WHEN c.relation = ANY (asked) AND (c.named OR c.relation <> ALL (by_numbers));
        own := CASE WHEN c.described THEN clone_internal.tenant_sql($1, c.relation, 't') END;
        base := clone_internal.tenant_sql($1, c.base, 'k');
        EXECUTE format('SELECT count(*) AS seen, count(k.id) AS keys, count(*) FILTER (WHERE k.tenant <> t.tenant) AS wrong, (array_agg(t.id) FILTER (WHERE k.id IS NULL))[:200] AS rest FROM (SELECT DISTINCT %1$s AS id, %2$s AS tenant FROM %3$s AS t WHERE t.%4$I IS NOT NULL) AS t
            LEFT JOIN LATERAL (SELECT %5$s AS id, %6$s AS tenant FROM %7$s AS k WHERE %8$s) AS k ON true',
            clone_internal.column_text('t', c.relation, c.name), CASE WHEN own NOT LIKE '%.ctid::text' THEN own ELSE 'NULL::text' END, clone_internal.spread(c.relation, '*', 50000), c.name,
            clone_internal.column_text('k', c.base, c.name), CASE WHEN base NOT LIKE '%.ctid::text' THEN base ELSE 'NULL::text' END, c.base,
            clone_internal.equals_text('k', c.base, c.name, 't.id')) INTO found;
        -- Rows of the base that were deleted are in their history.
        CONTINUE WHEN found.wrong > 0 OR found.seen = 0 AND NOT c.named OR found.keys * CASE WHEN c.named THEN 2 ELSE 1.25 END < found.seen;
        -- Rows of several tables, such as the runs of jobs and of steps, are no former states of one of them.
        CONTINUE WHEN NOT c.named AND found.rest IS NOT NULL AND 10 * (
            SELECT count(DISTINCT f.value) FROM (
                SELECT array_agg(n.relation) AS tables, array_agg(n.name) AS names, array_agg(n.family) AS families FROM clone_internal.naming_columns($1) n
                WHERE n.is_id AND n.role <> 'project' AND n.relation NOT IN (c.relation, c.base)) n
            CROSS JOIN LATERAL clone_internal.keys_of_tables(n.tables, n.names, n.families, found.rest) f) >= 8 * cardinality(found.rest);
        IF c.relation = ANY (asked) THEN
            -- Small numbers are keys of both.
            UPDATE clone.store_question q SET answer = NULL, question = q.question || format('. Or they are those of %s. Say which with clone.store_reference(%L, %L, %L, <table>), for each of several with a condition', c.base, $1, c.relation, c.name)
            WHERE q.store = $1 AND q.relation = c.relation AND q."column" = c.name AND q.path = '$history';
            by_numbers := array_remove(by_numbers, c.relation);
            CONTINUE;
        END IF;
        asked := asked || c.relation;
        IF NOT c.named THEN
            -- A column says of which of several tables each row is.
            SELECT a.attname INTO type_column FROM pg_attribute a JOIN pg_type t ON t.oid = clone_internal.base_type(a.atttypid)
            WHERE a.attrelid = c.relation AND a.attnum > 0 AND NOT a.attisdropped AND (clone_internal.family(a.atttypid) = 'text' OR t.typtype = 'e') AND clone_internal.pair_word(a.attname, true) IS NOT NULL
              AND c.described AND (SELECT count(*) > 1 FROM clone_internal.pair_targets($1, c.relation, a.attname, c.name)) ORDER BY a.attnum LIMIT 1;
            IF type_column IS NOT NULL THEN
                PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error', format('%s.%I with %I looks like a reference to a row of one of several tables', c.relation, c.name, type_column),
                    format('SELECT clone.store_polymorphic(%L, %L, %L, type_column => %L);', $1, c.relation, c.name, type_column), clone_internal.keep_call($1, c.relation, c.name, ''));
                CONTINUE;
            END IF;
            by_numbers := by_numbers || c.relation;
        END IF;
        call := format('SELECT clone.store_table(%L, %L, ''derived''', $1, c.relation) || CASE WHEN c.own_key IS NOT NULL THEN format(', id_column => %L', c.own_key) ELSE '' END
            || CASE WHEN NOT c.described AND c.base_role = 'project' THEN format(', project_column => %L', c.name) WHEN c.project_column IS NOT NULL THEN format(', project_column => %L', c.project_column)
                    WHEN c.join_column IS NOT NULL THEN format(', parent => %L, join_column => %L', c.parents[1]::regclass::text, c.join_column) ELSE '' END
            -- The key of a row that was deleted stays as it is, and would be there twice.
            || CASE WHEN c.part_of_key AND c.described THEN format(', live => %L', format('%s OPERATOR(pg_catalog.=) ANY (SELECT %s FROM %s AS k)', clone_internal.column_text(NULL, c.relation, c.name), clone_internal.column_text('k', c.base, c.name), c.base)) ELSE '' END || ');';
        PERFORM clone_internal.ask($1, c.relation, c.name, '$history', CASE WHEN found.seen = 0 THEN 'warning' ELSE 'error' END,
            format('%s holds former states of rows of %s, whose keys are in its %I: %s of %s values that were looked at', c.relation, c.base, c.name, found.keys, found.seen) || CASE WHEN NOT c.described THEN '. Its rows are not cloned' WHEN c.part_of_key THEN '. States of rows that were deleted are left out' ELSE '' END,
            CASE WHEN NOT c.described AND c.base_role = 'project' THEN call
                 WHEN NOT c.described THEN format('SELECT clone.store_reference(%L, %L, %L, %L, belongs => true); ', $1, c.relation, c.name, c.base) || call
                 ELSE CASE WHEN c.part_of_key THEN call || ' ' ELSE '' END || clone_internal.reference_call($1, c.relation, c.name, c.base, '') END,
            CASE WHEN c.described THEN format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.name, '$history') ELSE format('SELECT clone.store_shared(%L, %L);', $1, c.relation) END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_history(text) IS 'Records questions about tables with former states of rows, whose key they hold in a column of the same name';
