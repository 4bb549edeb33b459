//! Copies of a registry's collection: items are cloned by the rules of the target's registry, or kept unchanged.

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::scratch_database::{Scratch, cluster};

use super::scene::{Scene, source_server};

const REGISTRY: &str = "CREATE EXTENSION IF NOT EXISTS pg_clone_ext; SELECT clone.store_create('reg', 'registry', '{\"handle_prefix\": \"$PREFIX\"}');
    INSERT INTO reg.user_role VALUES ('postgres', 'registry-read'), ('postgres', 'registry-write'), ('postgres', 'registry-admin');";

async fn registry(database: &Scratch, prefix: &str) {
    database.run(&REGISTRY.replace("$PREFIX", prefix)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_of_another_database_is_cloned_by_the_same_rules() {
    let sources = source_server().await;
    let (source, target) = (
        Scratch::new_on(sources).await,
        Scratch::new_on(cluster().await).await,
    );
    registry(&source, "20.500.1").await;
    registry(&target, "20.500.2").await;
    source
        .run(
            "INSERT INTO reg.collection (id, name) VALUES ('reef', 'Reef');
             INSERT INTO reg.item (id, collection_id, owner_username, item_category, item_subtype, display_name, domain_info) VALUES
             ('20.500.1/1', 'reef', 'ada', 'ENTITY', 'MODEL', 'M', '{\"name\": \"M\", \"description\": \"d\", \"documentation_url\": \"https://example.org/d\", \"source_url\": \"https://example.org/s\"}'),
             ('20.500.1/2', 'reef', 'ada', 'ENTITY', 'MODEL_RUN_WORKFLOW_TEMPLATE', 'W', '{\"software_id\": \"20.500.1/1\", \"software_version\": \"1\", \"input_templates\": [], \"output_templates\": []}');
             INSERT INTO reg.item_auth (id, owner) SELECT id, 'ada' FROM reg.item; INSERT INTO reg.item_lock (id) SELECT id FROM reg.item;
             INSERT INTO reg.item_history (item_id, id, \"timestamp\", reason, username, item) SELECT id, n, 1, 'r', 'ada', domain_info FROM reg.item, generate_series(0, 1) n",
        )
        .await;
    let (from, to) = (sources.dsn(&source.name), cluster().await.dsn(&target.name));
    let output = Scene::pg_clone(&["copy", "reef", "--from", &from, "--to", &to, "--store", "reg"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let items = "SELECT concat_ws(' ', i.id, i.owner_username, i.domain_info->>'software_id', o.source, (SELECT count(*) FROM reg.item_history h WHERE h.item_id = i.id), a.owner)
                 FROM reg.item i JOIN reg.item_auth a USING (id) LEFT JOIN clone.item_origin o ON o.item = i.id ORDER BY i.id";
    let cloned = target.list(items).await;
    assert_eq!(cloned.len(), 2, "{cloned:?}");
    let model = cloned.iter().find(|row| row.contains("20.500.1/1")).unwrap();
    let model = model.split(' ').next().unwrap();
    assert!(model.starts_with("20.500.2/"), "{cloned:?}");
    assert!(
        cloned
            .iter()
            .any(|row| row.contains(&format!("postgres {model} 20.500.1/2 1 postgres"))),
        "{cloned:?}"
    );

    // The same collection: nothing of it is changed.
    let output = Scene::pg_clone(&[
        "copy",
        "reef",
        "--from",
        &from,
        "--to",
        &to,
        "--store",
        "reg",
        "--keep-ids",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let kept = target
        .list(&items.replace("ORDER BY", "WHERE i.collection_id = 'reef' ORDER BY"))
        .await;
    assert_eq!(kept, ["20.500.1/1 ada 2 ada", "20.500.1/2 ada 20.500.1/1 2 ada"]);
}
