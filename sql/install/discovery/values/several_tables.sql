-- Columns whose values are keys of several tables together: object_id, with ids that persons and companies draw from one sequence.

-- A sample of the column's values with the tenants of their rows, of many rows (whole) or of few. NULL: the columns do not say the tenant.
CREATE FUNCTION clone_internal.values_of_tenants(store text, relation regclass, "column" name, path text, place bigint, whole boolean) RETURNS clone_internal.listed_value[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant text := clone_internal.tenant_sql(store, relation, 't');
    sample clone_internal.listed_value[];
BEGIN
    IF tenant LIKE '%.ctid::text' THEN
        RETURN NULL;
    END IF;
    -- By their hashes: the least values may all be of one kind.
    EXECUTE format('SELECT ARRAY(SELECT ROW($1, s.x, s.tenant, 1)::clone_internal.listed_value FROM (
            SELECT DISTINCT %1$s AS x, %2$s AS tenant FROM (%3$s) AS t%5$s WHERE t.%4$I IS NOT NULL%6$s) s
        WHERE s.tenant IS NOT NULL AND length(s.x) < 80 AND lower(s.x) <> ALL (clone_internal.in_place_of_null()) ORDER BY hashtext(s.x), s.x, s.tenant LIMIT 400)',
        CASE WHEN path = '' THEN clone_internal.column_text('t', relation, "column") ELSE '(v.v #>> ''{}'')' END, tenant,
        CASE WHEN NOT whole THEN format('SELECT * FROM %s AS t WHERE t.%I IS NOT NULL ORDER BY hashint8(row_number() OVER ()) LIMIT 100', clone_internal.spread(relation, '*', 2000), "column")
             ELSE format('SELECT * FROM %s AS t', clone_internal.spread(relation, '*', CASE WHEN path = '' THEN 50000 ELSE 5000 END)) END, "column",
        CASE WHEN path <> '' THEN (SELECT format(' CROSS JOIN LATERAL (%s) AS v', string_agg(format('SELECT jsonb_path_query(%s, %L, silent => true) AS v',
                CASE WHEN a.atttypid = 'jsonb'::regtype THEN format('t.%I', a.attname) ELSE format('clone_internal.json_of(t.%I::text)', a.attname) END, p), ' UNION ALL '))
            FROM pg_attribute a, (SELECT DISTINCT clone_internal.postgres_path(path, m) AS p FROM unnest('{false,true}'::boolean[]) m) p WHERE a.attrelid = relation AND a.attname = "column") ELSE '' END,
        -- A path to the members of an object finds the object too, as if it were the element of an array.
        CASE WHEN path <> '' THEN ' AND jsonb_typeof(v.v) <> ALL (''{object,array}'')' ELSE '' END) INTO sample USING place;
    RETURN sample;
END
$$;
COMMENT ON FUNCTION clone_internal.values_of_tenants(text, regclass, name, text, bigint, boolean) IS 'A sample of the values of a column or of a path in its documents, of many rows or of few, with the tenants of their rows';

-- Whether a table has more rows than another, or as many and was made before. Counts at most 100,000 rows of each.
CREATE FUNCTION clone_internal.has_more_rows(relation regclass, other regclass) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rows bigint;
    others bigint;
BEGIN
    EXECUTE format('SELECT (SELECT count(*) FROM (SELECT FROM %s LIMIT 100000) AS r), (SELECT count(*) FROM (SELECT FROM %s LIMIT 100000) AS r)', relation, other) INTO rows, others;
    RETURN rows > others OR rows = others AND relation::oid < other::oid;
END
$$;
COMMENT ON FUNCTION clone_internal.has_more_rows(regclass, regclass) IS 'Whether a table has more rows than another, or as many and was made before';

-- Whether the numbers among these values reach up to the last tenth of the keys of a table and begin in the first fifth.
CREATE FUNCTION clone_internal.reach_last_key(vals text[], target regclass, key name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    numbers numeric[] := ARRAY(SELECT v::numeric FROM unnest(vals) v WHERE v ~ '^[0-9]{1,18}$');
    first numeric;
    last numeric;
BEGIN
    IF numbers = '{}' THEN
        RETURN true;
    END IF;
    EXECUTE format('SELECT min(s.x::numeric), max(s.x::numeric) FROM (SELECT %s AS x FROM %s AS k) s WHERE s.x ~ %L', clone_internal.column_text('k', target, key), target, '^[0-9]{1,18}$') INTO first, last;
    RETURN (SELECT last - max(n) <= (last - first) / 10 AND min(n) - first <= (last - first) / 5 AND last - first >= 11 FROM unnest(numbers) n);
END
$$;
COMMENT ON FUNCTION clone_internal.reach_last_key(text[], regclass, name) IS 'Whether the numbers among these values span the keys of a table';

CREATE FUNCTION clone_internal.ask_about_several_tables(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    columns clone_internal.list_place[];
    sampled clone_internal.listed_value[];
    likely bigint[];
    -- A row that has the value as its key: place is the number of the table among targets, value the row's tenant.
    hits clone_internal.key_like[];
    targets regclass[];
    names name[];
    families text[];
    -- A bit for each of the targets.
    none varbit;
    -- From here on, columns are keys of their own rows.
    own_keys bigint;
    told boolean;
    one_tenant boolean;
    partner name;
    c record;
BEGIN
    SELECT array_agg(l.relation), array_agg(l.key), array_agg(l.family) INTO targets, names, families
    FROM (SELECT l.* FROM clone_internal.listed_keys($1) l WHERE l.described AND l.family IN ('int', 'text') AND NOT clone_internal.has_key_of_another($1, l.relation, l.key) ORDER BY l.relation::oid) l;
    IF targets IS NULL THEN
        RETURN;
    END IF;
    columns := ARRAY(
        SELECT ROW(o.relation, o.name, '', clone_internal.named_word(o.name), o.family, NULL, NULL)::clone_internal.list_place
        FROM clone_internal.open_columns($1) o
        WHERE o.family IN ('int', 'text') AND o.relkind IN ('r', 'p') AND NOT clone_internal.answered($1, o.relation, o.name, '')
          AND NOT clone_internal.has_sequence(o.relation, (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = o.relation AND a.attname = o.name))
          -- Only a reference to one table may have been asked about.
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o.name AND q.path = ''
                          AND (q.answer IS NULL OR q.answer NOT LIKE 'SELECT clone.store_reference(%' OR q.answer LIKE '%=> %'))
          -- A number per tenant, such as a display_id.
          AND NOT EXISTS (SELECT FROM clone.store_relation r JOIN pg_index u ON u.indrelid = r.relation AND u.indisunique
                          JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = o.name JOIN pg_attribute p ON p.attrelid = r.relation AND p.attname = r.project_column
                          WHERE r.store = $1 AND r.relation = o.relation AND u.indnkeyatts = 2 AND a.attnum = ANY (u.indkey::int2[]) AND p.attnum = ANY (u.indkey::int2[]))
        ORDER BY o.relation::oid, o.name)
        -- Numbers in documents.
        || ARRAY(
            SELECT ROW(p.relation, p."column", p.path, p.word, 'int', NULL, NULL)::clone_internal.list_place
            FROM unnest($2) p
            WHERE p.path <> '' AND p.path NOT LIKE '%~' AND p.family IN ('json', 'text') AND cardinality(p.vals) >= 4 AND NOT EXISTS (SELECT FROM unnest(p.vals) v WHERE v !~ '^[0-9]{1,18}$')
              -- Found by the type in the same object.
              AND NOT (p.kind IS NOT NULL AND (EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = p.relation AND d."column" = p."column" AND d.path LIKE '$..[?@%')
                  OR EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column" AND q.path LIKE '$..[?@.type%')))
              AND NOT clone_internal.names_quantity(COALESCE(substring(p.path FROM '''([^'']+)''[]](?:[[][*][]])*$'), p."column"))
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column" AND q.path IN ('', p.path))
            ORDER BY p.relation::oid, p."column", p.path)
        -- Texts in documents, of which most are keys.
        || ARRAY(
            WITH place AS MATERIALIZED (
                SELECT p.*, row_number() OVER () AS number FROM unnest($2) p
                WHERE p.path <> '' AND p.path NOT LIKE '%~' AND p.family IN ('json', 'text') AND cardinality(p.vals) >= 4 AND 'text' = ANY (families)
                  AND NOT clone_internal.rewritten_everywhere($1, p.path, p.vals)
                  AND NOT EXISTS (SELECT FROM unnest(p.vals) v WHERE v ~ '[[:space:]]' OR length(v) >= 80) AND EXISTS (SELECT FROM unnest(p.vals) v WHERE v !~ '^[0-9]+$')
                  AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column" AND q.path IN ('', p.path))
            ), known AS MATERIALIZED (
                SELECT DISTINCT f.value COLLATE "C" AS value
                FROM (SELECT array_agg(t.relation) AS tables, array_agg(t.key) AS keys, array_agg(t.family) AS families FROM unnest(targets, names, families) AS t (relation, key, family) WHERE t.family = 'text') t
                CROSS JOIN LATERAL clone_internal.keys_of_tables(t.tables, t.keys, t.families, ARRAY(SELECT DISTINCT v FROM place p CROSS JOIN LATERAL unnest(p.vals[:50]) v)) f
            )
            SELECT ROW(p.relation, p."column", p.path, p.word, 'text', NULL, NULL)::clone_internal.list_place
            FROM place p WHERE (SELECT 10 * count(k.value) >= 8 * count(*) FROM unnest(p.vals[:50]) v LEFT JOIN known k ON k.value = v COLLATE "C") ORDER BY p.relation::oid, p."column", p.path);
    own_keys := cardinality(columns) + 1;
    -- Keys that nothing makes, such as those of a copy for analysis: they may be the keys of other tables' rows.
    columns := columns || ARRAY(
        SELECT ROW(r.relation, r.id_column, '', clone_internal.named_word(r.id_column), clone_internal.family(a.atttypid), NULL, NULL)::clone_internal.list_place
        FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column AND clone_internal.family(a.atttypid) IN ('int', 'text') AND a.attidentity = '' AND a.attgenerated = '' AND NOT a.atthasdef
        JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = a.attname AND s.role IN ('key', 'keep', 'map') AND s.reason IS DISTINCT FROM 'set by hand'
        WHERE r.store = $1 AND r.role <> 'project' AND NOT clone_internal.answered($1, r.relation, a.attname, '') AND a.attname NOT IN (COALESCE(r.project_column, ''), COALESCE(r.join_column, ''))
          AND NOT EXISTS (SELECT FROM unnest(columns) o WHERE o.relation = r.relation AND o."column" = a.attname)
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname)
          AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = r.relation AND a.attname = ANY (m.columns))
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          -- A number per tenant.
          AND NOT EXISTS (SELECT FROM pg_index u JOIN pg_attribute p ON p.attrelid = r.relation AND p.attname = r.project_column
                          WHERE u.indrelid = r.relation AND u.indisunique AND u.indnkeyatts = 2 AND a.attnum = ANY (u.indkey::int2[]) AND p.attnum = ANY (u.indkey::int2[]))
        ORDER BY r.relation::oid);
    -- A few rows of most columns show that their values are no keys.
    sampled := ARRAY(
        SELECT s FROM unnest(columns) WITH ORDINALITY AS o (relation, "column", path, word, family, vals, separators, number)
        CROSS JOIN LATERAL (SELECT clone_internal.values_of_tenants($1, o.relation, o."column", o.path, o.number, false) AS sample) v
        CROSS JOIN LATERAL (SELECT CASE WHEN NOT EXISTS (SELECT FROM unnest(v.sample) x WHERE x.value ~ '[[:space:]]') THEN v.sample END AS sample OFFSET 0) w
        CROSS JOIN LATERAL unnest(w.sample) s);
    likely := ARRAY(
        WITH known AS MATERIALIZED (
            SELECT DISTINCT f.value FROM clone_internal.keys_of_tables(targets, names, families, ARRAY(SELECT DISTINCT s.value FROM unnest(sampled) s)) f
        )
        SELECT s.place FROM unnest(sampled) s LEFT JOIN known k ON k.value = s.value GROUP BY 1 HAVING 10 * count(k.value) >= 8 * count(*));
    sampled := ARRAY(
        SELECT s FROM unnest(columns) WITH ORDINALITY AS o (relation, "column", path, word, family, vals, separators, number)
        CROSS JOIN LATERAL (SELECT clone_internal.values_of_tenants($1, o.relation, o."column", o.path, o.number, true) AS sample OFFSET 0) v
        CROSS JOIN LATERAL unnest(v.sample) s
        -- Of few values nothing can be said.
        WHERE o.number = ANY (likely) AND cardinality(v.sample) >= 2);
    IF sampled = '{}' THEN
        RETURN;
    END IF;
    one_tenant := (SELECT count(DISTINCT s.tenant) = 1 FROM unnest(sampled) s);
    hits := ARRAY(SELECT ROW(t.number, k.tenant, k.value)::clone_internal.key_like
        FROM (SELECT f.target, array_agg(f.value) AS vals FROM clone_internal.keys_of_tables(targets, names, families, ARRAY(SELECT DISTINCT s.value FROM unnest(sampled) s)) f GROUP BY 1) f
        JOIN unnest(targets, names, families) WITH ORDINALITY AS t (relation, key, family, number) ON t.relation = f.target
        CROSS JOIN LATERAL clone_internal.tenants_of_keys($1, t.relation, t.key, t.family, f.vals) k);
    none := repeat('0', cardinality(targets))::varbit;
    FOR c IN
        WITH hit AS MATERIALIZED (
            SELECT h.place AS number, h.token COLLATE "C" AS value, h.value COLLATE "C" AS tenant, set_bit(none, h.place - 1, 1) AS bit FROM unnest(hits) AS h
        ), sample AS MATERIALIZED (
            SELECT s.place, s.value COLLATE "C" AS value, s.tenant COLLATE "C" AS tenant FROM unnest(sampled) s
        ), of_any AS MATERIALIZED (
            SELECT h.value, bit_or(h.bit) AS tables FROM hit h GROUP BY 1
        ), of_tenant AS MATERIALIZED (
            SELECT h.value, h.tenant, bit_or(h.bit) AS tables FROM hit h GROUP BY 1, 2
        ), own AS MATERIALIZED (
            -- Small numbers are keys of any table by chance, but not always of rows of the same tenant. As bits: with many tables there are
            -- very many such pairs of a column and a table.
            SELECT o.place, o.tables & ~COALESCE((SELECT set_bit(none, t.number::int - 1, 1) FROM unnest(targets) WITH ORDINALITY AS t (relation, number) WHERE t.relation = l.relation), none) AS tables
            FROM (SELECT s.place, bit_or(a.tables) & ~bit_or(a.tables & ~COALESCE(t.tables, none)) AS tables
                  FROM sample s JOIN of_any a ON a.value = s.value LEFT JOIN of_tenant t ON t.value = s.value AND t.tenant = s.tenant GROUP BY 1) o
            JOIN unnest(columns) WITH ORDINALITY AS l (relation, "column", path, word, family, vals, separators, number) ON l.number = o.place
        ), alone AS MATERIALIZED (
            -- Each value is a key of one table only.
            SELECT s.place FROM sample s JOIN own o ON o.place = s.place JOIN of_any a ON a.value = s.value GROUP BY 1 HAVING max(bit_count(a.tables & o.tables)) = 1
        ), candidate AS MATERIALIZED (
            SELECT o.place, t.number, t.relation AS target FROM own o JOIN alone l ON l.place = o.place
            JOIN unnest(targets) WITH ORDINALITY AS t (relation, number) ON get_bit(o.tables, t.number::int - 1) = 1
        ), owned AS (
            SELECT s.place, s.value, s.tenant, min(c.target::oid) AS target
            FROM candidate c JOIN sample s ON s.place = c.place JOIN hit h ON h.number = c.number AND h.value = s.value GROUP BY 1, 2, 3
        ), place AS (
            SELECT s.place, count(*) AS seen, count(o.target) AS keys, count(DISTINCT o.tenant) AS tenants, array_agg(DISTINCT o.target) FILTER (WHERE o.target IS NOT NULL) AS targets
            FROM sample s LEFT JOIN owned o ON o.place = s.place AND o.value = s.value AND o.tenant = s.tenant GROUP BY 1
        )
        SELECT p.*, l.relation, l."column" AS name, l.path,
               clone_internal.says_id(m.called) OR clone_internal.snake(m.called) ~ '(^|_)(object|obj|subject|entity|target|source|party|actor|item|ref|reference|record|owner|holder|link|linked|related|about|whom|who|what|which|thing|for|of|to|from|by)(_|$)' AS says
        FROM place p JOIN unnest(columns) WITH ORDINALITY AS l (relation, "column", path, word, family, vals, separators, number) ON l.number = p.place
        -- The column, or the member of a document.
        CROSS JOIN LATERAL (SELECT COALESCE(substring(l.path FROM '''([^'']+)''[]](?:[[][*][]])*$'), l."column"::text) AS called) m
        -- Keys of rows that were deleted may stay.
        WHERE cardinality(p.targets) > 1 AND 10 * p.keys >= 9 * p.seen AND p.seen >= 4 AND l.number < own_keys
          -- What names a table outside of the store is a key of that.
          AND NOT EXISTS (SELECT FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d WHERE d.word = l.word AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation::oid = d.oid))
        ORDER BY l.relation::oid, l."column", l.path
    LOOP
        CONTINUE WHEN NOT (c.says OR c.tenants > 1 AND c.keys >= 8);
        PERFORM clone_internal.ask($1, c.relation, c.name, c.path, 'error',
            format('%s.%I%s holds keys of several tables: %s of %s values that were looked at are keys of rows of the same tenant in %s', c.relation, c.name, CASE WHEN c.path <> '' THEN ' at ' || c.path ELSE '' END, c.keys, c.seen,
                (SELECT string_agg(x::regclass::text, ' or ' ORDER BY x) FROM unnest(c.targets) x)),
            (SELECT string_agg(CASE WHEN c.path <> '' THEN clone_internal.reference_call($1, c.relation, c.name, r.relation, c.path) ELSE format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L, condition => %L);', $1, c.relation, c.name, r.relation, r.id_column,
                        CASE WHEN clone_internal.family(a.atttypid) = clone_internal.family(k.atttypid) THEN format('%I OPERATOR(pg_catalog.=) ANY (SELECT k.%I FROM %s AS k)', c.name, r.id_column, r.relation)
                             ELSE format('%s OPERATOR(pg_catalog.=) ANY (SELECT %s FROM %s AS k)', clone_internal.column_text(NULL, c.relation, c.name), clone_internal.column_text('k', r.relation, r.id_column), r.relation) END) END, ' ' ORDER BY r.relation::oid)
             FROM clone.store_relation r JOIN pg_attribute k ON k.attrelid = r.relation AND k.attname = r.id_column JOIN pg_attribute a ON a.attrelid = c.relation AND a.attname = c.name
             WHERE r.store = $1 AND r.relation::oid = ANY (c.targets)),
            clone_internal.keep_call($1, c.relation, c.name, c.path));
    END LOOP;
    -- Keys of one table under names that do not say it: customer_no, cust_ref, bearbeiter, holder.
    FOR c IN
        WITH of_tenant AS MATERIALIZED (
            SELECT h.token COLLATE "C" AS value, h.value COLLATE "C" AS tenant, bit_or(set_bit(none, h.place - 1, 1)) AS tables FROM unnest(hits) AS h WHERE h.value IS NOT NULL GROUP BY 1, 2
        ), of_none AS MATERIALIZED (
            SELECT h.token COLLATE "C" AS value, bit_or(set_bit(none, h.place - 1, 1)) AS tables FROM unnest(hits) AS h WHERE h.value IS NULL GROUP BY 1
        ), of_any AS MATERIALIZED (
            SELECT h.token COLLATE "C" AS value, bit_or(set_bit(none, h.place - 1, 1)) AS tables FROM unnest(hits) AS h GROUP BY 1
        ), strict AS MATERIALIZED (
            -- Tables of which all values are keys of rows of the same tenant, or of rows that all tenants share.
            SELECT s.place, bit_and(COALESCE(t.tables, none) | COALESCE(n.tables, none)) AS tables, count(DISTINCT s.value) FILTER (WHERE t.value IS NOT NULL) AS keys, count(DISTINCT s.tenant) AS tenants,
                   bool_or(t.value IS NULL) AS shared
            FROM unnest(sampled) s LEFT JOIN of_tenant t ON t.value = s.value COLLATE "C" AND t.tenant = s.tenant COLLATE "C" LEFT JOIN of_none n ON n.value = s.value COLLATE "C" GROUP BY 1
        ), uncontradicted AS MATERIALIZED (
            -- Tables that have no value as the key of a row of another tenant only.
            SELECT s.place, count(*) AS seen, bit_or(a.tables) & ~bit_or(a.tables & ~COALESCE(t.tables, none)) AS tables
            FROM unnest(sampled) s JOIN strict p ON p.place = s.place AND p.tables = none AND p.tenants > 1 AND p.place < own_keys
            LEFT JOIN of_any a ON a.value = s.value COLLATE "C" LEFT JOIN of_tenant t ON t.value = s.value COLLATE "C" AND t.tenant = s.tenant COLLATE "C" GROUP BY 1
        ), most AS MATERIALIZED (
            -- Keys of rows that were deleted stay where no foreign key clears them.
            SELECT x.place, bit_or(set_bit(none, x.number::int - 1, 1)) AS tables, min(x.keys) AS keys, min(x.tenants) AS tenants
            FROM (SELECT u.place, t.number, count(DISTINCT s.value) AS keys, count(DISTINCT s.tenant) AS tenants
                  FROM uncontradicted u JOIN unnest(targets) WITH ORDINALITY AS t (relation, number) ON get_bit(u.tables, t.number::int - 1) = 1
                  JOIN unnest(sampled) s ON s.place = u.place JOIN of_tenant o ON o.value = s.value COLLATE "C" AND o.tenant = s.tenant COLLATE "C" AND get_bit(o.tables, t.number::int - 1) = 1
                  WHERE u.tables <> none GROUP BY u.place, u.seen, t.number HAVING 10 * count(*) >= 8 * u.seen AND count(DISTINCT s.value) >= 12 AND count(DISTINCT s.tenant) > 1) x GROUP BY 1
        ), place AS MATERIALIZED (
            SELECT p.place, COALESCE(m.tables, p.tables) AS tables, COALESCE(m.keys, p.keys) AS keys, COALESCE(m.tenants, p.tenants) AS tenants, p.shared AND m.place IS NULL AS shared, m.place IS NOT NULL AS stale
            FROM strict p LEFT JOIN most m ON m.place = p.place
        ), target AS MATERIALIZED (
            SELECT t.relation, t.key, t.family, t.number, w.word, clone_internal.plain(w.word) AS plain, clone_internal.has_persons(w.word) AS person
            FROM unnest(targets, names, families) WITH ORDINALITY AS t (relation, key, family, number) JOIN pg_class k ON k.oid = t.relation CROSS JOIN LATERAL (SELECT clone_internal.table_word(k.relname) AS word) w
        ), outside AS MATERIALIZED (
            -- Tables that are not described, or not yet, by their words behind the application's prefix: recipient_id with app_recipient.
            SELECT substring(d.word FROM '^[^_]+_(.+)$') AS word, min(d.oid) AS oid FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d
            WHERE NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation::oid = d.oid) GROUP BY 1
        ), col AS MATERIALIZED (
            SELECT l.*, c.called, clone_internal.plain(c.called) AS plain, u.oid AS outside
            FROM unnest(columns) WITH ORDINALITY AS l (relation, "column", path, word, family, vals, separators, number)
            -- The column, or the member of a document.
            CROSS JOIN LATERAL (SELECT COALESCE(substring(l.path FROM '''([^'']+)''[]](?:[[][*][]])*$'), l."column"::text) AS called) c
            LEFT JOIN outside u ON u.word = l.word
        ), candidate AS MATERIALIZED (
            SELECT p.place, p.keys, p.tenants, p.shared, p.stale, p.place >= own_keys AS own_key, t.relation AS target, t.key, t.family, l.relation, l."column" AS name, l.path, l.called, m.rank, t.person, l.outside, count(*) OVER (PARTITION BY p.place) AS tables,
                   clone_internal.names_person(l.called) AS says_person
            FROM place p JOIN col l ON l.number = p.place
            JOIN target t ON get_bit(p.tables, t.number::int - 1) = 1 AND (t.relation <> l.relation OR t.family <> l.family OR l.path <> '')
            JOIN pg_class own ON own.oid = l.relation
            CROSS JOIN LATERAL (SELECT CASE WHEN l.called = t.key AND t.key !~* '^(id|uuid|key|code|no|nr|num|number|name|slug)$' THEN 1
                -- Compared first, which is faster.
                WHEN strpos(l.plain, t.plain) > 0 OR left(l.plain, 3) = left(t.plain, 3) OR right(l.plain, 3) = right(t.plain, 3) THEN clone_internal.table_match(l.called, t.word) END AS rank) m
            WHERE p.tables <> none
              -- Of a table with shared rows, some rows at least are of the same tenant.
              AND (NOT p.shared OR 2 * (SELECT count(DISTINCT s.value) FROM unnest(sampled) s JOIN of_tenant o ON o.value = s.value COLLATE "C" AND o.tenant = s.tenant COLLATE "C" AND get_bit(o.tables, t.number::int - 1) = 1 WHERE s.place = p.place) >= p.keys)
              AND (p.place < own_keys OR l.family = 'text' AND t.family = 'text' OR clone_internal.has_sequence(t.relation, (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = t.relation AND a.attname = t.key)))
              AND NOT (clone_internal.names_person(l.called) AND t.person > 0 AND clone_internal.ties_users($1, t.relation))
              -- A row's own number, as customer_no of a customer.
              AND (l.path <> '' OR clone_internal.table_match(l.called, clone_internal.table_word(own.relname)) IS DISTINCT FROM 1)
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = l.relation AND q."column" = l."column" AND q.path IN (l.path, CASE WHEN l.path = '' THEN '$history' ELSE '' END))
              AND NOT EXISTS (SELECT FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d WHERE d.word = l.word AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation::oid = d.oid))
              -- Whether that table is described is to be said first.
              AND (m.rank < 3 OR NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation::oid = l.outside AND q.severity = 'error'))
        )
        SELECT c.relation, c.name, c.path, min(c.place) AS place, min(c.keys) AS keys, bool_or(c.shared) AS shared, bool_or(c.stale) AS stale, bool_and(c.own_key AND c.family = 'text') AS own_text_key, CASE WHEN count(*) FILTER (WHERE c.rank < 3) = 0 THEN min(c.outside)::regclass END AS outside, array_agg(c.target ORDER BY c.rank, CASE WHEN c.says_person THEN c.person END DESC, pg_relation_size(c.target), c.target) AS targets,
               -- Whether the name says which.
               count(*) = 1 OR (array_agg(ROW(COALESCE(c.rank, 9), CASE WHEN c.says_person THEN -c.person END) ORDER BY c.rank, CASE WHEN c.says_person THEN c.person END DESC))[1]
                   IS DISTINCT FROM (array_agg(ROW(COALESCE(c.rank, 9), CASE WHEN c.says_person THEN -c.person END) ORDER BY c.rank, CASE WHEN c.says_person THEN c.person END DESC))[2] AS told
        FROM candidate c
        -- A name that says little needs more evidence: small numbers are keys by chance, but not many of rows of the same tenants.
        GROUP BY c.relation, c.name, c.path, c.called
        HAVING bool_or(c.rank < 3 AND CASE WHEN clone_internal.names_quantity(c.called) THEN c.keys >= CASE c.rank WHEN 1 THEN 3 ELSE 8 END ELSE c.keys >= 3 OR c.tenants > 1 END) OR bool_or(c.rank = 3 OR c.says_person) AND min(c.keys) >= CASE WHEN clone_internal.names_quantity(c.called) THEN 8 ELSE 3 END AND min(c.tenants) > 1
            -- Keys of a table and of that with one row for each of its rows.
            OR min(c.keys) >= 4 AND (min(c.tenants) > 1 OR one_tenant AND min(c.keys) >= 12) AND ((count(*) = 1 OR min(c.keys) >= 8) AND (bool_and(c.family = 'text') OR NOT clone_internal.names_quantity(c.called) OR c.called ~* '[a-z]_?(no|nr|code)$' AND min(c.keys) >= 12) OR clone_internal.says_id(c.called) OR bool_and(c.own_key))
        ORDER BY c.relation::oid, c.name, c.path
    LOOP
        IF one_tenant THEN
            -- Nothing but their range tells numbers from keys: those that reach up to the last key are no quantity.
            c.targets := ARRAY(SELECT t.target FROM unnest(c.targets) WITH ORDINALITY AS t (target, number) JOIN clone.store_relation r ON r.store = $1 AND r.relation = t.target
                WHERE clone_internal.reach_last_key(ARRAY(SELECT s.value FROM unnest(sampled) s WHERE s.place = c.place), t.target, r.id_column) ORDER BY t.number);
            CONTINUE WHEN c.targets = '{}';
        END IF;
        IF c.own_text_key THEN
            -- Of two tables with the same keys, that with more rows has the rows that the other is about.
            c.targets := ARRAY(SELECT t.target FROM unnest(c.targets) WITH ORDINALITY AS t (target, number) WHERE clone_internal.has_more_rows(t.target, c.relation) ORDER BY t.number);
            CONTINUE WHEN c.targets = '{}';
        END IF;
        SELECT l.ordered, c.told OR l.told INTO c.targets, told FROM clone_internal.by_likelihood(c.relation, c.name, c.path, c.targets) l;
        partner := CASE WHEN c.path = '' THEN clone_internal.pair_partner($1, c.relation, c.name, c.targets) END;
        told := told AND partner IS NULL AND c.outside IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, c.path, 'error',
            format('%s.%I%s looks like a key of %s: %s%s values that were looked at are keys of rows of the same tenant', c.relation, c.name, CASE WHEN c.path <> '' THEN ' at ' || c.path ELSE '' END, array_to_string(c.targets[:3], ' or '),
                CASE WHEN NOT c.shared AND NOT c.stale THEN 'all ' ELSE '' END, c.keys)
                || CASE WHEN c.shared THEN ', the others of rows that belong to none' WHEN c.stale THEN ', the others of no row, as if it was deleted' ELSE '' END
                || CASE WHEN c.outside IS NOT NULL THEN format('. But %s has that name, which the store does not describe', c.outside) ELSE '' END
                || CASE WHEN told THEN '' ELSE clone_internal.say_which($1, c.relation, c.name, c.path, partner) END,
            CASE WHEN told THEN clone_internal.reference_call($1, c.relation, c.name, c.targets[1], c.path) END, clone_internal.keep_call($1, c.relation, c.name, c.path), CASE WHEN told THEN c.targets[1] END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_several_tables(text, clone_internal.place[]) IS 'Records questions about columns whose values are keys of several tables together';
