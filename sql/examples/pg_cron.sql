-- Clones by schedule, with pg_cron (shared_preload_libraries = 'pg_cron', CREATE EXTENSION pg_cron):
--
--   psql -v source=<project> -v staging=<clone> -v template=<clone> -f pg_cron.sql
--
-- Each command runs with the rights of the role that schedules it. It needs EXECUTE on the functions and, for refreshes and
-- the sweep, SELECT, INSERT and DELETE on the store's tables. Times are GMT unless cron.timezone says otherwise.
-- The script is one transaction.
\set ON_ERROR_STOP on
\if :{?source}
\if :{?staging}
\if :{?template}
\set complete 1
\endif
\endif
\endif
\if :{?complete}
\else
DO $$ BEGIN RAISE EXCEPTION 'one of the variables source, staging, template is missing'
    USING HINT = 'psql -v source=<project> -v staging=<clone> -v template=<clone> -f pg_cron.sql'; END $$;
\endif

BEGIN;

-- Nightly staging: every night at 02:30 a new clone of the source replaces the old one. Ids and secrets of its
-- clients are kept, so clients that are configured for staging stay logged in.
SELECT cron.schedule('nightly staging', '30 2 * * *', format(
    'SELECT project_clone(%L, name => %L, options => %L)',
    :'source', 'Staging', jsonb_build_object('replace', :'staging')));

-- Weekly template: on Sundays, configuration without patients, as a job: this command returns at once, the clone is made by
-- the worker below, with retries.
SELECT cron.schedule('weekly template', '0 3 * * 0', format(
    'SELECT project_clone_start(%L, name => %L, resource_types => %L, options => %L)',
    :'source', 'Template', '{Bot,Questionnaire,PlanDefinition}', jsonb_build_object('replace', :'template')));

-- The worker: one queued clone a minute. `pg_clone worker --watch` does the same without the minute, and copies the files.
SELECT cron.schedule('clone jobs', '* * * * *', 'SELECT clone.run_next_job()');

-- Catching up after a server was down at 02:30: every ten minutes, if staging is older than 25 hours and no job is queued
-- or running, queue a refresh of the same source under the same name.
SELECT cron.schedule('staging overdue', '*/10 * * * *', format(
    $$SELECT project_clone_start(r.source_project, r.name, options => jsonb_build_object('replace', r.target_project))
      FROM clone.run r
      WHERE r.target_project = %L AND r.deleted_at IS NULL AND r.finished_at < now() - interval '25 hours'
        AND NOT EXISTS (SELECT FROM clone.job j WHERE j.replaces = r.target_project AND j.state IN ('queued', 'running'))$$,
    :'staging'));

-- Expiry sweep: every hour, clones whose time is over go. Their files are deleted by pg_clone blobs run or a worker.
SELECT cron.schedule('expired clones', '15 * * * *', 'SELECT * FROM clone.expire()');

COMMIT;

SELECT jobname, schedule, command FROM cron.job ORDER BY jobid;
