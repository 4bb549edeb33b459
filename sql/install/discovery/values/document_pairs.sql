-- Pairs of a type and a key in the same object of a document: {"record_type": "Post", "record_id": 5}.

-- Members of objects in a column's documents that name a table of the store, beside a member for a key. root: the object is the whole document.
-- named: by the name of the table, not by types in its rows or of a polymorphic pair, and the names are those of a type and a key. list: the
-- member is a list of keys. candidates: the tables that a type may mean, if the data do not say which (target is NULL).
CREATE TYPE clone_internal.document_pair AS (relation regclass, "column" name, family text, root boolean, holder text, type_member text, member text, kind text, target regclass, vals text[], named boolean, list boolean, candidates regclass[]);

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
            SELECT ARRAY(SELECT p.place FROM unnest($1) WITH ORDINALITY AS p (relation, "column", family, root, holder, type_member, member, kind, target, vals, named, list, candidates, place)
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

-- Those pairs whose types say nothing, beside types that are known or that are the names of members such as inbox_id: the keys of each type are
-- those of rows of one table and of the same tenant.
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
    -- The tables that the types name.
    named clone_internal.word_of_table[];
    targets regclass[];
    keys name[];
    families text[];
BEGIN
    SELECT array_agg(n.relation), array_agg(n.name), array_agg(n.family) INTO targets, keys, families
    FROM (SELECT n.* FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project' AND n.family IN ('int', 'text', 'uuid') ORDER BY n.relation::oid) n;
    FOR p IN
        SELECT o.relation, o."column", o.family, o.root, o.type_member, o.member, o.list, bool_and(o.named) AS named, array_agg(DISTINCT o.kind) AS kinds FROM unnest($2) o
        GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY o.relation::oid, o."column", o.root, o.type_member, o.member, o.list
    LOOP
        named := ARRAY(
            SELECT ROW(t.kind, t.target, true, true)::clone_internal.word_of_table FROM clone_internal.tables_of_kinds($1, p.kinds) t WHERE t.described
            UNION ALL
            SELECT ROW(x.kind, w.target, true, false)::clone_internal.word_of_table
            FROM (SELECT o.kind, clone_internal.named_word(o.kind) AS word FROM unnest(p.kinds) AS o (kind) WHERE o.kind ~ '^\w+$' AND (clone_internal.says_id(o.kind) OR clone_internal.names_person(o.kind))) x
            JOIN clone_internal.words_of_tables($1, ARRAY(SELECT clone_internal.named_word(o.kind) FROM unnest(p.kinds) AS o (kind) WHERE o.kind ~ '^\w+$')) w ON w.word = x.word AND w.described);
        CONTINUE WHEN cardinality(p.kinds) > 40 OR CASE WHEN p.named THEN NOT EXISTS (SELECT FROM unnest($3) n WHERE n.relation = p.relation AND n."column" = p."column" AND n.root = p.root AND n.type_member = p.type_member AND n.member = p.member AND n.list = p.list)
            -- A field and its value say keys only where the fields do.
            ELSE named = '{}' END;
        own := clone_internal.tenant_sql($1, p.relation, 't');
        CONTINUE WHEN own LIKE '%.ctid::text';
        EXECUTE format('SELECT ARRAY(SELECT DISTINCT ROW(0, o.v OPERATOR(pg_catalog.->>) $1, e.x, d.tenant)::clone_internal.pair_value
            FROM (SELECT %s AS tenant, %s AS v FROM %s AS t WHERE t.%I IS NOT NULL%s LIMIT 2000) AS d CROSS JOIN LATERAL %s AS o (v) CROSS JOIN LATERAL %s AS e (x)
            WHERE jsonb_typeof(o.v) = ''object'' AND o.v OPERATOR(pg_catalog.->>) $1 = ANY ($3) AND e.x IS NOT NULL AND d.tenant IS NOT NULL LIMIT 5000)',
            own, CASE WHEN (SELECT a.atttypid = 'jsonb'::regtype FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attname = p."column") THEN format('t.%I', p."column") ELSE format('clone_internal.json_of(t.%I::text)', p."column") END,
            clone_internal.spread(p.relation, '*', 10000), p."column", CASE WHEN p.family = 'text' THEN format(' AND t.%I::text COLLATE "C" ~ ''^[[:space:]]*[{[]''', p."column") ELSE '' END,
            CASE WHEN p.root THEN 'unnest(ARRAY[d.v])' ELSE format('jsonb_path_query(d.v, %L)', format('$.**{1 to last} ? (exists (@.%s))', to_jsonb(p.member))) END,
            CASE WHEN p.list THEN 'jsonb_array_elements_text(CASE WHEN jsonb_typeof(o.v OPERATOR(pg_catalog.->) $2) = ''array'' THEN o.v OPERATOR(pg_catalog.->) $2 ELSE ''[]'' END)'
                 ELSE '(SELECT o.v OPERATOR(pg_catalog.->>) $2 WHERE jsonb_typeof(o.v OPERATOR(pg_catalog.->) $2) <> ''array'')' END) INTO sample USING p.type_member, p.member, p.kinds;
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
            ), possible AS (
                -- Small numbers are keys by chance, but not several of rows of the same tenants in one table alone.
                SELECT f.kind, f.target, s.long OR f.keys >= 4 AND f.tenants > 1 OR n.word IS NOT NULL AND f.keys >= 3 AND f.tenants > 1 AS enough, n.word IS NOT NULL AS named
                FROM fit f JOIN seen s ON s.kind = f.kind LEFT JOIN unnest(named) n ON n.word COLLATE "C" = f.kind AND n.target = f.target
                WHERE 10 * f.keys >= 8 * s.ids AND (s.long OR f.keys >= 4 OR f.keys >= 2 AND f.tenants > 1)
                  AND (p.named OR NOT clone_internal.names_quantity(f.kind))
            )
            SELECT o.kind, CASE WHEN bool_or(o.named AND o.enough) THEN min(o.target::oid) FILTER (WHERE o.named AND o.enough) WHEN count(*) = 1 AND bool_and(o.enough) THEN min(o.target::oid) END::regclass AS target, array_agg(o.target ORDER BY o.target::oid) AS candidates
            FROM possible o GROUP BY 1
        LOOP
            -- Any number may be the value of a field.
            CONTINUE WHEN k.target IS NULL AND NOT p.named AND NOT (clone_internal.says_id(k.kind) OR clone_internal.names_person(k.kind));
            FOR found IN SELECT o.* FROM unnest($2) o WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member AND o.list = p.list AND o.kind = k.kind LOOP
                found.target := k.target;
                found.candidates := CASE WHEN k.target IS NULL THEN k.candidates END;
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
                SELECT w.depth = 0 AS root, w.holder, t.key AS type_member, i.key AS member, t.value #>> '{}' AS kind, i.value #>> '{}' AS value, i.list, n.word !~ '(^|_)(val(ue)?|v)$' AS named
                FROM walk w -- Few members have such names; the exact conditions are slower.
                CROSS JOIN LATERAL (SELECT o.key, o.value FROM jsonb_each(CASE WHEN jsonb_typeof(w.v) = 'object' THEN w.v ELSE '{}' END) o
                    WHERE jsonb_typeof(o.value) = 'string' AND o.key COLLATE "C" ~* '(type|kind|class|model|table|entity|name|object|resource|collection|what|key|field|attr|attribute|prop|property|column|param|parameter|filter|dimension|^[kt])$') t
                CROSS JOIN LATERAL (
                    SELECT o.key, o.value, false AS list FROM jsonb_each(w.v) o WHERE jsonb_typeof(o.value) IN ('string', 'number') AND o.key COLLATE "C" ~* '(id|identifier|pk|key|ref|nr|no|value|val|^v)$'
                    UNION ALL
                    SELECT o.key, e.value, true FROM jsonb_each(w.v) o CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(o.value) = 'array' THEN o.value ELSE '[]' END) WITH ORDINALITY AS e (value, place)
                    WHERE o.key COLLATE "C" ~* '(id|identifier|pk|key|ref|nr|value|val|^v)s?$' AND jsonb_typeof(e.value) IN ('string', 'number') AND e.place <= 50) i
                CROSS JOIN LATERAL (SELECT clone_internal.snake(ltrim(t.key, '_@$')) AS type_word, CASE WHEN i.list THEN regexp_replace(clone_internal.snake(ltrim(i.key, '_@$')), 's$', '') ELSE clone_internal.snake(ltrim(i.key, '_@$')) END AS word) n
                WHERE t.key <> i.key AND length(i.value #>> '{}') < 80
                  AND (regexp_replace(n.type_word, '_?(type|kind|class|class_name|model|model_name|table|table_name|entity|entity_name|name)$', '') = regexp_replace(n.word, '_?(id|identifier|uuid|guid|pk|key|ref|nr|no)$', '') AND n.type_word <> n.word
                       AND n.word !~ '^(id|identifier|uuid|guid|pk|key|ref|nr|no)$'
                       AND n.word ~ '(id|identifier|uuid|guid|pk|key|ref|nr|no)$' AND n.type_word ~ '(type|kind|class|class_name|model|model_name|table|table_name|entity|entity_name|name)$'
                       OR n.type_word ~ '^(type|kind|class|class_name|model|model_name|table|table_name|entity|entity_name|object|object_type|record_type|entity_type|item_type|target_type|content_type|resource|resource_type|collection|typename|what)$'
                          AND n.word ~ '^(id|uuid|guid|pk|key|ref|oid|(object|obj|record|rec|entity|item|target|row|resource|res|subject|instance|model)_(id|identifier|uuid|pk|key))$'
                       -- Filters: {"attribute_key": "inbox_id", "values": [12]}.
                       OR n.type_word ~ '(^|_)(type|kind|object|entity|name|key|field|attr|attribute|prop|property|column|param|parameter|filter|dimension|k|t)(_name)?$' AND n.word ~ '(^|_)(val(ue)?|v)$')
            )
            SELECT array_agg(ROW($1, $2, $3, g.root, g.holder, g.type_member, g.member, g.kind, NULL, g.vals, g.named, g.list, NULL)::clone_internal.document_pair)
            FROM (SELECT p.root, min(p.holder) AS holder, p.type_member, p.member, p.kind, (array_agg(DISTINCT p.value))[:300] AS vals, p.named, p.list, count(*) OVER (PARTITION BY p.root, p.type_member, p.member, p.list) AS kinds
                  FROM pair p WHERE length(p.kind) < 80 GROUP BY p.root, p.type_member, p.member, p.kind, p.named, p.list, CASE WHEN clone_internal.snake(p.member) !~ '_' THEN p.holder END) g
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
        SELECT ROW(p.relation, p."column", p.family, p.root, p.holder, p.type_member, p.member, p.kind, k.target, p.vals, true, p.list, NULL)::clone_internal.document_pair
        FROM unnest(all_found) p JOIN named k ON k.kind = p.kind WHERE p.named
        UNION ALL
        SELECT ROW(p.relation, p."column", p.family, p.root, p.holder, p.type_member, p.member, p.kind, p.target, p.vals, false, p.list, NULL)::clone_internal.document_pair
        FROM clone_internal.pairs_by_types($1, ARRAY(SELECT x FROM unnest(all_found) x WHERE x.named AND NOT EXISTS (SELECT FROM kind k WHERE k.kind = x.kind))) p);
    RETURN QUERY SELECT o.* FROM unnest(known) o;
    -- A type that names a table outside of the store names its rows.
    RETURN QUERY SELECT o.* FROM clone_internal.document_pairs_by_keys($1, ARRAY(
        WITH kind AS MATERIALIZED (
            SELECT k.kind, bool_or(k.described) AS described FROM clone_internal.tables_of_kinds($1, ARRAY(SELECT DISTINCT y.kind FROM unnest(all_found) y)) k GROUP BY 1
        ), declared AS MATERIALIZED (SELECT DISTINCT k.kind FROM unnest(known) k)
        SELECT x FROM unnest(all_found) x LEFT JOIN kind k ON k.kind = x.kind LEFT JOIN declared d ON d.kind = x.kind
        WHERE CASE WHEN x.named THEN k.kind IS NULL AND d.kind IS NULL ELSE k.described IS NOT FALSE END), known) o;
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
    -- Types that may mean several tables.
    unclear text;
BEGIN
    pairs := ARRAY(SELECT d FROM clone_internal.document_pairs($1) d
        -- Beside "type" or "kind", seen_places() finds plain names in objects that are parts.
        WHERE d.root OR d.target IS NULL OR d.type_member NOT IN ('type', 'kind') OR d.member NOT IN ('id', 'ids', 'uuid', '_id', 'pk', 'key', 'gid', 'ref')
           OR clone_internal.named_word(regexp_replace(d.kind, E'^.*(::|[.]|\\\\)', '')) <> clone_internal.table_word((SELECT c.relname FROM pg_class c WHERE c.oid = d.target)));
    FOR p IN SELECT o.relation, o."column", o.family, o.root, o.type_member, o.member, o.list, CASE WHEN o.list THEN '[*]' ELSE '' END AS elements FROM unnest(pairs) o GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY o.relation::oid, o."column", o.root DESC, o.type_member, o.member, o.list LOOP
        calls := '';
        kinds := NULL;
        all_keys := true;
        known := false;
        FOR t IN
            SELECT o.target, array_agg(DISTINCT o.kind ORDER BY o.kind) AS kinds, bool_and(o.named) AS named, r.id_column, clone_internal.family(a.atttypid) AS family
            FROM unnest(pairs) o JOIN clone.store_relation r ON r.store = $1 AND r.relation = o.target JOIN pg_attribute a ON a.attrelid = o.target AND a.attname = r.id_column
            WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member AND o.list = p.list AND clone_internal.family(a.atttypid) IN ('int', 'text', 'uuid')
            GROUP BY 1, 4, 5 ORDER BY o.target::oid
        LOOP
            SELECT count(DISTINCT v), count(DISTINCT v) FILTER (WHERE k.value IS NULL) INTO keys, wrong
            FROM unnest(pairs) o CROSS JOIN LATERAL unnest(o.vals) v
            LEFT JOIN clone_internal.tenants_of_keys($1, t.target, t.id_column, t.family, ARRAY(SELECT DISTINCT x FROM unnest(pairs) y CROSS JOIN LATERAL unnest(y.vals) x
                WHERE y.relation = p.relation AND y."column" = p."column" AND y.root = p.root AND y.type_member = p.type_member AND y.member = p.member AND y.list = p.list AND y.target = t.target)) k ON k.value = v
            WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member AND o.list = p.list AND o.target = t.target
              AND lower(v) <> ALL (clone_internal.in_place_of_null());
            -- Keys of rows that were deleted may stay.
            CONTINUE WHEN keys = 0 OR 5 * wrong > keys;
            known := true;
            -- A type that no table has as its name is asked about.
            all_keys := all_keys AND wrong = 0 AND t.named;
            IF p.root THEN
                -- No JSONPath selects the document itself by its members.
                given := format('$[%s]', clone_internal.path_name(p.member)) || p.elements;
                condition := CASE WHEN p.family = 'text' THEN format('%I::pg_catalog.text COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) %L', p."column",
                        format('"%s"[[:space:]]*:[[:space:]]*"(%s)"', regexp_replace(p.type_member, '([^a-zA-Z0-9_ ])', E'\\\\\\1', 'g'), (SELECT string_agg(regexp_replace(replace(k, E'\\', E'\\\\'), '([^a-zA-Z0-9_ ])', E'\\\\\\1', 'g'), '|') FROM unnest(t.kinds) k)))
                    ELSE format('pg_catalog.%s(%I, %L) OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.text[])',
                        CASE WHEN (SELECT a.atttypid = 'json'::regtype FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attname = p."column") THEN 'json_extract_path_text' ELSE 'jsonb_extract_path_text' END, p."column", p.type_member, t.kinds) END;
            ELSE
                given := format('$..[?%s][%s]', (SELECT string_agg(format('@[%s] == %s', clone_internal.path_name(p.type_member), clone_internal.path_name(k)), ' || ') FROM unnest(t.kinds) k), clone_internal.path_name(p.member)) || p.elements;
                condition := NULL;
            END IF;
            CONTINUE WHEN EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = p.relation AND d."column" = p."column" AND d.target = t.target AND d.path = given AND d.condition IS NOT DISTINCT FROM condition);
            kinds := concat_ws(', ', kinds, t.target::text);
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, path => %L', $1, p.relation, p."column", t.target, given) || CASE WHEN condition IS NOT NULL THEN format(', condition => %L', condition) ELSE '' END || '); ';
        END LOOP;
        -- Its name in the list of questions; references have other quotes.
        label := CASE WHEN p.root THEN format('$[%s]', to_jsonb(p.member)) ELSE format('$..[?@[%s]][%s]', to_jsonb(p.type_member), to_jsonb(p.member)) END || p.elements;
        -- Where some types are known, the others name rows too: half of them alone would be wrong.
        SELECT string_agg(format('%s may mean %s', clone_internal.quoted(u.kind), array_to_string(u.candidates, ' or ')), ', ' ORDER BY u.kind) INTO unclear
        FROM (SELECT DISTINCT o.kind, o.candidates FROM unnest(pairs) o WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member AND o.list = p.list AND o.target IS NULL) u
        WHERE NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = p.relation AND d."column" = p."column" AND d.form = 'json' AND strpos(concat_ws(' ', d.path, d.condition), u.kind) > 0);
        IF NOT clone_internal.answered($1, p.relation, p."column", label) THEN
            IF declares AND all_keys AND kinds IS NOT NULL THEN
                EXECUTE calls;
                calls := '';
                kinds := NULL;
            END IF;
            IF kinds IS NOT NULL OR unclear IS NOT NULL THEN
                PERFORM clone_internal.ask($1, p.relation, p."column", label, 'error',
                    format('%s.%I at %s holds keys of the tables that %I beside it names%s', p.relation, p."column", label, p.type_member, ': ' || kinds)
                        || CASE WHEN unclear IS NULL THEN '' ELSE format('. The data do not say which table is meant: %s. Say it with clone.store_reference(%L, %L, %L, <table>, path => %L)%s', unclear, $1, p.relation, p."column",
                            CASE WHEN p.root THEN format('$[%s]', clone_internal.path_name(p.member)) ELSE format('$..[?@[%s] == <type>][%s]', clone_internal.path_name(p.type_member), clone_internal.path_name(p.member)) END || p.elements,
                            CASE WHEN p.root THEN ' and a condition' ELSE '' END || '; the others: ' || NULLIF(rtrim(calls), '')) END,
                    CASE WHEN unclear IS NULL THEN rtrim(calls) END, clone_internal.keep_call($1, p.relation, p."column", label));
            END IF;
        END IF;
        CONTINUE WHEN NOT known;
        RETURN QUERY SELECT DISTINCT p.relation, p."column", x FROM unnest(pairs) o
            CROSS JOIN LATERAL unnest(ARRAY[format('$..[%s]', clone_internal.path_name(p.member)), format('$[%s]', clone_internal.path_name(p.member)), format('$[*][%s]', clone_internal.path_name(p.member)),
                format('$..[%s][%s]', clone_internal.path_name(o.holder), clone_internal.path_name(p.member)), format('$..[%s][*][%s]', clone_internal.path_name(o.holder), clone_internal.path_name(p.member))]) y
            CROSS JOIN LATERAL (SELECT y || p.elements AS x) z
            WHERE o.relation = p.relation AND o."column" = p."column" AND o.root = p.root AND o.type_member = p.type_member AND o.member = p.member AND o.list = p.list
              -- The document itself and its parts are separate.
              AND (p.root AND x LIKE '$[%' AND x NOT LIKE '$[*]%' OR NOT p.root AND (x LIKE '$..%' OR x LIKE '$[*]%') OR x = format('$..[%s]', clone_internal.path_name(p.member)) || p.elements);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_document_pairs(text, boolean) IS 'Declares pairs of a type and a key in documents, or records questions about them; returns the paths of their keys';
