-- Errors of registries: options of the store, edits, options of a call, rights, loading.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set bundle `cat tests/golden/registry_items.json`
\set ECHO all
SELECT clone.registry_load('{"items": []}');
SELECT item_clone('10378.1/102');
-- The store.
SELECT clone.store_create('reg', 'registry', '{"id_generator": "1 + 1"}');
SELECT clone.store_create('reg', 'registry', '{"id_generator": "pg_catalog.nothing()"}');
SELECT clone.store_create('reg', 'registry', '{"handle_prefix": "10378.1/"}');
SELECT clone.store_create('reg', 'registry', '{"handle_prefix": "10378.1", "person_link": "yes"}');
SELECT clone.store_create('reg', 'registry', '{"handle_prefix": "10378.1", "email": "yes"}');
SELECT clone.store_create('reg', 'registry', '{"handle_prefix": "10378.1", "grant_to": "app"}');
SELECT clone.store_create('reg', 'registry', '{"handle_prefix": "10378.1"}');
SELECT clone.store_create('reg2', 'registry', '{"handle_prefix": "10378.1"}');
-- Loading.
SELECT clone.registry_load('{"items": [{"id": "10378.1/1"}]}');
SELECT clone.registry_load('{"items": [{"id": "10378.1/1"}]}', options => '{"part": true}');
SELECT clone.registry_load('{"items": [{"id": "10378.1/1"}]}', options => '{"partial": true}');
SELECT clone.registry_load('{"items": [{"id": "10378.1/1"}]}', options => '{"partial": "yes"}');
SELECT clone.registry_load('{"items": [{"id": "10378.1/1"}], "collection": 7}');
SELECT clone.registry_load(:'bundle') \g /dev/null
SELECT clone.registry_load(:'bundle') \g /dev/null
SELECT clone.registry_load(:'bundle', 'other');
-- Edits.
SELECT item_clone('10378.1/102', '"x"', 'ada');
SELECT item_clone('10378.1/102', '[{"op": "remove", "path": "/nothing"}]', 'ada');
SELECT item_clone('10378.1/102', '[{"op": "replace", "path": "", "value": 1}]', 'ada');
SELECT item_clone('10378.1/102', '[1]', 'ada', options => '{"form": true}');
SELECT item_clone('10378.1/102', (SELECT jsonb_agg(jsonb_build_object('op', 'copy', 'from', '', 'path', '/copy' || n)) FROM generate_series(1, 40) n), 'ada');
SELECT item_clone('10378.1/102', jsonb_build_object('description', repeat('x', 17000000)), 'ada');
SELECT item_clone('10378.1/102', ('{"user_metadata": ' || repeat('[', 150) || repeat(']', 150) || '}')::jsonb, 'ada');
SELECT items_clone('{10378.1/100,10378.1/101}', '[1]', 'ada');
SELECT items_clone('{10378.1/100,10378.1/101}', '{"10378.1/102": {}}', 'ada');
-- Arguments and options.
SELECT item_clone('[1]'::jsonb);
SELECT item_clone('{"item_id": 7}'::jsonb);
SELECT item_clone('{"item_id": "10378.1/100", "actor": 7}'::jsonb);
SELECT item_clone('{"item_id": "10378.1/100", "item_ids": ["10378.1/100"]}'::jsonb);
SELECT item_clone('10378.1/102', actor => '');
SELECT item_clone('10378.1/102', actor => 'ada', options => '[1]');
SELECT item_clone('10378.1/102', actor => 'ada', options => '{"access": "mine"}');
SELECT item_clone('10378.1/102', actor => 'ada', options => '{"from_history": 7}');
SELECT item_clone('10378.1/102', actor => 'ada', options => '{"etag": "\"stale\""}');
SELECT item_clone('10378.1/102', actor => 'ada', options => '{"include": ["PERSON"]}');
SELECT item_clone('10378.1/108', actor => 'ada');
SELECT item_clone('10378.1/112', actor => 'ada');
SELECT items_clone('{10378.1/100}', '{"10378.1/100": {}}', 'ada', options => '{"include": ["HUMAN"]}');
SELECT item_clone('10378.1/100', actor => 'ada', options => '{"idempotency_key": "form-1"}')->>'display_name' AS name;
SELECT item_clone('10378.1/102', actor => 'ada', options => '{"idempotency_key": "form-1"}');
-- A collection.
INSERT INTO reg.collection (id, name) VALUES ('models', 'Models');
UPDATE reg.item SET collection_id = 'models' WHERE id = '10378.1/102';
SELECT project_clone('models', options => '{"dangling": "null"}');
SELECT project_clone('models', options => '{"values": {"reg.item.display_name": "x"}}');
SELECT project_clone('models', options => '{"target": "10378.1/100"}');
SELECT project_clone('models', options => '{"target": "two words"}');
-- Rights.
UPDATE reg.item_auth SET general = '{}', groups = '{}', owner = 'eve' WHERE id = '10378.1/100';
SELECT item_clone('10378.1/100', actor => 'ada');
SELECT clone.store_alter('reg', '{"email": "require"}') \g /dev/null
SELECT item_clone('10378.1/102', actor => 'ada');
SELECT clone.store_alter('reg', '{"email": null, "person_link": "require"}') \g /dev/null
SELECT item_clone('10378.1/106', actor => 'zoe');
SELECT item_clone('10378.1/106', actor => 'ada', options => '{"files": true}');
SELECT clone.store_alter('reg', '{"person_link": null}') \g /dev/null
-- Subtypes that are not right.
UPDATE reg.subtype SET json_schema = '{"type": 7}' WHERE name = 'MODEL';
SELECT item_clone('10378.1/102', actor => 'ada');
UPDATE reg.subtype SET json_schema = '{}', checks = '[{"check": "nothing"}]' WHERE name = 'MODEL';
SELECT item_clone('10378.1/102', actor => 'ada');
-- A generator that gives nothing, a registry without tables, two registries.
CREATE FUNCTION reg.no_handle() RETURNS text LANGUAGE sql AS $$ SELECT NULL::text $$;
UPDATE clone.store SET options = options || '{"id_generator": "reg.no_handle()"}';
SELECT item_clone('10378.1/101', '{"ethics_approved": true}', 'ada');
SELECT clone.store_create('two', 'registry', '{"handle_prefix": "10378.2"}');
SELECT clone.registry_load('{"items": []}');
SELECT item_clone('10378.2/1', actor => 'ada');
DROP SCHEMA two CASCADE;
SELECT item_clone('10378.2/1', actor => 'ada', store => 'two');
