-- Values that were written past the server's checks, and a catalog that was changed by hand.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set acme a0000000-0000-4000-8000-000000000001
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
-- Bytes become a text or a document without a check.
CREATE CAST (bytea AS text) WITHOUT FUNCTION;
CREATE CAST (bytea AS jsonb) WITHOUT FUNCTION;
CREATE TABLE shop.page (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES shop.tenant, body text, extra jsonb);
INSERT INTO shop.page (tenant_id, body, extra) VALUES (:'acme', '{"a": 1}', '{"a": 2}');
\set ECHO all
SELECT clone.store_table('shop', 'shop.page', 'resource', project_column => 'tenant_id', document_column => 'body');
-- Texts that are not UTF-8: a key, and a value.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE shop.shipment SET code = '\x44ff'::bytea::text WHERE code = 'DHL-1';
SELECT project_clone(:'acme', name => 'Copy');
ROLLBACK;
BEGIN;
UPDATE shop.shipment SET carrier = '\x44ff'::bytea::text WHERE code = 'DHL-1';
SELECT clone.store_column('shop', 'shop.shipment', 'carrier', 'random');
SELECT project_clone(:'acme', name => 'Copy');
ROLLBACK;
-- Documents that cannot be read: as text, as jsonb, with a rule, with a declared reference.
UPDATE shop.page SET body = '{"a": ["a0000000-0000-4000-8000-000000000011" "b"]}';
SELECT project_clone(:'acme', name => 'Copy');
UPDATE shop.page SET body = '{}', extra = '\x0000ff0100'::bytea::jsonb;
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_table('shop', 'shop.page', 'resource', project_column => 'tenant_id', document_column => 'extra');
SELECT clone.rule('shop', 'page', '$.a', 'remove') > 0 AS added;
SELECT project_clone(:'acme', name => 'Copy');
DELETE FROM clone.store_rule;
SELECT clone.store_reference('shop', 'shop.page', 'extra', 'shop.orders', 'id', path => '$.order') > 0 AS declared;
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_remove_table('shop', 'shop.page');
-- The catalog.
UPDATE clone.store_relation SET version_path = '{{a},{b}}' WHERE relation = 'shop.customer'::regclass;
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_table('shop', 'shop.customer', 'resource', project_column => 'tenant_id');
INSERT INTO clone.store_rule (store, resource_type, path, action, value) VALUES ('shop', 'customer', '$.a', 'remove', '1') RETURNING id > 0 AS added;
SELECT project_clone(:'acme', name => 'Copy');
UPDATE clone.store_rule SET action = 'set', value = NULL;
SELECT project_clone(:'acme', name => 'Copy');
UPDATE clone.store_rule SET action = 'rename', value = '7';
SELECT project_clone(:'acme', name => 'Copy');
UPDATE clone.store_rule SET action = 'regenerate', value = '"word"';
SELECT project_clone(:'acme', name => 'Copy');
UPDATE clone.store_rule SET action = 'set', value = '"{id}"';
SELECT project_clone(:'acme', name => 'Copy');
DELETE FROM clone.store_rule;
UPDATE clone.store_relation SET parents = '{shop.orders}', project_column = NULL, join_column = 'id' WHERE relation = 'shop.orders'::regclass;
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_table('shop', 'shop.orders', 'resource', project_column => 'tenant_id');
SELECT clone.store_reference('shop', 'shop.customer', 'profile', 'shop.product', 'id', path => '$.id') > 0 AS declared;
SELECT project_clone(:'acme', name => 'Copy') ->> 'id' AS copy \gset
UPDATE clone.store_reference SET path = '$.[';
SELECT * FROM project_clone_verify(:'copy');
