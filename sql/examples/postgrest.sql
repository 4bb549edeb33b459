-- Cloning over HTTP with PostgREST: POST /rpc/clone_project {"source": "<project id>", "name": "Staging"}.
--
--   psql -v role=web_user -f postgrest.sql
--
-- The function queues the clone and returns at once; `pg_clone worker --watch` or pg_cron runs it with the privileges of the caller.
-- Schema api is the one that PostgREST serves; role is the role of signed-in users, who also need SELECT and INSERT on the
-- store's tables. The script is one transaction.
\set ON_ERROR_STOP on
\if :{?role}
\else
DO $$ BEGIN RAISE EXCEPTION 'the variable role is missing' USING HINT = 'psql -v role=web_user -f postgrest.sql'; END $$;
\endif

BEGIN;

CREATE SCHEMA IF NOT EXISTS api;

CREATE FUNCTION api.clone_project(source text, name text) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT public.project_clone_start(source, name => clone_project.name) $$;

-- A security barrier: conditions of a query on the view never see rows of another role.
CREATE VIEW api.clone_run WITH (security_barrier) AS
    SELECT id, source_project, target_project, name, resources, rows, dangling, blobs, finished_at, todo FROM clone.run WHERE run_by = current_user;

REVOKE ALL ON FUNCTION api.clone_project(text, text) FROM PUBLIC;
GRANT USAGE ON SCHEMA api TO :"role";
GRANT EXECUTE ON FUNCTION api.clone_project(text, text) TO :"role";
GRANT SELECT ON api.clone_run TO :"role";
SELECT clone.allow(:'role');

COMMIT;
