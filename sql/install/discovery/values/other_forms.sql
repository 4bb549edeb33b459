-- Texts that name a row in another form than its key has: a tenant by a UUID in upper case, in braces or without hyphens, which is compared as
-- a text, so that such rows belong to nothing (references to a parent are found in any form); and any row in base64.

-- One form of a key, of a text as SQL: UUIDs as 32 digits, other texts in lower case, numbers without leading zeros.
CREATE FUNCTION clone_internal.one_form(value text, family text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $2 = 'int' THEN format('pg_catalog.regexp_replace(pg_catalog.btrim(%s), ''^[+]?0+(?=[0-9])'', '''')', $1)
                ELSE format('CASE WHEN %1$s OPERATOR(pg_catalog.~*) ''^[[:space:]]*([a-z]+:)*[{]?%2$s[}]?[[:space:]]*$''
                THEN pg_catalog.right(pg_catalog.translate(pg_catalog.lower(pg_catalog.btrim(%1$s)), ''{}-'', ''''), 32) ELSE pg_catalog.lower(pg_catalog.btrim(%1$s)) END', $1, clone_internal.uuid_pattern('-?')) END
$$;
COMMENT ON FUNCTION clone_internal.one_form(text, text) IS 'The form by which keys of a kind are compared without regard to letters and hyphens, as SQL';

CREATE FUNCTION clone_internal.ask_about_other_forms(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    rows bigint;
    example text;
BEGIN
    FOR c IN
        WITH ways AS (
            SELECT r.relation, r.project_column AS name, p.relation AS target, p.id_column AS key FROM clone.store_relation r
            JOIN clone.store_relation p ON p.store = $1 AND p.role = 'project' WHERE r.store = $1 AND r.role <> 'project'
        )
        SELECT w.*, clone_internal.family(k.atttypid) AS family, clone_internal.column_text('t', w.relation, w.name) AS value, clone_internal.column_text('k', w.target, w.key) AS keys
        FROM ways w JOIN pg_class r ON r.oid = w.relation AND r.relkind IN ('r', 'p') JOIN pg_class p ON p.oid = w.target AND p.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = w.relation AND a.attname = w.name AND NOT a.attisdropped AND clone_internal.base_type(a.atttypid) IN (25, 1043)
        JOIN pg_attribute k ON k.attrelid = w.target AND k.attname = w.key AND NOT k.attisdropped
        WHERE clone_internal.family(k.atttypid) IN ('uuid', 'text', 'int')
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.convalidated AND f.conrelid = w.relation AND f.conkey = ARRAY[a.attnum])
          AND NOT clone_internal.answered($1, w.relation, w.name, '$forms')
        ORDER BY w.relation::oid, w.name, w.target::oid
    LOOP
        EXECUTE format('SELECT count(*), min(s.x) FROM (SELECT s.x FROM (SELECT %1$s AS x FROM %2$s AS t WHERE t.%3$I IS NOT NULL) s WHERE NOT EXISTS (SELECT FROM %5$s AS k WHERE %4$s = s.x) LIMIT 100000) s
            WHERE %7$s IN (SELECT %8$s FROM %5$s AS k WHERE k.%6$I IS NOT NULL)', c.value, c.relation, c.name, c.keys, c.target, c.key,
            clone_internal.one_form('s.x', c.family), clone_internal.one_form(c.keys, c.family)) INTO rows, example;
        CONTINUE WHEN rows = 0;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$forms', 'error',
            format('%s rows of %s name in %s a row of %s in another form than its %I has, such as %s: they are not cloned. Store one form: UPDATE %2$s SET %3$s = …, with the text of %5$I, and check again', rows, c.relation, quote_ident(c.name), c.target,
                c.key, clone_internal.quoted(left(example, 60))),
            NULL, clone_internal.keep_call($1, c.relation, c.name, '$forms'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_other_forms(text) IS 'Records questions about texts that name a tenant in another form than its key has';

-- Keys that are UUIDs or texts, in base64. A clone keeps such values: it reads no base64.
CREATE FUNCTION clone_internal.ask_about_base64(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    targets regclass[];
    keys name[];
    families text[];
    places int[];
    texts text[];
    parts text[];
    c record;
    f record;
BEGIN
    SELECT array_agg(n.relation), array_agg(n.name), array_agg(n.family) INTO targets, keys, families
    FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family IN ('uuid', 'text');
    IF targets IS NULL THEN
        RETURN;
    END IF;
    FOR c IN
        SELECT t.relation, array_agg(t.name ORDER BY t.number) AS names, string_agg(clone_internal.column_text('t', t.relation, t.name), ', ' ORDER BY t.number) AS vals
        FROM clone_internal.taken_columns($1) t
        WHERE t.relkind IN ('r', 'p') AND t.role <> 'map' AND NOT clone_internal.answered($1, t.relation, t.name, '$forms')
          AND clone_internal.base_type(t.type) IN ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text[]'::regtype, 'varchar[]'::regtype, 'jsonb[]'::regtype)
        GROUP BY t.relation ORDER BY t.relation::oid
    LOOP
        EXECUTE format('SELECT array_agg(v.place), array_agg(b.plain) FROM %s AS t CROSS JOIN LATERAL unnest(ARRAY[%s]::text[]) WITH ORDINALITY AS v (value, place)
            CROSS JOIN LATERAL clone_internal.base64_texts(v.value) AS b (plain) WHERE v.value ~ $1', clone_internal.spread(c.relation, '*', 500), c.vals)
        INTO places, texts USING clone_internal.base64_pattern();
        CONTINUE WHEN texts IS NULL;
        -- The whole text, what is behind a separator, and UUIDs.
        parts := ARRAY(SELECT DISTINCT p.part FROM unnest(texts) t (plain) CROSS JOIN LATERAL (
            SELECT t.plain UNION ALL SELECT regexp_split_to_table(t.plain, '[:/|#=]+') UNION ALL SELECT lower(m[1]) FROM regexp_matches(t.plain, '(' || clone_internal.uuid_pattern('-') || ')', 'gi') m) p (part)
            WHERE length(p.part) > 5);
        FOR f IN
            WITH found AS MATERIALIZED (
                SELECT k.target, k.value FROM clone_internal.keys_of_tables(targets, keys, families, parts) k
            )
            SELECT c.names[u.place] AS name, array_agg(DISTINCT k.target) AS targets, count(DISTINCT k.value) AS keys, min(u.plain) AS example
            FROM unnest(places, texts) AS u (place, plain) JOIN found k ON strpos(lower(u.plain), lower(k.value)) > 0 GROUP BY u.place ORDER BY u.place
        LOOP
            PERFORM clone_internal.ask($1, c.relation, f.name, '$forms', 'error',
                format('%s.%I holds keys of %s in base64, such as that of %s: %s were found. A clone keeps them. Store them as they are, or make them in a query, and check again',
                    c.relation, f.name, array_to_string(f.targets, ' or '), clone_internal.quoted(left(f.example, 60)), f.keys),
                NULL, clone_internal.keep_call($1, c.relation, f.name, '$forms'));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_base64(text) IS 'Records questions about values that hold UUIDs or texts that are keys in base64';

-- The 16 bytes of a UUID, or texts with keys, in columns of type bytea, which a clone copies as they are.
CREATE FUNCTION clone_internal.ask_about_bytes(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    targets regclass[];
    keys name[];
    families text[];
    vals text[];
    c record;
    found record;
BEGIN
    SELECT array_agg(n.relation), array_agg(n.name), array_agg(n.family) INTO targets, keys, families
    FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family IN ('uuid', 'text');
    IF targets IS NULL THEN
        RETURN;
    END IF;
    FOR c IN
        SELECT t.relation, t.name, CASE WHEN clone_internal.base_type(t.type) = 'bytea'::regtype THEN format('ARRAY[t.%I::bytea]', t.name) ELSE format('t.%I::bytea[]', t.name) END AS vals
        FROM clone_internal.taken_columns($1) t
        WHERE t.relkind IN ('r', 'p') AND t.role <> 'map' AND clone_internal.base_type(t.type) IN ('bytea'::regtype, 'bytea[]'::regtype) AND NOT clone_internal.answered($1, t.relation, t.name, '$forms')
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = t.relation AND q."column" = t.name)
        ORDER BY t.relation::oid, t.number
    LOOP
        -- Texts with and without dashes.
        EXECUTE format('WITH stored AS MATERIALIZED (SELECT b FROM %2$s AS t CROSS JOIN LATERAL unnest(%1$s) AS b)
            SELECT array_agg(DISTINCT v.x::uuid::text) FROM (
                SELECT encode(s.b, ''hex'') AS x FROM stored s WHERE octet_length(s.b) = 16
                UNION ALL SELECT m[1] FROM stored s CROSS JOIN LATERAL regexp_matches(encode(substring(s.b FROM 1 FOR 4000), ''escape''), $1, ''gi'') AS m) v',
            c.vals, clone_internal.spread(c.relation, quote_ident(c.name), 500)) INTO vals USING '(' || clone_internal.uuid_pattern('-?') || ')';
        CONTINUE WHEN vals IS NULL;
        SELECT array_agg(DISTINCT k.target) AS targets, count(DISTINCT k.value) AS keys, min(k.value) AS example INTO found FROM clone_internal.keys_of_tables(targets, keys, families, vals[:1000]) k;
        CONTINUE WHEN found.keys < 2;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$forms', 'error',
            format('%s.%I holds keys of %s as bytes, such as %s: %s were found. A clone keeps them. Store them in a column of type uuid or text, and check again', c.relation, c.name, array_to_string(found.targets, ' or '), found.example, found.keys),
            NULL, clone_internal.keep_call($1, c.relation, c.name, '$forms'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_bytes(text) IS 'Records questions about columns of type bytea that hold UUIDs which are keys';

-- The bytes that a word says in hex or as a UUID, and in base64; NULL if it says none. A condition in WHERE may come after decode().
CREATE FUNCTION clone_internal.bytes_of_word(word text) RETURNS SETOF bytea
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN h ~ '^([0-9A-Fa-f]{2})+$' THEN decode(h, 'hex') END FROM regexp_replace(word, '^0?x|-', '', 'g') h
    UNION ALL
    SELECT CASE WHEN b ~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2,3})?$' THEN decode(b || repeat('=', 3 - (length(b) + 3) % 4), 'base64') END FROM translate(rtrim(word, '='), '-_', '+/') b
$$;
COMMENT ON FUNCTION clone_internal.bytes_of_word(text) IS 'The bytes of a word in hex, in base64, or of a UUID';

-- Keys of type bytea, as texts. A clone rewrites texts that are keys, and UUIDs.
CREATE FUNCTION clone_internal.ask_about_keys_of_bytes(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found bigint;
    example text;
    c record;
    k record;
BEGIN
    FOR k IN
        SELECT r.relation, a.attname AS name FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
        WHERE r.store = $1 AND clone_internal.base_type(a.atttypid) = 'bytea'::regtype
    LOOP
        FOR c IN
            SELECT t.relation, t.name FROM clone_internal.taken_columns($1) t
            WHERE t.relkind IN ('r', 'p') AND t.role IN ('rewrite', 'keep') AND NOT clone_internal.answered($1, t.relation, t.name, '$forms')
              AND (clone_internal.family(t.type) = 'text' OR clone_internal.base_type(t.type) IN ('json'::regtype, 'jsonb'::regtype, 'text[]'::regtype, 'varchar[]'::regtype, 'uuid'::regtype))
            ORDER BY t.relation::oid, t.number
        LOOP
            EXECUTE format('SELECT count(*), min(w.word) FROM (
                    SELECT DISTINCT m[1] AS word FROM %s AS t CROSS JOIN unnest(ARRAY[''([0-9A-Za-z+/-]{8,}={0,2})'', ''([0-9A-Za-z_-]{8,})'']) AS p (pattern)
                    CROSS JOIN LATERAL regexp_matches(left(t.%2$I::text, 4000), p.pattern, ''g'') AS m LIMIT 2000) w
                CROSS JOIN LATERAL clone_internal.bytes_of_word(w.word) AS b WHERE EXISTS (SELECT FROM %3$s AS k WHERE k.%4$I = b)',
                clone_internal.spread(c.relation, quote_ident(c.name), 500), c.name, k.relation, k.name) INTO found, example;
            CONTINUE WHEN found < 2;
            PERFORM clone_internal.ask($1, c.relation, c.name, '$forms', 'error',
                format('%s.%I holds keys of %s, which are bytes, as texts, such as %s: %s were found. A clone keeps them. Store them in a column of type bytea with clone.store_reference(…), and check again',
                    c.relation, c.name, k.relation, clone_internal.quoted(left(example, 60)), found),
                NULL, clone_internal.keep_call($1, c.relation, c.name, '$forms'));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_keys_of_bytes(text) IS 'Records questions about texts that name keys of type bytea';

-- The number that a text is in hexadecimal digits, or in digits and letters (base 36); NULL if it is none of a bigint.
CREATE FUNCTION clone_internal.number_of_base(digits text, base int) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    number bigint := 0;
    digit int;
BEGIN
    IF length(digits) > 11 THEN
        RETURN NULL;
    END IF;
    FOREACH digit IN ARRAY ARRAY(SELECT strpos('0123456789abcdefghijklmnopqrstuvwxyz', c) - 1 FROM regexp_split_to_table(lower(digits), '') c) LOOP
        IF digit NOT BETWEEN 0 AND base - 1 THEN
            RETURN NULL;
        END IF;
        number := number * base + digit;
    END LOOP;
    RETURN number;
END
$$;
COMMENT ON FUNCTION clone_internal.number_of_base(text, int) IS 'The number that a text is in base 16 or 36; NULL if it is none';

-- Numbers that are keys, in base 16 or 36, as short links have them: 255s is 100000.
CREATE FUNCTION clone_internal.ask_about_numbers_of_base(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    targets regclass[];
    keys name[];
    p record;
    numbers text[];
    t record;
    target regclass;
    own text;
    theirs text;
    same boolean;
BEGIN
    FOR p IN
        SELECT o.relation, o."column", o.vals[:100] AS vals FROM unnest($2) o
        WHERE o.path = '' AND o.family = 'text' AND cardinality(o.vals) >= 8
          AND NOT EXISTS (SELECT FROM unnest(o.vals[:100]) v WHERE v !~ '^[0-9A-Za-z]{2,11}$') AND EXISTS (SELECT FROM unnest(o.vals[:100]) v WHERE v ~ '[A-Za-z]') AND EXISTS (SELECT FROM unnest(o.vals[:100]) v WHERE v ~ '[0-9]')
          AND NOT clone_internal.answered($1, o.relation, o."column", '$forms')
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column")
        ORDER BY o.relation::oid, o."column"
    LOOP
        FOR base IN 16..36 BY 20 LOOP
            numbers := ARRAY(SELECT DISTINCT clone_internal.number_of_base(v, base)::text FROM unnest(p.vals) v);
            CONTINUE WHEN array_position(numbers, NULL) IS NOT NULL OR cardinality(numbers) < 8;
            IF targets IS NULL THEN
                SELECT array_agg(n.relation), array_agg(n.name) INTO targets, keys FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family = 'int' AND n.role <> 'project';
                IF targets IS NULL THEN
                    RETURN;
                END IF;
            END IF;
            target := NULL;
            own := clone_internal.tenant_sql($1, p.relation, 't');
            FOR t IN
                SELECT n.relation, n.name FROM unnest(targets, keys) AS n (relation, name)
                WHERE n.relation IN (SELECT f.target FROM clone_internal.keys_of_tables(targets, keys, array_fill('int'::text, ARRAY[cardinality(targets)]), numbers) f GROUP BY 1 HAVING count(DISTINCT f.value) = cardinality(numbers))
                ORDER BY pg_relation_size(n.relation), n.relation::oid
            LOOP
                -- Codes are keys of a table with many rows by chance, but not of rows of the same tenant.
                theirs := clone_internal.tenant_sql($1, t.relation, 'k');
                CONTINUE WHEN own LIKE '%.ctid::text' OR theirs LIKE '%.ctid::text';
                EXECUTE format('SELECT bool_and(s.own = s.theirs) AND count(DISTINCT s.own) > 1 FROM (SELECT (%s) COLLATE "C" AS own, (%s) COLLATE "C" AS theirs FROM %s AS t JOIN %s AS k ON k.%I = clone_internal.number_of_base(%s, %s)) s',
                    own, theirs, clone_internal.spread(p.relation, '*', 500), t.relation, t.name, clone_internal.column_text('t', p.relation, p."column"), base) INTO same;
                IF same THEN
                    target := t.relation;
                    EXIT;
                END IF;
            END LOOP;
            CONTINUE WHEN target IS NULL;
            PERFORM clone_internal.ask($1, p.relation, p."column", '$forms', 'error',
                format('%s.%I holds keys of %s in base %s, such as %s: all %s values that were looked at. A clone keeps them. Store them as they are, or make them in a query, and check again', p.relation, p."column", target, base, clone_internal.quoted(p.vals[1]), cardinality(p.vals)),
                NULL, clone_internal.keep_call($1, p.relation, p."column", '$forms'));
            EXIT;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_numbers_of_base(text, clone_internal.place[]) IS 'Records questions about texts that are keys in base 16 or 36';
