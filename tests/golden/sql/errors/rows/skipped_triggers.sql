-- options.triggers = skip: who may leave triggers out, and where they cannot be left out.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set acme a0000000-0000-4000-8000-000000000001
\set skip '{"triggers": "skip"}'
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
CREATE FUNCTION shop.pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER pass BEFORE INSERT ON shop.shipment FOR EACH ROW EXECUTE FUNCTION shop.pass();
DROP ROLE IF EXISTS skips;
CREATE ROLE skips;
SELECT clone.allow('skips');
GRANT USAGE ON SCHEMA shop TO skips;
GRANT ALL ON ALL TABLES IN SCHEMA shop TO skips;
GRANT ALL ON ALL SEQUENCES IN SCHEMA shop TO skips;
\set ECHO all
-- Who does not own the table.
SET ROLE skips;
SELECT project_clone(:'acme', name => 'Copy', options => :'skip');
-- A statement fills the table.
SET pg_clone.bulk = off;
SELECT project_clone(:'acme', name => 'Copy', options => :'skip');
RESET ROLE;
-- A trigger that fires for replicas.
ALTER TABLE shop.shipment ENABLE ALWAYS TRIGGER pass;
SELECT project_clone(:'acme', name => 'Copy', options => :'skip');
ALTER TABLE shop.shipment ENABLE TRIGGER pass;
-- A constraint that the server checks by a trigger.
ALTER TABLE shop.shipment ADD CONSTRAINT one_carrier UNIQUE (code, carrier) DEFERRABLE;
SELECT project_clone(:'acme', name => 'Copy', options => :'skip');
ALTER TABLE shop.shipment DROP CONSTRAINT one_carrier;
-- The trigger of a table below a view.
CREATE TABLE shop.label_base (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL);
INSERT INTO shop.label_base (tenant_id) VALUES (:'acme');
CREATE VIEW shop.label AS SELECT * FROM shop.label_base;
CREATE TRIGGER pass BEFORE INSERT ON shop.label_base FOR EACH ROW EXECUTE FUNCTION shop.pass();
SELECT clone.store_table('shop', 'shop.label', 'resource', id_column => 'id', project_column => 'tenant_id');
SELECT project_clone(:'acme', name => 'Copy', options => :'skip');
RESET pg_clone.bulk;
\set ECHO none
DROP OWNED BY skips;
DROP ROLE skips;
