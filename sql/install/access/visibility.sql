-- Visibility of runs, jobs and files: a role sees its own and those of roles that it is a member of, an operator sees all.
--
-- This script does not create the policies: pg_dump writes the policies of an extension's tables into every dump, and creating them twice would be
-- an error. clone_internal.protect() creates them with the first store, and a restored database gets them from its dump.

ALTER TABLE clone.run ADD run_role oid, ADD expiry_by text, ADD expiry_role oid;
COMMENT ON COLUMN clone.run.run_role IS 'The oid of run_by; a role that was dropped and created again has another one';

COMMENT ON COLUMN clone.run.expiry_by IS 'The role that called clone.set_expiry(), with whose rights clone.expire() deletes the clone; NULL: run_by';
COMMENT ON COLUMN clone.run.expiry_role IS 'The oid of expiry_by';

-- The oid of the role when the run is recorded. Rows of a restored dump keep theirs.
CREATE FUNCTION clone_internal.set_run_role() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.run_role IS NULL THEN
        NEW.run_role := (SELECT r.oid FROM pg_roles r WHERE r.rolname = NEW.run_by::name);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER set_run_role BEFORE INSERT ON clone.run FOR EACH ROW EXECUTE FUNCTION clone_internal.set_run_role();

ALTER TABLE clone.run ENABLE ROW LEVEL SECURITY;
ALTER TABLE clone.run_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE clone.run_dangling ENABLE ROW LEVEL SECURITY;
ALTER TABLE clone.blob_copy ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION clone_internal.protect() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t text;
BEGIN
    IF EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = 'clone.run'::regclass) THEN
        RETURN;
    END IF;
    -- The name is compared too: after a restore on another server the oid can belong to another role.
    CREATE POLICY own ON clone.run FOR SELECT USING (
        has_function_privilege('clone_internal.sees_all()'::regprocedure, 'EXECUTE')
        OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = run_role AND r.rolname = run_by::name AND pg_has_role(r.oid, 'USAGE')));
    -- A role that may update the queue is a worker and sees all of it.
    CREATE POLICY worker ON clone.blob_copy USING (has_table_privilege('clone.blob_copy', 'UPDATE'));
    CREATE POLICY own_rows ON clone.cache_invalidation USING (EXISTS (
        SELECT FROM pg_catalog.pg_roles r WHERE r.oid OPERATOR(pg_catalog.=) recorded_role AND r.rolname OPERATOR(pg_catalog.=) recorded_by::pg_catalog.name
        AND pg_catalog.pg_has_role(r.oid, 'USAGE'))
        OR pg_catalog.has_function_privilege('clone.run_next_job()', 'EXECUTE'));
    -- For the roles that clone.allow() adds; these may read clone.run.
    FOREACH t IN ARRAY '{run_table,run_dangling,blob_copy}'::text[] LOOP
        EXECUTE format('CREATE POLICY own ON clone.%I FOR SELECT TO CURRENT_USER USING (run_id IN (SELECT r.id FROM clone.run r))', t);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.protect() IS 'Creates the policies of clone.run and related tables, if they do not exist';

CREATE FUNCTION clone_internal.show_own(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    p record;
BEGIN
    PERFORM clone_internal.protect();
    FOR p IN SELECT c.oid::regclass AS relation, (SELECT string_agg(quote_ident(r.rolname), ', ') FROM pg_roles r
                                                  WHERE r.oid = ANY (o.polroles || role::oid)) AS roles
             FROM pg_policy o JOIN pg_class c ON c.oid = o.polrelid
             WHERE o.polname = 'own' AND c.oid IN ('clone.run_table'::regclass, 'clone.run_dangling'::regclass, 'clone.blob_copy'::regclass) LOOP
        EXECUTE format('ALTER POLICY own ON %s TO %s', p.relation, p.roles);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.show_own(regrole) IS 'Lets a role see the tables and files of the runs that it sees';
