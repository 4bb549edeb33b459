-- Questions that follow from values only, in tables that the store describes.

-- Those of the sampled columns and paths of a store's tables that could hold references and are not asked about yet.
CREATE FUNCTION clone_internal.open_places(store text, sampled clone_internal.place[]) RETURNS SETOF clone_internal.place
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH open AS MATERIALIZED (
        SELECT o.relation, o.name FROM clone_internal.open_columns($1) o WHERE o.family IN ('int', 'text', 'text of another type', 'int[]', 'text[]', 'json') AND o.relkind IN ('r', 'p')
    ), place AS MATERIALIZED (
        -- Joined before the conditions below: the planner would evaluate them for each pair.
        SELECT p.* FROM unnest($2) AS p WHERE (p.relation, p."column") IN (SELECT o.relation, o.name FROM open o)
    )
    SELECT p.* FROM place p
    WHERE NOT clone_internal.answered($1, p.relation, p."column", p.path)
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column" AND q.path IN ('', p.path))
$$;
COMMENT ON FUNCTION clone_internal.open_places(text, clone_internal.place[]) IS 'Those of the sampled columns and paths of a store''s tables that have no declaration and no question';

-- Those whose texts are asked about as texts with keys between other signs: further parts of them can name rows of other tables.
CREATE FUNCTION clone_internal.places_with_parts(store text, sampled clone_internal.place[]) RETURNS SETOF clone_internal.place
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.* FROM unnest($2) AS p
    WHERE EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column" AND q.path = p.path AND strpos(q.answer, ', separators => ') > 0)
$$;
COMMENT ON FUNCTION clone_internal.places_with_parts(text, clone_internal.place[]) IS 'Those of the sampled columns and paths that are asked about because parts of their texts are keys';

-- Values of a unique column that gets new values in a clone, such as a slug or an article number, in other columns.
CREATE FUNCTION clone_internal.ask_about_unique_values(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    vals text[];
    elements clone_internal.key_like[];
    -- Parts of longer texts that may be generated values: #{dL3kQw81xYz} * 2.
    parts clone_internal.key_like[];
    found text[];
    k record;
    p record;
    suffix text;
    asked clone.store_question;
BEGIN
    FOR k IN
        SELECT r.relation, a.attname AS name, clone_internal.family(a.atttypid) AS family, clone_internal.table_word(t.relname) AS word, clone_internal.named_word(a.attname) AS own, c.role, a.attgenerated <> '' AS computed, a.attname IS NOT DISTINCT FROM r.id_column AS is_id
        FROM clone.store_relation r JOIN pg_class t ON t.oid = r.relation AND t.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
        JOIN clone.store_column c ON c.store = $1 AND c.relation = r.relation AND c.name = a.attname
        CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d.target = r.relation AND d."column" = a.attname AND d.target_column = a.attname) AS shared,
                                   -- PLM-3 of PLM.
                                   c.role = 'rewrite' AND a.attname IS DISTINCT FROM r.id_column AND EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname AND d.form = 'path') AS made_of_keys,
                                   -- What a key or a declaration names gets new values.
                                   c.role IN ('keep', 'rewrite', 'map') AND c.reason IS DISTINCT FROM 'set by hand' AND a.attname IS DISTINCT FROM r.id_column
                                       AND (EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = r.relation AND f.confkey = ARRAY[a.attnum])
                                            OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.target = r.relation AND d.target_column = a.attname AND d.relation <> r.relation)) AS named_by_key) s
        WHERE r.store = $1 AND clone_internal.family(a.atttypid) IN ('text', 'int')
          AND CASE WHEN s.shared OR s.made_of_keys OR s.named_by_key THEN true WHEN a.attname IS DISTINCT FROM r.id_column THEN c.role IN ('random', 'suffix', 'template', 'expression', 'name', 'default')
                   -- A key that people chose: a domain, a code.
                   ELSE c.role = 'map' AND r.role <> 'project' AND clone_internal.family(a.atttypid) = 'text'
                       AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey)) END
          -- Also lower(email), and a part of the rows; numbers of a sequence are new without an index, too.
          AND (EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indislive AND u.indnkeyatts = 1
                       AND (u.indkey[0] = a.attnum AND (u.indpred IS NULL OR a.attname IS DISTINCT FROM r.id_column)
                            OR a.attname IS DISTINCT FROM r.id_column AND u.indkey[0] = 0 AND EXISTS (
                               SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = u.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = r.relation AND d.refobjsubid = a.attnum)))
               -- Identifiers that several rows share.
               OR s.shared
               -- Unique with the partition key.
               OR a.attname IS DISTINCT FROM r.id_column AND c.role IN ('random', 'suffix', 'template') AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indislive AND a.attnum = ANY (u.indkey::int2[]))
               OR c.role = 'default' AND (a.attidentity <> '' OR EXISTS (SELECT FROM pg_attrdef e WHERE e.adrelid = r.relation AND e.adnum = a.attnum AND pg_get_expr(e.adbin, e.adrelid) LIKE '%nextval(%')))
    LOOP
        IF vals IS NULL THEN
            SELECT COALESCE(array_agg(ROW(o.number, v, e)::clone_internal.key_like), '{}') INTO elements
            FROM unnest($2) WITH ORDINALITY AS o (relation, "column", path, word, says_id, kind, family, total, vals, separators, number)
            CROSS JOIN LATERAL (
                -- Prose has commas and spaces too: words with spaces between them are a list only if none ends a sentence.
                SELECT CASE WHEN bool_or(x ~ '[,;|/\n\t]') AND NOT bool_or(x ~ '[^,;|/\n\t ] +[^,;|/\n\t ]') THEN ' *[,;|/\n\t] *'
                            WHEN bool_or(x ~ '[^ ] +[^ ]') AND NOT bool_or(x ~ '[.!?:]( |$)|[^,;|/ \n\t]{61}') THEN '[,;|/ \n\t]+' END AS between
                FROM unnest(o.vals[:100]) x WHERE length(x) < 2000) b
            CROSS JOIN LATERAL unnest(o.vals[:100]) v CROSS JOIN LATERAL regexp_split_to_table(v, b.between) e
            WHERE o.path = '' AND o.family = 'text' AND length(v) < 2000 AND e <> '';
            SELECT COALESCE(array_agg(DISTINCT ROW(o.number, v, e)::clone_internal.key_like), '{}') INTO parts
            FROM unnest($2) WITH ORDINALITY AS o (relation, "column", path, word, says_id, kind, family, total, vals, separators, number)
            CROSS JOIN LATERAL unnest(o.vals[:100]) v CROSS JOIN LATERAL (
                SELECT x FROM regexp_split_to_table(v, '[^A-Za-z0-9]+') x WHERE length(x) >= 8 AND x ~ '[0-9]' AND x ~ '[A-Za-z]'
                -- PLM-3, INV-2026-0007, +4930123456.
                UNION SELECT m[1] FROM regexp_matches(v, '(?:^|[^A-Za-z0-9])([A-Za-z][A-Za-z0-9]*(?:[-/][A-Za-z0-9]+)*-[0-9]+|[+][0-9]{7,15})(?![A-Za-z0-9-])', 'g') m
                -- @ada, /u/ada/activity.
                UNION SELECT m[1] FROM regexp_matches(v, '(?:^|[^A-Za-z0-9@])@([A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9])', 'g') m
                UNION SELECT m[1] FROM regexp_matches(v, '/([A-Za-z][A-Za-z0-9_.-]{2,})(?=[/?#]|$)', 'g') m WHERE v ~ '^(https?:/)?/[^[:space:]]*$') t (e)
            WHERE o.family IN ('text', 'text[]', 'json') AND o.path NOT LIKE '%~' AND length(v) < 2000 AND e <> v;
            vals := ARRAY(SELECT DISTINCT v FROM unnest($2) o CROSS JOIN LATERAL unnest(o.vals[:100]) v WHERE length(v) < 200
                UNION SELECT e.token FROM unnest(elements) AS e UNION SELECT e.token FROM unnest(parts) AS e);
        END IF;
        found := ARRAY(SELECT DISTINCT f.value FROM clone_internal.keys_among(k.relation, k.name, k.family, vals) f);
        CONTINUE WHEN found = '{}';
        FOR p IN
            WITH listed AS MATERIALIZED (
                SELECT v.place, count(*) AS keys FROM (SELECT e.place, e.value FROM unnest(elements) AS e GROUP BY 1, 2 HAVING bool_and(e.token = ANY (found))) v GROUP BY 1
            ), place AS MATERIALIZED (
                SELECT o.*, cardinality(o.vals[:100]) AS seen, l.keys AS in_lists
                FROM unnest($2) WITH ORDINALITY AS o (relation, "column", path, word, says_id, kind, family, total, vals, separators, number) LEFT JOIN listed l ON l.place = o.number
                WHERE (o.family <> 'int[]' OR k.family = 'int') AND (o.vals[1] = ANY (found) OR l.place IS NOT NULL)
            )
            SELECT o.*, COALESCE(o.in_lists, h.keys) AS keys,
                   CASE WHEN o.in_lists IS NOT NULL THEN (SELECT string_agg(DISTINCT c, '') FROM unnest(o.vals[:100]) x CROSS JOIN LATERAL regexp_split_to_table(x, '') c WHERE c ~ '[,;|/\n\t ]') END AS between
            FROM place o CROSS JOIN LATERAL (SELECT count(*) AS keys FROM unnest(o.vals[:100]) v WHERE v = ANY (found)) h
            WHERE (o.relation, o."column") <> (k.relation, k.name) AND COALESCE(o.in_lists, h.keys) = o.seen
              -- Numbers of its own sequence are equal by chance.
              AND NOT (o.path = '' AND o.family = 'int' AND COALESCE((SELECT clone_internal.has_sequence(o.relation, a.attnum) FROM pg_attribute a WHERE a.attrelid = o.relation AND a.attname = o."column"), false))
              AND NOT (k.is_id AND k.family = 'text' AND clone_internal.rewritten_everywhere($1, o.path, o.vals))
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column" AND q.path IN ('', o.path))
              AND (o.word IN (k.own, k.word, k.word || '_' || k.own) OR k.family = 'text' AND COALESCE(o.in_lists, h.keys) > 1 AND length(o.vals[1]) >= 3
                   -- Small numbers are others by chance.
                   OR k.family = 'int' AND h.keys >= 8 AND (SELECT bool_and(v ~ '^[1-9][0-9]{3,}$') FROM unnest(o.vals[:100]) v))
        LOOP
            PERFORM clone_internal.ask($1, p.relation, p."column", p.path, 'error',
                format('%s.%I%s holds values of %I of %s, which are other values in a clone: %s of %s that were looked at', p.relation, p."column",
                    CASE WHEN p.path <> '' THEN ' at ' || p.path ELSE '' END, k.name, k.relation, p.keys, cardinality(p.vals[:100]))
                    || CASE WHEN k.computed THEN clone_internal.computed_key(k.relation, k.name) ELSE '' END,
                -- No reference to a value that is known only when the row is written.
                CASE WHEN k.computed THEN (SELECT format('SELECT clone.store_column(%L, %L, %L, ''null'');', $1, p.relation, p."column") FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attname = p."column" AND p.path = '' AND NOT a.attnotnull)
                ELSE format('SELECT clone.store_reference(%L, %L, %L, %L', $1, p.relation, p."column", k.relation) || CASE WHEN k.is_id THEN '' ELSE format(', target_column => %L', k.name) END
                    || CASE WHEN p.path <> '' THEN format(', path => %L', p.path) ELSE '' END || CASE WHEN p.between IS NOT NULL THEN format(', separators => %L', p.between) ELSE '' END || ');' END,
                clone_internal.keep_call($1, p.relation, p."column", p.path));
        END LOOP;
        -- Generated keys have questions of their own.
        CONTINUE WHEN k.family <> 'text' OR k.computed OR k.is_id;
        FOR p IN
            SELECT o.relation, o."column", o.path, o.family, h.keys, cardinality(o.vals[:100]) AS seen,
                   -- What stands in a value does not separate it from others.
                   (SELECT string_agg(DISTINCT c, '' ORDER BY c) FROM unnest(o.vals[:100]) x CROSS JOIN LATERAL regexp_split_to_table(x, '') c WHERE c ~ '[^A-Za-z0-9]' AND strpos(h.tokens, c) = 0) AS between
            FROM (SELECT e.place, count(DISTINCT e.value) AS keys, string_agg(e.token, '') AS tokens FROM unnest(parts) AS e WHERE e.token = ANY (found) GROUP BY 1
                  -- A word may be a name by chance.
                  HAVING count(DISTINCT e.token) > CASE WHEN bool_and(e.token ~ '[0-9]') THEN 1 ELSE 2 END) h
            JOIN unnest($2) WITH ORDINALITY AS o (relation, "column", path, word, says_id, kind, family, total, vals, separators, number) ON o.number = h.place
            WHERE (o.relation, o."column") <> (k.relation, k.name)
              -- A text can name rows of several tables, each by a part of its own.
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column" AND q.path IN ('', o.path)
                              AND (q.path <> o.path OR q.severity <> 'error' OR strpos(COALESCE(q.answer, ''), ', separators => ') = 0))
        LOOP
            CONTINUE WHEN p.between IS NULL;
            SELECT q.* INTO asked FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column" AND q.path = p.path;
            CONTINUE WHEN strpos(asked.answer, format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L', $1, p.relation, p."column", k.relation, k.name)) > 0;
            -- A suffix with a separator in it would be a part of its own.
            suffix := CASE WHEN k.role = 'suffix' AND strpos(p.between, '-') > 0 THEN format('SELECT clone.store_column(%L, %L, %L, ''template'', value => ''{value}c{n}''); ', $1, k.relation, k.name) ELSE '' END;
            PERFORM clone_internal.ask($1, p.relation, p."column", p.path, 'error',
                CASE WHEN asked.question IS NOT NULL THEN asked.question || format(', and values of %I of %s: %s of %s', k.name, k.relation, p.keys, p.seen)
                     ELSE format('%s.%I%s holds values of %I of %s within longer texts, which are other values in a clone: %s of %s that were looked at', p.relation, p."column",
                    CASE WHEN p.path <> '' THEN ' at ' || p.path ELSE '' END, k.name, k.relation, p.keys, p.seen) END,
                concat(asked.answer || ' ', suffix) || format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L', $1, p.relation, p."column", k.relation, k.name)
                    || CASE WHEN p.path <> '' THEN format(', path => %L', p.path) ELSE '' END || format(', separators => %L);', p.between || CASE WHEN p.family = 'text[]' THEN '{},"' ELSE '' END),
                clone_internal.keep_call($1, p.relation, p."column", p.path));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_unique_values(text, clone_internal.place[]) IS 'Records questions about columns that hold values of a unique column which a clone changes';

-- The JSONPath of a member within members: $['after']['id'].
CREATE FUNCTION clone_internal.path_of_members(members text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '$' || string_agg(format('[''%s'']', m), '' ORDER BY n) FROM unnest(members) WITH ORDINALITY AS u (m, n) $$;
COMMENT ON FUNCTION clone_internal.path_of_members(text[]) IS 'The JSONPath of a member within members of an object';

CREATE FUNCTION clone_internal.members_of_path(path text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN path ~ '^[$]([[]''[^'']+''[]])+$' THEN ARRAY(SELECT m.match[1] FROM regexp_matches(path, '[[]''([^'']+)''[]]', 'g') WITH ORDINALITY AS m (match, n) ORDER BY m.n) END;
END
$$;
COMMENT ON FUNCTION clone_internal.members_of_path(text) IS 'The members that clone_internal.path_of_members() has made this JSONPath of; NULL: it is another one';

-- The value of a member within members of a column's documents, as text, as SQL.
CREATE FUNCTION clone_internal.value_at_members(alias text, relation regclass, "column" name, members text[]) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT format('pg_catalog.jsonb_extract_path_text(%s, VARIADIC %L::pg_catalog.text[])', format(CASE WHEN a.atttypid = 'jsonb'::regtype THEN '%s.%I' ELSE 'clone_internal.json_of(%s.%I::text)' END, $1, $3), $4)
            FROM pg_attribute a WHERE a.attrelid = $2 AND a.attname = $3);
END
$$;
COMMENT ON FUNCTION clone_internal.value_at_members(text, regclass, name, text[]) IS 'The value of a member within members of a column''s documents, as text, as SQL';

-- A column whose values are names of tables, beside one whose values are keys of these: a polymorphic pair under any names.
CREATE FUNCTION clone_internal.ask_about_pairs(store text, places clone_internal.place[], sampled clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- The types that name tables of the store.
    known text[] := clone_internal.known_kinds($1, ARRAY(SELECT DISTINCT v FROM unnest($2) o CROSS JOIN LATERAL unnest(o.vals) v WHERE o.path = '' AND o.family = 'text' AND cardinality(o.vals) <= 40), 4);
    c record;
    t record;
    agrees boolean;
    found int;
    value text;
    calls text;
BEGIN
    FOR c IN
        WITH place AS MATERIALIZED (SELECT o.* FROM unnest($2) o WHERE o.path = '' AND o.family IN ('int', 'text')
        ), kinds AS MATERIALIZED (
            SELECT k.relation, k."column", false AS declared FROM place k
            -- Some types may name tables that the store does not describe.
            WHERE k.family = 'text' AND cardinality(k.vals) BETWEEN 1 AND 40 AND 2 * (SELECT count(*) FROM unnest(k.vals) v WHERE v = ANY (known)) >= cardinality(k.vals)
            UNION ALL
            -- An enum may have labels that are not used.
            SELECT u.relation, u.name, false FROM (
                SELECT r.relation, a.attname AS name, clone_internal.base_type(a.atttypid) AS type FROM clone.store_relation r
                JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped WHERE r.store = $1 AND a.atttypid >= 16384) u
            JOIN (SELECT e.enumtypid, 2 * cardinality(clone_internal.known_kinds($1, array_agg(e.enumlabel::text), 4)) >= count(*) AS names_tables
                  FROM pg_enum e GROUP BY 1) e ON e.enumtypid = u.type AND e.names_tables
            UNION ALL
            -- The types of a declared pair say what the documents beside it hold, too.
            SELECT DISTINCT d.relation, d.type_column, true FROM clone.store_reference d WHERE d.store = $1 AND d.type_column IS NOT NULL AND d.form = 'column'
        )
        SELECT k.relation, k."column" AS type_column, i."column" AS name, NULL::text[] AS members, NULL::text AS path
        FROM kinds k JOIN place i ON i.relation = k.relation AND i."column" <> k."column"
        -- subject and subject_id, kind and subject_id; other keys have questions of their own.
        CROSS JOIN LATERAL (SELECT clone_internal.pair_word(k."column", true) AS type_word, clone_internal.pair_word(i."column", false) AS id_word) w
        WHERE NOT k.declared AND (NOT i.says_id OR w.id_word IN ('', COALESCE(w.type_word, clone_internal.snake(k."column"))) OR w.type_word = '') AND NOT clone_internal.names_person(i."column")
          -- Beside provider, the few numbers of a state are keys by chance.
          AND (i.family <> 'int' OR i.says_id OR w.id_word = '' OR clone_internal.snake(i."column") = w.type_word OR NOT clone_internal.names_quantity(i."column") OR w.type_word = '' AND cardinality(i.vals) >= 8)
          -- auditable_type says what auditable_id names, not what the small numbers in version do.
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> i."column"
                          AND clone_internal.snake(a.attname) ~ '_id$' AND clone_internal.snake(k."column") IN (regexp_replace(clone_internal.snake(a.attname), '_id$', '_type'), regexp_replace(clone_internal.snake(a.attname), '_id$', '_kind')))
          AND NOT EXISTS (SELECT FROM place o WHERE o.relation = k.relation AND o."column" NOT IN (i."column", k."column") AND NOT i.says_id AND o.says_id
                          AND (clone_internal.pair_word(o."column", false) = COALESCE(w.type_word, clone_internal.snake(k."column")) OR w.type_word = '' AND clone_internal.names_quantity(i."column")))
        UNION ALL
        -- Logs with whole rows of the table that a column names, or with the key of its row alone: {"Id": 12}; {"before": {"id": 12}, "after": …}.
        SELECT k.relation, k."column", i."column", i.members, i.path
        FROM kinds k JOIN (
            SELECT o.relation, o."column", array_remove(m.match, NULL) AS members, min(o.path) AS path, min(m.match[2]) AS member, bool_and(o.kind IS NOT NULL) AS has_type FROM unnest(sampled) o CROSS JOIN LATERAL regexp_match(o.path, '^[$](?:[.][.])?(?:[[]''(\w+)''[]])?[[]''(\w+)''[]]$') AS m (match)
            WHERE o.family IN ('json', 'text') AND m.match[2] ~* '^(_?id|uuid|guid|pk|gid)$' GROUP BY 1, 2, 3) i ON i.relation = k.relation AND i."column" <> k."column"
        WHERE NOT clone_internal.answered($1, i.relation, i."column", i.path) AND NOT clone_internal.answered($1, i.relation, i."column", clone_internal.path_of_members(i.members))
          -- A member beside the key says itself which table is meant.
          AND NOT (i.has_type AND EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = i.relation AND d."column" = i."column" AND starts_with(d.path, '$..[?@') AND right(d.path, length(i.member) + 4) = format('[''%s'']', i.member)))
    LOOP
        CONTINUE WHEN c.members IS NULL AND EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = c.relation AND q."column" = c.name);
        value := CASE WHEN c.members IS NULL THEN clone_internal.column_text('t', c.relation, c.name)
                      ELSE clone_internal.value_at_members('t', c.relation, c.name, c.members) END;
        calls := '';
        found := 0;
        agrees := true;
        FOR t IN SELECT x.target, x.type_values, clone_internal.family(a.atttypid) AS family FROM clone_internal.pair_targets($1, c.relation, c.type_column, c.name) x
                 JOIN clone.store_relation r ON r.store = $1 AND r.relation = x.target JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column LOOP
            -- UUIDs are rewritten wherever they stand.
            CONTINUE WHEN c.members IS NOT NULL AND t.family = 'uuid';
            agrees := clone_internal.are_keys_of_kind($1, c.relation, c.type_column, value, t.type_values, t.target::regclass);
            EXIT WHEN NOT agrees;
            CONTINUE WHEN agrees IS NULL;
            found := found + 1;
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, path => %L, type_column => %L, type_values => %L); ', $1, c.relation, c.name, t.target::regclass, clone_internal.path_of_members(c.members), c.type_column, t.type_values::text);
        END LOOP;
        CONTINUE WHEN NOT agrees OR found = 0;
        IF c.members IS NOT NULL THEN
            -- Instead of the question what the numbers alone name.
            PERFORM clone_internal.ask($1, c.relation, c.name, c.path, 'error', format('%s.%I holds rows of the tables that %I names, with their keys at %s', c.relation, c.name, c.type_column, clone_internal.path_of_members(c.members)),
                rtrim(calls), clone_internal.keep_call($1, c.relation, c.name, c.path));
            CONTINUE;
        END IF;
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error',
            format('%s.%I holds keys of the tables that %I names', c.relation, c.name, c.type_column),
            format('SELECT clone.store_polymorphic(%L, %L, %L, type_column => %L);', $1, c.relation, c.name, c.type_column), clone_internal.keep_call($1, c.relation, c.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_pairs(text, clone_internal.place[], clone_internal.place[]) IS 'Records questions about polymorphic pairs whose names do not say so';
