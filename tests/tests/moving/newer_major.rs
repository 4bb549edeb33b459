//! From PostgreSQL 15 to 18 and back. Needs a server of 18 with the extension; where it is not there, a line says so.

use std::path::PathBuf;

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::storage_servers::repository;
use throwaway_cluster::{Cluster, ClusterConfig, Installation};

use super::scene::{ACME, Scene};

/// A server of PostgreSQL 18: the one that `PG_CONFIG_18` names, or that of `PG_MAJOR=18 scripts/prepare.sh test`.
fn newer() -> Option<Cluster> {
    let pg_config = std::env::var_os("PG_CONFIG_18").map_or_else(
        || repository().join(".tools/postgresql/18/bin/pg_config"),
        PathBuf::from,
    );
    let Ok(installation) = Installation::of_pg_config(&pg_config) else {
        println!(
            "ignored: there is no server of PostgreSQL 18 ({})",
            pg_config.display()
        );
        return None;
    };
    Some(Cluster::start_on(installation, ClusterConfig::default()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_moves_between_major_versions_directly_and_in_a_file() {
    let Some(newer) = newer() else { return };
    let older = Cluster::start(ClusterConfig::default()).unwrap();
    if older.installation().major == 18 {
        println!("ignored: both are 18");
        return;
    }
    let has_extension = newer
        .connect("postgres")
        .await
        .unwrap()
        .query_one(
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_clone_ext'",
            &[],
        )
        .await
        .unwrap()
        .get::<_, i64>(0)
        == 1;
    for (sources, targets, needs) in [(&newer, &older, false), (&older, &newer, true)] {
        if needs && !has_extension {
            println!("ignored: PostgreSQL 18 does not have the extension");
            continue;
        }
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

        if has_extension {
            scene.source.run("CREATE EXTENSION pg_clone_ext").await;
            scene
                .source
                .run(include_str!("../../fixtures/shop_store.sql"))
                .await;
            let file = older.directory().join("shop.clone");
            let file = file.to_str().unwrap();
            let dsn = sources.dsn(&scene.source.name);
            let output = Scene::pg_clone(&["--dbname", &dsn, "export", ACME, "-o", file]);
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            let output = Scene::pg_clone(&["--dbname", &scene.to(), "import", file, "--keep-ids"]);
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            assert_eq!(Scene::content(&scene.target, ACME).await, expected);
        }
    }
}
