//! A store of one's own: a plain relational multi-tenant schema, described with clone.store_table(), cloned, and verified
//! by joins. `fixtures/shop.sql` is the README's example.

use pg_clone_tests::scratch_database::{Scratch, Session};

/// The tenant to clone.
const ACME: &str = "a0000000-0000-4000-8000-000000000001";

async fn shop() -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(include_str!("../../fixtures/shop.sql")).await;
    db.run(include_str!("../../fixtures/shop_store.sql")).await;
    db
}

#[tokio::test]
async fn a_relational_schema_is_cloned_with_all_its_references() {
    let db = shop().await;
    let source_rows = "SELECT md5(string_agg(x, '|' ORDER BY x)) FROM (
        SELECT t::text FROM shop.tenant t WHERE id = 'a0000000-0000-4000-8000-000000000001' UNION ALL SELECT c::text FROM shop.customer c WHERE tenant_id = 'a0000000-0000-4000-8000-000000000001'
        UNION ALL SELECT c::text FROM shop.category c WHERE tenant_id = 'a0000000-0000-4000-8000-000000000001' UNION ALL SELECT c::text FROM shop.product c WHERE tenant_id = 'a0000000-0000-4000-8000-000000000001'
        UNION ALL SELECT c::text FROM shop.orders c WHERE tenant_id = 'a0000000-0000-4000-8000-000000000001' UNION ALL SELECT c::text FROM shop.shipment c WHERE tenant_id = 'a0000000-0000-4000-8000-000000000001') AS s (x)";
    let before = db.text(source_rows).await;
    let clone = db.clone_project(&format!("'{ACME}', 'Acme staging'")).await;
    assert_eq!(db.text(source_rows).await, before);
    assert_eq!(
        db.rows(&format!(
            "SELECT name, slug FROM shop.tenant WHERE id = '{clone}'"
        ))
        .await,
        [["Acme staging", "acme"].map(|text| Some(text.to_owned()))]
    );
    for (table, rows) in [
        ("customer", 3),
        ("category", 3),
        ("product", 3),
        ("orders", 2),
        ("shipment", 2),
    ] {
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM shop.{table} WHERE tenant_id = '{clone}'"
            ))
            .await,
            rows,
            "{table}"
        );
    }
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM shop.order_item i JOIN shop.orders o ON o.id = i.order_id WHERE o.tenant_id = '{clone}'")).await,
        3,
        "a child table without a tenant of its own"
    );
    let (source, copy) = (joined(&db, ACME).await, joined(&db, &clone).await);
    assert_eq!(source.len(), 16, "{source:#?}");
    assert_eq!(copy, source);
    // The other tenant is not in it.
    assert_eq!(
        db.number(
            "SELECT count(*) FROM shop.customer WHERE tenant_id = 'b0000000-0000-4000-8000-000000000001'"
        )
        .await,
        1
    );
}

/// The tenant's rows joined by all their references, without keys.
async fn joined(session: &Session, tenant: &str) -> Vec<String> {
    let mut all = Vec::new();
    for query in [
        "SELECT concat_ws('|', 'customer', c.email, r.email, r.tenant_id = c.tenant_id, (SELECT string_agg(w.sku, ',' ORDER BY w.sku) FROM shop.product w WHERE w.id::text = ANY (c.wishlist) AND w.tenant_id = c.tenant_id),
             (SELECT w.sku FROM shop.product w WHERE w.id::text = c.profile #>> '{favourite,id}' AND w.tenant_id = c.tenant_id), c.profile->>'note' = 'likes shop/product/' || (c.profile #>> '{favourite,id}'))
         FROM shop.customer c LEFT JOIN shop.customer r ON r.id = c.referred_by WHERE c.tenant_id = $1",
        "SELECT concat_ws('|', 'category', g.name, p.name, p.tenant_id = g.tenant_id) FROM shop.category g LEFT JOIN shop.category p ON p.id = g.parent_id WHERE g.tenant_id = $1",
        "SELECT concat_ws('|', 'product', d.sku, d.price, g.name, g.tenant_id = d.tenant_id, (SELECT string_agg(o.sku, ',' ORDER BY n) FROM unnest(d.related) WITH ORDINALITY AS u (id, n) JOIN shop.product o ON o.id = u.id AND o.tenant_id = d.tenant_id))
         FROM shop.product d JOIN shop.category g ON g.id = d.category_id WHERE d.tenant_id = $1",
        "SELECT concat_ws('|', 'order', o.number, c.email, c.tenant_id = o.tenant_id, s.carrier, s.order_id = o.id) FROM shop.orders o JOIN shop.customer c ON c.id = o.customer_id
             LEFT JOIN shop.shipment s ON s.code = o.last_shipment AND s.tenant_id = o.tenant_id WHERE o.tenant_id = $1",
        "SELECT concat_ws('|', 'item', o.number, i.position, d.sku, d.tenant_id = o.tenant_id, i.quantity) FROM shop.order_item i JOIN shop.orders o ON o.id = i.order_id JOIN shop.product d ON d.id = i.product_id WHERE o.tenant_id = $1",
        "SELECT concat_ws('|', 'shipment', s.carrier, o.number, o.tenant_id = s.tenant_id) FROM shop.shipment s JOIN shop.orders o ON o.id = s.order_id WHERE s.tenant_id = $1",
    ] {
        all.extend(session.list(&query.replace("$1", &format!("'{tenant}'"))).await);
    }
    all.sort();
    all
}

#[tokio::test]
async fn filters_bring_only_what_belongs() {
    let db = shop().await;
    let clone = db
        .clone_project(&format!("'{ACME}', resource_types => '{{category,product}}'"))
        .await;
    let count = async |table: &str| {
        db.number(&format!(
            "SELECT count(*) FROM shop.{table} WHERE tenant_id = '{clone}'"
        ))
        .await
    };
    assert_eq!(
        (
            count("category").await,
            count("product").await,
            count("customer").await,
            count("orders").await
        ),
        (3, 3, 0, 0)
    );
    assert_eq!(db.number("SELECT count(*) FROM shop.order_item").await, 3);
}

#[tokio::test]
async fn a_reference_that_cannot_be_null_makes_its_loss_an_error() {
    let db = shop().await;
    let clone = format!(
        "SELECT project_clone('{ACME}', resource_types => '{{product}}', options => '{{\"dangling\": \"null\"}}')"
    );
    let failure = db.fails(&clone).await;
    assert_eq!(failure.code, "23503", "{failure:?}");
    assert!(
        failure.message.contains("category_id") && failure.message.contains("shop.product"),
        "{failure:?}"
    );
    assert!(!failure.hint.is_empty(), "{failure:?}");
}

#[tokio::test]
async fn a_table_of_the_schema_that_nobody_described_stays_out_and_one_can_be_dropped_again() {
    let db = shop().await;
    db.run("SELECT clone.store_drop('shop')").await;
    assert_eq!(db.number("SELECT count(*) FROM clone.store_relation").await, 0);
    assert_eq!(
        db.number("SELECT count(*) FROM shop.tenant").await,
        2,
        "tables stay"
    );
    db.run("SELECT clone.store_create('shop', 'custom'); SELECT clone.store_table('shop', 'shop.tenant', 'project', columns => '{\"created_at\": \"now\"}')").await;
    let clone = db.clone_project(&format!("'{ACME}'")).await;
    assert_eq!(db.number(&format!("SELECT count(*) FROM shop.tenant WHERE id = '{clone}' AND created_at = (SELECT max(created_at) FROM shop.tenant)")).await, 1);
}

#[tokio::test]
async fn tenants_with_integer_and_text_keys_can_be_cloned_too() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE team (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, settings json);
         CREATE TABLE task (id bigserial PRIMARY KEY, team int NOT NULL REFERENCES team, title text, blocked_by bigint REFERENCES task, UNIQUE (team, title));
         CREATE TABLE label (code text PRIMARY KEY, team int NOT NULL REFERENCES team, text text);
         CREATE TABLE task_label (task bigint REFERENCES task, label text REFERENCES label, PRIMARY KEY (task, label));
         INSERT INTO team (name) VALUES ('Other'), ('Blue');
         INSERT INTO task (team, title, blocked_by) VALUES (1, 'other', NULL), (2, 'a', NULL), (2, 'b', 2), (2, 'c', 3);
         INSERT INTO label VALUES ('red', 2, 'Red'), ('green', 2, 'Green'), ('other', 1, 'Other');
         INSERT INTO task_label VALUES (2, 'red'), (3, 'red'), (3, 'green'), (1, 'other');
         SELECT clone.store_create('teams', 'custom');
         SELECT clone.store_table('teams', 'team', 'project');
         SELECT clone.store_table('teams', 'task', 'resource', project_column => 'team');
         SELECT clone.store_table('teams', 'label', 'resource', project_column => 'team');
         SELECT clone.store_table('teams', 'task_label', 'derived', parent => 'task')",
    )
    .await;
    for _ in 0..2 {
        let clone = db.text("SELECT project_clone('2', 'Blue copy')->>'id'").await;
        assert_eq!(
            db.list(&format!("SELECT t.title || ':' || COALESCE(b.title, '-') || ':' || (b.team IS NULL OR b.team = t.team) FROM task t LEFT JOIN task b ON b.id = t.blocked_by WHERE t.team = {clone} ORDER BY 1")).await,
            ["a:-:true", "b:a:true", "c:b:true"]
        );
        assert_eq!(
            db.list(&format!("SELECT t.title || ':' || l.text || ':' || (l.team = t.team) FROM task_label x JOIN task t ON t.id = x.task JOIN label l ON l.code = x.label WHERE t.team = {clone} ORDER BY 1")).await,
            ["a:Red:true", "b:Green:true", "b:Red:true"]
        );
        assert_eq!(
            db.text(&format!("SELECT name FROM team WHERE id = {clone}"))
                .await,
            "Blue copy"
        );
    }
    assert_eq!(db.fails("SELECT project_clone('99')").await.code, "P0002");
    assert_eq!(
        db.fails("SELECT project_clone('99999999999999999999')")
            .await
            .code,
        "22023"
    );
    assert_eq!(db.fails("SELECT project_clone('two')").await.code, "22023");
    // The next row of the application itself gets a key that is free.
    db.run("INSERT INTO task (team, title) VALUES (2, 'd'); INSERT INTO team (name) VALUES ('Red')")
        .await;
}

#[tokio::test]
async fn dangling_references_by_any_kind_of_key_are_counted() {
    let db = shop().await;
    let arguments = format!("'{ACME}', resource_types => '{{product,orders}}'");
    let planned = db
        .number(&format!(
            "SELECT sum(dangling) FROM project_clone_plan({arguments})"
        ))
        .await;
    let clone = db.clone_project(&arguments).await;
    // Two customers (uuid), three categories (bigint), one shipment (text) are the source's.
    assert_eq!(
        db.number(&format!(
            "SELECT (SELECT count(*) FROM shop.orders o JOIN shop.customer c ON c.id = o.customer_id WHERE o.tenant_id = '{clone}' AND c.tenant_id = '{ACME}')
                  + (SELECT count(*) FROM shop.product d JOIN shop.category g ON g.id = d.category_id WHERE d.tenant_id = '{clone}' AND g.tenant_id = '{ACME}')
                  + (SELECT count(*) FROM shop.orders o JOIN shop.shipment s ON s.code = o.last_shipment WHERE o.tenant_id = '{clone}' AND s.tenant_id = '{ACME}')"
        ))
        .await,
        6
    );
    assert_eq!(db.number("SELECT dangling FROM clone.run").await, 6);
    assert_eq!(
        db.number("SELECT sum(occurrences) FROM clone.run_dangling").await,
        6
    );
    assert_eq!(planned, 6);
    let failure = db
        .fails(&format!(
            "SELECT project_clone({arguments}, options => '{{\"dangling\": \"error\"}}')"
        ))
        .await;
    assert_eq!(failure.code, "23503", "{failure:?}");
}
