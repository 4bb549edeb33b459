-- Last: nothing of ours is executable by PUBLIC, the catalog survives pg_dump, and one call lets a role in.

SET LOCAL search_path = pg_catalog, pg_temp;

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
