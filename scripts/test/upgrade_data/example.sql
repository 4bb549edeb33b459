-- An example of an upgrade script, for the test of upgrades: a table gets a column, one function is new, another one
-- changes. The script itself has to set what an installation sets: privileges, pg_dump configuration, the fixed search_path.
ALTER TABLE clone.run ADD COLUMN example text;
COMMENT ON COLUMN clone.run.example IS 'An example';
CREATE TABLE clone.example (id bigint PRIMARY KEY, what text NOT NULL DEFAULT 'x');
SELECT pg_catalog.pg_extension_config_dump('clone.example'::pg_catalog.regclass, '');
CREATE FUNCTION clone_internal.example(run bigint) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.example FROM clone.run r WHERE r.id = run $$;
REVOKE ALL ON FUNCTION clone_internal.example(bigint) FROM PUBLIC;
COMMENT ON FUNCTION clone_internal.example(bigint) IS 'An example';
