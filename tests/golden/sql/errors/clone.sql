-- Errors of a clone over the user's own tables: arguments, options, keys, references, values.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set acme a0000000-0000-4000-8000-000000000001
\set bolt b0000000-0000-4000-8000-000000000001
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
\set ECHO all
-- Arguments and options.
SELECT project_clone(:'acme', '{"name": 7}'::jsonb);
SELECT project_clone(:'acme', owner => 'ada');
SELECT project_clone(:'acme', include_ids => '{3}');
SELECT project_clone(:'acme', options => '{"keep_ids": true}');
SELECT project_clone(:'acme', options => '{"target": "seventeen"}');
SELECT project_clone(:'acme', options => jsonb_build_object('target', :'bolt'));
SELECT project_clone(:'acme', options => '{"values": {"shop.tenant.nothing": "x"}}');
SELECT project_clone(:'acme', options => '{"values": {"shop.tenant.id": "a0000000-0000-4000-8000-000000000009"}}');
SELECT project_clone(:'acme', options => '{"values": {"shop.product.tenant_id": "a0000000-0000-4000-8000-000000000009"}}');
SELECT project_clone(:'acme', options => '{"values": {"shop.product.id": "a0000000-0000-4000-8000-000000000009"}}');
SELECT clone.store_column('shop', 'shop.product', 'tenant_id', 'keep');
SELECT project_clone(:'acme', options => '{"history": "most"}');
SELECT project_clone(:'acme', options => '{"source_tables": {"shop.tenant": "shop.source"}}');
CREATE TABLE shop.source (id uuid, name int);
SELECT project_clone(:'acme', options => '{"source_tables": {"shop.tenant": "shop.source"}}');
SELECT project_clone(:'acme', options => '{"source_tables": {"shop.nothing": "shop.source"}}');
DROP TABLE shop.source;
CREATE TABLE shop.source (LIKE shop.tenant);
INSERT INTO shop.source SELECT * FROM shop.tenant;
SELECT project_clone(:'acme', options => '{"source_tables": {"shop.tenant": "shop.source"}, "keep_ids": true}');
SELECT project_clone_verify(:'acme', sample => 0);
SELECT project_clone_verify(NULL);
-- A project in two stores.
SELECT clone.store_create('twin', 'custom');
SELECT project_clone(:'acme', store => 'twin');
SELECT clone.store_table('twin', 'shop.tenant', 'project');
SELECT project_clone(:'acme');
SELECT clone.store_drop('twin');
-- Values that must be unique.
ALTER TABLE shop.tenant ADD UNIQUE (slug);
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_column('shop', 'shop.tenant', 'slug', 'value', value => 'bolt');
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_column('shop', 'shop.tenant', 'slug', 'suffix');
ALTER TABLE shop.product ADD UNIQUE (sku);
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_column('shop', 'shop.product', 'sku', 'value', value => 'X');
SELECT project_clone(:'acme', name => 'Copy');
ALTER TABLE shop.product DROP CONSTRAINT product_sku_key;
SELECT clone.store_column('shop', 'shop.product', 'sku', 'keep');
-- Keys.
ALTER TABLE shop.orders ALTER id DROP DEFAULT;
DROP SEQUENCE shop.orders_id_seq;
SELECT project_clone(:'acme', name => 'Copy');
CREATE FUNCTION shop.new_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT 7::bigint $$;
ALTER TABLE shop.orders ALTER id SET DEFAULT shop.new_id();
SELECT project_clone(:'acme', name => 'Copy');
CREATE OR REPLACE FUNCTION shop.new_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT NULL::bigint $$;
SELECT project_clone(:'acme', name => 'Copy');
CREATE SEQUENCE shop.orders_id_seq OWNED BY shop.orders.id;
ALTER TABLE shop.orders ALTER id SET DEFAULT nextval('shop.orders_id_seq');
SELECT project_clone(:'acme', name => 'Copy');
SELECT setval('shop.orders_id_seq', 100);
-- References that would dangle.
CREATE TABLE shop.review (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES shop.tenant, product_id uuid NOT NULL REFERENCES shop.product);
INSERT INTO shop.review VALUES ('a0000000-0000-4000-8000-000000000081', :'acme', 'a0000000-0000-4000-8000-000000000021');
SELECT clone.store_table('shop', 'shop.review', 'resource', project_column => 'tenant_id');
SELECT project_clone(:'acme', name => 'Copy', resource_types => '{review}', options => '{"dangling": "null"}');
SELECT project_clone(:'acme', name => 'Copy', resource_types => '{review}', options => '{"dangling": "error"}');
SELECT clone.store_remove_table('shop', 'shop.review');
SELECT project_clone(:'acme', name => 'Copy') ->> 'slug' AS slug;
DROP TABLE shop.review;
-- A table that does not belong to a project.
UPDATE clone.store_relation SET project_column = NULL, parents = '{}', join_column = NULL WHERE relation = 'shop.product'::regclass;
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_table('shop', 'shop.product', 'resource', project_column => 'tenant_id');
-- Tables below and beside the described ones.
CREATE TABLE shop.special_order (discount int) INHERITS (shop.orders);
SELECT project_clone(:'acme', name => 'Copy');
DROP TABLE shop.special_order;
CREATE TABLE shop.team (id int PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant);
CREATE TABLE shop.task (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, team_id int REFERENCES shop.team);
INSERT INTO shop.team VALUES (1, :'acme');
INSERT INTO shop.task (team_id) VALUES (1);
SELECT clone.store_table('shop', 'shop.task', 'resource', parent => 'shop.team');
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_table('shop', 'shop.team', 'resource', project_column => 'tenant_id');
SELECT project_clone(:'acme', name => 'Copy', resource_types => '{task}');
DROP TABLE shop.task, shop.team;
SELECT clone.store_remove_table('shop', 'shop.task');
SELECT clone.store_remove_table('shop', 'shop.team');
-- Triggers that suppress rows, and triggers made by triggers.
CREATE FUNCTION shop.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER nothing BEFORE INSERT ON shop.shipment FOR EACH ROW EXECUTE FUNCTION shop.nothing();
SELECT project_clone(:'acme', name => 'Copy');
DROP TRIGGER nothing ON shop.shipment;
CREATE FUNCTION shop.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    CREATE TRIGGER nothing BEFORE INSERT ON shop.shipment FOR EACH ROW EXECUTE FUNCTION shop.nothing(); RETURN NEW; END $$;
CREATE TRIGGER meddle BEFORE INSERT ON shop.tenant FOR EACH ROW EXECUTE FUNCTION shop.meddle();
SELECT project_clone(:'acme', name => 'Copy');
DROP TRIGGER meddle ON shop.tenant;
-- Paths and rules that are not valid.
SELECT clone.rule('shop', 'customer', '$.[', 'remove') > 0 AS added;
SELECT clone.store_reference('shop', 'shop.customer', 'profile', 'shop.product', 'id', path => '$.[') > 0 AS declared;
-- Written into the catalog by hand.
INSERT INTO clone.store_rule (store, resource_type, path, action) VALUES ('shop', 'customer', '$.[', 'remove');
SELECT project_clone(:'acme', name => 'Copy');
DELETE FROM clone.store_rule;
SELECT clone.store_reference('shop', 'shop.customer', 'profile', 'shop.product', 'id', path => '$.id') > 0 AS declared;
UPDATE clone.store_reference SET path = '$.[';
SELECT project_clone(:'acme', name => 'Copy');
DELETE FROM clone.store_reference;
-- A document that is not JSON.
CREATE TABLE shop.page (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES shop.tenant, body text);
INSERT INTO shop.page (tenant_id, body) VALUES (:'acme', '{"a": ');
SELECT clone.store_table('shop', 'shop.page', 'resource', project_column => 'tenant_id', document_column => 'body');
SELECT clone.rule('shop', 'page', '$.a', 'remove') > 0 AS added;
SELECT project_clone(:'acme', name => 'Copy');
DROP TABLE shop.page;
SELECT clone.store_remove_table('shop', 'shop.page');
DELETE FROM clone.store_rule;
-- Verification after the clone.
CREATE FUNCTION shop.spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.product_id := 'a0000000-0000-4000-8000-000000000021'; RETURN NEW; END $$;
CREATE TRIGGER spoil BEFORE INSERT ON shop.order_item FOR EACH ROW EXECUTE FUNCTION shop.spoil();
SELECT project_clone(:'acme', name => 'Copy');
SELECT project_clone(:'acme', name => 'Copy', options => '{"verify": true, "triggers": "fire"}');
DROP TRIGGER spoil ON shop.order_item;
SELECT project_clone(:'acme', name => 'Copy', options => '{"verify": true}')->>'name' AS name;
-- A trigger that gives the new project another key.
CREATE FUNCTION shop.other_key() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 'a0000000-0000-4000-8000-000000000099'; RETURN NEW; END $$;
CREATE TRIGGER other_key BEFORE INSERT ON shop.tenant FOR EACH ROW EXECUTE FUNCTION shop.other_key();
SELECT project_clone(:'acme', name => 'Copy', options => '{"triggers": "fire", "target": "a0000000-0000-4000-8000-000000000098"}');
DROP TRIGGER other_key ON shop.tenant;
