-- A description as a JSON document: export, import, discovery.

CREATE FUNCTION clone.store_export(store text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
SET plan_cache_mode = force_generic_plan
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
            'rules', COALESCE((SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(u) - '{store,id,value}'::text[])
                || CASE WHEN u.value IS NULL THEN '{}' ELSE jsonb_build_object('value', u.value) END ORDER BY u.position, u.id) FROM clone.store_rule u WHERE u.store = s.name), '[]'),
            'no_references', COALESCE((SELECT jsonb_agg(jsonb_build_object('table', n.relation::text, 'column', n."column", 'path', n.path) ORDER BY n.relation::text, n."column", n.path)
                FROM clone.store_no_reference n WHERE n.store = s.name), '[]'),
            -- Not those of a table that was removed: an import knows no such type.
            'preserved', COALESCE((SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(p) - 'store'::text) ORDER BY p.resource_type) FROM clone.store_preserved p
                WHERE p.store = s.name AND EXISTS (SELECT FROM clone.store_relation r WHERE r.store = p.store AND (r.type_column IS NOT NULL OR r.resource_type = p.resource_type))), '[]'),
            'open', COALESCE((SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(q) - '{store,relation,target}'::text[] || jsonb_build_object('table', q.relation::text, 'target', q.target::text)) ORDER BY q.relation::text, q."column", q.path)
                FROM clone.store_question q WHERE q.store = s.name), '[]'),
            'questions', COALESCE((SELECT jsonb_agg(to_jsonb(q)) FROM clone_internal.store_questions(s.name) q), '[]'))
        FROM clone.store s WHERE s.name = store_export.store);
END
$$;
COMMENT ON FUNCTION clone.store_export(text) IS 'The description of a store as a JSON document; clone.store_import() reads it';

CREATE FUNCTION clone_internal.described_table(name text) RETURNS regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found regclass := to_regclass(name);
BEGIN
    IF found IS NULL AND name IS NOT NULL THEN
        RAISE EXCEPTION 'there is no table %', clone_internal.quoted(name::text) USING
            ERRCODE = '22023', HINT = 'The description names it, with its schema; import it into a database that has it.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clone_internal.described_table(text) IS 'The table that a description names; error 22023 if it does not exist';

CREATE FUNCTION clone_internal.texts(list jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY(SELECT jsonb_array_elements_text(list)) $$;
COMMENT ON FUNCTION clone_internal.texts(jsonb) IS 'The elements of a JSON array of texts';

CREATE FUNCTION clone.store_import(description jsonb, name text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    called text;
    old clone.store;
    given jsonb;
    preset text;
    -- The place in the description that is being read.
    place text := 'the description';
    v jsonb;
    number int;
    this regclass;
    relations regclass[] := '{}';
    c record;
    state text;
    message text;
    details text;
    help text;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.check_given('description', description IS NOT NULL, 'Give what clone.store_export() or clone.store_discover() returned.');
    PERFORM clone_internal.check_description(description);
    -- A member that is null is one that is missing.
    description := jsonb_strip_nulls(description - 'rules') || jsonb_build_object('rules', COALESCE(NULLIF(description->'rules', 'null'), '[]'));
    called := COALESCE(store_import.name, description->>'name');
    given := COALESCE(description->'options', '{}');
    preset := COALESCE(description->>'preset', 'custom');
    PERFORM clone_internal.check_store_name(called);
    IF NOT EXISTS (SELECT FROM clone.preset p WHERE p.name = store_import.description->>'preset') AND description ? 'preset' THEN
        RAISE EXCEPTION 'preset of the description is %, which does not exist', clone_internal.quoted(preset::text) USING
            ERRCODE = '22023', HINT = 'Presets: ' || (SELECT string_agg(p.name, ', ' ORDER BY p.name) FROM clone.preset p) || '.';
    END IF;
    SELECT * INTO old FROM clone.store s WHERE s.name = called FOR UPDATE;
    PERFORM clone_internal.check_options(called, COALESCE(old.preset, preset), given, old.options);
    BEGIN
        IF old.name IS NOT NULL THEN
            -- The store exists: the document replaces its description.
            DELETE FROM clone.store_relation d WHERE d.store = called;
            DELETE FROM clone.store_reference d WHERE d.store = called;
            DELETE FROM clone.store_membership d WHERE d.store = called;
            DELETE FROM clone.store_shared d WHERE d.store = called;
            DELETE FROM clone.store_question d WHERE d.store = called;
            DELETE FROM clone.store_rule d WHERE d.store = called;
            -- A description from before they were part of it says nothing of them.
            DELETE FROM clone.store_preserved d WHERE d.store = called AND description ? 'preserved';
            UPDATE clone.store s SET looked_at = NULL, options = given WHERE s.name = called;
        ELSE
            INSERT INTO clone.store (name, preset, options) VALUES (called, preset, given);
        END IF;
        FOR v, number IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(description->'memberships') WITH ORDINALITY e LOOP
            place := format('memberships[%s] of the description', number);
            PERFORM clone.store_belongs(called, clone_internal.described_table(v->>'table'), clone_internal.texts(v->'columns')::name[],
                clone_internal.described_table(v->>'parent'), clone_internal.texts(v->'parent_columns')::name[], v->>'condition');
        END LOOP;
        FOR v, number IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(description->'tables') WITH ORDINALITY e LOOP
            place := format('tables[%s] of the description', number);
            this := clone_internal.described_table(v->>'table');
            IF this = ANY (relations) THEN
                RAISE EXCEPTION 'table % is listed twice', this USING ERRCODE = '22023', HINT = 'Leave one of the two out.';
            END IF;
            relations := relations || this;
            PERFORM clone.store_table(called, this, v->>'role', v->>'resource_type', (v->>'type_column')::name, (v->>'id_column')::name,
                (v->>'project_column')::name, clone_internal.described_table(v->'parents'->>0), (v->>'join_column')::name, COALESCE(v->>'document_column', '')::name,
                clone_internal.texts(v->'version_path'), v->>'live', '{}', COALESCE((v->>'cloned')::boolean, true), v->>'blob_key', v->>'blob_type',
                COALESCE((v->>'position')::int, 0));
            UPDATE clone.store_relation s
            SET comment = v->>'comment', document_inferred = COALESCE((v->>'document_inferred')::boolean, false),
                id_column = CASE WHEN s.role IN ('project', 'resource') THEN s.id_column ELSE (v->>'id_column')::name END,
                parents = ARRAY(SELECT clone_internal.described_table(p) FROM jsonb_array_elements_text(v->'parents') p)
            WHERE s.store = called AND s.relation = this;
            FOR c IN SELECT e.key, e.value FROM jsonb_each(v->'columns') e WHERE e.value->>'why' = 'set by hand' LOOP
                place := format('tables[%s].columns.%s of the description', number, clone_internal.shown(c.key));
                PERFORM clone.store_column(called, this, c.key::name, c.value->>'role', clone_internal.described_table(c.value->>'target'), c.value->>'value');
            END LOOP;
        END LOOP;
        FOR v, number IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(description->'references') WITH ORDINALITY e LOOP
            place := format('references[%s] of the description', number);
            PERFORM clone_internal.check_reference(clone_internal.described_table(v->>'table'), (v->>'column')::name, clone_internal.described_table(v->>'target'),
                (v->>'target_column')::name, v->>'form', v->>'path', v->>'separators', (v->>'type_column')::name, v->>'condition');
            DELETE FROM clone.store_reference d
            WHERE d.store = called AND d.relation = clone_internal.described_table(v->>'table') AND d."column" = v->>'column' AND d.target = clone_internal.described_table(v->>'target')
              AND d.path IS NOT DISTINCT FROM v->>'path' AND d.condition IS NOT DISTINCT FROM v->>'condition';
            INSERT INTO clone.store_reference (store, relation, "column", target, target_column, form, path, condition, type_column, type_values, separators, reason)
            VALUES (called, clone_internal.described_table(v->>'table'), v->>'column', clone_internal.described_table(v->>'target'), v->>'target_column', v->>'form',
                v->>'path', v->>'condition', v->>'type_column', clone_internal.texts(v->'type_values'), v->>'separators', COALESCE(v->>'reason', 'declared'));
        END LOOP;
        FOR v, number IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(description->'shared') WITH ORDINALITY e LOOP
            place := format('shared[%s] of the description', number);
            PERFORM clone.store_shared(called, clone_internal.described_table(v->>'table'), COALESCE(v->>'why', 'declared'));
        END LOOP;
        FOR v, number IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(description->'no_references') WITH ORDINALITY e LOOP
            place := format('no_references[%s] of the description', number);
            PERFORM clone.store_no_reference(called, clone_internal.described_table(v->>'table'), (v->>'column')::name, NULLIF(v->>'path', ''));
        END LOOP;
        FOR v, number IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(description->'open') WITH ORDINALITY e LOOP
            place := format('open[%s] of the description', number);
            INSERT INTO clone.store_question (store, relation, "column", path, severity, question, answer, otherwise, target)
            SELECT called, to_regclass(v->>'table'), v->>'column', COALESCE(v->>'path', ''), v->>'severity', v->>'question',
                   replace(v->>'answer', quote_literal(description->>'name'), quote_literal(called)), replace(v->>'otherwise', quote_literal(description->>'name'), quote_literal(called)),
                   to_regclass(v->>'target')
            WHERE to_regclass(v->>'table') IS NOT NULL
            ON CONFLICT ON CONSTRAINT store_question_pkey DO NOTHING;
        END LOOP;
        UPDATE clone.store s SET looked_at = now() WHERE s.name = called AND s.preset = 'discover';
        FOR v, number IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(description->'rules') WITH ORDINALITY e LOOP
            place := format('rules[%s] of the description', number);
            PERFORM clone.rule(called, v->>'resource_type', v->>'path', v->>'action',
                CASE WHEN v->>'action' = 'set' THEN v->'value' ELSE NULLIF(v->'value', 'null') END, v->>'when', v->>'unless_cloned', v->>'if_given',
                COALESCE(clone_internal.texts(NULLIF(v->'columns', 'null')), '{}'), v->>'todo', COALESCE((v->>'position')::int, 100));
        END LOOP;
        FOR v, number IN SELECT e.value, e.ordinality - 1 FROM jsonb_array_elements(description->'preserved') WITH ORDINALITY e LOOP
            place := format('preserved[%s] of the description', number);
            PERFORM clone.preserve_ids(called, v->>'resource_type', COALESCE((v->>'keep_added')::boolean, false), clone_internal.texts(v->'needs'));
        END LOOP;
        place := 'the description';
        PERFORM clone_internal.check_column_roles(called);
    EXCEPTION
        WHEN data_exception OR integrity_constraint_violation OR syntax_error_or_access_rule_violation OR feature_not_supported
            OR object_not_in_prerequisite_state OR program_limit_exceeded OR invalid_schema_name THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, details = PG_EXCEPTION_DETAIL, help = PG_EXCEPTION_HINT;
        help := COALESCE(NULLIF(help, ''), 'Correct the description there.');
        state := CASE WHEN state IN ('0A000', '42501', '42809', '55000') THEN state ELSE '22023' END;
        IF COALESCE(details, '') = '' THEN
            RAISE EXCEPTION '%: %', place, clone_internal.shown(message) USING ERRCODE = state, HINT = help;
        END IF;
        RAISE EXCEPTION '%: %', place, clone_internal.shown(message) USING ERRCODE = state, DETAIL = clone_internal.shown(details), HINT = help;
    END;
    RETURN called;
END
$$;
COMMENT ON FUNCTION clone.store_import(jsonb, text) IS 'Creates a store from a description of clone.store_export() or clone.store_discover(), or replaces the description of that store. Returns its name';

CREATE FUNCTION clone.store_discover(tenant regclass, name text DEFAULT NULL, schemas text[] DEFAULT NULL, shared regclass[] DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    store text := 'discovering_' || pg_backend_pid();
    found jsonb;
BEGIN
    PERFORM clone_internal.check_writable();
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
    'Finds the tables of a tenant by keys, names and samples of the data. Returns the description with the reason for each part, and the open questions. Keeps nothing of the store that it makes, but needs a transaction that may write';
