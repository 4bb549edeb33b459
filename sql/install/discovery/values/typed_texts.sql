-- Keys beside the name of their table in one text (post:5, gid://app/Post/5), and in the values of named settings (default_user: 5).

-- The words of a store's tables that texts name, with their keys.
CREATE FUNCTION clone_internal.typed_keys(store text) RETURNS TABLE (word text, relation regclass, key name)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH named AS MATERIALIZED (
        SELECT n.relation, n.name, n.role, c.relname FROM clone_internal.naming_columns($1) n JOIN pg_class c ON c.oid = n.relation WHERE n.is_id AND n.family = 'int'
    ), prefix AS MATERIALIZED (
        -- team:5 for sentry_team.
        SELECT p AS prefix FROM clone_internal.common_prefixes(ARRAY(SELECT c.relname::text FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation WHERE r.store = $1)) p
    )
    SELECT DISTINCT ON (lower(x.word)) lower(x.word), n.relation, n.name
    FROM named n CROSS JOIN LATERAL (
        SELECT t.word, 0 AS cut FROM unnest(clone_internal.type_names(n.relation)) AS t (word)
        UNION ALL
        SELECT f.word, 1 FROM prefix p CROSS JOIN LATERAL (SELECT clone_internal.singular(clone_internal.snake(substr(n.relname, length(p.prefix) + 1))) AS rest) s CROSS JOIN LATERAL (VALUES (s.rest), (replace(s.rest, '_', ''))) AS f (word)
        WHERE starts_with(n.relname, p.prefix) AND s.rest <> ''
        UNION ALL
        -- Without the name of a module, where no other table has the rest: move:5 for account_move.
        SELECT f.word, 2 FROM (SELECT clone_internal.singular(substring(clone_internal.snake(n.relname) FROM '^[^_]+_(.{3,})$')) AS rest) s CROSS JOIN LATERAL (VALUES (s.rest), (replace(s.rest, '_', ''))) AS f (word)
        WHERE NOT EXISTS (SELECT FROM named o WHERE o.relation <> n.relation AND clone_internal.singular(clone_internal.snake(o.relname)) ~ ('(^|_)' || s.rest || '$'))) x
    ORDER BY lower(x.word), x.cut, n.role = 'project', n.relation::oid
$$;
COMMENT ON FUNCTION clone_internal.typed_keys(text) IS 'The words by which texts name tables of a store whose keys are numbers';

-- What stands between the name of a table and a key, as a regular expression.
CREATE FUNCTION clone_internal.typed_separators() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '[:;/#|=@.~_,"({>-]+' $$;
COMMENT ON FUNCTION clone_internal.typed_separators() IS 'What may stand between the name of a table and a key of it in a text, as a regular expression';

-- Values of a column that hold the name of a table and a key of it. form: '' for texts of the column, '[]' for elements of its array, '$' for
-- strings in its documents, or the path of names of members.
CREATE TYPE clone_internal.typed_text AS (
    relation regclass, "column" name, form text, target regclass,
    words text[], separators text, example text,
    -- Whether each of these values has one number; and whether all values of this form hold keys of this table.
    exact boolean, always boolean
);

CREATE FUNCTION clone_internal.typed_texts(store text, places clone_internal.place[]) RETURNS SETOF clone_internal.typed_text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    k record;
    theirs text;
    own text;
    same bigint;
    others bigint;
    -- The text columns of the table, as SQL.
    named text;
    is_name boolean;
    -- Columns and forms in which names of tables stand before keys: one key of a further table is enough there.
    told text[] := '{}';
BEGIN
    FOR k IN
        WITH form AS (
            SELECT p.relation, p."column", p.family, CASE WHEN p.path LIKE '%~' THEN p.path WHEN p.family = 'text[]' THEN '[]' WHEN p.path = '' AND p.family <> 'json' THEN '' ELSE '$' END AS form, v AS value
            FROM unnest($2) p CROSS JOIN LATERAL unnest(p.vals) v WHERE p.family IN ('text', 'text[]', 'json', 'text of another type')
        ), token AS (
            -- Post-5, account.account,5, Spree::Order#5, "Post"#5
            SELECT f.*, rtrim(m[1], '_') AS name, m[2] AS number, (SELECT count(*) FROM regexp_matches(f.value, '(?:^|[^A-Za-z0-9])[0-9]+(?![A-Za-z0-9_])', 'g')) = 1 AS alone
            FROM form f CROSS JOIN LATERAL regexp_matches(f.value, '(?:^|[^A-Za-z0-9_])([A-Za-z][A-Za-z_]*(?:(?:[.]|::|-)[A-Za-z_]+)*)' || clone_internal.typed_separators() || '([0-9]{1,18})(?![A-Za-z0-9_])', 'g') m
        ), named AS MATERIALIZED (
            -- The name of a table in the plural (/posts/5), or that of a column (post_id=5); the whole name or what is behind a module.
            SELECT DISTINCT ON (n.name) n.name, CASE WHEN v.whole THEN n.name ELSE v.word END AS word, t.word AS named
            FROM (SELECT DISTINCT o.name FROM token o) n
            CROSS JOIN LATERAL (VALUES (n.name, true), (substring(n.name FROM '[^.:-]+$'), false)) AS v (word, whole)
            CROSS JOIN LATERAL (SELECT lower(regexp_replace(regexp_replace(v.word, '(_id|Id|ID)$', ''), '[.:-]+', '_', 'g')) AS plain) p
            JOIN clone_internal.typed_keys($1) t ON t.word IN (p.plain, lower(clone_internal.singular(p.plain)))
            ORDER BY n.name, v.whole DESC, t.word = p.plain DESC
        ), typed AS (
            SELECT o.relation, o."column", o.form, t.relation AS target, t.key, array_agg(DISTINCT n.word) AS words, array_agg(DISTINCT o.number) AS numbers, bool_and(o.alone) AS alone,
                   -- order_items/5 is no chance, nor are the names of three tables.
                   bool_or(n.named ~ '[a-z]_[a-z]' OR regexp_replace(n.word, '(_id|Id|ID)$', '') ~ '[a-z][A-Z]') AS certain, count(*) OVER (PARTITION BY o.relation, o."column", o.form) AS several, min(o.value) AS example, array_agg(o.value) AS vals, array_agg(o.number) AS of_vals,
                   count(DISTINCT o.value) AS typed, 
                   -- Other values of that form may have other ones.
                   (SELECT string_agg(DISTINCT x, '' ORDER BY x) FROM unnest(array_agg(DISTINCT o.value) || ARRAY[':;/#|=@.~_-?&, "(){}<>']) w CROSS JOIN LATERAL regexp_split_to_table(w, '') x WHERE x ~ '[^A-Za-z0-9]') AS separators
            FROM token o JOIN named n ON n.name = o.name JOIN clone_internal.typed_keys($1) t ON t.word = n.named GROUP BY 1, 2, 3, 4, 5
        )
        SELECT t.*, t.typed = (SELECT count(DISTINCT f.value) FROM form f WHERE f.relation = t.relation AND f."column" = t."column" AND f.form = t.form) AS always
        FROM typed t WHERE cardinality(t.numbers) > 1 OR t.certain OR t.several >= 3 OR EXISTS (SELECT FROM typed o WHERE o.relation = t.relation AND o."column" = t."column" AND o.form = t.form AND cardinality(o.numbers) > 1)
        ORDER BY t.relation::oid, t."column", t.form, cardinality(t.numbers) > 1 DESC, t.target::oid
    LOOP
        CONTINUE WHEN cardinality(k.numbers) = 1 AND NOT k.certain AND k.several < 3 AND ROW(k.relation::oid, k."column", k.form)::text <> ALL (told);
        -- Keys of rows that were deleted may stay.
        CONTINUE WHEN 10 * (SELECT count(DISTINCT f.value) FROM clone_internal.keys_among(k.target, k.key, 'int', k.numbers) f) < 8 * cardinality(k.numbers);
        own := clone_internal.tenant_sql($1, k.relation, 't');
        theirs := clone_internal.tenant_sql($1, k.target, 'k');
        IF own NOT LIKE '%.ctid::text' AND theirs NOT LIKE '%.ctid::text' THEN
            -- Small numbers are keys by chance, but not of rows of the same tenant.
            EXECUTE format('SELECT count(*) FILTER (WHERE s.own COLLATE "C" = s.theirs COLLATE "C"), count(*) FROM (
                    SELECT %s AS own, %s AS theirs FROM %s AS t CROSS JOIN LATERAL regexp_matches(left(%s, 20000), %L, ''g'') AS m (match) JOIN %s AS k ON %s) s WHERE s.own <> ALL (clone_internal.in_place_of_null())',
                own, theirs, clone_internal.spread(k.relation, '*', 2000), clone_internal.column_text('t', k.relation, k."column"), format('(?:^|[^A-Za-z0-9_])(?:%s)%s([0-9]{1,18})(?![A-Za-z0-9_])', array_to_string(k.words, '|'), clone_internal.typed_separators()),
                k.target, clone_internal.equals_text('k', k.target, k.key, 'm.match[1]')) INTO same, others;
            CONTINUE WHEN 10 * same < 8 * others;
        END IF;
        -- The name of a row that has its number in it, such as post-5, stays: its copies do, too.
        SELECT string_agg(clone_internal.column_text('k', a.attrelid, a.attname), ', ') INTO named
        FROM pg_attribute a WHERE a.attrelid = k.target AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'text';
        IF named IS NOT NULL THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM unnest($1, $2) AS v (value, number) JOIN %s AS k ON %s WHERE v.value COLLATE "C" = ANY (ARRAY[%s]))', k.target, clone_internal.equals_text('k', k.target, k.key, 'v.number'), named)
            INTO is_name USING k.vals, k.of_vals;
            CONTINUE WHEN is_name;
        END IF;
        told := told || ROW(k.relation::oid, k."column", k.form)::text;
        RETURN NEXT ROW(k.relation, k."column", k.form, k.target, k.words, k.separators, k.example, k.alone, k.always)::clone_internal.typed_text;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.typed_texts(text, clone_internal.place[]) IS 'Columns whose texts or documents hold the name of a table and a key of it';

-- A value with the name of a table, a key of it and no other number, as a regular expression without anchors.
CREATE FUNCTION clone_internal.typed_pattern(words text[], separator text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('(([^0-9]|[A-Za-z][0-9]+)*[^A-Za-z0-9_])?(%s)%s[0-9]+([^A-Za-z0-9_]([^0-9]|[A-Za-z][0-9]+)*)?', array_to_string($1, '|'), $2) $$;
COMMENT ON FUNCTION clone_internal.typed_pattern(text[], text) IS 'The form of texts that hold one of these words and one number after it, as a regular expression';

CREATE FUNCTION clone_internal.ask_about_typed_texts(store text, typed clone_internal.typed_text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    label text;
BEGIN
    FOR c IN
        SELECT k.relation, k."column" AS name, k.form, string_agg(k.target::text, ', ' ORDER BY k.number) AS targets, (array_agg(k.example ORDER BY k.number))[1] AS example,
               string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L%s, separators => %L%s);', $1, k.relation, k."column", k.target, CASE WHEN f.path <> '' THEN format(', path => %L', f.path) ELSE '' END,
                                 k.separators || CASE WHEN k.form = '[]' THEN '{},"' ELSE '' END, CASE WHEN k.form = '' THEN format(', condition => %L', f.condition) ELSE '' END), ' ' ORDER BY k.number) AS calls
        FROM (SELECT t.*, row_number() OVER (ORDER BY t.target::oid) AS number FROM unnest($2) t) k
        CROSS JOIN LATERAL (SELECT
            CASE WHEN k.form = '$' THEN format('$..[?match(@, ''%s'')]', clone_internal.typed_pattern(k.words, clone_internal.typed_separators())) WHEN k.form LIKE '$%' THEN k.form ELSE '' END AS path,
            format('%s OPERATOR(pg_catalog.~) %L', clone_internal.column_text(NULL, k.relation, k."column"), '^' || clone_internal.typed_pattern(k.words, clone_internal.typed_separators()) || '$') AS condition) f
        -- In an array and among names of members, nothing says which of the values are keys.
        WHERE k.exact AND (k.form IN ('', '$') OR k.always)
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = k.relation AND d."column" = k."column" AND d.target = k.target AND d.path = f.path)
        GROUP BY 1, 2, 3 ORDER BY k.relation::oid, 2, 3
    LOOP
        label := CASE c.form WHEN '$' THEN '$..[?@]' WHEN '[]' THEN '' ELSE c.form END;
        CONTINUE WHEN clone_internal.answered($1, c.relation, c.name, label);
        PERFORM clone_internal.ask($1, c.relation, c.name, label, 'error', format('%s.%I holds names of tables with keys of %s, such as %s', c.relation, c.name, c.targets, clone_internal.quoted(left(c.example, 60))),
            c.calls, clone_internal.keep_call($1, c.relation, c.name, label));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_typed_texts(text, clone_internal.typed_text[]) IS 'Records questions about values that hold the name of a table and a key of it';

-- Whether texts with such keys are lists for programs, such as the scopes of a token (project:12 task:34), and no prose.
CREATE FUNCTION clone_internal.lists_typed_keys(relation regclass, "column" name, form text, example text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Each part has a sign within it.
    pattern text := '^\s*[^\s,;]*[[:alnum:]][:/#|=@.~_-]+[[:alnum:]*][^\s,;]*([\s,;]+[^\s,;]*[[:alnum:]][:/#|=@.~_-]+[[:alnum:]*][^\s,;]*)*\s*$';
    share numeric;
BEGIN
    IF form <> '' THEN
        RETURN example ~ pattern;
    END IF;
    IF EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = clone_internal.base_type(a.atttypid) WHERE a.attrelid = relation AND a.attname = "column" AND t.typname = 'hstore') THEN
        RETURN true;
    END IF;
    EXECUTE format('SELECT avg(CASE WHEN s.x ~ $1 THEN 1 ELSE 0 END) FROM (SELECT %s COLLATE "C" AS x FROM %s AS t WHERE t.%I IS NOT NULL) s WHERE s.x ~ ''[A-Za-z_][:;/#|=@.~_-]+[0-9]''',
        clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, quote_ident("column"), 500), "column") INTO share USING pattern;
    RETURN COALESCE(share >= 0.9, false);
END
$$;
COMMENT ON FUNCTION clone_internal.lists_typed_keys(regclass, name, text, text) IS 'Whether texts with names of tables and keys are lists for programs, and no prose';

-- Those that no declaration can follow are said.
CREATE FUNCTION clone_internal.ask_about_typed_prose(store text, typed clone_internal.typed_text[]) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    -- What cannot be followed as the value of a generated column is not followed by its number.
    DELETE FROM clone.store_question q USING clone.store_question o
    WHERE q.store = $1 AND q.path = '$..[?@]' AND o.store = $1 AND o.relation = q.relation AND o."column" = q."column" AND o.path <> q.path AND o.severity = 'error' AND o.answer IS NULL;
    SELECT clone_internal.ask($1, k.relation, k."column", '', CASE WHEN bool_or(k.form LIKE '%~' OR k.lists) THEN 'error' ELSE 'warning' END,
        format('%s.%I holds names of tables with keys of %s within longer texts, such as %s: clones keep them', k.relation, k."column", string_agg(DISTINCT k.target::text, ', '), clone_internal.quoted(left(min(k.example), 60)))
            -- Names are no prose: who looks for a row's member finds none.
            || CASE WHEN bool_or(k.form LIKE '%~') THEN '. They are names of members, and no declaration says which of these are keys of which table'
                    -- They say who may do something with the source's rows.
                    WHEN bool_or(k.lists) THEN '. They are no prose, and no declaration says which number in a list is a key of which table: give the clone other texts by an SQL expression over the row, clone.store_column(…, ''expression'', value => …), or none' ELSE '' END,
        CASE WHEN NOT bool_or(k.form LIKE '%~' OR k.lists) THEN clone_internal.keep_call($1, k.relation, k."column", '') END, CASE WHEN bool_or(k.form LIKE '%~' OR k.lists) THEN clone_internal.keep_call($1, k.relation, k."column", '') END)
    FROM (SELECT t.*, clone_internal.lists_typed_keys(t.relation, t."column", t.form, t.example) AS lists FROM unnest($2) t WHERE NOT (t.exact AND (t.form IN ('', '$') OR t.always))) k
    WHERE NOT clone_internal.answered($1, k.relation, k."column", '')
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = k.relation AND q."column" = k."column")
    GROUP BY k.relation, k."column"
$$;
COMMENT ON FUNCTION clone_internal.ask_about_typed_prose(text, clone_internal.typed_text[]) IS 'Warns of keys beside the name of their table that clones keep';

-- Settings whose names say no table, and of which all values are keys of rows of the same tenant: the setting and the table. Only where that
-- is no chance, by the number of values, of tenants, and of numbers that are keys.
CREATE FUNCTION clone_internal.settings_with_keys(store text, relation regclass, "column" name, called name, settings text[], lists boolean DEFAULT false) RETURNS SETOF clone_internal.found_key
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    own text := clone_internal.tenant_sql(store, relation, 't');
    rows text;
    s record;
    t record;
    seen record;
    called_word text;
    -- All words of the name in the singular.
    called_words text;
    fits regclass[];
BEGIN
    IF own LIKE '%.ctid::text' OR settings = '{}' THEN
        RETURN;
    END IF;
    rows := format('(SELECT %s AS kind, %s AS x, %s AS own FROM %s AS t%s WHERE t.%I IS NOT NULL)', clone_internal.column_text('t', relation, $4), CASE WHEN lists THEN 'e.x COLLATE "C"' ELSE clone_internal.column_text('t', relation, $3) END, own,
        clone_internal.spread(relation, '*', 50000), CASE WHEN lists THEN format(' CROSS JOIN LATERAL (SELECT DISTINCT m[1] AS x FROM regexp_matches(%s, ''[0-9]+'', ''g'') m) AS e', clone_internal.column_text('t', relation, $3)) ELSE '' END, $3);
    FOR s IN EXECUTE format('SELECT s.kind, (array_agg(DISTINCT s.x))[:100] AS vals FROM %s AS s WHERE s.kind = ANY ($1) AND lower(s.x) <> ALL (clone_internal.in_place_of_null()) GROUP BY 1 HAVING count(DISTINCT s.x) >= 3 AND count(DISTINCT s.own) >= 2 OR clone_internal.says_id(ltrim(s.kind, ''_'')) ORDER BY 1', rows) USING settings LOOP
        called_word := clone_internal.named_word(regexp_replace(s.kind, '[^A-Za-z0-9_]+', '_', 'g'));
        called_words := (SELECT string_agg(clone_internal.singular(w), '_' ORDER BY n) FROM regexp_split_to_table(clone_internal.snake(s.kind), '[^[:alnum:]]+|_') WITH ORDINALITY AS x (w, n));
        CONTINUE WHEN clone_internal.names_quantity(s.kind);
        fits := '{}';
        FOR t IN
            SELECT f.target, n.key, w.named, w.within FROM (SELECT array_agg(l.relation) AS tables, array_agg(l.key) AS keys, array_agg(l.family) AS families FROM clone_internal.listed_keys($1) l
                                         WHERE l.described AND l.family = 'int' AND NOT clone_internal.has_key_of_another($1, l.relation, l.key)) l
            CROSS JOIN LATERAL clone_internal.keys_of_tables(l.tables, l.keys, l.families, s.vals) f JOIN unnest(l.tables, l.keys) AS n (relation, key) ON n.relation = f.target
            -- triage_user_ids: of users.
            CROSS JOIN LATERAL (SELECT length(o.word) > 2 AND clone_internal.ends_with_word(called_word, o.word) AS named,
                                       -- sidebar.groups.order: of groups, if several tables have all values as their keys.
                                       strpos('_' || called_words || '_', '_' || o.word || '_') > 0 AS within FROM (SELECT clone_internal.table_word(d.relname) AS word FROM pg_class d WHERE d.oid = f.target) o) w
            GROUP BY 1, 2, w.named, w.within HAVING count(DISTINCT f.value) = cardinality(s.vals) ORDER BY w.named DESC, w.within DESC, pg_relation_size(f.target), f.target::oid
        LOOP
            EXECUTE format('SELECT COALESCE(bool_and(EXISTS (SELECT FROM %s AS k WHERE %s AND %s COLLATE "C" = s.own COLLATE "C")), false) AS same, count(DISTINCT s.x) AS vals, count(DISTINCT s.own) AS tenants FROM %s AS s WHERE s.kind = $1 AND lower(s.x) <> ALL (clone_internal.in_place_of_null())',
                t.target, clone_internal.equals_text('k', t.target, t.key, 's.x'), clone_internal.tenant_sql($1, t.target, 'k'), rows) INTO seen USING s.kind;
            IF seen.same AND (t.named OR seen.vals >= 3 AND seen.tenants >= 2 AND (clone_internal.share_of_numbers(t.target, t.key) / seen.tenants) ^ LEAST(seen.vals, 40) < 0.001) THEN
                fits := fits || t.target;
                EXIT WHEN t.named OR t.within OR cardinality(fits) > 1;
            END IF;
        END LOOP;
        -- Of several whose keys they are, nothing says which, unless the first one is named.
        IF fits <> '{}' THEN
            RETURN NEXT ROW(CASE WHEN cardinality(fits) = 1 OR t.named OR t.within THEN fits[cardinality(fits)] END, s.kind)::clone_internal.found_key;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.settings_with_keys(text, regclass, name, name, text[], boolean) IS 'Settings whose names say no table, and of which all values, or all numbers in them, are keys of rows of the same tenant; the table is NULL where several fit';

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
    -- Names of which the values are lists.
    lists text[];
    of_target text[];
    -- Names whose table is known, those of which all values are the row's own tenant, and those of which several tables have all values as keys.
    known text[];
    of_tenant text[];
    unclear text[];
    project regclass := (SELECT r.relation FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column AND clone_internal.family(a.atttypid) = 'int' WHERE r.store = $1 AND r.role = 'project');
    own text;
    theirs text;
    calls text;
    names text;
    separators text;
BEGIN
    FOR c IN
        SELECT p.relation, p."column" AS name, p.family, n.attname AS called, p.known, CASE WHEN p.known IS NULL THEN '' ELSE '$settings' END AS label
        FROM (SELECT o.relation, o."column", o.family, NULL AS known FROM unnest($2) o WHERE o.path = ''
              UNION ALL
              -- The rows that no declaration is about, such as those of settings that came later.
              SELECT d.relation, d."column", clone_internal.family(a.atttypid), string_agg(format(E'(SELECT %s\n FROM (SELECT t.*) AS o) IS NOT TRUE', d.condition), ' AND ' ORDER BY d.id)
              FROM clone.store_reference d JOIN pg_class k ON k.oid = d.relation AND k.relkind IN ('r', 'p') JOIN pg_attribute a ON a.attrelid = d.relation AND a.attname = d."column"
              WHERE d.store = $1 AND d.form <> 'json' AND NOT clone_internal.answered($1, d.relation, d."column", '$settings')
              GROUP BY 1, 2, 3 HAVING bool_and(d.condition IS NOT NULL AND d.type_column IS NULL)) p
        -- A name, or the number of a field that a table of fields explains.
        JOIN pg_attribute n ON n.attrelid = p.relation AND n.attnum > 0 AND NOT n.attisdropped AND n.attname <> p."column"
         AND (clone_internal.family(n.atttypid) = 'text' AND clone_internal.snake(n.attname) ~ '^(.*_)?(key|name|code|field|setting|option|option_name|attribute|attr|property|prop|param|parameter|schluessel|schlüssel|eigenschaft|einstellung|clave|chave|clef?|clé|sleutel)$'
              -- claim_type beside claim_value.
              OR clone_internal.family(n.atttypid) = 'text' AND clone_internal.snake(n.attname) ~ '._type$' AND clone_internal.snake(p."column") = regexp_replace(clone_internal.snake(n.attname), '_type$', '_value')
              OR clone_internal.family(n.atttypid) = 'int' AND clone_internal.snake(n.attname) ~ '(^|_)(field|attribute|attr|property|prop|param|parameter|setting|option|question|column)(_type|_kind|_definition|_def)?_(id|no|nr|number)$')
        WHERE p.family IN ('text', 'int') AND clone_internal.snake(p."column") ~ '^(.*_)?(value|val|data|content|int_value|value_int|number|wert|valor|valeur|valore|waarde)$'
        ORDER BY p.relation::oid, p."column", n.attnum
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = c.relation AND q."column" = c.name AND q.path = c.label);
        EXECUTE format('SELECT array_agg(s.kind) FROM (SELECT %s AS kind FROM %s AS t WHERE t.%I IS NOT NULL%s GROUP BY 1 HAVING bool_and(%s COLLATE "C" ~ ''^([0-9]{1,18}|null|none|)$'') ORDER BY 1 LIMIT 300) s',
            clone_internal.column_text('t', c.relation, c.called), clone_internal.spread(c.relation, '*', 50000), c.name, ' AND ' || c.known, clone_internal.column_text('t', c.relation, c.name)) INTO kinds;
        kinds := COALESCE(kinds, '{}');
        lists := '{}';
        IF c.family = 'text' THEN
            -- Lists of numbers: 3|7, 3,7,12.
            EXECUTE format('SELECT array_agg(s.kind) FROM (SELECT %s AS kind FROM %s AS t WHERE t.%I IS NOT NULL%s GROUP BY 1 HAVING bool_and(%5$s COLLATE "C" ~ %6$L) AND bool_or(%5$s COLLATE "C" ~ ''[0-9][^0-9]+[0-9]'') ORDER BY 1 LIMIT 300) s',
                clone_internal.column_text('t', c.relation, c.called), clone_internal.spread(c.relation, '*', 50000), c.name, ' AND ' || c.known, clone_internal.column_text('t', c.relation, c.name),
                '^([^0-9[:alpha:]]*|null|none|[^0-9[:alpha:]]*[1-9][0-9]{0,17}([],;|/ [{}+&"-]+[1-9][0-9]{0,17})*[^0-9[:alpha:]]*)$') INTO lists;
            lists := COALESCE(lists, '{}');
        END IF;
        CONTINUE WHEN kinds = '{}' AND lists = '{}';
        own := clone_internal.tenant_sql($1, c.relation, 't');
        own := CASE WHEN own LIKE '%.ctid::text' THEN 'NULL::text' ELSE own END;
        words := ARRAY(SELECT w FROM clone_internal.words_of_tables($1, ARRAY(SELECT clone_internal.named_word(regexp_replace(k, '[^A-Za-z0-9_]+', '_', 'g')) FROM unnest(kinds) k)) w);
        calls := '';
        names := NULL;
        known := '{}';
        -- Small numbers are tenants by chance, but not in the rows of several.
        EXECUTE format('SELECT ARRAY(SELECT s.kind FROM (SELECT %s AS kind, %s AS x, %s AS own FROM %s AS t WHERE %1$s = ANY ($1)) s GROUP BY 1 HAVING bool_and(s.x COLLATE "C" = s.own COLLATE "C") AND (count(DISTINCT s.own) > 2 OR count(DISTINCT s.own) = 2 AND count(*) >= 8) ORDER BY 1)',
            clone_internal.column_text('t', c.relation, c.called), clone_internal.column_text('t', c.relation, c.name), own, clone_internal.spread(c.relation, CASE WHEN own LIKE '%.ctid::text' THEN '*, ctid' ELSE '*' END, 50000))
        INTO of_tenant USING CASE WHEN project IS NULL THEN '{}' ELSE kinds END;
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
            -- A name whose values all are keys there, of rows of the same tenant, and at least one.
            theirs := clone_internal.tenant_sql($1, s.target, 'k');
            EXECUTE format('SELECT ARRAY(SELECT s.kind FROM (SELECT %s AS kind, %s AS x, %s AS own FROM %s AS t WHERE %1$s = ANY ($1)) s WHERE lower(s.x) <> ALL (clone_internal.in_place_of_null()) GROUP BY 1 HAVING bool_and(EXISTS (SELECT FROM %5$s AS k WHERE %6$s AND %7$s)) ORDER BY 1)',
                clone_internal.column_text('t', c.relation, c.called), clone_internal.column_text('t', c.relation, c.name), own, clone_internal.spread(c.relation, '*', 50000), s.target, clone_internal.equals_text('k', s.target, s.id_column, 's.x'),
                CASE WHEN own = 'NULL::text' OR theirs LIKE '%.ctid::text' THEN 'true' ELSE format('(s.own = ANY (clone_internal.in_place_of_null()) OR s.own COLLATE "C" = %s COLLATE "C")', theirs) END) INTO of_target USING s.kinds;
            of_target := ARRAY(SELECT k FROM unnest(of_target) k WHERE k <> ALL (known));
            CONTINUE WHEN of_target = '{}';
            known := known || of_target;
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, condition => %L); ', $1, c.relation, c.name, s.target,
                format('%s OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.text[])', clone_internal.column_text(NULL, c.relation, c.called), of_target));
            names := concat_ws(', ', names, format('%s (%s)', s.target, array_to_string(of_target, ', ')));
        END LOOP;
        unclear := '{}';
        FOR s IN
            SELECT f.target, array_agg(f.value ORDER BY f.value) AS kinds FROM clone_internal.settings_with_keys($1, c.relation, c.name, c.called, ARRAY(SELECT k FROM unnest(kinds) k WHERE k <> ALL (known))) f WHERE f.value <> ALL (of_tenant) GROUP BY 1
            UNION ALL SELECT project, of_tenant WHERE of_tenant <> '{}' ORDER BY 1
        LOOP
            IF s.target IS NULL THEN
                unclear := s.kinds;
                CONTINUE;
            END IF;
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, condition => %L); ', $1, c.relation, c.name, s.target,
                format('%s OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.text[])', clone_internal.column_text(NULL, c.relation, c.called), s.kinds));
            names := concat_ws(', ', names, format('%s (%s)', s.target, array_to_string(s.kinds, ', ')));
        END LOOP;
        FOR s IN SELECT f.target, array_agg(f.value ORDER BY f.value) AS kinds FROM clone_internal.settings_with_keys($1, c.relation, c.name, c.called, lists, true) f GROUP BY 1 ORDER BY f.target::oid LOOP
            IF s.target IS NULL THEN
                unclear := unclear || s.kinds;
                CONTINUE;
            END IF;
            EXECUTE format('SELECT string_agg(DISTINCT e.x, '''' ORDER BY e.x) FROM %s AS t CROSS JOIN LATERAL regexp_split_to_table(%s, '''') AS e (x) WHERE %s = ANY ($1) AND e.x ~ ''[^0-9[:alpha:]]''',
                clone_internal.spread(c.relation, '*', 50000), clone_internal.column_text('t', c.relation, c.name), clone_internal.column_text('t', c.relation, c.called)) INTO separators USING s.kinds;
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, separators => %L, condition => %L); ', $1, c.relation, c.name, s.target, separators,
                format('%s OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.text[])', clone_internal.column_text(NULL, c.relation, c.called), s.kinds));
            names := concat_ws(', ', names, format('%s (%s)', s.target, array_to_string(s.kinds, ', ')));
        END LOOP;
        CONTINUE WHEN names IS NULL AND unclear = '{}';
        PERFORM clone_internal.ask($1, c.relation, c.name, c.label, 'error', format('%s.%I holds keys in rows with certain values of %I%s', c.relation, c.name, c.called, ': of ' || names)
                || CASE WHEN unclear = '{}' THEN '' ELSE format('. Those in rows with %s are keys of several tables, and the data do not say which is meant. Say it with clone.store_reference(…, condition => …)%s', array_to_string(unclear, ', '), '; the others: ' || NULLIF(rtrim(calls), '')) END,
            CASE WHEN unclear = '{}' THEN rtrim(calls) END, clone_internal.keep_call($1, c.relation, c.name, c.label));
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
    roots boolean[];
    calls text;
    names text;
    given text;
    condition text;
    label text := '$..[?@[0]][1]';
BEGIN
    FOR c IN
        SELECT o.relation, o.name, o.family, a.atttypid = 'jsonb'::regtype AS plain FROM clone_internal.open_columns($1) o JOIN pg_attribute a ON a.attrelid = o.relation AND a.attname = o.name
        WHERE o.family IN ('json', 'text') AND o.relkind IN ('r', 'p') AND NOT clone_internal.answered($1, o.relation, o.name, label) ORDER BY o.relation::oid, o.name
    LOOP
        -- Few texts have such an array.
        EXECUTE format(E'SELECT array_agg(p.kind), array_agg(p.value), array_agg(p.root) FROM (SELECT DISTINCT v.v->>0 AS kind, v.v->>1 AS value, jsonb_typeof(d.x) = \'array\' AND v.v = d.x AS root
                FROM (SELECT %s AS x FROM (SELECT t.%I AS x FROM %s AS t WHERE t.%2$I IS NOT NULL ORDER BY hashint8(row_number() OVER ()) LIMIT 500) AS t WHERE t.x::text COLLATE "C" ~ \'[[]"[A-Za-z_.:]+", *"?[0-9]+"?[]]\' AND length(t.x::text) < 20000) AS d
                CROSS JOIN LATERAL jsonb_path_query(d.x, \'strict $.** ? (@.type() == "array" && @.size() == 2)\', silent => true) AS v (v)
                WHERE jsonb_typeof(v.v->0) = \'string\' AND v.v->>1 ~ \'^[0-9]{1,18}$\') AS p',
            CASE WHEN c.plain THEN 't.x' ELSE 'clone_internal.json_of(t.x::text)' END, c.name, clone_internal.spread(c.relation, quote_ident(c.name), 5000)) INTO kinds, vals, roots;
        CONTINUE WHEN kinds IS NULL;
        calls := '';
        names := NULL;
        FOR k IN
            SELECT t.relation, t.key, x.root, array_agg(DISTINCT x.kind ORDER BY x.kind) AS kinds, array_agg(DISTINCT x.value) AS vals FROM unnest(kinds, vals, roots) AS x (kind, value, root)
            JOIN clone_internal.typed_keys($1) t ON t.word = lower(regexp_replace(x.kind, E'^.*(::|[.])', '')) GROUP BY 1, 2, 3 ORDER BY t.relation::oid, x.root
        LOOP
            -- Keys of rows that were deleted may stay.
            CONTINUE WHEN 10 * (SELECT count(DISTINCT f.value) FROM clone_internal.keys_among(k.relation, k.key, 'int', k.vals) f) < 8 * cardinality(k.vals);
            -- No filter applies to the document itself.
            given := CASE WHEN k.root THEN '$[1]' ELSE format('$..[?%s][1]', (SELECT string_agg(format('@[0] == %s', clone_internal.path_name(x)), ' || ') FROM unnest(k.kinds) x)) END;
            condition := CASE WHEN k.root THEN format(', condition => %L', format('%s OPERATOR(pg_catalog.~) %L', clone_internal.column_text(NULL, c.relation, c.name), (SELECT format('^\s*\[\s*"(%s)"\s*,[^,]*\]\s*$', string_agg(regexp_replace(x, '([.])', '[\1]', 'g'), '|')) FROM unnest(k.kinds) x))) ELSE '' END;
            CONTINUE WHEN EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = c.relation AND d."column" = c.name AND d.target = k.relation AND d.path = given);
            names := CASE WHEN k.relation::text = ANY (string_to_array(names, ', ')) THEN names ELSE concat_ws(', ', names, k.relation::text) END;
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, path => %L%s); ', $1, c.relation, c.name, k.relation, given, condition);
        END LOOP;
        CONTINUE WHEN names IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, label, 'error', format('%s.%I has arrays of the name of a table and a key of it: of %s', c.relation, c.name, names), rtrim(calls), clone_internal.keep_call($1, c.relation, c.name, label));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_array_pairs(text) IS 'Records questions about arrays in documents that hold the name of a table and a key of it';
