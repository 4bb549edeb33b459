-- What the preset for Medplum refuses.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set ECHO all
SELECT clone.store_create('medplum', 'medplum');
\set ECHO none
\o /dev/null
\i tests/fixtures/medplum_shape.sql
\o
\set project cafe0000-0000-4000-8000-000000000000
\set ECHO all
UPDATE "DatabaseMigration" SET version = 40;
SELECT clone.store_create('medplum', 'medplum');
UPDATE "DatabaseMigration" SET version = 999;
SELECT clone.store_create('medplum', 'medplum');
SELECT project_clone(:'project', owner => 'ada');
SELECT project_clone(:'project', owner => 'Group/11111111-0000-4000-8000-000000000099');
SELECT project_clone(:'project', owner => 'User/11111111-0000-4000-8000-000000000099');
CREATE TABLE "Invented" (id uuid PRIMARY KEY, content text NOT NULL, "projectId" uuid);
SELECT project_clone(:'project');
SELECT clone.store_refresh('medplum');
DROP TABLE "Invented";
SELECT project_clone(:'project', name => 'Staging')->>'id' AS clone \gset
SELECT check_name, subject, ok FROM project_clone_verify(:'clone', columns => true) WHERE NOT ok;
DELETE FROM "SearchParameter";
SELECT * FROM project_clone_verify(:'clone', columns => true);
