-- Keys of one tenant within values of any type and form, under names that say nothing: {"field": "entity_id", "value": 12}, [12, "x"],
-- 12:rw, 00012, a float8, a range, XML. What stands before a number tells the numbers of a value from each other.

-- Texts of printable ASCII in base64, as the ids of Relay (VGFzazoxMg==), also with the letters of URLs or without padding. Three such bytes
-- are four letters, and each of the first three letters is one of a part of the alphabet: few words match.
CREATE FUNCTION clone_internal.base64_pattern() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '(?:^|[^A-Za-z0-9+/_-])((?:[I-Za-f][C-HS-Xi-ny-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]){2,}(?:[I-Za-f][A-Za-z0-9]{1,2})?)(?=(?:=|%3D|[\\]n){0,3}(?:--[0-9a-f]{16,}|[^A-Za-z0-9+/=_-]|$))'::text $$;
COMMENT ON FUNCTION clone_internal.base64_pattern() IS 'Printable ASCII in base64 within a text, as a regular expression';

CREATE FUNCTION clone_internal.base64_texts(value text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT d.plain
    FROM regexp_matches(left($1, 4000), clone_internal.base64_pattern(), 'g') m
    CROSS JOIN LATERAL (SELECT encode(decode(translate(m[1], '-_', '+/') || repeat('=', (4 - length(m[1]) % 4) % 4), 'base64'), 'escape') AS plain) d
    WHERE d.plain ~ '^[ -~]+$' AND d.plain ~ '[0-9]' AND d.plain !~ '\\[0-7]{3}'
$$;
COMMENT ON FUNCTION clone_internal.base64_texts(text) IS 'The texts with digits that a text holds in base64';

-- A number within a value of a column (given by its place): the signs before it, and the words before them or before the numbers to which
-- signs alone lead from them, and which of these numbers it is (nth; 0 if it is alone or one of more than three); the tenant of its row, in how many rows it is (times) and is less than in the row before (falls), and one such
-- value.
CREATE TYPE clone_internal.number_within AS (place int, words text, signs text, nth int, value text, tenant text, times bigint, falls bigint, example text);

-- What numbers of a kind have before them: all words or the last one; the words and the place among several numbers, of which one may be the
-- key (LBL-12-345); in a path any name (/t/some-title/12/3).
CREATE FUNCTION clone_internal.kinds_of_number(words text, signs text, nth int) RETURNS TABLE (words text, nth int)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT $1, 0 UNION SELECT substring($1 FROM '[[:alpha:]_]*[^[:alnum:]_]*$'), 0 UNION SELECT $1, $3 WHERE $1 <> '' UNION SELECT '//', $3 WHERE $2 = '/' AND $3 > 0 AND $1 ~ '[[:alpha:]]/$'
$$;
COMMENT ON FUNCTION clone_internal.kinds_of_number(text, text, int) IS 'What numbers of the kind of a number within a value have before them';

-- The numbers in so many rows of a table's columns (places: their numbers), each once for a tenant and what stands before it. remaining: the
-- rows t that no declaration is about, as SQL.
CREATE FUNCTION clone_internal.numbers_within(store text, relation regclass, columns name[], places int[], rows int, remaining text) RETURNS SETOF clone_internal.number_within
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key name := (SELECT r.id_column FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $2);
BEGIN
    RETURN QUERY EXECUTE format('
        WITH sample AS MATERIALIZED (
            -- What is looked at, as below: each number carries its value.
            SELECT r.row, c.place, left(c.value, 4000) AS value, r.tenant, r.own
            FROM (SELECT %1$s AS tenant, %2$s AS own, t.ctid AS row, ARRAY[%4$s]::text[] AS vals FROM %3$s AS t WHERE %8$s ORDER BY hashint8(row_number() OVER ()) LIMIT %7$s) AS r
            CROSS JOIN LATERAL unnest(%6$L::int[], r.vals) AS c (place, value)
            WHERE r.tenant IS NOT NULL AND c.value IS NOT NULL
        ), value AS (
            SELECT row_number() OVER () AS line, v.*
            FROM (SELECT s.row, s.place, s.value, s.tenant, s.own, '''' AS form FROM sample s WHERE s.value ~ ''[0-9]''
                  UNION ALL SELECT s.row, s.place, b.plain, s.tenant, s.own, ''base64 of '' FROM sample s CROSS JOIN LATERAL clone_internal.base64_texts(s.value) AS b (plain) WHERE s.value ~ %9$L) v
        ), part AS (
            SELECT v.*, m.match[1] AS before, m.match[2] AS number, m.number AS turn, count(*) FILTER (WHERE m.match[1] ~ ''[[:alpha:]]'') OVER (PARTITION BY v.line ORDER BY m.number) AS run,
                   lead(m.match[1]) OVER (PARTITION BY v.line ORDER BY m.number) AS after, lead(m.match[2]) OVER (PARTITION BY v.line ORDER BY m.number) AS next
            FROM value v CROSS JOIN LATERAL regexp_matches(left(v.value, 2000), %5$L, ''g'') WITH ORDINALITY AS m (match, number)
        ), number AS (
            -- What stands before a mention is prose.
            SELECT p.place, CASE WHEN p.before ~ ''(^|[^[:alnum:]])<?@[!&]?$|@[[][^]]*[]][(]$'' THEN '''' WHEN p.run > 0 THEN first_value(p.before) OVER (PARTITION BY p.line, p.run ORDER BY p.turn) ELSE '''' END AS words, substring(p.before FROM ''[^[:alnum:]_]*$'') AS signs,
                   -- Not of spans: 1001-1005. In a path (/jobs/12/0/output) they are no span.
                   CASE WHEN count(*) OVER r IN (2, 3) AND (max(p.number::numeric) OVER r - min(p.number::numeric) OVER r > 50 OR p.run > 0 AND count(*) FILTER (WHERE p.before <> ''/'') OVER r = 1) THEN row_number() OVER (PARTITION BY p.line, p.run ORDER BY p.turn) ELSE 0 END::int AS nth,
                   COALESCE(NULLIF(ltrim(p.number, ''0''), ''''), ''0'') AS value, p.tenant, p.own, p.row, p.form || left(p.value, 200) AS example
            FROM part p
            -- No decimals, versions and addresses of networks, but 12.0.
            WHERE NOT (p.turn > 1 AND p.before = ''.'') AND NOT COALESCE(p.after = ''.'' AND p.next !~ ''^0+$'', false)
            WINDOW r AS (PARTITION BY p.line, p.run)
        ), single AS (
            SELECT n.place, n.words, n.signs, n.nth, n.value, n.tenant, count(*) AS times, count(*) FILTER (WHERE n.value::bigint < n.last) AS falls, min(n.example) AS example
            FROM (SELECT o.*, lag(o.value::bigint) OVER (PARTITION BY o.place, o.words, o.signs, o.nth ORDER BY o.row) AS last FROM number o) n
            -- A row may have its own number in its name, but an address with it leads to the source, and id:12 is its key. Prose is kept.
            WHERE (n.value IS DISTINCT FROM n.own OR n.signs ~ ''[/=]'' OR n.words ~* ''(^|[^[:alpha:]])(id|uid|pk)[^[:alnum:]]*$''
                   -- The address of a row, to which mail is sent: reply+12@x.example.
                   OR n.signs <> '''' AND strpos(n.example, n.value || ''@'') > 0) AND lower(n.value) <> ALL (clone_internal.in_place_of_null()) AND n.words !~ ''[[:alpha:]][.,;!?]? +[#(]*$|[[:alpha:]] +[[:alpha:]_]+[#(]*$''
            GROUP BY 1, 2, 3, 4, 5, 6
        )
        SELECT n.place, n.words, n.signs, n.nth, n.value, n.tenant, n.times, n.falls, n.example
        FROM (SELECT o.*, row_number() OVER (PARTITION BY o.place ORDER BY hashtext(o.value), o.value, o.tenant, o.words, o.signs, o.nth) AS line FROM single o) n WHERE n.line <= 600',
        clone_internal.tenant_sql(store, relation, 't'), COALESCE(clone_internal.column_text('t', relation, key), 'NULL::text'), clone_internal.spread(relation, '*, ctid', CASE WHEN remaining = 'true' THEN 2000 ELSE 20000 END),
        (SELECT string_agg(CASE WHEN t.oid = 'bytea'::regtype THEN format('pg_catalog.encode(substring(t.%I::bytea FROM 1 FOR 2000), ''escape'')', u.name)
                                WHEN t.typtype IN ('r', 'm') THEN format('pg_catalog.format(''%%s'', pg_catalog.lower(t.%I))', u.name) ELSE clone_internal.column_text('t', relation, u.name) END, ', ' ORDER BY u.number)
         FROM unnest(columns) WITH ORDINALITY AS u (name, number) JOIN pg_attribute a ON a.attrelid = relation AND a.attname = u.name JOIN pg_type t ON t.oid = clone_internal.base_type(a.atttypid)),
        -- Three words at most, then the number. Further conditions behind it took twice the time.
        '([^[:alnum:]_]*(?:[[:alpha:]_]+[^[:alnum:]_]*){0,3})([0-9]{1,18})(?![[:alnum:]])', places, rows, remaining, clone_internal.base64_pattern());
END
$$;
COMMENT ON FUNCTION clone_internal.numbers_within(text, regclass, name[], int[], int, text) IS 'The numbers in a sample of a table''s columns, with the tenants of their rows and what stands before them';

-- Columns of a store's tables in whose values numbers may be keys, the members of documents that are declared or asked about, and the rows t
-- that no declaration with a condition is about, as SQL. What is declared of a part says nothing of the rest.
CREATE FUNCTION clone_internal.columns_with_numbers(store text) RETURNS TABLE (relation regclass, name name, family text, members text[], remaining text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.relation, a.attname, clone_internal.family(a.atttypid),
           -- A path is about the member that it ends with; one without names about numbers without words before them.
           ARRAY(SELECT w.word FROM (SELECT d.path FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname AND d.form = 'json'
                                     UNION ALL SELECT n.path FROM clone.store_no_reference n WHERE n.store = $1 AND n.relation = r.relation AND n."column" = a.attname
                                     UNION ALL SELECT q.path FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname AND q.path <> '') d
                 CROSS JOIN LATERAL (SELECT trim(regexp_replace(d.path, '[^[:alpha:]_~]+', ' ', 'g')) AS words) p
                 CROSS JOIN LATERAL regexp_split_to_table(COALESCE(NULLIF(CASE WHEN d.path LIKE '%?match(%' THEN p.words ELSE substring(p.words FROM '[[:alpha:]_]*(?: ?~)?$') END, ''), ' '), ' ') AS w (word)
                 -- Not the name of a question.
                 WHERE d.path !~ '^[$][a-z]'),
           COALESCE((SELECT string_agg(format(E'(SELECT %s\n FROM (SELECT t.*) AS o) IS NOT TRUE', d.condition), ' AND ' ORDER BY d.id) FROM clone.store_reference d
                     WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname AND d.form <> 'json' AND d.condition IS NOT NULL), 'true')
    FROM clone.store_relation r
    JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p')
    JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = a.attname AND s.role IN ('keep', 'rewrite', 'map') AND s.reason IS DISTINCT FROM 'set by hand'
    WHERE r.store = $1 AND r.role <> 'project' AND clone_internal.base_type(a.atttypid) NOT IN (16, 790, 1082, 1083, 1114, 1184, 1186, 1266)
      AND clone_internal.family(a.atttypid) NOT IN ('int', 'uuid', 'uuid[]')
      -- A text key may be made of another: task_12.
      AND (a.attname <> COALESCE(r.id_column, '') OR clone_internal.family(a.atttypid) = 'text')
      AND a.attname <> ALL (ARRAY[COALESCE(r.project_column, ''), COALESCE(r.join_column, ''), COALESCE(r.type_column, '')])
      AND clone_internal.tenant_sql($1, r.relation, 't') NOT LIKE '%.ctid::text'
      AND NOT clone_internal.answered($1, r.relation, a.attname, '$numbers')
      AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
      AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND (d.type_column = a.attname OR d."column" = a.attname AND d.form <> 'json' AND (d.condition IS NULL OR d.type_column IS NOT NULL)))
      AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = r.relation AND a.attname = ANY (m.columns))
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname AND (q.path = '' AND q.severity = 'error' OR q.path IN ('$', '$..[?@]', '$settings')))
$$;
COMMENT ON FUNCTION clone_internal.columns_with_numbers(text) IS 'Columns of a store''s tables in whose values numbers may be keys, and what in them is declared or asked about';

-- Whether values of a column are texts of the rows whose numbers they hold, such as post-5: these stay.
CREATE FUNCTION clone_internal.holds_names(relation regclass, "column" name, target regclass) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    names text := (SELECT string_agg(format('SELECT %s AS x FROM %s AS k', clone_internal.column_text('k', a.attrelid, a.attname), clone_internal.spread(target, '*', 50000)), ' UNION ALL ')
                   FROM pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'text' AND (a.attrelid, a.attname) <> ($1, $2));
    held boolean;
BEGIN
    IF names IS NULL THEN
        RETURN false;
    END IF;
    -- Both sides first: the planner took a few rows for each, and compared 2,000 with 100,000 one by one, in 10 s.
    EXECUTE format($q$
        WITH own AS MATERIALIZED (
            SELECT DISTINCT (%s) COLLATE "C" AS x FROM %s AS t
        ), held AS MATERIALIZED (
            SELECT o.x FROM own o WHERE o.x ~ '[0-9]' AND o.x !~ '^0*[0-9]+$' AND o.x !~* '(^|[^[:alpha:]])(id|uid|pk)[^[:alnum:]]+[0-9]'
        ), named AS MATERIALIZED (
            SELECT hashtext(n.x) AS hash, n.x COLLATE "C" AS x FROM (%s) n
        )
        SELECT EXISTS (SELECT FROM named n WHERE n.hash = ANY (ARRAY(SELECT hashtext(h.x) FROM held h)) AND n.x IN (SELECT h.x FROM held h))$q$,
        clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, '*', 2000), names) INTO held;
    RETURN held;
END
$$;
COMMENT ON FUNCTION clone_internal.holds_names(regclass, name, regclass) IS 'Whether a column holds texts of rows of a table, as copies of their names';

-- The call that declares a reference to a key, or to another column with the numbers of a sequence.
CREATE FUNCTION clone_internal.number_call(store text, relation regclass, "column" name, target regclass, target_column name, path text, separators text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN r.id_column = $5 THEN o.call ELSE format('%s, target_column => %L);', left(o.call, -2), $5) END
    FROM clone.store_relation r CROSS JOIN LATERAL (SELECT clone_internal.reference_call($1, $2, $3, $4, $6, $7) AS call) o WHERE r.store = $1 AND r.relation = $4
$$;
COMMENT ON FUNCTION clone_internal.number_call(text, regclass, name, regclass, name, text, text) IS 'The call that declares a reference to a column with numbers, as SQL';

-- The question about the numbers within a column's values: a reference for each path whose values they all are, or for a text with one
-- number. Others are kept, as no declaration says which they are.
CREATE FUNCTION clone_internal.ask_about_numbers_of(store text, relation regclass, "column" name, family text, targets regclass[], target_columns name[], keys bigint, example text, words text[], places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    target regclass := CASE WHEN cardinality(targets) = 1 THEN targets[1] END;
    key name := (SELECT target_columns[1] FROM clone.store_relation r WHERE r.store = $1 AND r.relation = target AND r.role <> 'project');
    -- The answer is about the column itself only where no part of it is declared.
    declared boolean := EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = $2 AND d."column" = $3);
    -- A clone gives it new values.
    is_key boolean := EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $2 AND r.id_column = $3);
    documents boolean := family = 'json' OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = $2 AND d."column" = $3 AND d.form = 'json')
        OR family = 'text' AND EXISTS (SELECT FROM unnest(places) o WHERE o.relation = $2 AND o."column" = $3 AND o.path <> '') AND NOT EXISTS (SELECT FROM unnest(places) o WHERE o.relation = $2 AND o."column" = $3 AND o.path = '');
    path text := CASE WHEN family = 'json' OR declared OR is_key THEN '$numbers' ELSE '' END;
    holds text := format('holds numbers that are keys of %s, such as %s: %s that were looked at are keys of rows of the same tenant',
        (SELECT string_agg(t.relation || CASE WHEN t.key = r.id_column THEN '' ELSE format(' (%I)', t.key) END, ' or ' ORDER BY t.number) FROM unnest(targets, target_columns) WITH ORDINALITY AS t (relation, key, number)
         JOIN clone.store_relation r ON r.store = $1 AND r.relation = t.relation), clone_internal.quoted(left(example, 60)), keys);
    -- A clone cannot keep it: no other column of a unique index changes.
    is_unique boolean := family = 'text' AND EXISTS (SELECT FROM pg_index u JOIN pg_attribute a ON a.attrelid = $2 AND a.attname = $3 WHERE u.indrelid = $2 AND u.indisunique AND u.indislive AND a.attnum = ANY (u.indkey::int2[])
        AND NOT EXISTS (SELECT FROM pg_attribute o JOIN clone.store_column s ON s.store = $1 AND s.relation = $2 AND s.name = o.attname
                        WHERE o.attrelid = $2 AND o.attname <> $3 AND o.attnum = ANY (u.indkey::int2[])
                          AND (s.role NOT IN ('keep', 'rewrite') OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = $2 AND d."column" = o.attname)
                               OR EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = $2 AND o.attnum = ANY (f.conkey)))));
    asked text[] := '{}';
    single boolean;
    separators text;
    p record;
BEGIN
    -- Prose is not rewritten, and is only a warning.
    IF example ~ '[^ ] +[^ ]' AND EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = $2 AND q."column" = $3 AND q.path = '') THEN
        RETURN;
    ELSIF documents THEN
        FOR p IN
            SELECT o.path, COALESCE(substring(o.path FROM E'(\\w+)\\W*$'), '') AS word, c.calls
            FROM unnest(places) o
            -- Texts with one number in each: 15__table.
            CROSS JOIN LATERAL (
                SELECT array_agg(DISTINCT ltrim(substring(v FROM '[0-9]+'), '0')) AS numbers, COALESCE(bool_and(v ~ '^([^0-9]*[^[:alnum:]])?[1-9][0-9]{0,17}([^[:alnum:]][^0-9]*)?$'), false) AS single,
                       (SELECT string_agg(DISTINCT x, '' ORDER BY x) FROM regexp_split_to_table(string_agg(v, ''), '') x WHERE x ~ '[^[:alnum:]]') AS separators
                FROM unnest(o.vals) v) n
            -- Each value is a key of one of the tables.
            CROSS JOIN LATERAL (
                SELECT string_agg(DISTINCT clone_internal.number_call($1, $2, $3, t.relation, t.key, o.path, n.separators), ' ') AS calls, count(*) AS keys, count(DISTINCT f.value) AS vals
                -- A table may be here twice: by its key and by another number.
                FROM unnest(targets, target_columns) AS t (relation, key) CROSS JOIN LATERAL clone_internal.keys_among(t.relation, t.key, 'int', n.numbers) f) c
            WHERE o.relation = $2 AND o."column" = $3 AND o.path <> '' AND o.path NOT LIKE '%~' AND n.single AND c.keys = c.vals AND c.vals = cardinality(n.numbers)
              AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = ANY (targets) AND r.role = 'project')
        LOOP
            CONTINUE WHEN p.word <> ALL (words);
            PERFORM clone_internal.ask($1, $2, $3, p.path, 'error', format('%s.%I at %s ', $2, $3, p.path) || holds, p.calls, clone_internal.keep_call($1, $2, $3, p.path));
            asked := asked || p.word;
        END LOOP;
        IF words <@ asked THEN
            RETURN;
        END IF;
    END IF;
    IF family = 'text' AND key IS NOT NULL AND NOT declared AND asked = '{}' THEN
        EXECUTE format('SELECT bool_and(t.x ~ ''^([^0-9]*[^[:alnum:]%3$s])?[1-9][0-9]*([^[:alnum:]%3$s][^0-9]*)?$''), (SELECT string_agg(DISTINCT s, '''' ORDER BY s) FROM regexp_split_to_table(string_agg(t.x, ''''), '''') s WHERE s ~ ''[^[:alnum:]%3$s]'')
            FROM (SELECT %1$s AS x FROM %2$s AS t) t WHERE lower(t.x) <> ALL (clone_internal.in_place_of_null())%4$s', clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, '*', 2000),
            -- task_12 is a key, and a name elsewhere.
            CASE WHEN is_key THEN '' ELSE '_' END, CASE WHEN is_key THEN ' AND t.x ~ ''[0-9]''' ELSE '' END) INTO single, separators;
    END IF;
    PERFORM clone_internal.ask($1, $2, $3, path, 'error',
        format('%s.%I ', $2, $3) || holds || CASE WHEN single THEN '' WHEN is_key THEN '. A clone makes other keys, which hold the same numbers' ELSE '. A clone keeps them' || CASE WHEN documents THEN '. If a path says which they are, declare it with clone.store_reference(…), and check again'
            WHEN declared THEN ' in rows that no declaration is about. If a condition says which they are, declare it with clone.store_reference(…, condition => …), and check again' ELSE '' END END,
        CASE WHEN single THEN clone_internal.number_call($1, $2, $3, target, key, '', separators) END,
        CASE WHEN path = '' AND is_unique THEN format('SELECT clone.store_column(%L, %L, %L, ''suffix'');', $1, $2, $3) ELSE clone_internal.keep_call($1, $2, $3, path) END);
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_numbers_of(text, regclass, name, text, regclass[], name[], bigint, text, text[], clone_internal.place[]) IS 'Records the question about numbers within a column''s values that are keys of tables';

CREATE FUNCTION clone_internal.ask_about_numbers_within(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    relations regclass[];
    columns name[];
    families text[];
    members text[];
    remaining text[];
    own_keys boolean[];
    numbers clone_internal.number_within[] := '{}';
    targets regclass[];
    keys name[];
    found clone_internal.found_key[];
    -- A row with the value as its key: place is the number of its table among targets, value the row's tenant.
    hits clone_internal.key_like[];
    rows int;
    project regclass := (SELECT r.relation FROM clone.store_relation r WHERE r.store = $1 AND r.role = 'project');
    c record;
BEGIN
    SELECT array_agg(n.relation), array_agg(n.name) INTO targets, keys
    -- Keys, and the numbers of a sequence beside them: INV-10034.
    FROM (SELECT n.relation, n.name FROM clone_internal.naming_columns($1) n WHERE n.family = 'int' AND (n.is_id AND NOT clone_internal.has_key_of_another($1, n.relation, n.name) OR NOT n.is_id AND n.role <> 'project') ORDER BY n.relation::oid, n.is_id DESC, n.name) n;
    SELECT array_agg(o.relation), array_agg(o.name), array_agg(o.family), array_agg(array_to_string(o.members || '-'::text, ' ')), array_agg(o.remaining),
           array_agg(EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = o.relation AND r.id_column = o.name)) INTO relations, columns, families, members, remaining, own_keys
    FROM (SELECT o.* FROM clone_internal.columns_with_numbers($1) o ORDER BY o.relation::oid, o.name) o;
    IF targets IS NULL OR columns IS NULL THEN
        RETURN;
    END IF;
    -- Where numbers in few rows are keys of other tenants, no more is read.
    FOREACH rows IN ARRAY '{50,200}'::int[] LOOP
        numbers := ARRAY(
            SELECT n FROM (SELECT o.relation, o.remaining, array_agg(o.name) AS names, array_agg(o.number::int) AS numbers FROM unnest(relations, columns, remaining) WITH ORDINALITY AS o (relation, name, remaining, number)
                           WHERE rows = 50 OR o.number IN (SELECT n.place FROM unnest(numbers) n) GROUP BY o.relation, o.remaining) t
            CROSS JOIN LATERAL clone_internal.numbers_within($1, t.relation, t.names, t.numbers, rows, t.remaining) n);
        found := ARRAY(SELECT f FROM clone_internal.keys_of_tables(targets, keys, array_fill('int'::text, ARRAY[cardinality(targets)]), ARRAY(SELECT DISTINCT n.value FROM unnest(numbers) n)) f);
        hits := ARRAY(SELECT ROW(t.number, k.tenant, k.value)::clone_internal.key_like
            FROM (SELECT f.target, array_agg(f.value) AS vals FROM unnest(found) f GROUP BY 1) f
            JOIN unnest(targets, keys) WITH ORDINALITY AS t (relation, key, number) ON t.relation = f.target
            CROSS JOIN LATERAL clone_internal.tenants_of_keys($1, t.relation, t.key, 'int', f.vals) k);
        numbers := ARRAY(
            WITH hit AS MATERIALIZED (
                SELECT h.token AS value, h.place AS target, array_agg(h.value) AS tenants FROM unnest(hits) h GROUP BY 1, 2
            ), likely AS MATERIALIZED (
                SELECT DISTINCT l.place, l.words, l.nth FROM (
                    SELECT n.place, w.words, n.signs, w.nth FROM unnest(numbers) n CROSS JOIN LATERAL clone_internal.kinds_of_number(n.words, n.signs, n.nth) AS w JOIN hit h ON h.value = n.value
                    GROUP BY n.place, w.words, n.signs, w.nth, h.target HAVING count(*) > 1 AND bool_and(n.tenant = ANY (h.tenants))) l
            )
            SELECT n FROM unnest(numbers) n
            WHERE EXISTS (SELECT FROM clone_internal.kinds_of_number(n.words, n.signs, n.nth) AS w WHERE (n.place, w.words, w.nth) IN (SELECT l.place, l.words, l.nth FROM likely l)));
    END LOOP;
    FOR c IN
        WITH number AS MATERIALIZED (
            -- What stands before a number: three words or the last one, with the signs, or signs alone.
            SELECT n.place, l.words, n.signs, l.nth, n.value, n.tenant COLLATE "C" AS tenant, sum(n.times) AS times, sum(n.falls) AS falls, min(n.example) AS example
            FROM unnest(numbers) n
            CROSS JOIN LATERAL clone_internal.kinds_of_number(n.words, n.signs, n.nth) AS l
            -- Members that are declared or asked about.
            WHERE NOT COALESCE(substring(n.words FROM '([[:alpha:]_]+)[^[:alnum:]_]*$'), '') = ANY (string_to_array(members[n.place], ' '))
              -- user_12
              AND NOT COALESCE(substring(n.words FROM '([[:alpha:]_]*[[:alpha:]])_+[^[:alnum:]_]*$') = ANY (string_to_array(members[n.place], ' ')), false)
              -- A path without a name is about what is no value of a member.
              AND NOT ('' = ANY (string_to_array(members[n.place], ' ')) AND n.words !~ '": ?[[{" ]*$')
              -- Names of members.
              AND NOT (members[n.place] LIKE '%~%' AND n.words ~ '[{,] ?"[^"]*$')
            GROUP BY 1, 2, 3, 4, 5, 6
        ), hit AS MATERIALIZED (
            SELECT h.place AS target, h.token AS value, h.value COLLATE "C" AS tenant FROM unnest(hits) h
        ), seen AS MATERIALIZED (
            SELECT n.place, n.words, n.signs, n.nth, count(DISTINCT n.value) AS numbers, min(n.example) AS example,
                   -- Seconds or milliseconds since 1970.
                   bool_and(n.value ~ '^(1[0-9]|20)[0-9]{8}$|^1[0-9]{12}$') AS of_time,
                   -- Numbers that rise from row to row in names and quantities are numbers of the rows: p1, p2, p3. With zeros before them (INV-000320)
                   -- such numbers begin with small ones.
                   10 * sum(n.falls) < sum(n.times) AND NOT (families[n.place] = 'text' AND NOT own_keys[n.place] AND min(n.value::numeric) > 3 * count(DISTINCT n.value) AND n.words ~ '[[:alpha:]]' AND bool_and(strpos(n.example, '0' || n.value) > 0)) AND NOT (n.signs <> '' AND bool_and(strpos(n.example, n.value || '@') > 0)) AND (
                       n.words ~ '[[:alpha:]][-_ #.+]*$'
                       -- In a value that PHP has serialised, the name is before the type: "page";i:5.
                       OR clone_internal.names_quantity(COALESCE(substring(n.words FROM '"([[:alpha:]_]+)";[ids]:[^[:alnum:]]*$'), substring(n.words FROM '([[:alpha:]_]+)[^[:alnum:]_]*$'), columns[n.place]::text))
                          -- "field": "entity_id", "value": 12
                          AND n.words !~ '"val(ue)?s?": ?[[{" ]*$'
                          AND NOT EXISTS (SELECT FROM regexp_split_to_table(n.words, '[^[:alpha:]_]+') w WHERE clone_internal.says_id(w) OR clone_internal.names_person(w))
                       OR n.words = '' AND families[n.place] = 'text' AND min(n.example) ~ '^[^[:alnum:]]*[0-9]+( *[[:alpha:]%€$]|$)') AS of_rows
            FROM number n GROUP BY 1, 2, 3, 4
        ), compared AS MATERIALIZED (
            SELECT n.place, n.words, n.signs, n.nth, h.target, count(DISTINCT n.value) FILTER (WHERE h.tenant = n.tenant) AS keys, count(DISTINCT n.tenant) FILTER (WHERE h.tenant = n.tenant) AS tenants, min(n.times) AS times,
                   -- A number that rows of several tenants have as their key says nothing.
                   count(*) FILTER (WHERE h.tenant <> n.tenant AND NOT EXISTS (SELECT FROM hit o WHERE o.target = h.target AND o.value = n.value AND o.tenant = n.tenant)) AS others
            FROM number n JOIN hit h ON h.value = n.value GROUP BY 1, 2, 3, 4, 5
        ), candidate AS MATERIALIZED (
            SELECT p.place, p.target, p.words, p.signs, p.nth, p.keys, p.tenants, s.numbers, s.example, s.of_time, 10 * p.keys >= 8 * s.numbers AS most
            FROM compared p JOIN seen s ON s.place = p.place AND s.words = p.words AND s.signs = p.signs AND s.nth = p.nth
            WHERE (NOT s.of_rows OR families[p.place] = 'text' AND EXISTS (SELECT FROM pg_class t CROSS JOIN LATERAL (SELECT clone_internal.table_word(t.relname) AS word) w WHERE t.oid = targets[p.target] AND lower(p.words) ~ ('(^|[^[:alpha:]])' || w.word || '([-_:/#.|=]+|(_?ids?)?";[is]:[^[:alnum:]]*)$')))
              AND p.others = 0
              -- Among letters there are digits by chance.
              AND CASE WHEN targets[p.target] = project THEN p.keys = s.numbers AND (p.tenants > 2 OR p.tenants = 2 AND p.times >= 8) AND p.words !~ '[[:alpha:]]$' ELSE p.tenants > 1 END
        ), counted AS MATERIALIZED (
            SELECT c.*, count(*) FILTER (WHERE c.most) OVER (PARTITION BY c.place, c.words, c.signs, c.nth) = 1 AS alone FROM candidate c
        ), enough AS MATERIALIZED (
            -- Small numbers are keys by chance, but not many of rows of the same tenants.
            SELECT c.* FROM counted c WHERE CASE WHEN c.nth > 0 THEN c.keys >= 12 AND c.most AND columns[c.place]::text !~* 'phone|mobile|fax|(^|_)tel' ELSE targets[c.target] = project OR c.keys >= 8 OR c.keys >= 4 AND c.most AND c.alone END
        ), covered AS MATERIALIZED (
            -- The numbers may be keys of several tables: [{"key": "inbox_id", "value": 5}, {"key": "team_id", "value": 7}].
            SELECT n.place, n.words, n.signs, n.nth, count(DISTINCT n.value) AS keys
            FROM enough e JOIN number n ON n.place = e.place AND n.words = e.words AND n.signs = e.signs AND n.nth = e.nth JOIN hit h ON h.value = n.value AND h.target = e.target GROUP BY 1, 2, 3, 4
        ), likely AS MATERIALIZED (
            SELECT e.* FROM enough e JOIN covered c ON c.place = e.place AND c.words = e.words AND c.signs = e.signs AND c.nth = e.nth WHERE 10 * c.keys >= 8 * e.numbers
        )
        SELECT l.place, (array_agg(l.target ORDER BY l.keys DESC, l.target))[1] AS first, array_agg(DISTINCT l.target) AS found, max(l.keys) AS keys, min(l.example) AS example,
               array_agg(DISTINCT COALESCE(substring(l.words FROM '([[:alpha:]_]+)[^[:alnum:]_]*$'), '')) AS words
        FROM likely l
        -- Not 030/4711, nor names of members that are lists and followed.
        CROSS JOIN LATERAL (SELECT columns[l.place]::text !~* 'phone|mobile|fax|(^|_)tel' AND members[l.place] NOT LIKE '%~%' AS beside_few) e
        -- Of a span, a ratio or a size, the first number alone may be a key by chance, but not the tenant of each row of many tenants.
        -- Numbers on lines of their own are none of these. A time beside a number is no other side of it, nor are a few numbers beside many keys:
        -- 12|>|5, 14:1.
        WHERE targets[l.target] = project AND l.tenants > 3 OR l.signs ~ E'\n' OR NOT EXISTS (SELECT FROM seen s WHERE s.place = l.place AND s.words = l.words AND s.nth = l.nth AND (l.of_time OR NOT s.of_time) AND NOT (e.beside_few AND l.keys >= 12 AND 3 * s.numbers <= l.numbers) AND NOT EXISTS (SELECT FROM likely o WHERE o.place = s.place AND o.words = s.words AND o.signs = s.signs AND o.nth = s.nth))
        GROUP BY l.place ORDER BY l.place
    LOOP
        CONTINUE WHEN families[c.place] = 'text' AND clone_internal.holds_names(relations[c.place], columns[c.place], targets[c.first]);
        PERFORM clone_internal.ask_about_numbers_of($1, relations[c.place], columns[c.place], families[c.place], ARRAY(SELECT targets[n] FROM unnest(c.found) n), ARRAY(SELECT keys[n] FROM unnest(c.found) n), c.keys, c.example, c.words, places);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_numbers_within(text, clone_internal.place[]) IS 'Records questions about numbers within values of any type that are keys of rows of the same tenant';
