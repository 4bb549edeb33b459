-- Clones that come and go: one deletion or refresh of a clone at a time, what a refresh keeps, expiry.

-- Class of the advisory locks on clones: whoever deletes or replaces one holds it until the transaction ends.
CREATE FUNCTION clone.lock_target(store text, project text) RETURNS void
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_advisory_xact_lock(1668050799, hashtext(store || E'\x01' || project)) $$;

CREATE FUNCTION clone.try_lock_target(store text, project text) RETURNS boolean
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_try_advisory_xact_lock(1668050799, hashtext(store || E'\x01' || project)) $$;

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
