-- A Rails-like schema: integer keys from sequences, no foreign keys, references by the names of columns.
CREATE EXTENSION pg_clone_ext;
CREATE TABLE accounts (id bigserial PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id bigserial PRIMARY KEY, account_id bigint NOT NULL, name text NOT NULL);
CREATE TABLE customers (id bigserial PRIMARY KEY, account_id bigint NOT NULL, name text NOT NULL);
CREATE TABLE products (id bigserial PRIMARY KEY, account_id bigint NOT NULL, name text NOT NULL);
CREATE TABLE warehouses (id bigserial PRIMARY KEY, account_id bigint NOT NULL, name text NOT NULL);
CREATE TABLE order_lines (id bigserial PRIMARY KEY, account_id bigint NOT NULL, user_id bigint NOT NULL, customer_id bigint NOT NULL, product_id bigint NOT NULL,
    warehouse_id bigint NOT NULL, parent_id bigint, quantity int NOT NULL, price numeric(12, 2) NOT NULL, note text, created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
INSERT INTO users (account_id, name) SELECT 2, 'user ' || n FROM generate_series(1, 500) n;
INSERT INTO customers (account_id, name) SELECT 2, 'customer ' || n FROM generate_series(1, 10000) n;
INSERT INTO products (account_id, name) SELECT 2, 'product ' || n FROM generate_series(1, 5000) n;
INSERT INTO warehouses (account_id, name) SELECT 2, 'warehouse ' || n FROM generate_series(1, 20) n;
INSERT INTO order_lines (account_id, user_id, customer_id, product_id, warehouse_id, parent_id, quantity, price, note, created_at, updated_at)
SELECT 2, 1 + n * 7 % 500, 1 + n * 31 % 10000, 1 + n * 17 % 5000, 1 + n % 20, CASE WHEN n % 3 = 0 THEN n - 1 END, n % 9, n % 1000 / 7.0, 'line ' || n, timestamp '2026-01-01' + n * interval '1 minute', timestamp '2026-01-01'
FROM generate_series(1, :rows) n;
CREATE INDEX ON order_lines (account_id);
CREATE INDEX ON order_lines (user_id);
CREATE INDEX ON order_lines (customer_id);
CREATE INDEX ON order_lines (product_id);
CREATE INDEX ON order_lines (warehouse_id);
CREATE INDEX ON order_lines (parent_id);
CREATE INDEX ON order_lines (account_id, created_at);
SELECT clone.store_create('rails', 'discover', '{"tenant": "public.accounts"}');
