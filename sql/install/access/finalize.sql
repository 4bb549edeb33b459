-- Last, when all functions are there: comments on those in Rust (without arguments where the name says which); nothing of ours is executable by PUBLIC; pg_dump keeps the catalog.

SET LOCAL search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION @extschema@.project_clone(text, text, text[], text[], text[], text, text, jsonb) IS
    'Clones a project and returns the new one: its document or its row. Errors: 22023 wrong argument, P0002 no such project, 42501 missing privilege, 53200 over the memory budget, 55000 the tables have changed, 0A000 row security';
COMMENT ON FUNCTION @extschema@.project_clone(text, jsonb) IS
    'The same with its parameters as members of one object: name, resourceTypes, includeIds, excludeIds, owner, store, options';
COMMENT ON FUNCTION @extschema@.project_clone_plan IS
    'What project_clone() with the same arguments would do, for each table and type: rows, bytes, path, dangling references. Writes nothing';
COMMENT ON FUNCTION @extschema@.project_clone_verify IS
    'Checks a clone: its rows, that nothing of it names the source, its history, its files; with columns also what the store derives from documents. Errors: P0002 no run made it';
COMMENT ON FUNCTION @extschema@.project_clone_start IS
    'Queues a clone for a worker and returns the number of the job. Arguments and errors are those of project_clone(); the job runs with the caller''s rights';
COMMENT ON FUNCTION @extschema@.project_clone_cancel IS
    'Cancels a job and returns its state: cancelled, cancelling while it runs, or the state in which it had ended. Errors: P0002 no such job, 42501 another role''s';
COMMENT ON FUNCTION @extschema@.project_delete IS
    'Deletes a clone: its rows, and its files through the queue; returns the counts. Errors: P0002 no such project, 55000 no run made it, 23503 rows of other projects would be deleted too';
COMMENT ON FUNCTION @extschema@.item_clone(text, jsonb, text, text, jsonb) IS
    'Clones an item of a registry and returns the new one. Errors: P0002 no such item, 42501 not allowed, 22023 wrong argument or not valid, 55000 the item has changed since the draft';
COMMENT ON FUNCTION @extschema@.item_clone(jsonb) IS
    'The same with its arguments as members of one object; with item_ids it is items_clone() and returns an array';
COMMENT ON FUNCTION @extschema@.item_clone(json) IS
    'The same with its arguments as members of one object; with item_ids it is items_clone() and returns an array';
COMMENT ON FUNCTION @extschema@.items_clone IS
    'Clones items as a set: references among them name the clones. edits has a member for each source id, * for all. Errors are those of item_clone()';
COMMENT ON FUNCTION @extschema@.item_clone_draft IS
    'The form with which a clone of an item starts, or has after these edits: what can be edited, what was reset, what must be filled in, what differs from the source';
COMMENT ON FUNCTION @extschema@.item_clone_check IS
    'What is wrong with a clone of an item: valid, problems (path, code, message), etag. Writes nothing';
COMMENT ON FUNCTION @extschema@.items_clone_check IS
    'What is wrong with a clone of items as a set: as item_clone_check(), each problem with its item. Writes nothing';
COMMENT ON FUNCTION @extschema@.item_can_clone IS 'Whether the actor may clone an item';
COMMENT ON FUNCTION clone.last_run IS
    'Number of this session''s last run, which is a row of clone.run once its transaction has committed; NULL if there was none';
COMMENT ON FUNCTION clone.expire IS
    'Deletes every clone whose time is over, with the caller''s rights, and returns what became of each; one that cannot be deleted has an error';
COMMENT ON FUNCTION clone.set_expiry IS
    'Sets when a clone may be deleted, an interval from now or a time; with neither it does not end. Returns the time. For roles that may delete the clone';
COMMENT ON FUNCTION clone.source_queries IS
    'What pg_clone copy and pg_clone export read from another database with the same tables: for each table its columns and the condition on its rows, which go by the name t';
COMMENT ON FUNCTION clone.registry_cloneable IS
    'The subtypes of a registry, and whether the actor may clone items of them: cloneable is alone, set (only together with other items) or never';
COMMENT ON FUNCTION clone_internal.check_column_roles IS 'A role that does not fit the type of its column is an error (22023); of one table, or of all';
COMMENT ON FUNCTION clone_internal.check_rules IS 'A rule for documents of a type that has none is an error (22023)';
COMMENT ON FUNCTION clone_internal.nearest_word IS 'The known word most like one that is not known; NULL if none is';
COMMENT ON FUNCTION clone_internal.run_job IS 'For clone.run_next_job() only: makes the clone of a job with the rights of the role that queued it';
COMMENT ON FUNCTION clone_internal.record_attempt IS 'Records that an attempt at a job begins, in a transaction of its own; false: no background worker was free';
COMMENT ON FUNCTION clone_internal.lock_object IS 'Locks a number of one of the extension''s tables until the transaction ends; false: another session holds the lock';
COMMENT ON FUNCTION clone_internal.lock_target IS 'Waits until no other session deletes or replaces a project, and keeps others from it until the transaction ends';
COMMENT ON FUNCTION clone_internal.try_lock_target IS 'As clone_internal.lock_target(), but returns false instead of waiting';
COMMENT ON FUNCTION clone_internal.job_lock IS 'The number whose lock shows which session runs a job';
COMMENT ON FUNCTION clone_internal.job_worker IS 'Process of the session that runs a job; NULL: none does';
COMMENT ON FUNCTION clone_internal.release_advisory_locks IS 'Releases advisory locks of this session that are not in the list';
COMMENT ON FUNCTION clone_internal.advisory_lock IS 'An advisory lock as text';
COMMENT ON FUNCTION clone_internal.advisory_locks IS 'Advisory locks of this session';
COMMENT ON FUNCTION clone_internal.set_run_role IS 'Trigger: records the oid of the role in run_by';
COMMENT ON FUNCTION clone_internal.registry_may_clone IS 'Check hook of registries: an actor who may not clone the chosen items of a collection is an error (42501)';
COMMENT ON FUNCTION clone_internal.registry_finish_items IS 'Finish hook of registries: makes the content of the cloned items; returns what the operator must do';
COMMENT ON FUNCTION clone_internal.registry_actor IS 'The user for whom this session works: the setting pg_clone.actor where it can be trusted, else the role';
COMMENT ON FUNCTION clone_internal.registry_function IS 'A function named by an option, with its schema and argument types; anything else is an error (22023)';
COMMENT ON FUNCTION clone_internal.registry_check_entries IS 'What loading each entry of an export would do: entry, id, status, problem';

DO $$
DECLARE
    s pg_catalog.regclass;
BEGIN
    FOR s IN SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'clone' AND c.relkind = 'S'
    LOOP
        EXECUTE pg_catalog.format('COMMENT ON SEQUENCE %s IS %L', s, 'Numbers of the rows of a table of the same name');
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

-- Default privileges of whoever installs the extension (GRANT … ON TABLES TO readonly) are no grants on it: what they gave is taken back.
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
    -- One command each: the function updates the extension's row.
    FOR c IN
        SELECT r.oid::pg_catalog.regclass
        FROM pg_catalog.pg_class r
        JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
        WHERE n.nspname = 'clone' AND r.relkind IN ('r', 'S')
        ORDER BY r.oid
    LOOP
        -- What has rows now gets them from this script, in a restored database too.
        EXECUTE pg_catalog.format('SELECT c.relkind = ''r'' AND EXISTS (SELECT FROM %s) FROM pg_catalog.pg_class c WHERE c.oid = $1', c)
        INTO ours USING c;
        CONTINUE WHEN ours;
        PERFORM pg_catalog.pg_extension_config_dump(c, '');
    END LOOP;
    -- Our own presets come with the extension, those that somebody has added do not.
    PERFORM pg_catalog.pg_extension_config_dump('clone.preset'::pg_catalog.regclass,
        'WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = ''pg_catalog.pg_proc''::pg_catalog.regclass'
        ' AND d.objid = pg_catalog.to_regprocedure(describe)::pg_catalog.oid AND d.deptype = ''e'')');
END
$$;
