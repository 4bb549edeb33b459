-- Clones that are deleted, expire, are replaced, and are made by a worker.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set project 11111111-0000-4000-8000-000000000001
SELECT clone.store_create('documents', 'documents') \gset
INSERT INTO documents.project (id, name) VALUES (:'project', 'Clinic');
INSERT INTO documents.resource (project_id, resource_type, content) SELECT :'project', 'Patient', jsonb_build_object('n', n) FROM generate_series(1, 3) n;
\set ECHO all
-- A clone with an end.
SELECT project_clone(:'project', name => 'Staging', options => '{"expires_in": "14 days"}')->>'id' AS staging \gset
SELECT expires_at > now() AS ends FROM clone.run WHERE id = clone.last_run();
SELECT clone.set_expiry(:'staging') IS NULL AS stays;
SELECT clone.set_expiry(:'staging', expires_in => '1 hour') > now() AS ends;
SELECT clone.set_expiry(:'staging', expires_at => '2020-01-01') < now() AS ended;
SELECT run, rows, files, error FROM clone.expire();
SELECT clone.set_expiry(:'staging', expires_in => '1 hour');
SELECT clone.set_expiry(:'project', expires_in => '1 hour');
-- A newer clone takes the place of an earlier one.
SELECT project_clone(:'project', name => 'Staging')->>'id' AS staging \gset
SELECT project_clone(:'project', name => 'Staging', options => jsonb_build_object('replace', :'staging'))->>'id' = :'staging' AS same;
SELECT id, replaced, deleted_at IS NOT NULL AS gone FROM clone.run WHERE target_project = :'staging' ORDER BY id;
SELECT project_clone(:'project', options => jsonb_build_object('replace', :'project'));
SELECT project_clone(:'project', options => '{"replace": "22222222-0000-4000-8000-000000000001"}');
-- Jobs.
SELECT project_clone_start(:'project', name => 'Queued') AS job \gset
SELECT project_clone_start(:'project', name => 'Cancelled') AS cancelled \gset
SELECT project_clone_cancel(:cancelled);
SELECT clone.run_next_job() = :job AS made;
SELECT clone.run_next_job();
SELECT state, source_project, attempts, run_id IS NOT NULL AS made, sqlstate, error FROM clone.job ORDER BY id;
SELECT project_clone_cancel(:job);
SELECT project_clone_cancel(999);
SELECT project_clone_start('22222222-0000-4000-8000-000000000001');
SELECT project_clone_start(:'project', resource_types => '{Patent}');
-- Deletion.
SELECT project_delete(:'staging', options => '{"dry_run": true}')->'rows' AS rows;
SELECT project_delete(:'staging')->'rows' AS rows;
SELECT project_delete(:'staging');
SELECT project_delete(:'project');
SELECT project_delete('22222222-0000-4000-8000-000000000001');
SELECT project_delete('clinic');
SELECT project_delete(NULL);
SELECT project_delete(:'project', options => '{"forced": true}');
SELECT project_delete(:'project', store => 'nowhere');
SELECT project_delete(:'project', options => '{"force": true}')->'rows' AS rows;
