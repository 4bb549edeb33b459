-- Texts in tables that a store does not describe: values of unique columns, in any letters, and keys inside of longer texts.

CREATE FUNCTION clone_internal.ask_about_outside_values(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    vals text[] := ARRAY(SELECT DISTINCT v FROM unnest($2) p CROSS JOIN LATERAL unnest(p.vals[:30]) v WHERE p.path = '' AND p.family = 'text' AND length(v) BETWEEN 3 AND 200);
    k record;
    c record;
    found text[];
    lowered text[];
BEGIN
    IF vals = '{}' THEN
        RETURN;
    END IF;
    FOR k IN
        SELECT r.relation, a.attname AS name, r.role = 'project' AS tenants
        FROM clone.store_relation r JOIN pg_class t ON t.oid = r.relation AND t.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'text'
        WHERE r.store = $1 AND (r.role = 'project' OR a.attname IS DISTINCT FROM r.id_column)
          AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indislive AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum AND u.indpred IS NULL)
        ORDER BY r.role = 'project' DESC, r.relation::oid, a.attnum
    LOOP
        IF k.tenants THEN
            EXECUTE format('SELECT COALESCE(array_agg(DISTINCT lower(t.%I::text)), ''{}'') FROM %s AS t WHERE lower(t.%1$I::text) = ANY ($1)', k.name, k.relation) INTO lowered USING ARRAY(SELECT lower(v) FROM unnest(vals) v);
        ELSE
            found := ARRAY(SELECT DISTINCT f.value FROM clone_internal.keys_among(k.relation, k.name, 'text', vals) f);
        END IF;
        CONTINUE WHEN CASE WHEN k.tenants THEN lowered ELSE found END = '{}';
        FOR c IN
            SELECT DISTINCT ON (p.relation) p.relation, p."column" AS name, h.seen
            FROM unnest($2) p
            CROSS JOIN LATERAL (SELECT count(*) AS seen, count(*) FILTER (WHERE CASE WHEN k.tenants THEN lower(v) = ANY (lowered) ELSE v = ANY (found) END) AS keys, bool_or(v LIKE '_%@_%') AS address, min(length(v)) AS length
                                FROM unnest(p.vals[:30]) v) h
            WHERE p.path = '' AND p.family = 'text' AND h.keys = h.seen AND h.length >= 3 AND (h.keys > 2 OR h.keys = 2 AND (h.address OR k.tenants) OR h.length >= 8)
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation)
            ORDER BY p.relation, p.says_id DESC, p."column"
        LOOP
            PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error',
                CASE WHEN k.tenants THEN format('%s.%I holds %I of %s in other letters: %s values that were looked at. Its rows are not cloned. Write them as they are there, and check again', c.relation, c.name, k.name, k.relation, c.seen)
                     ELSE format('%s.%I looks like %I of %s: %s of %5$s values that were looked at are. Its rows are not cloned', c.relation, c.name, k.name, k.relation, c.seen) || clone_internal.computed_key(k.relation, k.name) END,
                CASE WHEN NOT k.tenants THEN clone_internal.tenant_call($1, c.relation, c.name, k.relation, k.name, false) END,
                format('SELECT clone.store_shared(%L, %L);', $1, c.relation));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_outside_values(text, clone_internal.place[]) IS 'Records questions about tables that are not described and hold values of unique text columns of the store';

-- What stands before a number at the end of a text, and the number: {userstories.userstory, 229}.
CREATE FUNCTION clone_internal.typed_number(value text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_match($1, '^([A-Za-z_][A-Za-z0-9_.:\\/-]{0,80}?)[.:/#@|-]+(0|[1-9][0-9]{0,17})$') $$;
COMMENT ON FUNCTION clone_internal.typed_number(text) IS 'A text before a number, and the number';

CREATE FUNCTION clone_internal.ask_about_outside_texts(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tokens clone_internal.key_like[];
    uuids text[];
    long_numbers text[];
    words text[];
    kinds text[];
    found text[];
    k record;
    c record;
BEGIN
    SELECT array_agg(DISTINCT ROW(p.number, v.value, t.token)::clone_internal.key_like) INTO tokens
    FROM unnest($2) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number)
    CROSS JOIN LATERAL (SELECT x AS value FROM unnest(p.vals[:60]) x WHERE length(x) >= 4) v
    CROSS JOIN LATERAL (
        SELECT m[1] AS token FROM regexp_matches(v.value, clone_internal.uuid_pattern('-'), 'gi') m
        UNION SELECT x FROM regexp_split_to_table(v.value, '[^A-Za-z0-9_-]+') x
        UNION SELECT x FROM regexp_split_to_table(v.value, '[^A-Za-z0-9]+') x) t
    WHERE p.family IN ('text', 'json', 'text[]') AND length(t.token) >= 3 AND t.token <> v.value
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation);
    -- A number behind the name of its table: userstories.userstory:229.
    kinds := ARRAY(SELECT DISTINCT (clone_internal.typed_number(v))[1] FROM unnest($2) p CROSS JOIN LATERAL unnest(p.vals[:60]) v WHERE p.family IN ('text', 'json', 'text[]') AND clone_internal.typed_number(v) IS NOT NULL);
    FOR c IN
        SELECT p.relation, p."column" AS name, p.path, k.target, array_agg(DISTINCT t.m[2]) AS ids
        FROM unnest($2) p CROSS JOIN LATERAL unnest(p.vals[:60]) v CROSS JOIN LATERAL (SELECT clone_internal.typed_number(v) AS m) t
        JOIN clone_internal.tables_of_kinds($1, kinds) k ON k.kind = t.m[1] AND k.described AND k.rank < 2
        WHERE p.family IN ('text', 'json', 'text[]') AND kinds <> '{}'
        GROUP BY 1, 2, 3, 4 HAVING count(DISTINCT t.m[2]) >= 4 ORDER BY 1, 2, 3, 4
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = c.relation);
        SELECT n.name, f.found INTO k
        FROM clone_internal.naming_columns($1) n
        CROSS JOIN LATERAL (SELECT count(*) AS found FROM clone_internal.keys_of_tables(ARRAY[n.relation], ARRAY[n.name], ARRAY[n.family], c.ids)) f
        WHERE n.relation = c.target AND n.is_id AND n.family = 'int' AND 5 * (cardinality(c.ids) - f.found) <= cardinality(c.ids);
        CONTINUE WHEN k.name IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, c.path, 'error',
            format('%s.%I%s holds %I of %s within longer texts: %s of %s values that were looked at. Its rows are not cloned, and no column says to which project they belong', c.relation, c.name,
                CASE WHEN c.path <> '' THEN ' at ' || c.path ELSE '' END, k.name, c.target, k.found, cardinality(c.ids)),
            format('SELECT clone.store_shared(%L, %L);', $1, c.relation), NULL);
    END LOOP;
    IF tokens IS NULL THEN
        RETURN;
    END IF;
    SELECT COALESCE(array_agg(DISTINCT t.token) FILTER (WHERE length(t.token) = 36), '{}'), array_agg(DISTINCT t.token) INTO uuids, words FROM unnest(tokens) AS t;
    long_numbers := ARRAY(SELECT w FROM unnest(words) w WHERE w ~ '^[1-9][0-9]{11,}$');
    FOR k IN SELECT n.* FROM clone_internal.naming_columns(ask_about_outside_texts.store) n WHERE n.family IN ('text', 'uuid', 'int') ORDER BY n.role = 'project' AND NOT n.is_id, n.relation::oid, n.name LOOP
        CONTINUE WHEN k.family = 'uuid' AND uuids = '{}' OR k.family = 'int' AND long_numbers = '{}';
        found := ARRAY(SELECT DISTINCT f.value FROM clone_internal.keys_among(k.relation, k.name, k.family, CASE k.family WHEN 'uuid' THEN uuids WHEN 'int' THEN long_numbers ELSE words END) f);
        CONTINUE WHEN found = '{}';
        FOR c IN
            SELECT DISTINCT ON (p.relation) p.relation, p."column" AS name, p.path, h.keys, h.found, h.sure OR m.many AS sure, least(cardinality(p.vals), 60) AS seen,
                -- urn:uuid:…, doc/…: each value names one row, as if that owned it.
                k.family = 'uuid' AND p.path = '' AND NOT EXISTS (SELECT FROM unnest(p.vals[:60]) v WHERE v !~* ('^[a-z:/#@._ -]{0,16}[{(<"]*' || clone_internal.uuid_pattern('-') || '[})>"]*$')) AS owns
            FROM (SELECT t.place, count(DISTINCT t.value) AS keys, count(DISTINCT f.value) AS found, bool_or(k.family = 'uuid' OR clone_internal.distinctive(t.token) OR t.token = ANY (uuids)) AS sure
                  FROM unnest(tokens) AS t JOIN unnest(found) AS f (value) ON f.value = t.token
                  GROUP BY t.place) h
            JOIN unnest($2) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number) ON p.number = h.place
            -- Short texts may be words, but hardly in almost all values: home::ada.
            CROSS JOIN LATERAL (SELECT k.is_id AND k.family = 'text' AND h.found >= 8 AND 10 * h.keys >= 9 * least(cardinality(p.vals), 60) AS many) m
            WHERE (h.sure OR m.many OR k.role = 'project' AND h.found > 1 AND 2 * h.keys >= least(cardinality(p.vals), 60))
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation)
            ORDER BY p.relation, h.sure DESC, m.many DESC, h.keys DESC, p."column", p.path
        LOOP
            PERFORM clone_internal.ask($1, c.relation, c.name, c.path, CASE WHEN c.sure THEN 'error' ELSE 'warning' END,
                format('%s.%I%s holds %I of %s within longer texts: %s of %s values that were looked at. Its rows are not cloned, and no column says to which project they belong', c.relation, c.name,
                    CASE WHEN c.path <> '' THEN ' at ' || c.path ELSE '' END, k.name, k.relation, c.keys, c.seen),
                CASE WHEN NOT c.owns THEN format('SELECT clone.store_shared(%L, %L);', $1, c.relation) END,
                CASE WHEN c.owns THEN format('SELECT clone.store_shared(%L, %L);', $1, c.relation) END);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_outside_texts(text, clone_internal.place[]) IS 'Records questions about tables that are not described and hold keys of the store within longer texts';
