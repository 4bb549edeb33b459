-- Two projects of documents of about 1.4 kB, of eight types, with eight references each: 00…01 with :documents, 00…02 with
-- :few. The same rows at every run.
CREATE EXTENSION pg_clone_ext;
SELECT clone.store_create('docs', 'documents');
CREATE SCHEMA bench;
-- An id that looks random and is the same at every run.
CREATE FUNCTION bench.id(project int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN md5(project || '/' || n)::uuid;
INSERT INTO docs.project (id, name) VALUES
    ('00000000-0000-4000-8000-000000000001', 'many'), ('00000000-0000-4000-8000-000000000002', 'few');
INSERT INTO docs.resource (id, project_id, resource_type, content)
SELECT bench.id(p, n), ('00000000-0000-4000-8000-00000000000' || p)::uuid, type, jsonb_build_object(
    'resourceType', type, 'id', bench.id(p, n),
    'meta', jsonb_build_object('versionId', bench.id(p, -n), 'project', '00000000-0000-4000-8000-00000000000' || p, 'lastUpdated', '2026-01-01T00:00:00Z'),
    'status', 'final', 'category', jsonb_build_array(jsonb_build_object('coding', jsonb_build_array(
        jsonb_build_object('system', 'http://terminology.hl7.org/CodeSystem/observation-category', 'code', 'vital-signs', 'display', 'Vital Signs')))),
    'code', jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', (10000 + n % 9000)::text, 'display', 'Measured value')), 'text', 'Value ' || n),
    'subject', jsonb_build_object('reference', 'Patient/' || bench.id(p, 1 + n * 7 % count), 'display', 'Patient ' || n),
    'encounter', jsonb_build_object('reference', 'Encounter/' || bench.id(p, 1 + n * 11 % count)),
    'performer', jsonb_build_array(jsonb_build_object('reference', 'Practitioner/' || bench.id(p, 1 + n * 13 % count), 'display', 'Dr. ' || md5(n::text)),
        jsonb_build_object('reference', 'Organization/' || bench.id(p, 1 + n * 17 % count))),
    'derivedFrom', (SELECT jsonb_agg(jsonb_build_object('reference', 'Observation/' || bench.id(p, 1 + n * k % count))) FROM generate_series(19, 22) AS k),
    'valueQuantity', jsonb_build_object('value', n % 1000 / 10.0, 'unit', 'kg', 'system', 'http://unitsofmeasure.org', 'code', 'kg'),
    'note', jsonb_build_array(jsonb_build_object('text', repeat('seen and noted ' || n || ', ', 10))))
FROM (VALUES (1, :documents), (2, :few)) AS project (p, count), generate_series(1, count) AS n,
    LATERAL (SELECT (ARRAY['Patient', 'Encounter', 'Practitioner', 'Organization', 'Observation', 'Condition', 'Task', 'Device'])[1 + n % 8]) AS t (type);
