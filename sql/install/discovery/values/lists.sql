-- Lists of keys, in arrays, documents and texts: which rows they name, of tables that the store describes or not. Rows of a table that it does
-- not describe belong to the tenant whose rows alone list them.

-- A list of keys: a column, or a path in its documents. separators: those of a list in a text.
CREATE TYPE clone_internal.list_place AS (relation regclass, "column" name, path text, word text, family text, vals text[], separators text);

-- A value in a list, the tenant whose rows name it, and how often they do.
CREATE TYPE clone_internal.listed_value AS (place bigint, value text, tenant text, times bigint);

-- Lists among places. Texts are lists if all are made of words between separators, and one at least has a separator: |3|7|, [3][7], 3 > 7.
CREATE FUNCTION clone_internal.lists_among(places clone_internal.place[]) RETURNS SETOF clone_internal.list_place
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.relation, p."column", p.path, p.word, p.family, p.vals, NULL::text
    FROM unnest($1) p WHERE p.path = '' AND p.family LIKE '%[]' OR p.family IN ('json', 'text') AND p.path ~ '^[$]([.][.][[]''[^'']+''[]])?([[][*][]])+~?$'
      -- Names of members that are lists themselves.
      AND NOT (p.path LIKE '%~' AND EXISTS (SELECT FROM unnest(p.vals) v WHERE v ~ '[0-9][^0-9]') AND NOT EXISTS (SELECT FROM unnest(p.vals) v WHERE v ~ '[[:alpha:]]'))
    UNION ALL
    SELECT p.relation, p."column", p.path, p.word, p.family, l.vals, s.separators
    FROM unnest($1) p
    -- What is no part of a key. Keys that are texts may have dots and colons in them, or between them.
    CROSS JOIN LATERAL (
        SELECT CASE WHEN k.numbers THEN '[^0-9]' ELSE '[],;|/ \n\t[{}<>()#+*&"]' END AS between, CASE WHEN k.numbers THEN '[0-9]' ELSE '[A-Za-z0-9_.:-]' END AS part
        FROM (SELECT bool_and(v !~ '[[:alpha:]_]') AS numbers FROM unnest(p.vals) v) k
        UNION ALL
        SELECT '[^A-Za-z0-9_-]', '[A-Za-z0-9_-]' FROM unnest(p.vals) v HAVING bool_or(v ~ '[[:alpha:]_]') AND bool_and(v !~ '[[:space:]]') AND bool_or(v ~ '[^],;|/ \n\t[{}<>()#+*&"A-Za-z0-9_-]')
    ) f
    -- Texts of nothing but these, with parts of at most 60 characters. What their characters are is seen before they are split: half the time.
    CROSS JOIN LATERAL (
        SELECT string_agg(DISTINCT c, '' ORDER BY c) AS separators FROM regexp_split_to_table(regexp_replace(array_to_string(p.vals, ''), f.part, '', 'g'), '') c
        WHERE c <> '' AND NOT EXISTS (SELECT FROM unnest(p.vals) v WHERE v <> '' AND (
            length(v) >= 2000 OR v !~ f.part OR v !~ format('^(%s|%s)*$', f.between, f.part) OR length(v) > 60 AND v ~ (f.part || '{61}'))) OFFSET 0
    ) s
    CROSS JOIN LATERAL (SELECT array_agg(DISTINCT x) AS vals FROM unnest(p.vals) v CROSS JOIN LATERAL regexp_split_to_table(v, f.between || '+') x WHERE x <> '' AND s.separators IS NOT NULL) l
    WHERE (p.path = '' AND p.family IN ('text', 'text of another type') OR p.path <> '' AND p.family IN ('json', 'text') AND p.path ~ '^[$]([.][.][[]''[^'']+''[]])?([[][*][]])*~?$')
      AND s.separators IS NOT NULL
      -- Prose has separators too.
      AND NOT EXISTS (SELECT FROM unnest(l.vals) x WHERE x ~ '[.:]$')
$$;
COMMENT ON FUNCTION clone_internal.lists_among(clone_internal.place[]) IS 'Lists of keys among places: arrays, arrays in documents, texts with separators';

-- The elements of a list in a row k, as SQL that returns a set of texts.
CREATE FUNCTION clone_internal.elements_sql("column" name, family text, path text, separators text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $4 IS NOT NULL
                -- Much faster than a regular expression.
                THEN format('unnest(string_to_array(translate(%s, %L, %L), '' ''))', v.value, $4, repeat(' ', length($4)))
                WHEN $3 = '' THEN format('unnest(k.%I)::text', $1)
                ELSE v.value END
    FROM (SELECT CASE WHEN $3 = '' AND $2 = 'text of another type' THEN format('format(''%%s'', k.%I)', $1)
                      WHEN $3 = '' THEN format('(k.%I::text COLLATE "C")', $1)
                      ELSE format('(jsonb_path_query(clone_internal.json_of(k.%I::text), %L, silent => true) #>> ''{}'')', $1,
                          COALESCE('strict $.**.' || to_jsonb(substring($3 FROM '[[]''([^'']+)''[]]'))::text, '$')
                              || repeat('[*]', (length($3) - length(replace($3, '[*]', ''))) / 3 - ($3 LIKE '%~')::int) || CASE WHEN $3 LIKE '%~' THEN '.keyvalue().key' ELSE '' END) END AS value) v
$$;
COMMENT ON FUNCTION clone_internal.elements_sql(name, text, text, text) IS 'The elements of a list in a row k, as SQL';

-- Tables whose rows lists may name, and their keys: described ones, and those that the store does not describe and no question is about.
CREATE FUNCTION clone_internal.listed_keys(store text) RETURNS TABLE (relation regclass, key name, family text, word text, described boolean)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.relation, n.name, n.family, n.word, true FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project'
    UNION ALL
    SELECT d.oid::regclass, a.attname, f.family, d.word, false
    FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d JOIN pg_attribute a ON a.attrelid = d.oid AND a.attname = clone_internal.key_of(d.oid::regclass)
    CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
    WHERE f.family IN ('int', 'text', 'uuid')
      AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = d.oid AND u.indisunique AND u.indislive AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum AND u.indpred IS NULL)
      AND NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = $1 AND o.relation = d.oid)
      AND NOT EXISTS (SELECT FROM clone.store_shared o WHERE o.store = $1 AND o.relation = d.oid)
      AND NOT EXISTS (SELECT FROM clone_internal.reaching($1) o WHERE o.relation = d.oid)
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = d.oid)
$$;
COMMENT ON FUNCTION clone_internal.listed_keys(text) IS 'Tables whose rows lists may name, with their keys; described: the store has them';

-- Whether the key of a described table is that of another one, which has a row for each of its rows. References to both are the same.
CREATE FUNCTION clone_internal.has_key_of_another(store text, relation regclass, key name) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = $2 AND a.attname = $3 JOIN clone.store_relation p ON p.store = $1 AND p.relation::oid = f.confrelid
                   WHERE f.contype = 'f' AND f.conrelid = $2 AND f.conkey = ARRAY[a.attnum] AND f.confrelid <> f.conrelid)
        OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = $2 AND d."column" = $3 AND d.form = 'column' AND d.condition IS NULL AND d.target <> d.relation)
$$;
COMMENT ON FUNCTION clone_internal.has_key_of_another(text, regclass, name) IS 'Whether the key of a described table is that of another one';

-- The rows of a table with these keys, and their tenants.
CREATE FUNCTION clone_internal.tenants_of_keys(store text, relation regclass, key name, family text, vals text[]) RETURNS TABLE (value text, tenant text)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT t.%I::text, %s FROM %s AS t WHERE %s', key,
        CASE WHEN EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $2) THEN clone_internal.tenant_sql(store, relation, 't') ELSE 'NULL::text' END, relation,
        format(CASE family WHEN 'int' THEN 't.%I = ANY ($1::int8[])' WHEN 'uuid' THEN 't.%I = ANY ($1::uuid[])' ELSE 't.%I::text = ANY ($1)' END, key))
    USING ARRAY(SELECT v FROM unnest(vals) v WHERE CASE family WHEN 'int' THEN CASE WHEN v ~ '^(0|[1-9][0-9]{0,18})$' THEN v::numeric <= 9223372036854775807 ELSE false END WHEN 'uuid' THEN v ~* ('^' || clone_internal.uuid_pattern('-') || '$') ELSE true END);
END
$$;
COMMENT ON FUNCTION clone_internal.tenants_of_keys(text, regclass, name, text, text[]) IS 'Those of the given values that are keys of a table, and the tenants of the rows';

-- A described table of which all values of a list are keys: the number of the list, and whether its name is that of the table.
CREATE TYPE clone_internal.listed_table AS (list bigint, target regclass, seen bigint, named boolean);

CREATE FUNCTION clone_internal.ask_about_lists_of_keys(store text, lists clone_internal.list_place[], tables clone_internal.listed_table[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    l record;
BEGIN
    FOR l IN
        SELECT p.*, t.seen, b.ordered AS targets, b.told
        FROM (SELECT f.list, max(f.seen) AS seen, array_agg(f.target ORDER BY f.number) AS targets
              FROM unnest($3) WITH ORDINALITY AS f (list, target, seen, named, number)
              WHERE f.named OR NOT EXISTS (SELECT FROM unnest($3) n WHERE n.list = f.list AND n.named) GROUP BY 1) t
        JOIN unnest($2) WITH ORDINALITY AS p (relation, "column", path, word, family, vals, separators, number) ON p.number = t.list
        CROSS JOIN LATERAL clone_internal.by_likelihood(p.relation, p."column", p.path, t.targets) AS b
        ORDER BY t.list
    LOOP
        PERFORM clone_internal.ask($1, l.relation, l."column", l.path, 'error',
            format('%s.%I%s lists keys of %s: all %s values that were looked at are keys of rows of the same tenant', l.relation, l."column", CASE WHEN l.path <> '' THEN ' at ' || l.path ELSE '' END,
                array_to_string(l.targets[:3], ' or '), l.seen),
            CASE WHEN l.told THEN clone_internal.reference_call($1, l.relation, l."column", l.targets[1], l.path, l.separators) END, clone_internal.keep_call($1, l.relation, l."column", l.path), CASE WHEN l.told THEN l.targets[1] END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_lists_of_keys(text, clone_internal.list_place[], clone_internal.listed_table[]) IS 'Records questions about lists of which all values are keys of described tables';

CREATE FUNCTION clone_internal.ask_about_listed_rows(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    lists clone_internal.list_place[];
    listed clone_internal.listed_value[] := '{}';
    listed_values text[];
    sample clone_internal.listed_value[];
    l record;
    t record;
    found clone_internal.listed_table[] := '{}';
    most int;
    strong boolean;
    total bigint;
    place text;
    greatest_key numeric;
    owners clone_internal.key_like[];
BEGIN
    lists := ARRAY(SELECT o FROM clone_internal.lists_among(
        places || ARRAY(
            -- UUIDs are rewritten without a declaration, but only those of rows that are cloned.
            SELECT s FROM (SELECT r.relation, array_agg(a.attname ORDER BY a.attnum) AS names, array_agg('uuid[]'::text) AS families
                           FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p')
                           JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'uuid[]'
                           WHERE r.store = $1 AND NOT clone_internal.answered($1, r.relation, a.attname, '') GROUP BY r.relation) u
            CROSS JOIN LATERAL clone_internal.sampled_places(u.relation, u.names, u.families) AS s)) o);
    -- Whose rows name what: one sample of each list, which is then compared with every table's keys.
    FOR l IN SELECT * FROM unnest(lists) WITH ORDINALITY AS o (relation, "column", path, word, family, vals, separators, number) LOOP
        -- Values that several tenants name have no tenant: they are shared, as roles of the system beside a tenant's own.
        FOREACH most IN ARRAY '{1000,10000}'::int[] LOOP
            EXECUTE format('WITH element AS MATERIALIZED (SELECT %s AS tenant, %s AS x FROM (SELECT * FROM %s AS k WHERE k.%I IS NOT NULL ORDER BY hashint8(row_number() OVER ())) AS k LIMIT %s),
                named AS MATERIALIZED (SELECT e.x, min(e.tenant) AS tenant, max(e.tenant) AS other, count(*) AS times FROM element e
                    WHERE e.tenant IS NOT NULL AND lower(e.x) <> ALL (clone_internal.in_place_of_null()) AND length(e.x) < 80%s GROUP BY 1)
                SELECT ARRAY(SELECT ROW($1, n.x, CASE WHEN n.tenant = n.other THEN n.tenant END, n.times)::clone_internal.listed_value FROM named n ORDER BY row_number() OVER (PARTITION BY n.tenant = n.other ORDER BY n.times DESC, n.x), n.x LIMIT 200)
                WHERE EXISTS (SELECT FROM named n WHERE n.tenant = n.other)',
                clone_internal.tenant_sql($1, l.relation, 'k'), clone_internal.elements_sql(l."column", l.family, l.path, l.separators),
                clone_internal.spread(l.relation, CASE WHEN clone_internal.tenant_sql($1, l.relation, 'k') LIKE '%.ctid::text' THEN '*, ctid' ELSE '*' END, most), l."column", most,
                -- Of the names of members only those that may be keys.
                CASE WHEN l.path LIKE '%~' THEN E' AND (e.x ~ \'^[0-9]{1,18}$\' OR length(e.x) >= 12 AND e.x ~ \'[0-9]\')' ELSE '' END) INTO sample USING l.number;
            EXIT WHEN sample IS NULL;
        END LOOP;
        listed := listed || COALESCE(sample, '{}');
    END LOOP;
    IF listed = '{}' THEN
        RETURN;
    END IF;
    listed_values := ARRAY(SELECT DISTINCT v.value FROM unnest(listed) AS v);
    FOR t IN SELECT * FROM clone_internal.listed_keys($1) ORDER BY described DESC, relation::oid LOOP
        IF NOT t.described AND found <> '{}' THEN
            PERFORM clone_internal.ask_about_lists_of_keys($1, lists, found);
            found := '{}';
        END IF;
        total := NULL;
        greatest_key := NULL;
        -- Most tables have none of the keys: to compare all values with each took 9 of 13 s for 136 tables.
        owners := ARRAY(SELECT DISTINCT ROW(0, o.tenant, o.value)::clone_internal.key_like FROM clone_internal.tenants_of_keys($1, t.relation, t.key, t.family, listed_values) o);
        CONTINUE WHEN owners = '{}';
        FOR l IN
            WITH owner AS MATERIALIZED (
                SELECT o.token AS value, o.value AS tenant FROM unnest(owners) o
            ), used AS (
                SELECT v.place, count(*) AS seen, count(o.value) AS keys, bool_or(v.value ~ '^[0-9]+$') AS numbers, max(v.times) AS times, count(DISTINCT v.tenant) FILTER (WHERE o.tenant = v.tenant OR o.value IS NULL) AS tenants,
                       count(*) FILTER (WHERE o.tenant = v.tenant) AS own, bool_or(v.tenant IS NULL) AS shared,
                       max(CASE WHEN v.value ~ '^[0-9]{1,18}$' THEN v.value::numeric END) AS greatest,
                       -- Rows of the same table that belong to nobody are named, too.
                       count(*) FILTER (WHERE o.tenant IS NOT NULL AND o.tenant IS DISTINCT FROM v.tenant) AS strangers
                FROM unnest(listed) AS v LEFT JOIN owner o ON o.value = v.value GROUP BY 1
            )
            SELECT p.number, p.relation, p."column", p.path, p.separators, u.*, n.named
            FROM used u JOIN unnest(lists) WITH ORDINALITY AS p (relation, "column", path, word, family, vals, separators, number) ON p.number = u.place
            CROSS JOIN LATERAL (SELECT COALESCE(p.word = t.word OR length(t.word) > 2 AND p.word LIKE E'%\\_' || t.word OR length(p.word) > 2 AND t.word LIKE E'%\\_' || p.word, false) AS named) n
            -- Keys of rows that were deleted stay in lists.
            WHERE u.keys > 0 AND 10 * u.keys >= 8 * u.seen
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column" AND q.path IN ('', p.path))
            ORDER BY n.named DESC, u.keys DESC, p.relation::oid, p."column", p.path
        LOOP
            place := format('%s.%I', l.relation, l."column") || CASE WHEN l.path <> '' THEN ' at ' || l.path ELSE '' END;
            strong := l.named OR t.family = 'uuid' OR t.family = 'text' AND NOT l.numbers;
            IF t.described THEN
                IF t.family = 'int' AND l.tenants = 1 AND l.own >= 12 AND greatest_key IS NULL THEN
                    EXECUTE format('SELECT max(k.%I) FROM %s AS k', t.key, t.relation) INTO greatest_key;
                END IF;
                -- UUIDs of described tables are found without a declaration. Small numbers are keys of any table by chance, but not of rows
                -- of the same tenant for several tenants.
                CONTINUE WHEN t.family = 'uuid' OR l.keys < l.seen OR l.strangers > 0 OR NOT (strong AND l.keys > 1 AND l.own > 0 OR l.own >= 3 AND l.tenants > 1
                    -- Where there is one tenant: numbers that reach up to the last key.
                    OR l.tenants = 1 AND l.own >= 12 AND l.greatest >= 0.9 * greatest_key AND greatest_key >= 12);
                found := found || ROW(l.number, t.relation, l.seen, l.named)::clone_internal.listed_table;
                CONTINUE;
            END IF;
            CONTINUE WHEN l.shared;
            IF total IS NULL THEN
                EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT 100000) AS r', t.relation) INTO total;
            END IF;
            -- Numbers under names that say nothing: parts are named once, and few of them are not named at all.
            CONTINUE WHEN NOT strong AND NOT (l.times = 1 AND l.keys >= 3 AND (10 * l.keys >= 8 * total OR l.keys = 200));
            PERFORM clone_internal.ask($1, t.relation, t.key, '',
                CASE WHEN t.family = 'uuid' OR (l.keys >= 8 OR 2 * l.keys >= total) AND (l.tenants > 1 OR l.times = 1) THEN 'error' ELSE 'warning' END,
                format('%s rows of %s are named by lists in %s, none by two tenants, and name no tenant: they are not cloned, and the clone lists the source''s. Give them a column with the key of their tenant, and check again',
                    l.keys, t.relation, place), NULL, format('SELECT clone.store_shared(%L, %L);', $1, t.relation));
            EXIT;
        END LOOP;
    END LOOP;
    PERFORM clone_internal.ask_about_lists_of_keys($1, lists, found);
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_listed_rows(text, clone_internal.place[]) IS 'Records questions about lists of keys, and about rows that only lists of one tenant name';

-- Materialised paths that begin with a root which is no row: 1/1001/1016, root/1001. All other elements are keys of rows of the same tenant.
CREATE FUNCTION clone_internal.ask_about_paths_below_root(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    l record;
    t record;
    own text;
    path record;
    found record;
BEGIN
    FOR l IN
        SELECT o.* FROM clone_internal.lists_among(ARRAY(SELECT p FROM unnest($2) p
            WHERE p.path = '' AND p.family = 'text' AND cardinality(p.vals) >= 3
              AND (SELECT count(DISTINCT substring(v FROM '^[^A-Za-z0-9]*([A-Za-z0-9_]+)')) = 1 FROM unnest(p.vals) v WHERE v <> ''))) o
        -- Numbers of telephones, dates and versions have other separators, or parts that are no keys.
        WHERE replace(o.separators, ' ', '') ~ '^[/.,|>]$' AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column" AND q.path = '')
        ORDER BY o.relation::oid, o."column", o.separators
    LOOP
        own := clone_internal.tenant_sql($1, l.relation, 't');
        CONTINUE WHEN own LIKE '%.ctid::text';
        EXECUTE format('WITH path AS MATERIALIZED (
                SELECT %s AS own, array_remove(string_to_array(translate(%s, %L, %L), '' ''), '''') AS parts FROM %s AS t WHERE t.%I IS NOT NULL)
            SELECT min(p.parts[1]) AS root, count(DISTINCT p.parts[1]) AS roots, max(cardinality(p.parts)) AS depth, bool_or(p.parts[1] = ANY (p.parts[2:])) AS again,
                   (SELECT ARRAY(SELECT DISTINCT ROW(0, x, p.own, 1)::clone_internal.listed_value FROM path p CROSS JOIN LATERAL unnest(p.parts[2:]) AS e (x) WHERE p.own IS NOT NULL LIMIT 2000)) AS listed FROM path p',
            own, clone_internal.column_text('t', l.relation, l."column"), l.separators, repeat(' ', length(l.separators)), clone_internal.spread(l.relation, '*', 50000), l."column") INTO path;
        -- 030/1234 is no path.
        CONTINUE WHEN path.roots IS DISTINCT FROM 1 OR path.again OR path.depth < 3 OR path.root ~ '^0.';
        FOR t IN
            SELECT k.* FROM clone_internal.listed_keys($1) k WHERE k.described AND k.family IN ('int', 'text') ORDER BY k.relation <> l.relation, pg_relation_size(k.relation), k.relation::oid
        LOOP
            WITH owner AS MATERIALIZED (
                SELECT o.value, o.tenant FROM clone_internal.tenants_of_keys($1, t.relation, t.key, t.family, path.root || ARRAY(SELECT DISTINCT v.value FROM unnest(path.listed) AS v)) o
            )
            SELECT count(DISTINCT v.value) AS keys, count(DISTINCT v.tenant) AS tenants, bool_and(EXISTS (SELECT FROM owner o WHERE o.value = v.value AND o.tenant = v.tenant)) AS same,
                   EXISTS (SELECT FROM owner o WHERE o.value = path.root) AS has_root INTO found FROM unnest(path.listed) AS v;
            -- Small numbers are keys by chance, but not many of rows of the same tenant.
            CONTINUE WHEN found.same IS NOT TRUE OR found.has_root OR found.keys < 3 OR found.tenants < 2
                OR t.family = 'int' AND (clone_internal.share_of_numbers(t.relation, t.key) / found.tenants) ^ LEAST(found.keys, 40) >= 0.001;
            PERFORM clone_internal.ask($1, l.relation, l."column", '', 'error',
                format('%s.%I lists keys of %s after %s, with which all its values begin: all %s that were looked at are keys of rows of the same tenant', l.relation, l."column", t.relation,
                    clone_internal.quoted(path.root), found.keys),
                clone_internal.reference_call($1, l.relation, l."column", t.relation, '', l.separators), clone_internal.keep_call($1, l.relation, l."column", ''));
            EXIT;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_paths_below_root(text, clone_internal.place[]) IS 'Records questions about materialised paths that begin with a root which is no row';

-- Text keys with generated keys of other rows in them: channels_<user>_<team>. Numbers in them are asked about with the numbers in other texts.
CREATE FUNCTION clone_internal.ask_about_composed_keys(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    vals text[];
    tokens text[];
    targets regclass[];
    found text[];
    composed bigint;
    separators text;
    tables regclass[];
    keys name[];
    families text[];
BEGIN
    SELECT array_agg(k.relation), array_agg(k.id_column), array_agg(k.family) INTO tables, keys, families FROM clone_internal.searched_keys($1) k WHERE k.family = 'text' AND NOT clone_internal.has_key_of_another($1, k.relation, k.id_column);
    FOR c IN
        SELECT r.relation, r.id_column AS name FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column AND clone_internal.family(a.atttypid) = 'text'
        JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = r.id_column AND s.role = 'map'
        WHERE r.store = $1 AND r.role <> 'project' AND tables IS NOT NULL AND NOT clone_internal.answered($1, r.relation, r.id_column, '$numbers')
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = r.id_column)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = r.id_column AND q.path IN ('', '$numbers'))
        ORDER BY r.relation::oid
    LOOP
        vals := (clone_internal.sampled_texts(c.relation, c.name))[:400];
        tokens := ARRAY(SELECT DISTINCT x FROM unnest(vals) v CROSS JOIN LATERAL (SELECT regexp_split_to_table(v, '[^A-Za-z0-9]+') UNION SELECT regexp_split_to_table(v, '[^A-Za-z0-9_-]+')) t (x) WHERE x <> v AND clone_internal.distinctive(x));
        CONTINUE WHEN cardinality(tokens) < 2;
        SELECT array_agg(DISTINCT f.target), array_agg(DISTINCT f.value) INTO targets, found FROM clone_internal.keys_of_tables(tables, keys, families, tokens) f WHERE f.target <> c.relation;
        SELECT count(DISTINCT v) INTO composed FROM unnest(vals) v JOIN unnest(found) f ON strpos(v, f) > 0;
        CONTINUE WHEN composed < 2;
        separators := (SELECT string_agg(DISTINCT x, '' ORDER BY x) FROM unnest(vals) v CROSS JOIN LATERAL regexp_split_to_table(v, '') x WHERE x ~ '[^A-Za-z0-9]' AND NOT EXISTS (SELECT FROM unnest(found) f WHERE strpos(f, x) > 0));
        CONTINUE WHEN separators IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$numbers', 'error',
            format('%s.%I holds keys of %s within its own keys, such as %s: %s of %s that were looked at. A clone makes other keys, with the same ones in them', c.relation, c.name, array_to_string(targets, ' and of '),
                clone_internal.quoted((SELECT left(v, 80) FROM unnest(vals) v JOIN unnest(found) f ON strpos(v, f) > 0 ORDER BY v LIMIT 1)), composed, cardinality(vals)),
            (SELECT string_agg(clone_internal.reference_call($1, c.relation, c.name, t, '', separators), ' ' ORDER BY t) FROM unnest(targets) t),
            clone_internal.keep_call($1, c.relation, c.name, '$numbers'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_composed_keys(text) IS 'Records questions about text keys that hold generated keys of other rows';
