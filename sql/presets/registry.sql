-- Preset registry: a registry of research items (people, models, templates, data sets, studies, runs) for an application,
-- described for item_clone and project_clone. Its tables are in registry_tables.sql, its rules for subtypes in
-- registry_subtypes.sql and registry_datasets.sql.
--
-- Options of the store:
--   handle_prefix         prefix of the handles of the store's own generator
--   id_generator          or the name of another function, e.g. ids.next_handle() or ids.next_handle(text), which gets the subtype
--   schema                schema of the tables; default: the store's name
--   dataset_path, bucket  for the files of new data sets; default: datasets/ and the source's bucket
--   person_link           require or ignore (default): whether authors must be linked to a person
--   email                 require or ignore (default): whether authors must have an e-mail address
--   grant_to              roles that get the privileges to work on the tables
--
-- If the schema already contains a relation item, nothing is created: this is a registry over tables or views of an existing
-- application, which has a table subtype like clone.registry_subtype.

CREATE FUNCTION clone_internal.registry_generator(options jsonb, schema name) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
-- Checks only that the function exists; it is not executed.
DECLARE
    given text := clone_internal.registry_function(COALESCE(options->>'id_generator', format('%I.next_handle()', schema)));
BEGIN
    IF to_regprocedure(given) IS NULL THEN
        RAISE EXCEPTION 'id_generator does not name a function: %', COALESCE(options->>'id_generator', given) USING
            ERRCODE = '22023', HINT = 'It takes a function by name with its schema, without arguments or with one of type text, e.g. ids.next_handle().';
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION clone_internal.registry_generator(jsonb, name) IS 'The function that generates new handles; error 22023 if it does not exist';

CREATE FUNCTION clone_internal.registry_prefix(store text, options jsonb) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
-- A prefix belongs to one registry of a database, so that two registries never generate the same handle.
DECLARE
    prefix text := options->>'handle_prefix';
    other text;
BEGIN
    IF prefix IS NULL THEN
        RAISE EXCEPTION 'registry "%" has neither handle_prefix nor id_generator', store USING
            ERRCODE = '22023', HINT = 'Choose a prefix: SELECT clone.store_create(''' || store || ''', ''registry'', ''{"handle_prefix": "20.500.1"}''); '
                'or name a function in id_generator.';
    END IF;
    IF prefix !~ '^[^[:space:]/]+(/[^[:space:]/]+)*$' OR length(prefix) > 200 THEN
        RAISE EXCEPTION 'invalid value % for store option "handle_prefix"', clone_internal.quoted(prefix::text) USING ERRCODE = '22023', HINT = 'It takes a text without white space and without a slash at its end, e.g. 20.500.1.';
    END IF;
    SELECT s.name INTO other FROM clone.store s
    WHERE s.preset = 'registry' AND s.name <> registry_prefix.store AND s.options->>'handle_prefix' = prefix;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'registry % already uses handle prefix %', clone_internal.quoted(other::text), prefix USING ERRCODE = '22023', HINT = 'Choose another handle_prefix.';
    END IF;
    RETURN prefix;
END
$$;
COMMENT ON FUNCTION clone_internal.registry_prefix(text, jsonb) IS 'The prefix of a registry''s handles; error 22023 if it is missing or used by another registry';

CREATE FUNCTION clone_internal.registry_sync(store text, schema name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
-- Writes the rules of the subtypes into the catalog for project_clone: which subtypes keep their handles in a refresh, and where documents
-- reference items, in the notation of id_paths: $.a['@b'][*].c becomes a."@b"[].c. A path that is not valid affects its own subtype only.
BEGIN
    DELETE FROM clone.store_stable s WHERE s.store = registry_sync.store;
    EXECUTE format('INSERT INTO clone.store_stable (store, resource_type) SELECT $1, s.name::text FROM %I.subtype s', schema) USING store;
    EXECUTE format($sql$
        UPDATE clone.store c SET options = c.options || jsonb_build_object('id_paths', jsonb_build_object(
            'whole', (SELECT COALESCE(jsonb_agg(DISTINCT replace(substr(regexp_replace(p, '\[''([^'']+)''\]', '."\1"', 'g'), 3), '[*]', '[]')), '[]')
                      FROM %1$I.subtype s, jsonb_array_elements(s."references") r, LATERAL (SELECT r->>'path' AS p) x
                      WHERE p ~ '^\$((\.[A-Za-z_][A-Za-z0-9_-]*|\[''[^'']+''\])(\[\*\])?)+$'),
            'embedded', (SELECT COALESCE(jsonb_agg(DISTINCT replace(substr(e, 3), '[*]', '[]')), '[]')
                         FROM %1$I.subtype s, unnest(s.embedded) e WHERE e ~ '^\$(\.[A-Za-z_][A-Za-z0-9_-]*(\[\*\])?)+$')))
        WHERE c.name = $1$sql$, schema) USING store;
END
$$;
COMMENT ON FUNCTION clone_internal.registry_sync(text, name) IS 'Applies the rows of table subtype to the catalog';

CREATE FUNCTION clone_internal.registry_subtype_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s record;
BEGIN
    FOR s IN SELECT c.name FROM clone.store c WHERE c.preset = 'registry' AND clone_internal.registry_schema(c.name) = TG_TABLE_SCHEMA LOOP
        PERFORM clone_internal.registry_sync(s.name, TG_TABLE_SCHEMA);
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.registry_subtype_changed() IS 'Trigger: a changed row of table subtype is effective from the next clone on';

CREATE FUNCTION clone_internal.registry_written(schema name) RETURNS regclass[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
-- Tables that have exactly the columns of the preset: the finish hook writes their rows, as items_clone does. If a table has other
-- columns, its rows are copied first, because the values of those columns must be copied.
    WITH wanted (name, columns) AS (VALUES
        ('item', '{collection_id,created_timestamp,display_name,domain_info,id,item_category,item_subtype,owner_username,record_type,updated_timestamp,user_metadata,versioning_info,workflow_links}'::name[]),
        ('item_auth', '{general,groups,id,owner}'), ('item_lock', '{history,id,locked}'), ('item_history', '{id,item,item_id,reason,timestamp,username}')
    ), found AS (
        SELECT to_regclass(format('%I.%I', schema, w.name)) AS relation, w.columns FROM wanted w
    )
    SELECT CASE WHEN bool_and(f.columns = ARRAY(SELECT a.attname FROM pg_attribute a
                    WHERE a.attrelid = f.relation AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname COLLATE "C"))
                THEN array_agg(f.relation) ELSE '{}' END
    FROM found f
$$;
COMMENT ON FUNCTION clone_internal.registry_written(name) IS 'Tables of a registry whose rows the finish hook writes when a collection is cloned';

CREATE FUNCTION clone_internal.preset_registry(store text, options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name := COALESCE(clone_internal.registry_schema(store), options->>'schema', store);
    item regclass;
    role text;
BEGIN
    IF jsonb_typeof(COALESCE(options->'grant_to', '[]')) <> 'array' THEN
        RAISE EXCEPTION 'invalid value % for store option "grant_to"', options->'grant_to' USING ERRCODE = '22023', HINT = 'It takes an array of names of roles.';
    END IF;
    IF to_regnamespace(quote_ident(schema)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', schema);
    END IF;
    IF to_regclass(format('%I.item', schema)) IS NULL THEN
        PERFORM clone_internal.registry_tables(schema,
            CASE WHEN options ? 'id_generator' AND NOT options ? 'handle_prefix' THEN NULL ELSE clone_internal.registry_prefix(store, options) END);
    ELSIF options ? 'handle_prefix' THEN
        PERFORM clone_internal.registry_prefix(store, options);
    END IF;
    UPDATE clone.store c SET options = c.options || jsonb_build_object('schema', schema::text,
        'id_generator', clone_internal.registry_generator(preset_registry.options, schema)) WHERE c.name = store;

    item := format('%I.item', schema)::regclass;
    DELETE FROM clone.store_rule r WHERE r.store = preset_registry.store AND r.position < 100;
    PERFORM clone.store_table(store, format('%I.collection', schema)::regclass, 'project', id_column => 'id',
        columns => '{"name": "name", "description": "keep", "owner_username": "default", "created_timestamp": "default",
                     "updated_timestamp": "default"}');
    PERFORM clone.store_table(store, item, 'resource', type_column => 'item_subtype', id_column => 'id',
        project_column => 'collection_id', document_column => 'domain_info', "position" => 1,
        live => format($live$item_subtype NOT IN (SELECT s.name FROM %I.subtype s WHERE s.cloneable = 'never')$live$, schema),
        columns => '{"item_subtype": "keep", "owner_username": "default", "created_timestamp": "default", "updated_timestamp": "default",
                     "workflow_links": "null", "versioning_info": "null", "display_name": "keep", "user_metadata": "keep"}');
    -- The finish hook writes the values of new items into their rows.
    PERFORM clone.store_table(store, format('%I.item_auth', schema)::regclass, 'derived', id_column => 'id', parent => item, join_column => 'id',
        "position" => 2, columns => jsonb_build_object('id', jsonb_build_object('role', 'map', 'target', item::text),
            'owner', 'default', 'general', 'default', 'groups', 'default'));
    PERFORM clone.store_table(store, format('%I.item_lock', schema)::regclass, 'derived', id_column => 'id', parent => item, join_column => 'id',
        "position" => 2, columns => jsonb_build_object('id', jsonb_build_object('role', 'map', 'target', item::text), 'locked', 'default', 'history', 'default'));
    PERFORM clone.store_table(store, format('%I.item_history', schema)::regclass, 'derived', parent => item, join_column => 'item_id',
        "position" => 2, columns => jsonb_build_object('item_id', jsonb_build_object('role', 'map', 'target', item::text), 'item', 'keep'));

    PERFORM clone_internal.registry_sync(store, schema);
    PERFORM clone_internal.registry_origin_view(store, schema);
    FOR role IN SELECT jsonb_array_elements_text(COALESCE(options->'grant_to', '[]')) LOOP
        PERFORM clone.registry_grant(schema, role);
    END LOOP;
    IF (SELECT c.relkind IN ('r', 'p') FROM pg_class c WHERE c.oid = to_regclass(format('%I.subtype', schema))) THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER pg_clone_subtype_changed AFTER INSERT OR UPDATE OR DELETE ON %I.subtype
            FOR EACH STATEMENT EXECUTE FUNCTION clone_internal.registry_subtype_changed()', schema);
    END IF;
    INSERT INTO clone.store_hook (store, event, function, writes)
    VALUES (store, 'check', 'clone_internal.registry_may_clone(text, jsonb)', '{}'),
           (store, 'finish', 'clone_internal.registry_finish_items(text, bigint, jsonb)', clone_internal.registry_written(schema))
    ON CONFLICT ON CONSTRAINT store_hook_pkey DO UPDATE SET function = EXCLUDED.function, writes = EXCLUDED.writes;
END
$$;
COMMENT ON FUNCTION clone_internal.preset_registry(text, jsonb) IS
    'Preset registry: creates schema options.schema (default: the store''s name) with collections, items, history, access, locks, users';

INSERT INTO clone.preset VALUES ('registry', 'clone_internal.preset_registry(text, jsonb)', 'a registry of research items with handles');
