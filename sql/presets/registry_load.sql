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
            ERRCODE = '22023', HINT = 'Create one: SELECT clone.store_create(''registry'', ''registry'');';
    ELSIF store IS NULL THEN
        RAISE EXCEPTION 'which registry? there are several' USING ERRCODE = '22023', HINT = 'Name one as store: ' || array_to_string(names, ', ') || '.';
    END IF;
    RAISE EXCEPTION 'there is no registry "%"', store USING ERRCODE = '22023', HINT = 'Registries: ' || array_to_string(names, ', ') || '.';
END
$$;
COMMENT ON FUNCTION clone_internal.registry_store(text) IS 'The registry of that name, or the only one there is';

CREATE FUNCTION clone_internal.registry_schema(store text) RETURNS name
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.nspname
    FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.store = $1 AND r.role = 'project'
$$;
COMMENT ON FUNCTION clone_internal.registry_schema(text) IS 'The schema of a registry''s tables, also after it was renamed';

CREATE FUNCTION clone_internal.registry_settings(store text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('schema', clone_internal.registry_schema(s.name), 'bucket', s.options->>'bucket',
        'dataset_path', rtrim(COALESCE(s.options->>'dataset_path', 'datasets'), '/') || '/')
    FROM clone.store s WHERE s.name = $1 AND s.preset = 'registry'
$$;
COMMENT ON FUNCTION clone_internal.registry_settings(text) IS
    'What the hooks of a registry need to know of it, for roles that may not read clone.store';

CREATE FUNCTION clone.registry_load(bundle jsonb, store text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
-- Takes {"items": [...]}, an array of entries, or one entry {id, item_payload, auth_payload, lock_payload}.
DECLARE
    schema name;
    entries jsonb := CASE WHEN jsonb_typeof(bundle) = 'array' THEN bundle WHEN bundle ? 'items' THEN bundle->'items'
                          WHEN bundle ? 'item_payload' THEN jsonb_build_array(bundle) END;
    collection text := COALESCE(CASE WHEN jsonb_typeof(bundle) = 'object' THEN bundle->>'collection' END, 'main');
    wrong text;
    loaded int;
    prefix text;
BEGIN
    store := clone_internal.registry_store(store);
    schema := clone_internal.registry_schema(store);
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'this is not an export of a registry' USING ERRCODE = '22023',
            HINT = 'Expected {"items": [{"id": ..., "item_payload": {...}, "auth_payload": {...}, "lock_payload": {...}}, ...]}.';
    END IF;
    SELECT string_agg(format('entry %s: %s', e.n, e.problem), E'\n' ORDER BY e.n) INTO wrong FROM (
        SELECT x.n, CASE
                WHEN x.e->'item_payload'->>'id' IS NULL THEN 'item_payload has no id'
                WHEN x.e->'item_payload'->>'id' <> COALESCE(x.e->>'id', x.e->'item_payload'->>'id') THEN 'two different ids'
                WHEN x.e->'item_payload'->>'item_subtype' IS NULL THEN 'item_payload has no item_subtype'
                WHEN COALESCE(x.e->'item_payload'->>'owner_username', x.e#>>'{auth_payload,access_settings,owner}') IS NULL THEN 'no owner'
                WHEN count(*) OVER (PARTITION BY x.e->'item_payload'->>'id') > 1 THEN format('id %s is given twice', x.e->'item_payload'->>'id')
            END AS problem
        FROM jsonb_array_elements(entries) WITH ORDINALITY x (e, n)) e
    WHERE e.problem IS NOT NULL;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the export cannot be loaded' USING ERRCODE = '22023', DETAIL = wrong;
    END IF;
    IF jsonb_array_length(entries) = 0 THEN
        RETURN 0;
    END IF;

    EXECUTE format('INSERT INTO %I.collection (id, name) VALUES ($1, $1) ON CONFLICT (id) DO NOTHING', schema) USING collection;
    -- Items that are here already stay as they are, with their access settings, locks and history.
    EXECUTE format($sql$
        WITH entry AS (
            SELECT e->'item_payload' AS p, e#>'{auth_payload,access_settings}' AS a, e#>'{lock_payload,lock_information}' AS l
            FROM jsonb_array_elements($1) e
        ), new_item AS (
            INSERT INTO %1$I.item (id, collection_id, owner_username, created_timestamp, updated_timestamp, item_category, item_subtype,
                record_type, workflow_links, versioning_info, display_name, user_metadata, domain_info)
            SELECT p->>'id', $2, COALESCE(p->>'owner_username', a->>'owner'), (p->>'created_timestamp')::bigint,
                   COALESCE(p->>'updated_timestamp', p->>'created_timestamp')::bigint, (p->>'item_category')::%1$I.item_category,
                   (p->>'item_subtype')::%1$I.item_subtype, COALESCE(p->>'record_type', 'COMPLETE_ITEM')::%1$I.record_type,
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
            -- An export tells no roles of users; whoever owns an item has registered it, and so may read and write.
            INSERT INTO %1$I.user_role (username, role)
            SELECT DISTINCT u, r FROM new_item n JOIN entry ON p->>'id' = n.id,
                unnest(ARRAY[a->>'owner', p->>'owner_username']) u, unnest('{registry-read,registry-write}'::text[]) r
            WHERE u IS NOT NULL
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) FROM new_item$sql$, schema) INTO loaded USING entries, collection;

    -- The store's own generator goes on behind the handles that came in.
    prefix := COALESCE((SELECT s.options->>'handle_prefix' FROM clone.store s WHERE s.name = store), '10378.1') || '/';
    EXECUTE format($sql$
        SELECT setval(%2$L::regclass, m.n)
        FROM (SELECT max(substr(i.id, length($1) + 1)::bigint) AS n FROM %1$I.item i
              WHERE starts_with(i.id, $1) AND substr(i.id, length($1) + 1) ~ '^[0-9]{1,18}$') m
        WHERE m.n >= (SELECT CASE WHEN q.is_called THEN q.last_value ELSE 0 END FROM %1$I.handle_number q)$sql$,
        schema, format('%I.handle_number', schema)) USING prefix;
    RETURN loaded;
END
$$;
COMMENT ON FUNCTION clone.registry_load(jsonb, text) IS
    'Loads an admin-export bundle of a registry into a store of preset registry (collection: the bundle''s, else main); returns the number of new items';
