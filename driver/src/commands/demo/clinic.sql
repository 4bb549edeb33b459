-- A sample project for the store "documents": a small clinic whose documents name each other in every way that real ones
-- do. The setting pg_clone_demo.resources says how many resources there are; the same number always gives the same rows.

-- Ids look random and are not: the n-th id of a kind is always the same.
CREATE FUNCTION pg_temp.id_of(kind text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT overlay(overlay(pg_catalog.md5(kind || n::text) PLACING '4' FROM 13) PLACING 'a' FROM 17)::uuid::text
$$;

CREATE FUNCTION pg_temp.project_id() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.id_of('Project', 1) $$;

CREATE FUNCTION pg_temp.moment(n bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT TIMESTAMPTZ '2025-01-06 08:00:00Z' + n * INTERVAL '7 minutes'
$$;

-- What every document has: its id, its version, its project as a bare id, who it belongs to.
CREATE FUNCTION pg_temp.document(kind text, n bigint, patient text, body jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.jsonb_build_object(
        'resourceType', kind,
        'id', pg_temp.id_of(kind, n),
        'identifier', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
            'system', 'https://clinic.example/' || pg_catalog.lower(kind), 'value', pg_catalog.lower(kind) || '-' || n)),
        'meta', pg_catalog.jsonb_build_object(
            'versionId', pg_temp.id_of(kind || '/version', n),
            'lastUpdated', pg_temp.moment(n),
            'project', pg_temp.project_id(),
            'compartment', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('reference', 'Project/' || pg_temp.project_id()))
                || CASE WHEN patient IS NULL THEN '[]' ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('reference', patient)) END)
    ) || body
$$;

-- How many there are of each kind, kept in settings: read per row, they cost next to nothing. Observations are what remains.
CREATE FUNCTION pg_temp.amount(kind text) RETURNS int LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.current_setting('pg_clone_demo.' || pg_catalog.lower(kind))::int
$$;

WITH shares (kind, share) AS (
    VALUES ('Organization', 2000), ('Practitioner', 200), ('Patient', 12), ('Encounter', 6), ('Condition', 12),
        ('Binary', 60), ('DocumentReference', 60), ('Task', 20), ('Group', 100)
),
amounts AS (
    SELECT kind, GREATEST(1, pg_temp.amount('resources') / share) AS amount FROM shares
)
SELECT pg_catalog.set_config('pg_clone_demo.' || pg_catalog.lower(kind), amount::text, true)
FROM (
    SELECT kind, amount FROM amounts
    UNION ALL
    SELECT 'Observation', pg_temp.amount('resources') - pg_catalog.sum(amount) FROM amounts
) AS all_kinds;

INSERT INTO documents.project (id, name, owner, content)
SELECT pg_temp.project_id()::uuid, 'Lindenhof Clinic', 'Practitioner/' || pg_temp.id_of('Practitioner', 1), pg_catalog.jsonb_build_object(
    'resourceType', 'Project', 'id', pg_temp.project_id(), 'name', 'Lindenhof Clinic',
    'owner', pg_catalog.jsonb_build_object('reference', 'Practitioner/' || pg_temp.id_of('Practitioner', 1)));

CREATE TEMP TABLE generated (kind text, n bigint, content jsonb);

INSERT INTO generated
SELECT 'Organization', n, pg_temp.document('Organization', n, NULL, pg_catalog.jsonb_build_object(
    'name', 'Ward ' || n, 'active', true, 'telecom', '[{"system": "phone", "value": "+49 30 5550100"}]'::jsonb))
FROM pg_catalog.generate_series(1, pg_temp.amount('Organization')) AS n;

INSERT INTO generated
SELECT 'Practitioner', n, pg_temp.document('Practitioner', n, NULL, pg_catalog.jsonb_build_object(
    'name', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('family', 'Practitioner ' || n, 'prefix', '["Dr."]'::jsonb)),
    'qualification', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('issuer', pg_catalog.jsonb_build_object(
        'reference', 'Organization/' || pg_temp.id_of('Organization', 1 + n % pg_temp.amount('Organization')))))))
FROM pg_catalog.generate_series(1, pg_temp.amount('Practitioner')) AS n;

-- An absolute URL, and narrative whose link is inside HTML.
INSERT INTO generated
SELECT 'Patient', n, pg_temp.document('Patient', n, 'Patient/' || pg_temp.id_of('Patient', n), pg_catalog.jsonb_build_object(
    'text', pg_catalog.jsonb_build_object('status', 'generated', 'div', '<div xmlns="http://www.w3.org/1999/xhtml"><p>Patient ' || n
        || ', cared for by <a href="Practitioner/' || doctor || '">Dr. ' || n % 50 || '</a></p></div>'),
    'name', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('family', 'Patient ' || n, 'given', '["Anna", "Maria"]'::jsonb)),
    'birthDate', (DATE '1940-01-01' + (n * 97 % 25000)::int)::text,
    'managingOrganization', pg_catalog.jsonb_build_object('reference', 'Organization/' || pg_temp.id_of('Organization', 1 + n % pg_temp.amount('Organization'))),
    'generalPractitioner', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('reference', 'https://fhir.clinic.example/R4/Practitioner/' || doctor))))
FROM pg_catalog.generate_series(1, pg_temp.amount('Patient')) AS n,
    LATERAL (SELECT pg_temp.id_of('Practitioner', 1 + n % pg_temp.amount('Practitioner')) AS doctor) AS d;

-- References to a version: the current one, and one that is gone.
INSERT INTO generated
SELECT 'Condition', n, pg_temp.document('Condition', n, patient, pg_catalog.jsonb_build_object(
    'subject', pg_catalog.jsonb_build_object('reference', patient),
    'code', pg_catalog.jsonb_build_object('text', (ARRAY['Hypertension', 'Asthma', 'Migraine', 'Fracture'])[1 + n % 4]),
    'evidence', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('detail', pg_catalog.jsonb_build_array(
        pg_catalog.jsonb_build_object('reference', 'Observation/' || pg_temp.id_of('Observation', observation)
            || '/_history/' || pg_temp.id_of('Observation/version', observation)),
        pg_catalog.jsonb_build_object('reference', 'Observation/' || pg_temp.id_of('Observation', observation)
            || '/_history/' || pg_temp.id_of('Observation/older version', observation)))))))
FROM pg_catalog.generate_series(1, pg_temp.amount('Condition')) AS n,
    LATERAL (SELECT 'Patient/' || pg_temp.id_of('Patient', 1 + n % pg_temp.amount('Patient')) AS patient,
        1 + n % pg_temp.amount('Observation') AS observation) AS d;

INSERT INTO generated
SELECT 'Encounter', n, pg_temp.document('Encounter', n, patient, pg_catalog.jsonb_build_object(
    'status', 'finished', 'class', '{"code": "AMB"}'::jsonb,
    'subject', pg_catalog.jsonb_build_object('reference', patient),
    'participant', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('individual', pg_catalog.jsonb_build_object(
        'reference', 'Practitioner/' || pg_temp.id_of('Practitioner', 1 + n % pg_temp.amount('Practitioner'))))),
    'diagnosis', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('condition', pg_catalog.jsonb_build_object(
        'reference', 'Condition/' || pg_temp.id_of('Condition', 1 + n % pg_temp.amount('Condition'))))),
    'period', pg_catalog.jsonb_build_object('start', pg_temp.moment(n), 'end', pg_temp.moment(n) + INTERVAL '25 minutes')))
FROM pg_catalog.generate_series(1, pg_temp.amount('Encounter')) AS n,
    LATERAL (SELECT 'Patient/' || pg_temp.id_of('Patient', 1 + n % pg_temp.amount('Patient')) AS patient) AS d;

-- An id as urn:uuid, sometimes written in capitals.
INSERT INTO generated
SELECT 'Observation', n, pg_temp.document('Observation', n, patient, pg_catalog.jsonb_build_object(
    'status', 'final',
    'code', '{"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]}'::jsonb,
    'subject', pg_catalog.jsonb_build_object('reference', patient, 'display', 'Patient ' || (1 + n % pg_temp.amount('Patient'))),
    'encounter', pg_catalog.jsonb_build_object('reference', 'urn:uuid:' || CASE WHEN n % 10 = 0 THEN pg_catalog.upper(encounter) ELSE encounter END),
    'performer', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
        'reference', 'Practitioner/' || pg_temp.id_of('Practitioner', 1 + n % pg_temp.amount('Practitioner')))),
    'effectiveDateTime', pg_temp.moment(n),
    'valueQuantity', pg_catalog.jsonb_build_object('value', 55 + n * 37 % 60, 'unit', '/min')))
FROM pg_catalog.generate_series(1, pg_temp.amount('Observation')) AS n,
    LATERAL (SELECT 'Patient/' || pg_temp.id_of('Patient', 1 + n % pg_temp.amount('Patient')) AS patient,
        pg_temp.id_of('Encounter', 1 + n % pg_temp.amount('Encounter')) AS encounter) AS d;

INSERT INTO generated
SELECT 'Binary', n, pg_temp.document('Binary', n, NULL, '{"contentType": "text/plain"}'::jsonb)
FROM pg_catalog.generate_series(1, pg_temp.amount('Binary')) AS n;

-- An attachment names its file.
INSERT INTO generated
SELECT 'DocumentReference', n, pg_temp.document('DocumentReference', n, patient, pg_catalog.jsonb_build_object(
    'status', 'current', 'subject', pg_catalog.jsonb_build_object('reference', patient),
    'content', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('attachment', pg_catalog.jsonb_build_object(
        'contentType', 'text/plain', 'title', 'Letter ' || n,
        'url', 'Binary/' || pg_temp.id_of('Binary', 1 + (n - 1) % pg_temp.amount('Binary')))))))
FROM pg_catalog.generate_series(1, pg_temp.amount('DocumentReference')) AS n,
    LATERAL (SELECT 'Patient/' || pg_temp.id_of('Patient', 1 + n % pg_temp.amount('Patient')) AS patient) AS d;

-- A query string; and most of the forms above in one document, for the reader.
INSERT INTO generated
SELECT 'Task', n, pg_temp.document('Task', n, 'Patient/' || patient, pg_catalog.jsonb_build_object(
    'status', 'requested', 'intent', 'order', 'description', 'Call the patient back',
    'for', pg_catalog.jsonb_build_object('reference', 'Patient/' || patient),
    'owner', pg_catalog.jsonb_build_object('reference', 'https://fhir.clinic.example/R4/Practitioner/' || doctor),
    'encounter', pg_catalog.jsonb_build_object('reference', 'urn:uuid:' || pg_temp.id_of('Encounter', 1 + n % pg_temp.amount('Encounter'))),
    'focus', pg_catalog.jsonb_build_object('reference', 'Condition/' || pg_temp.id_of('Condition', condition) || '/_history/' || pg_temp.id_of('Condition/version', condition)),
    'input', pg_catalog.jsonb_build_array(
        pg_catalog.jsonb_build_object('type', '{"text": "Look at"}'::jsonb, 'valueString', 'Observation?subject=Patient/' || patient || '&_sort=-date'),
        pg_catalog.jsonb_build_object('type', '{"text": "Letter"}'::jsonb, 'valueAttachment', pg_catalog.jsonb_build_object(
            'url', 'Binary/' || pg_temp.id_of('Binary', 1 + n % pg_temp.amount('Binary')))))))
FROM pg_catalog.generate_series(1, pg_temp.amount('Task')) AS n,
    LATERAL (SELECT pg_temp.id_of('Patient', 1 + n % pg_temp.amount('Patient')) AS patient,
        pg_temp.id_of('Practitioner', 1 + n % pg_temp.amount('Practitioner')) AS doctor,
        1 + n % pg_temp.amount('Condition') AS condition) AS d;

-- Ids as keys of an object.
INSERT INTO generated
SELECT 'Group', n, pg_temp.document('Group', n, NULL, pg_catalog.jsonb_build_object(
    'type', 'person', 'actual', true, 'name', 'Round ' || n,
    'attendance', (SELECT pg_catalog.jsonb_object_agg(pg_temp.id_of('Patient', 1 + (n * 5 + k) % pg_temp.amount('Patient')),
            pg_catalog.jsonb_build_object('present', k % 2 = 0)) FROM pg_catalog.generate_series(1, 5) AS k)))
FROM pg_catalog.generate_series(1, pg_temp.amount('Group')) AS n;

INSERT INTO documents.resource (id, project_id, resource_type, content, created_at, updated_at)
SELECT (content->>'id')::uuid, pg_temp.project_id()::uuid, kind, content, pg_temp.moment(n), pg_temp.moment(n)
FROM generated;

DROP TABLE generated;
