-- Clones that come and go: one deletion or refresh of a clone at a time, what a refresh keeps, expiry.

-- Whoever deletes or replaces a clone holds its lock until the transaction ends. It is no advisory lock: a stranger could take one.
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
COMMENT ON TABLE clone.run_identity IS
    'Ids that a refresh of the clone gives again: of the resource types in clone.store_stable and of what their documents name';
COMMENT ON COLUMN clone.run_identity.relation IS 'The table, where keys are integers; NULL for ids that are unique in the store';

-- What a refresh (options.replace) keeps of the clone that it replaces.
CREATE TABLE clone.store_stable (
    store         text NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    resource_type text NOT NULL,
    carried       boolean NOT NULL DEFAULT false,
    needs         text[],
    PRIMARY KEY (store, resource_type)
);
COMMENT ON TABLE clone.store_stable IS
    'Resource types whose ids, and secrets, stay when a clone is replaced by a newer one; ids that their documents name stay too';
COMMENT ON COLUMN clone.store_stable.carried IS
    'true: resources of this type that were added to the old clone by hand stay, and what their documents name of those added by hand';
COMMENT ON COLUMN clone.store_stable.needs IS
    'Where the document holds a reference, e.g. {user,reference}: a resource added by hand stays only if what that names still exists, and '
    'the new clone has no resource of this type that names the same';

CREATE FUNCTION clone.stable(store text, resource_type text, carried boolean DEFAULT false, needs text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.check_store(store);
    INSERT INTO clone.store_stable AS s (store, resource_type, carried, needs) VALUES (store, resource_type, carried, needs)
    ON CONFLICT ON CONSTRAINT store_stable_pkey DO UPDATE SET carried = EXCLUDED.carried, needs = EXCLUDED.needs;
END
$$;
COMMENT ON FUNCTION clone.stable(text, text, boolean, text[]) IS
    'Resources of a type keep their ids (and secrets) when a clone is replaced by a newer one; see clone.store_stable';

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
        RAISE EXCEPTION 'invalid interval "%" for %', value, argument USING
            ERRCODE = '22023', HINT = 'Give a positive interval, e.g. ''14 days'' or ''12 hours''.';
    END IF;
    RETURN read;
END
$$;
COMMENT ON FUNCTION clone_internal.parse_interval(text, text) IS 'A positive interval; anything else is an error (22023) that names the argument';

-- What a server outside has in its cache of rows that are gone or replaced. Recorded in the transaction of the deletion, so the
-- keys are here exactly when the rows are gone; whoever deletes them from the cache does so twice, because a server that was just
-- reading the old rows may put them there once more.
CREATE TABLE clone.cache_invalidation (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store       text NOT NULL,
    run_id      bigint NOT NULL,
    keys        text[] NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    flushed_at  timestamptz
);
CREATE INDEX cache_invalidation_run ON clone.cache_invalidation (run_id);
COMMENT ON TABLE clone.cache_invalidation IS
    'Keys of the server''s cache that a refresh or a deletion made stale; pg_clone cache flush deletes them from the cache and from here. Forgotten after 2 days';
COMMENT ON COLUMN clone.cache_invalidation.run_id IS 'The run that replaced the clone, or the run that made the clone that was deleted';
COMMENT ON COLUMN clone.cache_invalidation.keys IS 'At most 1,000 keys, made by the store''s options.cache_key';
COMMENT ON COLUMN clone.cache_invalidation.flushed_at IS 'When they were deleted from the cache for the first time';
COMMENT ON COLUMN clone.cache_invalidation.recorded_by IS 'The role whose refresh or deletion it was';
REVOKE ALL ON clone.cache_invalidation FROM PUBLIC;
-- Keys say which resources there were: only who deleted them, members of that role, and workers see them.
ALTER TABLE clone.cache_invalidation ENABLE ROW LEVEL SECURITY;
-- Its policy is made by clone_internal.protect().
