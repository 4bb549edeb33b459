-- Loading a registry: the admin-export bundle of another registry into a store of preset registry.

CREATE FUNCTION clone_internal.registry_store(store text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    names text[];
BEGIN
    SELECT array_agg(s.name ORDER BY s.name) INTO names
    FROM clone.store s WHERE s.preset = 'registry' AND s.name = COALESCE(registry_store.store, s.name);
    IF cardinality(names) = 1 THEN
        RETURN names[1];
    END IF;
    SELECT array_agg(s.name ORDER BY s.name) INTO names FROM clone.store s WHERE s.preset = 'registry';
    IF names IS NULL THEN
        RAISE EXCEPTION 'there is no registry' USING
            ERRCODE = '22023', HINT = 'Create one: SELECT clone.store_create(''registry'', ''registry'', ''{"handle_prefix": "20.500.1"}'');';
    ELSIF store IS NULL THEN
        RAISE EXCEPTION 'there is more than one registry: specify store' USING ERRCODE = '22023', HINT = 'Registries: ' || array_to_string(names, ', ') || '.';
    END IF;
    RAISE EXCEPTION 'there is no registry %', clone_internal.quoted(store) USING ERRCODE = '22023', HINT = 'Registries: ' || array_to_string(names, ', ') || '.';
END
$$;
COMMENT ON FUNCTION clone_internal.registry_store(text) IS 'The registry of that name, or the only one; error 22023 if there is none or more than one';

CREATE FUNCTION clone_internal.registry_schema(store text) RETURNS name
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.nspname
    FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.store = $1 AND r.role = 'project'
    UNION ALL
    -- A registry whose tables are not described for project_clone.
    SELECT s.options->>'schema' FROM clone.store s
    WHERE s.name = $1 AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1)
$$;
COMMENT ON FUNCTION clone_internal.registry_schema(text) IS 'The schema of a registry''s tables, also after it was renamed';

CREATE FUNCTION clone_internal.registry_require(store text, relations text[], tables boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
-- A registry over the views of an application may lack relations that only some functions need.
DECLARE
    schema name := clone_internal.registry_schema(store);
    missing text;
BEGIN
    IF schema IS NULL THEN
        RAISE EXCEPTION 'the tables of registry "%" do not exist', store USING
            ERRCODE = '55000', HINT = format('To remove its description: SELECT clone.store_drop(%L);', store);
    END IF;
    SELECT string_agg(format('%I.%I', schema, r), ', ' ORDER BY place) INTO missing FROM unnest(relations) WITH ORDINALITY AS u (r, place)
    WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass(format('%I.%I', schema, r)) AND (NOT tables OR c.relkind IN ('r', 'p')));
    IF missing IS NOT NULL AND tables THEN
        RAISE EXCEPTION 'a bundle is loaded into the tables of a registry, and registry "%" has no such table: %', store, missing USING
            ERRCODE = '22023', HINT = 'Write the items by the application to which they belong; clone.registry_load_check checks them.';
    ELSIF missing IS NOT NULL THEN
        RAISE EXCEPTION 'registry "%" has no relation %', store, missing USING
            ERRCODE = '22023', HINT = 'Create it as a view with the columns of the preset''s relation of that name.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.registry_require(text, text[], boolean) IS 'Requires relations, or tables, of a registry; error 22023 that names those that do not exist';

CREATE FUNCTION clone_internal.registry_entries(bundle jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
-- The entries of {"items": [...]}, of an array of entries, or of one entry {id, item_payload, auth_payload, lock_payload}.
DECLARE
    entries jsonb := CASE WHEN jsonb_typeof(bundle) = 'array' THEN bundle WHEN bundle ? 'items' THEN bundle->'items'
                          WHEN bundle ? 'item_payload' THEN jsonb_build_array(bundle) END;
BEGIN
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'this is not an export of a registry' USING ERRCODE = '22023',
            HINT = 'Expected {"items": [{"id": ..., "item_payload": {...}, "auth_payload": {...}, "lock_payload": {...}}, ...]}.';
    END IF;
    RETURN entries;
END
$$;
COMMENT ON FUNCTION clone_internal.registry_entries(jsonb) IS 'The entries of an export of a registry';

CREATE FUNCTION clone.registry_load_check(bundle jsonb, store text DEFAULT NULL)
RETURNS TABLE (entry int, id text, status text, problem text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    store := clone_internal.registry_store(store);
    RETURN QUERY SELECT r.entry, r.id, r.status, r.problem
    FROM jsonb_to_recordset(clone_internal.registry_check_entries(store, clone_internal.registry_entries(bundle)))
        AS r (entry int, id text, status text, problem text) ORDER BY r.entry;
END
$$;
COMMENT ON FUNCTION clone.registry_load_check(jsonb, text) IS
    'Returns the status that each entry of an export would have when it is loaded: new, present (not changed), dangling (new, but refers to items that do not exist), invalid';

CREATE FUNCTION clone.registry_load(bundle jsonb, store text DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name;
    entries jsonb := clone_internal.registry_entries(bundle);
    collection text := COALESCE(CASE WHEN jsonb_typeof(bundle) = 'object' THEN bundle->>'collection' END, 'main');
    report jsonb;
    unknown text;
    wrong text;
    loaded int;
    writers text;
    prefix text;
BEGIN
    PERFORM clone_internal.check_writable();
    store := clone_internal.registry_store(store);
    schema := clone_internal.registry_schema(store);
    PERFORM clone_internal.registry_require(store, '{collection,item,item_auth,item_lock,item_history,user_group,user_role}', true);
    IF jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object, not %', clone_internal.shown(options::text) USING ERRCODE = '22023', HINT = 'The option is partial: ''{"partial": true}''.';
    END IF;
    SELECT string_agg(k, ', ') INTO unknown FROM jsonb_object_keys(COALESCE(options, '{}')) k WHERE k <> 'partial';
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'unknown option %', clone_internal.quoted(unknown::text) USING ERRCODE = '22023', HINT = 'The option is partial: true loads the valid entries and skips the others.';
    END IF;
    IF jsonb_typeof(bundle) = 'object' AND jsonb_typeof(bundle->'collection') NOT IN ('string', 'null') THEN
        RAISE EXCEPTION 'invalid value % for "collection" of the export', left((bundle->'collection')::text, 60) USING ERRCODE = '22023', HINT = 'Give the id of the collection as a text, or leave it out for main.';
    END IF;
    IF jsonb_typeof(options->'partial') NOT IN ('boolean', 'null') THEN
        RAISE EXCEPTION 'invalid value % for option "partial"', left((options->'partial')::text, 60) USING ERRCODE = '22023', HINT = 'partial takes true or false.';
    END IF;
    report := clone_internal.registry_check_entries(store, entries);
    SELECT string_agg(format('entry %s: %s', r->>'entry', r->>'problem'), E'\n' ORDER BY (r->>'entry')::int) INTO wrong
    FROM jsonb_array_elements(report) r WHERE r->>'status' = 'invalid';
    IF wrong IS NOT NULL AND NOT COALESCE((options->>'partial')::boolean, false) THEN
        RAISE EXCEPTION 'the export cannot be loaded' USING ERRCODE = '22023', DETAIL = wrong,
            HINT = 'Nothing was loaded. options => ''{"partial": true}'' skips the entries that the detail lists.';
    ELSIF wrong IS NOT NULL THEN
        RAISE WARNING 'some entries were skipped' USING DETAIL = wrong;
    END IF;
    SELECT string_agg(format('entry %s: %s', r->>'entry', r->>'problem'), E'\n' ORDER BY (r->>'entry')::int) INTO wrong
    FROM jsonb_array_elements(report) r WHERE r->>'status' = 'dangling';
    IF wrong IS NOT NULL THEN
        RAISE WARNING 'some entries refer to items that do not exist' USING DETAIL = wrong;
    END IF;
    IF EXISTS (SELECT FROM jsonb_array_elements(report) r WHERE r->>'status' = 'present') THEN
        RAISE NOTICE '% entries already exist and were not changed', (SELECT count(*) FROM jsonb_array_elements(report) r WHERE r->>'status' = 'present');
    END IF;
    SELECT COALESCE(jsonb_agg(entries->((r->>'entry')::int - 1)), '[]') INTO entries
    FROM jsonb_array_elements(report) r WHERE r->>'status' IN ('new', 'dangling');
    IF jsonb_array_length(entries) = 0 THEN
        RETURN 0;
    END IF;

    EXECUTE format('INSERT INTO %I.collection (id, name) VALUES ($1, $1) ON CONFLICT (id) DO NOTHING', schema) USING collection;
    -- Existing items are not changed, nor are their access settings, locks and history.
    EXECUTE format($sql$
        WITH entry AS (
            SELECT e->'item_payload' AS p, e#>'{auth_payload,access_settings}' AS a, e#>'{lock_payload,lock_information}' AS l
            FROM jsonb_array_elements($1) e
        ), new_item AS (
            INSERT INTO %1$I.item (id, collection_id, owner_username, created_timestamp, updated_timestamp, item_category, item_subtype,
                record_type, workflow_links, versioning_info, display_name, user_metadata, domain_info)
            SELECT p->>'id', $2, COALESCE(p->>'owner_username', a->>'owner'), (p->>'created_timestamp')::bigint,
                   COALESCE(p->>'updated_timestamp', p->>'created_timestamp')::bigint, p->>'item_category',
                   p->>'item_subtype', COALESCE(p->>'record_type', 'COMPLETE_ITEM'),
                   NULLIF(p->'workflow_links', 'null'), NULLIF(p->'versioning_info', 'null'), p->>'display_name',
                   NULLIF(p->'user_metadata', 'null'),
                   NULLIF(p - '{id,owner_username,created_timestamp,updated_timestamp,item_category,item_subtype,record_type,workflow_links,versioning_info,
                         display_name,user_metadata,history,universal_partition_key}'::text[],
                       CASE WHEN p->>'record_type' = 'SEED_ITEM' THEN '{}'::jsonb END)
            FROM entry
            ON CONFLICT (id) DO NOTHING
            RETURNING id
        ), new_auth AS (
            INSERT INTO %1$I.item_auth (id, owner, general, groups)
            SELECT n.id, COALESCE(a->>'owner', p->>'owner_username'),
                   ARRAY(SELECT jsonb_array_elements_text(COALESCE(NULLIF(a->'general', 'null'), '[]'))), COALESCE(NULLIF(a->'groups', 'null'), '{}')
            FROM new_item n JOIN entry ON p->>'id' = n.id
        ), new_lock AS (
            INSERT INTO %1$I.item_lock (id, locked, history)
            SELECT n.id, COALESCE((l->>'locked')::boolean, false), COALESCE(NULLIF(l->'history', 'null'), '[]')
            FROM new_item n JOIN entry ON p->>'id' = n.id
        ), new_history AS (
            INSERT INTO %1$I.item_history (item_id, id, "timestamp", reason, username, item)
            SELECT n.id, (h->>'id')::int, (h->>'timestamp')::bigint, h->>'reason', h->>'username', h->'item'
            FROM new_item n JOIN entry ON p->>'id' = n.id, jsonb_array_elements(COALESCE(NULLIF(p->'history', 'null'), '[]')) h
        ), new_group AS (
            INSERT INTO %1$I.user_group (id)
            SELECT DISTINCT g FROM new_item n JOIN entry ON p->>'id' = n.id, jsonb_object_keys(COALESCE(NULLIF(a->'groups', 'null'), '{}')) g
            ON CONFLICT (id) DO NOTHING
        ), new_user AS (
            -- An export contains no roles of users. The owner of an item has registered it, and so may read and write.
            INSERT INTO %1$I.user_role (username, role)
            SELECT DISTINCT u, r FROM new_item n JOIN entry ON p->>'id' = n.id,
                unnest(ARRAY[a->>'owner', p->>'owner_username']) u, unnest('{registry-read,registry-write}'::text[]) r
            WHERE u IS NOT NULL
            ON CONFLICT DO NOTHING
            RETURNING username
        )
        SELECT (SELECT count(*) FROM new_item), (SELECT string_agg(DISTINCT n.username, ', ') FROM new_user n)$sql$, schema)
    INTO loaded, writers USING entries, collection;
    IF writers IS NOT NULL THEN
        RAISE NOTICE 'owners of loaded items got the roles registry-read and registry-write: %', writers;
    END IF;

    -- The store's own generator continues after the loaded handles.
    prefix := (SELECT s.options->>'handle_prefix' FROM clone.store s WHERE s.name = store) || '/';
    IF prefix IS NOT NULL AND to_regclass(format('%I.handle_number', schema)) IS NOT NULL THEN
        EXECUTE format($sql$
            SELECT setval(%2$L::regclass, m.n)
            FROM (SELECT max(substr(i.id, length($1) + 1)::bigint) AS n FROM %1$I.item i
                  WHERE starts_with(i.id, $1) AND substr(i.id, length($1) + 1) ~ '^[0-9]{1,18}$') m
            WHERE m.n >= (SELECT CASE WHEN q.is_called THEN q.last_value ELSE 0 END FROM %1$I.handle_number q)$sql$,
            schema, format('%I.handle_number', schema)) USING prefix;
    END IF;
    RETURN loaded;
END
$$;
COMMENT ON FUNCTION clone.registry_load(jsonb, text, jsonb) IS
    'Loads an admin-export bundle of a registry into a store of preset registry (collection: the bundle''s, else main); returns the number of new items';

CREATE FUNCTION clone.registry_export(item_ids text[] DEFAULT NULL, store text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name;
    missing text;
    bundle jsonb;
BEGIN
    store := clone_internal.registry_store(store);
    schema := clone_internal.registry_schema(store);
    PERFORM clone_internal.registry_require(store, '{item_payload}');
    EXECUTE format('SELECT string_agg(u, '', '') FROM unnest($1) u WHERE NOT EXISTS (SELECT FROM %I.item i WHERE i.id = u)', schema)
    INTO missing USING item_ids;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'no item %', clone_internal.shown(missing) USING ERRCODE = 'P0002', HINT = 'Leave item_ids out to export all items.';
    END IF;
    -- Members without a value are omitted, as other registries do in their exports.
    EXECUTE format($sql$
        SELECT jsonb_build_object('items', COALESCE(jsonb_agg(jsonb_build_object('id', p.id, 'item_payload', jsonb_strip_nulls(p.payload),
            'auth_payload', jsonb_build_object('id', p.id, 'access_settings', jsonb_build_object('owner', COALESCE(a.owner, p.payload->>'owner_username'),
                'general', COALESCE(to_jsonb(a.general), '[]'), 'groups', COALESCE(a.groups, '{}'))),
            'lock_payload', jsonb_build_object('id', p.id, 'lock_information', jsonb_build_object('locked', COALESCE(l.locked, false),
                'history', COALESCE(l.history, '[]')))) ORDER BY p.id), '[]'))
        FROM %1$I.item_payload p LEFT JOIN %1$I.item_auth a ON a.id = p.id LEFT JOIN %1$I.item_lock l ON l.id = p.id
        WHERE $1 IS NULL OR p.id = ANY ($1)$sql$, schema) INTO bundle USING item_ids;
    RETURN bundle;
END
$$;
COMMENT ON FUNCTION clone.registry_export(text[], text) IS
    'Returns items of a registry (default: all) as an admin-export bundle for registry_load and for the import of other registries';
