-- Which role may do what, and what a role without a right is told.
\set ECHO none
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\i tests/fixtures/shop.sql
\o /dev/null
\i tests/fixtures/shop_store.sql
\o
CREATE ROLE golden_tester;
CREATE ROLE golden_worker;
\set acme a0000000-0000-4000-8000-000000000001
\set ECHO all
SET ROLE golden_tester;
SELECT project_clone(:'acme');
RESET ROLE;
SELECT clone.allow('golden_tester');
SET ROLE golden_tester;
SELECT project_clone(:'acme');
RESET ROLE;
GRANT USAGE ON SCHEMA shop TO golden_tester;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO golden_tester;
SET ROLE golden_tester;
SELECT count(*) FROM project_clone_plan(:'acme');
SELECT project_clone(:'acme');
RESET ROLE;
GRANT INSERT ON ALL TABLES IN SCHEMA shop TO golden_tester;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA shop TO golden_tester;
SET ROLE golden_tester;
SELECT project_clone(:'acme')->>'id' AS clone \gset
SELECT project_delete(:'clone');
SELECT run_by, rows FROM clone.run;
SELECT clone.store_drop('shop');
SELECT clone.allow('golden_tester', true);
RESET ROLE;
ALTER TABLE shop.customer ENABLE ROW LEVEL SECURITY;
SET ROLE golden_tester;
SELECT project_clone(:'acme');
RESET ROLE;
SELECT clone.allow_worker('golden_worker');
SET ROLE golden_worker;
SELECT clone.run_next_job();
SELECT project_clone(:'acme');
RESET ROLE;
DROP OWNED BY golden_tester, golden_worker;
DROP ROLE golden_tester, golden_worker;
