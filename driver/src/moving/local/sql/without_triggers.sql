-- In the private server rows are only passed through: triggers fire where the rows are written in the end.
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT e.evtname FROM pg_catalog.pg_event_trigger e LOOP
        EXECUTE pg_catalog.format('DROP EVENT TRIGGER %I', r.evtname);
    END LOOP;
    FOR r IN SELECT t.tgname, t.tgrelid::pg_catalog.regclass AS relation
             FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
             WHERE NOT t.tgisinternal AND t.tgparentid = 0
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
    LOOP
        EXECUTE pg_catalog.format('DROP TRIGGER %I ON %s', r.tgname, r.relation);
    END LOOP;
END
$$
