-- Preset registry: the tables of a registry of research items, and privileges on them.

CREATE FUNCTION clone_internal.registry_tables(schema name, handle_prefix text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format($sql$
CREATE TABLE %1$I.category (name text PRIMARY KEY CHECK (name <> ''), description text);
COMMENT ON TABLE %1$I.category IS 'Kinds of subtypes; you may change them';

CREATE TABLE %1$I.subtype (LIKE clone.registry_subtype INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS);
ALTER TABLE %1$I.subtype ADD PRIMARY KEY (name), ADD FOREIGN KEY (category) REFERENCES %1$I.category ON UPDATE CASCADE;
COMMENT ON TABLE %1$I.subtype IS 'The rules of each subtype, read by every clone; you may change them';

CREATE TABLE %1$I.collection (
    id                text PRIMARY KEY,
    name              text NOT NULL,
    description       text,
    owner_username    text NOT NULL DEFAULT COALESCE(NULLIF(current_setting('pg_clone.actor', true), ''), current_user),
    created_timestamp bigint NOT NULL DEFAULT date_part('epoch', now())::bigint,
    updated_timestamp bigint NOT NULL DEFAULT date_part('epoch', now())::bigint
);
COMMENT ON TABLE %1$I.collection IS 'Collections of items; a collection is a project of project_clone()';

CREATE TABLE %1$I.item (
    id                text PRIMARY KEY CHECK (id <> ''),
    collection_id     text REFERENCES %1$I.collection,
    owner_username    text NOT NULL DEFAULT COALESCE(NULLIF(current_setting('pg_clone.actor', true), ''), current_user),
    created_timestamp bigint NOT NULL DEFAULT date_part('epoch', now())::bigint,
    updated_timestamp bigint NOT NULL DEFAULT date_part('epoch', now())::bigint,
    item_category     text NOT NULL,
    item_subtype      text NOT NULL REFERENCES %1$I.subtype ON UPDATE CASCADE,
    record_type       text NOT NULL DEFAULT 'COMPLETE_ITEM' CHECK (record_type IN ('SEED_ITEM', 'COMPLETE_ITEM')),
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
COMMENT ON COLUMN %1$I.item.display_name IS 'Display name; NULL only for seeds, which are handles without content';
COMMENT ON COLUMN %1$I.item.user_metadata IS 'Object of texts, set by users';
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
COMMENT ON TABLE %1$I.item_auth IS 'Access settings: item roles of all users and of groups';
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
COMMENT ON TABLE %1$I.user_role IS 'Registry roles of users; writing and cloning need registry-read and registry-write';
CREATE TABLE %1$I.username_person_link (username text PRIMARY KEY, person_id text NOT NULL);
COMMENT ON TABLE %1$I.username_person_link IS 'The PERSON item of each user';
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
COMMENT ON VIEW %1$I.item_payload IS 'Every item as one document with all fields on one level and its history, newest first';

INSERT INTO %1$I.category VALUES ('ACTIVITY', 'What was done'), ('AGENT', 'Who does'), ('ENTITY', 'What is used and made');
INSERT INTO %1$I.subtype SELECT * FROM clone.registry_subtype;
$sql$, schema);
    IF handle_prefix IS NOT NULL THEN
        EXECUTE format($sql$
CREATE SEQUENCE %1$I.handle_number;
CREATE FUNCTION %1$I.next_handle() RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $generator$
DECLARE
    handle text;
BEGIN
    -- A sequence returns no number twice, also to concurrent sessions. Numbers that are already in use are skipped.
    LOOP
        handle := %2$L || '/' || nextval(%3$L::regclass);
        EXIT WHEN NOT EXISTS (SELECT FROM %1$I.item i WHERE i.id = handle);
    END LOOP;
    RETURN handle;
END
$generator$;
COMMENT ON FUNCTION %1$I.next_handle() IS 'A new handle';
REVOKE ALL ON FUNCTION %1$I.next_handle() FROM PUBLIC;
$sql$, schema, handle_prefix, format('%I.handle_number', schema));
    END IF;
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
    PERFORM clone_internal.check_writable();
    IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = registry_grant.schema AND c.relname = 'item_lock') THEN
        RAISE EXCEPTION 'there is no registry in schema %', clone_internal.quoted(schema::text) USING
            ERRCODE = '22023', HINT = 'Name the schema that clone.store_create(…, ''registry'') has made: by default it is called as the store.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = registry_grant.role) THEN
        RAISE EXCEPTION 'there is no role %', clone_internal.quoted(role::text) USING ERRCODE = '22023', HINT = 'Name the role that shall work with the registry, e.g. ''app''.';
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %1$I, clone, clone_internal TO %2$I;
        GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO %2$I;
        GRANT INSERT, UPDATE ON %1$I.collection, %1$I.item, %1$I.item_history, %1$I.item_auth, %1$I.item_lock TO %2$I;
        GRANT DELETE ON %1$I.item_history TO %2$I', schema, role);
    IF to_regclass(format('%I.handle_number', schema)) IS NOT NULL THEN
        EXECUTE format('GRANT USAGE ON SEQUENCE %1$I.handle_number TO %2$I; GRANT EXECUTE ON FUNCTION %1$I.next_handle() TO %2$I', schema, role);
    END IF;
    FOR f IN SELECT p.oid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
             WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
               AND p.proname IN ('item_clone', 'items_clone', 'item_clone_draft', 'item_clone_check', 'items_clone_check', 'item_can_clone', 'registry_cloneable',
                                 'registry_actor') LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, role);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone.registry_grant(name, name) IS
    'Lets a role work with a registry: read its tables, write and clone items; not change users, groups and roles';


CREATE FUNCTION clone_internal.registry_origin_view(store text, schema name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
-- The sources of the clones that an actor may read. The source is shown if the actor may read it too; a deleted source is shown to
-- the user who cloned it. The extension's library determines the actor, because only it knows whether the setting can be trusted.
DECLARE
    visible text := format($sql$EXISTS (SELECT FROM %1$I.item i JOIN %1$I.subtype s ON s.name::text = i.item_subtype::text
        LEFT JOIN %1$I.item_auth a ON a.id = i.id WHERE i.id = o.%%1$I AND (me.admin OR a.owner = me.name OR EXISTS (
            SELECT FROM unnest('{metadata-read,metadata-write,admin}'::text[]) f WHERE f = ANY (s.item_roles) AND (f = ANY (a.general) OR EXISTS (
                SELECT FROM %1$I.group_user g WHERE g.username = me.name AND a.groups->g.group_id ? f)))))$sql$, schema);
BEGIN
    EXECUTE format($sql$
        CREATE OR REPLACE VIEW %1$I.item_origin WITH (security_barrier = true) AS
        SELECT o.item, CASE WHEN shown.source THEN o.source END AS source, CASE WHEN shown.source THEN o.source_name END AS source_name,
               o.revision, o.run_id, o.cloned_at, o.cloned_by
        FROM (SELECT a.name, EXISTS (SELECT FROM %1$I.user_role r WHERE r.username = a.name AND r.role = 'registry-admin') AS admin,
                     EXISTS (SELECT FROM %1$I.user_role r WHERE r.username = a.name AND r.role = 'registry-read') AS reads
              FROM (SELECT clone_internal.registry_actor() AS name OFFSET 0) a) me,
             clone.item_origin o,
             LATERAL (SELECT o.cloned_by = me.name OR %3$s AS source) shown
        WHERE me.reads AND o.store = %2$L AND %4$s$sql$, schema, store, format(visible, 'source'), format(visible, 'item'));
    EXECUTE format($sql$COMMENT ON VIEW %I.item_origin IS 'The source of each clone, if the actor may read both'$sql$, schema);
END
$$;
COMMENT ON FUNCTION clone_internal.registry_origin_view(text, name) IS 'Creates the view item_origin of a registry';
