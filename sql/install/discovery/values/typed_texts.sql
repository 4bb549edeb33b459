-- Keys beside the name of their table in one text (post:5, gid://app/Post/5), and in the values of named settings (default_user: 5).

-- The words of a store's tables that texts name, with their keys.
CREATE FUNCTION clone_internal.typed_keys(store text) RETURNS TABLE (word text, relation regclass, key name)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT ON (x) lower(x), n.relation, n.name
    FROM clone_internal.naming_columns($1) n CROSS JOIN LATERAL unnest(clone_internal.type_names(n.relation)) x
    WHERE n.is_id AND n.family = 'int' ORDER BY x, n.role = 'project', n.relation::oid
$$;
COMMENT ON FUNCTION clone_internal.typed_keys(text) IS 'The words by which texts name tables of a store whose keys are numbers';

CREATE FUNCTION clone_internal.ask_about_typed_texts(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    k record;
    found bigint;
    all_found bigint;
    targets text;
    calls text;
    condition text;
BEGIN
    FOR c IN
        SELECT p.relation, p."column" AS name, o.vals, o.words, o.numbers, o.separators
        FROM unnest($2) p
        -- One word, then one number at the end.
        CROSS JOIN LATERAL (
            SELECT array_agg(v) AS vals, array_agg(lower(m[1])) AS words, array_agg(m[2]) AS numbers, (SELECT string_agg(DISTINCT x, '' ORDER BY x) FROM unnest(p.vals) w CROSS JOIN LATERAL regexp_split_to_table(w, '') x WHERE x ~ '[^A-Za-z0-9_]') AS separators
            FROM unnest(p.vals) v CROSS JOIN LATERAL regexp_match(v, '^(?:[^0-9]*[^A-Za-z0-9_])?([A-Za-z][A-Za-z_]*)[:/#|=@.~-]+([0-9]{1,18})$') m HAVING count(*) = count(m[2])
        ) o
        WHERE p.path = '' AND p.family = 'text' AND cardinality(p.vals) > 1 AND o.vals IS NOT NULL
        ORDER BY p.relation::oid, p."column"
    LOOP
        targets := NULL;
        calls := '';
        all_found := 0;
        FOR k IN
            SELECT t.relation, t.key, array_agg(DISTINCT w.word) AS words, array_agg(DISTINCT w.number) AS numbers FROM unnest(c.words, c.numbers) AS w (word, number)
            JOIN clone_internal.typed_keys($1) t ON t.word = w.word GROUP BY 1, 2 ORDER BY t.relation::oid
        LOOP
            found := (SELECT count(DISTINCT f.value) FROM clone_internal.keys_among(k.relation, k.key, 'int', k.numbers) f);
            -- Keys of rows that were deleted may stay.
            CONTINUE WHEN 10 * found < 8 * cardinality(k.numbers);
            all_found := all_found + found;
            targets := concat_ws(', ', targets, k.relation::text);
            condition := format('%s OPERATOR(pg_catalog.~*) %L', clone_internal.column_text(NULL, c.relation, c.name), format('(^|[^a-z0-9_])(%s)[^a-z0-9_]+[0-9]+$', array_to_string(k.words, '|')));
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, separators => %L, condition => %L); ', $1, c.relation, c.name, k.relation, c.separators, condition);
        END LOOP;
        CONTINUE WHEN all_found = 0;
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error', format('%s.%I holds names of tables with keys of %s, such as %s', c.relation, c.name, targets, clone_internal.quoted(left(c.vals[1], 60))),
            rtrim(calls), clone_internal.keep_call($1, c.relation, c.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_typed_texts(text, clone_internal.place[]) IS 'Records questions about texts that hold the name of a table and a key of it';

-- Settings in rows of a name and a value: the values of a name such as default_user can be keys.
CREATE FUNCTION clone_internal.ask_about_settings(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    s record;
    words clone_internal.word_of_table[];
    kinds text[];
    of_target text[];
    -- Names whose table is known.
    known text[];
    calls text;
    names text;
BEGIN
    FOR c IN
        SELECT p.relation, p."column" AS name, p.family, n.attname AS called
        FROM unnest($2) p
        JOIN pg_attribute n ON n.attrelid = p.relation AND n.attnum > 0 AND NOT n.attisdropped AND n.attname <> p."column" AND clone_internal.family(n.atttypid) = 'text'
         AND clone_internal.snake(n.attname) ~ '^(.*_)?(key|name|code|field|setting|option|option_name|attribute|attr|property|prop|param|parameter)$'
        WHERE p.path = '' AND p.family IN ('text', 'int') AND clone_internal.snake(p."column") ~ '^(.*_)?(value|val|data|content|int_value|value_int|number)$'
        ORDER BY p.relation::oid, p."column", n.attnum
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = c.relation AND q."column" = c.name AND q.path = '');
        EXECUTE format('SELECT array_agg(s.kind) FROM (SELECT %s AS kind FROM %s AS t WHERE t.%I IS NOT NULL GROUP BY 1 HAVING bool_and(%s COLLATE "C" ~ ''^([0-9]{1,18}|null|none|)$'') ORDER BY 1 LIMIT 300) s',
            clone_internal.column_text('t', c.relation, c.called), clone_internal.spread(c.relation, '*', 50000), c.name, clone_internal.column_text('t', c.relation, c.name)) INTO kinds;
        CONTINUE WHEN kinds IS NULL;
        words := ARRAY(SELECT w FROM clone_internal.words_of_tables($1, ARRAY(SELECT clone_internal.named_word(regexp_replace(k, '[^A-Za-z0-9_]+', '_', 'g')) FROM unnest(kinds) k)) w);
        calls := '';
        names := NULL;
        known := '{}';
        FOR s IN
            SELECT w.target, r.id_column, array_agg(k ORDER BY k) AS kinds FROM unnest(kinds) k JOIN unnest(words) w ON w.word = clone_internal.named_word(regexp_replace(k, '[^A-Za-z0-9_]+', '_', 'g'))
            JOIN clone.store_relation r ON r.store = $1 AND r.relation = w.target JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column AND clone_internal.family(a.atttypid) = 'int'
            WHERE w.described AND NOT clone_internal.names_quantity(k) GROUP BY 1, 2
            UNION ALL
            -- A name that says a key, but not of which table.
            SELECT n.relation, n.name, ARRAY(SELECT k FROM unnest(kinds) k WHERE clone_internal.says_id(ltrim(k, '_')) AND NOT EXISTS (SELECT FROM unnest(words) w WHERE w.word = clone_internal.named_word(regexp_replace(k, '[^A-Za-z0-9_]+', '_', 'g'))) ORDER BY k)
            FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project' AND n.family = 'int'
            ORDER BY 1
        LOOP
            -- A name whose values all are keys there, and at least one.
            EXECUTE format('SELECT ARRAY(SELECT s.kind FROM (SELECT %s AS kind, %s AS x FROM %s AS t WHERE %1$s = ANY ($1)) s WHERE lower(s.x) <> ALL (clone_internal.in_place_of_null()) GROUP BY 1 HAVING bool_and(EXISTS (SELECT FROM %4$s AS k WHERE %5$s = s.x)) ORDER BY 1)',
                clone_internal.column_text('t', c.relation, c.called), clone_internal.column_text('t', c.relation, c.name), clone_internal.spread(c.relation, '*', 50000), s.target, clone_internal.column_text('k', s.target, s.id_column)) INTO of_target USING s.kinds;
            of_target := ARRAY(SELECT k FROM unnest(of_target) k WHERE k <> ALL (known));
            CONTINUE WHEN of_target = '{}';
            known := known || of_target;
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, condition => %L); ', $1, c.relation, c.name, s.target,
                format('%s OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.text[])', clone_internal.column_text(NULL, c.relation, c.called), of_target));
            names := concat_ws(', ', names, format('%s (%s)', s.target, array_to_string(of_target, ', ')));
        END LOOP;
        CONTINUE WHEN names IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error', format('%s.%I holds keys in rows with certain values of %I: of %s', c.relation, c.name, c.called, names), rtrim(calls), clone_internal.keep_call($1, c.relation, c.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_settings(text, clone_internal.place[]) IS 'Records questions about values of settings that are keys by the name of the setting';

-- Arrays of a type and a key in documents: ["Post", 5].
CREATE FUNCTION clone_internal.ask_about_array_pairs(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    k record;
    kinds text[];
    vals text[];
    calls text;
    names text;
    given text;
    label text := '$..[?@[0]][1]';
BEGIN
    FOR c IN
        SELECT o.relation, o.name, o.family, a.atttypid = 'jsonb'::regtype AS plain FROM clone_internal.open_columns($1) o JOIN pg_attribute a ON a.attrelid = o.relation AND a.attname = o.name
        WHERE o.family IN ('json', 'text') AND o.relkind IN ('r', 'p') AND NOT clone_internal.answered($1, o.relation, o.name, label) ORDER BY o.relation::oid, o.name
    LOOP
        -- Few texts have such an array.
        EXECUTE format(E'SELECT array_agg(p.kind), array_agg(p.value) FROM (SELECT DISTINCT v.v->>0 AS kind, v.v->>1 AS value
                FROM (SELECT %s AS x FROM (SELECT t.%I AS x FROM %s AS t WHERE t.%2$I IS NOT NULL ORDER BY hashint8(row_number() OVER ()) LIMIT 500) AS t WHERE t.x::text COLLATE "C" ~ \'[[]"[A-Za-z_.:]+", *"?[0-9]+"?[]]\' AND length(t.x::text) < 20000) AS d
                CROSS JOIN LATERAL jsonb_path_query(d.x, \'strict $.**.* ? (@.type() == "array" && @.size() == 2)\', silent => true) AS v (v)
                WHERE jsonb_typeof(v.v->0) = \'string\' AND v.v->>1 ~ \'^[0-9]{1,18}$\') AS p',
            CASE WHEN c.plain THEN 't.x' ELSE 'clone_internal.json_of(t.x::text)' END, c.name, clone_internal.spread(c.relation, quote_ident(c.name), 5000)) INTO kinds, vals;
        CONTINUE WHEN kinds IS NULL;
        calls := '';
        names := NULL;
        FOR k IN
            SELECT t.relation, t.key, array_agg(DISTINCT x.kind ORDER BY x.kind) AS kinds, array_agg(DISTINCT x.value) AS vals FROM unnest(kinds, vals) AS x (kind, value)
            JOIN clone_internal.typed_keys($1) t ON t.word = lower(regexp_replace(x.kind, E'^.*(::|[.])', '')) GROUP BY 1, 2 ORDER BY t.relation::oid
        LOOP
            -- Keys of rows that were deleted may stay.
            CONTINUE WHEN 10 * (SELECT count(DISTINCT f.value) FROM clone_internal.keys_among(k.relation, k.key, 'int', k.vals) f) < 8 * cardinality(k.vals);
            given := format('$..[?%s][1]', (SELECT string_agg(format('@[0] == %s', clone_internal.path_name(x)), ' || ') FROM unnest(k.kinds) x));
            CONTINUE WHEN EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = c.relation AND d."column" = c.name AND d.target = k.relation AND d.path = given);
            names := concat_ws(', ', names, k.relation::text);
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, path => %L); ', $1, c.relation, c.name, k.relation, given);
        END LOOP;
        CONTINUE WHEN names IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, label, 'error', format('%s.%I has arrays of the name of a table and a key of it: of %s', c.relation, c.name, names), rtrim(calls), clone_internal.keep_call($1, c.relation, c.name, label));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_array_pairs(text) IS 'Records questions about arrays in documents that hold the name of a table and a key of it';
