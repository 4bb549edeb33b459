-- Errors of the arguments with which a store is described.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
CREATE TABLE shop.label (tenant_id uuid REFERENCES shop.tenant, up int, text text, kinds int[]);
CREATE TABLE shop.part (tenant_id uuid NOT NULL, number int NOT NULL, PRIMARY KEY (tenant_id, number));
CREATE MATERIALIZED VIEW shop.report AS SELECT * FROM shop.orders;
CREATE TEMPORARY TABLE draft (id int PRIMARY KEY, tenant_id uuid);
\set ECHO all
BEGIN READ ONLY;
SELECT clone.store_drop('shop');
ROLLBACK;
-- Tables.
SELECT clone.store_table('shop', 1::oid, 'resource');
SELECT clone.store_table('shop', 'pg_catalog.pg_class', 'resource');
SELECT clone.store_table('shop', 'draft', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.report', 'resource', id_column => 'id', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.label', 'resource', project_column => 'tenant_id', columns => '[]');
SELECT clone.store_table('shop', 'shop.label', 'resource', project_column => 'tenant_id', version_path => '{{a},{b}}');
SELECT clone.store_table('shop', 'shop.part', 'project', id_column => 'number');
SELECT clone.store_shared('shop', 'shop.product');
-- Options.
SELECT clone.store_alter('shop', '{"cache_key": "{kind}/{id}"}');
SELECT clone.store_create('other', 'discover', '{"tenant": "shop.tenant", "schemas": ["shop", "nowhere"]}');
SELECT clone.registry_grant('shop', 'app');
-- References and memberships.
SELECT clone.store_reference('shop', 'shop.customer', 'profile', 'shop.product');
SELECT clone.store_reference('shop', 'shop.label', 'kinds', 'shop.category') > 0 AS declared;
SELECT clone.store_reference('shop', 'shop.label', 'kinds', 'shop.orders');
SELECT clone.store_belongs('shop', 'shop.tenant', '{id}', 'shop.tenant', '{id}');
SELECT clone.store_belongs('shop', 'shop.label', '{up}', 'shop.label', '{up}');
-- Rules and preserved ids.
SELECT clone.rule('shop', 'supplier', '$.note', 'remove');
SELECT clone.rule('shop', 'customer', '$.note', 'set', '"x"', if_given => 'tenant');
SELECT clone.rule('shop', 'customer', '$.note', 'set', '"x"', columns => '{nothing}');
SELECT clone.rule('shop', 'customer', '$', 'remove');
SELECT clone.rule('shop', 'customer', '$.note', 'rename', '"text"', columns => '{email}');
SELECT clone.rule('shop', 'customer', '$.notes[*]', 'regenerate', '"uuid"', columns => '{email}');
SELECT clone.preserve_ids('shop', 'customer', needs => '{{a},{b}}');
-- Descriptions.
SELECT clone.store_import('{"format": 1, "name": "copy", "preset": "nothing", "tables": []}');
SELECT clone.store_import('{"format": 1, "name": "copy", "tables": [{"table": "shop.tenant", "role": "project"}, {"table": "shop.tenant", "role": "project"}]}');
SELECT clone.store_import('{"format": 1, "name": "copy", "tables": [{"table": "shop.tenant", "role": "project"}],
    "references": [{"table": "shop.customer", "column": "profile", "target": "shop.product", "target_column": "id", "form": "json"}]}');
