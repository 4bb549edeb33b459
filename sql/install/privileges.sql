-- Last: nothing of ours is executable by PUBLIC, the catalog survives pg_dump, and one call lets a role in.

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

DO $$
DECLARE
    c oid;
BEGIN
    -- One command each: the function updates the extension's row.
    FOR c IN
        SELECT r.oid
        FROM pg_catalog.pg_class r
        JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
        WHERE n.nspname = 'clone' AND r.relkind IN ('r', 'S') AND r.relname <> 'preset'
        ORDER BY r.oid
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(c, '');
    END LOOP;
    -- Our own presets come with the extension, those that somebody has added do not.
    PERFORM pg_catalog.pg_extension_config_dump('clone.preset'::pg_catalog.regclass,
        'WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = ''pg_catalog.pg_proc''::pg_catalog.regclass'
        ' AND d.objid = describe AND d.deptype = ''e'')');
END
$$;
