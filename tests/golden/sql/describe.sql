-- The functions that describe a store over the user's own tables, and what they refuse.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
\set ECHO all
-- Columns, references, memberships, rules.
SELECT clone.store_column('shop', 'shop.tenant', 'slug', 'suffix');
SELECT clone.store_reference('shop', 'shop.customer', 'profile', 'shop.product', 'id', path => '$.favourite.id') > 0 AS declared;
SELECT clone.store_belongs('shop', 'shop.order_item', '{order_id}', 'shop.orders', '{id}') > 0 AS declared;
SELECT clone.store_no_reference('shop', 'shop.shipment', 'carrier');
CREATE TABLE shop.note (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES shop.tenant, about_type text NOT NULL, about_id uuid NOT NULL);
INSERT INTO shop.note VALUES ('a0000000-0000-4000-8000-000000000091', 'a0000000-0000-4000-8000-000000000001', 'product', 'a0000000-0000-4000-8000-000000000021');
SELECT clone.store_table('shop', 'shop.note', 'resource', project_column => 'tenant_id');
SELECT clone.store_polymorphic('shop', 'shop.note', 'about_id', 'about_type') AS declared;
SELECT clone.rule('shop', 'customer', '$.note', 'set', '"hidden"') > 0 AS added;
SELECT clone.preserve_ids('shop', 'customer');
SELECT severity, subject, question, answer FROM clone.store_check('shop') ORDER BY severity, subject, question;
-- One table is taken out, and described as shared.
SELECT clone.store_remove_table('shop', 'shop.shipment');
SELECT clone.store_shared('shop', 'shop.shipment', 'carriers are the same for all');
SELECT severity, subject, question, answer FROM clone.store_check('shop') ORDER BY severity, subject, question;
SELECT clone.store_refresh('shop');
SELECT clone.store_alter('shop', '{"blobs": "file:/srv/files"}');
-- The description as a document, and back.
SELECT jsonb_array_length(clone.store_export('shop')->'tables') AS tables;
SELECT clone.store_export('shop') AS description \gset
SELECT clone.store_import(:'description', 'copy');
SELECT clone.store_export('copy')->'tables' = clone.store_export('shop')->'tables' AS same;
SELECT clone.store_drop('copy');
SELECT jsonb_array_length(clone.store_discover('shop.tenant')->'tables') AS found;
-- What is refused.
SELECT clone.store_create('1st', 'custom');
SELECT clone.store_create('shop', 'custom');
SELECT clone.store_create('other', 'custm');
SELECT clone.store_create('other', 'custom', '{"blob": "file:/x"}');
SELECT clone.store_table('nowhere', 'shop.tenant', 'project');
SELECT clone.store_table('shop', 'shop.nothing', 'project');
SELECT clone.store_table('shop', 'shop.tenant', 'tenant');
SELECT clone.store_table('shop', 'shop.shipment', 'resource', project_column => 'nothing');
SELECT clone.store_column('shop', 'shop.tenant', 'nothing', 'keep');
SELECT clone.store_column('shop', 'shop.tenant', 'slgu', 'keep');
SELECT clone.store_column('shop', 'shop.tenant', 'slug', 'keeep');
SELECT clone.store_column('shop', 'shop.tenant', 'slug', 'template', value => '{vaule}-{n}');
SELECT clone.store_column('shop', 'shop.tenant', 'created_at', 'map');
SELECT clone.store_column('shop', 'pg_class', 'relname', 'keep');
SELECT clone.store_reference('shop', 'shop.customer', 'nothing', 'shop.product', 'id');
SELECT clone.store_reference('shop', 'shop.customer', 'profile', 'shop.product', 'id', path => 'favourite');
SELECT clone.store_belongs('shop', 'shop.order_item', '{order_id}', 'shop.orders', '{id,number}');
SELECT clone.store_no_reference('shop', 'shop.tenant', 'nothing');
SELECT clone.store_polymorphic('shop', 'shop.note', 'about_id', 'nothing');
SELECT clone.rule('shop', 'customer', '$.note', 'hide');
SELECT clone.rule('shop', 'product', '$.note', 'remove');
SELECT clone.preserve_ids('nowhere', 'customer');
SELECT clone.store_check('nowhere');
SELECT clone.store_remove_table('shop', 'shop.nothing');
SELECT clone.store_refresh('nowhere');
SELECT clone.store_alter('shop', '{"blobz": "file:/srv/files"}');
SELECT clone.store_export('nowhere');
SELECT clone.store_import('{"tables": []}', 'copy');
SELECT clone.store_drop('nowhere');
-- Columns that were renamed, added or dropped.
BEGIN;
SELECT clone.store_column('shop', 'shop.tenant', 'slug', 'template', value => 'copy-{n}');
ALTER TABLE shop.tenant RENAME slug TO short_name;
ALTER TABLE shop.tenant ADD motto text;
SAVEPOINT before;
SELECT clone.store_column('shop', 'shop.tenant', 'motto', 'keep');
ROLLBACK TO before;
SELECT clone.store_refresh('shop');
SELECT name, role, value, reason FROM clone.store_column WHERE store = 'shop' AND relation = 'shop.tenant'::regclass AND name IN ('slug', 'short_name', 'motto') ORDER BY name;
ALTER TABLE shop.tenant DROP short_name;
SELECT clone.store_refresh('shop');
ROLLBACK;
