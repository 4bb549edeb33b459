//! Numbers that are keys of tenants by chance, beside members of documents and columns that say the tenant.

use super::super::{answer_all, discovered, open};

/// Lines of orders of three tenants, with a number from 1 to 3 in the column.
async fn lines(column: &str, number: &str, others: &str, value: &str) -> Vec<String> {
    let db = discovered(
        &format!(
            "CREATE TABLE tenant (id serial PRIMARY KEY, name text); INSERT INTO tenant (name) VALUES ('A'), ('B'), ('C');
             CREATE TABLE orders (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant); INSERT INTO orders (tenant_id) SELECT 1 + (n * n + n / 7) % 3 FROM generate_series(1, 90) n;
             CREATE TABLE events (global_pos bigserial PRIMARY KEY, {column} int, {others});
             INSERT INTO events SELECT nextval('events_global_pos_seq'), {number}, {value} FROM orders o, generate_series(1, 3) n"
        ),
        "tenant",
    )
    .await;
    let asked = open(&db).await;
    if db
        .number("SELECT count(*) FROM clone.store_check('s') WHERE answer LIKE '%project_column%'")
        .await
        == 1
    {
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM events WHERE {column} = {clone}"))
                .await,
            db.number("SELECT 3 * count(*) FROM orders WHERE tenant_id = 2")
                .await
        );
    }
    asked
}

#[tokio::test]
async fn a_number_by_chance_does_not_hide_what_documents_say() {
    for column in ["pos", "seq", "level", "attempt_of", "event_no", "part_id"] {
        for (others, value, asked) in [
            ("stream text", "'order-' || o.id", "error public.events.stream"),
            (
                "data jsonb",
                "jsonb_build_object('orderId', o.id, 'tenantId', o.tenant_id)",
                "error public.events.data $..['orderId']",
            ),
            (
                "data text",
                "jsonb_build_object('order', jsonb_build_object('id', o.id))",
                "error public.events.data $..['order']['id']",
            ),
            (
                "refs jsonb",
                "jsonb_build_object('orderIds', ARRAY[o.id])",
                "error public.events.refs $..['orderIds'][*]",
            ),
        ] {
            assert_eq!(
                lines(column, "n", others, value).await,
                [asked],
                "{column} {others}"
            );
        }
    }
}

#[tokio::test]
async fn a_number_that_agrees_with_documents_is_the_tenant() {
    assert_eq!(
        lines(
            "grp",
            "o.tenant_id",
            "data jsonb",
            "jsonb_build_object('orderId', o.id)"
        )
        .await,
        ["error public.events.grp"]
    );
}
