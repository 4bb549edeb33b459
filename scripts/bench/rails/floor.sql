INSERT INTO order_lines (account_id, user_id, customer_id, product_id, warehouse_id, parent_id, quantity, price, note, created_at, updated_at)
SELECT 1, user_id, customer_id, product_id, warehouse_id, parent_id, quantity, price, note, created_at, updated_at FROM order_lines WHERE account_id = 2;
