-- Cloning over HTTP with PostgREST: POST /rpc/clone_project {"source": "<project id>", "name": "Staging"}.
-- The function queues the clone and answers at once; `pg_clone worker --watch` or pg_cron runs it with the rights of whoever asked.
-- Schema api is the one that PostgREST serves; web_user is the role of signed-in users.

CREATE SCHEMA IF NOT EXISTS api;

CREATE FUNCTION api.clone_project(source text, name text) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT public.project_clone_start(source, name => clone_project.name) $$;

CREATE VIEW api.clone_run AS
    SELECT id, source_project, target_project, name, resources, rows, dangling, blobs, finished_at, todo FROM clone.run WHERE run_by = current_user;

REVOKE ALL ON FUNCTION api.clone_project(text, text) FROM PUBLIC;
-- GRANT USAGE ON SCHEMA api TO web_user;
-- GRANT EXECUTE ON FUNCTION api.clone_project(text, text) TO web_user;
-- GRANT SELECT ON api.clone_run TO web_user;
-- SELECT clone.allow('web_user');   -- and SELECT, INSERT on the store's tables
