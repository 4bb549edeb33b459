-- Functions that grant privileges. Nothing of the extension is executable by PUBLIC.

CREATE FUNCTION clone_internal.check_role(role regrole) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = check_role.role) THEN
        RAISE EXCEPTION 'there is no role %', COALESCE(role::oid::text, 'NULL') USING
            ERRCODE = '22023', HINT = 'Name the role that shall be allowed, e.g. ''app''.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_role(regrole) IS 'A role that does not exist is an error (22023)';

CREATE FUNCTION clone.allow(role regrole, operator boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f regprocedure;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.check_role(role);
    -- Two sessions that grant privileges on one object at a time are an internal error of the server.
    LOCK TABLE clone.preset IN SHARE UPDATE EXCLUSIVE MODE;
    FOR f IN
        SELECT p.oid::regprocedure
        FROM pg_depend d
        JOIN pg_extension e ON e.oid = d.refobjid
        JOIN pg_proc p ON p.oid = d.objid
        JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
          AND CASE n.nspname
              WHEN 'clone' THEN p.proname IN ('last_run', 'registry_cloneable', 'set_expiry')
              -- The SQL path of a run calls it with the caller's rights. Any other call raises an error.
              WHEN 'clone_internal' THEN p.proname = 'rewritten_rows'
              ELSE p.proname IN ('project_clone', 'project_clone_plan', 'project_clone_verify', 'project_delete', 'project_clone_start',
                  'project_clone_cancel', 'item_clone', 'items_clone', 'item_clone_draft', 'item_clone_check', 'items_clone_check', 'item_can_clone')
              END
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', f, role);
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA clone, clone_internal TO %s', role);
    EXECUTE format('GRANT SELECT ON clone.store, clone.run, clone.run_table, clone.run_dangling, clone.blob_copy, clone.blob_status, clone.job TO %s', role);
    -- Its own rows: a role may flush the cache keys of its own deletions.
    EXECUTE format('GRANT SELECT, UPDATE (flushed_at), DELETE ON clone.cache_invalidation TO %s', role);
    PERFORM clone_internal.show_own(role);
    IF operator THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION clone_internal.sees_all() TO %s', role);
    END IF;
END
$$;
COMMENT ON FUNCTION clone.allow(regrole, boolean) IS
    'Lets a role clone, delete clones, and see its own runs, jobs and files; an operator sees those of all roles. The role also needs privileges on the store''s tables';

CREATE FUNCTION clone.allow_worker(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.check_role(role);
    -- Two sessions that grant privileges on one object at a time are an internal error of the server.
    LOCK TABLE clone.preset IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM clone_internal.protect();
    EXECUTE format('GRANT USAGE ON SCHEMA clone TO %s', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION clone.run_next_job() TO %s', role);
    EXECUTE format('GRANT SELECT ON clone.job, clone.store, clone.blob_status TO %s', role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON clone.blob_copy TO %s', role);
    EXECUTE format('GRANT SELECT, UPDATE (flushed_at), DELETE ON clone.cache_invalidation TO %s', role);
END
$$;
COMMENT ON FUNCTION clone.allow_worker(regrole) IS
    'Lets a role run queued jobs and copy queued files (pg_clone worker). It needs no privileges on the data: a job runs with those of the role that queued it';
