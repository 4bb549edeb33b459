-- Polymorphic pairs by their values, under any names: a column with few values beside a column of keys, where the keys of each value are those
-- of rows of one table and of the same tenant, and of different tables for different values. The values may be words, numbers or labels.

-- A type and an id in a row of a pair (given by its number), and the row's tenant.
CREATE TYPE clone_internal.pair_value AS (pair int, code text, id text, tenant text);

-- Columns of a table that may say which table a column beside them refers to.
CREATE FUNCTION clone_internal.type_columns(store text, relation regclass) RETURNS name[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    names name[];
    counts bigint[];
BEGIN
    SELECT array_agg(a.attname ORDER BY a.attnum) INTO names
    FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
    JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = a.attname AND s.role IN ('keep', 'rewrite', 'map')
    JOIN pg_type b ON b.oid = clone_internal.base_type(a.atttypid)
    WHERE r.store = $1 AND r.relation = $2 AND a.attname <> ALL (ARRAY[COALESCE(r.id_column, ''), COALESCE(r.project_column, ''), COALESCE(r.join_column, '')])
      AND (clone_internal.family(a.atttypid) IN ('int', 'text', 'uuid') OR b.typtype = 'e' OR b.oid IN ('"char"'::regtype, 'boolean'::regtype))
      -- A key of a row that is cloned is another one in the clone.
      AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname)
      AND NOT EXISTS (SELECT FROM pg_constraint f JOIN clone.store_relation t ON t.store = $1 AND t.relation::oid = f.confrelid WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
      AND (clone_internal.family(a.atttypid) <> 'uuid' OR EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND f.conkey = ARRAY[a.attnum]));
    IF names IS NULL THEN
        RETURN '{}';
    END IF;
    EXECUTE format('SELECT ARRAY[%s] FROM %s AS t', (SELECT string_agg(format('count(DISTINCT %s)', clone_internal.column_text('t', relation, n)), ', ' ORDER BY number) FROM unnest(names) WITH ORDINALITY AS o (n, number)),
        clone_internal.spread(relation, '*', 2000)) INTO counts;
    RETURN ARRAY(SELECT o.name FROM unnest(names, counts) WITH ORDINALITY AS o (name, vals, number) WHERE o.vals BETWEEN 2 AND 40 ORDER BY o.number LIMIT 12);
END
$$;
COMMENT ON FUNCTION clone_internal.type_columns(text, regclass) IS 'Columns of a store''s table with few values, which may be the types of a polymorphic pair';

-- What the types in a column stand for, where they are keys of a small table that explains them: the text in its row that names a table.
CREATE FUNCTION clone_internal.explained_types(store text, relation regclass, type_column name, codes text[]) RETURNS TABLE (code text, target regclass)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    rows_of_codes text[];
    names text[];
BEGIN
    FOR c IN
        SELECT e.oid::regclass AS explaining, clone_internal.key_of(e.oid::regclass) AS key, a.attname AS name
        FROM (SELECT f.confrelid AS oid, 1 AS rank FROM pg_constraint f JOIN pg_attribute t ON t.attrelid = f.conrelid AND t.attname = type_column WHERE f.contype = 'f' AND f.conrelid = relation AND f.conkey = ARRAY[t.attnum]
              UNION ALL
              SELECT d.oid, 2 FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d
              WHERE d.word = clone_internal.named_word(type_column) OR d.word LIKE E'%\\_' || clone_internal.named_word(type_column)) e
        JOIN pg_class k ON k.oid = e.oid AND pg_relation_size(k.oid) < 1000000
        JOIN pg_attribute a ON a.attrelid = e.oid AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'text'
        WHERE e.oid <> relation AND e.oid IN (SELECT d.oid FROM clone_internal.discoverable(NULL) d) AND clone_internal.key_of(e.oid::regclass) IS NOT NULL
          AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = e.oid)
        ORDER BY e.rank, e.oid, a.attnum LIMIT 20
    LOOP
        EXECUTE format('SELECT array_agg(s.code), array_agg(s.name) FROM (SELECT %s AS code, %s AS name FROM %s AS k WHERE %1$s = ANY ($1)) AS s WHERE s.name IS NOT NULL',
            clone_internal.column_text('k', c.explaining, c.key), clone_internal.column_text('k', c.explaining, c.name), c.explaining) INTO rows_of_codes, names USING codes;
        RETURN QUERY SELECT o.code, k.target FROM unnest(rows_of_codes, names) AS o (code, name) JOIN clone_internal.tables_of_kinds($1, names) k ON k.kind = o.name AND k.described
            WHERE 2 * (SELECT count(DISTINCT x.kind) FROM clone_internal.tables_of_kinds($1, names) x WHERE x.described) >= cardinality(codes);
        IF FOUND THEN
            RETURN;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.explained_types(text, regclass, name, text[]) IS 'The tables that types mean which are keys of rows with the names of tables';

-- The column with few values that a column of keys is one with: its numbers are unique only together with it, or it names tables by the rows of a
-- small table. What is under such a number is no plain key. NULL: there is none, or the name says one of the tables.
CREATE FUNCTION clone_internal.pair_partner(store text, relation regclass, "column" name, targets regclass[]) RETURNS name
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    -- Of the rows that were looked at: all, different values, different pairs, and different values beside it.
    counts bigint[];
    codes text[];
BEGIN
    IF EXISTS (SELECT FROM unnest(targets) t JOIN pg_class k ON k.oid = t CROSS JOIN LATERAL (SELECT clone_internal.table_word(k.relname) AS word) w
               WHERE clone_internal.table_match($3, w.word) IS NOT NULL OR clone_internal.names_person($3) AND clone_internal.has_persons(w.word) > 0) THEN
        RETURN NULL;
    END IF;
    FOR c IN
        SELECT a.attname AS name, u.together, f.by_key, clone_internal.family(a.atttypid) AS family, clone_internal.pair_word(a.attname, true) IS NOT NULL OR clone_internal.snake(a.attname) ~ '(level|event|action|sort|what)$' AS says_type
        FROM pg_attribute a JOIN pg_attribute i ON i.attrelid = a.attrelid AND i.attname = $3
        CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_index u WHERE u.indrelid = $2 AND u.indisunique AND u.indislive AND u.indnkeyatts = 2 AND a.attnum = ANY (u.indkey::int2[]) AND i.attnum = ANY (u.indkey::int2[])) AS together) u
        CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = $2 AND a.attnum = ANY (k.conkey)) AS by_key) f
        WHERE a.attrelid = $2 AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> $3 AND NOT clone_internal.names_quantity(a.attname) AND clone_internal.snake(a.attname) !~ '(^|_)(lang|language|locale|year|month|week|day)(_|$)'
          AND (clone_internal.family(a.atttypid) IN ('int', 'text') OR a.atttypid = '"char"'::regtype OR clone_internal.other_key_type(a.atttypid))
          AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $2 AND a.attname IN (r.id_column, r.project_column, r.join_column))
          AND NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = $2 AND p.indisunique AND p.indnkeyatts = 1 AND p.indkey[0] IN (a.attnum, i.attnum))
          -- A key of a row of the store is another one in each tenant.
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = $2 AND d."column" = a.attname)
          AND NOT EXISTS (SELECT FROM pg_constraint k JOIN clone.store_relation t ON t.store = $1 AND t.relation::oid = k.confrelid WHERE k.contype = 'f' AND k.conrelid = $2 AND a.attnum = ANY (k.conkey))
          AND (u.together OR f.by_key OR clone_internal.says_id(a.attname) OR clone_internal.pair_word(a.attname, true) IS NOT NULL OR clone_internal.snake(a.attname) ~ '(level|event|action|sort|what)$')
        -- A table may have very many columns.
        ORDER BY u.together DESC, a.attnum LIMIT 12
    LOOP
        -- Of a text, such as the name of a setting, only its column's name can say that it is a type.
        EXECUTE format('SELECT ARRAY[count(*), count(DISTINCT t.x), count(DISTINCT ROW(t.x, t.kind)), count(DISTINCT t.kind)], (array_agg(DISTINCT t.kind))[:41] FROM (SELECT %s AS x, %s AS kind FROM %s AS t WHERE t.%I IS NOT NULL AND t.%I IS NOT NULL) t',
            clone_internal.column_text('t', $2, $3), clone_internal.column_text('t', $2, c.name), clone_internal.spread($2, '*', 5000), $3, c.name) INTO counts, codes;
        CONTINUE WHEN counts[4] NOT BETWEEN 2 AND 40 OR counts[1] < 4 * counts[4];
        -- It is a key itself, of rows of the same tenants: a link table.
        CONTINUE WHEN c.family IN ('int', 'text') AND EXISTS (
            SELECT FROM unnest(targets) t JOIN clone_internal.naming_columns($1) o ON o.relation = t AND o.is_id CROSS JOIN clone_internal.naming_columns($1) n
            WHERE n.is_id AND n.family = c.family AND clone_internal.agrees_with_names($1, $2, $3, t, o.name, jsonb_build_array(jsonb_build_object('column', c.name, 'family', c.family, 'path', '', 'target', n.relation::oid::bigint, 'key', n.name)))
              AND (SELECT count(DISTINCT h.value) FROM clone_internal.keys_among(n.relation, n.name, n.family, codes) h) = counts[4]);
        IF NOT c.by_key AND NOT clone_internal.says_id(c.name) AND (c.together AND (c.says_type OR c.family = 'int') OR c.says_type AND counts[3] = counts[1]) AND counts[2] + 3 <= counts[1]
           OR (c.by_key OR clone_internal.says_id(c.name)) AND EXISTS (SELECT FROM clone_internal.explained_types($1, $2, c.name, codes)) THEN
            RETURN c.name;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.pair_partner(text, regclass, name, regclass[]) IS 'The column with few values without which a number is no key of one table; NULL: there is none, or the name says one of the tables';

-- What a question says that proposes nothing.
CREATE FUNCTION clone_internal.say_which(store text, relation regclass, "column" name, path text, partner name) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $5 IS NULL THEN format('. Say which with clone.store_reference(%L, %L, %L, <table>%s)', $1, $2::text, $3, CASE WHEN $4 <> '' THEN format(', path => %L', $4) ELSE '' END)
           ELSE format('. %I beside it may say which: declare each with clone.store_reference(%L, %L, %L, <table>, type_column => %L, type_values => <type>)', $5, $1, $2::text, $3, $5) END
$$;
COMMENT ON FUNCTION clone_internal.say_which(text, regclass, name, text, name) IS 'What a question says about keys of several tables, where nothing says which is meant';

-- Columns of keys that a column beside them explains, which no other question is about. It proposes nothing.
CREATE FUNCTION clone_internal.ask_about_partners(store text, paired clone_internal.seen_place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    p record;
BEGIN
    FOR p IN SELECT o.* FROM unnest($2) o WHERE NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column" AND q.path = '') LOOP
        PERFORM clone_internal.ask($1, p.relation, p."column", '', 'error',
            format('%s.%I looks like a key of %s: all %s values that were looked at are', p.relation, p."column", array_to_string(p.targets[:3], ' or '), p.seen)
                || clone_internal.say_which($1, p.relation, p."column", '', clone_internal.pair_partner($1, p.relation, p."column", p.targets)),
            NULL, clone_internal.keep_call($1, p.relation, p."column", ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_partners(text, clone_internal.seen_place[]) IS 'Records questions about columns of keys of which a column beside them says the table, and the data do not';

CREATE FUNCTION clone_internal.ask_about_pairs_by_values(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    targets regclass[];
    keys name[];
    families text[];
    ids clone_internal.place[];
    relations regclass[];
    types name[];
    names name[];
    sample clone_internal.pair_value[];
    sampled clone_internal.pair_value[] := '{}';
    -- A row that has the id as its key: place is the number of the table among targets, value the row's tenant.
    hits clone_internal.key_like[];
    explained jsonb := '[]';
    -- The pairs that are looked at, and in how many rows.
    numbers int[];
    most int;
    -- Those whose names are those of a pair.
    worded int[];
    own text;
    said record;
    c record;
BEGIN
    SELECT array_agg(n.relation), array_agg(n.name), array_agg(n.family) INTO targets, keys, families
    FROM (SELECT n.* FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family IN ('int', 'text') ORDER BY n.relation::oid) n;
    IF cardinality(targets) > 1 IS NOT TRUE THEN
        RETURN;
    END IF;
    -- Columns of which many values are keys.
    ids := ARRAY(
        WITH place AS MATERIALIZED (
            SELECT p.*, row_number() OVER () AS number FROM unnest($2) p
            WHERE p.path = '' AND p.family IN ('int', 'text') AND cardinality(p.vals) >= 4 AND clone_internal.tenant_sql($1, p.relation, 't') NOT LIKE '%.ctid::text'
              AND NOT EXISTS (SELECT FROM unnest(p.vals) v WHERE v ~ '[[:space:]]' OR length(v) >= 80)
              AND NOT clone_internal.has_sequence(p.relation, (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attname = p."column"))
              -- A number per tenant.
              AND NOT EXISTS (SELECT FROM clone.store_relation r JOIN pg_index u ON u.indrelid = r.relation AND u.indisunique
                              JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = p."column" JOIN pg_attribute o ON o.attrelid = r.relation AND o.attname = r.project_column
                              WHERE r.store = $1 AND r.relation = p.relation AND u.indnkeyatts = 2 AND a.attnum = ANY (u.indkey::int2[]) AND o.attnum = ANY (u.indkey::int2[]))
        ), known AS MATERIALIZED (
            SELECT DISTINCT f.value COLLATE "C" AS value FROM clone_internal.keys_of_tables(targets, keys, families, ARRAY(SELECT DISTINCT v FROM place p CROSS JOIN LATERAL unnest(p.vals[:50]) v)) f
        )
        SELECT ROW(p.relation, p."column", p.path, p.word, p.says_id, p.kind, p.family, p.total, p.vals, p.separators)::clone_internal.place FROM place p
        WHERE (SELECT 3 * count(k.value) >= count(*) FROM unnest(p.vals[:50]) v LEFT JOIN known k ON k.value = v COLLATE "C") ORDER BY p.relation::oid, p."column");
    SELECT array_agg(o.relation), array_agg(o.type_column), array_agg(o.name) INTO relations, types, names
    FROM (SELECT i.relation, t AS type_column, i."column" AS name FROM (SELECT o.relation, clone_internal.type_columns($1, o.relation) AS types FROM (SELECT DISTINCT x.relation FROM unnest(ids) x) o OFFSET 0) r
          JOIN unnest(ids) i ON i.relation = r.relation CROSS JOIN LATERAL unnest(r.types) t WHERE t <> i."column" ORDER BY i.relation::oid, i."column", t) o;
    IF names IS NULL THEN
        RETURN;
    END IF;
    -- Where ids in few rows are keys of rows of other tenants, no more is read.
    numbers := ARRAY(SELECT generate_series(1, cardinality(names)));
    worded := ARRAY(SELECT o.number::int FROM unnest(types, names) WITH ORDINALITY AS o (type_column, name, number) WHERE clone_internal.pair_word(o.type_column, true) = clone_internal.pair_word(o.name, false) AND NOT clone_internal.names_quantity(o.name));
    FOREACH most IN ARRAY '{40,2000}'::int[] LOOP
        sampled := '{}';
        FOR c IN SELECT o.relation, array_agg(o.number::int) AS numbered, array_agg(o.type_column) AS of_types, array_agg(o.name) AS of_names FROM unnest(relations, types, names) WITH ORDINALITY AS o (relation, type_column, name, number)
                 WHERE o.number = ANY (numbers) GROUP BY 1 LOOP
            own := clone_internal.tenant_sql($1, c.relation, 't');
            EXECUTE format('SELECT ARRAY(SELECT DISTINCT ROW(p.pair, p.code, p.id, r.tenant)::clone_internal.pair_value
                FROM (SELECT %s AS tenant, ARRAY[%s]::text[] AS types, ARRAY[%s]::text[] AS ids FROM %s AS t ORDER BY hashint8(row_number() OVER ()) LIMIT %s) AS r CROSS JOIN LATERAL unnest($1, r.types, r.ids) AS p (pair, code, id)
                WHERE p.code IS NOT NULL AND r.tenant IS NOT NULL AND r.tenant <> ALL (clone_internal.in_place_of_null()) AND lower(p.id) <> ALL (clone_internal.in_place_of_null()))', own,
                (SELECT string_agg(clone_internal.column_text('t', c.relation, n), ', ' ORDER BY number) FROM unnest(c.of_types) WITH ORDINALITY AS o (n, number)),
                (SELECT string_agg(clone_internal.column_text('t', c.relation, n), ', ' ORDER BY number) FROM unnest(c.of_names) WITH ORDINALITY AS o (n, number)), clone_internal.spread(c.relation, '*', 20000), most) INTO sample USING c.numbered;
            sampled := sampled || sample;
        END LOOP;
        hits := ARRAY(SELECT ROW(t.number, k.tenant, k.value)::clone_internal.key_like
            FROM (SELECT f.target, array_agg(f.value) AS vals FROM clone_internal.keys_of_tables(targets, keys, families, ARRAY(SELECT DISTINCT s.id FROM unnest(sampled) s)) f GROUP BY 1) f
            JOIN unnest(targets, keys, families) WITH ORDINALITY AS t (relation, key, family, number) ON t.relation = f.target
            CROSS JOIN LATERAL clone_internal.tenants_of_keys($1, t.relation, t.key, t.family, f.vals) k);
        CONTINUE WHEN most > 40;
        numbers := ARRAY(
            WITH hit AS MATERIALIZED (
                SELECT h.place AS target, h.token AS id, array_agg(h.value) AS tenants FROM unnest(hits) h GROUP BY 1, 2
            ), code AS MATERIALIZED (
                SELECT s.pair, s.code, count(*) AS seen FROM unnest(sampled) s GROUP BY 1, 2
            ), fitted AS (
                SELECT DISTINCT f.pair, f.code FROM (
                    SELECT s.pair, s.code, h.target, count(*) AS found FROM unnest(sampled) s JOIN hit h ON h.id = s.id GROUP BY 1, 2, 3 HAVING bool_and(s.tenant = ANY (h.tenants))) f
                JOIN code o ON o.pair = f.pair AND o.code = f.code WHERE 10 * f.found >= 7 * o.seen
            )
            SELECT o.pair FROM code o LEFT JOIN fitted f ON f.pair = o.pair AND f.code = o.code GROUP BY 1 HAVING 3 * COALESCE(sum(o.seen) FILTER (WHERE f.code IS NOT NULL), 0) >= sum(o.seen)
                -- Most rows may name rows of tables that the store does not describe.
                OR o.pair = ANY (worded) AND COALESCE(sum(o.seen) FILTER (WHERE f.code IS NOT NULL), 0) >= 4);
        EXIT WHEN numbers = '{}';
    END LOOP;
    IF numbers = '{}' THEN
        RETURN;
    END IF;
    -- What types say: by themselves, or in the table that explains them. Once for each column of types, which may be beside many ids.
    FOR c IN SELECT o.relation, o.type_column, array_agg(DISTINCT s.code) AS codes, array_agg(DISTINCT o.number) AS pairs FROM unnest(relations, types) WITH ORDINALITY AS o (relation, type_column, number) JOIN unnest(sampled) s ON s.pair = o.number GROUP BY 1, 2 LOOP
        explained := explained || COALESCE((SELECT jsonb_agg(jsonb_build_object('pair', p, 'code', e.code, 'target', array_position(targets, e.target))) FROM (
            SELECT k.kind AS code, k.target FROM clone_internal.tables_of_kinds($1, c.codes) k WHERE k.described
            UNION ALL
            SELECT x.code, x.target FROM clone_internal.explained_types($1, c.relation, c.type_column, c.codes) x WHERE NOT EXISTS (SELECT FROM unnest(c.codes) k WHERE k !~ '^[0-9]+$|^[0-9a-f-]{36}$')) e
            CROSS JOIN unnest(c.pairs) p WHERE e.target = ANY (targets)), '[]');
    END LOOP;
    FOR c IN
        WITH hit AS MATERIALIZED (
            -- Rows of several tenants may have one number as their key.
            SELECT h.place AS target, h.token COLLATE "C" AS id, array_agg(h.value COLLATE "C") AS tenants FROM unnest(hits) h GROUP BY 1, 2
        ), value AS MATERIALIZED (
            SELECT s.pair, s.code COLLATE "C" AS code, s.id COLLATE "C" AS id, s.tenant COLLATE "C" AS tenant FROM unnest(sampled) s
        ), pair AS MATERIALIZED (
            -- bits: how much it says that an id names a row of the same tenant.
            SELECT v.pair, sum(v.ids) AS ids, count(*) AS tenants, -log(2, greatest(0.001, max(v.ids) / sum(v.ids))) AS bits FROM (SELECT o.pair, o.tenant, count(*)::numeric AS ids FROM value o GROUP BY 1, 2) v GROUP BY 1
        ), code AS MATERIALIZED (
            SELECT v.pair, v.code, count(*) AS ids FROM value v GROUP BY 1, 2
        ), fit AS MATERIALIZED (
            SELECT f.pair, f.code, f.target, o.ids FROM (
                SELECT v.pair, v.code, h.target, count(*) FILTER (WHERE v.tenant = ANY (h.tenants)) AS keys, count(*) FILTER (WHERE v.tenant <> ALL (h.tenants)) AS strangers
                FROM value v JOIN hit h ON h.id = v.id GROUP BY 1, 2, 3) f
            JOIN code o ON o.pair = f.pair AND o.code = f.code
            -- Keys of rows that were deleted may stay.
            WHERE f.strangers = 0 AND 10 * f.keys >= 9 * o.ids
        ), named AS MATERIALIZED (
            SELECT e.pair, e.code COLLATE "C" AS code, min(e.target) AS target FROM jsonb_to_recordset(explained) AS e (pair int, code text, target int) GROUP BY 1, 2
        ), fitted AS MATERIALIZED (
            SELECT f.pair, f.code, f.ids, array_agg(f.target ORDER BY f.target) AS of_targets, n.target AS named, n.target = ANY (array_agg(f.target)) AS agrees
            FROM fit f LEFT JOIN named n ON n.pair = f.pair AND n.code = f.code GROUP BY 1, 2, 3, 5
        ), whole AS MATERIALIZED (
            -- One table has the ids of all types. Of a single id nothing can be said.
            SELECT x.pair, count(*) AS tables FROM (SELECT f.pair, count(*) AS codes FROM fitted f WHERE f.ids > 1 GROUP BY 1) n JOIN (SELECT f.pair, f.target, count(*) AS codes FROM fit f WHERE f.ids > 1 GROUP BY 1, 2) x ON x.pair = n.pair AND x.codes = n.codes GROUP BY 1
        ), judged AS MATERIALIZED (
            SELECT p.pair, p.ids, p.tenants, count(f.code) FILTER (WHERE f.ids > 1) AS codes, sum(f.ids) AS fitting, COALESCE(sum(f.ids) FILTER (WHERE f.agrees), 0) AS by_name,
                   count(DISTINCT f.named) FILTER (WHERE f.agrees) AS named_tables, min(f.ids) FILTER (WHERE f.ids > 1) AS fewest, COALESCE((SELECT w.tables FROM whole w WHERE w.pair = p.pair), 0) AS whole,
                   sum(f.ids * p.bits - log(2, (cardinality(targets) + 1)::numeric)) FILTER (WHERE f.ids > 1) AS evidence,
                   jsonb_agg(jsonb_build_object('code', o.code, 'target', CASE WHEN f.agrees THEN f.named WHEN f.named IS NULL AND cardinality(f.of_targets) = 1 THEN f.of_targets[1] END, 'fits', cardinality(f.of_targets)) ORDER BY o.code) AS found
            FROM pair p JOIN code o ON o.pair = p.pair LEFT JOIN fitted f ON f.pair = o.pair AND f.code = o.code GROUP BY p.pair, p.ids, p.tenants, p.bits
        )
        SELECT DISTINCT ON (l.relation::oid, l.name) j.ids, j.found, l.relation, l.type_column, l.name, j.codes = 1 AND j.named_tables = 0 AS partly
        FROM judged j JOIN unnest(relations, types, names) WITH ORDINALITY AS l (relation, type_column, name, number) ON l.number = j.pair
        JOIN pg_attribute a ON a.attrelid = l.relation AND a.attname = l.name JOIN pg_attribute t ON t.attrelid = l.relation AND t.attname = l.type_column
        CROSS JOIN LATERAL (SELECT clone_internal.pair_word(l.type_column, true) AS type_word, clone_internal.pair_word(l.name, false) AS id_word, clone_internal.names_quantity(l.name) AS quantity) w
        WHERE j.tenants > 1 AND j.ids >= 6
          AND (NOT w.quantity OR j.fewest >= 8)
               -- One type that names a table, with keys of it: the others may name their rows by something else, such as a slug.
          AND (j.named_tables > 0 AND w.id_word = w.type_word AND j.by_name >= 4 AND j.evidence >= 4
               -- The ids of one type are keys of rows of the same tenant, those of the others of tables that the store does not describe.
               OR j.codes = 1 AND w.id_word = w.type_word AND NOT w.quantity AND j.evidence >= 8 AND EXISTS (
                   SELECT FROM clone_internal.kinds_of_other_tables($1, ARRAY(SELECT v.code FROM value v WHERE v.pair = j.pair ORDER BY v.code, v.id, v.tenant), ARRAY(SELECT v.id FROM value v WHERE v.pair = j.pair ORDER BY v.code, v.id, v.tenant)) x (kind)
                   WHERE NOT EXISTS (SELECT FROM fitted f WHERE f.pair = j.pair AND f.code = x.kind COLLATE "C"))
               OR j.codes > 1 AND 2 * j.fitting >= j.ids
                   -- Types that name tables, each with keys of that table.
                   AND (j.named_tables > 1 AND 2 * j.by_name >= j.ids AND j.evidence >= 4
                        -- Small numbers are keys by chance, but not many of rows of the same tenants in different tables.
                        OR j.whole = 0 AND j.evidence >= CASE WHEN w.quantity THEN 24 ELSE 12 END
                        -- The names are those of a pair, and the data do not say which table.
                        OR j.whole > 1 AND w.id_word = w.type_word AND NOT w.quantity AND j.evidence >= 12))
        ORDER BY l.relation::oid, l.name, j.by_name DESC, w.id_word IN ('', COALESCE(w.type_word, clone_internal.snake(l.type_column))) DESC NULLS LAST, j.fitting DESC, j.codes, abs(a.attnum - t.attnum), t.attnum
    LOOP
        SELECT string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, type_column => %L, type_values => %L);', $1, c.relation, c.name, targets[k.target], c.type_column, k.codes::text), ' ' ORDER BY k.target) FILTER (WHERE k.target IS NOT NULL) AS calls,
               string_agg(format('%s (%s)', targets[k.target], clone_internal.shown(array_to_string(k.codes, ', '))), ', ' ORDER BY k.target) FILTER (WHERE k.target IS NOT NULL) AS clear,
               string_agg(clone_internal.shown(array_to_string(k.codes, ', ')), ', ') FILTER (WHERE k.target IS NULL) AS unclear INTO said
        FROM (SELECT f.target, array_agg(f.code ORDER BY f.code) AS codes FROM jsonb_to_recordset(c.found) AS f (code text, target int, fits int) WHERE f.target IS NOT NULL OR f.fits > 0 GROUP BY 1) k;
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error',
            format('%s.%I with %I looks like a reference to rows of several tables: ' || CASE WHEN c.partly THEN 'of one type' ELSE 'for each type' END || ', the ids that were looked at are keys of rows of the same tenant', c.relation, c.name, c.type_column)
                || COALESCE(' in ' || said.clear, '') || CASE WHEN c.partly THEN ', of others keys of a table that the store does not describe' ELSE '' END
                || CASE WHEN said.unclear IS NULL THEN '' ELSE format('. The types %s may mean several; say which table each means with clone.store_reference(%L, %L, %L, <table>, type_column => %L, type_values => <type>)', said.unclear, $1, c.relation, c.name, c.type_column) END,
            CASE WHEN said.unclear IS NULL THEN said.calls END, clone_internal.keep_call($1, c.relation, c.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_pairs_by_values(text, clone_internal.place[]) IS 'Records questions about pairs of columns whose ids are keys of another table for each value beside them';
