//! Copies between two servers: independent sequences, a restore of one tenant, a read-only source.

use pg_clone_tests::blob_queue::said;

use super::scene::{ACME, Scene};

const BOLT: &str = "b0000000-0000-4000-8000-000000000001";

/// Every row of the tables with its place and the transaction that wrote it: equal when nothing wrote to it.
async fn untouched(scene: &Scene, tenant: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["customer", "category", "product", "orders", "shipment"] {
        let query = format!(
            "SELECT concat_ws(' ', '{table}', t.ctid, t.xmin, t.xmax, t) FROM shop.{table} t WHERE tenant_id = '{tenant}' ORDER BY 1"
        );
        rows.extend(scene.target.list(&query).await);
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_comes_back_from_a_backup_and_its_neighbours_are_not_written_to() {
    let scene = Scene::new().await;
    for tenant in [ACME, BOLT] {
        let output = scene.copy(tenant, &["--keep-ids"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let before = scene.everything().await;
    let neighbour = untouched(&scene, BOLT).await;
    assert!(!neighbour.is_empty());
    scene
        .target
        .run(&format!(
            "DELETE FROM shop.order_item WHERE order_id = 1;
             DELETE FROM shop.order_item WHERE order_id = 2; DELETE FROM shop.orders WHERE id = 2;
             UPDATE shop.customer SET email = 'wrong ' || email, profile = NULL WHERE tenant_id = '{ACME}';
             UPDATE shop.product SET price = 0 WHERE tenant_id = '{ACME}';
             INSERT INTO shop.category (tenant_id, name) VALUES ('{ACME}', 'Added since')"
        ))
        .await;
    let damaged = scene.everything().await;
    assert_ne!(damaged, before);
    let output = scene.copy(ACME, &["--keep-ids", "--replace", ACME, "--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(scene.everything().await, damaged);

    let output = scene.copy(ACME, &["--keep-ids", "--replace", ACME]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(scene.everything().await, before);
    assert_eq!(untouched(&scene, BOLT).await, neighbour);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_keys_move_the_targets_sequences_on_and_never_back() {
    let scene = Scene::new().await;
    scene
        .source
        .run(&format!(
            "INSERT INTO shop.category (id, tenant_id, name) OVERRIDING SYSTEM VALUE VALUES (5000, '{ACME}', 'Far ahead')"
        ))
        .await;
    let output = scene.copy(ACME, &["--keep-ids"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let next = |sequence: &str| format!("SELECT nextval('{sequence}')");
    // The source was ahead with categories, the target with orders.
    assert!(scene.target.number(&next("shop.category_id_seq")).await > 5000);
    assert!(scene.target.number(&next("shop.orders_id_seq")).await >= 100);
    // New ids of a second copy are the target's.
    let output = scene.copy(ACME, &["--name", "Second"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(scene.target.number("SELECT max(id) FROM shop.category").await > 5001);
    assert!(scene.target.number("SELECT max(id) FROM shop.orders").await >= 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_read_only_is_read_under_a_snapshot_that_was_handed_over() {
    let scene = Scene::new().await;
    scene
        .source
        .run(&format!(
            "ALTER DATABASE {} SET default_transaction_read_only = on",
            scene.source.name
        ))
        .await;
    let expected = Scene::content(&scene.source, ACME).await;
    let exporter = scene.source.session().await;
    let snapshot = exporter
        .text("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot()")
        .await;
    // Later changes are not in it.
    scene
        .source
        .run(&format!(
            "SET default_transaction_read_only = off; DELETE FROM shop.order_item; UPDATE shop.product SET price = 1 WHERE tenant_id = '{ACME}'"
        ))
        .await;
    let copy = |snapshot: &str| scene.copy(ACME, &["--snapshot", snapshot, "--json"]);
    let output = copy(&snapshot);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = result["project"]["id"].as_str().unwrap();
    assert_eq!(Scene::content(&scene.target, id).await, expected);
    assert_ne!(Scene::content(&scene.source, ACME).await, expected);

    drop(exporter);
    let output = copy("00000003-00000001-1'; DROP TABLE shop.tenant; --");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("cannot use the snapshot"),
        "{}",
        said(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_lists_plan_and_differences_and_writes_nothing() {
    let scene = Scene::new().await;
    scene
        .target
        .run(
            "ALTER TABLE shop.orders ADD note text; ALTER TABLE shop.product ALTER price SET DEFAULT 0;
             ALTER TABLE shop.customer ADD CONSTRAINT short CHECK (length(email) < 500), ALTER profile SET NOT NULL;
             SELECT clone.store_refresh('shop')",
        )
        .await;
    let before = scene.everything().await;
    let xact = scene
        .target
        .text("SELECT pg_current_xact_id_if_assigned() IS NULL")
        .await;
    assert_eq!(xact, "t");
    let output = scene.copy(ACME, &["--dry-run"]);
    // Bob has no profile.
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("null value in column \"profile\""),
        "{}",
        said(&output)
    );
    scene
        .target
        .run("ALTER TABLE shop.customer ALTER profile DROP NOT NULL; SELECT clone.store_refresh('shop')")
        .await;
    let output = scene.copy(ACME, &["--dry-run", "--output", "wide"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for part in [
        "different: column shop.orders.note is missing in the source and gets NULL",
        "different: column shop.product.price has the default none in the source and 0 in the target",
        "different: only the target has on shop.customer: CHECK ((length(email) < 500))",
        "shop.order_item",
        "17 rows",
        "nothing was written",
    ] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    let output = scene.copy(ACME, &["--dry-run", "--json"]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["rows_read"], 17);
    assert_eq!(result["differences"].as_array().unwrap().len(), 3);
    assert_eq!(scene.everything().await, before);
    assert_eq!(scene.target.number("SELECT count(*) FROM clone.run").await, 0);
}
