-- Cloning projects of a store of preset documents: arguments, options, errors.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set project 11111111-0000-4000-8000-000000000001
\set patient 11111111-0000-4000-8000-000000000011
\set ECHO all
SELECT clone.store_create('documents', 'documents');
INSERT INTO documents.project (id, name) VALUES (:'project', 'Clinic');
INSERT INTO documents.resource (id, project_id, resource_type, content) VALUES
    (:'patient', :'project', 'Patient', jsonb_build_object('id', :'patient', 'active', true)),
    ('11111111-0000-4000-8000-000000000012', :'project', 'Observation',
     jsonb_build_object('subject', jsonb_build_object('reference', 'Patient/' || :'patient'), 'value', 37)),
    ('11111111-0000-4000-8000-000000000013', :'project', 'Task', jsonb_build_object('for', 'Patient/' || :'patient'));
SELECT relation, resource_type, role, path, source_rows, rows, dangling FROM project_clone_plan(:'project');
SELECT project_clone(:'project', name => 'Staging')->>'name' AS name;
SELECT source_project, name, resources, rows, rewritten, dangling, blobs FROM clone.run WHERE id = clone.last_run();
SELECT relation, resource_type, path, rows, rewritten FROM clone.run_table WHERE run_id = clone.last_run() ORDER BY resource_type;
SELECT target_project AS clone FROM clone.run WHERE id = clone.last_run() \gset
SELECT check_name, subject, ok FROM project_clone_verify(:'clone');
-- Parameters as one object.
SELECT project_clone(:'project', '{"name": "Training", "resourceTypes": ["Patient"]}'::jsonb)->>'name' AS name;
-- References that the filter cuts.
SELECT relation, resource_type, rows, dangling FROM project_clone_plan(:'project', resource_types => '{Observation}');
SELECT project_clone(:'project', resource_types => '{Observation}', options => '{"dangling": "null"}')->>'name' AS name;
SELECT target, occurrences FROM clone.run_dangling;
SELECT project_clone(:'project', resource_types => '{Observation}', options => '{"dangling": "error"}');
-- A filter that names nothing is told.
SELECT project_clone(:'project', include_ids => '{33333333-0000-4000-8000-000000000001}')->>'name' AS name;
-- What is refused.
SELECT project_clone(NULL);
SELECT project_clone('clinic');
SELECT project_clone('22222222-0000-4000-8000-000000000001');
SELECT project_clone(:'project', resource_types => '{Patent}');
SELECT project_clone(:'project', resource_types => '{Patient,NULL}');
SELECT project_clone(:'project', include_ids => '{Patient/1}');
SELECT project_clone(:'project', store => 'document');
SELECT project_clone(:'project', options => '[]');
SELECT project_clone(:'project', options => '{"dangle": "keep"}');
SELECT project_clone(:'project', options => '{"dangling": "drop"}');
SELECT project_clone(:'project', options => '{"max_memory": "much"}');
SELECT project_clone(:'project', options => '{"max_memory": "1kB"}');
SELECT project_clone(:'project', options => '{"expires_in": "soon"}');
SELECT project_clone(:'project', options => '{"target": "11111111-0000-4000-8000-000000000001"}');
SELECT project_clone(:'project', options => '{"values": {"project.nothing": "x"}}');
SELECT project_clone(:'project', '{"types": ["Patient"]}');
SELECT project_clone(:'project', '{"types": ["Patient"]}'::jsonb);
SELECT project_clone(:'project', '"Training"'::jsonb);
SELECT project_clone(:'project', name => '');
SELECT project_clone_plan(:'project', options => '{"history": "all"}');
SELECT project_clone_verify(:'project');
SELECT project_clone_verify('22222222-0000-4000-8000-000000000001');
SELECT project_clone_verify(:'clone', columns => true);
-- What pg_clone copy reads in another database.
SELECT relation, columns FROM clone.source_queries(:'project');
SELECT clone.source_queries('clinic');
-- What is to be done by hand: the summary names the first twenty, the record of the run all.
SELECT clone.rule('documents', 'Account', '$.password', 'remove', todo => 'Account/{target_id}: set a password') > 0 AS added;
INSERT INTO documents.resource (id, project_id, resource_type, content)
    SELECT ('11111111-0000-4000-8000-0000000001' || n)::uuid, :'project', 'Account', '{"password": "secret"}' FROM generate_series(10, 32) n;
SELECT project_clone(:'project', name => 'Many')->>'name' AS name;
SELECT jsonb_array_length(todo) FROM clone.run WHERE id = clone.last_run();
