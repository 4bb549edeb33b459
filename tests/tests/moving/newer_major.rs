//! Projects move between the server under test and one of PostgreSQL 18.

use std::path::PathBuf;

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::storage_servers::repository;
use throwaway_cluster::{Cluster, ClusterConfig, Installation};

use super::scene::{ACME, Scene};

/// A server of PostgreSQL 18: the one that `PG_CONFIG_18` names, or that of `PG_MAJOR=18 scripts/prepare.sh test`.
fn newer() -> Cluster {
    let pg_config = std::env::var_os("PG_CONFIG_18").map_or_else(
        || repository().join(".tools/postgresql/18/bin/pg_config"),
        PathBuf::from,
    );
    let installation = Installation::of_pg_config(&pg_config).unwrap();
    Cluster::start_on(installation, ClusterConfig::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(newer_major), ignore = "needs a server of PostgreSQL 18 and an older one")]
async fn a_project_is_copied_to_an_older_major() {
    let newer = newer();
    let older = Cluster::start(ClusterConfig::default()).unwrap();
    assert_project_is_copied(&newer, &older).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    not(newer_major_extension),
    ignore = "needs a server of PostgreSQL 18 with the extension and an older one"
)]
async fn a_project_moves_to_a_newer_major_and_back_in_a_file() {
    let newer = newer();
    let older = Cluster::start(ClusterConfig::default()).unwrap();
    let scene = assert_project_is_copied(&older, &newer).await;
    assert_project_moves_in_a_file(&older, &scene).await;
    let scene = Scene::between(&newer, &older).await;
    assert_project_moves_in_a_file(&newer, &scene).await;
}

async fn assert_project_is_copied(sources: &Cluster, targets: &Cluster) -> Scene {
    let scene = Scene::between(sources, targets).await;
    let output = scene.copy(ACME, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = Scene::content(&scene.source, ACME).await;
    let id = result["project"]["id"].as_str().unwrap();
    assert_eq!(Scene::content(&scene.target, id).await, expected);
    let output = scene.copy(ACME, &["--dry-run", "--json"]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["differences"], serde_json::json!([]), "{}", said(&output));
    scene
}

async fn assert_project_moves_in_a_file(sources: &Cluster, scene: &Scene) {
    scene.source.run("CREATE EXTENSION pg_clone_ext").await;
    scene
        .source
        .run(include_str!("../../fixtures/shop_store.sql"))
        .await;
    let expected = Scene::content(&scene.source, ACME).await;
    let file = sources.directory().join("shop.clone");
    let file = file.to_str().unwrap();
    let dsn = sources.dsn(&scene.source.name);
    let output = Scene::pg_clone(&["--dbname", &dsn, "export", ACME, "-o", file]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let output = Scene::pg_clone(&["--dbname", &scene.to(), "import", file, "--keep-ids"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(Scene::content(&scene.target, ACME).await, expected);
}
