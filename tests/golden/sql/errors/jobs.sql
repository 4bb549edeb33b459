-- Errors of jobs, of expiry, and of roles that lack a privilege.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set project 11111111-0000-4000-8000-000000000001
SELECT clone.store_create('documents', 'documents') \gset
INSERT INTO documents.project (id, name) VALUES (:'project', 'Clinic');
INSERT INTO documents.resource (project_id, resource_type, content) SELECT :'project', 'Patient', jsonb_build_object('n', n) FROM generate_series(1, 3) n;
CREATE ROLE golden_cloner;
CREATE ROLE golden_other;
SELECT clone.allow('golden_cloner') \gset
SELECT clone.allow('golden_other') \gset
GRANT USAGE ON SCHEMA documents TO golden_cloner, golden_other;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA documents TO golden_cloner, golden_other;
\set ECHO all
-- Rows that the worker would not see.
CREATE TEMP TABLE rows_1 (LIKE documents.project);
SELECT project_clone_start(:'project', options => '{"source_tables": {"documents.project": "pg_temp.rows_1"}}');
DROP TABLE rows_1;
-- The queue of a role is full.
SET pg_clone.max_queued_jobs = 1;
SELECT project_clone_start(:'project') > 0 AS queued;
SELECT project_clone_start(:'project');
RESET pg_clone.max_queued_jobs;
SELECT clone.run_next_job() > 0 AS made;
-- A job of another role.
SET ROLE golden_cloner;
SELECT project_clone_start(:'project', name => 'Later') AS job \gset
SET ROLE golden_other;
SELECT project_clone_cancel(:job);
RESET ROLE;
-- A job that fails when it runs.
REVOKE INSERT ON documents.resource FROM golden_cloner;
SELECT clone.run_next_job() = :job AS ran;
SELECT state, sqlstate, error, hint FROM clone.job WHERE id = :job;
GRANT INSERT ON documents.resource TO golden_cloner;
-- A role that was dropped.
SET ROLE golden_other;
SELECT project_clone_start(:'project', name => 'Of a role that is dropped') AS job \gset
RESET ROLE;
DROP OWNED BY golden_other;
DROP ROLE golden_other;
SELECT clone.run_next_job() = :job AS ran;
SELECT state, sqlstate, error, hint FROM clone.job WHERE id = :job;
-- Triggers and locations of files are for owners and workers.
CREATE FUNCTION documents.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION documents.touch();
SET ROLE golden_cloner;
SELECT project_clone(:'project', options => '{"triggers": "skip"}');
SELECT project_clone(:'project', options => '{"blobs_to": "file:/tmp/files"}');
SELECT * FROM clone_internal.rewritten_rows('11111111-0000-4000-8000-000000000001') AS t (a int);
SELECT clone.store_create('mine', 'custom');
SELECT clone.allow('golden_cloner');
SELECT clone.run_next_job();
RESET ROLE;
-- Expiry.
SELECT project_clone(:'project', name => 'Staging')->>'id' AS staging \gset
SELECT clone.set_expiry('nothing', expires_in => '1 day');
SELECT clone.set_expiry(:'staging', expires_in => '1 day', expires_at => '2030-01-01');
SELECT clone.set_expiry(:'staging', expires_in => '1 month -40 days');
SELECT clone.set_expiry(:'staging', expires_in => '20000 years');
DROP OWNED BY golden_cloner;
DROP ROLE golden_cloner;
