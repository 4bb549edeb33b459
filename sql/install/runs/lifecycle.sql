-- Deletion, refresh and expiry of clones: locks, ids that a refresh keeps, cache invalidation.

-- A session that deletes or replaces a clone holds its lock until the transaction ends. It is not an advisory lock, because any role could take that.
CREATE FUNCTION clone_internal.lock_target(store text, project text) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.lock_object('clone.run', hashtext(store || E'\x01' || project), true);
END
$$;

CREATE FUNCTION clone_internal.try_lock_target(store text, project text) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN clone_internal.lock_object('clone.run', hashtext(store || E'\x01' || project), false);
END
$$;

CREATE TABLE clone.run_identity (
    run_id    bigint NOT NULL REFERENCES clone.run ON DELETE CASCADE,
    relation  regclass,
    source_id text NOT NULL,
    target_id text NOT NULL
);
CREATE INDEX run_identity_run ON clone.run_identity (run_id);
-- It has no key, and a publication FOR ALL TABLES must not keep clones from being deleted.
ALTER TABLE clone.run_identity REPLICA IDENTITY FULL;
COMMENT ON TABLE clone.run_identity IS
    'Ids that a refresh of the clone keeps: those of the resource types in clone.store_preserved and of the resources that their documents reference';
COMMENT ON COLUMN clone.run_identity.relation IS 'The table, for integer keys; NULL for ids that are unique in the store';

-- Resource types that a refresh (options.replace) keeps.
CREATE TABLE clone.store_preserved (
    store         text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    resource_type text NOT NULL,
    keep_added    boolean NOT NULL DEFAULT false,
    needs         text[],
    PRIMARY KEY (store, resource_type)
);
COMMENT ON TABLE clone.store_preserved IS
    'Resource types whose ids and secrets are kept when a clone is replaced by a newer one; ids that their documents reference are kept too';
COMMENT ON COLUMN clone.store_preserved.keep_added IS
    'true: resources of this type that were added to the old clone are kept, with added resources that their documents reference';
COMMENT ON COLUMN clone.store_preserved.needs IS
    'Path of a reference in the document, e.g. {user,reference}: an added resource is kept only if the referenced resource still exists and '
    'the new clone has no resource of this type with the same reference';

CREATE FUNCTION clone.preserve_ids(store text, resource_type text, keep_added boolean DEFAULT false, needs text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.check_store(store);
    PERFORM clone_internal.check_given('resource_type', resource_type IS NOT NULL, 'Name the type whose resources keep their ids.');
    PERFORM clone_internal.check_given('keep_added', keep_added IS NOT NULL, 'true or false; leave it out for false.');
    PERFORM clone_internal.check_resource_type(store, resource_type);
    IF array_ndims(needs) > 1 OR array_position(needs, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'needs is %, which is no list of names', needs USING
            ERRCODE = '22023', HINT = 'Give the names of members from the document''s root on: ''{user,reference}''.';
    END IF;
    INSERT INTO clone.store_preserved AS s (store, resource_type, keep_added, needs) VALUES (store, resource_type, keep_added, needs)
    ON CONFLICT ON CONSTRAINT store_preserved_pkey DO UPDATE SET keep_added = EXCLUDED.keep_added, needs = EXCLUDED.needs;
END
$$;
COMMENT ON FUNCTION clone.preserve_ids(text, text, boolean, text[]) IS
    'Lets resources of a type keep their ids and secrets when a clone is replaced by a newer one; see clone.store_preserved';

CREATE FUNCTION clone_internal.parse_interval(value text, argument text) RETURNS interval
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    read interval;
BEGIN
    BEGIN
        read := value::interval;
    EXCEPTION WHEN data_exception THEN
        read := NULL;
    END;
    IF read IS NULL OR read <= interval '0' THEN
        RAISE EXCEPTION 'invalid interval % for %', clone_internal.quoted(value::text), argument USING
            ERRCODE = '22023', HINT = 'Give a positive interval, e.g. ''14 days'' or ''12 hours''.';
    END IF;
    RETURN read;
END
$$;
COMMENT ON FUNCTION clone_internal.parse_interval(text, text) IS 'Reads a positive interval; error 22023 with the name of the argument for anything else';

-- Keys of deleted or replaced rows in the cache of an application server. They are recorded in the transaction of the deletion, so they
-- are here exactly when the rows are deleted. They are deleted from the cache twice, because a server that was
-- reading the old rows may write them into the cache once more.
CREATE TABLE clone.cache_invalidation (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store       text NOT NULL,
    run_id      bigint NOT NULL,
    keys        text[] NOT NULL,
    recorded_by text NOT NULL,
    recorded_role oid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    flushed_at  timestamptz
);
CREATE INDEX cache_invalidation_run ON clone.cache_invalidation (run_id);
COMMENT ON TABLE clone.cache_invalidation IS
    'Stale keys of the application server''s cache after a refresh or a deletion; pg_clone cache flush deletes them from the cache and from here. Removed after 2 days';
COMMENT ON COLUMN clone.cache_invalidation.run_id IS 'The run that replaced the clone, or the run of the deleted clone';
COMMENT ON COLUMN clone.cache_invalidation.keys IS 'At most 1,000 keys, made by the store''s options.cache_key';
COMMENT ON COLUMN clone.cache_invalidation.flushed_at IS 'When they were deleted from the cache for the first time';
COMMENT ON COLUMN clone.cache_invalidation.recorded_by IS 'The role that refreshed or deleted the clone';
COMMENT ON COLUMN clone.cache_invalidation.recorded_role IS 'The oid of recorded_by; a role that was dropped and created again has another one';
REVOKE ALL ON clone.cache_invalidation FROM PUBLIC;
-- Keys reveal which resources existed: only the role that deleted them, its members, and workers see them.
ALTER TABLE clone.cache_invalidation ENABLE ROW LEVEL SECURITY;
-- clone_internal.protect() creates its policy.

CREATE TABLE clone_internal.deferral (
    declared_immediate int UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
    declared_deferred int UNIQUE DEFERRABLE INITIALLY DEFERRED
);
COMMENT ON TABLE clone_internal.deferral IS 'Always empty: its constraints tell what SET CONSTRAINTS ALL has set';
COMMENT ON COLUMN clone_internal.deferral.declared_immediate IS 'Its constraint is checked at once, unless all are deferred';
COMMENT ON COLUMN clone_internal.deferral.declared_deferred IS 'Its constraint is deferred, unless all are checked at once';

-- Nothing shows what a transaction has set. Two equal rows are an error at once, or not; in either case they are rolled back.
CREATE FUNCTION clone_internal.constraints_set() RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    immediate_waits boolean := false;
    deferred_waits boolean := false;
BEGIN
    BEGIN
        INSERT INTO clone_internal.deferral (declared_immediate) VALUES (1), (1);
        immediate_waits := true;
        RAISE EXCEPTION USING ERRCODE = 'CL001';
    EXCEPTION WHEN unique_violation OR SQLSTATE 'CL001' THEN
        NULL;
    END;
    BEGIN
        INSERT INTO clone_internal.deferral (declared_deferred) VALUES (1), (1);
        deferred_waits := true;
        RAISE EXCEPTION USING ERRCODE = 'CL001';
    EXCEPTION WHEN unique_violation OR SQLSTATE 'CL001' THEN
        NULL;
    END;
    RETURN CASE WHEN immediate_waits THEN 'deferred' WHEN NOT deferred_waits THEN 'immediate' ELSE 'as declared' END;
END
$$;
COMMENT ON FUNCTION clone_internal.constraints_set() IS 'What SET CONSTRAINTS ALL has set in this transaction: deferred, immediate, or as declared if nothing';
