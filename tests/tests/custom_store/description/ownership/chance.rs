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

#[tokio::test]
async fn small_numbers_are_no_keys_of_rows_without_a_tenant() {
    // Of steps, they are keys of rows of other tenants; of signals, nothing says whose rows they are.
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE step (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO step (org_id) SELECT 1 + n / 11 FROM generate_series(1, 20) n;
         CREATE TABLE run (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id int NOT NULL REFERENCES org); INSERT INTO run (org_id) SELECT 1 + n / 11 FROM generate_series(1, 20) n;
         CREATE TABLE signal (id serial PRIMARY KEY, run_id uuid REFERENCES run, note text); INSERT INTO signal (note) SELECT 'x' FROM generate_series(1, 12) n;
         CREATE TABLE entry (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, branch_id bigint, node_id bigint); INSERT INTO entry (org_id, branch_id, node_id) SELECT 1 + n / 11, 1, 1 + n % 3 FROM generate_series(0, 21) n",
        "org",
    )
    .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM entry e JOIN entry o USING (branch_id, node_id) WHERE e.org_id = {clone} AND o.org_id = 1"
        ))
        .await,
        db.number("SELECT count(*) FROM entry e JOIN entry o USING (branch_id, node_id) WHERE e.org_id = 1 AND o.org_id = 1")
            .await
    );
}

#[tokio::test]
async fn numbers_of_two_sequences_are_no_references() {
    let db = discovered(
        "CREATE TABLE org (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE entry (org_id uuid NOT NULL REFERENCES org, id bigint GENERATED ALWAYS AS IDENTITY, node text, PRIMARY KEY (org_id, node)); INSERT INTO entry (org_id, node) SELECT o.id, 'n' || n FROM org o, generate_series(1, 6) n;
         CREATE TABLE point (org_id uuid NOT NULL REFERENCES org, id bigint GENERATED BY DEFAULT AS IDENTITY, branch text, PRIMARY KEY (org_id, branch)); INSERT INTO point (org_id, branch) SELECT o.id, 'b' || n FROM org o, generate_series(1, 6) n",
        "org",
    )
    .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
}
