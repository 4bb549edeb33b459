-- Sampled values of columns and documents that are keys of the store's tables.

-- A text that looks like a key, in a value of a place (given by its number).
CREATE TYPE clone_internal.key_like AS (place int, value text, token text);

-- A word and the table that it names; described: the table is in the store, otherwise all projects share it.
CREATE TYPE clone_internal.word_of_table AS (word text, target regclass, described boolean, exact boolean);

-- Reading a table runs code of its owner: planning calls functions in predicates and expressions of indexes, in statistics and in keys of
-- partitions. So tables that nobody has named are read only if their owner is trusted: a superuser, the current role, or a role that owns a
-- table of tenants.
CREATE FUNCTION clone_internal.trusted_owners() RETURNS SETOF oid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT o.oid FROM pg_roles o WHERE o.rolsuper OR o.rolname = CURRENT_USER
    UNION SELECT c.relowner FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation WHERE r.role = 'project';
END
$$;
COMMENT ON FUNCTION clone_internal.trusted_owners() IS 'Roles whose tables discovery reads though nobody has named them';

-- The table that each word names: the best match in the store, or a shared table outside of it (described: false).
CREATE FUNCTION clone_internal.words_of_tables(store text, words text[]) RETURNS SETOF clone_internal.word_of_table
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH tables AS MATERIALIZED (
        SELECT c.oid, clone_internal.table_word(c.relname) AS word, r.relation IS NOT NULL AS described, r.id_column
        FROM pg_class c LEFT JOIN clone.store_relation r ON r.store = $1 AND r.relation = c.oid
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND (r.relation IS NOT NULL OR c.relowner IN (SELECT clone_internal.trusted_owners()) AND c.relnamespace IN (
            SELECT k.relnamespace FROM clone.store_relation o JOIN pg_class k ON k.oid = o.relation WHERE o.store = $1))
    ), asked AS (
        SELECT DISTINCT w AS word FROM unnest($2) AS w WHERE w <> ''
    ), people AS (
        -- Users that all projects share come before the rows that tie them to a tenant.
        SELECT t.oid, t.described AND t.id_column IS NOT NULL AS described FROM tables t
        WHERE t.described AND t.word IN ('user', 'usr', 'member', 'person', 'profile', 'employee', 'staff', 'auth_user', 'account_user', 'app_user') AND NOT clone_internal.ties_users($1, t.oid) OR NOT t.described AND t.word = 'user'
        ORDER BY t.described AND t.word NOT IN ('account_user', 'app_user') DESC, t.described, t.oid LIMIT 1
    )
    SELECT DISTINCT ON (a.word) a.word, f.oid::regclass, f.described, f.exact
    FROM asked a CROSS JOIN LATERAL (
        SELECT t.oid, t.described AND t.id_column IS NOT NULL AS described, t.word = a.word AS exact, length(t.word) AS length FROM tables t
        WHERE t.word = a.word OR length(t.word) > 2 AND a.word LIKE E'%\\_' || t.word
           OR length(a.word) > 2 AND t.word LIKE E'%\\_' || a.word
              -- user: app_users, although all projects share them, and not story_assigned_users.
              AND NOT (t.described AND EXISTS (SELECT FROM tables o WHERE NOT o.described AND o.word = substring(o.word FROM '^[^_]+_') || a.word AND length(o.word) < length(t.word)))
        UNION ALL
        -- prev_stage: app_stages, if no other table can be meant.
        SELECT min(t.oid), bool_and(t.described AND t.id_column IS NOT NULL), false, -1 FROM tables t
        WHERE a.word ~ '^(prev|previous|next|old|new|former|last|first|from|to)_.{3,}$' AND a.word !~ '_(value|name|title|text|data|content|type|date|time)$' AND t.word LIKE E'%\\_' || regexp_replace(a.word, '^[^_]+_', '') HAVING count(*) = 1
        UNION ALL
        SELECT p.oid, p.described, false, 0 FROM people p
        WHERE a.word ~ '(^|_)(owner|author|assignee|assigned_to|creator|editor|sender|recipient|reviewer|approver|manager|responsible|requester|reporter|agent|inviter|lead|member|person|employee|user)$'
           OR a.word ~ '(^|_)(created|updated|modified|deleted|closed|resolved|locked|uploaded|approved|archived|invited|assigned)_by$'
    ) f
    ORDER BY a.word, f.exact DESC, f.described DESC, f.length DESC, f.oid;
END
$$;
COMMENT ON FUNCTION clone_internal.words_of_tables(text, text[]) IS 'The tables that words name';

-- Tables of a store whose keys are looked for among values.
CREATE FUNCTION clone_internal.searched_keys(store text) RETURNS TABLE (relation regclass, id_column name, family text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.relation, r.id_column, f.family
    FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p') JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
    CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
    WHERE r.store = $1 AND f.family IN ('int', 'text')
      -- Values that are unique per tenant, such as numbers and names, are kept.
      AND clone_internal.gets_new_values($1, r.relation, r.id_column)
$$;
COMMENT ON FUNCTION clone_internal.searched_keys(text) IS 'Tables of a store with a key of one column, which can be looked for among values';

-- A column or path, and the kind of its values.
CREATE TYPE clone_internal.seen_place AS (
    relation regclass, "column" name, path text, kind text, family text, what text, says_id boolean, seen bigint, keys bigint, targets regclass[], separators text
);

-- Kinds of places by their data. what: keys (all distinctive texts are keys), part (some are), inside (keys are within longer texts),
-- named and unknown (all values are keys of the table that the name means, or of some table), some (some values are).
CREATE FUNCTION clone_internal.seen_places(store text, sampled clone_internal.place[])
RETURNS SETOF clone_internal.seen_place
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    t record;
    text_keys boolean;
    -- Keys that are numbers of 12 digits or more.
    long_numbers boolean := false;
    -- The option text_keys: keys in documents and texts.
    everywhere text := (SELECT s.options->>'text_keys' FROM clone.store s WHERE s.name = seen_places.store);
    words clone_internal.word_of_table[];
    places clone_internal.place[];
    tokens clone_internal.key_like[];
    found clone_internal.found_key[] := '{}';
    -- Tables with one row for rows of another, and the key of that: what names no table means the other.
    parts regclass[];
    -- Tables with the name of another: the nearest to a column is meant first.
    twice regclass[] := clone_internal.tables_with_namesakes(store);
BEGIN
    SELECT COALESCE(bool_or(clone_internal.family(a.atttypid) = 'text'), false) INTO text_keys
    FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column WHERE r.store = seen_places.store;
    FOR t IN SELECT r.relation, r.id_column FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p') JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
             WHERE r.store = seen_places.store AND clone_internal.family(a.atttypid) = 'int' LOOP
        EXIT WHEN long_numbers;
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS k WHERE k.%I >= 100000000000)', t.relation, t.id_column) INTO long_numbers;
    END LOOP;
    text_keys := text_keys OR long_numbers;
    words := ARRAY(SELECT w FROM clone_internal.words_of_tables(seen_places.store,
        ARRAY(SELECT clone_internal.named_word(o.name) FROM clone_internal.open_columns(seen_places.store) o)) w);
    places := ARRAY(
        WITH place AS MATERIALIZED (
            SELECT p FROM unnest(sampled) AS p WHERE (p.relation, p."column") IN (
                SELECT o.relation, o.name FROM clone_internal.open_columns(seen_places.store) o
                WHERE o.family = 'json' OR text_keys AND o.family NOT LIKE 'int%' OR long_numbers AND o.family LIKE 'int%' OR clone_internal.says_id(o.name)
                   OR o.family <> 'text of another type' AND clone_internal.named_word(o.name) IN (SELECT w.word FROM unnest(words) w)
                   -- Any text may be JSON.
                   OR o.family = 'text')
        )
        SELECT o.p FROM place o WHERE NOT clone_internal.answered(seen_places.store, (o.p).relation, (o.p)."column", (o.p).path));
    words := ARRAY(SELECT w FROM clone_internal.words_of_tables(seen_places.store, ARRAY(
        SELECT p.word FROM unnest(places) p UNION SELECT clone_internal.named_word(regexp_replace(p.kind, E'^.*(::|[.]|\\\\)', '')) FROM unnest(places) p WHERE p.kind IS NOT NULL)) w);
    -- An object with a type, {"type": "contact", "id": 2}, refers to that table.
    places := ARRAY(
        SELECT ROW(p.relation, p."column", CASE WHEN w.word IS NULL THEN p.path ELSE format('$..[?@.type == %s || @.kind == %1$s]%s', k.quoted, substring(p.path FROM '[[][^][]*[]]$')) END,
                   COALESCE(w.word, p.word), p.says_id, p.kind, p.family, p.total, COALESCE(l.vals, p.vals), l.separators)::clone_internal.place
        FROM unnest(places) p
        -- Lists of numbers in a text: 1,5,9.
        CROSS JOIN LATERAL (
            SELECT array_agg(DISTINCT x) AS vals,
                   CASE WHEN count(*) > 0 THEN (SELECT string_agg(DISTINCT c, '') FROM unnest(p.vals) o CROSS JOIN LATERAL regexp_split_to_table(o, '') c WHERE c ~ '[^0-9]') END AS separators
            FROM unnest(p.vals) o CROSS JOIN LATERAL regexp_split_to_table(o, '[^0-9]+') x
            WHERE p.says_id AND p.family = 'text' AND x <> '' AND (SELECT bool_and(v ~ '^[^[:alnum:]]*[0-9]{1,38}([^[:alnum:]]+[0-9]{1,38})*[^[:alnum:]]*$') AND bool_or(v ~ '[^0-9]') FROM unnest(p.vals) v WHERE v <> '')
        ) l
        CROSS JOIN LATERAL (SELECT clone_internal.named_word(regexp_replace(p.kind, E'^.*(::|[.]|\\\\)', '')) AS word, '''' || replace(replace(p.kind, E'\\', E'\\\\'), '''', E'\\''') || '''' AS quoted) k
        LEFT JOIN unnest(words) AS w ON w.word = k.word AND w.described AND (p.path LIKE '$..%' OR p.path LIKE '$[*][''%'));
    places := ARRAY(SELECT p FROM unnest(places) p
        WHERE NOT clone_internal.answered(seen_places.store, p.relation, p."column", p.path)
          -- An object with the type of a table outside the store does not refer to the store.
          AND NOT EXISTS (SELECT FROM unnest(words) w WHERE w.word = clone_internal.named_word(regexp_replace(p.kind, E'^.*(::|[.]|\\\\)', '')) AND w.exact AND NOT w.described));
    IF text_keys THEN
        parts := ARRAY(SELECT k.relation FROM clone_internal.searched_keys(seen_places.store) k WHERE clone_internal.has_key_of_another(seen_places.store, k.relation, k.id_column));
        SELECT array_agg(ROW(p.number, v.value, k.token)::clone_internal.key_like) INTO tokens
        FROM unnest(places) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number)
        CROSS JOIN LATERAL (SELECT x AS value FROM unnest(p.vals[:60]) x WHERE length(x) >= 12) v
        CROSS JOIN LATERAL (
            SELECT v.value AS token WHERE v.value !~ '[^A-Za-z0-9_-]'
            UNION SELECT x FROM regexp_split_to_table(v.value, '[^A-Za-z0-9_-]+') x
            UNION SELECT x FROM regexp_split_to_table(v.value, '[^A-Za-z0-9]+') x) k
        WHERE clone_internal.distinctive(k.token) AND (p.path = '' OR everywhere IS DISTINCT FROM 'everywhere' OR k.token ~ '^[0-9]+$')
          -- A time in milliseconds may be a key elsewhere.
          AND (p.family NOT LIKE 'int%' OR length(k.token) >= 17);
    END IF;
    -- Values under a name that means a table are looked for there, others in all tables.
    found := ARRAY(
        WITH named AS MATERIALIZED (
            SELECT CASE WHEN w.target = ANY (twice) THEN (clone_internal.namesakes(seen_places.store, p.relation, w.target))[1] ELSE w.target END AS target, v.value FROM unnest(places) AS p JOIN unnest(words) AS w ON w.word = p.word CROSS JOIN LATERAL unnest(p.vals) AS v (value)
            WHERE w.target IS NOT NULL AND p.family <> 'text of another type' AND length(v.value) < 80
        ), target AS MATERIALIZED (
            SELECT k.relation, k.id_column, k.family, n.vals FROM clone_internal.searched_keys(seen_places.store) k
            LEFT JOIN (SELECT o.target, array_agg(DISTINCT o.value) AS vals FROM named o GROUP BY 1) n ON n.target = k.relation
        ), other AS MATERIALIZED (
            SELECT ARRAY(
                SELECT v.value FROM unnest(places) AS p LEFT JOIN unnest(words) AS w ON w.word = p.word CROSS JOIN LATERAL unnest(p.vals) AS v (value)
                WHERE w.target IS NULL AND p.says_id AND p.family <> 'text of another type' AND length(v.value) < 80) AS vals,
                ARRAY(SELECT DISTINCT k.token FROM unnest(tokens) AS k) AS tokens
        )
        SELECT k FROM target t CROSS JOIN LATERAL clone_internal.keys_among(t.relation, t.id_column, t.family, t.vals) AS k WHERE t.vals IS NOT NULL
        UNION ALL
        SELECT k FROM (SELECT array_agg(t.relation) AS tables, array_agg(t.id_column) AS keys, array_agg(t.family) AS families FROM target t) a CROSS JOIN other o
        CROSS JOIN LATERAL clone_internal.keys_of_tables(a.tables, a.keys, a.families, o.vals) AS k
        UNION ALL
        SELECT k FROM (SELECT array_agg(t.relation) AS tables, array_agg(t.id_column) AS keys, array_agg(t.family) AS families FROM target t WHERE t.family = 'text' OR long_numbers) a CROSS JOIN other o
        CROSS JOIN LATERAL clone_internal.keys_of_tables(a.tables, a.keys, a.families, o.tokens) AS k);
    RETURN QUERY
    WITH named AS MATERIALIZED (
        -- Where a name only may mean a table, the data decide.
        SELECT n.relation, n.name FROM clone_internal.named_references(seen_places.store) n WHERE n.exact
        UNION SELECT n.relation, n.name FROM clone_internal.person_columns(seen_places.store) n
        UNION SELECT n.relation, n.name FROM clone_internal.polymorphic_pairs(seen_places.store) n
    ), place AS MATERIALIZED (
        SELECT p.*, CASE WHEN w.target = ANY (twice) THEN (clone_internal.namesakes(seen_places.store, p.relation, w.target))[1] ELSE w.target END AS target, w.described, w.exact
        FROM unnest(places) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number) LEFT JOIN unnest(words) AS w ON w.word = p.word
    ), hit AS MATERIALIZED (
        SELECT DISTINCT f.target, f.value FROM unnest(found) AS f
    ), token AS MATERIALIZED (
        SELECT k.place, k.value, k.token, h.target FROM unnest(tokens) AS k
        LEFT JOIN (SELECT o.value, unnest(CASE WHEN bool_or(o.target <> ALL (parts)) THEN array_agg(o.target) FILTER (WHERE o.target <> ALL (parts)) ELSE array_agg(o.target) END) AS target FROM hit o GROUP BY 1) h ON h.value = k.token
    ), whole AS (
        SELECT k.place, count(DISTINCT k.value) AS seen, count(DISTINCT k.value) FILTER (WHERE k.target IS NOT NULL) AS keys,
               array_agg(DISTINCT k.target) FILTER (WHERE k.target IS NOT NULL) AS targets
        FROM token k WHERE k.token = k.value GROUP BY 1
    ), inside AS (
        SELECT k.place, count(DISTINCT k.value) AS keys, array_agg(DISTINCT k.target) AS targets, bool_and(k.token ~ '^[0-9]+$') AS numbers,
               (SELECT string_agg(DISTINCT c, '') FROM token o CROSS JOIN LATERAL regexp_split_to_table(replace(o.value, o.token, ''), '') c
                -- What stands in any of the keys does not separate them: _ in prod_01HF…, beside others.
                WHERE o.place = k.place AND o.target IS NOT NULL AND c ~ '[^A-Za-z0-9]' AND strpos(string_agg(k.token, ''), c) = 0) AS separators
        FROM token k
        WHERE k.target IS NOT NULL AND k.token <> k.value AND NOT EXISTS (SELECT FROM token o WHERE o.place = k.place AND o.value = k.value AND o.token = k.value AND o.target IS NOT NULL)
        GROUP BY 1
    ), value AS MATERIALIZED (
        -- Without the places: these are wide, and the joins sort.
        SELECT p.number, p.target, cardinality(p.vals) AS seen, v.value FROM place p CROSS JOIN LATERAL unnest(p.vals) AS v (value)
        WHERE (p.target IS NOT NULL OR p.says_id) AND p.family <> 'text of another type'
    ), target AS MATERIALIZED (
        SELECT t.target, pg_relation_size(t.target) AS size, w.word, clone_internal.plain(w.word) AS plain, clone_internal.has_persons(w.word) AS person, row_number() OVER (ORDER BY t.target)::int AS number, repeat('0', count(*) OVER ()::int)::varbit AS none
        FROM (SELECT DISTINCT h.target FROM hit h) t CROSS JOIN LATERAL (SELECT clone_internal.table_word(c.relname) AS word FROM pg_class c WHERE c.oid = t.target) w
    ), of_value AS MATERIALIZED (
        -- The tables with this key, as bits.
        SELECT h.value, bit_or(set_bit(t.none, t.number - 1, 1)) AS tables FROM hit h JOIN target t ON t.target = h.target GROUP BY 1
    ), by_name AS (
        SELECT v.number, v.target, v.seen, count(*) AS keys FROM value v JOIN hit h ON h.value = v.value AND h.target = v.target GROUP BY 1, 2, 3
        UNION ALL
        -- If the name says no table, all values must be keys there: counts for each table would be very many.
        SELECT a.number, t.target, a.seen, a.seen FROM (
            SELECT v.number, v.seen, bit_and(o.tables) AS tables FROM value v LEFT JOIN of_value o ON o.value = v.value WHERE v.target IS NULL
            GROUP BY 1, 2 HAVING count(o.tables) = count(*)) a
        JOIN target t ON get_bit(a.tables, t.number - 1) = 1
    ), best AS (
        SELECT n.number, n.seen, n.keys,
               -- parent_id, root_id, template_id, origin_id usually refer to their own table, others do not; many matches in a small table are no coincidence.
               array_agg(n.target ORDER BY CASE WHEN clone_internal.names_person(p."column") THEN t.person END DESC, n.target = p.relation AND p.own DESC, CASE WHEN strpos(p.plain, t.plain) > 0 OR left(p.plain, 3) = left(t.plain, 3) OR right(p.plain, 3) = right(t.plain, 3) THEN clone_internal.table_match(p."column", t.word) END, n.target = p.relation, t.size, n.target) AS targets
        FROM by_name n JOIN target t ON t.target = n.target JOIN (SELECT o.number, o.relation, o."column", clone_internal.plain(o."column") AS plain, clone_internal.snake(COALESCE(NULLIF(o.word, ''), o."column")) ~ '(^|_)(parent|root|template|origin|original|source|target|previous|prev|next|repl(y|ies)|reply_to|copy|copied|cloned|duplicate|linked|related|predecessor|successor|master|head|thread|child|ancestor|descendant|supersedes|replaces|merged|split|forked|fork)(_|$)' AS own FROM place o) p ON p.number = n.number
        GROUP BY 1, 2, 3
    ), candidate AS MATERIALIZED (
        -- Joined before the conditions below, which look at values: the planner takes best for one row and would evaluate them for
        -- every pair. With 48 tables and 2,000 places that took 134 s.
        SELECT p.*, b.seen, b.keys, b.targets FROM best b JOIN place p ON p.number = b.number
    )
    SELECT p.relation, p."column", p.path, p.kind, p.family, CASE WHEN w.keys = w.seen THEN 'keys' ELSE 'part' END, p.says_id, w.seen, w.keys, w.targets, NULL
    FROM whole w JOIN place p ON p.number = w.place WHERE w.keys > 0
    UNION ALL
    SELECT p.relation, p."column", p.path, p.kind, p.family, 'inside', p.says_id, p.total, i.keys, i.targets, i.separators
    FROM inside i JOIN place p ON p.number = i.place
    WHERE (everywhere IS NULL OR i.numbers) AND NOT EXISTS (SELECT FROM whole w WHERE w.place = i.place AND w.keys > 0)
    UNION ALL
    SELECT p.relation, p."column", p.path, p.kind, p.family,
           CASE WHEN p.keys < p.seen THEN 'some' WHEN p.target IS NULL THEN 'unknown' ELSE 'named' END, p.says_id, p.seen, p.keys, p.targets, p.separators
    FROM candidate p
    WHERE (p.described OR p.target IS NULL)
      -- Values that are unique per tenant, such as a display_id.
      AND NOT (p.path = '' AND p.target IS NULL AND EXISTS (
          SELECT FROM pg_index u JOIN clone.store_relation r ON r.store = seen_places.store AND r.relation = u.indrelid
          JOIN pg_attribute a ON a.attrelid = u.indrelid AND a.attname = p."column" JOIN pg_attribute o ON o.attrelid = u.indrelid AND o.attname = r.project_column
          WHERE u.indrelid = p.relation AND u.indisunique AND u.indnkeyatts = 2 AND a.attnum = ANY (u.indkey::int2[]) AND o.attnum = ANY (u.indkey::int2[])))
      -- A number per project, such as a display_id.
      AND NOT (p.path = '' AND p.target IS NULL AND p.word IN ('display', 'sequential', 'sequence', 'serial', 'friendly'))
      AND (p.keys = p.seen OR p.target IS NOT NULL AND p.says_id)
      -- An order, a size or a state is compared with rows of the same tenant by ask_about_several_tables().
      AND NOT (p.path = '' AND NOT p.says_id AND p.family = 'int' AND clone_internal.names_quantity(p."column") AND clone_internal.tenant_sql(seen_places.store, p.relation, 't') NOT LIKE '%.ctid::text')
      -- Generated text keys in documents are found by themselves.
      AND NOT (p.path <> '' AND everywhere IS NOT DISTINCT FROM 'everywhere' AND (SELECT bool_and(clone_internal.distinctive(v) AND v !~ '^[0-9]+$') FROM unnest(p.vals[:50]) v))
      -- named_references() already asks about a column whose name means a table.
      AND NOT (p.path = '' AND EXISTS (
          SELECT FROM named n WHERE n.relation = p.relation AND n.name = p."column"))
      AND NOT EXISTS (SELECT FROM whole w WHERE w.place = p.number AND w.keys > 0);
END
$$;
COMMENT ON FUNCTION clone_internal.seen_places(text, clone_internal.place[]) IS 'Undeclared columns and paths of a store''s tables whose values are keys of these tables';
