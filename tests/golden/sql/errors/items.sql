-- Errors of items: rights, files, what the tables of a registry hold, and the limits of documents.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set bundle `cat tests/golden/registry_items.json`
\o /dev/null
SELECT clone.store_create('reg', 'registry', '{"handle_prefix": "10378.1"}');
SELECT clone.registry_load(:'bundle');
\o
INSERT INTO reg.collection (id, name) VALUES ('models', 'Models');
\set ECHO all
-- A subtype that is cloned with others only.
SELECT items_clone('{10378.1/109}', actor => 'ada');
-- A role on the item that does not let read its metadata.
UPDATE reg.item SET collection_id = 'models' WHERE id IN ('10378.1/102', '10378.1/106');
UPDATE reg.item_auth SET general = '{dataset-data-read}', groups = '{}', owner = 'eve' WHERE id = '10378.1/106';
SELECT item_clone('10378.1/106', actor => 'ada');
SELECT project_clone('models', owner => 'ada');
UPDATE reg.item_auth SET general = '{}' WHERE id = '10378.1/106';
SELECT project_clone('models', owner => 'ada');
SELECT project_clone('models', owner => 'ada', exclude_ids => '{10378.1/106}') ->> 'name' AS name;
UPDATE reg.item_auth SET general = '{metadata-read}', owner = 'ada' WHERE id = '10378.1/106';
-- Files that are not the item's own, and a place of files that is too long.
BEGIN;
UPDATE reg.item SET domain_info = jsonb_set(domain_info, '{s3,path}', '"datasets/of-another/"') WHERE id = '10378.1/106';
SELECT item_clone('10378.1/106', actor => 'ada', options => '{"files": true}');
ROLLBACK;
BEGIN;
UPDATE reg.subtype SET storage = jsonb_set(storage, '{template,path}', to_jsonb(repeat('x', 5000))) WHERE name = 'DATASET';
SELECT item_clone('10378.1/106', actor => 'ada', options => '{"files": true}');
ROLLBACK;
-- Access settings, a document and rules that cannot be read.
BEGIN;
UPDATE reg.item_auth SET groups = '{"g": 7}' WHERE id = '10378.1/106';
SELECT item_clone('10378.1/106', actor => 'ada');
ROLLBACK;
BEGIN;
UPDATE reg.item SET domain_info = jsonb_build_object('a', (repeat('[', 150) || repeat(']', 150))::jsonb) WHERE id = '10378.1/102';
SELECT item_clone('10378.1/102', actor => 'ada');
ROLLBACK;
BEGIN;
UPDATE reg.subtype SET resets = '[{"op": "remove", "path": "x"}]' WHERE name = 'MODEL';
ROLLBACK;
-- As in tables of an application, on which there is no trigger.
ALTER TABLE reg.subtype DISABLE TRIGGER USER;
BEGIN;
UPDATE reg.subtype SET resets = '[{"op": "remove", "path": "x", "reason": "r"}]' WHERE name = 'MODEL';
SELECT item_clone('10378.1/102', actor => 'ada');
ROLLBACK;
BEGIN;
UPDATE reg.subtype SET "references" = jsonb_set("references", '{0,path}', '"$.["') WHERE name = 'MODEL_RUN_WORKFLOW_TEMPLATE';
SELECT item_clone('10378.1/105', actor => 'ada');
ROLLBACK;
ALTER TABLE reg.subtype ENABLE TRIGGER USER;
-- Limits.
SELECT item_clone('10378.1/102', ('{"user_metadata": ' || repeat('[', 110) || repeat(']', 110) || '}')::jsonb, 'ada');
-- Forms of many items, which wait as texts.
INSERT INTO reg.item (id, item_category, item_subtype, display_name, domain_info)
SELECT '10378.1/' || n, 'AGENT', 'ORGANISATION', 'O', jsonb_build_object('name', repeat('x', CASE WHEN n > 3000 THEN 20000 ELSE 1 END)) FROM generate_series(1000, 3100) n;
INSERT INTO reg.item_auth (id, owner) SELECT '10378.1/' || n, 'ada' FROM generate_series(1000, 3100) n;
SET pg_clone.max_memory = '1MB';
SELECT items_clone(ARRAY(SELECT '10378.1/' || n FROM generate_series(1000, 3100) n), '{}', 'ada');
RESET pg_clone.max_memory;
-- A subtype that came after the store was described, as in tables of an application.
ALTER TABLE reg.subtype DISABLE TRIGGER USER;
INSERT INTO reg.subtype (name, category, cloneable) VALUES ('TOOL', 'ENTITY', 'alone');
UPDATE reg.item SET collection_id = NULL;
INSERT INTO reg.item (id, collection_id, item_category, item_subtype, display_name, domain_info) VALUES ('10378.1/900', 'models', 'ENTITY', 'TOOL', 'Tool', '{}');
INSERT INTO reg.item_auth (id, owner) VALUES ('10378.1/900', 'ada');
SELECT project_clone('models', owner => 'ada');
SELECT clone.store_refresh('reg');
SELECT project_clone('models', owner => 'ada') ->> 'name' AS name;
