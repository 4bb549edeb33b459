-- Preset registry: a registry of research items (people, models, templates, data sets, studies, runs) that an application
-- can run on, described for item_clone and project_clone. Its rules for subtypes are in registry_subtypes.sql.
--
-- Options of the store: schema (default: the store's name); handle_prefix (default 10378.1) of the handles that the store's own
-- generator mints, or id_generator, the call of another generator, e.g. ids.next_handle(), evaluated once per handle; dataset_path
-- (default datasets/) and bucket (default: the source's) for the files of new data sets; person_link (require or ignore, the
-- default): whether authors must be linked to a person; grant_to, roles that get what working on the tables needs.

CREATE FUNCTION clone_internal.registry_tables(schema name, handle_prefix text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format($sql$
CREATE TYPE %1$I.item_category AS ENUM ('ACTIVITY', 'AGENT', 'ENTITY');
CREATE TYPE %1$I.item_subtype AS ENUM ('WORKFLOW_RUN', 'MODEL_RUN', 'STUDY', 'CREATE', 'VERSION', 'PERSON', 'ORGANISATION',
    'SOFTWARE', 'MODEL', 'WORKFLOW_TEMPLATE', 'MODEL_RUN_WORKFLOW_TEMPLATE', 'DATASET', 'DATASET_TEMPLATE');
CREATE TYPE %1$I.record_type AS ENUM ('SEED_ITEM', 'COMPLETE_ITEM');

CREATE TABLE %1$I.subtype (LIKE clone.registry_subtype INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS);
ALTER TABLE %1$I.subtype ALTER COLUMN name TYPE %1$I.item_subtype USING name::%1$I.item_subtype,
    ADD PRIMARY KEY (name);
COMMENT ON TABLE %1$I.subtype IS 'The rules of each subtype, read by every clone; yours to change';

CREATE TABLE %1$I.collection (
    id                text PRIMARY KEY,
    name              text NOT NULL,
    description       text,
    owner_username    text NOT NULL DEFAULT COALESCE(NULLIF(current_setting('pg_clone.actor', true), ''), current_user),
    created_timestamp bigint NOT NULL DEFAULT date_part('epoch', now())::bigint,
    updated_timestamp bigint NOT NULL DEFAULT date_part('epoch', now())::bigint
);
COMMENT ON TABLE %1$I.collection IS 'Collections of items: what project_clone takes as a project';

CREATE TABLE %1$I.item (
    id                text PRIMARY KEY CHECK (id <> ''),
    collection_id     text REFERENCES %1$I.collection,
    owner_username    text NOT NULL DEFAULT COALESCE(NULLIF(current_setting('pg_clone.actor', true), ''), current_user),
    created_timestamp bigint NOT NULL DEFAULT date_part('epoch', now())::bigint,
    updated_timestamp bigint NOT NULL DEFAULT date_part('epoch', now())::bigint,
    item_category     %1$I.item_category NOT NULL,
    item_subtype      %1$I.item_subtype NOT NULL,
    record_type       %1$I.record_type NOT NULL DEFAULT 'COMPLETE_ITEM',
    workflow_links    jsonb,
    versioning_info   jsonb,
    display_name      text,
    user_metadata     jsonb CHECK (jsonb_typeof(user_metadata) = 'object'),
    domain_info       jsonb CHECK (jsonb_typeof(domain_info) = 'object'),
    CHECK (record_type = 'SEED_ITEM' OR (display_name IS NOT NULL AND domain_info IS NOT NULL))
);
CREATE INDEX item_subtype_updated ON %1$I.item (item_subtype, updated_timestamp DESC);
CREATE INDEX item_subtype_name ON %1$I.item (item_subtype, display_name);
CREATE INDEX item_collection ON %1$I.item (collection_id);
CREATE INDEX item_domain ON %1$I.item USING gin (domain_info jsonb_path_ops);
COMMENT ON TABLE %1$I.item IS 'The items of all subtypes, each with its handle';
COMMENT ON COLUMN %1$I.item.id IS 'The handle, without an address in front: 10378.1/1696289';
COMMENT ON COLUMN %1$I.item.created_timestamp IS 'Seconds since 1970, UTC';
COMMENT ON COLUMN %1$I.item.versioning_info IS '{previous_version, version, reason, next_version} of subtypes with versions';
COMMENT ON COLUMN %1$I.item.workflow_links IS 'Sessions of background jobs, {create_activity_workflow_id, version_activity_workflow_id}';
COMMENT ON COLUMN %1$I.item.display_name IS 'Name shown; NULL only for seeds, which are handles without content yet';
COMMENT ON COLUMN %1$I.item.user_metadata IS 'Map of texts that users give';
COMMENT ON COLUMN %1$I.item.domain_info IS 'The fields of the subtype, see json_schema in table subtype';

CREATE TABLE %1$I.item_history (
    item_id     text NOT NULL REFERENCES %1$I.item ON DELETE CASCADE,
    id          int NOT NULL CHECK (id >= 0),
    "timestamp" bigint NOT NULL,
    reason      text NOT NULL,
    username    text NOT NULL,
    item        jsonb NOT NULL,
    PRIMARY KEY (item_id, id)
);
COMMENT ON TABLE %1$I.item_history IS 'Every revision of an item with its whole content; 0 is the first';

CREATE TABLE %1$I.item_auth (
    id      text PRIMARY KEY REFERENCES %1$I.item ON DELETE CASCADE,
    owner   text NOT NULL DEFAULT COALESCE(NULLIF(current_setting('pg_clone.actor', true), ''), current_user),
    general text[] NOT NULL DEFAULT '{metadata-read}',
    groups  jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(groups) = 'object')
);
COMMENT ON TABLE %1$I.item_auth IS 'Access settings: item roles of everybody and of groups';
COMMENT ON COLUMN %1$I.item_auth.groups IS 'Item roles by group: {"<group id>": ["metadata-read", ...]}';

CREATE TABLE %1$I.item_lock (
    id      text PRIMARY KEY REFERENCES %1$I.item ON DELETE CASCADE,
    locked  boolean NOT NULL DEFAULT false,
    history jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(history) = 'array')
);
COMMENT ON TABLE %1$I.item_lock IS 'Whether an item may be edited; history: [{action_type, username, email, reason, timestamp}]';

CREATE TABLE %1$I.user_group (
    id                        text PRIMARY KEY,
    display_name              text,
    description               text,
    default_data_store_access text[]
);
CREATE TABLE %1$I.group_user (
    group_id   text NOT NULL REFERENCES %1$I.user_group ON DELETE CASCADE,
    username   text NOT NULL,
    email      text,
    first_name text,
    last_name  text,
    PRIMARY KEY (group_id, username)
);
CREATE INDEX group_user_username ON %1$I.group_user (username);
CREATE TABLE %1$I.user_role (
    username text NOT NULL,
    role     text NOT NULL CHECK (role IN ('registry-read', 'registry-write', 'registry-admin')),
    PRIMARY KEY (username, role)
);
COMMENT ON TABLE %1$I.user_role IS 'What users may do at all: writing (and so cloning) needs registry-read and registry-write';
CREATE TABLE %1$I.username_person_link (username text PRIMARY KEY, person_id text NOT NULL);
COMMENT ON TABLE %1$I.username_person_link IS 'Which PERSON item a user is';
CREATE TABLE %1$I.dataset_reviewer (id text PRIMARY KEY);
COMMENT ON TABLE %1$I.dataset_reviewer IS 'PERSON items that may approve releases of data sets';

CREATE VIEW %1$I.item_payload WITH (security_invoker = true) AS
SELECT i.id,
       COALESCE(i.domain_info, '{}') || jsonb_build_object('id', i.id, 'owner_username', i.owner_username,
           'created_timestamp', i.created_timestamp, 'updated_timestamp', i.updated_timestamp, 'item_category', i.item_category,
           'item_subtype', i.item_subtype, 'record_type', i.record_type, 'workflow_links', i.workflow_links,
           'versioning_info', i.versioning_info, 'display_name', i.display_name, 'user_metadata', i.user_metadata,
           'history', COALESCE((SELECT jsonb_agg(jsonb_build_object('id', h.id, 'timestamp', h."timestamp", 'reason', h.reason,
                                    'username', h.username, 'item', h.item) ORDER BY h.id DESC)
                                FROM %1$I.item_history h WHERE h.item_id = i.id), '[]')) AS payload
FROM %1$I.item i;
COMMENT ON VIEW %1$I.item_payload IS 'Every item as one document, all fields on one level, history inside, newest first';

CREATE SEQUENCE %1$I.handle_number;
CREATE FUNCTION %1$I.next_handle() RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $id_generator$
DECLARE
    handle text;
BEGIN
    -- A sequence gives no number twice, however many sessions ask; numbers that were given out elsewhere are passed over.
    LOOP
        handle := %2$L || '/' || nextval(%3$L::regclass);
        EXIT WHEN NOT EXISTS (SELECT FROM %1$I.item i WHERE i.id = handle);
    END LOOP;
    RETURN handle;
END
$id_generator$;
COMMENT ON FUNCTION %1$I.next_handle() IS 'A new handle';
REVOKE ALL ON FUNCTION %1$I.next_handle() FROM PUBLIC;
$sql$, schema, handle_prefix, format('%I.handle_number', schema));
    EXECUTE format('INSERT INTO %I.subtype SELECT name::%1$I.item_subtype, category, cloneable, versionable, person_link, json_schema, resets, '
        'derived, "references", embedded, title_paths, system_fields, checks, default_access, item_roles, storage '
        'FROM clone.registry_subtype', schema);
END
$$;
COMMENT ON FUNCTION clone_internal.registry_tables(name, text) IS 'Creates the tables of a registry in a schema';

CREATE FUNCTION clone.registry_grant(schema name, role name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f regprocedure;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %1$I, clone, clone_internal TO %2$I;
        GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO %2$I;
        GRANT INSERT, UPDATE ON %1$I.collection, %1$I.item, %1$I.item_history, %1$I.item_auth, %1$I.item_lock TO %2$I;
        GRANT USAGE ON SEQUENCE %1$I.handle_number TO %2$I;
        GRANT EXECUTE ON FUNCTION %1$I.next_handle() TO %2$I', schema, role);
    FOR f IN SELECT p.oid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
             WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
               AND p.proname IN ('item_clone', 'items_clone', 'item_clone_draft', 'registry_check', 'registry_may_clone',
                                 'registry_finish', 'registry_settings') LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, role);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone.registry_grant(name, name) IS
    'Lets a role work with the registry in a schema: read its tables, write items, clone them; not change users, groups and roles';

CREATE FUNCTION clone_internal.preset_registry(store text, options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name := COALESCE(clone_internal.registry_schema(store), options->>'schema', store);
    id_generator text := COALESCE(options->>'id_generator', format('%I.next_handle()', schema));
    s record;
    role text;
BEGIN
    IF COALESCE(options->>'person_link', 'ignore') NOT IN ('require', 'ignore') THEN
        RAISE EXCEPTION 'person_link is %', options->'person_link' USING ERRCODE = '22023', HINT = 'It takes require or ignore.';
    END IF;
    IF to_regnamespace(quote_ident(schema)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', schema);
    END IF;
    IF to_regclass(format('%I.item', schema)) IS NULL THEN
        PERFORM clone_internal.registry_tables(schema, COALESCE(options->>'handle_prefix', '10378.1'));
    END IF;
    BEGIN
        EXECUTE format('EXPLAIN SELECT (%s)::text', id_generator);
    EXCEPTION WHEN undefined_function OR invalid_schema_name OR syntax_error OR undefined_column OR cannot_coerce THEN
        RAISE EXCEPTION 'id_generator is no call of a function: %', id_generator USING
            ERRCODE = '22023', DETAIL = SQLERRM, HINT = 'It takes a call with the function''s schema that gives a new handle, e.g. ids.next_handle().';
    END;
    FOR role IN SELECT jsonb_array_elements_text(COALESCE(options->'grant_to', '[]')) LOOP
        PERFORM clone.registry_grant(schema, role);
    END LOOP;

    DELETE FROM clone.store_rule r WHERE r.store = preset_registry.store AND r.position < 100;
    PERFORM clone.store_table(store, format('%I.collection', schema)::regclass, 'project', id_column => 'id',
        columns => '{"name": "name", "description": "keep", "owner_username": "default", "created_timestamp": "default",
                     "updated_timestamp": "default"}');
    PERFORM clone.store_table(store, format('%I.item', schema)::regclass, 'resource', type_column => 'item_subtype', id_column => 'id',
        project_column => 'collection_id', document_column => 'domain_info', "position" => 1,
        live => format($live$item_subtype NOT IN (SELECT s.name FROM %I.subtype s WHERE s.cloneable = 'never')$live$, schema),
        columns => '{"item_subtype": "keep", "owner_username": "default", "created_timestamp": "default", "updated_timestamp": "default",
                     "workflow_links": "null", "versioning_info": "null", "display_name": "keep", "user_metadata": "keep"}');
    PERFORM clone.store_table(store, format('%I.item_auth', schema)::regclass, 'derived', id_column => 'id',
        parent => format('%I.item', schema)::regclass, join_column => 'id', "position" => 2,
        columns => jsonb_build_object('id', jsonb_build_object('role', 'map', 'target', format('%I.item', schema)),
            'owner', 'default', 'general', 'default', 'groups', 'default'));
    PERFORM clone.store_table(store, format('%I.item_lock', schema)::regclass, 'derived', id_column => 'id',
        parent => format('%I.item', schema)::regclass, join_column => 'id', "position" => 2,
        columns => jsonb_build_object('id', jsonb_build_object('role', 'map', 'target', format('%I.item', schema)),
            'locked', 'default', 'history', 'default'));

    -- The resets and system fields of the subtypes, as rules for documents of a cloned collection. Where files are follows
    -- from the handle, so that the finish hook says it.
    FOR s IN EXECUTE format('SELECT name::text AS name, resets, system_fields, storage FROM %I.subtype', schema) LOOP
        INSERT INTO clone.store_rule (store, position, resource_type, path, action, value, todo)
        SELECT preset_registry.store, 10, s.name, '$' || regexp_replace(r->>'path', '/([^/]+)', '[''\1'']', 'g'), r->>'op', r->'value',
               CASE WHEN r->>'op' = 'set' THEN format('%s {target_id}, %s: %s', s.name, r->>'path', r->>'reason') END
        FROM jsonb_array_elements(s.resets) r WHERE r->>'op' IN ('set', 'remove');
        INSERT INTO clone.store_rule (store, position, resource_type, path, action, value)
        SELECT preset_registry.store, 20, s.name, format('$[''%s'']', f.key), CASE WHEN f.value ? 'initial' THEN 'set' ELSE 'remove' END,
               f.value->'initial'
        FROM jsonb_each(s.system_fields) f
        WHERE f.key IS DISTINCT FROM s.storage->>'field';
    END LOOP;

    -- Where documents name items, in the notation of id_paths: $.a['@b'][*].c is a."@b"[].c there.
    EXECUTE format($sql$
        UPDATE clone.store c SET options = c.options || jsonb_build_object('schema', $2::text, 'id_generator', $3::text, 'id_paths', jsonb_build_object(
            'whole', (SELECT COALESCE(jsonb_agg(DISTINCT replace(substr(regexp_replace(r->>'path', '\[''([^'']+)''\]', '."\1"', 'g'), 3), '[*]', '[]')), '[]')
                      FROM %1$I.subtype s, jsonb_array_elements(s."references") r),
            'embedded', (SELECT COALESCE(jsonb_agg(DISTINCT replace(substr(e, 3), '[*]', '[]')), '[]')
                         FROM %1$I.subtype s, unnest(s.embedded) e)))
        WHERE c.name = $1$sql$, schema) USING store, schema, id_generator;
    INSERT INTO clone.store_hook (store, event, function)
    VALUES (store, 'check', 'clone_internal.registry_check(text, jsonb)'), (store, 'finish', 'clone_internal.registry_finish(text, bigint, jsonb)')
    ON CONFLICT ON CONSTRAINT store_hook_pkey DO UPDATE SET function = EXCLUDED.function;
END
$$;
COMMENT ON FUNCTION clone_internal.preset_registry(text, jsonb) IS
    'Preset registry: creates schema options.schema (default: the store''s name) with collections, items, history, access, locks, users';

CREATE FUNCTION clone_internal.registry_check(store text, arguments jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.registry_may_clone(store, arguments->>'source_project');
END
$$;
COMMENT ON FUNCTION clone_internal.registry_check(text, jsonb) IS 'Check hook of registry stores: may the actor clone every item of the collection?';

CREATE FUNCTION clone_internal.registry_finish(store text, run bigint, arguments jsonb) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
-- What each item of a cloned collection starts with, as in item_clone: versions, access, an unlocked lock, one history entry, a
-- place for its files. Runs with the rights of whoever clones: UPDATE on item and item_auth is needed.
DECLARE
    target text := arguments->>'target_project';
    settings jsonb := clone_internal.registry_settings(store);
    schema name := settings->>'schema';
BEGIN
    EXECUTE format($sql$
        UPDATE %1$I.item i
        SET versioning_info = CASE WHEN s.versionable THEN '{"previous_version": null, "version": 1, "next_version": null}'::jsonb END,
            domain_info = CASE WHEN s.storage IS NULL THEN i.domain_info ELSE i.domain_info || jsonb_build_object(s.storage->>'field', (
                SELECT jsonb_object_agg(t.key, replace(replace(replace(t.value,
                    '{bucket}', COALESCE($2, i.domain_info #>> ARRAY[s.storage->>'field', s.storage->>'bucket'], '')),
                    '{prefix}', $3), '{slug}', translate(i.id, './', '--')))
                FROM jsonb_each_text(s.storage->'template') t)) END
        FROM %1$I.subtype s
        WHERE i.collection_id = $1 AND s.name = i.item_subtype AND (s.versionable OR s.storage IS NOT NULL)$sql$, schema)
    USING target, settings->>'bucket', settings->>'dataset_path';
    EXECUTE format($sql$
        INSERT INTO %1$I.item_auth AS a (id, owner, general)
        SELECT i.id, i.owner_username, s.default_access FROM %1$I.item i JOIN %1$I.subtype s ON s.name = i.item_subtype
        WHERE i.collection_id = $1
        ON CONFLICT (id) DO UPDATE SET owner = EXCLUDED.owner, general = EXCLUDED.general$sql$, schema) USING target;
    EXECUTE format($sql$
        INSERT INTO %1$I.item_lock (id) SELECT i.id FROM %1$I.item i WHERE i.collection_id = $1 ON CONFLICT (id) DO NOTHING$sql$, schema)
    USING target;
    EXECUTE format($sql$
        INSERT INTO %1$I.item_history (item_id, id, "timestamp", reason, username, item)
        SELECT i.id, 0, i.created_timestamp, 'Initial record creation', i.owner_username,
               jsonb_strip_nulls(jsonb_build_object('display_name', i.display_name)) || i.domain_info
               || CASE WHEN i.user_metadata IS NULL THEN '{}' ELSE jsonb_build_object('user_metadata', i.user_metadata) END
        FROM %1$I.item i WHERE i.collection_id = $1 AND i.record_type = 'COMPLETE_ITEM'
        ON CONFLICT (item_id, id) DO NOTHING$sql$, schema) USING target;
    RETURN '[]';
END
$$;
COMMENT ON FUNCTION clone_internal.registry_finish(text, bigint, jsonb) IS 'Finish hook of registry stores: what the items of a cloned collection start with';

INSERT INTO clone.preset VALUES ('registry', 'clone_internal.preset_registry(text, jsonb)', 'a registry of research items with handles');
