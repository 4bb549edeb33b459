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
    IF EXISTS (SELECT FROM pg_proc p WHERE p.oid = to_regprocedure(given) AND (p.proretset OR p.prokind <> 'f' OR p.prorettype = 'void'::regtype)) THEN
        RAISE EXCEPTION 'id_generator % does not return one handle for each call', clone_internal.shown(given) USING
            ERRCODE = '22023', HINT = 'It takes a plain function that returns a text, not a set.';
    END IF;
    IF to_regprocedure(given) IS NULL THEN
        RAISE EXCEPTION 'id_generator does not name a function: %', clone_internal.shown(COALESCE(options->>'id_generator', given)) USING
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

CREATE FUNCTION clone_internal.registry_check_subtypes(schema name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
-- Values in the rows of table subtype that would have no effect: places that are no JSON pointers, roles that do not exist.
DECLARE
    known text[] := '{metadata-read,metadata-write,admin,dataset-data-read,dataset-data-write}';
    wrong record;
BEGIN
    SELECT e.s->>'name' AS subtype, w.place, w.value, array_cat(known, ARRAY[r.s#>>'{storage,role}']) AS known,
               ARRAY(SELECT jsonb_array_elements_text(r.lists->'item_roles')) AS own, w.kind INTO wrong
        FROM jsonb_array_elements(clone_internal.registry_subtypes(to_regclass(format('%I.subtype', schema)))) AS e (s),
            LATERAL (SELECT e.s, (SELECT jsonb_object_agg(k, CASE jsonb_typeof(e.s->k) WHEN 'array' THEN e.s->k ELSE '[]' END)
                FROM unnest('{title_paths,derived,resets,references,item_roles,default_access}'::text[]) k) AS lists) r, LATERAL (
            SELECT 1 AS n, 'title_paths' AS place, p AS value, 'pointer' AS kind FROM jsonb_array_elements_text(r.lists->'title_paths') p
            UNION ALL SELECT 2, 'derived.from', d->>'from', 'pointer' FROM jsonb_array_elements(r.lists->'derived') d
            UNION ALL SELECT 3, 'resets.path', d->>'path', 'pointer' FROM jsonb_array_elements(r.lists->'resets') d
            UNION ALL SELECT 4, 'resets.from', d->>'from', 'pointer' FROM jsonb_array_elements(r.lists->'resets') d WHERE d->>'from' IS NOT NULL
            UNION ALL SELECT 5, 'resets.if_present', p, 'pointer' FROM jsonb_array_elements(r.lists->'resets') d,
                jsonb_array_elements_text(CASE jsonb_typeof(d->'if_present') WHEN 'array' THEN d->'if_present' ELSE '[]' END) p
            UNION ALL SELECT 6, 'provenance.nodes.' || n.key || '.follow', n.value->>'follow', 'pointer'
                FROM jsonb_each(CASE jsonb_typeof(r.s#>'{provenance,nodes}') WHEN 'object' THEN r.s#>'{provenance,nodes}' ELSE '{}' END) n WHERE n.value->>'follow' IS NOT NULL
            UNION ALL SELECT 7, 'references.path', f->>'path', 'path' FROM jsonb_array_elements(r.lists->'references') f
            UNION ALL SELECT 7, 'item_roles', i, 'role' FROM jsonb_array_elements_text(r.lists->'item_roles') i
            UNION ALL SELECT 8, 'default_access', i, 'own' FROM jsonb_array_elements_text(r.lists->'default_access') i
            UNION ALL SELECT 9, 'storage.role', r.s#>>'{storage,role}', 'own' WHERE r.s#>>'{storage,role}' IS NOT NULL) w
        WHERE CASE w.kind WHEN 'pointer' THEN (w.value ~ '^(/([^~/]|~[01])*)+$') IS NOT TRUE
                          WHEN 'path' THEN (w.value ~ '^[$]([.][^].[''"*?@() ]+|\[''[^'']+''\]|\["[^"]+"\]|\[[*]\])+$') IS NOT TRUE
                          WHEN 'role' THEN w.value <> ALL (array_remove(array_cat(known, ARRAY[r.s#>>'{storage,role}']), NULL)) IS NOT FALSE
                          ELSE NOT (r.lists->'item_roles') @> to_jsonb(w.value) END
        ORDER BY e.s->>'name', w.n LIMIT 1;
    IF wrong.kind = 'pointer' THEN
        RAISE EXCEPTION 'subtype "%": % is %, which is not a JSON pointer', wrong.subtype, wrong.place, COALESCE('"' || wrong.value || '"', 'missing') USING
            ERRCODE = '22023', HINT = format('A JSON pointer has a slash before each name%s.',
                CASE WHEN wrong.value ~ '^[$]?[.]?[A-Za-z_]' THEN ': "/' || replace(regexp_replace(wrong.value, '^[$]?[.]?', ''), '.', '/') || '"' ELSE ', e.g. "/dataset_info/name"' END);
    ELSIF wrong.kind = 'path' THEN
        RAISE EXCEPTION 'subtype "%": % is %, which is not a JSONPath of names and [*]', wrong.subtype, wrong.place, COALESCE('"' || wrong.value || '"', 'missing') USING
            ERRCODE = '22023', HINT = 'References are at places such as $.authors[*].id or $[''see also''][*].';
    ELSIF wrong.kind = 'role' THEN
        RAISE EXCEPTION 'subtype "%": unknown item role "%"', wrong.subtype, wrong.value USING
            ERRCODE = '22023', HINT = COALESCE('Did you mean "' || clone_internal.nearest_word(wrong.value, array_remove(wrong.known, NULL)) || '"? ', '')
                || 'Item roles: ' || array_to_string(wrong.known, ', ') || '.';
    ELSIF wrong.kind = 'own' THEN
        RAISE EXCEPTION 'subtype "%": % has the role "%", which the subtype does not have', wrong.subtype, wrong.place, wrong.value USING
            ERRCODE = '22023', HINT = 'Its item_roles: ' || array_to_string(wrong.own, ', ') || '.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.registry_check_subtypes(name) IS 'Checks the rows of table subtype; error 22023 for a place that is not a JSON pointer and for an unknown item role';

CREATE FUNCTION clone_internal.registry_check_relations(schema name, with_email boolean) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
-- A registry over existing tables or views: everything that is missing is listed at once.
DECLARE
    missing text[];
BEGIN
    WITH wanted (n, relation, columns, writes, optional) AS (VALUES
        (1, 'collection', '{id text,name text,description,owner_username,created_timestamp,updated_timestamp}'::text[], false, false),
        (2, 'item', '{id text,collection_id text,owner_username,created_timestamp,updated_timestamp,item_category,item_subtype,record_type,workflow_links,versioning_info jsonb,display_name text,user_metadata jsonb,domain_info jsonb}', true, false),
        (3, 'item_auth', '{id text,owner text,general text[],groups jsonb}', true, false),
        (4, 'item_lock', '{id text,locked,history}', true, false),
        (5, 'item_history', '{item_id text,id,timestamp,reason,username,item jsonb}', true, false),
        (6, 'user_role', '{username text,role text}', false, false),
        (7, 'group_user', CASE WHEN with_email THEN '{group_id text,username text,email text}' ELSE '{group_id text,username text}' END::text[], false, false),
        (8, 'username_person_link', '{username text,person_id text}', false, false),
        (9, 'subtype', '{name,category,cloneable,versionable,json_schema jsonb,references jsonb,embedded text[],default_access text[],item_roles text[]}', false, false),
        (10, 'dataset_reviewer', '{id text}', false, true),
        (11, 'item_payload', '{id text,payload jsonb}', false, true)
    ), found AS (
        SELECT w.*, format('%I.%I', schema, w.relation) AS name, to_regclass(format('%I.%I', schema, w.relation)) AS oid FROM wanted w
    ), problems AS (
        SELECT f.n, 0 AS m, 'there is no relation ' || f.name AS problem FROM found f WHERE f.oid IS NULL AND NOT f.optional
        UNION ALL
        SELECT f.n, c.m, CASE WHEN a.attname IS NULL THEN format('%s has no column %I', f.name, split_part(c.name, ' ', 1))
                              ELSE format('column %s of %s is of type %s, not %s', a.attname, f.name, format_type(a.atttypid, NULL), split_part(c.name, ' ', 2)) END
        FROM found f CROSS JOIN unnest(f.columns) WITH ORDINALITY c (name, m)
            LEFT JOIN pg_attribute a ON a.attrelid = f.oid AND a.attname = split_part(c.name, ' ', 1) AND a.attnum > 0 AND NOT a.attisdropped
        WHERE f.oid IS NOT NULL
          AND (a.attname IS NULL OR split_part(c.name, ' ', 2) <> '' AND format_type(clone_internal.base_type(a.atttypid), NULL) <> ALL (
                CASE split_part(c.name, ' ', 2) WHEN 'text' THEN '{text,"character varying"}' WHEN 'text[]' THEN '{text[],"character varying[]"}'
                     ELSE ARRAY[split_part(c.name, ' ', 2)] END::text[]))
        UNION ALL
        -- Without a trigger, all columns that clones write must be plain columns of one table.
        SELECT f.n, 100, f.name || ' takes no rows: it has no INSTEAD OF INSERT trigger'
        FROM found f WHERE f.writes AND (pg_relation_is_updatable(f.oid, true) & 8 = 0
            OR NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = f.oid AND t.tgtype & 68 = 68)
               AND EXISTS (SELECT FROM pg_attribute a JOIN unnest(f.columns) c ON a.attname = split_part(c, ' ', 1) WHERE a.attrelid = f.oid AND a.attnum > 0
                   AND a.attname <> 'workflow_links' AND (f.relation <> 'item_lock' OR a.attname = 'id')
                   AND (SELECT k.relkind FROM pg_class k WHERE k.oid = f.oid) = 'v' AND NOT pg_column_is_updatable(f.oid, a.attnum, false)))
    )
    SELECT array_agg(p.problem ORDER BY p.n, p.m) INTO missing FROM problems p;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'the relations in schema "%" are not those of a registry: %', schema,
            CASE cardinality(missing) WHEN 1 THEN '1 difference' ELSE cardinality(missing) || ' differences' END USING
            ERRCODE = '22023', DETAIL = array_to_string(missing, E'\n'),
            HINT = format('Create or change what the detail lists; relations may be views. The rules are a table of your own: '
                'CREATE TABLE %I.subtype (LIKE clone.registry_subtype INCLUDING ALL).', schema);
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.registry_check_relations(name, boolean) IS 'Checks that a schema has the relations and columns of a registry; error 22023 that lists what is missing';

CREATE FUNCTION clone_internal.registry_sync(store text, schema name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
-- Writes the rules of the subtypes into the catalog for project_clone: which subtypes keep their handles in a refresh, and where documents
-- reference items, in the notation of id_paths: $.a['@b'][*].c becomes a."@b"[].c. A path that is not valid affects its own subtype only.
DECLARE
    subtypes jsonb := clone_internal.registry_subtypes(to_regclass(format('%I.subtype', schema)));
BEGIN
    PERFORM clone_internal.registry_check_subtypes(schema);
    DELETE FROM clone.store_preserved s WHERE s.store = registry_sync.store;
    INSERT INTO clone.store_preserved (store, resource_type) SELECT registry_sync.store, e.s->>'name' FROM jsonb_array_elements(subtypes) AS e (s);
    UPDATE clone.store c SET options = c.options || jsonb_build_object('id_paths', jsonb_build_object(
        'whole', (SELECT COALESCE(jsonb_agg(DISTINCT replace(substr(regexp_replace(p, '\[''([^'']+)''\]', '."\1"', 'g'), 3), '[*]', '[]')), '[]')
                  FROM jsonb_array_elements(subtypes) AS e (s), jsonb_array_elements(CASE jsonb_typeof(e.s->'references') WHEN 'array' THEN e.s->'references' ELSE '[]' END) r, LATERAL (SELECT r->>'path' AS p) x
                  WHERE p ~ '^\$((\.[A-Za-z_][A-Za-z0-9_-]*|\[''[^'']+''\])(\[\*\])?)+$'),
        'embedded', (SELECT COALESCE(jsonb_agg(DISTINCT replace(substr(p, 3), '[*]', '[]')), '[]')
                     FROM jsonb_array_elements(subtypes) AS e (s), jsonb_array_elements_text(CASE jsonb_typeof(e.s->'embedded') WHEN 'array' THEN e.s->'embedded' ELSE '[]' END) p
                     WHERE p ~ '^\$(\.[A-Za-z_][A-Za-z0-9_-]*(\[\*\])?)+$')))
    WHERE c.name = registry_sync.store;
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
    other text;
BEGIN
    IF schema = '' OR schema ~ '^pg_|^information_schema$' OR length(options->>'schema') > 63 THEN
        RAISE EXCEPTION 'invalid value % for store option "schema"', clone_internal.quoted(options->>'schema') USING
            ERRCODE = '22023', HINT = 'It takes the name of a schema for the tables, of at most 63 bytes, that is not one of the system.';
    END IF;
    SELECT s.name INTO other FROM clone.store s
    WHERE s.preset = 'registry' AND s.name <> preset_registry.store AND clone_internal.registry_schema(s.name) = schema ORDER BY s.name LIMIT 1;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'the tables in schema "%" already belong to registry "%"', schema, other USING
            ERRCODE = '22023', HINT = format('Use that store, or drop its description: SELECT clone.store_drop(%L).', other);
    END IF;
    IF to_regnamespace(quote_ident(schema)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', schema);
    END IF;
    IF to_regclass(format('%I.item', schema)) IS NULL THEN
        PERFORM clone_internal.registry_tables(schema,
            CASE WHEN options ? 'id_generator' AND NOT options ? 'handle_prefix' THEN NULL ELSE clone_internal.registry_prefix(store, options) END);
    ELSE
        PERFORM clone_internal.registry_check_relations(schema, options->>'email' IS NOT DISTINCT FROM 'require');
        IF options ? 'handle_prefix' THEN
            PERFORM clone_internal.registry_prefix(store, options);
        END IF;
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
    FOR role IN SELECT jsonb_array_elements_text(COALESCE(NULLIF(options->'grant_to', 'null'), '[]')) LOOP
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
