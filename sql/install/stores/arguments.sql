-- Arguments of the functions that describe stores: what is refused before anything is written.

CREATE FUNCTION clone_internal.shown(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN value IS NULL THEN 'NULL' WHEN length(value) > 200 THEN format('%s… (%s characters)', left(value, 200), length(value)) ELSE value END;
END
$$;
COMMENT ON FUNCTION clone_internal.shown(text) IS 'A given value as messages show it: a long one is cut';

CREATE FUNCTION clone_internal.quoted(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN value IS NULL THEN 'NULL' ELSE format('"%s"', clone_internal.shown(value)) END;
END
$$;
COMMENT ON FUNCTION clone_internal.quoted(text) IS 'A given value in double quotes, as messages show it: a long one is cut, NULL is NULL';

CREATE FUNCTION clone_internal.check_writable() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION 'this function cannot be called in a read-only transaction' USING
            ERRCODE = '25006', HINT = 'It writes: begin the transaction with READ WRITE. If the server is a standby, call it on the primary server.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_writable() IS 'A read-only transaction is an error (25006)';

CREATE FUNCTION clone_internal.check_store(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM clone.store s WHERE s.name = check_store.store) THEN
        RAISE EXCEPTION 'there is no store %', clone_internal.quoted(check_store.store::text) USING
            ERRCODE = '22023',
            HINT = COALESCE('Stores: ' || (SELECT string_agg(s.name, ', ' ORDER BY s.name) FROM clone.store s) || '.',
                'Create one: SELECT clone.store_create(''documents'', ''documents'');');
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_store(text) IS 'Raises error 22023 with the known stores if the store does not exist';

-- Two sessions that describe one store come one after the other, so that each sees what the other has declared. Runs do not wait.
CREATE FUNCTION clone_internal.lock_store(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.check_store(store);
    IF has_table_privilege('clone.store'::regclass, 'UPDATE') THEN
        PERFORM FROM clone.store s WHERE s.name = lock_store.store FOR NO KEY UPDATE;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.lock_store(text) IS 'Waits for other sessions that describe the store; raises error 22023 if it does not exist';

CREATE FUNCTION clone_internal.check_store_name(name text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF name IS NULL OR name !~ '^[A-Za-z_][A-Za-z0-9_-]{0,62}$' THEN
        RAISE EXCEPTION 'invalid store name %', clone_internal.quoted(name) USING
            ERRCODE = '22023', HINT = 'A name starts with a letter or _, followed by letters, digits, _ and -, at most 63 characters.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_store_name(text) IS 'A text that cannot be the name of a store is an error (22023)';

CREATE FUNCTION clone_internal.check_given(argument text, is_given boolean, hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT is_given THEN
        RAISE EXCEPTION 'the argument % is NULL', clone_internal.quoted(argument::text) USING ERRCODE = '22023', HINT = hint;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_given(text, boolean, text) IS 'An argument that must not be NULL is an error (22023) when it is';

CREATE FUNCTION clone_internal.check_table(relation regclass, argument text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind "char" := (SELECT c.relkind FROM pg_class c WHERE c.oid = relation);
BEGIN
    IF relation IS NULL THEN
        RAISE EXCEPTION 'the argument % is NULL', clone_internal.quoted(argument::text) USING ERRCODE = '22023', HINT = 'Name a table, e.g. ''public.orders''.';
    ELSIF kind IS NULL THEN
        RAISE EXCEPTION 'the argument % is %, and there is no such table', clone_internal.quoted(argument::text), relation::oid USING
            ERRCODE = '22023', HINT = 'Name a table, e.g. ''public.orders''.';
    ELSIF kind NOT IN ('r', 'p', 'f', 'v', 'm') OR relation::oid < 16384
        OR (SELECT c.relnamespace::regnamespace::text IN ('clone', 'clone_internal') FROM pg_class c WHERE c.oid = relation) THEN
        RAISE EXCEPTION 'the argument % is %, which is no table of an application', clone_internal.quoted(argument::text), relation USING
            ERRCODE = '22023', HINT = 'Name a table, a partitioned or foreign table, or a view.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_table(regclass, text) IS 'An argument that names no table of an application is an error (22023)';

CREATE FUNCTION clone_internal.check_cloneable(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind "char";
    persistence "char";
BEGIN
    PERFORM clone_internal.check_table(relation, 'relation');
    SELECT c.relkind, c.relpersistence INTO kind, persistence FROM pg_class c WHERE c.oid = relation;
    IF persistence = 't' THEN
        RAISE EXCEPTION '% is a temporary table', relation USING
            ERRCODE = '0A000', HINT = 'No other session sees its rows, and they are gone when the session ends. Describe a permanent table.';
    END IF;
    IF kind = 'm' THEN
        RAISE EXCEPTION '% is a materialized view', relation USING
            ERRCODE = '42809', HINT = format('Rows cannot be inserted into it. Describe the tables that it reads; after a clone: REFRESH MATERIALIZED VIEW %s;', relation);
    END IF;
    IF kind IN ('v', 'f') AND pg_relation_is_updatable(relation, true) & 8 = 0 THEN
        RAISE EXCEPTION 'rows cannot be inserted into %', relation USING
            ERRCODE = '0A000', HINT = CASE kind
                WHEN 'v' THEN 'Describe the tables that the view reads, or give it an INSTEAD OF INSERT trigger.'
                ELSE 'Its foreign data wrapper or its server is read-only. Describe another table.'
                END;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_cloneable(regclass) IS 'Raises an error for a table whose rows cannot be cloned: 42809 a materialized view, 0A000 a temporary or read-only one';

CREATE FUNCTION clone_internal.check_resource_type(store text, resource_type text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Where a column holds the types, any may come; of a known product the preset lists also those that this version does not have.
    IF NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = check_resource_type.store AND (r.type_column IS NOT NULL OR r.resource_type = check_resource_type.resource_type))
        AND EXISTS (SELECT FROM clone.store_relation r WHERE r.store = check_resource_type.store AND r.resource_type IS NOT NULL) THEN
        RAISE EXCEPTION 'store "%" has no resource type %', store, clone_internal.quoted(resource_type::text) USING
            ERRCODE = '22023',
            HINT = 'Types: ' || (SELECT string_agg(t.resource_type, ', ') FROM (SELECT DISTINCT r.resource_type FROM clone.store_relation r
                WHERE r.store = check_resource_type.store AND r.resource_type IS NOT NULL ORDER BY 1 LIMIT 200) t) || '.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_resource_type(text, text) IS 'A type that no table of a store has is an error (22023), where types are no data';
