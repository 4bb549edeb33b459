-- The key of the tenant in rows that belong by other columns: order lines that name the order and, once more, the tenant.

-- A column with the key of the tenant in some rows, and keys of other rows, or none, in others: the owner of a role is a tenant or a client.
-- value and tenant: of a row t, as SQL. Of texts, as numbers are the same by chance.
CREATE FUNCTION clone_internal.ask_about_some_tenants(store text, relation regclass, "column" name, tenants regclass, key name, value text, tenant text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    seen record;
    targets regclass[];
BEGIN
    EXECUTE format('SELECT count(*) FILTER (WHERE s.x = s.tenant) AS own, count(DISTINCT s.tenant) FILTER (WHERE s.x = s.tenant) AS tenants, min(length(s.x)) FILTER (WHERE s.x = s.tenant) AS length, count(*) AS rows,
            (array_agg(DISTINCT s.x) FILTER (WHERE (s.x = s.tenant) IS NOT TRUE))[:200] AS rest
        FROM (SELECT %s AS x, %s AS tenant FROM %s AS t WHERE t.%I IS NOT NULL) s', value, tenant, clone_internal.spread(relation, '*', 20000), "column") INTO seen;
    IF seen.tenants < 2 OR seen.own < 3 OR seen.length < 3 THEN
        RETURN;
    END IF;
    targets := tenants || ARRAY(
        SELECT DISTINCT k.target FROM (SELECT array_agg(l.relation) AS tables, array_agg(l.key) AS keys, array_agg(l.family) AS families FROM clone_internal.listed_keys(store) l WHERE l.described AND l.family = 'text') l
        CROSS JOIN LATERAL clone_internal.keys_of_tables(l.tables, l.keys, l.families, seen.rest) k WHERE k.target <> tenants ORDER BY 1);
    PERFORM clone_internal.ask(store, relation, "column", '', 'error',
        format('%s.%I holds the key of the row''s tenant in %s of %s rows that were looked at%s, and a clone would have that of its source', relation, "column", seen.own, seen.rows,
            CASE WHEN cardinality(targets) > 1 THEN format(', in others keys of %s', array_to_string(targets[2:], ' or ')) ELSE '' END),
        (SELECT string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, condition => %L);', $1, $2, $3, t.target,
                    format('%s OPERATOR(pg_catalog.=) ANY (SELECT %s FROM %s AS k)', clone_internal.column_text(NULL, $2, $3), clone_internal.column_text('k', t.target, r.id_column), t.target)), ' ' ORDER BY t.number)
         FROM unnest(targets) WITH ORDINALITY AS t (target, number) JOIN clone.store_relation r ON r.store = $1 AND r.relation = t.target),
        clone_internal.keep_call(store, relation, "column", ''));
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_some_tenants(text, regclass, name, regclass, name, text, text) IS 'Records the question about a column that holds the key of the tenant in some rows';

CREATE FUNCTION clone_internal.ask_about_tenant_copies(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    project record;
    c record;
    seen record;
    own_rows boolean;
    -- That a value is the tenant of its row; in a row without one, that it is one at all.
    same text;
BEGIN
    SELECT r.relation, r.id_column, clone_internal.table_word(k.relname) AS word, clone_internal.family(a.atttypid) AS family INTO project
    FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p') JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
    WHERE r.store = $1 AND r.role = 'project';
    -- UUIDs of tenants are rewritten wherever they stand.
    IF project.relation IS NULL OR project.family NOT IN ('int', 'text') THEN
        RETURN;
    END IF;
    same := format('CASE WHEN s.tenant IS NULL THEN EXISTS (SELECT FROM %s AS k WHERE %s) ELSE s.x = s.tenant END', project.relation, clone_internal.equals_text('k', project.relation, project.id_column, 's.x'));
    FOR c IN
        SELECT r.relation, r.id_column, a.attname AS name, f.family, a.atttypid, clone_internal.tenant_sql($1, r.relation, 't') AS tenant,
               clone_internal.column_text('t', r.relation, a.attname) AS value,
               clone_internal.named_word(a.attname) IN (project.word, 'tenant')
                   OR EXISTS (SELECT FROM clone.store_relation o WHERE o.store = $1 AND o.role <> 'project' AND o.project_column = a.attname) AS says,
               -- An amount.
               a.atttypid = 'numeric'::regtype AND a.atttypmod >= 4 AND (a.atttypmod - 4) & 2047 > 0 AS has_scale
        FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = a.attname AND s.role IN ('keep', 'rewrite') AND s.reason IS DISTINCT FROM 'set by hand'
        CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
        WHERE r.store = $1 AND r.role <> 'project' AND (f.family IN (project.family, 'text') OR clone_internal.other_key_type(a.atttypid))
          AND a.attname NOT IN (COALESCE(r.id_column, ''), COALESCE(r.project_column, ''), COALESCE(r.join_column, ''), COALESCE(r.type_column, ''))
          -- An order, a size or a state.
          AND clone_internal.snake(a.attname) !~ '(^|_)(line|page|level|rank|order|position|place|sort|step|version|priority|status|state|count|size|width|height|day|month|year|week|hour|row|column|index|seq|sequence|serial|stage|phase|round|part|floor)s?(_|$)'
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = r.relation AND a.attname = ANY (m.columns))
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname AND q.path = '')
          AND NOT clone_internal.answered($1, r.relation, a.attname, '')
        ORDER BY r.relation::oid, a.attnum
    LOOP
        CONTINUE WHEN c.tenant LIKE '%.ctid::text';
        -- A few rows of most columns show that they hold something else.
        EXECUTE format('SELECT COALESCE(bool_and(%s), false) AS same FROM (SELECT %s AS x, %s AS tenant FROM (SELECT * FROM %s AS r WHERE r.%I IS NOT NULL LIMIT 20) AS t) s WHERE lower(s.x) <> ALL (clone_internal.in_place_of_null())',
            same, c.value, c.tenant, clone_internal.spread(c.relation, '*', 2000), c.name) INTO seen;
        IF NOT seen.same AND project.family = 'text' AND c.family = 'text' THEN
            PERFORM clone_internal.ask_about_some_tenants($1, c.relation, c.name, project.relation, project.id_column, c.value, c.tenant);
        END IF;
        CONTINUE WHEN NOT seen.same;
        EXECUTE format('SELECT bool_and(%s) AS same, count(*) AS rows, count(DISTINCT s.tenant) AS tenants, min(length(s.x)) AS length
            FROM (SELECT %s AS x, %s AS tenant FROM %s AS t WHERE t.%I IS NOT NULL) s WHERE lower(s.x) <> ALL (clone_internal.in_place_of_null())', same, c.value, c.tenant, clone_internal.spread(c.relation, '*', 50000), c.name) INTO seen;
        -- Small numbers may be the same by chance, but not in many rows of several tenants.
        CONTINUE WHEN seen.same IS NOT TRUE OR NOT (c.says OR NOT c.has_scale AND seen.tenants >= 3 AND seen.rows >= 2 * seen.tenants OR project.family = 'text' AND seen.tenants >= 2 AND seen.length >= 3);
        -- inherited_from, parent: rows of the own table, of which some have the numbers of their tenants. That is asked about elsewhere.
        IF NOT c.says AND c.family = 'int' AND c.id_column IS NOT NULL AND clone_internal.says_own_row(c.name, false) THEN
            EXECUTE format('SELECT NOT EXISTS (SELECT FROM (SELECT %1$s AS x, %2$s AS tenant FROM %3$s AS t WHERE t.%4$I IS NOT NULL) s WHERE lower(s.x) <> ALL (clone_internal.in_place_of_null())
                    AND NOT EXISTS (SELECT FROM %5$s AS t WHERE %6$s = s.x AND %2$s = s.tenant))',
                c.value, c.tenant, clone_internal.spread(c.relation, '*', 50000), c.name, c.relation, clone_internal.column_text('t', c.relation, c.id_column)) INTO own_rows;
            CONTINUE WHEN own_rows;
        END IF;
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error',
            format('%s.%I looks like the tenant: all %s values that were looked at are the key of the row''s tenant in %s, and a clone would have that of its source', c.relation, c.name, seen.rows, project.relation)
                || CASE WHEN c.family = '' AND c.atttypid <> 'double precision'::regtype THEN format('. Its type is not that of a key: give it the type of %I, and check again', project.id_column) ELSE '' END,
            CASE WHEN c.family <> '' THEN clone_internal.reference_call($1, c.relation, c.name, project.relation, '')
                 WHEN c.atttypid = 'double precision'::regtype AND project.family = 'int' THEN format('SELECT clone.store_column(%L, %L, %L, ''project'');', $1, c.relation, c.name) END,
            clone_internal.keep_call($1, c.relation, c.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_tenant_copies(text) IS 'Records questions about columns that repeat the key of the tenant in rows which belong by other columns';

-- In documents: {"org": 2}, {"company": "acme"}.
CREATE FUNCTION clone_internal.ask_about_tenants_in_documents(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    k record;
    c record;
    seen record;
    same clone_internal.listed_value[];
BEGIN
    FOR k IN
        SELECT n.relation, n.name, n.family, n.is_id, n.word, clone_internal.column_text('k', n.relation, n.name) AS value, clone_internal.column_text('k', n.relation, r.id_column) AS id
        FROM clone_internal.naming_columns($1) n JOIN clone.store_relation r ON r.store = $1 AND r.relation = n.relation
        -- UUIDs of tenants are rewritten wherever they stand.
        WHERE n.role = 'project' AND n.family IN ('int', 'text') ORDER BY n.is_id DESC, n.name
    LOOP
        FOR c IN
            WITH place AS MATERIALIZED (
                SELECT p.*, COALESCE(substring(p.path FROM '''([^'']+)''[]](?:[[][*][]])*$'), p."column"::text) AS called, row_number() OVER () AS number FROM unnest($2) p
                WHERE p.path <> '' AND p.path NOT LIKE '%~' AND p.family IN ('json', 'text') AND cardinality(p.vals) > 1 AND NOT clone_internal.answered($1, p.relation, p."column", p.path)
                  AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column" AND q.path IN ('', p.path) AND q.severity = 'error')
            ), known AS MATERIALIZED (
                SELECT DISTINCT f.value COLLATE "C" AS value FROM clone_internal.keys_among(k.relation, k.name, k.family, ARRAY(SELECT DISTINCT v FROM place p CROSS JOIN LATERAL unnest(p.vals) v WHERE length(v) < 80)) f
            )
            SELECT p.* FROM place p
            WHERE NOT EXISTS (SELECT FROM unnest(p.vals) v LEFT JOIN known o ON o.value = v COLLATE "C" WHERE o.value IS NULL)
              AND (k.family = 'text' OR NOT clone_internal.names_quantity(p.called)) ORDER BY p.relation::oid, p."column", p.path
        LOOP
            same := clone_internal.values_of_tenants($1, c.relation, c."column", c.path, 0, true);
            CONTINUE WHEN same IS NULL OR same = '{}';
            EXECUTE format('SELECT bool_and(k.id IS NOT NULL AND k.id = s.tenant COLLATE "C") AS same, count(DISTINCT s.tenant) AS tenants, min(length(s.value)) AS length FROM unnest($1) s LEFT JOIN (SELECT %s AS value, %s AS id FROM %s AS k) k ON k.value = s.value COLLATE "C"',
                k.value, k.id, k.relation) INTO seen USING same;
            -- Small numbers may be the same by chance, but not in the rows of several tenants.
            CONTINUE WHEN seen.same IS NOT TRUE OR NOT (seen.tenants >= 3 OR seen.tenants = 2 AND (k.family = 'text' AND seen.length >= 3 OR clone_internal.named_word(c.called) IN (k.word, 'tenant', 'org', 'organisation', 'organization', 'account', 'company', 'workspace', 'team')));
            PERFORM clone_internal.ask($1, c.relation, c."column", c.path, 'error',
                format('%s.%I at %s looks like the tenant: all values that were looked at are %I of the row''s tenant in %s, and a clone would have that of its source', c.relation, c."column", c.path, k.name, k.relation) || clone_internal.computed_key(k.relation, k.name),
                CASE WHEN clone_internal.computed_key(k.relation, k.name) <> '' THEN NULL
                     WHEN k.is_id THEN clone_internal.reference_call($1, c.relation, c."column", k.relation, c.path)
                     ELSE format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L, path => %L);', $1, c.relation, c."column", k.relation, k.name, c.path) END,
                clone_internal.keep_call($1, c.relation, c."column", c.path), CASE WHEN clone_internal.computed_key(k.relation, k.name) = '' THEN k.relation END);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_tenants_in_documents(text, clone_internal.place[]) IS 'Records questions about members of documents that repeat a key of the tenant';
