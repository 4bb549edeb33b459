-- Errors of tables and options that no clone can be made from.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.tenant (id int, name text);
CREATE ROLE golden_reader;
\set ACME '''a0000000-0000-4000-8000-000000000001'''
\set ECHO all
-- Names of tables and keys.
SELECT clone.store_create('other', 'discover', '{"tenant": "tenant"}');
SELECT clone.store_reference('shop', 'shop.product', 'price', 'elsewhere.tenant');
-- Options of the store.
SELECT clone.store_alter('shop', '{"text_keys": "sometimes"}');
SELECT clone.store_alter('shop', '{"id_paths": ["**.externalUrl"]}');
SELECT clone.store_alter('shop', '{"id_paths": {"keep": ["**.externalUrl"]}}');
SELECT clone.store_alter('shop', '{"id_paths": {"kept": "**.externalUrl"}}');
SELECT clone.store_alter('shop', '{"id_paths": {"kept": [1]}}');
SELECT clone.store_create('other', 'custom', '{"id_paths": true}');
SELECT clone.store_create('other', 'custom', '{"blobs": 5}');
SELECT clone.store_alter('shop', '{"id_paths": {"whole": ["a..b"]}}');
SELECT count(*) FROM project_clone_plan(:ACME);
SELECT clone.store_alter('shop', '{"id_paths": null}');
-- Children that the store does not describe.
CREATE TABLE elsewhere.customer () INHERITS (shop.customer);
SELECT count(*) FROM project_clone_plan(:ACME);
DROP TABLE elsewhere.customer;
-- A project that names a schema.
ALTER TABLE shop.tenant ADD schema_name text;
UPDATE shop.tenant SET schema_name = 'elsewhere';
SELECT clone.store_refresh('shop') \g /dev/null
SELECT count(*) FROM project_clone_plan(:ACME);
ALTER TABLE shop.tenant DROP schema_name;
SELECT clone.store_refresh('shop') \g /dev/null
-- A view over a table with row-level security.
CREATE TABLE elsewhere.note (id uuid PRIMARY KEY, tenant_id uuid NOT NULL);
ALTER TABLE elsewhere.note ENABLE ROW LEVEL SECURITY;
CREATE VIEW shop.note WITH (security_invoker) AS SELECT * FROM elsewhere.note;
SELECT clone.store_table('shop', 'shop.note', 'resource', id_column => 'id', project_column => 'tenant_id');
SELECT clone.allow('golden_reader') \g /dev/null
GRANT USAGE ON SCHEMA shop, elsewhere TO golden_reader;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA shop, elsewhere TO golden_reader;
SET ROLE golden_reader;
SELECT count(*) FROM project_clone_plan(:ACME);
RESET ROLE;
DROP OWNED BY golden_reader;
DROP ROLE golden_reader;
-- Tables of the extension itself.
SELECT clone.store_table('shop', 'clone.run', 'resource', project_column => 'target_project');
SELECT clone.store_table('shop', 'clone.job_queue', 'derived', parent => 'shop.tenant', join_column => 'source_project');
SELECT clone.store_reference('shop', 'shop.product', 'price', 'clone.run');
-- Versions with numbers or texts of their own as keys.
CREATE TABLE shop.customer_version (number bigserial PRIMARY KEY, id uuid NOT NULL, name text);
SELECT clone.store_table('shop', 'shop.customer_version', 'history', parent => 'shop.customer', join_column => 'id');
CREATE TABLE shop.customer_text_version (code text PRIMARY KEY, id uuid NOT NULL, name text);
SELECT clone.store_table('shop', 'shop.customer_text_version', 'history', parent => 'shop.customer', join_column => 'id');
DROP TABLE shop.customer_version, shop.customer_text_version;
