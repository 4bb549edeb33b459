-- Descriptions of tables that were created again, renamed or changed since.

CREATE FUNCTION clone_internal.remember_names(store text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE clone.store_relation r SET schema_name = n.nspname, table_name = c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.store = $1 AND c.oid = r.relation AND (r.schema_name, r.table_name) IS DISTINCT FROM (n.nspname, c.relname)
$$;
COMMENT ON FUNCTION clone_internal.remember_names(text) IS 'Records the schemas and names of a store''s tables; clone.store_refresh() uses them to find the tables';

CREATE FUNCTION clone_internal.bind_tables(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
-- A table that was dropped and created again, or swapped names with another, is found by its name. A table that was only renamed
-- keeps its description.
DECLARE
    r record;
BEGIN
    FOR r IN
        SELECT s.relation AS old, c.oid::regclass AS new, EXISTS (SELECT FROM pg_class o WHERE o.oid = s.relation) AS renamed
        FROM clone.store_relation s
        JOIN pg_namespace n ON n.nspname = s.schema_name
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.table_name
        WHERE s.store = bind_tables.store AND c.oid <> s.relation
          AND NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = s.store AND o.relation = c.oid)
    LOOP
        IF r.renamed THEN
            RAISE NOTICE 'store "%" now describes table %, not %, which had that name before', store, r.new, r.old;
        END IF;
        UPDATE clone.store_relation s SET relation = r.new WHERE s.store = bind_tables.store AND s.relation = r.old;
        UPDATE clone.store_relation s SET parents = array_replace(s.parents, r.old, r.new)
        WHERE s.store = bind_tables.store AND s.parents @> ARRAY[r.old];
        UPDATE clone.store_column s SET target = r.new WHERE s.store = bind_tables.store AND s.target = r.old;
        UPDATE clone.store_reference s SET relation = r.new WHERE s.store = bind_tables.store AND s.relation = r.old;
        UPDATE clone.store_reference s SET target = r.new WHERE s.store = bind_tables.store AND s.target = r.old;
        UPDATE clone.store_membership s SET relation = r.new WHERE s.store = bind_tables.store AND s.relation = r.old;
        UPDATE clone.store_membership s SET parent = r.new WHERE s.store = bind_tables.store AND s.parent = r.old;
        -- The next refresh gives its rows the keys that they have.
        UPDATE clone.run_identity i SET relation = r.new FROM clone.run n WHERE n.id = i.run_id AND n.store = bind_tables.store AND i.relation = r.old;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.bind_tables(text) IS 'Assigns descriptions of a store to the tables that now have the recorded names';

-- The name that a described column has now: another one after ALTER TABLE … RENAME, also if another column has its name. Where its number
-- says nothing, its name is the same.
CREATE FUNCTION clone_internal.name_now(described clone.store_column) RETURNS name
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE((SELECT a.attname FROM pg_attribute a WHERE a.attrelid = described.relation AND a.attrelid = described.attrelid AND a.attnum = described.attnum AND NOT a.attisdropped), described.name)
$$;
COMMENT ON FUNCTION clone_internal.name_now(clone.store_column) IS 'The name that a described column has now';

-- An SQL condition or expression on rows `t` of a table after its columns were renamed: `names` has the new names by the old ones. What stands in
-- quotes, names of functions and types, and columns of other tables stay. Columns of a subquery may have the same name: then nobody knows, NULL.
CREATE FUNCTION clone_internal.with_new_names(condition text, names jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Strings, comments, names, and all else.
    tokens text[] := ARRAY(SELECT m[1] FROM regexp_matches(condition,
        '((?:[eEbBxXnN]|[uU]&)?''(?:[^'']|'''')*''|--[^\n]*|(?:[uU]&)?"(?:[^"]|"")*"|(?:[A-Za-z_]|[^\u0001-\u007f])(?:[A-Za-z0-9_$]|[^\u0001-\u007f])*|::|\s+|.)', 'g') AS m);
    solid int[] := ARRAY(SELECT o.place FROM unnest(tokens) WITH ORDINALITY AS o (token, place) WHERE o.token !~ '^(\s|--)' ORDER BY o.place);
    word text;
    before text;
    after text;
    changed boolean := false;
BEGIN
    FOR n IN 1..COALESCE(cardinality(solid), 0) LOOP
        word := tokens[solid[n]];
        CONTINUE WHEN word !~ '^("|[A-Za-z_]|[^\u0001-\u007f])' OR word ~ '^[[:alpha:]]&?''';
        word := CASE WHEN word LIKE '"%' THEN replace(substr(word, 2, length(word) - 2), '""', '"') ELSE lower(word) END;
        CONTINUE WHEN names IS NULL OR NOT names ? word;
        before := lower(tokens[solid[n - 1]]);
        after := tokens[solid[n + 1]];
        CONTINUE WHEN before IN ('::', 'as', 'collate') OR after IN ('(', '.') OR after ~ '^[eE]?''' OR before = '.' AND lower(tokens[solid[n - 2]]) NOT IN ('t', '"t"');
        tokens[solid[n]] := quote_ident(names->>word);
        changed := true;
    END LOOP;
    -- In a string with a backslash a quote may not be its end.
    IF NOT changed THEN
        RETURN condition;
    END IF;
    RETURN CASE WHEN condition !~* '\m(select|from|with|table|values)\M|[$]\w*[$]|/[*]|\\' THEN array_to_string(tokens, '') END;
END
$$;
COMMENT ON FUNCTION clone_internal.with_new_names(text, jsonb) IS 'A condition or expression with the new names of columns that were renamed; NULL if it cannot be told which of its names are theirs';

-- The new names of columns of a table that were renamed since it was described, by the old ones; NULL without any.
CREATE FUNCTION clone_internal.new_names(store text, relation regclass) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(c.name, clone_internal.name_now(c)) FROM clone.store_column c
    WHERE c.store = $1 AND c.relation = $2 AND clone_internal.name_now(c) <> c.name
$$;
COMMENT ON FUNCTION clone_internal.new_names(text, regclass) IS 'The new names of columns of a described table that were renamed since';

-- Conditions and expressions of a table follow its renamed columns, or are an error (55000).
CREATE FUNCTION clone_internal.follow_renamed_in_conditions(store text, relation regclass, names jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    unclear text := (
        SELECT c.condition FROM (
            SELECT r.live FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $2
            UNION ALL SELECT d.condition FROM clone.store_reference d WHERE d.store = $1 AND d.relation = $2
            UNION ALL SELECT m.condition FROM clone.store_membership m WHERE m.store = $1 AND m.relation = $2
            UNION ALL SELECT k.value FROM clone.store_column k WHERE k.store = $1 AND k.relation = $2 AND k.role = 'expression') AS c (condition)
        WHERE c.condition IS NOT NULL AND clone_internal.with_new_names(c.condition, $3) IS NULL LIMIT 1);
BEGIN
    IF unclear IS NOT NULL THEN
        RAISE EXCEPTION 'the condition % on % names a column that was renamed', clone_internal.quoted(unclear), $2 USING
            ERRCODE = '55000', DETAIL = (SELECT string_agg(format('%s is %s now', clone_internal.quoted(n.key), clone_internal.quoted(n.value)), ', ' ORDER BY n.key) FROM jsonb_each_text($3) n) || '.',
            HINT = 'It has a subquery, a comment, or a string with escapes, so that nobody can tell which of its names are those of the column. Declare it again with the new names: '
                'clone.store_table(…, live => …), clone.store_reference(…), clone.store_belongs(…), clone.store_column(…).';
    END IF;
    UPDATE clone.store_relation r SET live = clone_internal.with_new_names(r.live, $3) WHERE r.store = $1 AND r.relation = $2 AND r.live IS NOT NULL;
    UPDATE clone.store_reference d SET condition = clone_internal.with_new_names(d.condition, $3) WHERE d.store = $1 AND d.relation = $2 AND d.condition IS NOT NULL;
    UPDATE clone.store_membership m SET condition = clone_internal.with_new_names(m.condition, $3) WHERE m.store = $1 AND m.relation = $2 AND m.condition IS NOT NULL;
    UPDATE clone.store_column k SET value = clone_internal.with_new_names(k.value, $3) WHERE k.store = $1 AND k.relation = $2 AND k.role = 'expression';
END
$$;
COMMENT ON FUNCTION clone_internal.follow_renamed_in_conditions(text, regclass, jsonb) IS 'Gives conditions and expressions on rows of a table the new names of its columns';

-- A column that was renamed keeps what is declared of it. Two may have exchanged their names. Settings by hand of a column that is gone are
-- said.
CREATE FUNCTION clone_internal.follow_renamed_columns(store text, relation regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r record;
    -- The new names by the old ones.
    names jsonb;
    moved clone.store_column[];
BEGIN
    SELECT jsonb_object_agg(c.name, clone_internal.name_now(c)), array_agg(c ORDER BY c.attnum) INTO names, moved
    FROM clone.store_column c WHERE c.store = $1 AND c.relation = $2 AND clone_internal.name_now(c) <> c.name;
    FOR r IN
        SELECT c.name, c.role FROM clone.store_column c
        WHERE c.store = $1 AND c.relation = $2 AND c.reason = 'set by hand' AND clone_internal.name_now(c) = c.name AND EXISTS (SELECT FROM pg_class k WHERE k.oid = c.relation)
          -- Dropped, also if a renamed column has its name.
          AND (names @? format('$.* ? (@ == %s)', to_jsonb(c.name))::jsonpath OR NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.relation AND a.attname = c.name AND NOT a.attisdropped))
        ORDER BY c.name
    LOOP
        RAISE WARNING 'column % of % is gone, and with it its role %, set by hand', clone_internal.quoted(r.name::text), $2, r.role USING
            HINT = 'If another column has its values now: clone.store_column(…).';
    END LOOP;
    IF names IS NULL THEN
        RETURN;
    END IF;
    FOR r IN SELECT m.name AS old, names->>m.name AS new FROM unnest(moved) m LOOP
        RAISE NOTICE 'column % of % is % now', clone_internal.quoted(r.old::text), $2, clone_internal.quoted(r.new);
    END LOOP;
    -- All at once: a column may have the name of another that was renamed.
    DELETE FROM clone.store_column c WHERE c.store = $1 AND c.relation = $2 AND (names ? c.name::text OR names @? format('$.* ? (@ == %s)', to_jsonb(c.name))::jsonpath);
    INSERT INTO clone.store_column SELECT (jsonb_populate_record(m, jsonb_build_object('name', names->>m.name))).* FROM unnest(moved) m;
    UPDATE clone.store_relation t
    SET id_column = COALESCE(names->>t.id_column, t.id_column), project_column = COALESCE(names->>t.project_column, t.project_column), join_column = COALESCE(names->>t.join_column, t.join_column),
        type_column = COALESCE(names->>t.type_column, t.type_column), document_column = COALESCE(names->>t.document_column, t.document_column),
        blob_key = (SELECT string_agg(CASE WHEN p.key IS NULL THEN p.part ELSE '{' || COALESCE(names->>p.key, p.key) || '}' END, '' ORDER BY p.place)
                    FROM (SELECT x.part[1] AS part, substring(x.part[1] FROM '^[{]([^{}]+)[}]$') AS key, x.place FROM regexp_matches(t.blob_key, '[{][^{}]+[}]|[^{]+|[{]', 'g') WITH ORDINALITY AS x (part, place)) p)
    WHERE t.store = $1 AND t.relation = $2;
    PERFORM clone_internal.follow_renamed_in_conditions($1, $2, names);
    UPDATE clone.store_reference d SET "column" = COALESCE(names->>d."column", d."column"), type_column = COALESCE(names->>d.type_column, d.type_column) WHERE d.store = $1 AND d.relation = $2;
    UPDATE clone.store_reference d SET target_column = COALESCE(names->>d.target_column, d.target_column) WHERE d.store = $1 AND d.target = $2;
    UPDATE clone.store_membership m SET columns = ARRAY(SELECT COALESCE(names->>c.name, c.name) FROM unnest(m.columns) WITH ORDINALITY AS c (name, place) ORDER BY c.place) WHERE m.store = $1 AND m.relation = $2;
    UPDATE clone.store_membership m SET parent_columns = ARRAY(SELECT COALESCE(names->>c.name, c.name) FROM unnest(m.parent_columns) WITH ORDINALITY AS c (name, place) ORDER BY c.place) WHERE m.store = $1 AND m.parent = $2;
    UPDATE clone.store_no_reference n SET "column" = COALESCE(names->>n."column", n."column") WHERE n.store = $1 AND n.relation = $2;
    -- A rule may be about several tables, of which others have a column with the old name.
    UPDATE clone.store_rule u SET columns = ARRAY(
        SELECT n.name FROM unnest(u.columns) WITH ORDINALITY AS c (name, place)
        CROSS JOIN LATERAL (SELECT COALESCE(names->>c.name, c.name) AS name, 1 AS turn
                            UNION ALL SELECT c.name, 2 WHERE names ? c.name AND EXISTS (
                                SELECT FROM clone.store_column k JOIN clone.store_relation o ON o.store = k.store AND o.relation = k.relation
                                WHERE k.store = $1 AND k.name = c.name AND k.relation <> $2 AND (u.resource_type IS NULL OR o.type_column IS NOT NULL OR o.resource_type = u.resource_type OR o.resource_type IS NULL))) n
        ORDER BY c.place, n.turn)
    FROM clone.store_relation t
    WHERE u.store = $1 AND t.store = $1 AND t.relation = $2 AND u.columns && ARRAY(SELECT o FROM jsonb_object_keys(names) o)
      AND (u.resource_type IS NULL OR t.type_column IS NOT NULL OR t.resource_type = u.resource_type OR t.resource_type IS NULL);
    DELETE FROM clone.store_question q WHERE q.store = $1 AND q.relation = $2 AND (names ? q."column"::text OR names @? format('$.* ? (@ == %s)', to_jsonb(q."column"))::jsonpath);
END
$$;
COMMENT ON FUNCTION clone_internal.follow_renamed_columns(text, regclass) IS 'Gives renamed columns of a table what is declared of them, and warns of those that are gone';

-- A new declaration names columns as they are called now: what was declared before must not be taken for it later.
CREATE FUNCTION clone_internal.follow_before_declaring(store text, relation regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF clone_internal.new_names(store, relation) IS NOT NULL THEN
        PERFORM clone_internal.follow_renamed_columns(store, relation);
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.follow_before_declaring(text, regclass) IS 'Gives renamed columns of a table what was declared of them before something else is declared';

CREATE FUNCTION clone_internal.only_json_column(relation regclass) RETURNS name
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT min(a.attname::text) FROM pg_attribute a
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('json'::regtype, 'jsonb'::regtype) AND a.attgenerated = ''
    HAVING count(*) = 1
$$;
COMMENT ON FUNCTION clone_internal.only_json_column(regclass) IS 'The column of type json or jsonb of a table that has one, which becomes its document';

-- As clone.store_table() has it, for a table that had no column of type json or jsonb.
CREATE FUNCTION clone_internal.infer_new_documents(store text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE clone.store_relation r SET document_column = clone_internal.only_json_column(r.relation), document_inferred = true
    WHERE r.store = $1 AND r.document_column IS NULL AND clone_internal.only_json_column(r.relation) IS NOT NULL
      AND EXISTS (SELECT FROM clone.store_column c WHERE c.store = r.store AND c.relation = r.relation)
      AND NOT EXISTS (SELECT FROM clone.store_column c WHERE c.store = r.store AND c.relation = r.relation AND c.type IN ('json', 'jsonb'))
$$;
COMMENT ON FUNCTION clone_internal.infer_new_documents(text) IS 'Makes the only JSON column of a table, which is new, its document';
