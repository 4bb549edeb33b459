//! The SQL under `pg_clone copy` and `pg_clone import`: rows of the source in temporary tables.

use pg_clone_tests::scratch_database::Scratch;

const ACME: &str = "a0000000-0000-4000-8000-000000000001";

pub async fn shop() -> Scratch {
    let shop = Scratch::with_extension().await;
    shop.run(include_str!("../../fixtures/shop.sql")).await;
    shop.run(include_str!("../../fixtures/shop_store.sql")).await;
    shop
}

/// Puts the project's rows into temporary tables, as they would come from another database; returns the option that names them.
async fn staged(shop: &Scratch) -> String {
    let queries = shop
        .rows(&format!(
            "SELECT relation, 'SELECT ' || (SELECT string_agg('t.' || quote_ident(c), ', ') FROM unnest(columns) c) || ' FROM ' || relation || ' AS t WHERE ' || condition
             FROM clone.source_queries('{ACME}', 'shop', '{{\"history\": \"full\"}}')"
        ))
        .await;
    let mut names = Vec::new();
    for (number, row) in queries.iter().enumerate() {
        let (relation, query) = (row[0].as_deref().unwrap(), row[1].as_deref().unwrap());
        shop.run(&format!(
            "CREATE TEMP TABLE rows_{number} (LIKE {relation}); INSERT INTO rows_{number} {query}"
        ))
        .await;
        names.push(format!("\"{relation}\": \"pg_temp.rows_{number}\""));
    }
    assert_eq!(names.len(), 7);
    format!("{{{}}}", names.join(", "))
}

/// All rows of a tenant as text, with every column.
async fn rows_of(shop: &Scratch, tenant: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (table, condition) in [
        ("tenant", format!("id = '{tenant}'")),
        ("customer", format!("tenant_id = '{tenant}'")),
        ("category", format!("tenant_id = '{tenant}'")),
        ("product", format!("tenant_id = '{tenant}'")),
        ("orders", format!("tenant_id = '{tenant}'")),
        ("shipment", format!("tenant_id = '{tenant}'")),
        (
            "order_item",
            format!("order_id IN (SELECT id FROM shop.orders WHERE tenant_id = '{tenant}')"),
        ),
    ] {
        all.extend(
            shop.list(&format!(
                "SELECT '{table} ' || t::text FROM shop.{table} t WHERE {condition} ORDER BY 1"
            ))
            .await,
        );
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_keeps_its_ids_comes_back_as_it_was() {
    let shop = shop().await;
    let sources = staged(&shop).await;
    let before = rows_of(&shop, ACME).await;
    shop.run("SELECT project_delete('a0000000-0000-4000-8000-000000000001', options => '{\"force\": true}')")
        .await;
    assert_eq!(rows_of(&shop, ACME).await, Vec::<String>::new());
    let id = shop
        .clone_project(&format!(
            "'{ACME}', store => 'shop', options => '{{\"keep_ids\": true, \"source_tables\": {sources}}}'"
        ))
        .await;
    assert_eq!(id, ACME);
    assert_eq!(rows_of(&shop, ACME).await, before);
    // New rows get new keys.
    shop.run(&format!(
        "INSERT INTO shop.orders (tenant_id, number, customer_id) VALUES ('{ACME}', 9, 'a0000000-0000-4000-8000-000000000011')"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_taken_are_listed_and_nothing_is_written() {
    let shop = shop().await;
    let sources = staged(&shop).await;
    let before = rows_of(&shop, ACME).await;
    let failure = shop
        .fails(&format!(
            "SELECT project_clone('{ACME}', store => 'shop', options => '{{\"keep_ids\": true, \"source_tables\": {sources}}}')"
        ))
        .await;
    assert_eq!(failure.code, "23505");
    for named in [
        "shop.tenant: a0000000-0000-4000-8000-000000000001",
        "shop.orders: 1, 2",
        "shop.shipment: DHL-1",
    ] {
        assert!(failure.detail.contains(named), "{}", failure.detail);
    }
    assert_eq!(rows_of(&shop, ACME).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_changed_and_lost_come_back_and_the_neighbour_stays() {
    let shop = shop().await;
    let sources = staged(&shop).await;
    let before = rows_of(&shop, ACME).await;
    let neighbour = rows_of(&shop, "b0000000-0000-4000-8000-000000000001").await;
    shop.run(
        "UPDATE shop.customer SET email = 'lost@example.org' WHERE id = 'a0000000-0000-4000-8000-000000000011';
         DELETE FROM shop.order_item WHERE order_id = 1;
         INSERT INTO shop.orders (tenant_id, number, customer_id) VALUES ('a0000000-0000-4000-8000-000000000001', 3, 'a0000000-0000-4000-8000-000000000011')",
    )
    .await;
    assert_ne!(rows_of(&shop, ACME).await, before);
    shop.clone_project(&format!(
        "'{ACME}', store => 'shop', options => '{{\"keep_ids\": true, \"replace\": \"{ACME}\", \"source_tables\": {sources}}}'"
    ))
    .await;
    assert_eq!(rows_of(&shop, ACME).await, before);
    assert_eq!(
        rows_of(&shop, "b0000000-0000-4000-8000-000000000001").await,
        neighbour
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_from_temporary_tables_equals_one_from_the_tables_themselves() {
    let shop = shop().await;
    let sources = staged(&shop).await;
    let here = shop
        .clone_project(&format!("'{ACME}', store => 'shop', name => 'Copy'"))
        .await;
    let there = shop
        .clone_project(&format!(
            "'{ACME}', store => 'shop', name => 'Copy', options => '{{\"source_tables\": {sources}}}'"
        ))
        .await;
    for table in ["customer", "category", "product", "orders", "shipment"] {
        let count = |id: &str| format!("SELECT count(*) FROM shop.{table} WHERE tenant_id = '{id}'");
        assert_eq!(
            shop.number(&count(&there)).await,
            shop.number(&count(&here)).await,
            "{table}"
        );
    }
    let items = |id: &str| {
        format!(
            "SELECT string_agg(format('%s %s %s %s', o.number, c.email, p.sku, i.quantity), ', ' ORDER BY o.number, i.position)
             FROM shop.order_item i JOIN shop.orders o ON o.id = i.order_id JOIN shop.customer c ON c.id = o.customer_id
             JOIN shop.product p ON p.id = i.product_id
             WHERE o.tenant_id = '{id}' AND c.tenant_id = '{id}' AND p.tenant_id = '{id}'"
        )
    };
    assert_eq!(shop.text(&items(&there)).await, shop.text(&items(&here)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_with_other_columns_is_refused() {
    let shop = shop().await;
    shop.run("CREATE TEMP TABLE other (id uuid, name text, slug int)")
        .await;
    let failure = shop
        .fails(&format!(
            "SELECT project_clone('{ACME}', store => 'shop', options => '{{\"source_tables\": {{\"shop.tenant\": \"pg_temp.other\"}}}}')"
        ))
        .await;
    assert_eq!(failure.code, "22023");
    assert_eq!(
        failure.detail,
        "column slug is integer, not text; column created_at is missing, not timestamp with time zone"
    );
    let failure = shop
        .fails(&format!(
            "SELECT project_clone('{ACME}', store => 'shop', options => '{{\"keep_ids\": true}}')"
        ))
        .await;
    assert_eq!(failure.code, "22023");
}

#[tokio::test(flavor = "multi_thread")]
async fn relations_of_the_source_are_locked_before_anything_is_read() {
    let shop = shop().await;
    let tables = [
        "tenant",
        "customer",
        "category",
        "product",
        "orders",
        "shipment",
        "order_item",
    ];
    for table in tables {
        shop.run(&format!("CREATE TABLE public.from_{table} AS TABLE shop.{table}"))
            .await;
    }
    let named: Vec<String> = tables
        .iter()
        .map(|table| format!("\"shop.{table}\": \"public.from_{table}\""))
        .collect();
    let call = format!(
        "SELECT project_clone('{ACME}', store => 'shop', options => '{{\"source_tables\": {{{}}}}}')",
        named.join(", ")
    );
    let rows = shop
        .number(&format!(
            "SELECT count(*) FROM shop.customer WHERE tenant_id = '{ACME}'"
        ))
        .await;
    for (change, code) in [
        // Rewritten: an older snapshot would see no row of it.
        (
            "ALTER TABLE public.from_customer ALTER tenant_id TYPE uuid USING (tenant_id::text)::uuid",
            "",
        ),
        (
            "ALTER TABLE public.from_customer RENAME TO gone; CREATE TABLE public.from_customer (LIKE shop.customer)",
            "55000",
        ),
        ("ALTER TABLE public.from_customer DROP COLUMN profile", "22023"),
    ] {
        let other = shop.session().await;
        let cloning = shop.session().await;
        let pid = cloning.pid().await;
        other
            .run("BEGIN; LOCK TABLE public.from_customer IN ACCESS EXCLUSIVE MODE")
            .await;
        let statement = call.clone();
        let running = tokio::spawn(async move { cloning.attempt(&statement).await });
        shop.wait_until(&format!(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {pid} AND NOT granted)"
        ))
        .await;
        other.run(change).await;
        other.run("COMMIT").await;
        match running.await.unwrap() {
            Ok(()) => {
                assert_eq!(code, "", "{change}");
                assert_eq!(
                    shop.number("SELECT count(*) FROM shop.customer WHERE tenant_id = (SELECT target_project::uuid FROM clone.run ORDER BY id DESC LIMIT 1)").await,
                    rows
                );
            }
            Err(failure) => assert_eq!(failure.code, code, "{change}: {failure:?}"),
        }
    }
    // Whoever may not read a relation does not lock it.
    shop.run("DROP ROLE IF EXISTS locks_nothing; CREATE ROLE locks_nothing LOGIN; SELECT clone.allow('locks_nothing'); GRANT USAGE ON SCHEMA shop TO locks_nothing; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA shop TO locks_nothing")
        .await;
    let session = shop.session_as("locks_nothing").await;
    let failure = session.fails(&call).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    assert!(failure.message.contains("from_"), "{failure:?}");
    shop.run("DROP OWNED BY locks_nothing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_row_security_hides_are_an_error_and_not_left_out() {
    let shop = shop().await;
    let role = "sees_half";
    shop.run(&format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN; SELECT clone.allow('{role}');
         GRANT USAGE ON SCHEMA shop TO {role}; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA shop TO {role}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA shop TO {role};
         CREATE TABLE public.from_tenant AS TABLE shop.tenant; CREATE TABLE public.from_customer AS TABLE shop.customer;
         ALTER TABLE public.from_customer ENABLE ROW LEVEL SECURITY; CREATE POLICY half ON public.from_customer USING (email < 'c');
         CREATE VIEW public.view_of_customer WITH (security_invoker = true) AS TABLE public.from_customer;
         GRANT SELECT ON public.from_tenant, public.from_customer, public.view_of_customer TO {role}"
    ))
    .await;
    let session = shop.session_as(role).await;
    for (relation, message) in [
        (
            "public.from_customer",
            "row-level security on table public.from_customer applies",
        ),
        (
            "public.view_of_customer",
            "row-level security of a table that view public.view_of_customer reads applies",
        ),
    ] {
        let failure = session
            .fails(&format!(
                "SELECT project_clone('{ACME}', store => 'shop', options => '{{\"source_tables\": {{\"shop.tenant\": \"public.from_tenant\", \"shop.customer\": \"{relation}\"}}}}')"
            ))
            .await;
        assert_eq!(failure.code, "0A000", "{failure:?}");
        assert!(
            failure.message.contains(message) && failure.hint.contains("BYPASSRLS"),
            "{failure:?}"
        );
    }
    drop(session);
    shop.run(&format!("DROP OWNED BY {role}")).await;
}
