-- An example of what an upgrade script does, for the test of upgrades: a table gets a column, a function is new, another one
-- changes. What an installation would give (rights, pg_dump, the fixed search_path) an upgrade gives itself.
ALTER TABLE clone.run ADD COLUMN example text;
COMMENT ON COLUMN clone.run.example IS 'An example';
CREATE TABLE clone.example (id bigint PRIMARY KEY, what text NOT NULL DEFAULT 'x');
SELECT pg_catalog.pg_extension_config_dump('clone.example'::pg_catalog.regclass, '');
CREATE FUNCTION clone_internal.example(run bigint) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.example FROM clone.run r WHERE r.id = run $$;
REVOKE ALL ON FUNCTION clone_internal.example(bigint) FROM PUBLIC;
COMMENT ON FUNCTION clone_internal.example(bigint) IS 'An example';
