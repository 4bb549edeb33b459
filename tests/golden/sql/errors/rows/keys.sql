-- Keys that a clone cannot give or follow, and filters that rows do not follow.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set acme a0000000-0000-4000-8000-000000000001
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
CREATE SCHEMA elsewhere;
CREATE FUNCTION elsewhere.half() RETURNS numeric LANGUAGE sql VOLATILE AS $$ SELECT 0.5 $$;
\set ECHO all
-- A new key that a column that refers to it cannot hold.
CREATE TABLE shop.slot (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant, up smallint REFERENCES shop.slot);
INSERT INTO shop.slot (tenant_id, up) VALUES (:'acme', 1);
SELECT clone.store_table('shop', 'shop.slot', 'resource', project_column => 'tenant_id');
SELECT setval('shop.slot_id_seq', 40000) \g /dev/null
SELECT project_clone(:'acme', name => 'Copy');
ALTER TABLE shop.slot ALTER up TYPE int;
SELECT clone.store_refresh('shop');
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
CREATE TABLE shop.step (id numeric PRIMARY KEY DEFAULT elsewhere.half(), tenant_id uuid REFERENCES shop.tenant, up int REFERENCES shop.step);
INSERT INTO shop.step VALUES (1, :'acme', 1);
SELECT clone.store_table('shop', 'shop.step', 'resource', project_column => 'tenant_id');
SELECT project_clone(:'acme', name => 'Copy');
CREATE SEQUENCE shop.step_number START 1000;
ALTER TABLE shop.step ALTER id SET DEFAULT nextval('shop.step_number');
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
-- A column that holds the keys of two tables, whose rows get different new keys: by foreign keys, and as it was declared.
CREATE TABLE shop.shelf (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant);
CREATE TABLE shop.box (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant);
CREATE TABLE shop.thing (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant,
    place int CONSTRAINT in_box REFERENCES shop.box CONSTRAINT in_shelf REFERENCES shop.shelf);
SELECT clone.store_table('shop', t, 'resource', project_column => 'tenant_id') FROM unnest('{shop.shelf,shop.box,shop.thing}'::regclass[]) t;
INSERT INTO shop.shelf (tenant_id) VALUES (:'acme');
INSERT INTO shop.box (tenant_id) VALUES (:'acme');
INSERT INTO shop.thing (tenant_id, place) VALUES (:'acme', 1);
SELECT project_clone(:'acme', name => 'Copy');
ALTER TABLE shop.box ADD CONSTRAINT is_shelf FOREIGN KEY (id) REFERENCES shop.shelf;
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
ALTER TABLE shop.box DROP CONSTRAINT is_shelf;
SELECT setval('shop.box_id_seq', 2) \g /dev/null
ALTER TABLE shop.thing DROP CONSTRAINT in_box, DROP CONSTRAINT in_shelf;
SELECT clone.store_refresh('shop');
SELECT clone.store_reference('shop', 'shop.thing', 'place', 'shop.box') > 0 AS declared;
SELECT clone.store_reference('shop', 'shop.thing', 'place', 'shop.shelf') > 0 AS declared;
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_no_reference('shop', 'shop.thing', 'place');
SELECT clone.store_reference('shop', 'shop.thing', 'place', 'shop.box', condition => 'id = 1') > 0 AS declared;
SELECT clone.store_reference('shop', 'shop.thing', 'place', 'shop.shelf', condition => 'id > 1') > 0 AS declared;
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
-- A row names its parent by a value that is equal and looks different.
CREATE TABLE shop.span (length interval PRIMARY KEY DEFAULT random() * interval '1 year', tenant_id uuid REFERENCES shop.tenant);
CREATE TABLE shop.part (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, length interval REFERENCES shop.span);
INSERT INTO shop.span VALUES ('1 day', :'acme');
INSERT INTO shop.part (length) VALUES ('24 hours');
SELECT clone.store_table('shop', 'shop.span', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.part', 'derived', parent => 'shop.span');
SELECT project_clone(:'acme', name => 'Copy');
UPDATE shop.part SET length = '1 day';
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
DROP TABLE shop.part, shop.span;
SELECT clone.store_remove_table('shop', 'shop.part'), clone.store_remove_table('shop', 'shop.span');
-- A key under a collation that finds different texts equal.
CREATE COLLATION elsewhere.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE shop.word (word text COLLATE elsewhere.any_case PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant);
CREATE TABLE shop.use (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word text COLLATE elsewhere.any_case REFERENCES shop.word);
SELECT clone.store_table('shop', 'shop.word', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.use', 'derived', parent => 'shop.word');
SELECT project_clone(:'acme', name => 'Copy');
DROP TABLE shop.use, shop.word;
SELECT clone.store_remove_table('shop', 'shop.use'), clone.store_remove_table('shop', 'shop.word');
-- Rows that belong through rows of their own table.
CREATE TABLE shop.node (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid, up int);
SELECT clone.store_table('shop', 'shop.node', 'derived', parent => 'shop.tenant', join_column => 'tenant_id');
SELECT clone.store_belongs('shop', 'shop.node', '{up}', 'shop.node', '{id}') > 0 AS declared;
INSERT INTO shop.node (tenant_id, up) VALUES (:'acme', NULL), (NULL, 1);
SELECT project_clone(:'acme', name => 'Copy', exclude_ids => '{a0000000-0000-4000-8000-000000000011}');
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
SELECT clone.store_remove_table('shop', 'shop.node');
-- References whose rows are of a type that nobody declared, and texts of which none is left.
CREATE TABLE shop.remark (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES shop.tenant, kind text, about int, code text UNIQUE);
INSERT INTO shop.remark (tenant_id, kind, about) VALUES (:'acme', 'order', 1), (:'acme', 'invoice', 7);
SELECT clone.store_table('shop', 'shop.remark', 'resource', project_column => 'tenant_id');
SELECT clone.store_reference('shop', 'shop.remark', 'about', 'shop.orders', type_column => 'kind', type_values => '{order}') > 0 AS declared;
SELECT project_clone(:'acme', name => 'Copy');
DELETE FROM shop.remark WHERE kind = 'invoice';
UPDATE shop.remark SET code = '7';
INSERT INTO shop.remark (tenant_id, code) SELECT 'b0000000-0000-4000-8000-000000000001', n FROM generate_series(0, 9) n WHERE n <> 7;
SELECT clone.store_column('shop', 'shop.remark', 'code', 'random');
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_column('shop', 'shop.remark', 'code', 'suffix');
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
-- A sequence that begins again where its first values are keys.
CREATE TABLE shop.seat (id int PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant);
CREATE SEQUENCE shop.seat_number MAXVALUE 4 CYCLE OWNED BY shop.seat.id;
ALTER TABLE shop.seat ALTER id SET DEFAULT nextval('shop.seat_number');
INSERT INTO shop.seat (tenant_id) VALUES (:'acme'), (:'acme'), (:'acme');
SELECT clone.store_table('shop', 'shop.seat', 'resource', project_column => 'tenant_id');
SELECT project_clone(:'acme', name => 'Copy');
ALTER TABLE shop.seat ALTER COLUMN "id" TYPE bigint;
ALTER SEQUENCE shop.seat_number AS bigint NO MAXVALUE;
ALTER SEQUENCE shop.seat_number NO CYCLE;
SELECT clone.store_refresh('shop');
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
-- A generated column that is a key.
CREATE TABLE shop.code (id uuid PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant, letters text, code text GENERATED ALWAYS AS (upper(letters)) STORED UNIQUE);
CREATE TABLE shop.label (id uuid PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant, code text REFERENCES shop.code (code));
INSERT INTO shop.code VALUES ('a0000000-0000-4000-8000-000000000081', :'acme', 'a');
INSERT INTO shop.label VALUES ('a0000000-0000-4000-8000-000000000082', :'acme', 'A');
SELECT clone.store_table('shop', t, 'resource', project_column => 'tenant_id') FROM unnest('{shop.code,shop.label}'::regclass[]) t;
SELECT project_clone(:'acme', name => 'Copy');
ALTER TABLE shop.label DROP CONSTRAINT label_code_fkey;
ALTER TABLE shop.code DROP CONSTRAINT code_code_key, ADD UNIQUE (tenant_id, code);
ALTER TABLE shop.label ADD FOREIGN KEY (tenant_id, code) REFERENCES shop.code (tenant_id, code);
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
DROP TABLE shop.label, shop.code;
SELECT clone.store_remove_table('shop', 'shop.code'), clone.store_remove_table('shop', 'shop.label');
-- Rows that belong by a table that was dropped.
CREATE TABLE shop.team (id uuid PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant);
CREATE TABLE shop.task (id uuid PRIMARY KEY, team_id uuid);
SELECT clone.store_table('shop', 'shop.team', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.task', 'derived', parent => 'shop.team', join_column => 'team_id');
DROP TABLE shop.team;
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_remove_table('shop', 'shop.team');
SELECT project_clone(:'acme', name => 'Copy');
SELECT clone.store_remove_table('shop', 'shop.task');
SELECT project_clone(:'acme', name => 'Copy') ->> 'name' AS name;
-- Large objects of another database.
SELECT lo_create(0) AS object \gset
CREATE TABLE shop.scan (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES shop.tenant, image oid);
INSERT INTO shop.scan VALUES ('a0000000-0000-4000-8000-000000000091', :'acme', :object);
SELECT clone.store_table('shop', 'shop.scan', 'resource', project_column => 'tenant_id', columns => '{"image": "large_object"}');
CREATE TABLE elsewhere.tenant AS SELECT * FROM shop.tenant WHERE id = :'acme';
CREATE TABLE elsewhere.scan AS SELECT * FROM shop.scan;
SELECT project_clone(:'acme', name => 'Copy', options => '{"source_tables": {"shop.tenant": "elsewhere.tenant", "shop.scan": "elsewhere.scan"}}');
SELECT clone.store_column('shop', 'shop.scan', 'image', 'null');
SELECT project_clone(:'acme', options => '{"source_tables": {"shop.tenant": "elsewhere.tenant", "shop.scan": "elsewhere.scan"}}') ->> 'name' AS name;
-- Names of members of an object that are keys, of which one has the new key of another as its name.
CREATE TABLE shop.room (id int GENERATED BY DEFAULT AS IDENTITY (START 41) PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant);
CREATE TABLE shop.house (id uuid PRIMARY KEY, tenant_id uuid REFERENCES shop.tenant, rooms jsonb);
INSERT INTO shop.room VALUES (2, :'acme');
INSERT INTO shop.house VALUES ('a0000000-0000-4000-8000-0000000000a1', :'acme', '{"2": "kitchen", "41": "unknown"}');
SELECT clone.store_table('shop', t, 'resource', project_column => 'tenant_id') FROM unnest('{shop.room,shop.house}'::regclass[]) t;
SELECT clone.store_reference('shop', 'shop.house', 'rooms', 'shop.room', path => '$.*~') > 0 AS declared;
SELECT project_clone(:'acme', name => 'Copy');
