//! `pg_clone copy`: a project of another database.

use pg_clone_tests::blob_queue::said;

use super::scene::{ACME, NEIGHBOUR, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_another_database_is_cloned_with_new_ids_and_the_targets_shared_rows() {
    let scene = Scene::new().await;
    let neighbour = Scene::content(&scene.target, NEIGHBOUR).await;
    let output = scene.copy(ACME, &["--name", "From production", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = result["project"]["id"].as_str().unwrap();
    assert_ne!(id, ACME);
    let expected = Scene::content(&scene.source, ACME).await;
    assert_eq!(expected.len(), 12);
    assert_eq!(Scene::content(&scene.target, id).await, expected);
    assert_eq!(Scene::content(&scene.target, NEIGHBOUR).await, neighbour);
    // Keys come from the target's sequences.
    assert_eq!(scene.target.number("SELECT min(id) FROM shop.orders").await, 100);
    let checks = scene
        .target
        .text(&format!("SELECT bool_and(ok) FROM project_clone_verify('{id}')"))
        .await;
    assert_eq!(checks, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_ids_are_refused_when_they_are_taken_and_come_back_by_replacing() {
    let scene = Scene::new().await;
    let (from, to) = (scene.from(), scene.to());
    let copy = ["copy", ACME, "--from", &from, "--to", &to, "--keep-ids"];
    let output = Scene::pg_clone(&copy);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let expected = Scene::content(&scene.source, ACME).await;
    assert_eq!(Scene::content(&scene.target, ACME).await, expected);
    assert_eq!(
        scene.target.list("SELECT id FROM shop.orders ORDER BY id").await,
        ["1", "2"]
    );

    let before = scene.everything().await;
    let output = Scene::pg_clone(&copy);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("already in use"), "{}", said(&output));
    assert!(said(&output).contains("shop.orders: 1, 2"), "{}", said(&output));
    assert_eq!(scene.everything().await, before);

    // Rows were changed and lost; last night's come back.
    scene
        .target
        .run("DELETE FROM shop.order_item; UPDATE shop.customer SET email = 'x' || email, country_id = NULL")
        .await;
    let replace: Vec<&str> = copy.into_iter().chain(["--replace", ACME]).collect();
    let output = Scene::pg_clone(&replace);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(scene.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_do_not_fit_are_refused_with_all_differences() {
    let scene = Scene::new().await;
    scene
        .source
        .run(
            "ALTER TABLE shop.orders ADD note text; ALTER TABLE shop.product ALTER price TYPE numeric(12, 4)",
        )
        .await;
    let before = scene.everything().await;
    let output = Scene::pg_clone(&["copy", ACME, "--from", &scene.from(), "--to", &scene.to()]);
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "column shop.orders.note is missing in the target",
        "column shop.product.price is numeric(12,4) in the source and numeric(10,2) in the target",
    ] {
        assert!(said(&output).contains(part), "{}", said(&output));
    }
    assert_eq!(scene.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_rows_that_the_target_does_not_have_are_listed() {
    let scene = Scene::new().await;
    scene
        .target
        .run("DELETE FROM shop.country WHERE code IN ('NO', 'FR')")
        .await;
    let before = scene.everything().await;
    let output = Scene::pg_clone(&["copy", ACME, "--from", &scene.from(), "--to", &scene.to()]);
    assert_eq!(output.status.code(), Some(1));
    for part in ["shop.country", "3 (NO)", "2 (FR)"] {
        assert!(said(&output).contains(part), "{}", said(&output));
    }
    assert_eq!(scene.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_read_and_a_project_that_is_not_there_are_errors() {
    let scene = Scene::new().await;
    let (from, to) = (scene.from(), scene.to());
    let before = scene.everything().await;
    let output = Scene::pg_clone(&["copy", NEIGHBOUR, "--from", &from, "--to", &to]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("does not exist"), "{}", said(&output));
    scene
        .source
        .run("REVOKE SELECT ON shop.shipment FROM reader")
        .await;
    let output = Scene::pg_clone(&["copy", ACME, "--from", &from, "--to", &to]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("permission denied for table shipment"),
        "{}",
        said(&output)
    );
    assert_eq!(scene.everything().await, before);
    assert_eq!(scene.target.number("SELECT count(*) FROM clone.run").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_row_security_of_the_source_hides_are_an_error_and_not_left_out() {
    let scene = Scene::new().await;
    scene
        .source
        .run(
            "ALTER TABLE shop.customer ENABLE ROW LEVEL SECURITY;
             CREATE POLICY half ON shop.customer USING (email < 'c')",
        )
        .await;
    let before = scene.everything().await;
    for described in [false, true] {
        if described {
            scene.source.run("CREATE EXTENSION pg_clone_ext").await;
            scene
                .source
                .run(include_str!("../../fixtures/shop_store.sql"))
                .await;
            scene.source.run("SELECT clone.allow('reader')").await;
        }
        let output = scene.copy(ACME, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(
            said(&output).contains("row")
                && said(&output).contains("security")
                && said(&output).contains("customer"),
            "{}",
            said(&output)
        );
        assert_eq!(scene.everything().await, before);
    }
}
