-- The key of the tenant at the same place of each value of a text: 3/41/picture.png, 3-0007.

CREATE FUNCTION clone_internal.ask_about_tenant_segments(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    p record;
    found record;
    tenant text;
    call text;
    project record;
BEGIN
    SELECT r.relation, r.id_column INTO project FROM clone.store_relation r WHERE r.store = $1 AND r.role = 'project';
    FOR p IN
        SELECT o.relation, o."column" AS name FROM unnest($2) o JOIN clone.store_relation r ON r.store = $1 AND r.relation = o.relation AND r.role <> 'project'
        -- A text with separators and without spaces.
        WHERE o.path = '' AND o.family = 'text' AND cardinality(o.vals) > 2 AND NOT EXISTS (SELECT FROM unnest(o.vals[:100]) v WHERE v !~ '^[^[:space:]]*[[:alnum:]][^[:alnum:][:space:]]+[^[:space:]]*$')
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column" AND (q.path = '' OR q.path LIKE '$%'))
          AND NOT clone_internal.answered($1, o.relation, o."column", '')
        ORDER BY o.relation::oid, o."column"
    LOOP
        tenant := clone_internal.tenant_sql($1, p.relation, 't');
        CONTINUE WHEN tenant LIKE '%.ctid::text';
        -- The words between the signs: the first four of them. Regular expressions over long texts take long.
        EXECUTE format($q$
            WITH v AS MATERIALIZED (SELECT left(%s, 400) AS x, (%s) COLLATE "C" AS tenant FROM %s AS t WHERE t.%I IS NOT NULL),
            part AS MATERIALIZED (
                SELECT v.x, v.tenant, k.place, (SELECT m[1] FROM regexp_matches(v.x, '[[:alnum:]]+', 'g') WITH ORDINALITY AS r (m, n) WHERE r.n = k.place) COLLATE "C" AS word,
                       (SELECT string_agg(m[1], '') FROM regexp_matches(v.x, '([^[:alnum:]])(?=[[:alnum:]]|$)', 'g') WITH ORDINALITY AS r (m, n)
                        WHERE r.n IN (k.place + h.at - 1, k.place + h.at) AND r.n > 0) AS signs
                FROM v CROSS JOIN LATERAL (SELECT CASE WHEN v.x ~ '^[^[:alnum:]]' THEN 1 ELSE 0 END AS at) h CROSS JOIN generate_series(1, 4) AS k (place) WHERE v.tenant IS NOT NULL)
            SELECT p.place, count(*) AS rows, string_agg(p.signs, '') AS signs, min(p.x) AS example,
                   -- Another part that counts as a tenant too: 3/03/picture.png.
                   (SELECT count(*) FROM v CROSS JOIN LATERAL regexp_matches(v.x, '[[:alnum:]]+', 'g') WITH ORDINALITY AS r (m, n) WHERE r.n <> p.place AND regexp_replace(r.m[1], '^0+(.)', '\1') IN (SELECT o.tenant FROM v AS o)) > 0 AS others
            FROM part p GROUP BY p.place
            HAVING bool_and(p.word IS NOT DISTINCT FROM p.tenant) AND (count(DISTINCT p.tenant) > 2 OR count(DISTINCT p.tenant) = 2 AND count(*) >= 8) AND count(*) >= 2 * count(DISTINCT p.tenant)
            ORDER BY p.place LIMIT 1$q$,
            clone_internal.column_text('t', p.relation, p.name), tenant, clone_internal.spread(p.relation, '*', 20000), p.name) INTO found;
        CONTINUE WHEN found.signs IS NULL;
        call := clone_internal.reference_call($1, p.relation, p.name, project.relation, '', (SELECT string_agg(DISTINCT c, '') FROM regexp_split_to_table(found.signs, '') c));
        PERFORM clone_internal.ask($1, p.relation, p.name, '', 'error',
            format('%s.%I holds the %I of the row''s tenant in each of %s values that were looked at, such as %s', p.relation, p.name, project.id_column, found.rows, clone_internal.quoted(found.example))
                || CASE WHEN found.others THEN '. Other parts of some values are numbers of tenants by chance, and would change too with ' || call ELSE '' END,
            CASE WHEN NOT found.others THEN call END,
            -- A unique value needs another one, whatever it says.
            CASE WHEN EXISTS (SELECT FROM pg_index u JOIN pg_attribute a ON a.attrelid = u.indrelid AND a.attname = p.name WHERE u.indrelid = p.relation AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum)
                 THEN format('SELECT clone.store_column(%L, %L, %L, %L);', $1, p.relation, p.name, 'suffix') ELSE clone_internal.keep_call($1, p.relation, p.name, '') END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_tenant_segments(text, clone_internal.place[]) IS 'Records questions about texts that hold the key of the row''s tenant at the same place of each value';

-- The same in strings of documents and elements of arrays, by the key of the tenant or another unique text of it: {"resource": "bucket/acme/*"}.
CREATE FUNCTION clone_internal.ask_about_tenant_words(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    k record;
    p record;
    found record;
    vals clone_internal.listed_value[];
BEGIN
    FOR k IN
        SELECT n.relation, n.name, n.is_id, clone_internal.column_text('k', n.relation, n.name) AS value, clone_internal.column_text('k', n.relation, r.id_column) AS id
        FROM clone_internal.naming_columns($1) n JOIN clone.store_relation r ON r.store = $1 AND r.relation = n.relation
        WHERE n.role = 'project' AND n.family = 'text' AND clone_internal.computed_key(n.relation, n.name) = '' ORDER BY n.is_id DESC, n.name
    LOOP
        FOR p IN
            SELECT o.relation, o."column" AS name, o.path, o.family FROM unnest($2) o JOIN clone.store_relation r ON r.store = $1 AND r.relation = o.relation AND r.role <> 'project'
            WHERE (o.path <> '' AND o.path !~ '~$' AND o.family IN ('json', 'text') OR o.path = '' AND o.family = 'text[]') AND cardinality(o.vals) > 1
              AND NOT EXISTS (SELECT FROM unnest(o.vals[:20]) v WHERE v !~ '[[:alpha:]]{2}[^[:alnum:][:space:]]|[^[:alnum:][:space:]][[:alpha:]]{2}' OR v ~ '[^ ] +[^ ]')
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column" AND q.path IN ('', o.path))
              AND NOT clone_internal.answered($1, o.relation, o."column", o.path)
            ORDER BY o.relation::oid, o."column", o.path
        LOOP
            vals := clone_internal.values_of_tenants($1, p.relation, p.name, p.path, 0, true);
            CONTINUE WHEN vals IS NULL OR cardinality(vals) < 2;
            -- What stands beside the tenant's text separates it, unless it is a part of such a text.
            EXECUTE format($q$
                SELECT count(*) AS vals, count(DISTINCT s.tenant) AS tenants, bool_and(s.found) AS all_found, min(s.value) AS example, bool_or(s.length < 3) AS short,
                       (SELECT string_agg(DISTINCT c, '') FROM regexp_split_to_table(string_agg(s.signs, ''), '') c WHERE NOT EXISTS (SELECT FROM %3$s AS k WHERE strpos(%1$s, c) > 0)) AS signs
                FROM (SELECT v.value, v.tenant, length(o.value) AS length, COALESCE(m.match IS NOT NULL, false) AS found, concat(m.match[1], m.match[2]) AS signs
                      FROM unnest($1) v LEFT JOIN (SELECT (%1$s) COLLATE "C" AS value, (%2$s) COLLATE "C" AS id FROM %3$s AS k) o ON o.id = v.tenant COLLATE "C"
                      LEFT JOIN LATERAL (SELECT regexp_match(v.value, '(^|[^[:alnum:]])' || regexp_replace(o.value, '([^[:alnum:]_ -])', E'\\\\\1', 'g') || '([^[:alnum:]]|$)') AS match) m ON true) s$q$,
                k.value, k.id, k.relation) INTO found USING vals;
            CONTINUE WHEN found.all_found IS NOT TRUE OR found.short OR NOT (found.tenants > 2 OR found.tenants = 2 AND found.vals >= 2) OR COALESCE(found.signs, '') = '';
            PERFORM clone_internal.ask($1, p.relation, p.name, p.path, 'error',
                format('%s.%I%s holds %I of the row''s tenant in %s, in each of %s values that were looked at, such as %s', p.relation, p.name, CASE WHEN p.path <> '' THEN ' at ' || p.path ELSE '' END, k.name, k.relation, found.vals, clone_internal.quoted(left(found.example, 60))),
                CASE WHEN k.is_id THEN clone_internal.reference_call($1, p.relation, p.name, k.relation, p.path, found.signs || CASE WHEN p.family = 'text[]' THEN '{},"' ELSE '' END)
                     ELSE replace(clone_internal.reference_call($1, p.relation, p.name, k.relation, p.path, found.signs || CASE WHEN p.family = 'text[]' THEN '{},"' ELSE '' END), ');', format(', target_column => %L);', k.name)) END,
                clone_internal.keep_call($1, p.relation, p.name, p.path));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_tenant_words(text, clone_internal.place[]) IS 'Records questions about texts in documents and arrays that hold a unique text of the row''s tenant';
