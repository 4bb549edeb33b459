-- Items of a registry: loaded, cloned alone and as a set, exported.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set bundle `cat tests/golden/registry_items.json`
\set ECHO all
SELECT clone.store_create('reg', 'registry', '{"handle_prefix": "10378.1"}');
SELECT status, count(*) FROM clone.registry_load_check(:'bundle') GROUP BY status;
SELECT clone.registry_load(:'bundle');
SELECT subtype, cloneable, allowed, reason FROM clone.registry_cloneable('ada') ORDER BY subtype;
SELECT item_can_clone('10378.1/102', 'ada');
-- A draft, a check, a clone.
SELECT string_agg(member, ', ' ORDER BY member) AS members FROM jsonb_object_keys(item_clone_draft('10378.1/102', 'ada')) AS member;
SELECT checked->'valid' AS valid, checked->'problems' AS problems FROM item_clone_check('10378.1/102', '{"name": null}', 'ada') AS checked;
SELECT item->>'display_name' AS name, item->>'item_subtype' AS subtype, item->>'owner_username' AS owner
FROM item_clone('10378.1/102', '{"display_name": "A model of our own"}', 'ada') AS item;
SELECT item->>'display_name' AS name FROM item_clone('{"item_id": "10378.1/100", "actor": "ada"}'::jsonb) AS item;
SELECT item->>'display_name' AS name FROM item_clone('{"item_id": "10378.1/100", "actor": "ada"}'::json) AS item;
-- A set.
SELECT checked->'valid' AS valid FROM items_clone_check('{10378.1/100,10378.1/101}', actor => 'ada') AS checked;
SELECT item->>'display_name' AS name, item->>'item_subtype' AS subtype FROM items_clone('{10378.1/100,10378.1/101}', '{"10378.1/101": {"ethics_approved": true}}', 'ada') AS item;
SELECT source, source_name, cloned_by FROM clone.item_origin ORDER BY source, item;
SELECT jsonb_array_length(clone.registry_export('{10378.1/100,10378.1/102}')->'items') AS items;
CREATE ROLE curator;
SELECT clone.registry_grant('reg', 'curator');
DROP OWNED BY curator;
DROP ROLE curator;
-- What is refused.
SELECT item_clone('10378.1/999', actor => 'ada');
SELECT item_clone('10378.1/102', actor => 'mallory');
SELECT item_clone(NULL, actor => 'ada');
SELECT item_clone('10378.1/102', '[1]', 'ada');
SELECT item_clone('10378.1/102', '{"id": "10378.1/1"}', 'ada');
SELECT item_clone('10378.1/102', '{"name": null}', 'ada');
SELECT item_clone('10378.1/102', actor => 'ada', options => '{"file": true}');
SELECT item_clone('10378.1/102', actor => 'ada', store => 'rex');
SELECT item_clone('{"item": "10378.1/100"}'::jsonb);
SELECT items_clone('{10378.1/100,10378.1/101}', actor => 'ada');
SELECT items_clone('{10378.1/100,NULL}', actor => 'ada');
SELECT clone.registry_load('{"items": 1}');
SELECT clone.registry_load('{}');
SELECT clone.registry_export('{10378.1/999}');
SELECT clone.registry_grant('reg', 'nobody');
SELECT clone.store_create('reg2', 'registry');
