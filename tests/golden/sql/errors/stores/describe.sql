-- Errors of the functions that describe a store.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
CREATE TABLE shop.label (id int, tenant_id uuid REFERENCES shop.tenant, text text, kind int, tags int4range[], place point);
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.tenant (id int PRIMARY KEY);
\set ECHO all
-- Stores.
SELECT clone.store_create('other', 'custom', '[]');
SELECT clone.store_create('other', 'custom', '{"blobs": "s3://key:secret@bucket"}');
SELECT clone.store_create('other', 'custom', '{"cache": "redis://user:secret@localhost"}');
SELECT clone.store_create('other', 'discover');
SELECT clone.store_create('other', 'discover', '{"tenant": "nothing"}');
SELECT clone.store_create('other', 'discover', '{"tenant": "Customer"}');
SELECT clone.store_create('other', 'discover', '{"tenant": "tenant"}');
SELECT clone.store_alter('shop', '[]');
SELECT clone.store_alter('shop', '{"schema": "elsewhere"}');
SELECT clone.store_alter('shop', '{"blobs": 7}');
SELECT clone.store_alter('shop', '{"blobs": "s3://key:secret@bucket"}');
SELECT clone.store_import('{}');
SELECT clone.store_import('{"format": 1, "name": "copy", "tables": [{"table": "shop.nothing", "role": "project"}]}');
-- Tables.
SELECT clone.store_table('shop', 'shop.tenant', 'project', cloned => false);
SELECT clone.store_table('shop', 'shop.product', 'resource', project_column => 'tenant_id', blob_key => 'files/{name}');
SELECT clone.store_table('shop', 'shop.label', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.label', 'derived');
SELECT clone.store_table('shop', 'shop.label', 'resource', id_column => 'id', project_column => 'tenant_id', columns => '{"kind": {"role": "map", "target": "nothing"}}');
SELECT clone.store_table('shop', 'shop.label', 'resource', id_column => 'id', project_column => 'tenant_id', live => 'nothing > 1');
SELECT clone.store_table('shop', 'shop.label', 'resource', id_column => 'id', project_column => 'tenant_id');
-- Columns.
SELECT clone.store_column('shop', 'shop.label', 'text', 'value');
SELECT clone.store_column('shop', 'shop.label', 'kind', 'value', value => 'many');
SELECT clone.store_column('shop', 'shop.label', 'kind', 'suffix');
SELECT clone.store_column('shop', 'shop.label', 'kind', 'expression', value => 'nothing + 1');
SELECT clone.store_column('shop', 'shop.label', 'place', 'large_object');
-- References and memberships.
SELECT clone.store_reference('shop', 'shop.product', 'sku', 'shop.label');
SELECT clone.store_reference('shop', 'shop.label', 'kind', 'elsewhere.tenant', path => '$.id');
SELECT clone.store_reference('shop', 'shop.label', 'tags', 'elsewhere.tenant');
SELECT clone.store_reference('shop', 'shop.label', 'place', 'elsewhere.tenant', separators => '/');
SELECT clone.store_reference('shop', 'shop.label', 'kind', 'elsewhere.tenant', condition => 'nothing = 1');
SELECT clone.store_reference('shop', 'shop.label', 'text', 'shop.category', type_column => 'kind');
SELECT clone.store_belongs('shop', 'shop.label', '{kind}', 'shop.category', '{id}', condition => 'nothing = 1');
SELECT clone.store_no_reference('shop', 'elsewhere.tenant', 'id');
SELECT clone.store_no_reference('shop', 'shop.customer', 'profile', 'favourite');
-- Rules.
SELECT clone.rule('shop', 'customer', '$.note', 'set');
SELECT clone.rule('shop', 'customer', '$.note', 'remove', '1');
SELECT clone.rule('shop', 'customer', '$.note', 'rename', '7');
SELECT clone.rule('shop', 'customer', '$.note', 'regenerate', '"word"');
-- Hooks and presets.
CREATE FUNCTION shop.hook(text, jsonb) RETURNS text LANGUAGE sql AS $$ SELECT '' $$;
CREATE FUNCTION shop.done(text, bigint, jsonb) RETURNS text LANGUAGE sql AS $$ SELECT '' $$;
INSERT INTO clone.store_hook VALUES ('shop', 'check', 'shop.hook');
INSERT INTO clone.store_hook VALUES ('shop', 'check', 'shop.done(text, bigint, jsonb)');
INSERT INTO clone.store_hook VALUES ('shop', 'finish', 'shop.done(text, bigint, jsonb)');
INSERT INTO clone.store_hook VALUES ('shop', 'verify', 'shop.hook(text, jsonb)');
INSERT INTO clone.preset VALUES ('mine', 'shop.nothing(text, jsonb)');
INSERT INTO clone.store_hook VALUES ('shop', 'check', 'shop.hook(text, jsonb)');
DROP FUNCTION shop.hook(text, jsonb);
SELECT project_clone('a0000000-0000-4000-8000-000000000001');
DELETE FROM clone.store_hook;
-- Tables that changed after they were described.
ALTER TABLE shop.label RENAME TO labels;
CREATE TABLE shop.label (LIKE shop.labels);
SELECT clone.store_refresh('shop');
ALTER TABLE shop.label DROP COLUMN place;
SELECT project_clone('a0000000-0000-4000-8000-000000000001');
DROP TABLE shop.label;
SELECT clone.store_refresh('shop');
SELECT clone.store_remove_table('shop', 'shop.label');
-- A column that was renamed.
BEGIN;
ALTER TABLE shop.orders RENAME tenant_id TO owner;
SELECT severity, subject, question, answer FROM clone.store_check('shop');
ROLLBACK;
-- Files that wait.
SELECT clone.store_alter('shop', '{"blobs": "file:/srv/files"}') \g /dev/null
SELECT clone.store_table('shop', 'shop.product', 'resource', project_column => 'tenant_id', blob_key => 'files/{id}');
SELECT project_clone('a0000000-0000-4000-8000-000000000001', name => 'Copy')->>'name' AS name;
SELECT clone.store_drop('shop');
SELECT clone.store_drop('shop', force => true);
