-- Runs last: comments on functions in Rust (without arguments if the name is unique), REVOKE from PUBLIC, and tables whose rows pg_dump includes.

SET LOCAL search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION @extschema@.project_clone(text, text, text[], text[], text[], text, text, jsonb) IS
    'Clones a project and returns the document or row of the new one. Errors: 22023 wrong argument, P0002 no such project, 42501 missing privilege, 53200 memory limit exceeded, 55000 the tables have changed, 0A000 row-level security';
COMMENT ON FUNCTION @extschema@.project_clone(text, jsonb) IS
    'project_clone() with its arguments as members of a JSON object: name, resourceTypes, includeIds, excludeIds, owner, store, options';
COMMENT ON FUNCTION @extschema@.project_clone_plan IS
    'Returns what project_clone() with the same arguments would do, for each table and type: rows, bytes, path, dangling references. Writes nothing';
COMMENT ON FUNCTION @extschema@.project_clone_verify IS
    'Checks a clone: its rows, that it has no reference to the source, its history, its files; with columns also the data derived from documents. Errors: P0002 no run made it';
COMMENT ON FUNCTION @extschema@.project_clone_start IS
    'Queues a clone for a worker and returns the number of the job. Arguments and errors as for project_clone(); the job runs with the caller''s rights. Further error: 53400 too many queued jobs';
COMMENT ON FUNCTION @extschema@.project_clone_cancel IS
    'Cancels a job and returns its state: cancelled; cancelling if it is running; or the state in which it had ended. Errors: P0002 no such job, 42501 job of another role';
COMMENT ON FUNCTION @extschema@.project_delete IS
    'Deletes the rows of a clone and queues its files for deletion; returns the counts. Errors: P0002 no such project, 55000 no run made it, 23503 rows of others refer to it';
COMMENT ON FUNCTION @extschema@.item_clone(text, jsonb, text, text, jsonb) IS
    'Clones an item of a registry and returns the new one. Errors: P0002 no such item, 42501 not allowed, 22023 wrong argument or invalid item, 55000 the item has changed since the draft';
COMMENT ON FUNCTION @extschema@.item_clone(jsonb) IS
    'item_clone() with its arguments as members of a JSON object; with item_ids the same as items_clone(), and returns an array';
COMMENT ON FUNCTION @extschema@.item_clone(json) IS
    'item_clone() with its arguments as members of a JSON object; with item_ids the same as items_clone(), and returns an array';
COMMENT ON FUNCTION @extschema@.items_clone IS
    'Clones items as a set: references among them become references to the clones. edits has a member for each source id, * for all. Errors as for item_clone()';
COMMENT ON FUNCTION @extschema@.item_clone_draft IS
    'Returns the form of a clone of an item, with the edits applied: what can be edited, what was reset, what must be filled in, what differs from the source';
COMMENT ON FUNCTION @extschema@.item_clone_check IS
    'Checks a clone of an item and returns valid, problems (path, code, message), warnings and etag. Writes nothing';
COMMENT ON FUNCTION @extschema@.items_clone_check IS
    'Checks a clone of items as a set and returns the same as item_clone_check(), each problem with its item. Writes nothing';
COMMENT ON FUNCTION @extschema@.item_can_clone IS 'Returns whether the actor may clone an item';
COMMENT ON FUNCTION clone.last_run IS
    'Number of this session''s last run in clone.run; NULL if there was none. The row exists after its transaction has committed';
COMMENT ON FUNCTION clone.expire IS
    'Deletes all expired clones and returns a row for each; error is set for a clone that cannot be deleted. Runs with the rights of the role that set the expiry';
COMMENT ON FUNCTION clone.set_expiry IS
    'Sets when a clone expires: an interval from now, or a time; with neither it does not expire. Returns the time. For roles that may delete the clone';
COMMENT ON FUNCTION clone.source_queries IS
    'For pg_clone copy and pg_clone export: returns the columns of each table and the condition on its rows (alias t), for another database with the same tables';
COMMENT ON FUNCTION clone.registry_cloneable IS
    'Returns the subtypes of a registry, and whether the actor may clone items of them; cloneable is alone, set (only together with other items) or never';
COMMENT ON FUNCTION clone_internal.check_column_roles IS 'Raises error 22023 for a role that does not fit the type of its column; checks one table, or all';
COMMENT ON FUNCTION clone_internal.check_description IS 'Raises error 22023 for a description whose members have not the form of an exported one; names the path';
COMMENT ON FUNCTION clone_internal.check_rows_once IS 'Raises error 0A000 for two tables of a store that have the same rows: a view and the table below it, a partitioned table and its partition';
COMMENT ON FUNCTION clone_internal.check_rules IS 'Raises error 22023 for a rule for a type without documents';
COMMENT ON FUNCTION clone_internal.nearest_word IS 'The known word that is most similar to an unknown one; NULL if none is similar';
COMMENT ON FUNCTION clone_internal.path_error(text) IS 'Returns what is wrong with a JSONPath, NULL if it is valid';
COMMENT ON FUNCTION clone_internal.run_deferred_checks IS 'For clone.run_next_job() only: runs what the caller has deferred, with the caller''s rights; returns what SET CONSTRAINTS ALL had set';
COMMENT ON FUNCTION clone_internal.restore_deferral IS 'For clone.run_next_job() only: lets constraints be deferred as before run_deferred_checks()';
COMMENT ON FUNCTION clone_internal.run_job IS 'For clone.run_next_job() only: runs the clone of a job with the rights of the role that queued it';
COMMENT ON FUNCTION clone_internal.record_attempt IS 'Records in a separate transaction that an attempt at a job begins; false: no background worker was free';
COMMENT ON FUNCTION clone_internal.lock_object IS 'Takes a lock for a number and a table of the extension until the transaction ends; false: another session holds it';
COMMENT ON FUNCTION clone_internal.lock_target IS 'Locks a project against deletion and replacement by other sessions until the transaction ends; waits for the lock';
COMMENT ON FUNCTION clone_internal.try_lock_target IS 'As clone_internal.lock_target(), but returns false instead of waiting';
COMMENT ON FUNCTION clone_internal.job_lock IS 'The number whose lock shows which session runs a job';
COMMENT ON FUNCTION clone_internal.job_worker IS 'Process id of the session that runs a job; NULL: none';
COMMENT ON FUNCTION clone_internal.release_advisory_locks IS 'Releases advisory locks of this session that are not in the list';
COMMENT ON FUNCTION clone_internal.advisory_lock IS 'An advisory lock as text';
COMMENT ON FUNCTION clone_internal.advisory_locks IS 'Advisory locks of this session';
COMMENT ON FUNCTION clone_internal.set_run_role IS 'Trigger: records the oid of the role in run_by';
COMMENT ON FUNCTION clone_internal.registry_may_clone IS 'Check hook of registries: raises error 42501 if the actor may not clone the selected items of a collection';
COMMENT ON FUNCTION clone_internal.registry_finish_items IS 'Finish hook of registries: writes the content of the cloned items; returns what the operator must do';
COMMENT ON FUNCTION clone_internal.registry_subtypes(oid) IS 'The rows of a table of subtypes as a JSON array, read with the rights of its owner';
COMMENT ON FUNCTION clone_internal.registry_actor IS 'The user on whose behalf this session works: the setting pg_clone.actor if it can be trusted, otherwise the role';
COMMENT ON FUNCTION clone_internal.registry_function IS 'The function that an option names, with its schema and argument types; error 22023 for anything else';
COMMENT ON FUNCTION clone_internal.registry_check_entries IS 'The result that loading would have for each entry of an export: entry, id, status, problem';

DO $$
DECLARE
    s pg_catalog.regclass;
BEGIN
    FOR s IN SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'clone' AND c.relkind = 'S'
    LOOP
        EXECUTE pg_catalog.format('COMMENT ON SEQUENCE %s IS %L', s, 'Generates the ids of a table');
    END LOOP;
END
$$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN
        SELECT d.objid::regprocedure
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
        WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_catalog.pg_extension'::regclass
          AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END
$$;

-- Where standard_conforming_strings is off, a backslash in a string would be read as an escape.
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN
        SELECT p.oid::regprocedure
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
        JOIN pg_catalog.pg_proc p ON p.oid = d.objid
        JOIN pg_catalog.pg_language l ON l.oid = p.prolang
        WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_catalog.pg_extension'::regclass
          AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e' AND l.lanname IN ('sql', 'plpgsql') AND (p.prosrc LIKE E'%\\\\%' OR p.prosrc LIKE '%EXECUTE%')
        ORDER BY p.oid
    LOOP
        EXECUTE pg_catalog.format('ALTER FUNCTION %s SET standard_conforming_strings = on', f);
    END LOOP;
END
$$;

-- Default privileges of the installing role (GRANT … ON TABLES TO readonly) must not apply to the extension: they are revoked.
DO $$
DECLARE
    g record;
BEGIN
    FOR g IN
        SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::pg_catalog.regclass::text AS object, a.grantee
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, pg_catalog.aclexplode(c.relacl) a
        WHERE n.nspname IN ('clone', 'clone_internal') AND c.relkind IN ('r', 'v', 'S') AND a.grantee <> c.relowner
        UNION
        SELECT 'SCHEMA', pg_catalog.quote_ident(n.nspname), a.grantee
        FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
        WHERE n.nspname IN ('clone', 'clone_internal') AND a.grantee <> n.nspowner
        UNION
        SELECT 'FUNCTION', d.objid::pg_catalog.regprocedure::text, a.grantee
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
        JOIN pg_catalog.pg_proc p ON p.oid = d.objid, pg_catalog.aclexplode(p.proacl) a
        WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_catalog.pg_extension'::regclass
          AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e' AND a.grantee <> p.proowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', g.kind, g.object,
            CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::pg_catalog.regrole::text END);
    END LOOP;
END
$$;

DO $$
DECLARE
    c regclass;
    ours boolean;
BEGIN
    -- One statement per table: the function updates the extension's row in pg_extension.
    FOR c IN
        SELECT r.oid::pg_catalog.regclass
        FROM pg_catalog.pg_class r
        JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
        WHERE n.nspname = 'clone' AND r.relkind IN ('r', 'S')
        ORDER BY r.oid
    LOOP
        -- A table that has rows now gets them from this script, also in a restored database.
        EXECUTE pg_catalog.format('SELECT c.relkind = ''r'' AND EXISTS (SELECT FROM %s) FROM pg_catalog.pg_class c WHERE c.oid = $1', c)
        INTO ours USING c;
        CONTINUE WHEN ours;
        PERFORM pg_catalog.pg_extension_config_dump(c, '');
    END LOOP;
    -- The dump includes presets of users; the shipped ones come with the extension.
    PERFORM pg_catalog.pg_extension_config_dump('clone.preset'::pg_catalog.regclass,
        'WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = ''pg_catalog.pg_proc''::pg_catalog.regclass'
        ' AND d.objid = pg_catalog.to_regprocedure(describe)::pg_catalog.oid AND d.deptype = ''e'')');
END
$$;
