//! The time of discovery grows with the rows, not with their square.

use pg_clone_tests::growth::{assert_less_than_square, processor_milliseconds};
use pg_clone_tests::scratch_database::Scratch;

/// Milliseconds of processor time in which tables of `rows` rows are discovered. Their columns and documents are of the kinds that are compared with the keys of
/// all tables: pairs with types that no table has as its name, lists, settings, texts that name tables, a history, rows without an owner.
async fn milliseconds(rows: i32) -> i64 {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE tenants (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO tenants (name) VALUES ('a'), ('b'), ('c');
         DO $$ DECLARE n text; BEGIN
             FOREACH n IN ARRAY '{{items,orders,visits}}'::text[] LOOP
                 EXECUTE format('CREATE TABLE %I (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants, kind text, target_type text, target_id bigint, subject_id bigint, item_ids bigint[], parent_id bigint, address_id bigint, data jsonb, body text)', n);
                 EXECUTE format('INSERT INTO %I (tenant_id, kind, target_type, target_id, subject_id, item_ids, parent_id, address_id, data, body)
                     SELECT 1 + i %% 3, (ARRAY[''sale item'', ''order line'', ''visit log''])[1 + i %% 3], (ARRAY[''sale_item'', ''big_order'', ''old_visit'', ''item''])[1 + i %% 4], i, i * 7 %% $1 + 1, ARRAY[i, i + 3], nullif(i - 3, 0), i,
                         jsonb_build_object(''a'', i, ''ref'', jsonb_build_object(''type'', ''item'', ''id'', i)), ''see item #'' || i || '' and /orders/'' || i FROM generate_series(1, $1) i', n) USING {rows};
             END LOOP;
         END $$;
         CREATE TABLE settings (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint REFERENCES tenants, name text, value text); INSERT INTO settings (tenant_id, name, value) SELECT 1 + i % 3, 'option' || i % 50, i::text FROM generate_series(1, {rows}) i;
         CREATE TABLE history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, entity_type text, entity_id text); INSERT INTO history (entity_type, entity_id) SELECT (ARRAY['item', 'order', 'visit'])[1 + i % 3], i::text FROM generate_series(1, {rows}) i;
         CREATE TABLE addresses (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, city text); INSERT INTO addresses (city) SELECT 'x' FROM generate_series(1, {rows}) i;
         ANALYZE"
    ))
    .await;
    processor_milliseconds(
        &db,
        "SELECT clone.store_create('s', 'discover', '{\"tenant\": \"tenants\"}')",
    )
    .await
}

#[tokio::test]
async fn four_times_the_rows_take_less_than_eight_times_the_time() {
    assert_less_than_square(milliseconds).await;
}
