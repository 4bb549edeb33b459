-- Errors of clones whose rows are gone or still used, and of tables with children.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set one 11111111-0000-4000-8000-000000000001
\set two 22222222-0000-4000-8000-000000000001
SELECT clone.store_create('documents', 'documents') \gset
INSERT INTO documents.project (id, name) VALUES (:'one', 'Clinic'), (:'two', 'Other');
INSERT INTO documents.resource VALUES ('11111111-0000-4000-8000-000000000099', :'one', 'Binary', '{}');
\set ECHO all
-- The rows of a clone were deleted by other means.
SELECT project_clone(:'one', name => 'Copy') ->> 'id' AS copy \gset
DELETE FROM documents.project WHERE id = :'copy';
SELECT project_delete(:'copy');
SELECT project_clone(:'one', name => 'Copy', options => jsonb_build_object('replace', :'copy'));
SELECT project_delete(:'copy', options => '{"force": true}');
SELECT project_delete(:'copy');
-- Another project names a file of the project.
INSERT INTO documents.resource VALUES ('22222222-0000-4000-8000-000000000099', :'two', 'Note', '{"see": "Binary/11111111-0000-4000-8000-000000000099"}');
SELECT project_delete(:'one', options => '{"force": true}');
SELECT project_delete(:'one', options => '{"force": true, "shared": "ignore"}');
-- Children that the store does not describe.
CREATE TABLE documents.more () INHERITS (documents.resource);
SELECT project_clone(:'two', name => 'Copy');
SELECT clone.store_table('documents', 'documents.more', 'resource', type_column => 'resource_type', id_column => 'id', project_column => 'project_id');
SELECT project_clone(:'two', name => 'Copy') ->> 'name' AS name;
