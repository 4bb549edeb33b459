-- The rows that the clone inserts, keys drawn from the sequences, no reference rewritten.
INSERT INTO users (account_id, name) SELECT 1, name FROM users WHERE account_id = 2;
INSERT INTO customers (account_id, name) SELECT 1, name FROM customers WHERE account_id = 2;
INSERT INTO products (account_id, name) SELECT 1, name FROM products WHERE account_id = 2;
INSERT INTO warehouses (account_id, name) SELECT 1, name FROM warehouses WHERE account_id = 2;
INSERT INTO order_lines (account_id, user_id, customer_id, product_id, warehouse_id, parent_id, quantity, price, note, created_at, updated_at)
SELECT 1, user_id, customer_id, product_id, warehouse_id, parent_id, quantity, price, note, created_at, updated_at FROM order_lines WHERE account_id = 2;
