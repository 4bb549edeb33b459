-- One project of documents of 50 kB in a jsonb store and one in a text store: many entries, measured values that do not
-- repeat, a reference in every third.
CREATE EXTENSION pg_clone_ext;
SELECT clone.store_create('docs', 'documents');
CREATE SCHEMA bench;
CREATE FUNCTION bench.id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN md5('large/' || n)::uuid;
ALTER TABLE docs.resource ALTER content SET COMPRESSION :method;
INSERT INTO docs.project (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'large');
INSERT INTO docs.resource (id, project_id, resource_type, content)
SELECT bench.id(n), '00000000-0000-4000-8000-000000000001', 'QuestionnaireResponse', jsonb_build_object(
    'resourceType', 'QuestionnaireResponse', 'id', bench.id(n), 'meta', jsonb_build_object('versionId', bench.id(-n)),
    'item', (SELECT jsonb_agg(jsonb_build_object('linkId', 'group.' || k, 'text', 'How was it at ' || md5(n || '-' || k) || '?', 'answer', jsonb_build_array(
        jsonb_build_object('valueDecimal', (hashint8(n * 1000 + k) % 1000000) / 1000.0, 'unit', 'mmol/l'),
        CASE WHEN k % 3 = 0 THEN jsonb_build_object('valueReference', jsonb_build_object('reference', 'Observation/' || bench.id(1 + (n * 31 + k) % :documents)))
             ELSE jsonb_build_object('valueString', 'noted as ' || md5(k || '+' || n) || ' by the nurse on duty') END)))
        FROM generate_series(1, 270) AS k))
FROM generate_series(1, :documents) AS n;

CREATE SCHEMA texts;
CREATE TABLE texts.project (id uuid PRIMARY KEY, name text);
CREATE TABLE texts.resource (id uuid PRIMARY KEY, project_id uuid NOT NULL REFERENCES texts.project, content text NOT NULL);
ALTER TABLE texts.resource ALTER content SET COMPRESSION :method;
CREATE INDEX ON texts.resource (project_id);
INSERT INTO texts.project SELECT id, name FROM docs.project;
INSERT INTO texts.resource SELECT id, project_id, content::text FROM docs.resource;
SELECT clone.store_create('texts', 'custom');
SELECT clone.store_table('texts', 'texts.project', 'project', resource_type => 'Project', id_column => 'id');
SELECT clone.store_table('texts', 'texts.resource', 'resource', resource_type => 'QuestionnaireResponse', id_column => 'id', project_column => 'project_id',
    document_column => 'content', version_path => '{meta,versionId}');
