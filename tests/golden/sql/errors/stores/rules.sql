-- Errors of rules, of paths of id fields, and of descriptions.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set acme a0000000-0000-4000-8000-000000000001
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
\set ECHO all
-- Placeholders and braces.
SELECT clone.rule('shop', 'customer', '$.note', 'set', '"{"');
SELECT clone.rule('shop', 'customer', '$.note', 'set', '"}"');
SELECT clone.rule('shop', 'customer', '$.note', 'set', '"{id}"');
SELECT clone.rule('shop', 'customer', '$.note', 'set', '"{name}"');
SELECT clone.rule('shop', 'customer', '$.note', 'set', '"{{{name}}}"', if_given => 'name') > 0 AS added;
-- Paths of id fields.
SELECT clone.store_alter('shop', '{"id_paths": {"kept": ["a*b"]}}') \g /dev/null
SELECT count(*) FROM project_clone_plan(:'acme');
SELECT clone.store_alter('shop', '{"id_paths": {"kept": ["a[0]"]}}') \g /dev/null
SELECT count(*) FROM project_clone_plan(:'acme');
SELECT clone.store_alter('shop', '{"id_paths": {"kept": ["\"a"]}}') \g /dev/null
SELECT count(*) FROM project_clone_plan(:'acme');
SELECT clone.store_alter('shop', '{"id_paths": {"kept": ["a[].\"b*\""]}}') \g /dev/null
SELECT count(*) > 0 AS planned FROM project_clone_plan(:'acme');
-- Descriptions.
SELECT clone.store_import(('{"format": 1, "tables": ' || repeat('[', 200) || repeat(']', 200) || '}')::jsonb);
SELECT clone.store_import('{"format": 1, "name": "copy", "tables": [{"table": "shop.tenant", "role": "projekt"}]}');
SELECT clone.store_import('{"format": 1, "name": "copy", "tabels": [], "tables": []}');
-- Arguments.
SELECT clone.store_reference('shop', NULL, 'profile', 'shop.product');
SELECT clone.store_reference('shop', 'shop.customer', NULL, 'shop.product');
SELECT clone.store_belongs('shop', 'shop.order_item', NULL, 'shop.orders', '{id}');
SELECT clone.store_belongs('shop', 'shop.order_item', '{product_id}', 'shop.orders', '{id}');
-- Values of actions.
SELECT clone.rule('shop', 'customer', '$.note', 'regenerate', '{"hex": -1}');
SELECT clone.rule('shop', 'customer', '$.note', 'regenerate', '{"hex": 1000000000}');
SELECT clone.rule('shop', 'customer', '$.note', 'regenerate', '{"hex": 1.5}');
SELECT clone.rule('shop', 'customer', '$.note', 'regenerate', '{"hex": 8, "x": 1}');
SELECT clone.rule('shop', 'customer', '$.note', 'set');
SELECT clone.rule('shop', 'customer', '$.note', 'set', 'null') > 0 AS added;
SELECT clone.rule('shop', 'customer', '$.note', 'set', '{"a": null}') > 0 AS added;
SELECT r->'value' AS value FROM jsonb_array_elements(clone.store_export('shop')->'rules') r WHERE r->>'path' = '$.note' AND NOT r ? 'if_given';
SELECT clone.store_import(clone.store_export('shop'), 'copy');
SELECT value FROM clone.store_rule WHERE store = 'copy' AND if_given IS NULL;
SELECT clone.store_drop('copy');
