-- Functions that describe stores: create one from a preset, describe tables, set column roles, add rules.

CREATE FUNCTION clone_internal.describe_columns(store text, relation regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
-- Infers the role of every column that was not set by hand.
DECLARE
    t clone.store_relation;
BEGIN
    SELECT * INTO STRICT t FROM clone.store_relation r WHERE r.store = describe_columns.store AND r.relation = describe_columns.relation;
    DELETE FROM clone.store_column c
    WHERE c.store = t.store AND c.relation = t.relation
      AND (c.reason IS DISTINCT FROM 'set by hand' OR NOT EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = t.relation AND a.attname = c.name AND NOT a.attisdropped))
      -- What was set by hand for a column that was renamed waits for clone.store_refresh().
      AND (c.reason IS DISTINCT FROM 'set by hand' OR clone_internal.name_now(c) IS NOT DISTINCT FROM c.name);
    UPDATE clone.store_column c
    SET type = format_type(a.atttypid, a.atttypmod), attnum = a.attnum, attrelid = a.attrelid
    FROM pg_attribute a
    WHERE c.store = t.store AND c.relation = t.relation AND a.attrelid = t.relation AND a.attname = c.name AND clone_internal.name_now(c) = c.name;
    INSERT INTO clone.store_column (store, relation, name, type, role, target, reason, attnum, attrelid)
    SELECT t.store, t.relation, a.attname, format_type(a.atttypid, a.atttypmod), i.role, i.target, i.reason, a.attnum, a.attrelid
    FROM pg_attribute a
    LEFT JOIN LATERAL (
        SELECT f.confrelid::regclass AS target FROM pg_constraint f
        WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum] LIMIT 1
    ) fk ON true
    JOIN pg_type b ON b.oid = clone_internal.base_type(a.atttypid)
    LEFT JOIN pg_type e ON e.oid = b.typelem
    CROSS JOIN LATERAL (
        SELECT w.role, w.target, w.reason FROM (VALUES
            (1, a.attgenerated <> '', 'default', NULL::regclass, 'generated column'),
            (2, a.attname = t.id_column AND a.atttypid IN (20, 21, 23), 'key', NULL, 'integer key'),
            -- A version's own id: no other table's row has it.
            (3, t.role = 'history' AND a.attname = t.id_column AND a.attname IS DISTINCT FROM t.join_column AND b.oid = 'uuid'::regtype, 'version', NULL, 'key'),
            (4, a.attname = t.id_column, 'map', NULL, 'key'),
            (5, a.attname = t.project_column, 'project', NULL, 'the project'),
            (6, a.attname = t.join_column, 'map', t.parents[1], 'key of the resource it belongs to'),
            (7, a.attname = t.document_column, 'rewrite', NULL, 'the document'),
            (8, t.role = 'project' AND a.attname IN ('name', 'owner'), a.attname::text, NULL, 'argument of the call'),
            (9, fk.target IS NOT NULL, 'map', fk.target, 'foreign key'),
            (10, a.attidentity <> '', 'default', NULL, 'identity column'),
            (11, a.atttypid IN ('uuid'::regtype, 'uuid[]'::regtype), 'map', NULL, 'may hold ids'),
            (12, a.atttypid IN ('json'::regtype, 'jsonb'::regtype), 'rewrite', NULL, 'may hold references'),
            (13, a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'text[]'::regtype), 'rewrite', NULL, 'may hold references'),
            (14, b.oid IN ('uuid'::regtype, 'uuid[]'::regtype), 'map', NULL, 'may hold ids'),
            (15, b.oid IN ('json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'varchar'::regtype, 'name'::regtype, 'xml'::regtype, 'tsvector'::regtype)
                OR b.typname IN ('citext', 'hstore') AND b.typtype = 'b' OR b.oid = 'bpchar'::regtype AND (a.atttypmod < 0 OR a.atttypmod >= 40)
                OR b.typtype = 'c' OR b.typcategory = 'A' AND (e.typcategory = 'S' OR e.typtype IN ('c', 'd') OR e.oid IN ('json'::regtype, 'jsonb'::regtype, 'xml'::regtype)),
                'rewrite', NULL, 'may hold references'),
            (16, true, 'keep', NULL, 'plain value')
        ) AS w (rank, applies, role, target, reason)
        WHERE w.applies
        ORDER BY w.rank LIMIT 1
    ) i
    WHERE a.attrelid = t.relation AND a.attnum > 0 AND NOT a.attisdropped
    ON CONFLICT ON CONSTRAINT store_column_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION clone_internal.describe_columns(text, regclass) IS 'Infers the roles of a table''s columns; roles set by hand are kept';

CREATE FUNCTION clone.store_create(name text, preset text, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    describe oid;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.protect();
    PERFORM clone_internal.check_store_name(store_create.name);
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'the encoding of database % is %, not UTF8', clone_internal.quoted((current_database())::text), current_setting('server_encoding') USING
            ERRCODE = '0A000', HINT = 'Dump the database and restore it into one that was created with ENCODING ''UTF8''.';
    END IF;
    PERFORM clone_internal.check_options(store_create.name, store_create.preset, COALESCE(options, '{}'));
    SELECT clone_internal.function_by_name(p.describe) INTO describe FROM clone.preset p WHERE p.name = store_create.preset;
    IF describe IS NULL THEN
        RAISE EXCEPTION 'there is no preset %', clone_internal.quoted(store_create.preset::text) USING
            ERRCODE = '22023',
            HINT = 'Presets: ' || (SELECT string_agg(p.name, ', ' ORDER BY p.name) FROM clone.preset p) || '.';
    END IF;
    INSERT INTO clone.store (name, preset, options) VALUES (store_create.name, store_create.preset, COALESCE(store_create.options, '{}')) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'store % already exists', clone_internal.quoted(store_create.name::text) USING
            ERRCODE = '22023', HINT = format('SELECT clone.store_refresh(%L) describes it again; clone.store_drop(%L) forgets it.',
                store_create.name, store_create.name);
    END IF;
    EXECUTE format('SELECT %s($1, $2)', describe::regproc) USING store_create.name, COALESCE(store_create.options, '{}');
    PERFORM clone_internal.remember_names(store_create.name);
    PERFORM clone_internal.check_column_roles(store_create.name);
    RETURN store_create.name;
END
$$;
COMMENT ON FUNCTION clone.store_create(text, text, jsonb) IS
    'Creates a store from a preset (custom, discover, documents, medplum, registry) and returns its name; options.blobs is the location of its files';

CREATE FUNCTION clone.store_refresh(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    s clone.store;
    r record;
    describe oid;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    SELECT * INTO s FROM clone.store c WHERE c.name = store_refresh.store FOR UPDATE;
    PERFORM clone_internal.bind_tables(s.name);
    PERFORM clone_internal.follow_renamed_columns(s.name, c.relation) FROM clone.store_relation c WHERE c.store = s.name;
    SELECT clone_internal.function_by_name(p.describe) INTO describe FROM clone.preset p WHERE p.name = s.preset;
    IF describe IS NOT NULL THEN
        EXECUTE format('SELECT %s($1, $2)', describe::regproc) USING s.name, s.options;
    END IF;
    IF s.preset IN ('custom', 'discover') THEN
        PERFORM clone_internal.infer_new_documents(s.name);
    END IF;
    -- The preset can describe its own tables again. Descriptions by hand are not deleted.
    FOR r IN SELECT c.relation, format('%I.%I', c.schema_name, c.table_name) AS name FROM clone.store_relation c
             WHERE c.store = s.name AND NOT EXISTS (SELECT FROM pg_class p WHERE p.oid = c.relation) LOOP
        IF s.preset IN ('custom', 'discover') OR EXISTS (SELECT FROM clone.store_column o WHERE o.store = s.name AND o.relation = r.relation AND o.reason = 'set by hand') THEN
            RAISE WARNING 'table % of store "%" does not exist; its description is kept', r.name, s.name USING
                HINT = format('Create the table again, or remove its description: SELECT clone.store_remove_table(%L, %L);', s.name, r.name);
        ELSE
            DELETE FROM clone.store_relation c WHERE c.store = s.name AND c.relation = r.relation;
        END IF;
    END LOOP;
    FOR r IN SELECT c.relation FROM clone.store_relation c JOIN pg_class p ON p.oid = c.relation
             WHERE c.store = s.name AND NOT EXISTS (SELECT FROM clone.store_column o WHERE o.store = s.name
                   AND o.relation = c.relation AND o.reason NOT IN ('set by hand', 'key', 'integer key', 'the project', 'foreign key',
                       'key of the resource it belongs to', 'the document', 'argument of the call', 'identity column', 'generated column', 'may hold ids',
                       'may hold references', 'plain value')) LOOP
        PERFORM clone_internal.describe_columns(s.name, r.relation);
    END LOOP;
    PERFORM clone_internal.remember_names(s.name);
    PERFORM clone_internal.check_column_roles(s.name);
    -- A condition may name a column that was renamed.
    FOR r IN SELECT c.relation, c.live AS condition FROM clone.store_relation c WHERE c.store = s.name
             UNION SELECT c.relation, c.condition FROM clone.store_reference c WHERE c.store = s.name
             UNION SELECT c.relation, c.condition FROM clone.store_membership c WHERE c.store = s.name LOOP
        CONTINUE WHEN r.condition IS NULL OR NOT EXISTS (SELECT FROM pg_class p WHERE p.oid = r.relation);
        PERFORM clone_internal.check_condition(r.relation, r.condition);
    END LOOP;
    FOR r IN SELECT c.relation, c.name, c.value FROM clone.store_column c JOIN pg_attribute a ON a.attrelid = c.relation AND a.attname = c.name AND NOT a.attisdropped
             WHERE c.store = s.name AND c.role = 'expression' LOOP
        PERFORM clone_internal.check_expression(r.relation, r.name, r.value);
    END LOOP;
    IF s.looked_at IS NOT NULL THEN
        PERFORM clone_internal.ask_about_data(s.name, false);
    END IF;
END
$$;
COMMENT ON FUNCTION clone.store_refresh(text) IS 'Describes a store again after its tables have changed; settings by hand are kept';

CREATE FUNCTION clone.store_remove_table(store text, table_name text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone regclass;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    DELETE FROM clone.store_relation r
    WHERE r.store = store_remove_table.store AND (store_remove_table.table_name IN (format('%I.%I', r.schema_name, r.table_name), r.relation::text)
        OR store_remove_table.table_name = r.table_name
           AND 1 = (SELECT count(*) FROM clone.store_relation o WHERE o.store = store_remove_table.store AND o.table_name = r.table_name))
    RETURNING r.relation INTO gone;
    -- References to it and memberships through it are deleted too.
    DELETE FROM clone.store_reference d WHERE d.store = store_remove_table.store AND gone IN (d.relation, d.target);
    DELETE FROM clone.store_membership m WHERE m.store = store_remove_table.store AND gone IN (m.relation, m.parent);
    IF gone IS NULL THEN
        RAISE EXCEPTION 'store "%" has no table %', store, clone_internal.shown(table_name) USING
            ERRCODE = '22023', HINT = COALESCE('Tables: ' || (SELECT string_agg(format('%I.%I', r.schema_name, r.table_name), ', ')
                FROM (SELECT * FROM clone.store_relation r WHERE r.store = store_remove_table.store ORDER BY 1, 2 LIMIT 50) r) || '.', 'It has no tables.');
    END IF;
    DELETE FROM clone.store_question q
    WHERE q.store = store_remove_table.store AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = q.store AND r.relation = q.relation);
END
$$;
COMMENT ON FUNCTION clone.store_remove_table(text, text) IS 'Removes a table from a store, also a table that does not exist any more; its rows are kept';

-- A name inside a JSON value is not resolved with the caller's search_path.
CREATE FUNCTION clone_internal.resolve_table(store text, name text, near regclass) RETURNS regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found regclass := to_regclass(name);
BEGIN
    IF name IS NULL THEN
        RETURN NULL;
    END IF;
    found := COALESCE(found,
        (SELECT c.oid::regclass FROM pg_class c JOIN pg_class o ON o.relnamespace = c.relnamespace WHERE o.oid = near AND c.relname = resolve_table.name),
        (SELECT CASE WHEN count(*) = 1 THEN min(r.relation::oid::bigint)::oid::regclass END FROM clone.store_relation r
         WHERE r.store = resolve_table.store AND r.table_name = resolve_table.name));
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no table %', clone_internal.quoted(name) USING
            ERRCODE = '22023', HINT = 'Give its name with its schema, as in "public.orders".';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clone_internal.resolve_table(text, text, regclass) IS
    'Resolves the name of a table in a description: with its schema, otherwise in the schema of another table, otherwise the only one of that name in the store';

CREATE FUNCTION clone.store_table(
    store text, relation regclass, role text,
    resource_type text DEFAULT NULL, type_column name DEFAULT NULL, id_column name DEFAULT NULL, project_column name DEFAULT NULL,
    parent regclass DEFAULT NULL, join_column name DEFAULT NULL, document_column name DEFAULT NULL, version_path text[] DEFAULT NULL,
    live text DEFAULT NULL, columns jsonb DEFAULT '{}', cloned boolean DEFAULT true, blob_key text DEFAULT NULL, blob_type text DEFAULT NULL,
    "position" int DEFAULT 0
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    n name;
    c record;
    document_inferred boolean := false;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    PERFORM clone_internal.check_given('role', role IS NOT NULL, 'Roles: project, resource, derived, history.');
    PERFORM clone_internal.check_given('cloned', cloned IS NOT NULL, 'true or false; leave it out for true.');
    PERFORM clone_internal.check_given('position', "position" IS NOT NULL, 'A number; leave it out for 0.');
    IF jsonb_typeof(columns) <> 'object' THEN
        RAISE EXCEPTION 'columns must be a JSON object, not %', clone_internal.shown(columns::text) USING
            ERRCODE = '22023', HINT = 'Give roles by column: ''{"note": "null", "state": {"role": "value", "value": "new"}}''.';
    END IF;
    IF array_ndims(version_path) > 1 OR array_position(version_path, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'the version path % is no list of names', clone_internal.shown(version_path::text) USING
            ERRCODE = '22023', HINT = 'Give the names of members from the document''s root on: ''{meta,versionId}''.';
    END IF;
    IF role = 'project' AND NOT cloned THEN
        RAISE EXCEPTION 'the project table % is always cloned', relation USING
            ERRCODE = '22023', HINT = 'cloned => false is for tables of resources, of their history and of derived rows.';
    END IF;
    IF role NOT IN ('project', 'resource', 'derived', 'history') THEN
        RAISE EXCEPTION 'unknown table role %', clone_internal.quoted(role::text) USING ERRCODE = '22023', HINT = 'Roles: project, resource, derived, history.';
    END IF;
    PERFORM clone_internal.check_cloneable(relation);
    IF parent IS NOT NULL THEN
        PERFORM clone_internal.check_table(parent, 'parent');
    END IF;
    IF clone_internal.new_names(store, relation) IS NOT NULL THEN
        -- The new condition takes its place.
        UPDATE clone.store_relation r SET live = NULL WHERE r.store = store_table.store AND r.relation = store_table.relation;
        PERFORM clone_internal.follow_before_declaring(store, relation);
    END IF;
    PERFORM clone_internal.check_condition(relation, live);
    -- id_column defaults to the primary key.
    IF id_column IS NULL THEN
        SELECT a.attname INTO id_column FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = relation AND i.indisprimary AND i.indnkeyatts = 1;
        IF id_column IS NULL AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary) THEN
            id_column := clone_internal.inherited_key(relation);
        END IF;
    END IF;
    IF regexp_replace(blob_key, '[{][^{}]+[}]', '', 'g') ~ '[{}]' OR EXISTS (
        SELECT FROM regexp_matches(blob_key, '[{]([^{}]+)[}]', 'g') AS p (names)
        WHERE p.names[1] NOT IN ('id', 'version', 'project')
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = p.names[1] AND a.attnum > 0 AND NOT a.attisdropped)) THEN
        RAISE EXCEPTION 'the file key % has an unknown placeholder', clone_internal.quoted(blob_key::text) USING
            ERRCODE = '22023', HINT = format('Placeholders: {id}, {version}, {project}, and the columns of %s, such as {%s}.', relation,
                (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
                 ORDER BY a.attname ~* 'key|path|file' DESC, a.attnum LIMIT 1));
    END IF;
    IF role IN ('project', 'resource') AND id_column IS NULL THEN
        id_column := clone_internal.key_of(relation);
    END IF;
    IF role IN ('project', 'resource') AND id_column IS NULL THEN
        RAISE EXCEPTION 'table % has no primary key', relation USING
            ERRCODE = '22023', HINT = 'Specify the key column: id_column => ''…''.';
    END IF;
    -- Rows of two tenants would be one project.
    IF role = 'project' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisunique)
        AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                        WHERE i.indrelid = relation AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attname = id_column) THEN
        RAISE EXCEPTION 'column % of table % does not identify a project: no unique index on it alone', clone_internal.quoted(id_column::text), relation USING
            ERRCODE = '22023', HINT = 'Specify a column that is unique by itself: id_column => ''…''. Tenants with a key of several columns are not supported.';
    END IF;
    -- With the row of the resource alone, nothing says what the next number or text is.
    IF role = 'history' AND id_column IS DISTINCT FROM join_column AND NOT COALESCE(columns, '{}') ? id_column::text
        AND EXISTS (SELECT FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = relation AND a.attname = id_column AND clone_internal.base_type(a.atttypid) <> 'uuid'::regtype
              AND (a.atttypid NOT IN (20, 21, 23) OR a.attidentity <> '' OR a.atthasdef AND pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%')) THEN
        RAISE EXCEPTION 'table % cannot have the role history: its rows have keys of their own in column %', relation, clone_internal.quoted(id_column::text) USING
            ERRCODE = '22023', HINT = 'A row of a history table is a version of its resource. Describe the table with the role derived.';
    END IF;
    IF role = 'resource' AND resource_type IS NULL AND type_column IS NULL THEN
        -- Types are named in calls: of two tables of the same name one has its schema too.
        SELECT CASE WHEN EXISTS (SELECT FROM clone.store_relation r WHERE r.store = store_table.store AND r.relation <> store_table.relation AND r.role = 'resource' AND r.resource_type = p.relname)
               THEN n.nspname || '.' ELSE '' END || p.relname INTO resource_type
        FROM pg_class p JOIN pg_namespace n ON n.oid = p.relnamespace WHERE p.oid = relation;
    END IF;
    -- A table without a project column belongs through its foreign key to the parent.
    IF parent IS NOT NULL AND join_column IS NULL THEN
        SELECT a.attname INTO join_column
        FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = clone_internal.naming_column(f.conindid, f.conkey)
        WHERE f.conrelid = relation AND f.confrelid = parent AND f.contype = 'f'
        ORDER BY cardinality(f.conkey), f.oid LIMIT 1;
    END IF;
    IF role = 'project' AND EXISTS (SELECT FROM clone.store_relation r WHERE r.store = store_table.store AND r.role = 'project' AND r.relation <> store_table.relation) THEN
        RAISE EXCEPTION 'store % has a project table already', clone_internal.quoted(store) USING ERRCODE = '22023',
            HINT = (SELECT format('A store has one. Remove it first, SELECT clone.store_remove_table(%L, %L); or describe %s as ''resource''.', r.store, r.relation::text, store_table.relation)
                    FROM clone.store_relation r WHERE r.store = store_table.store AND r.role = 'project' LIMIT 1);
    END IF;
    IF role <> 'project' AND project_column IS NULL AND (parent IS NULL OR join_column IS NULL)
        AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = store_table.store AND m.relation = store_table.relation) THEN
        RAISE EXCEPTION 'table % has neither project_column nor parent', relation USING
            ERRCODE = '22023', HINT = 'Give project_column => ''…'', or parent => ''…'' with join_column => ''…'', or call clone.store_belongs(…) first.';
    END IF;
    -- document_column defaults to the only JSON column; '' means none.
    IF document_column IS NULL THEN
        document_column := clone_internal.only_json_column(relation);
        document_inferred := document_column IS NOT NULL;
    ELSIF document_column = '' THEN
        document_column := NULL;
    END IF;
    FOREACH n IN ARRAY array_remove(ARRAY[type_column, id_column, project_column, join_column, document_column], NULL) LOOP
        PERFORM clone_internal.check_column(relation, n);
    END LOOP;
    IF project_column IS NOT NULL AND role <> 'project' THEN
        PERFORM clone_internal.check_project_column(store, relation, project_column);
    END IF;
    INSERT INTO clone.store_relation (store, relation, role, position, resource_type, type_column, id_column, project_column, parents,
        join_column, document_column, version_path, live, cloned, blob_key, blob_type, document_inferred)
    VALUES (store, relation, role, "position", resource_type, type_column, id_column, project_column,
        CASE WHEN parent IS NULL THEN '{}' ELSE ARRAY[parent] END, join_column, document_column, version_path, live, cloned, blob_key, blob_type, document_inferred)
    ON CONFLICT ON CONSTRAINT store_relation_pkey DO UPDATE SET role = EXCLUDED.role, position = EXCLUDED.position,
        resource_type = EXCLUDED.resource_type, type_column = EXCLUDED.type_column, id_column = EXCLUDED.id_column,
        project_column = EXCLUDED.project_column, parents = EXCLUDED.parents, join_column = EXCLUDED.join_column,
        document_column = EXCLUDED.document_column, version_path = EXCLUDED.version_path, live = EXCLUDED.live,
        cloned = EXCLUDED.cloned, blob_key = EXCLUDED.blob_key, blob_type = EXCLUDED.blob_type,
        document_inferred = EXCLUDED.document_inferred;
    DELETE FROM clone.store_shared s WHERE s.store = store_table.store AND s.relation = store_table.relation;
    PERFORM clone_internal.describe_columns(store, relation);
    FOR c IN SELECT key, value FROM jsonb_each(columns) LOOP
        PERFORM clone.store_column(store, relation, c.key,
            CASE jsonb_typeof(c.value) WHEN 'object' THEN c.value->>'role' ELSE c.value#>>'{}' END,
            clone_internal.resolve_table(store, c.value->>'target', relation), c.value->>'value');
    END LOOP;
    PERFORM clone_internal.remember_names(store);
    PERFORM clone_internal.check_rows_once(store);
    -- Tables that are described after discovery are examined in the same way.
    IF EXISTS (SELECT FROM clone.store s WHERE s.name = store_table.store AND s.looked_at IS NOT NULL) THEN
        PERFORM clone_internal.ask_about_data(store, false);
    END IF;
END
$$;
COMMENT ON FUNCTION clone.store_table(text, regclass, text, text, name, name, name, regclass, name, name, text[], text, jsonb, boolean, text, text, int) IS
    'Describes a table of a store. The roles of its columns are inferred; columns overrides them: {"column": "keep"} or {"column": {"role": "value", "value": "x"}}';

CREATE FUNCTION clone.store_column(store text, relation regclass, name name, role text, target regclass DEFAULT NULL, value text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A placeholder of a template.
    unknown text;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    IF role IS NULL OR role NOT IN ('keep', 'map', 'rewrite', 'project', 'version', 'key', 'name', 'owner', 'now', 'new_uuid', 'null', 'value',
        'default', 'random', 'suffix', 'template', 'expression', 'large_object') THEN
        RAISE EXCEPTION 'unknown column role %', clone_internal.quoted(role::text) USING
            ERRCODE = '22023', HINT = 'Roles: keep, map, rewrite, project, version, key, name, owner, now, new_uuid, null, value, default, random, suffix, template, expression, large_object.';
    END IF;
    IF role IN ('value', 'template', 'expression') AND value IS NULL THEN
        RAISE EXCEPTION 'column role % of column % needs a value', clone_internal.quoted(role::text), name USING
            ERRCODE = '22023', HINT = format('Give it: clone.store_column(…, %L, value => ''…'').', role);
    END IF;
    IF role = 'template' THEN
        SELECT m[1] INTO unknown FROM regexp_matches(value, '[{]([A-Za-z_]+)[}]', 'g') m WHERE m[1] NOT IN ('value', 'name', 'n', 'new_id', 'project') LIMIT 1;
        IF unknown IS NOT NULL THEN
            RAISE EXCEPTION 'the template % has an unknown placeholder {%}', clone_internal.quoted(value), clone_internal.shown(unknown) USING
                ERRCODE = '22023', HINT = 'Placeholders: {value}, {name}, {n}, {new_id}, {project}.';
        END IF;
    END IF;
    IF target IS NOT NULL THEN
        PERFORM clone_internal.check_table(target, 'target');
    END IF;
    IF clone_internal.new_names(store, relation) IS NOT NULL THEN
        UPDATE clone.store_column c SET role = 'keep', value = NULL
        WHERE c.store = store_column.store AND c.relation = store_column.relation AND c.name = store_column.name AND c.role = 'expression';
        PERFORM clone_internal.follow_before_declaring(store, relation);
    END IF;
    UPDATE clone.store_column c
    SET role = store_column.role, target = store_column.target, value = store_column.value, reason = 'set by hand'
    WHERE c.store = store_column.store AND c.relation = store_column.relation AND c.name = store_column.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'store "%" has no column % in table %', store, COALESCE(name, 'NULL'), COALESCE(relation::text, 'NULL') USING
            ERRCODE = '22023', HINT = CASE
                WHEN NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = store_column.store AND r.relation = store_column.relation) THEN 'Describe the table first: clone.store_table(…).'
                WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = store_column.name AND a.attnum > 0 AND NOT a.attisdropped) THEN format('The column is new: SELECT clone.store_refresh(%L);', store)
                ELSE (SELECT COALESCE('Did you mean "' || clone_internal.nearest_word(store_column.name::text, array_agg(c.name::text)) || '"? ', '') || 'Columns: ' || string_agg(quote_ident(c.name), ', ' ORDER BY c.attnum, c.name) || '.'
                      FROM clone.store_column c WHERE c.store = store_column.store AND c.relation = store_column.relation) END;
    END IF;
    -- What was declared last is true. Of a pair, values of types that no reference declares are kept.
    IF role = 'keep' THEN
        DELETE FROM clone.store_reference d
        WHERE d.store = store_column.store AND d.relation = store_column.relation AND d."column" = store_column.name AND d.condition IS NULL;
    END IF;
    IF role = 'expression' THEN
        PERFORM clone_internal.check_expression(relation, name, value);
    END IF;
    BEGIN
        PERFORM clone_internal.check_column_roles(store, relation::oid);
    EXCEPTION
        WHEN data_exception OR integrity_constraint_violation OR feature_not_supported OR undefined_object OR undefined_table OR undefined_function THEN
            IF SQLSTATE = '22023' THEN
                RAISE;
            END IF;
            RAISE EXCEPTION 'the value % does not fit column % of %', clone_internal.quoted(value::text), name, relation USING
                ERRCODE = '22023', DETAIL = SQLERRM, HINT = 'Give a value in the input format of the column''s type.';
    END;
END
$$;
COMMENT ON FUNCTION clone.store_column(text, regclass, name, text, regclass, text) IS 'Sets the role of a column in clones';

CREATE FUNCTION clone.rule(
    store text, resource_type text, path text, action text, value jsonb DEFAULT NULL,
    "when" text DEFAULT NULL, unless_cloned text DEFAULT NULL, if_given text DEFAULT NULL,
    columns text[] DEFAULT '{}', todo text DEFAULT NULL, "position" int DEFAULT 100
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id bigint;
    unknown text;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    IF resource_type IS NOT NULL THEN
        PERFORM clone_internal.check_resource_type(store, resource_type);
    END IF;
    PERFORM clone_internal.check_given('path', path IS NOT NULL, 'Give the place in the document as a JSONPath, e.g. ''$.contact[*].phone''.');
    PERFORM clone_internal.check_given('columns', columns IS NOT NULL, 'Name the columns that follow; leave it out for none.');
    PERFORM clone_internal.check_given('position', "position" IS NOT NULL, 'A number; leave it out for 100.');
    IF if_given NOT IN ('name', 'owner') THEN
        RAISE EXCEPTION 'a call has no argument % that may be left out', clone_internal.quoted(if_given::text) USING ERRCODE = '22023', HINT = 'if_given is name or owner.';
    END IF;
    SELECT clone_internal.quoted(c) INTO unknown FROM unnest(columns) c
    WHERE c IS NULL OR NOT EXISTS (SELECT FROM clone.store_column k JOIN clone.store_relation r USING (store, relation)
        WHERE k.store = rule.store AND k.name = c AND (rule.resource_type IS NULL OR r.type_column IS NOT NULL OR r.resource_type = rule.resource_type OR r.resource_type IS NULL));
    IF FOUND THEN
        RAISE EXCEPTION 'no table of this type has the column %', unknown USING
            ERRCODE = '22023', HINT = 'columns names columns of the row that follow its document: clone.store_column lists them.';
    END IF;
    IF action IS NULL OR action NOT IN ('remove', 'set', 'rename', 'regenerate') THEN
        RAISE EXCEPTION 'unknown action %', clone_internal.quoted(action::text) USING ERRCODE = '22023', HINT = 'Actions: remove, set, rename, regenerate.';
    END IF;
    IF (action = 'set' AND value IS NULL) OR (action = 'rename' AND COALESCE(jsonb_typeof(value), '') <> 'string')
        OR (action = 'regenerate' AND NOT COALESCE(value = '"uuid"'
            OR value = jsonb_build_object('hex', value->'hex') AND jsonb_typeof(value->'hex') = 'number' AND value->>'hex' ~ '^(102[0-4]|10[01][0-9]|[1-9][0-9]{0,2})$', false))
        OR (action = 'remove' AND value IS NOT NULL) THEN
        RAISE EXCEPTION 'action % does not accept value %', clone_internal.quoted(action::text), clone_internal.shown(value::text) USING
            ERRCODE = '22023', HINT = 'set takes any JSON value, rename a string, regenerate "uuid" or {"hex": <bytes, 1 to 1024>}, remove none.';
    END IF;
    INSERT INTO clone.store_rule AS r (store, resource_type, path, action, value, "when", unless_cloned, if_given, columns, todo, position)
    VALUES (store, resource_type, path, action, value, "when", unless_cloned, if_given, columns, todo, "position")
    RETURNING r.id INTO id;
    PERFORM clone_internal.check_rules(store);
    RETURN id;
END
$$;
COMMENT ON FUNCTION clone.rule(text, text, text, text, jsonb, text, text, text, text[], text, int) IS
    'Adds a rule for documents of a type (NULL: all types): remove, set, rename or regenerate the members at a JSONPath. Returns its number';

CREATE FUNCTION clone_internal.preset_custom(store text, options jsonb) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$ SELECT $$;
COMMENT ON FUNCTION clone_internal.preset_custom(text, jsonb) IS 'Preset custom: an empty store; its tables are described with clone.store_table()';
INSERT INTO clone.preset VALUES ('custom', 'clone_internal.preset_custom(text, jsonb)', 'your own tables, described with clone.store_table()');
