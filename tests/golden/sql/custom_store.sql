-- A store over the user's own tables: described, planned, cloned, verified, deleted.
\set ECHO none
\i tests/fixtures/shop.sql
\set ECHO all
SELECT clone.store_create('shop', 'custom');
SELECT clone.store_table('shop', 'shop.tenant', 'project', columns => '{"created_at": "now"}');
SELECT clone.store_table('shop', 'shop.customer', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.category', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.product', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.orders', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.shipment', 'resource', project_column => 'tenant_id');
SELECT clone.store_table('shop', 'shop.order_item', 'derived', parent => 'shop.orders');
SELECT relation, resource_type, role, path, source_rows, rows, dangling, why
FROM project_clone_plan('a0000000-0000-4000-8000-000000000001');
SELECT project_clone('a0000000-0000-4000-8000-000000000001', name => 'Acme staging')->>'id' AS clone \gset
SELECT check_name, subject, expected, found, ok FROM project_clone_verify(:'clone');
SELECT t.name, o.number, c.email, p.sku, i.quantity
FROM shop.order_item i
JOIN shop.orders o ON o.id = i.order_id
JOIN shop.tenant t ON t.id = o.tenant_id
JOIN shop.customer c ON c.id = o.customer_id AND c.tenant_id = t.id
JOIN shop.product p ON p.id = i.product_id AND p.tenant_id = t.id
ORDER BY t.name, o.number, i.position;
SELECT id, source_project, name, resources, rows FROM clone.run;
SELECT relation, rows, rewritten, dangling FROM clone.run_table ORDER BY relation;
SELECT project_delete(:'clone', options => '{"dry_run": true}')->'rows' AS rows;
SELECT project_delete(:'clone')->'rows' AS rows;
SELECT count(*) FROM shop.orders;
SELECT clone.store_drop('shop');
