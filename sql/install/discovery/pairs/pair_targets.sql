-- The tables that the type column of a polymorphic pair names.

-- Whether the ids beside these types are keys of a table: value is the id in a row t, as SQL. Some rows may have been deleted. NULL: no row has
-- such a type and an id.
CREATE FUNCTION clone_internal.are_keys_of_kind(store text, relation oid, type_column name, value text, kinds text[], target regclass) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key name := (SELECT r.id_column FROM clone.store_relation r WHERE r.store = are_keys_of_kind.store AND r.relation = target);
    own text := clone_internal.tenant_sql(store, relation, 't');
    theirs text := clone_internal.tenant_sql(store, target, 'k');
    counted record;
BEGIN
    IF own LIKE '%.ctid::text' OR theirs LIKE '%.ctid::text' THEN
        own := 'NULL::text';
        theirs := 'NULL::text';
    END IF;
    EXECUTE format('SELECT count(*) AS seen, count(*) FILTER (WHERE v.found) AS keys, count(*) FILTER (WHERE v.stranger) AS strangers FROM (
            SELECT s.id, s.own, bool_or(k.id IS NOT NULL) AS found, bool_and(k.tenant <> s.own) AND s.own <> ALL (clone_internal.in_place_of_null()) AS stranger
            FROM (SELECT DISTINCT %1$s::text COLLATE "C" AS id, (%2$s) COLLATE "C" AS own FROM %3$s AS t WHERE %4$s = ANY ($1) AND %1$s IS NOT NULL LIMIT 5000) AS s
            LEFT JOIN LATERAL (SELECT %5$s AS id, (%6$s) COLLATE "C" AS tenant FROM %7$s AS k WHERE %8$s) AS k ON true
            WHERE lower(s.id) <> ALL (clone_internal.in_place_of_null()) GROUP BY 1, 2) AS v',
        value, own, clone_internal.spread(relation, '*', 20000), clone_internal.column_text('t', relation, type_column), clone_internal.column_text('k', target, key), theirs, target,
        clone_internal.equals_text('k', target, key, 's.id')) INTO counted USING kinds;
    RETURN CASE WHEN counted.seen > 0 THEN 5 * (counted.seen - counted.keys) <= counted.seen AND 10 * counted.strangers <= counted.keys END;
END
$$;
COMMENT ON FUNCTION clone_internal.are_keys_of_kind(text, oid, name, text, text[], regclass) IS 'Whether the ids beside certain types are keys of a table, of rows of the same tenant; NULL: there are none';

-- The tables of a store that the values of a type column name.
CREATE FUNCTION clone_internal.pair_targets(store text, relation oid, type_column name, "column" name) RETURNS TABLE (target oid, type_values text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    found text[];
    content_types regclass;
    -- The name or a key says that the types are content types.
    says_so boolean;
    twice regclass[] := clone_internal.tables_with_namesakes(store);
    own text := (SELECT clone_internal.family(a.atttypid) FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = "column");
BEGIN
    IF clone_internal.family((SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = type_column)) = 'int' THEN
        content_types := to_regclass(format('%I.django_content_type', (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation)));
        IF NOT EXISTS (SELECT FROM pg_class t WHERE t.oid = content_types AND t.relowner IN (SELECT clone_internal.trusted_owners())) THEN
            RETURN;
        END IF;
        says_so := clone_internal.snake(type_column) ~ '(^|_)(ct|ctype|contenttype|content_type)(_id)?$'
            OR EXISTS (SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attname = type_column WHERE f.contype = 'f' AND f.conrelid = relation AND f.confrelid = content_types AND f.conkey = ARRAY[a.attnum]);
        RETURN QUERY EXECUTE format(
            'WITH kind AS MATERIALIZED (SELECT DISTINCT t.%2$I AS id FROM %3$s AS t WHERE t.%2$I IS NOT NULL), named AS MATERIALIZED (
                SELECT r.relation, array_agg(DISTINCT k.id::text) AS kinds FROM clone.store_relation r JOIN pg_catalog.pg_class c ON c.oid = r.relation
                JOIN %1$s k ON pg_catalog.concat(k.app_label, ''_'', k.model) = c.relname OR k.model = ANY (clone_internal.type_names(r.relation))
                WHERE r.store = $1 AND k.id IN (SELECT t.id FROM kind t) GROUP BY 1)
             -- Other numbers of types, such as 1 and 2, are ids of content types, too, but not of the tables whose keys are beside them.
             SELECT n.relation::oid, n.kinds FROM named n WHERE $2 OR (SELECT count(DISTINCT o) = (SELECT count(*) FROM kind) FROM named m CROSS JOIN LATERAL unnest(m.kinds) AS o)
                AND NOT EXISTS (SELECT FROM named m WHERE clone_internal.are_keys_of_kind($1, $3, $4, $5, m.kinds, m.relation) IS NOT TRUE)',
            content_types, type_column, clone_internal.spread(relation, quote_ident(type_column), 100000000)) USING store, says_so, relation, type_column, clone_internal.column_text('t', relation, "column");
        RETURN;
    END IF;
    -- The first rows of a log may all be of one type. A text with very many values is no type.
    EXECUTE format('SELECT array_agg(v.kind) FROM (SELECT DISTINCT %s AS kind FROM %s AS t LIMIT 1000) v', clone_internal.column_text('t', relation, type_column),
        clone_internal.spread(relation, quote_ident(type_column), 100000000)) INTO found;
    RETURN QUERY
        SELECT k.target::oid, array_agg(DISTINCT k.kind)
        FROM (SELECT o.kind, o.described, o.rank, CASE WHEN o.target = ANY (twice) THEN (
                  -- Of several tables of the same name, the nearest one with these keys.
                  SELECT n.target FROM unnest(clone_internal.namesakes(pair_targets.store, pair_targets.relation, o.target)) WITH ORDINALITY AS n (target, number)
                  ORDER BY clone_internal.are_keys_of_kind(pair_targets.store, pair_targets.relation, pair_targets.type_column, clone_internal.column_text('t', pair_targets.relation, pair_targets."column"), ARRAY[o.kind], n.target) IS FALSE, n.number LIMIT 1)
                  ELSE o.target END AS target
              FROM clone_internal.tables_of_kinds(pair_targets.store, found) o) k
        JOIN clone.store_relation r ON r.store = pair_targets.store AND r.relation = k.target
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
        WHERE k.described
          -- A number cannot be a key of a table whose keys are texts or UUIDs.
          AND (clone_internal.family(a.atttypid) NOT IN ('text', 'uuid') OR clone_internal.family(a.atttypid) = own OR own NOT IN ('int', 'uuid'))
          -- A part of a name says little.
          AND (k.rank < 2 OR clone_internal.are_keys_of_kind(pair_targets.store, pair_targets.relation, pair_targets.type_column, clone_internal.column_text('t', pair_targets.relation, pair_targets."column"), ARRAY[k.kind], k.target))
        GROUP BY 1;
END
$$;
COMMENT ON FUNCTION clone_internal.pair_targets(text, oid, name, name) IS 'The tables of a store that the values of a type column name';

CREATE FUNCTION clone_internal.names_no_table(store text, relation regclass, type_column name, "column" name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    filled boolean;
BEGIN
    IF EXISTS (SELECT FROM clone_internal.pair_targets(store, relation, type_column, "column")) THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.%I IS NOT NULL)', relation, type_column) INTO filled;
    RETURN filled;
END
$$;
COMMENT ON FUNCTION clone_internal.names_no_table(text, regclass, name, name) IS 'Whether a type column has values, none of which names a table of the store';

-- A table that the types of a pair name and about which a question is open: it is answered first. NULL: there is none.
CREATE FUNCTION clone_internal.names_waiting_table(store text, relation regclass, type_column name) RETURNS regclass
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    waiting regclass[] := ARRAY(SELECT w.relation FROM clone_internal.waiting_tables(store) w WHERE w.relation <> names_waiting_table.relation);
    kinds text[];
BEGIN
    IF waiting = '{}' OR (SELECT clone_internal.family(a.atttypid) FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = type_column) IS DISTINCT FROM 'text' THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT (array_agg(DISTINCT %s))[:41] FROM %s AS t WHERE t.%I IS NOT NULL', clone_internal.column_text('t', relation, type_column), clone_internal.spread(relation, quote_ident(type_column), 5000), type_column) INTO kinds;
    RETURN (SELECT k.target FROM clone_internal.tables_of_kinds(store, kinds) k WHERE cardinality(kinds) <= 40 AND k.rank < 2 AND k.target = ANY (waiting) ORDER BY k.target LIMIT 1);
END
$$;
COMMENT ON FUNCTION clone_internal.names_waiting_table(text, regclass, name) IS 'A table that the types of a pair name and about which a question is open';

-- A pair whose types are numbers or words that no table explains: the calls, if the ids of each are keys of one table only, and the types.
CREATE FUNCTION clone_internal.code_calls(store text, relation regclass, type_column name, "column" name) RETURNS TABLE (codes text, calls text)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    k record;
    missing boolean;
    target regclass;
    targets int;
    tenant name := (SELECT r.project_column FROM clone.store_relation r WHERE r.store = code_calls.store AND r.relation = code_calls.relation);
BEGIN
    calls := '';
    FOR c IN EXECUTE format('SELECT DISTINCT %4$s AS code FROM %3$s AS t WHERE t.%1$I IS NOT NULL AND t.%2$I IS NOT NULL ORDER BY 1 LIMIT 20',
        type_column, "column", clone_internal.spread(relation, '*', 50000), clone_internal.column_text('t', relation, type_column)) LOOP
        codes := concat_ws(', ', codes, c.code);
        targets := 0;
        FOR k IN SELECT n.relation AS target, n.name, r.project_column AS tenant FROM clone_internal.naming_columns(store) n
                 JOIN clone.store_relation r ON r.store = code_calls.store AND r.relation = n.relation WHERE n.is_id AND n.role <> 'project' LOOP
            -- Small numbers are keys of any table, but not of rows of the same tenant.
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t LEFT JOIN %s AS k ON %7$s WHERE %5$s = $1 AND t.%4$I IS NOT NULL AND (k.%3$I IS NULL OR %6$s))',
                clone_internal.spread(relation, '*', 2000), k.target, k.name, "column", clone_internal.column_text('t', relation, type_column),
                CASE WHEN tenant IS NULL OR k.tenant IS NULL THEN 'false' ELSE format('%s IS DISTINCT FROM %s', clone_internal.column_text('k', k.target, k.tenant), clone_internal.column_text('t', relation, tenant)) END,
                clone_internal.equals_text('k', k.target, k.name, clone_internal.column_text('t', relation, "column"))) USING c.code INTO missing;
            IF NOT missing THEN
                targets := targets + 1;
                target := k.target;
            END IF;
        END LOOP;
        calls := CASE WHEN targets = 1 AND calls IS NOT NULL THEN concat_ws(' ', NULLIF(calls, ''), format('SELECT clone.store_reference(%L, %L, %L, %L, type_column => %L, type_values => %L);',
            store, relation, "column", target, type_column, ARRAY[c.code]::text)) END;
    END LOOP;
    IF codes IS NOT NULL THEN
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.code_calls(text, regclass, name, name) IS 'The types in a type column that no table explains, and the calls that declare them if the data say which tables they mean';

-- Undeclared types of polymorphic pairs that have a declared reference.
CREATE FUNCTION clone_internal.ask_about_types(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    p record;
    undeclared text[];
    named text;
    calls text;
    k record;
    rest text[];
    of_target text[];
    missing text[];
    -- Types and keys in the rows: of each type the first ones come first.
    kinds text[];
    ids text[];
    found text;
    possible boolean;
    -- Types whose ids are keys of several tables, or of tables that the store does not describe.
    several text;
    -- Rows of undeclared types belong to tenants, in another way than by this pair.
    owned boolean;
    tenant text;
    place text;
    otherwise text;
BEGIN
    FOR p IN
        SELECT r.relation, r."column", r.type_column, r.path, string_agg(format('(%s)', r.condition), ' OR ') AS known,
               r.path IS NULL AND EXISTS (SELECT FROM clone.store_membership m WHERE m.store = r.store AND m.relation = r.relation AND m.columns = ARRAY[r."column"] AND m.condition IS NOT NULL) AS belongs,
               -- In the declaration of another type.
               CASE WHEN r.path IS NOT NULL THEN format(', path => %L', r.path) ELSE '' END AS at,
               CASE WHEN r.path IS NOT NULL THEN format(' at %s', r.path) ELSE '' END AS within,
               CASE WHEN r.path IS NULL THEN clone_internal.column_text('t', r.relation, r."column") ELSE clone_internal.value_at_members('t', r.relation, r."column", clone_internal.members_of_path(r.path)) END AS value
        FROM clone.store_reference r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p')
        WHERE r.store = ask_about_types.store AND r.type_column IS NOT NULL AND r.condition IS NOT NULL
        GROUP BY r.store, 1, 2, 3, 4
    LOOP
        CONTINUE WHEN p.value IS NULL;
        EXECUTE format('SELECT array_agg(k.kind ORDER BY k.kind) FROM (SELECT DISTINCT t.kind FROM
            (SELECT %5$s AS kind FROM %2$s AS t WHERE %3$s IS NOT NULL AND t.%1$I IS NOT NULL AND NOT (%4$s) LIMIT 50000) t LIMIT 20) k', p.type_column, p.relation, p.value, p.known,
            clone_internal.column_text('t', p.relation, p.type_column)) INTO undeclared;
        undeclared := clone_internal.types_without_waiting(ask_about_types.store, undeclared);
        CONTINUE WHEN undeclared IS NULL OR undeclared = '{}';
        tenant := clone_internal.tenant_sql(ask_about_types.store, p.relation, 't');
        owned := NOT p.belongs;
        IF p.belongs AND tenant NOT LIKE '%.ctid::text' THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE %s = ANY ($1) AND t.%I IS NOT NULL AND NOT (%s) AND %s IS NOT NULL)', clone_internal.spread(p.relation, '*', 50000),
                clone_internal.column_text('t', p.relation, p.type_column), p."column", p.known, tenant) INTO owned USING undeclared;
        END IF;
        -- That rows are left out is no answer if they are cloned.
        place := CASE WHEN owned AND p.path IS NULL THEN '$cloned_types' ELSE '$types' END;
        -- A document has other values, too.
        otherwise := CASE WHEN NOT owned OR p.path IS NOT NULL THEN format('SELECT clone.store_no_reference(%L, %L, %L, %L);', ask_about_types.store, p.relation, p."column", '$types')
                          WHEN p.belongs THEN format('SELECT clone.store_column(%L, %L, %L, ''keep'');', ask_about_types.store, p.relation, p."column")
                          ELSE clone_internal.keep_call(ask_about_types.store, p.relation, p."column", '') END;
        -- Types that name a table of the store, which may have come later. One whose rows belong through these rows cannot own them.
        SELECT string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L%s, type_column => %L, type_values => %L%s);', ask_about_types.store, p.relation, p."column", t.target::regclass, p.at, p.type_column, t.kinds::text,
                   CASE WHEN p.belongs THEN ', belongs => true' ELSE '' END), ' ' ORDER BY t.target), string_agg(array_to_string(t.kinds, ', '), ', ' ORDER BY t.target)
        INTO calls, named
        FROM (SELECT o.target, ARRAY(SELECT x FROM unnest(o.type_values) x WHERE x = ANY (undeclared) ORDER BY x) AS kinds FROM clone_internal.pair_targets(ask_about_types.store, p.relation, p.type_column, p."column") o) t
        -- Rows may belong through rows of the same table.
        WHERE t.kinds <> '{}' AND NOT (p.belongs AND t.target <> p.relation AND clone_internal.belongs_through(ask_about_types.store, t.target::regclass, p.relation));
        IF calls IS NOT NULL AND NOT clone_internal.answered(ask_about_types.store, p.relation, p."column", '$named_types') THEN
            PERFORM clone_internal.ask(ask_about_types.store, p.relation, p."column", '$named_types', 'error',
                format('%s.%I%s names rows of the types %s, which no reference declares', p.relation, p."column", p.within, named),
                calls, CASE WHEN owned AND p.path IS NULL THEN otherwise ELSE format('SELECT clone.store_no_reference(%L, %L, %L, %L);', ask_about_types.store, p.relation, p."column", '$named_types') END);
            undeclared := ARRAY(SELECT x FROM unnest(undeclared) x WHERE x <> ALL (string_to_array(named, ', ')) ORDER BY x);
        ELSIF NOT owned THEN
            undeclared := ARRAY(SELECT x FROM unnest(undeclared) x WHERE named IS NULL OR x <> ALL (string_to_array(named, ', ')) ORDER BY x);
        END IF;
        CONTINUE WHEN undeclared = '{}' OR clone_internal.answered(ask_about_types.store, p.relation, p."column", place);
        -- Single-table inheritance: the rows of a type Dog are in the table of animals, which has a column with that word. A type that names
        -- a table outside of the store names its rows.
        calls := NULL;
        named := NULL;
        rest := ARRAY(SELECT x FROM unnest(undeclared) x WHERE NOT EXISTS (SELECT FROM clone_internal.discoverable(clone_internal.schemas_of(ask_about_types.store)) d
            WHERE d.word = clone_internal.table_word(regexp_replace(x, E'^.*(::|[.]|/|\\\\)', ''))) ORDER BY x);
        EXECUTE format('SELECT array_agg(s.kind ORDER BY s.n, s.kind), array_agg(s.id ORDER BY s.n, s.kind) FROM (SELECT v.kind, v.id, row_number() OVER (PARTITION BY v.kind) AS n
            FROM (SELECT DISTINCT u.kind, u.id FROM (SELECT %1$s AS kind, %2$s AS id FROM %3$s AS t WHERE %1$s = ANY ($1) AND %2$s IS NOT NULL LIMIT 20000) u) v) s',
            clone_internal.column_text('t', p.relation, p.type_column), p.value, p.relation) INTO kinds, ids USING rest;
        FOR k IN
            SELECT n.relation AS target, n.name, a.attname AS kind FROM clone_internal.naming_columns(ask_about_types.store) n
            JOIN pg_attribute a ON a.attrelid = n.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~* '(type|kind|class)$' AND (clone_internal.family(a.atttypid) = 'text' OR clone_internal.other_key_type(a.atttypid))
            WHERE n.is_id AND n.role <> 'project'
              -- In a polymorphic pair the type is that of another row.
              AND NOT EXISTS (SELECT FROM pg_attribute i WHERE i.attrelid = n.relation AND i.attnum > 0 AND NOT i.attisdropped
                              AND clone_internal.snake(i.attname) = regexp_replace(clone_internal.snake(a.attname), '(type|kind|class)$', 'id') AND i.attname <> n.name)
            ORDER BY n.relation::oid, a.attnum
        LOOP
            EXIT WHEN rest = '{}';
            found := format('EXISTS (SELECT FROM %s AS k WHERE %s AND %s = s.kind COLLATE "C")', k.target, clone_internal.equals_text('k', k.target, k.name, 's.id'), clone_internal.column_text('k', k.target, k.kind));
            -- Few keys of each type say for most tables that they are not meant.
            EXECUTE 'SELECT EXISTS (SELECT FROM unnest($1[:60], $2[:60]) AS s (kind, id) WHERE s.kind = ANY ($3) AND ' || found || ')' INTO possible USING kinds, ids, rest;
            CONTINUE WHEN NOT possible;
            EXECUTE 'SELECT ARRAY(SELECT DISTINCT s.kind FROM unnest($1, $2) AS s (kind, id) WHERE s.kind = ANY ($3) AND ' || found || ' ORDER BY 1),
                ARRAY(SELECT DISTINCT s.kind FROM unnest($1, $2) AS s (kind, id) WHERE s.kind = ANY ($3) AND NOT ' || found || ')' INTO of_target, missing USING kinds, ids, rest;
            of_target := ARRAY(SELECT x FROM unnest(of_target) x WHERE x <> ALL (missing) ORDER BY x);
            CONTINUE WHEN of_target = '{}' OR p.belongs AND clone_internal.belongs_through(ask_about_types.store, k.target, p.relation);
            calls := concat_ws(' ', calls, format('SELECT clone.store_reference(%L, %L, %L, %L%s, type_column => %L, type_values => %L%s);', ask_about_types.store, p.relation, p."column", k.target, p.at, p.type_column, of_target::text,
                CASE WHEN p.belongs THEN ', belongs => true' ELSE '' END));
            named := concat_ws(', ', named, array_to_string(of_target, ', '));
            rest := ARRAY(SELECT x FROM unnest(rest) x WHERE x <> ALL (of_target));
        END LOOP;
        -- Rows of these types belong through rows of this table, which belong through them: no order of the two shows whose they are.
        SELECT COALESCE(string_agg(format(' Those of %s are rows of %s, which belong through %s: give one of both a column with the tenant.', array_to_string(t.kinds, ', '), t.target::regclass, p.relation), '' ORDER BY t.target), '') INTO several
        FROM (SELECT o.target, ARRAY(SELECT x FROM unnest(o.type_values) x WHERE x = ANY (undeclared) ORDER BY x) AS kinds FROM clone_internal.pair_targets(ask_about_types.store, p.relation, p.type_column, p."column") o) t
        WHERE p.belongs AND t.kinds <> '{}' AND t.target <> p.relation AND clone_internal.belongs_through(ask_about_types.store, t.target::regclass, p.relation);
        IF NOT owned THEN
            -- Rows that may belong through these: whether they are the tenants' is to be said first.
            several := several || COALESCE((SELECT string_agg(DISTINCT format(' Those of %s may be rows of %s, which the store does not describe.', x, d.oid::regclass), '')
                FROM unnest(undeclared) x JOIN clone_internal.discoverable(clone_internal.schemas_of(ask_about_types.store)) d ON d.word = clone_internal.table_word(regexp_replace(x, E'^.*(::|[.]|/|\\\\)', ''))
                WHERE NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = ask_about_types.store AND r.relation = d.oid) AND NOT EXISTS (SELECT FROM clone.store_shared r WHERE r.store = ask_about_types.store AND r.relation = d.oid)
                  AND (EXISTS (SELECT FROM clone_internal.outside_pairs(ARRAY[d.oid]) o WHERE o.rank = 1) OR EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid AND f.confrelid = p.relation))), '');
        END IF;
        FOR k IN
            SELECT w.kind, w.chance, clone_internal.tables_with_columns_of_type(ask_about_types.store, w.kind, w.possible) AS targets, cardinality(w.possible) AS tables
            FROM (SELECT o.kind, p.relation = ANY (o.targets) AS chance, array_remove(o.targets, p.relation) AS possible
                  FROM clone_internal.tables_with_ids(ask_about_types.store, p.relation, p.type_column, p."column", kinds, ids) o WHERE o.kind = ANY (rest)) w
            WHERE w.possible <> '{}' AND NOT (p.belongs AND EXISTS (SELECT FROM unnest(w.possible) t WHERE clone_internal.belongs_through(ask_about_types.store, t, p.relation)))
            ORDER BY w.kind
        LOOP
            -- Small numbers are keys of this table by chance, and so they are of others: a column with the name of the type says which.
            IF cardinality(k.targets) > 1 OR k.chance AND k.tables = 1 THEN
                CONTINUE WHEN EXISTS (SELECT FROM clone_internal.tables_of_kinds(ask_about_types.store, ARRAY[k.kind]));
                several := several || format(' Those of %s are keys of %s.', clone_internal.quoted(k.kind), array_to_string(k.targets, ' or of '));
                CONTINUE;
            END IF;
            calls := concat_ws(' ', calls, format('SELECT clone.store_reference(%L, %L, %L, %L%s, type_column => %L, type_values => %L%s);', ask_about_types.store, p.relation, p."column", k.targets[1], p.at, p.type_column, ARRAY[k.kind]::text,
                CASE WHEN p.belongs THEN ', belongs => true' ELSE '' END));
            named := concat_ws(', ', named, format('%s (keys of %s)', k.kind, k.targets[1]));
        END LOOP;
        IF calls IS NOT NULL THEN
            PERFORM clone_internal.ask(ask_about_types.store, p.relation, p."column", place, 'error',
                format('%s.%I%s names rows of the types %s, which no reference declares', p.relation, p."column", p.within, named), calls, otherwise);
            CONTINUE;
        END IF;
        IF owned AND tenant NOT LIKE '%.ctid::text' THEN
            -- Rows of other tables that rows of one tenant only name are its parts, not shared by all.
            FOR k IN SELECT n.kind, n.target FROM clone_internal.tables_of_kinds(ask_about_types.store, undeclared) n WHERE n.rank < 2 AND NOT n.described
                       AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = ask_about_types.store AND r.relation = n.target) AND NOT EXISTS (SELECT FROM clone.store_shared r WHERE r.store = ask_about_types.store AND r.relation = n.target) ORDER BY 1 LOOP
                EXECUTE format('SELECT count(*) >= 8 AND bool_and(v.tenants = 1) AND count(DISTINCT v.tenant) > 1 FROM (SELECT %2$s AS id, count(DISTINCT (%3$s)) AS tenants, min((%3$s) COLLATE "C") AS tenant FROM %4$s AS t WHERE %1$s = $1 AND %2$s IS NOT NULL GROUP BY 1) v',
                    clone_internal.column_text('t', p.relation, p.type_column), p.value, tenant, clone_internal.spread(p.relation, '*', 20000)) INTO possible USING k.kind;
                IF possible THEN
                    several := several || format(' Those of %s are rows of %s, which the store does not describe, and each is named by rows of one tenant only.', clone_internal.quoted(k.kind), k.target);
                END IF;
            END LOOP;
        END IF;
        IF owned AND several = '' THEN
            several := COALESCE((SELECT string_agg(format(' Those of %s are keys of %s, which the store does not describe.', clone_internal.quoted(w.kind), array_to_string(w.targets[:3], ' or of ')), '' ORDER BY w.kind)
                FROM clone_internal.outside_tables_with_ids(ask_about_types.store, kinds, ids) w), '');
        END IF;
        PERFORM clone_internal.ask(ask_about_types.store, p.relation, p."column", place, 'error',
            format(CASE WHEN NOT owned THEN '%s.%I%s names rows of the types %s, which no reference declares: are these rows left out?' ELSE '%s.%I%s names rows of the types %s, which no reference declares: do these values stay?' END,
                p.relation, p."column", p.within, array_to_string(undeclared, ', '))
                || CASE WHEN several <> '' THEN several || format(' If rows of one of them are meant, declare it with clone.store_reference(%L, %L, %L, <table>%s, type_column => %L, type_values => <type>)', ask_about_types.store, p.relation, p."column", p.at, p.type_column) ELSE '' END,
            CASE WHEN several = '' THEN otherwise END, CASE WHEN several <> '' THEN otherwise END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_types(text) IS 'Records questions about undeclared types in the data of polymorphic pairs';
