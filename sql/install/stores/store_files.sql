-- A description as a JSON document: export, import, discovery.

CREATE FUNCTION clone.store_export(store text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
BEGIN
    PERFORM clone_internal.check_store(store);
    RETURN (
        SELECT jsonb_build_object('format', 1, 'name', s.name, 'preset', s.preset, 'options', s.options,
            'tables', COALESCE((
                SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(r) - '{store,relation,parents}'::text[]) || jsonb_build_object('table', r.relation::text,
                    'parents', (SELECT COALESCE(jsonb_agg(p::regclass::text), '[]') FROM unnest(r.parents) p),
                    'columns', (SELECT jsonb_object_agg(c.name, jsonb_strip_nulls(jsonb_build_object('role', c.role, 'target', c.target::text, 'value', c.value,
                        'why', c.reason, 'type', c.type))) FROM clone.store_column c WHERE c.store = s.name AND c.relation = r.relation)) ORDER BY r.role <> 'project', r.relation::text)
                FROM clone.store_relation r WHERE r.store = s.name), '[]'),
            'references', COALESCE((
                SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(r) - '{store,id,relation,target}'::text[] || jsonb_build_object('table', r.relation::text, 'target', r.target::text))
                    ORDER BY r.relation::text, r."column", r.id)
                FROM clone.store_reference r WHERE r.store = s.name), '[]'),
            'memberships', COALESCE((
                SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(m) - '{store,id,relation,parent}'::text[] || jsonb_build_object('table', m.relation::text, 'parent', m.parent::text))
                    ORDER BY m.relation::text, m.id)
                FROM clone.store_membership m WHERE m.store = s.name), '[]'),
            'shared', COALESCE((SELECT jsonb_agg(jsonb_build_object('table', h.relation::text, 'why', h.reason) ORDER BY h.relation::text) FROM clone.store_shared h WHERE h.store = s.name), '[]'),
            'rules', COALESCE((SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(u) - '{store,id}'::text[]) ORDER BY u.position, u.id) FROM clone.store_rule u WHERE u.store = s.name), '[]'),
            'no_references', COALESCE((SELECT jsonb_agg(jsonb_build_object('table', n.relation::text, 'column', n."column", 'path', n.path) ORDER BY n.relation::text, n."column", n.path)
                FROM clone.store_no_reference n WHERE n.store = s.name), '[]'),
            'open', COALESCE((SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(q) - '{store,relation}'::text[]) || jsonb_build_object('table', q.relation::text) ORDER BY q.relation::text, q."column", q.path)
                FROM clone.store_question q WHERE q.store = s.name), '[]'),
            'questions', COALESCE((SELECT jsonb_agg(to_jsonb(q)) FROM clone_internal.store_questions(s.name) q), '[]'))
        FROM clone.store s WHERE s.name = store_export.store);
END
$$;
COMMENT ON FUNCTION clone.store_export(text) IS 'The description of a store as a JSON document; clone.store_import() reads it';

CREATE FUNCTION clone.store_import(description jsonb, name text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
DECLARE
    called text := COALESCE(store_import.name, description->>'name');
    t jsonb;
    c record;
    r jsonb;
BEGIN
    IF jsonb_typeof(description) IS DISTINCT FROM 'object' OR description->>'format' IS DISTINCT FROM '1' OR jsonb_typeof(description->'tables') IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'this is not a description of a store' USING ERRCODE = '22023', HINT = 'Give what clone.store_export() or clone.store_discover() returned.';
    END IF;
    IF called IS NULL OR called !~ '^[A-Za-z_][A-Za-z0-9_-]{0,62}$' THEN
        RAISE EXCEPTION 'invalid store name "%"', called USING
            ERRCODE = '22023', HINT = 'A name starts with a letter, then letters, digits, _ and -, at most 63.';
    END IF;
    FOR t IN SELECT value FROM jsonb_array_elements(description->'tables') LOOP
        IF to_regclass(t->>'table') IS NULL THEN
            RAISE EXCEPTION 'there is no table "%"', t->>'table' USING ERRCODE = '22023', HINT = 'The description names it; import it into a database that has it.';
        END IF;
    END LOOP;
    PERFORM clone_internal.check_no_password(called, description->'options');
    IF EXISTS (SELECT FROM clone.store s WHERE s.name = called) THEN
        -- The store exists: the document replaces its description.
        DELETE FROM clone.store_relation d WHERE d.store = called;
        DELETE FROM clone.store_reference d WHERE d.store = called;
        DELETE FROM clone.store_membership d WHERE d.store = called;
        DELETE FROM clone.store_shared d WHERE d.store = called;
        DELETE FROM clone.store_question d WHERE d.store = called;
        UPDATE clone.store s SET looked_at = NULL WHERE s.name = called;
        DELETE FROM clone.store_rule d WHERE d.store = called;
        UPDATE clone.store s SET options = COALESCE(description->'options', '{}') WHERE s.name = called;
    ELSE
        INSERT INTO clone.store (name, preset, options) VALUES (called, COALESCE(description->>'preset', 'custom'), COALESCE(description->'options', '{}'));
    END IF;
    FOR r IN SELECT value FROM jsonb_array_elements(COALESCE(description->'memberships', '[]')) LOOP
        PERFORM clone.store_belongs(called, (r->>'table')::regclass, ARRAY(SELECT jsonb_array_elements_text(r->'columns'))::name[], (r->>'parent')::regclass,
            ARRAY(SELECT jsonb_array_elements_text(r->'parent_columns'))::name[], r->>'condition');
    END LOOP;
    FOR t IN SELECT value FROM jsonb_array_elements(description->'tables') LOOP
        PERFORM clone.store_table(called, (t->>'table')::regclass, t->>'role', t->>'resource_type', (t->>'type_column')::name, (t->>'id_column')::name,
            (t->>'project_column')::name, (t->'parents'->>0)::regclass, (t->>'join_column')::name, (t->>'document_column')::name,
            CASE WHEN t ? 'version_path' THEN ARRAY(SELECT jsonb_array_elements_text(t->'version_path')) END, t->>'live', '{}',
            COALESCE((t->>'cloned')::boolean, true), t->>'blob_key', t->>'blob_type', COALESCE((t->>'position')::int, 0));
        UPDATE clone.store_relation s SET comment = t->>'comment', id_column = (t->>'id_column')::name,
            document_inferred = COALESCE((t->>'document_inferred')::boolean, false) WHERE s.store = called AND s.relation = (t->>'table')::regclass;
        FOR c IN SELECT key, value FROM jsonb_each(COALESCE(t->'columns', '{}')) WHERE value->>'why' = 'set by hand' LOOP
            PERFORM clone.store_column(called, (t->>'table')::regclass, c.key::name, c.value->>'role', (c.value->>'target')::regclass, c.value->>'value');
        END LOOP;
    END LOOP;
    INSERT INTO clone.store_reference (store, relation, "column", target, target_column, form, path, condition, type_column, type_values, separators, reason)
    SELECT called, (v->>'table')::regclass, v->>'column', (v->>'target')::regclass, v->>'target_column', v->>'form', v->>'path', v->>'condition', v->>'type_column',
           CASE WHEN v ? 'type_values' THEN ARRAY(SELECT jsonb_array_elements_text(v->'type_values')) END, v->>'separators', COALESCE(v->>'reason', 'declared')
    FROM jsonb_array_elements(COALESCE(description->'references', '[]')) AS x (v);
    INSERT INTO clone.store_shared (store, relation, reason)
    SELECT called, (v->>'table')::regclass, COALESCE(v->>'why', 'declared') FROM jsonb_array_elements(COALESCE(description->'shared', '[]')) AS x (v);
    INSERT INTO clone.store_no_reference (store, relation, "column", path)
    SELECT called, (v->>'table')::regclass, v->>'column', COALESCE(v->>'path', '') FROM jsonb_array_elements(COALESCE(description->'no_references', '[]')) AS x (v);
    INSERT INTO clone.store_question (store, relation, "column", path, severity, question, answer, otherwise)
    SELECT called, to_regclass(v->>'table'), v->>'column', COALESCE(v->>'path', ''), v->>'severity', v->>'question',
           replace(v->>'answer', quote_literal(description->>'name'), quote_literal(called)), replace(v->>'otherwise', quote_literal(description->>'name'), quote_literal(called))
    FROM jsonb_array_elements(COALESCE(description->'open', '[]')) AS x (v) WHERE to_regclass(v->>'table') IS NOT NULL;
    UPDATE clone.store s SET looked_at = now() WHERE s.name = called AND s.preset = 'discover';
    FOR r IN SELECT value FROM jsonb_array_elements(COALESCE(description->'rules', '[]')) LOOP
        PERFORM clone.rule(called, r->>'resource_type', r->>'path', r->>'action', r->'value', r->>'when', r->>'unless_cloned', r->>'if_given',
            ARRAY(SELECT jsonb_array_elements_text(COALESCE(r->'columns', '[]'))), r->>'todo', COALESCE((r->>'position')::int, 100));
    END LOOP;
    RETURN called;
END
$$;
COMMENT ON FUNCTION clone.store_import(jsonb, text) IS 'Creates a store from a description of clone.store_export() or clone.store_discover(), or replaces the description of that store. Returns its name';

CREATE FUNCTION clone.store_discover(tenant regclass, name text DEFAULT NULL, schemas text[] DEFAULT NULL, shared regclass[] DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
DECLARE
    store text := 'discovering_' || pg_backend_pid();
    found jsonb;
BEGIN
    PERFORM clone_internal.check_table(tenant, 'tenant');
    -- The store is created, exported and rolled back.
    BEGIN
        PERFORM clone.store_create(store, 'discover', jsonb_strip_nulls(jsonb_build_object('tenant', tenant::text, 'schemas', to_jsonb(schemas),
            'shared', (SELECT jsonb_agg(s::text) FROM unnest(shared) s))));
        found := clone.store_export(store);
        RAISE EXCEPTION USING ERRCODE = 'CL001';
    EXCEPTION WHEN SQLSTATE 'CL001' THEN
        NULL;
    END;
    name := COALESCE(name, (SELECT c.relname FROM pg_class c WHERE c.oid = tenant));
    -- The calls that answer its questions contain the name of the new store.
    RETURN replace(found::text, quote_literal(store), quote_literal(name))::jsonb || jsonb_build_object('name', name);
END
$$;
COMMENT ON FUNCTION clone.store_discover(regclass, text, text[], regclass[]) IS
    'Finds the tables of a tenant by keys, names and samples of the data. Returns the description with the reason for each part, and the open questions. Writes nothing';
