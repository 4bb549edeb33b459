-- Unique texts for which neither a random text nor a suffix is right: values of other unique columns, digests of the row's data, telephone numbers, paths in a tree, texts that
-- are made of another unique text.

-- The texts of a column, at most 2,000 of them from all over the table.
CREATE FUNCTION clone_internal.sampled_texts(relation regclass, "column" name) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vals text[];
BEGIN
    EXECUTE format('SELECT ARRAY(SELECT %s FROM %s AS t WHERE t.%I IS NOT NULL LIMIT 2000)', clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, quote_ident("column"), 2000), "column") INTO vals;
    RETURN vals;
END
$$;
COMMENT ON FUNCTION clone_internal.sampled_texts(regclass, name) IS 'The texts of a column, at most 2,000 of them';

-- What separates the parts of paths of which those with several parts have the path without the last one among the values of the column; '' for
-- parts of one length without a separator between them (00010002 below 0001). NULL: they are no tree. vals: some of the values. The others
-- are looked up by the index: a tree may be large.
CREATE FUNCTION clone_internal.tree_separator(relation regclass, "column" name, vals text[]) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    root int := (SELECT min(length(v)) FROM unnest(vals) v);
    step int := (SELECT min(l.next - l.length) FROM (SELECT o.length, lead(o.length) OVER (ORDER BY o.length) AS next FROM (SELECT DISTINCT length(v) AS length FROM unnest(vals) v) o) l);
    c text;
    parents text[];
    found text[];
BEGIN
    FOREACH c IN ARRAY '{/,.,>,|,""}'::text[] LOOP
        IF c <> '' THEN
            parents := ARRAY(SELECT left(w.x, length(w.x) - strpos(reverse(w.x), c)) FROM unnest(vals[:300]) v CROSS JOIN LATERAL (SELECT rtrim(v, c) AS x) w WHERE strpos(ltrim(w.x, c), c) > 0);
        ELSE
            CONTINUE WHEN step IS NULL OR step < 2;
            parents := ARRAY(SELECT left(v, length(v) - step) FROM unnest(vals[:300]) v WHERE length(v) > root);
        END IF;
        CONTINUE WHEN cardinality(parents) < 3;
        found := ARRAY(SELECT f.value FROM clone_internal.keys_among(relation, "column", 'text', parents || CASE WHEN c <> '' THEN ARRAY(SELECT p || c FROM unnest(parents) p) ELSE '{}' END) f);
        IF 10 * (SELECT count(*) FROM unnest(parents) p WHERE p = ANY (found) OR p || c = ANY (found)) >= 9 * cardinality(parents) THEN
            RETURN c;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.tree_separator(regclass, name, text[]) IS 'What separates the parts of paths in a tree of which each value begins with that of its parent; NULL if they are no such tree';

-- The table of whose rows the numbers in texts are the keys, each of the tenant of the row with the text: project-12-admins.
CREATE FUNCTION clone_internal.numbered_after(store text, relation regclass, "column" name, vals text[]) RETURNS regclass
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    numbers text[] := ARRAY(SELECT DISTINCT ltrim(substring(v FROM '[0-9]+'), '0') FROM unnest(vals) v);
    own text := clone_internal.tenant_sql(store, relation, 't');
    theirs text;
    targets regclass[];
    keys name[];
    t record;
    same boolean;
    rise boolean;
    found regclass;
BEGIN
    IF own LIKE '%.ctid::text' OR cardinality(numbers) < 8 OR EXISTS (SELECT FROM unnest(vals) v WHERE v !~ '^[^0-9]*[^0-9A-Za-z][1-9][0-9]{0,17}([^0-9A-Za-z][^0-9]*)?$') THEN
        RETURN NULL;
    END IF;
    rise := (SELECT 10 * count(*) FILTER (WHERE o.number < o.last) < count(*) FROM (SELECT substring(v FROM '[0-9]+')::numeric AS number, lag(substring(v FROM '[0-9]+')::numeric) OVER (ORDER BY n) AS last FROM unnest(vals) WITH ORDINALITY AS u (v, n)) o);
    SELECT array_agg(n.relation), array_agg(n.name) INTO targets, keys FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family = 'int' AND n.role <> 'project' AND n.relation <> $2;
    IF targets IS NULL THEN
        RETURN NULL;
    END IF;
    FOR t IN
        SELECT n.relation, n.name FROM unnest(targets, keys) AS n (relation, name)
        WHERE n.relation IN (SELECT f.target FROM clone_internal.keys_of_tables(targets, keys, array_fill('int'::text, ARRAY[cardinality(targets)]), numbers) f GROUP BY 1 HAVING count(DISTINCT f.value) = cardinality(numbers))
    LOOP
        theirs := clone_internal.tenant_sql(store, t.relation, 'k');
        CONTINUE WHEN theirs LIKE '%.ctid::text';
        -- Numbers that rise from row to row are those of the rows: item 1, item 2.
        CONTINUE WHEN rise AND lower(vals[1]) !~ ('(^|[^[:alpha:]])' || clone_internal.table_word((SELECT k.relname FROM pg_class k WHERE k.oid = t.relation)) || 's?[^[:alnum:]]+[0-9]');
        EXECUTE format('SELECT bool_and(s.own = s.theirs) AND count(DISTINCT s.own) > 1 FROM (SELECT (%s) COLLATE "C" AS own, (%s) COLLATE "C" AS theirs FROM %s AS t JOIN %s AS k ON k.%I = ltrim(substring(%s FROM ''[0-9]+''), ''0'')::numeric) s',
            own, theirs, clone_internal.spread(relation, '*', 20000), t.relation, t.name, clone_internal.column_text('t', relation, "column")) INTO same;
        CONTINUE WHEN same IS NOT TRUE;
        -- Of two nothing says which.
        IF found IS NOT NULL THEN
            RETURN NULL;
        END IF;
        found := t.relation;
    END LOOP;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clone_internal.numbered_after(text, regclass, name, text[]) IS 'The table of whose rows the numbers in texts of a column are the keys';

-- The unique column of which a unique text column has the values, such as the id of a booking in the answer that led to it. Of two with the same
-- values, the one with the name of the other's table, or the later one, has those of the other.
CREATE FUNCTION clone_internal.unique_source(store text, relation regclass, "column" name, role text, vals text[], OUT source regclass, OUT name name, OUT is_key boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    k record;
    distincts text[] := ARRAY(SELECT DISTINCT v FROM unnest(vals) v LIMIT 500);
    own text := (SELECT clone_internal.table_word(c.relname) FROM pg_class c WHERE c.oid = $2);
    place int := (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = $2 AND a.attname = $3);
BEGIN
    IF cardinality(distincts) < 2 THEN
        RETURN;
    END IF;
    FOR k IN
        SELECT r.relation, a.attname, a.attnum, a.attname IS NOT DISTINCT FROM r.id_column AS is_id, clone_internal.table_word(t.relname) AS word FROM clone.store_relation r JOIN pg_class t ON t.oid = r.relation AND t.relkind IN ('r', 'p')
        JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = s.name AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'text'
        WHERE r.store = $1 AND (r.relation, a.attname) <> ($2, $3)
          -- The same suffix keeps them equal.
          AND (s.role IN ('random', 'suffix', 'template', 'expression') AND NOT (s.role = 'suffix' AND $4 = 'suffix') OR s.role = 'map' AND a.attname = r.id_column AND r.role <> 'project')
          AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indislive AND u.indpred IS NULL AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum)
        ORDER BY r.relation::oid, a.attnum
    LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM clone_internal.keys_among(k.relation, k.attname, 'text', distincts[:1]) f);
        CONTINUE WHEN (SELECT count(DISTINCT f.value) < cardinality(distincts) FROM clone_internal.keys_among(k.relation, k.attname, 'text', distincts) f);
        IF NOT k.is_id AND (SELECT count(DISTINCT f.value) = count(DISTINCT v.x) FROM unnest(clone_internal.sampled_texts(k.relation, k.attname)) v (x) LEFT JOIN clone_internal.keys_among($2, $3, 'text', clone_internal.sampled_texts(k.relation, k.attname)) f ON f.value = v.x)
           AND NOT clone_internal.ends_with_word(regexp_replace(clone_internal.snake($3), '_' || clone_internal.snake(k.attname) || '$', ''), k.word)
           AND (clone_internal.ends_with_word(regexp_replace(clone_internal.snake(k.attname), '_' || clone_internal.snake($3) || '$', ''), own) OR (k.relation::oid, k.attnum) > ($2::oid, place)) THEN
            CONTINUE;
        END IF;
        source := k.relation;
        name := k.attname;
        is_key := k.is_id;
        RETURN;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.unique_source(text, regclass, name, text, text[]) IS 'The unique column whose values a unique text column holds, of those that get new values in a clone';

-- cleared and settled: the calls that give NULL, and that say that the role is right.
CREATE FUNCTION clone_internal.ask_about_form(store text, relation regclass, "column" name, vals text[], length int, cleared text, settled text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked record;
    made text;
BEGIN
    SELECT * INTO asked FROM clone_internal.asked_of_form("column", vals, length);
    IF asked.looks_like IS NULL THEN
        RETURN;
    END IF;
    made := CASE WHEN asked.answer IS NOT NULL THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', store, relation, "column", asked.answer) || settled END;
    PERFORM clone_internal.ask(store, relation, "column", '$unique', 'error',
        format('%s.%I is unique across all tenants and looks like %s, such as %s. A clone cannot have the source''s, and with a suffix or random letters they are none', relation, "column", asked.looks_like, clone_internal.quoted(vals[1]))
            || CASE WHEN made IS NOT NULL AND cleared IS NOT NULL THEN ': does it get new ones, or none?' WHEN made IS NOT NULL THEN ': does it get new ones?' WHEN cleared IS NOT NULL THEN ': does it get none?'
                    ELSE ': give it an SQL expression over the row, clone.store_column(…, ''expression'', value => …)' END,
        COALESCE(made, cleared), CASE WHEN made IS NOT NULL AND cleared IS NOT NULL THEN cleared ELSE ltrim(settled) END);
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_form(text, regclass, name, text[], int, text, text) IS 'Records a question about a unique column whose texts have a form that a suffix breaks';

CREATE FUNCTION clone_internal.ask_about_unique_texts(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    k record;
    held record;
    vals text[];
    firsts text[];
    separator text;
    other regclass;
    settled text;
    cleared text;
    checked text;
BEGIN
    FOR c IN
        SELECT r.relation, a.attname AS name, a.attnotnull, s.role, clone_internal.snake(a.attname) AS word, clone_internal.table_word(t.relname) AS table_word,
               CASE WHEN clone_internal.base_type(a.atttypid) IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS length
        FROM clone.store_relation r JOIN pg_class t ON t.oid = r.relation AND t.relkind IN ('r', 'p')
        JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.role IN ('suffix', 'random')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = s.name AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'text'
        WHERE r.store = $1 AND r.role IN ('resource', 'derived')
          AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indislive AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum)
          AND NOT EXISTS (SELECT FROM clone.store_no_reference n WHERE n.store = $1 AND n.relation = r.relation AND n."column" = a.attname AND n.path IN ('', '$unique'))
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname AND q.path = '')
        ORDER BY r.relation::oid, a.attnum
    LOOP
        vals := clone_internal.sampled_texts(c.relation, c.name);
        CONTINUE WHEN cardinality(vals) < 2;
        settled := format(' SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.name, '$unique');
        cleared := CASE WHEN NOT c.attnotnull THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', $1, c.relation, c.name) || settled END;
        SELECT * INTO held FROM clone_internal.unique_source($1, c.relation, c.name, c.role, vals);
        IF held.source IS NOT NULL THEN
            PERFORM clone_internal.ask($1, c.relation, c.name, '$unique', 'error',
                format('%s.%I is unique across all tenants and holds values of %I of %s, which are other values in a clone: all that were looked at', c.relation, c.name, held.name, held.source),
                format('SELECT clone.store_reference(%L, %L, %L, %L%s);', $1, c.relation, c.name, held.source, CASE WHEN held.is_key THEN '' ELSE format(', target_column => %L', held.name) END), ltrim(settled));
            CONTINUE;
        END IF;
        checked := clone_internal.checked_numbers(c.name, vals);
        IF checked IS NOT NULL THEN
            PERFORM clone_internal.ask_about_checked_numbers($1, c.relation, c.name, vals, checked, cleared, settled);
            CONTINUE;
        END IF;
        -- Of a token or a password, the digest of another one is right.
        IF c.word ~ '(^|_)(hash|md5|sha|sha1|sha256|sha512|digest|checksum|fingerprint|etag)(_|$)' AND c.word || '_' || c.table_word !~ '(^|_)(token|secret|password|passwd|key|otp|code|session|invitation|invite|credential|login)(s?_|s?$)'
           AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v !~ '^([0-9A-Za-z]+[:-])?([0-9a-fA-F]{32,128}|[A-Za-z0-9+/_-]{22,88}=*)$') THEN
            PERFORM clone_internal.ask($1, c.relation, c.name, '$unique', 'error',
                format('%s.%I is unique across all tenants and looks like a digest of the row''s data. A clone cannot have the source''s: does it get random ones, which are digests of nothing?', c.relation, c.name),
                format('SELECT clone.store_column(%L, %L, %L, ''random'');', $1, c.relation, c.name) || settled, cleared);
        ELSIF c.word ~ '(^|_)(phone|mobile|cell|cellphone|msisdn|tel|telephone|fax|whatsapp|sms)(_?(number|no|nr|num))?$' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v !~ '^[+(]?[0-9][0-9 ()/.+-]{4,}$') THEN
            PERFORM clone_internal.ask($1, c.relation, c.name, '$unique', 'error',
                format('%s.%I is unique across all tenants and looks like telephone numbers. A clone cannot have the source''s, and random ones can be those of others: does it get none, or invalid ones?', c.relation, c.name),
                COALESCE(cleared, format('SELECT clone.store_column(%L, %L, %L, ''suffix'');', $1, c.relation, c.name) || settled),
                CASE WHEN cleared IS NOT NULL THEN format('SELECT clone.store_column(%L, %L, %L, ''suffix'');', $1, c.relation, c.name) || settled END);
        ELSIF c.role = 'suffix' THEN
            other := clone_internal.numbered_after($1, c.relation, c.name, vals);
            IF other IS NOT NULL THEN
                PERFORM clone_internal.ask($1, c.relation, c.name, '$unique', 'error',
                    format('%s.%I is unique across all tenants and holds keys of %s, which are others in a clone, such as %s', c.relation, c.name, other, quote_literal(vals[1])),
                    clone_internal.reference_call($1, c.relation, c.name, other, '', (SELECT string_agg(DISTINCT x, '' ORDER BY x) FROM unnest(vals) v CROSS JOIN LATERAL regexp_split_to_table(v, '') x WHERE x ~ '[^[:alnum:]]')), ltrim(settled));
                CONTINUE;
            END IF;
            -- Made of another unique text that gets a suffix: PLM-3 of PLM.
            firsts := ARRAY(SELECT DISTINCT substring(v FROM '^([A-Za-z0-9]+)[^A-Za-z0-9]') FROM unnest(vals) v);
            separator := (SELECT min(s.c) FROM (SELECT DISTINCT substring(v FROM '^[A-Za-z0-9]+([^A-Za-z0-9])') AS c FROM unnest(vals) v) s HAVING count(*) = 1 AND count(s.c) = 1);
            CONTINUE WHEN firsts IS NULL;
            FOR k IN
                SELECT r.relation, a.attname AS name, s.role FROM clone.store_relation r JOIN pg_class t ON t.oid = r.relation AND t.relkind IN ('r', 'p')
                JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.role IN ('suffix', 'template', 'expression')
                JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = s.name AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'text'
                WHERE r.store = $1 AND separator IS NOT NULL AND cardinality(firsts) >= 2 AND NOT (r.relation = c.relation AND a.attname = c.name)
                  AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indislive AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum)
                ORDER BY r.relation::oid, a.attnum
            LOOP
                CONTINUE WHEN (SELECT 10 * count(DISTINCT f.value) < 9 * cardinality(firsts) FROM clone_internal.keys_among(k.relation, k.name, 'text', firsts) f);
                PERFORM clone_internal.ask($1, c.relation, c.name, '$unique', 'error',
                    format('%s.%I is unique across all tenants, and its texts begin with %I of %s, which are others in a clone, such as %s', c.relation, c.name, k.name, k.relation, quote_literal(vals[1])),
                    -- A suffix with a separator in it would be a part of its own.
                    CASE WHEN k.role = 'suffix' THEN format('SELECT clone.store_column(%L, %L, %L, ''template'', value => %L); ', $1, k.relation, k.name, CASE WHEN firsts[1] ~ '[a-z]' THEN '{value}c{n}' ELSE '{value}C{n}' END) ELSE '' END
                        || format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L, separators => %L);', $1, c.relation, c.name, k.relation, k.name, separator),
                    ltrim(settled));
                EXIT;
            END LOOP;
            CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = c.relation AND q."column" = c.name AND q.path = '$unique');
            separator := clone_internal.tree_separator(c.relation, c.name, vals);
            IF separator IS NULL THEN
                PERFORM clone_internal.ask_about_form($1, c.relation, c.name, vals, c.length, cleared, settled);
                CONTINUE;
            END IF;
            PERFORM clone_internal.ask($1, c.relation, c.name, '$unique', 'error',
                format('%s.%I is unique across all tenants, and its values form a tree: each begins with that of its parent, such as %s. With a suffix they would not', c.relation, c.name, (SELECT quote_literal(v) FROM unnest(vals) v ORDER BY length(v) DESC, v LIMIT 1))
                    || CASE WHEN separator = '' THEN '. Move them below new roots: clone.store_column(…, ''expression'', value => …) takes an SQL expression over the row' ELSE '' END,
                -- The first part is another one in each transaction.
                CASE WHEN separator <> '' THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', $1, c.relation, c.name,
                    format('pg_catalog.overlay(%1$s, ''-'' OPERATOR(pg_catalog.||) pg_catalog.pg_current_xact_id()::pg_catalog.text, pg_catalog.length(pg_catalog.substring(%1$s, %2$L)) OPERATOR(pg_catalog.+) 1, 0)',
                        format('%I::pg_catalog.text', c.name), format('^[%s]*[^%1$s]+', separator))) END,
                ltrim(settled));
        -- Of random ones, a few have such a form.
        ELSIF NOT clone_internal.made_at_random(vals) OR clone_internal.form_of_texts(vals) IN ('hardware', 'ip', 'date', 'version', 'base64') THEN
            PERFORM clone_internal.ask_about_form($1, c.relation, c.name, vals, c.length, cleared, settled);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_unique_texts(text) IS 'Records questions about unique texts for which neither a random text nor a suffix is right';

-- Forms of unique texts that a suffix breaks: a hardware address with -1 behind it is none.

-- The form that all of these texts have; NULL if they have none that is known.
CREATE FUNCTION clone_internal.form_of_texts(vals text[]) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    first text := (SELECT v FROM unnest(vals) v WHERE v <> '' LIMIT 1);
    f record;
    day text := '([0-9]{4}[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12][0-9]|3[01])|(0?[1-9]|[12][0-9]|3[01])[-/.](0?[1-9]|[12][0-9]|3[01])[-/.]([0-9]{4}|[0-9]{2})|(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))';
    hour text := '[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?';
    octet text := '(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])';
BEGIN
    IF first IS NULL THEN
        RETURN NULL;
    END IF;
    FOR f IN
        SELECT * FROM (VALUES
            ('hardware', '^([0-9A-Fa-f]{2}(:|-))([0-9A-Fa-f]{2}\2){4}([0-9A-Fa-f]{2}\2[0-9A-Fa-f]{2}\2)?[0-9A-Fa-f]{2}$|^([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}$'),
            ('ip', format('^\s*(%1$s(\.%1$s){3}|\[?(?=[^:]*:[^:]*:)[0-9A-Fa-f:]*(:[0-9.]+)?(%%\w+)?\]?)(/[0-9]{1,3}|:[0-9]{1,5}|-%1$s(\.%1$s){3})?\s*$', octet)),
            ('date', format('^\s*(%s([T ]+%s\s*([AaPp][Mm]|Z|[+-][0-9:]{2,5})?)?|%2$s|(19|20)[0-9]{2}-(W[0-9]{2}(-[1-7])?|Q[1-4]|(0[1-9]|1[0-2])))\s*$', day, hour)),
            ('telephone', '^\s*[+][0-9][0-9 ()/.-]{5,20}\s*$|^(tel|sms):[+]?[0-9()./-]{5,}$'),
            ('message', '^[^<>]*<[^<>@\s]+@[^<>@\s]+>$'),
            ('mail', '^[^\s@<>:/,;]+@[^\s@<>:/,;]+\.[A-Za-z]{2,24}$'),
            ('version', '^[vV]?[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}(\.[0-9]{1,6})?([-.+][0-9A-Za-z][0-9A-Za-z.+-]*)?$'),
            ('address', '^[A-Za-z][A-Za-z0-9+.-]*://\S+$|^(mailto|urn|data|git@[^:]+):\S+$'),
            ('host', '^([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}$'),
            ('file', '^[^\s:]*[/\\][^/\\]*\.[A-Za-z][A-Za-z0-9]{0,4}$|^([A-Za-z]:)?[/\\]\S*$')) AS v (form, pattern)
    LOOP
        IF first ~ f.pattern AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ f.pattern) THEN
            RETURN f.form;
        END IF;
    END LOOP;
    IF first ~ '^\s*[{\[]' AND NOT EXISTS (SELECT FROM unnest(vals[1:200]) v WHERE v <> '' AND jsonb_typeof(clone_internal.json_of(v)) NOT IN ('object', 'array')) THEN
        RETURN 'document';
    END IF;
    IF first ~ '^\s*<[A-Za-z?!]' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '^\s*<[A-Za-z?!].*>\s*$') THEN
        RETURN 'document';
    END IF;
    -- Readable within.
    IF NOT EXISTS (SELECT FROM unnest(vals[1:200]) v WHERE v <> '' AND NOT COALESCE(clone_internal.from_base64(v) ~ '^[ -~\s]{3,}$', false)) THEN
        RETURN 'base64';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.form_of_texts(text[]) IS 'The form that all of these texts have and that a suffix breaks, such as hardware, ip or date; NULL if they have none';

-- The text of which this is the base64; NULL if it is none.
CREATE FUNCTION clone_internal.from_base64(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bytes bytea;
BEGIN
    IF value !~ '^[A-Za-z0-9+/_-]{6,}={0,2}$' OR length(rtrim(value, '=')) % 4 = 1 THEN
        RETURN NULL;
    END IF;
    bytes := decode(rpad(translate(rtrim(value, '='), '-_', '+/'), (length(rtrim(value, '=')) + 3) / 4 * 4, '='), 'base64');
    -- In no encoding of a database is another byte a text by itself.
    RETURN CASE WHEN encode(bytes, 'escape') !~ '\\[0-7]{3}' THEN replace(encode(bytes, 'escape'), E'\\\\', E'\\') END;
EXCEPTION WHEN invalid_parameter_value OR data_exception THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.from_base64(text) IS 'The ASCII text of which a text is the base64; NULL if it is none';

-- What to ask about a unique column whose texts have such a form. answer: the expression that makes others of this form, NULL: none can be made up.
CREATE FUNCTION clone_internal.asked_of_form("column" name, vals text[], length int, OUT looks_like text, OUT answer text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    form text := clone_internal.form_of_texts(vals);
    text text := format('%I::pg_catalog.text', "column");
    -- Another one in each transaction.
    fresh text := '''c'' OPERATOR(pg_catalog.||) pg_catalog.pg_current_xact_id()::pg_catalog.text';
    room boolean := length IS NULL OR length >= 14 + (SELECT max(length(v)) FROM unnest(vals) v);
    digits text;
BEGIN
    looks_like := CASE form WHEN 'hardware' THEN 'hardware addresses' WHEN 'ip' THEN 'network addresses' WHEN 'date' THEN 'dates or times' WHEN 'telephone' THEN 'telephone numbers' WHEN 'message' THEN 'addresses of messages or persons'
        WHEN 'version' THEN 'versions' WHEN 'file' THEN 'names of files' WHEN 'document' THEN 'documents' WHEN 'base64' THEN 'texts in base64'
        WHEN 'mail' THEN CASE WHEN NOT room THEN 'addresses of mail' END WHEN 'host' THEN CASE WHEN NOT room THEN 'names of hosts' END
        -- Behind others a suffix is a part of the path.
        WHEN 'address' THEN CASE WHEN NOT room OR EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND (v !~ '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+/[^?#]*[^/?#]$' OR v ~ '\.[A-Za-z0-9]{1,5}$')) THEN 'addresses' END END;
    IF form = 'hardware' THEN
        -- Of those that everybody may give; the second digit says so.
        digits := '(''02'' OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.md5(pg_catalog.gen_random_uuid()::pg_catalog.text), 1, ' || CASE WHEN vals[1] ~ '^(..[:-]){7}' THEN 14 ELSE 10 END || '))';
        digits := CASE WHEN EXISTS (SELECT FROM unnest(vals) v WHERE v ~ '[a-f]') OR NOT EXISTS (SELECT FROM unnest(vals) v WHERE v ~ '[A-F]') THEN digits ELSE format('pg_catalog.upper%s', digits) END;
        answer := format('pg_catalog.regexp_replace(%s, %L, %L, ''g'')', digits, CASE WHEN vals[1] ~ '\.' THEN '(....)(?=.)' ELSE '(..)(?=.)' END, '\1' || substring(vals[1] FROM '[:.-]'));
    ELSIF looks_like IS NULL OR NOT room THEN
        answer := NULL;
    ELSIF form = 'message' THEN
        answer := format('pg_catalog.regexp_replace(%s, ''<(?=[^<]*$)'', ''<'' OPERATOR(pg_catalog.||) %s OPERATOR(pg_catalog.||) ''.'')', text, fresh);
    ELSIF form = 'version' THEN
        answer := format('%1$s OPERATOR(pg_catalog.||) CASE WHEN %1$s OPERATOR(pg_catalog.~) ''[+]'' THEN ''.'' ELSE ''+'' END OPERATOR(pg_catalog.||) %2$s', text, fresh);
    ELSIF form = 'address' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+') THEN
        answer := format('pg_catalog.regexp_replace(%s, ''^([A-Za-z][A-Za-z0-9+.-]*://[^/?#]+)/?'', ''\1/'' OPERATOR(pg_catalog.||) %s OPERATOR(pg_catalog.||) ''/'')', text, fresh);
    ELSIF form = 'address' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '^mailto:') THEN
        answer := format('pg_catalog.regexp_replace(%s, ''^mailto:'', ''mailto:'' OPERATOR(pg_catalog.||) %s OPERATOR(pg_catalog.||) ''.'')', text, fresh);
    ELSIF form = 'file' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '[^/\\]\.[A-Za-z0-9]{1,5}$') THEN
        answer := format('pg_catalog.regexp_replace(%s, ''(\.[A-Za-z0-9]+)$'', ''-'' OPERATOR(pg_catalog.||) %s OPERATOR(pg_catalog.||) ''\1'')', text, fresh);
    ELSIF form = 'file' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '[^/\\.]$') THEN
        looks_like := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.asked_of_form(name, text[], int) IS 'What the texts of a unique column look like, and an expression that makes others of their form';
