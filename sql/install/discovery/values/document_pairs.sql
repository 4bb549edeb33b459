-- Pairs of a type and a key in the same object of a document: {"record_type": "Post", "record_id": 5}.

-- Members of objects in a column's documents that name a table of the store, beside a member for a key. root: the object is the whole document.
-- named: by the name of the table, not by types in its rows or of a polymorphic pair.
CREATE TYPE clone_internal.document_pair AS (relation regclass, "column" name, family text, root boolean, holder text, type_member text, member text, kind text, target regclass, vals text[], named boolean);

-- The name of a member in a JSONPath.
CREATE FUNCTION clone_internal.path_name(member text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '''' || replace(replace($1, E'\\', E'\\\\'), '''', E'\\''') || '''' $$;
COMMENT ON FUNCTION clone_internal.path_name(text) IS 'The name of a member as a JSONPath has it';

-- Those pairs of which the type stands in a type column: of the rows with these keys (single-table inheritance: an Epic in work_items), or of a
-- polymorphic pair of which a reference says the table.
CREATE FUNCTION clone_internal.pairs_by_types(store text, pairs clone_internal.document_pair[]) RETURNS SETOF clone_internal.document_pair
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t record;
    p clone_internal.document_pair;
    -- The numbers of pairs whose table is known.
    known bigint[] := '{}';
    more bigint[];
BEGIN
    IF pairs = '{}' THEN
        RETURN;
    END IF;
    FOR t IN
        -- In a polymorphic pair the type is that of another row.
        SELECT n.relation, n.name, n.family, a.attname AS type_column, NULL::text[] AS kinds, 1 AS place FROM clone_internal.naming_columns($1) n
        JOIN pg_attribute a ON a.attrelid = n.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~* '(type|kind|class)$' AND (clone_internal.family(a.atttypid) = 'text' OR clone_internal.other_key_type(a.atttypid))
        WHERE n.is_id AND n.role <> 'project' AND n.family IN ('int', 'text', 'uuid')
          AND NOT EXISTS (SELECT FROM pg_attribute i WHERE i.attrelid = n.relation AND i.attnum > 0 AND NOT i.attisdropped
                          AND clone_internal.snake(i.attname) = regexp_replace(clone_internal.snake(a.attname), '(type|kind|class)$', 'id') AND i.attname <> n.name)
        UNION ALL
        SELECT n.relation, n.name, n.family, NULL, array_agg(DISTINCT k), 2 FROM clone.store_reference d CROSS JOIN LATERAL unnest(d.type_values) k
        JOIN clone_internal.naming_columns($1) n ON n.relation = d.target AND n.name = d.target_column AND n.is_id AND n.role <> 'project' AND n.family IN ('int', 'text', 'uuid')
        WHERE d.store = $1 AND d.type_column IS NOT NULL GROUP BY 1, 2, 3
        ORDER BY 6, 1, 4
    LOOP
        -- One key may be that of another row by chance.
        EXECUTE format('WITH row AS MATERIALIZED (SELECT %s AS id, %s AS kind FROM %s AS k WHERE %s)
            SELECT ARRAY(SELECT p.place FROM unnest($1) WITH ORDINALITY AS p (relation, "column", family, root, holder, type_member, member, kind, target, vals, named, place)
                CROSS JOIN LATERAL (SELECT count(DISTINCT v.x) AS seen, count(DISTINCT v.x) FILTER (WHERE r.id IS NOT NULL) AS keys FROM unnest(p.vals) AS v (x)
                    LEFT JOIN row AS r ON r.id = v.x COLLATE "C" AND %s WHERE lower(v.x) <> ALL (clone_internal.in_place_of_null())) s
                WHERE p.place <> ALL ($2) AND s.keys >= 2 AND 5 * (s.seen - s.keys) <= s.seen)',
            clone_internal.column_text('k', t.relation, t.name), COALESCE(clone_internal.column_text('k', t.relation, t.type_column), 'NULL::text'), t.relation,
            format(CASE t.family WHEN 'int' THEN 'k.%I = ANY ($4::int8[])' WHEN 'uuid' THEN 'k.%I = ANY ($4::uuid[])' ELSE 'k.%I::text = ANY ($4)' END, t.name),
            CASE WHEN t.kinds IS NOT NULL THEN 'p.kind = ANY ($3)' ELSE 'r.kind = p.kind COLLATE "C"' END)
        INTO more USING pairs, known, t.kinds, ARRAY(SELECT DISTINCT v FROM unnest(pairs) o CROSS JOIN LATERAL unnest(o.vals) v
            WHERE (t.kinds IS NULL OR o.kind = ANY (t.kinds)) AND CASE t.family WHEN 'int' THEN CASE WHEN v ~ '^(0|[1-9][0-9]{0,18})$' THEN v::numeric <= 9223372036854775807 ELSE false END WHEN 'uuid' THEN v ~* ('^' || clone_internal.uuid_pattern('-') || '$') ELSE true END);
        known := known || more;
        FOR p IN SELECT o.* FROM unnest(more) m CROSS JOIN LATERAL unnest(pairs[m:m]) o LOOP
            p.target := t.relation;
            RETURN NEXT p;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.pairs_by_types(text, clone_internal.document_pair[]) IS 'Members of documents whose values are types in a type column, beside members with keys';

-- Those pairs whose types say nothing, beside types that are known: the keys of each type are those of rows of one table and of the same tenant.
CREATE FUNCTION clone_internal.document_pairs_by_keys(store text, pairs clone_internal.document_pair[], known clone_internal.document_pair[]) RETURNS SETOF clone_internal.document_pair
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    p record;
    k record;
    found clone_internal.document_pair;
    own text;
    sample clone_internal.pair_value[];
    targets regclass[];
    keys name[];
    families text[];
BEGIN
    SELECT array_agg(n.relation), array_agg(n.name), array_agg(n.family) INTO targets, keys, families
    FROM (SELECT n.* FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project' AND n.family IN ('int', 'text', 'uuid') ORDER BY n.relation::oid) n;
    FOR p IN
        SELECT o.relation, o."column", o.family, o.root, o.type_member, o.member, array_agg(DISTINCT o.kind) AS kinds FROM unnest($2) o
        WHERE EXISTS (SELECT FROM unnest($3) n WHERE n.relation = o.relation AND n."column" = o."column" AND n.root = o.root AND n.type_member = o.type_member AND n.member = o.member)
        GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY o.relation::oid, o."column", o.root, o.type_member, o.member
    LOOP
        own := clone_internal.tenant_sql($1, p.relation, 't');
        CONTINUE WHEN own LIKE '%.ctid::text' OR cardinality(p.kinds) > 40;
        EXECUTE format('SELECT ARRAY(SELECT DISTINCT ROW(0, o.v OPERATOR(pg_catalog.->>) $1, o.v OPERATOR(pg_catalog.->>) $2, d.tenant)::clone_internal.pair_value
            FROM (SELECT %s AS tenant, %s AS v FROM %s AS t WHERE t.%I IS NOT NULL%s LIMIT 2000) AS d CROSS JOIN LATERAL %s AS o (v)
            WHERE jsonb_typeof(o.v) = ''object'' AND o.v OPERATOR(pg_catalog.->>) $1 = ANY ($3) AND o.v OPERATOR(pg_catalog.->>) $2 IS NOT NULL AND d.tenant IS NOT NULL LIMIT 5000)',
            own, CASE WHEN (SELECT a.atttypid = 'jsonb'::regtype FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attname = p."column") THEN format('t.%I', p."column") ELSE format('clone_internal.json_of(t.%I::text)', p."column") END,
            clone_internal.spread(p.relation, '*', 10000), p."column", CASE WHEN p.family = 'text' THEN format(' AND t.%I::text COLLATE "C" ~ ''^[[:space:]]*[{[]''', p."column") ELSE '' END,
            CASE WHEN p.root THEN 'unnest(ARRAY[d.v])' ELSE format('jsonb_path_query(d.v, %L)', format('$.**{1 to last} ? (exists (@.%s))', to_jsonb(p.member))) END) INTO sample USING p.type_member, p.member, p.kinds;
        FOR k IN
            WITH value AS MATERIALIZED (
                SELECT DISTINCT s.code COLLATE "C" AS kind, s.id COLLATE "C" AS id, s.tenant COLLATE "C" AS tenant FROM unnest(sample) s WHERE lower(s.id) <> ALL (clone_internal.in_place_of_null())
            ), seen AS MATERIALIZED (
                SELECT v.kind, count(DISTINCT v.id) AS ids, bool_and(length(v.id) >= 12 AND v.id !~ '^[0-9]+$') AS long FROM value v GROUP BY 1
            ), hit AS MATERIALIZED (
                SELECT t.relation AS target, o.value COLLATE "C" AS id, array_agg(o.tenant COLLATE "C") AS tenants
                FROM (SELECT f.target, array_agg(f.value) AS vals FROM clone_internal.keys_of_tables(targets, keys, families, ARRAY(SELECT DISTINCT v.id FROM value v)) f GROUP BY 1) f
                JOIN unnest(targets, keys, families) AS t (relation, key, family) ON t.relation = f.target
                CROSS JOIN LATERAL clone_internal.tenants_of_keys($1, t.relation, t.key, t.family, f.vals) o GROUP BY 1, 2
            ), fit AS (
                SELECT v.kind, h.target, count(DISTINCT v.id) AS keys, count(DISTINCT v.tenant) AS tenants FROM value v JOIN hit h ON h.id = v.id
                GROUP BY 1, 2 HAVING bool_and(v.tenant = ANY (h.tenants))
            )
            -- Small numbers are keys by chance, but not several of rows of the same tenants in one table alone.
            SELECT f.kind, min(f.target::oid)::regclass AS target FROM fit f JOIN seen s ON s.kind = f.kind
            WHERE 10 * f.keys >= 8 * s.ids AND (s.long OR f.keys >= 4 AND f.tenants > 1) GROUP BY 1 HAVING count(*) = 1
        LOOP
            FOR found IN SELECT o.* FROM unnest($2) o WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member AND o.kind = k.kind LOOP
                found.target := k.target;
                found.named := false;
                RETURN NEXT found;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.document_pairs_by_keys(text, clone_internal.document_pair[], clone_internal.document_pair[]) IS 'Members of documents whose types say nothing, beside members whose keys say which table is meant';

CREATE FUNCTION clone_internal.document_pairs(store text) RETURNS SETOF clone_internal.document_pair
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    t record;
    c record;
    columns name[];
    -- Columns with documents.
    documents text[] := '{}';
    found clone_internal.document_pair[];
    all_found clone_internal.document_pair[] := '{}';
    known clone_internal.document_pair[];
BEGIN
    FOR t IN
        SELECT o.relation, array_agg(format('CASE WHEN bool_or(t.%I IS NOT NULL%s) THEN %1$L END', o.name, CASE WHEN o.family = 'text' THEN format(' AND left(t.%I::text, 1) COLLATE "C" IN (''{'', ''['')', o.name) ELSE '' END)) AS tests
        FROM clone_internal.open_columns($1) o WHERE o.family IN ('json', 'text') AND o.relkind IN ('r', 'p') GROUP BY o.relation ORDER BY o.relation::oid
    LOOP
        -- Few columns of text have documents.
        EXECUTE format('SELECT array_remove(ARRAY[%s]::name[], NULL) FROM %s AS t', array_to_string(t.tests, ', '), clone_internal.spread(t.relation, '*', 10000)) INTO columns;
        documents := documents || ARRAY(SELECT format('%s.%s', t.relation::oid, a.attnum) FROM pg_attribute a WHERE a.attrelid = t.relation AND a.attname = ANY (columns));
    END LOOP;
    FOR c IN
        SELECT a.attrelid::regclass AS relation, a.attname AS name, clone_internal.family(a.atttypid) AS family, a.atttypid = 'jsonb'::regtype AS plain
        FROM unnest(documents) d JOIN pg_attribute a ON a.attrelid = split_part(d, '.', 1)::oid AND a.attnum = split_part(d, '.', 2)::int2
    LOOP
        EXECUTE format($q$
            WITH RECURSIVE walk (v, depth, holder) AS (
                SELECT d.v, 0, NULL::text FROM (
                    SELECT %1$s AS v FROM (SELECT t.%2$I AS x FROM %3$s AS t WHERE t.%2$I IS NOT NULL ORDER BY hashint8(row_number() OVER ())) s WHERE true %4$s LIMIT 1000) d
                UNION ALL
                SELECT e.value, w.depth + 1, e.holder FROM walk w CROSS JOIN LATERAL (
                    SELECT o.value, o.key AS holder FROM jsonb_each(CASE WHEN jsonb_typeof(w.v) = 'object' THEN w.v ELSE '{}' END) o
                    UNION ALL
                    SELECT a.value, w.holder FROM jsonb_array_elements(CASE WHEN jsonb_typeof(w.v) = 'array' THEN w.v ELSE '[]' END) WITH ORDINALITY AS a (value, place) WHERE a.place <= 200) e
                WHERE w.depth < 12 AND jsonb_typeof(e.value) IN ('object', 'array')
            ), pair AS (
                SELECT w.depth = 0 AS root, w.holder, t.key AS type_member, i.key AS member, t.value #>> '{}' AS kind, i.value #>> '{}' AS value
                FROM walk w -- Few members have such names; the exact conditions are slower.
                CROSS JOIN LATERAL (SELECT o.key, o.value FROM jsonb_each(CASE WHEN jsonb_typeof(w.v) = 'object' THEN w.v ELSE '{}' END) o
                    WHERE jsonb_typeof(o.value) = 'string' AND o.key COLLATE "C" ~* '(type|kind|class|model|table|entity|name|object|resource|collection|what)$') t
                CROSS JOIN LATERAL (SELECT o.key, o.value FROM jsonb_each(w.v) o WHERE jsonb_typeof(o.value) IN ('string', 'number') AND o.key COLLATE "C" ~* '(id|identifier|pk|key|ref|nr|no)$') i
                CROSS JOIN LATERAL (SELECT clone_internal.snake(ltrim(t.key, '_@$')) AS type_word, clone_internal.snake(ltrim(i.key, '_@$')) AS word) n
                WHERE t.key <> i.key AND length(i.value #>> '{}') < 80
                  AND (regexp_replace(n.type_word, '_?(type|kind|class|class_name|model|model_name|table|table_name|entity|entity_name|name)$', '') = regexp_replace(n.word, '_?(id|identifier|uuid|guid|pk|key|ref|nr|no)$', '') AND n.type_word <> n.word
                       AND n.word !~ '^(id|identifier|uuid|guid|pk|key|ref|nr|no)$'
                       AND n.word ~ '(id|identifier|uuid|guid|pk|key|ref|nr|no)$' AND n.type_word ~ '(type|kind|class|class_name|model|model_name|table|table_name|entity|entity_name|name)$'
                       OR n.type_word ~ '^(type|kind|class|class_name|model|model_name|table|table_name|entity|entity_name|object|object_type|record_type|entity_type|item_type|target_type|content_type|resource|resource_type|collection|typename|what)$'
                          AND n.word ~ '^(id|uuid|guid|pk|key|ref|oid|(object|obj|record|rec|entity|item|target|row|resource|res|subject|instance|model)_(id|identifier|uuid|pk|key))$')
            )
            SELECT array_agg(ROW($1, $2, $3, g.root, g.holder, g.type_member, g.member, g.kind, NULL, g.vals, NULL)::clone_internal.document_pair)
            FROM (SELECT p.root, min(p.holder) AS holder, p.type_member, p.member, p.kind, (array_agg(DISTINCT p.value))[:300] AS vals, count(*) OVER (PARTITION BY p.root, p.type_member, p.member) AS kinds
                  FROM pair p WHERE length(p.kind) < 80 GROUP BY p.root, p.type_member, p.member, p.kind, CASE WHEN clone_internal.snake(p.member) !~ '_' THEN p.holder END) g
            -- A member with very many values is no type.
            WHERE g.kinds <= 500$q$,
            CASE WHEN c.plain THEN 's.x' ELSE 'clone_internal.json_of(s.x::text)' END, c.name, clone_internal.spread(c.relation, quote_ident(c.name), 10000),
            CASE WHEN c.family = 'text' THEN 'AND s.x::text COLLATE "C" ~ ''^[[:space:]]*[{[]'' AND length(s.x::text) < 20000' ELSE 'AND pg_column_size(s.x) < 20000' END)
        INTO found USING c.relation, c.name, c.family;
        all_found := all_found || COALESCE(found, '{}');
    END LOOP;
    known := ARRAY(
        WITH kind AS MATERIALIZED (
            SELECT o.kind, o.target, o.described FROM clone_internal.tables_of_kinds($1, ARRAY(SELECT DISTINCT x.kind FROM unnest(all_found) x)) o
        ), named AS (
            SELECT o.kind, min(o.target::oid)::regclass AS target FROM kind o
            JOIN clone.store_relation r ON r.store = $1 AND r.relation = o.target AND r.role <> 'project' JOIN pg_class t ON t.oid = r.relation AND t.relkind IN ('r', 'p')
            WHERE o.described GROUP BY 1
        )
        SELECT ROW(p.relation, p."column", p.family, p.root, p.holder, p.type_member, p.member, p.kind, k.target, p.vals, true)::clone_internal.document_pair
        FROM unnest(all_found) p JOIN named k ON k.kind = p.kind
        UNION ALL
        SELECT ROW(p.relation, p."column", p.family, p.root, p.holder, p.type_member, p.member, p.kind, p.target, p.vals, false)::clone_internal.document_pair
        FROM clone_internal.pairs_by_types($1, ARRAY(SELECT x FROM unnest(all_found) x WHERE NOT EXISTS (SELECT FROM kind k WHERE k.kind = x.kind))) p);
    RETURN QUERY SELECT o.* FROM unnest(known) o;
    -- A type that names a table outside of the store names its rows.
    RETURN QUERY SELECT o.* FROM clone_internal.document_pairs_by_keys($1, ARRAY(SELECT x FROM unnest(all_found) x
        WHERE x.kind NOT IN (SELECT k.kind FROM unnest(known) k) AND x.kind NOT IN (SELECT k.kind FROM clone_internal.tables_of_kinds($1, ARRAY(SELECT DISTINCT y.kind FROM unnest(all_found) y)) k)), known) o;
END
$$;
COMMENT ON FUNCTION clone_internal.document_pairs(text) IS 'Members of documents that name tables of a store, beside members with keys';

-- Declares pairs whose keys all are keys of the tables that their types name, or asks. Returns the paths that ask_about_data() need not look at.
CREATE FUNCTION clone_internal.ask_about_document_pairs(store text, declares boolean) RETURNS TABLE (relation regclass, "column" name, path text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    pairs clone_internal.document_pair[];
    p record;
    t record;
    keys bigint;
    wrong bigint;
    given text;
    condition text;
    label text;
    calls text;
    all_keys boolean;
    known boolean;
    kinds text;
BEGIN
    pairs := ARRAY(SELECT d FROM clone_internal.document_pairs($1) d
        -- Beside "type" or "kind", seen_places() finds plain names in objects that are parts.
        WHERE d.root OR d.type_member NOT IN ('type', 'kind') OR d.member NOT IN ('id', 'ids', 'uuid', '_id', 'pk', 'key', 'gid', 'ref')
           OR clone_internal.named_word(regexp_replace(d.kind, E'^.*(::|[.]|\\\\)', '')) <> clone_internal.table_word((SELECT c.relname FROM pg_class c WHERE c.oid = d.target)));
    FOR p IN SELECT o.relation, o."column", o.family, o.root, o.type_member, o.member FROM unnest(pairs) o GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY o.relation::oid, o."column", o.root DESC, o.type_member, o.member LOOP
        calls := '';
        kinds := NULL;
        all_keys := true;
        known := false;
        FOR t IN
            SELECT o.target, array_agg(DISTINCT o.kind ORDER BY o.kind) AS kinds, bool_and(o.named) AS named, r.id_column, clone_internal.family(a.atttypid) AS family
            FROM unnest(pairs) o JOIN clone.store_relation r ON r.store = $1 AND r.relation = o.target JOIN pg_attribute a ON a.attrelid = o.target AND a.attname = r.id_column
            WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member AND clone_internal.family(a.atttypid) IN ('int', 'text', 'uuid')
            GROUP BY 1, 4, 5 ORDER BY o.target::oid
        LOOP
            SELECT count(DISTINCT v), count(DISTINCT v) FILTER (WHERE k.value IS NULL) INTO keys, wrong
            FROM unnest(pairs) o CROSS JOIN LATERAL unnest(o.vals) v
            LEFT JOIN clone_internal.tenants_of_keys($1, t.target, t.id_column, t.family, ARRAY(SELECT DISTINCT x FROM unnest(pairs) y CROSS JOIN LATERAL unnest(y.vals) x
                WHERE y.relation = p.relation AND y."column" = p."column" AND y.root = p.root AND y.type_member = p.type_member AND y.member = p.member AND y.target = t.target)) k ON k.value = v
            WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member AND o.target = t.target
              AND lower(v) <> ALL (clone_internal.in_place_of_null());
            -- Keys of rows that were deleted may stay.
            CONTINUE WHEN keys = 0 OR 5 * wrong > keys;
            known := true;
            -- A type that no table has as its name is asked about.
            all_keys := all_keys AND wrong = 0 AND t.named;
            IF p.root THEN
                -- No JSONPath selects the document itself by its members.
                given := format('$[%s]', clone_internal.path_name(p.member));
                condition := CASE WHEN p.family = 'text' THEN format('%I::pg_catalog.text COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) %L', p."column",
                        format('"%s"[[:space:]]*:[[:space:]]*"(%s)"', regexp_replace(p.type_member, '([^a-zA-Z0-9_ ])', E'\\\\\\1', 'g'), (SELECT string_agg(regexp_replace(replace(k, E'\\', E'\\\\'), '([^a-zA-Z0-9_ ])', E'\\\\\\1', 'g'), '|') FROM unnest(t.kinds) k)))
                    ELSE format('pg_catalog.%s(%I, %L) OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.text[])',
                        CASE WHEN (SELECT a.atttypid = 'json'::regtype FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attname = p."column") THEN 'json_extract_path_text' ELSE 'jsonb_extract_path_text' END, p."column", p.type_member, t.kinds) END;
            ELSE
                given := format('$..[?%s][%s]', (SELECT string_agg(format('@[%s] == %s', clone_internal.path_name(p.type_member), clone_internal.path_name(k)), ' || ') FROM unnest(t.kinds) k), clone_internal.path_name(p.member));
                condition := NULL;
            END IF;
            CONTINUE WHEN EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = p.relation AND d."column" = p."column" AND d.target = t.target AND d.path = given AND d.condition IS NOT DISTINCT FROM condition);
            kinds := concat_ws(', ', kinds, t.target::text);
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, path => %L', $1, p.relation, p."column", t.target, given) || CASE WHEN condition IS NOT NULL THEN format(', condition => %L', condition) ELSE '' END || '); ';
        END LOOP;
        -- Its name in the list of questions; references have other quotes.
        label := CASE WHEN p.root THEN format('$[%s]', to_jsonb(p.member)) ELSE format('$..[?@[%s]][%s]', to_jsonb(p.type_member), to_jsonb(p.member)) END;
        IF kinds IS NOT NULL AND NOT clone_internal.answered($1, p.relation, p."column", label) THEN
            IF declares AND all_keys THEN
                EXECUTE calls;
            ELSE
                PERFORM clone_internal.ask($1, p.relation, p."column", label, 'error',
                    format('%s.%I at %s holds keys of the tables that %I beside it names: %s', p.relation, p."column", label, p.type_member, kinds), rtrim(calls), clone_internal.keep_call($1, p.relation, p."column", label));
            END IF;
        END IF;
        CONTINUE WHEN NOT known;
        RETURN QUERY SELECT DISTINCT p.relation, p."column", x FROM unnest(pairs) o
            CROSS JOIN LATERAL unnest(ARRAY[format('$..[%s]', clone_internal.path_name(p.member)), format('$[%s]', clone_internal.path_name(p.member)), format('$[*][%s]', clone_internal.path_name(p.member)),
                format('$..[%s][%s]', clone_internal.path_name(o.holder), clone_internal.path_name(p.member)), format('$..[%s][*][%s]', clone_internal.path_name(o.holder), clone_internal.path_name(p.member))]) x
            WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member
              -- The document itself and its parts are separate.
              AND (p.root AND x LIKE '$[%' AND x NOT LIKE '$[*]%' OR NOT p.root AND (x LIKE '$..%' OR x LIKE '$[*]%') OR x = format('$..[%s]', clone_internal.path_name(p.member)));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_document_pairs(text, boolean) IS 'Declares pairs of a type and a key in documents, or records questions about them; returns the paths of their keys';
