-- Deletions and refreshes that cannot be done as a whole.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA depot;
CREATE TABLE depot.tenant (id serial PRIMARY KEY, name text);
CREATE TABLE depot.rack (id bigserial PRIMARY KEY, tenant_id int NOT NULL REFERENCES depot.tenant, label text);
CREATE TABLE depot.audit (id bigserial PRIMARY KEY, tenant_id int NOT NULL, what text);
CREATE TABLE depot.base (id bigserial PRIMARY KEY, tenant_id int NOT NULL, code text UNIQUE);
CREATE VIEW depot.shown AS SELECT id, tenant_id FROM depot.base;
ALTER VIEW depot.shown ALTER id SET DEFAULT nextval('depot.base_id_seq');
INSERT INTO depot.tenant (name) VALUES ('Acme');
INSERT INTO depot.rack (tenant_id, label) VALUES (1, 'north');
INSERT INTO depot.base (tenant_id) VALUES (1);
\o /dev/null
SELECT clone.store_create('depot', 'custom');
SELECT clone.store_table('depot', 'depot.tenant', 'project');
SELECT clone.store_table('depot', t::regclass, 'resource', project_column => 'tenant_id') FROM unnest('{depot.rack,depot.audit}'::text[]) t;
SELECT clone.store_table('depot', 'depot.shown', 'resource', id_column => 'id', project_column => 'tenant_id');
SELECT clone.store_shared('depot', 'depot.base');
SELECT clone.preserve_ids('depot', 'rack', keep_added => true);
SELECT project_clone('1', name => 'Copy', store => 'depot') ->> 'name' AS name;
\o
\set ECHO all
-- A refresh makes the project that it replaces.
SELECT project_clone('1', name => 'Copy', store => 'depot', options => '{"replace": "2", "target": "9"}');
-- A row that was added to the clone, and a key that does not wait for the new project.
INSERT INTO depot.rack (tenant_id, label) VALUES (2, 'by hand');
SELECT project_clone('1', name => 'Copy', store => 'depot', options => '{"replace": "2"}');
-- A trigger that writes rows of the clone while it is made, into a table that was empty.
CREATE FUNCTION depot.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO depot.audit (tenant_id, what) VALUES (COALESCE(NEW.tenant_id, OLD.tenant_id), TG_OP); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT ON depot.rack FOR EACH ROW EXECUTE FUNCTION depot.note();
SELECT project_clone('1', name => 'Copy', store => 'depot');
DROP TRIGGER note ON depot.rack;
-- One that does while the clone is deleted.
CREATE TRIGGER note AFTER DELETE ON depot.rack FOR EACH ROW EXECUTE FUNCTION depot.note();
-- And again for each row that is deleted of what it wrote.
CREATE TRIGGER note AFTER DELETE ON depot.audit FOR EACH ROW EXECUTE FUNCTION depot.note();
SELECT project_delete('2', store => 'depot');
DROP TRIGGER note ON depot.rack;
DROP TRIGGER note ON depot.audit;
-- A key that acts on rows of others, to a column that the view leaves out.
CREATE TABLE depot.tag (code text REFERENCES depot.base (code) ON DELETE CASCADE);
SELECT project_delete('2', store => 'depot');
-- An action of a key that is disabled would leave rows of others behind.
CREATE TABLE crew (id int PRIMARY KEY, name text); CREATE TABLE tool (id serial PRIMARY KEY, crew_id int NOT NULL REFERENCES crew); CREATE TABLE loan (id int PRIMARY KEY, tool_id int REFERENCES tool ON DELETE CASCADE);
INSERT INTO crew VALUES (1, 'A'), (2, 'B'); INSERT INTO tool (crew_id) VALUES (1), (2);
SELECT clone.store_create('crews', 'discover', '{"tenant": "crew", "shared": ["loan"]}');
SELECT project_clone('1', store => 'crews', options => '{"target": "3"}');
INSERT INTO loan VALUES (1, 3);
SET session_replication_role = replica;
SELECT project_delete('3', store => 'crews', options => '{"others": "include"}');
RESET session_replication_role;
