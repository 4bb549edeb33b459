-- Samples of the data: values of columns and documents of a store's tables, and which of them are keys.

-- A column, or a path in its documents, and a sample of its values.
CREATE TYPE clone_internal.place AS (
    relation regclass, "column" name,
    -- '' for the column itself, else a JSONPath (RFC 9535).
    path text,
    -- The word of its name that may mean a table, and whether the name is that of a key.
    word text, says_id boolean,
    -- The type in the same object: {"type": "contact", "id": 2}.
    kind text,
    family text, total bigint, vals text[],
    -- The separators of a list of numbers in a text.
    separators text
);

-- A value that is a key of a table.
CREATE TYPE clone_internal.found_key AS (target regclass, value text);

CREATE FUNCTION clone_internal.json_of(value text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF value COLLATE "C" ~ '^[[:space:]]*[{[]' AND length(value) < 100000 THEN
        RETURN value::jsonb;
    END IF;
    RETURN to_jsonb(left(value, 8000));
EXCEPTION WHEN invalid_text_representation OR untranslatable_character OR numeric_value_out_of_range THEN
    RETURN to_jsonb(left(value, 8000));
END
$$;
COMMENT ON FUNCTION clone_internal.json_of(text) IS 'The document in a text, or the text as a JSON string';

-- Columns that can hold keys and have no key, no reference and no declaration.
CREATE FUNCTION clone_internal.open_columns(store text) RETURNS TABLE (relation regclass, name name, family text, relkind "char")
-- Called a dozen times by a check: as SQL it would be planned each time.
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT r.relation, a.attname, f.family, c.relkind
    FROM clone.store_relation r
    JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p', 'm')
    JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    JOIN pg_type t ON t.oid = a.atttypid
    CROSS JOIN LATERAL (SELECT CASE
        WHEN a.atttypid IN (20, 21, 23) THEN 'int' WHEN a.atttypid IN (25, 1043) THEN 'text' WHEN a.atttypid IN (114, 3802) THEN 'json'
        WHEN a.atttypid IN (16, 1082, 1114, 1184, 700, 701, 17, 2950) THEN ''
        WHEN t.typname IN ('hstore', 'ltree') AND t.typtype = 'b' OR a.atttypid = 142 THEN 'text of another type'
        ELSE clone_internal.family(a.atttypid) END AS family) f
    JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = a.attname AND (s.role IN ('keep', 'rewrite', 'map', 'default') OR s.role = 'key' AND s.name = r.id_column)
     AND (s.reason IS DISTINCT FROM 'set by hand' OR f.family = 'json' AND s.role = 'rewrite')
    WHERE r.store = $1 AND f.family IN ('int', 'text', 'int[]', 'text[]', 'json', 'text of another type')
      -- The key of a table that joins others, or that has a row for each of another, is named after them.
      AND (a.attname <> COALESCE(r.id_column, '') OR clone_internal.plain(clone_internal.named_table(a.attname, false)) <> clone_internal.plain(clone_internal.table_word(c.relname)) AND NOT clone_internal.has_sequence(r.relation, a.attnum)
           -- A part of a key that is kept beside one that changes holds what any column may hold.
           OR CASE WHEN EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indnkeyatts > 1 AND a.attnum = ANY (u.indkey::int2[])) THEN NOT clone_internal.gets_new_values($1, r.relation, a.attname) END)
      AND a.attname NOT IN (COALESCE(r.project_column, ''), COALESCE(r.join_column, ''), COALESCE(r.type_column, ''))
      AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
      -- Numbers that say what the key beside them names.
      AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d.type_column = a.attname)
      AND (f.family IN ('json', 'text of another type') OR (r.relation::oid, a.attname) NOT IN (SELECT d.relation::oid, d."column" FROM clone.store_reference d WHERE d.store = $1 AND d.form <> 'json'))
      AND NOT EXISTS (SELECT FROM clone.store_no_reference n WHERE n.store = $1 AND n.relation = r.relation AND n."column" = a.attname AND n.path = '')
      AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = r.relation AND a.attname = ANY (m.columns))
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname AND q.path = '$key');
END
$$;
COMMENT ON FUNCTION clone_internal.open_columns(text) IS 'Columns of described tables that can hold keys and have no declaration';

-- The blocks of a table with its partitions and children, the rows in one of them as far as it is known, and the number of these parts. NULL:
-- not all of its rows are in heaps, of which alone a sample of blocks can be read.
CREATE FUNCTION clone_internal.extent(relation regclass, OUT blocks bigint, OUT density numeric, OUT parts bigint)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Most tables have no children: without the recursion, 5,400 calls take 0.3 s instead of 1.0 s.
    SELECT CASE WHEN c.relkind IN ('r', 'm') AND m.amname = 'heap' THEN pg_relation_size(c.oid) / current_setting('block_size')::int END,
           CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples::numeric / c.relpages ELSE 100 END, 1
    INTO blocks, density, parts
    FROM pg_class c LEFT JOIN pg_am m ON m.oid = c.relam WHERE c.oid = relation AND NOT c.relhassubclass AND c.relkind <> 'p';
    IF FOUND THEN
        RETURN;
    END IF;
    WITH RECURSIVE part (oid) AS (
        SELECT relation::oid UNION SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.oid
    )
    SELECT CASE WHEN bool_and(c.relkind = 'p' OR c.relkind IN ('r', 'm') AND m.amname = 'heap') THEN sum(pg_relation_size(c.oid)) / current_setting('block_size')::int END,
           -- Without statistics, rows of 80 bytes.
           COALESCE(sum(c.reltuples) FILTER (WHERE c.reltuples > 0 AND c.relpages > 0)::numeric / sum(c.relpages) FILTER (WHERE c.reltuples > 0 AND c.relpages > 0), 100),
           count(*) FILTER (WHERE c.relkind <> 'p')
    INTO blocks, density, parts
    FROM part p JOIN pg_class c ON c.oid = p.oid LEFT JOIN pg_am m ON m.oid = c.relam;
END
$$;
COMMENT ON FUNCTION clone_internal.extent(regclass) IS 'The blocks of a table with its partitions and children, the rows in a block, and the number of these parts; blocks is NULL where no sample of blocks can be read';

-- About this many rows of a table, as SQL for FROM; all if it has no more. They are from blocks all over the table, the same ones at each
-- call: the first rows may all be of one kind, such as those from before a column was added. Of views and foreign tables the first ones.
CREATE FUNCTION clone_internal.spread(relation regclass, columns text, rows int) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e record;
    wanted numeric;
BEGIN
    SELECT x.blocks, x.density, x.parts INTO e FROM clone_internal.extent(relation) x;
    wanted := greatest(rows / e.density, rows / 300.0);
    IF e.blocks <= wanted THEN
        RETURN format('(SELECT %s FROM %s)', columns, relation);
    ELSIF e.blocks >= 20 * e.parts THEN
        RETURN format('(SELECT %s FROM %s TABLESAMPLE SYSTEM (%s) REPEATABLE (1))', columns, relation, round(100 * wanted / e.blocks, 8));
    END IF;
    -- The seed is the same for each partition: of small ones, all first blocks would be in the sample or none.
    RETURN format('(SELECT %s FROM %s LIMIT %s)', columns, relation, rows);
END
$$;
COMMENT ON FUNCTION clone_internal.spread(regclass, text, int) IS 'About so many rows from all over a table, or all rows of a smaller one, as SQL for FROM';

-- A number, alone or after the name of a table (post:5; user_7101, not line_1), a list of numbers (35,41), or a text of 12 characters with a digit that is no name
-- with a number in it, such as oauth2ClientId, k8s_cluster_id or line1_address2. The planner calls it once: it is immutable.
CREATE FUNCTION clone_internal.key_member_pattern() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '^([A-Za-z][A-Za-z_]*[:;/#|=@.~-]+)?[0-9]{1,18}$|^[A-Za-z][A-Za-z_]*_[1-9][0-9]{2,17}$|^(?![A-Za-z]?[a-z]*[0-9]{0,4}[a-z]*([A-Z]([a-z]{2,}|[dofytnr])|[A-Z]{2,4}|[_-][a-z]{2,}[0-9]{0,2})+[0-9]{0,3}$)(?![A-Z]+[0-9]{0,4}(_[A-Z]{2,}[0-9]{0,2})+$)(?=.*[0-9]).{12,}$|^[0-9]{1,18}([,;|/ _:+-]+[0-9]{1,18})+$'::text $$;
COMMENT ON FUNCTION clone_internal.key_member_pattern() IS 'The names of members of documents that may be keys, as a regular expression';

-- Columns and paths of a table with a sample of their values. Numbers and texts only; at most 500 values per column, of about 5,000
-- rows. A column that has too few there is looked for in 50,000.
CREATE FUNCTION clone_internal.sampled_places(relation regclass, columns name[], families text[]) RETURNS SETOF clone_internal.place
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    listed text := (SELECT string_agg(format('%I', n), ', ') FROM unnest(columns) n);
    few text := clone_internal.spread(relation, listed, 5000);
    many text := clone_internal.spread(relation, listed, 50000);
    parts text[];
BEGIN
    -- The second part of UNION ALL is read only if the first has less than the limit.
    SELECT array_agg(format('(SELECT %L::name AS c, %s AS v FROM (SELECT r.%I AS x FROM few AS r WHERE r.%3$I IS NOT NULL%s LIMIT %s) s)', c.name,
        CASE -- Some documents of type json are no jsonb.
             WHEN c.family = 'json' AND (SELECT a.atttypid <> 3802 FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = c.name) THEN 'clone_internal.json_of(s.x::text)'
             -- Elements of type character(n) without their trailing blanks.
             WHEN c.family = 'text[]' THEN 'to_jsonb(s.x::text[])'
             WHEN c.family IN ('int', 'int[]', 'uuid[]', 'json') THEN 'to_jsonb(s.x)'
             WHEN c.family = 'text' THEN 'clone_internal.json_of(s.x::text)' ELSE 'to_jsonb(left(s.x::text, 8000))' END,
        c.name, CASE WHEN few = many THEN '' ELSE format(' UNION ALL SELECT r.%I FROM %s AS r WHERE r.%1$I IS NOT NULL', c.name, many) END,
        CASE WHEN c.family = 'json' THEN 200 ELSE 500 END))
    INTO parts FROM unnest(columns, families) AS c (name, family);
    RETURN QUERY EXECUTE format($q$
        WITH RECURSIVE few AS MATERIALIZED (
            -- In any order but that of the table.
            SELECT t.* FROM %s AS t ORDER BY hashint8(row_number() OVER ())
        ), walk (c, holder, holder_list, member, list, kind, v, depth, inner_lists) AS (
            SELECT s.c, NULL::text, false, NULL::text, false, NULL::text, s.v, 0, 0 FROM (%s) AS s
            UNION ALL
            -- Lists within lists. Dimensions of an array are none.
            SELECT w.c, n.holder, n.holder_list, n.member, n.list, n.kind, n.v, w.depth + 1, CASE WHEN n.list AND w.list THEN w.inner_lists + 1 ELSE 0 END
            FROM walk w CROSS JOIN LATERAL (
                -- Members whose names are keys, as in {"votes": {"<key>": 1}}, count as elements of an array.
                SELECT CASE WHEN k.is_key THEN w.holder ELSE w.member END AS holder, CASE WHEN k.is_key THEN w.holder_list ELSE w.list END AS holder_list,
                       CASE WHEN k.is_key THEN w.member ELSE e.key END AS member, k.is_key AS list,
                       CASE WHEN jsonb_typeof(w.v->'type') = 'string' THEN w.v->>'type' WHEN jsonb_typeof(w.v->'kind') = 'string' THEN w.v->>'kind' END AS kind, e.value AS v
                FROM jsonb_each(CASE WHEN jsonb_typeof(w.v) = 'object' THEN w.v ELSE '{}' END) AS e
                CROSS JOIN LATERAL (SELECT e.key ~ clone_internal.key_member_pattern() AS is_key) k
                UNION ALL
                SELECT w.holder, w.holder_list, w.member, true, w.kind, e.value
                FROM jsonb_array_elements(CASE WHEN jsonb_typeof(w.v) = 'array' THEN w.v ELSE '[]' END) WITH ORDINALITY AS e (value, place) WHERE e.place <= 200
            ) n
            WHERE w.depth < 12 AND jsonb_typeof(w.v) IN ('object', 'array')
        ), leaf AS (
            SELECT w.c, w.holder, w.holder_list, w.member, w.list, COALESCE(w.member IN ('id', 'ids', 'uuid', '_id', 'pk', 'key', 'gid', 'ref'), false) AS plain,
                   -- The sides of a change: {"customerId": {"old": 5, "new": 7}, "total": {"old": 10, "new": 12}}.
                   COALESCE(w.holder IS NOT NULL AND NOT w.holder_list AND w.member ~* '^(old|new|from|to|before|after|was|is|previous|prev|current)(_?value|val)?$', false) AS side, w.kind, left(w.v #>> '{}', 4000) AS value, false AS names, w.inner_lists
            FROM walk w WHERE jsonb_typeof(w.v) = 'number' AND (w.v::text ~ '^[0-9]{1,38}$' OR w.depth = 0 AND w.v::text ~ '[.]') OR jsonb_typeof(w.v) = 'string'
            UNION ALL
            SELECT w.c, w.holder, w.holder_list, w.member, w.list, false, false, NULL, o.key, true, w.inner_lists
            FROM walk w CROSS JOIN LATERAL jsonb_object_keys(CASE WHEN jsonb_typeof(w.v) = 'object' THEN w.v ELSE '{}' END) AS o (key)
            WHERE o.key ~ clone_internal.key_member_pattern()
        ), named AS (
            SELECT l.c, CASE WHEN l.member IS NULL THEN CASE WHEN f.family = 'json' OR l.names OR l.list AND f.family = 'text' THEN '$' || CASE WHEN l.list THEN '[*]' ELSE '' END ELSE '' END
                         WHEN l.plain AND l.holder IS NULL THEN '$' || CASE WHEN l.holder_list THEN '[*]' ELSE '' END || format('[%%s]', quoted.member)
                         WHEN l.plain OR l.side THEN format('$..[%%s]%%s[%%s]', quoted.holder, CASE WHEN l.holder_list THEN '[*]' ELSE '' END, quoted.member)
                         ELSE format('$..[%%s]', quoted.member) END || CASE WHEN l.list AND l.member IS NOT NULL THEN '[*]' ELSE '' END || repeat('[*]', CASE WHEN f.family LIKE '%%[]' THEN 0 ELSE l.inner_lists END) || CASE WHEN l.names THEN '[*]~' ELSE '' END AS path,
                   COALESCE(CASE WHEN l.plain OR l.side THEN l.holder ELSE l.member END, l.c::text) AS name, l.plain, CASE WHEN l.plain THEN l.kind END AS kind,
                   f.family, l.value
            FROM leaf l JOIN unnest($1, $2) AS f (name, family) ON f.name = l.c
            CROSS JOIN LATERAL (SELECT '''' || replace(replace(l.member, E'\\', E'\\\\'), '''', E'\\''') || '''' AS member, '''' || replace(replace(l.holder, E'\\', E'\\\\'), '''', E'\\''') || '''' AS holder) quoted
        ), places AS (
            -- By their hashes: in the order of the alphabet, values of one kind come first.
            SELECT v.c, v.path, v.name, v.plain, v.kind, v.family, sum(v.times)::bigint AS total, (array_agg(v.value ORDER BY hashtext(v.value COLLATE "C"), v.value COLLATE "C"))[1:300] AS vals
            FROM (SELECT n.*, count(*) AS times FROM named n WHERE lower(n.value) <> ALL (clone_internal.in_place_of_null()) GROUP BY n.c, n.path, n.name, n.plain, n.kind, n.family, n.value) v
            GROUP BY 1, 2, 3, 4, 5, 6
        )
        SELECT %L::regclass, p.c, p.path, clone_internal.named_word(p.name), p.plain OR clone_internal.says_id(p.name), p.kind, p.family, p.total, p.vals, NULL::text
        FROM places p
        -- Documents with keys as member names have a path for each: the first ones are enough.
        LIMIT 400$q$, few, array_to_string(parts, ' UNION ALL '), relation)
    USING columns, families;
END
$$;
COMMENT ON FUNCTION clone_internal.sampled_places(regclass, name[], text[]) IS 'Columns and paths of a table with a sample of their values';

-- All open columns of a store's tables with a sample of their values. Read once for several questions.
CREATE FUNCTION clone_internal.sampled_columns(store text) RETURNS SETOF clone_internal.place
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.* FROM (SELECT o.relation, array_agg(o.name) AS names, array_agg(o.family) AS families FROM clone_internal.open_columns($1) o GROUP BY o.relation) c
    CROSS JOIN LATERAL clone_internal.sampled_places(c.relation, c.names, c.families) AS p
$$;
COMMENT ON FUNCTION clone_internal.sampled_columns(text) IS 'Open columns of a store''s tables and paths in them, with a sample of their values';

-- Those of the given values that are keys of a table.
CREATE FUNCTION clone_internal.keys_among(target regclass, key name, family text, vals text[]) RETURNS SETOF clone_internal.found_key
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type regtype := (SELECT clone_internal.base_type(a.atttypid)::regtype FROM pg_attribute a WHERE a.attrelid = target AND a.attname = key);
BEGIN
    IF family = 'int' THEN
        RETURN QUERY EXECUTE format(CASE WHEN type = 'numeric'::regtype THEN 'SELECT %L::regclass, trim_scale(k.%I)::text FROM %s AS k WHERE k.%2$I = ANY ($1::numeric[])'
            ELSE 'SELECT %L::regclass, k.%I::text FROM %s AS k WHERE k.%2$I = ANY ($1::int8[])' END, target, key, target)
        USING ARRAY(SELECT v FROM unnest(vals) v WHERE CASE WHEN v ~ '^(0|[1-9][0-9]{0,37})$' THEN type = 'numeric'::regtype OR v::numeric <= 9223372036854775807 ELSE false END);
    ELSIF type IN ('text'::regtype, 'varchar'::regtype) THEN
        RETURN QUERY EXECUTE format('SELECT %L::regclass, k.%I::text FROM %s AS k WHERE k.%2$I = ANY ($1)', target, key, target) USING vals;
    ELSIF family = 'uuid' THEN
        -- A value can be in upper case, in braces or without hyphens: it is returned as given.
        RETURN QUERY EXECUTE format('SELECT %L::regclass, v.value FROM unnest($1) AS v (value) JOIN %s AS k ON k.%I = v.value::uuid', target, target, key)
        USING ARRAY(SELECT v FROM unnest(vals) v WHERE v ~* ('^(' || clone_internal.uuid_pattern('-?') || '|[{]' || clone_internal.uuid_pattern('-?') || '[}])$'));
    ELSE
        RETURN QUERY EXECUTE format('SELECT %L::regclass, v.value FROM unnest($1) AS v (value) WHERE lower(v.value) IN (SELECT lower(k.%I::text) FROM %s AS k)', target, key, target) USING vals;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.keys_among(regclass, name, text, text[]) IS 'Those of the given values that are keys of a table';
