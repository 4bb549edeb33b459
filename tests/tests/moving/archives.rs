//! `pg_clone export`, `pg_clone import` and `pg_clone show`: a project in a file.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::scratch_database::cluster;

use super::scene::{ACME, Scene, source_server};

/// Exports the project; the source gets the extension and the store for it.
async fn exported(scene: &Scene, more: &[&str]) -> PathBuf {
    scene.source.run("CREATE EXTENSION pg_clone_ext").await;
    scene
        .source
        .run(include_str!("../../fixtures/shop_store.sql"))
        .await;
    let file = cluster()
        .await
        .directory()
        .join(format!("{}.clone", scene.source.name));
    let dsn = source_server().await.dsn(&scene.source.name);
    let arguments = [
        &["--dsn", &dsn, "export", ACME, "-o", file.to_str().unwrap()],
        more,
    ]
    .concat();
    let output = Scene::pg_clone(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("17 rows"), "{}", said(&output));
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_goes_through_a_file_and_through_a_pipe() {
    let scene = Scene::new().await;
    let file = exported(&scene, &[]).await;
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let to = scene.to();
    let expected = Scene::content(&scene.source, ACME).await;

    let output = Scene::pg_clone(&[
        "--dsn",
        &to,
        "--json",
        "import",
        file.to_str().unwrap(),
        "--name",
        "Template",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = result["project"]["id"].as_str().unwrap();
    assert_eq!(Scene::content(&scene.target, id).await, expected);

    let bytes = std::fs::read(&file).unwrap();
    let output = Scene::pg_clone_fed(&["--dsn", &to, "import", "-", "--keep-ids"], &bytes);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(Scene::content(&scene.target, ACME).await, expected);

    let output = Scene::pg_clone(&["show", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for part in [ACME, "store shop", "shop.order_item"] {
        assert!(said(&output).contains(part), "{}", said(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_damaged_cut_or_foreign_leaves_nothing() {
    let scene = Scene::new().await;
    let file = exported(&scene, &[]).await;
    let to = scene.to();
    let bytes = std::fs::read(&file).unwrap();
    let before = scene.everything().await;
    let import = |bytes: &[u8]| Scene::pg_clone_fed(&["--dsn", &to, "import", "-"], bytes);

    let mut changed = bytes.clone();
    let middle = changed.len() * 2 / 3;
    changed[middle] ^= 1;
    for (bytes, message) in [
        (&bytes[..bytes.len() - 40], "incomplete"),
        (&bytes[..bytes.len() / 2], "incomplete"),
        (changed.as_slice(), "damaged"),
        (b"PGDMP and so on".as_slice(), "not an archive of pg_clone"),
    ] {
        let output = import(bytes);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(message), "{}", said(&output));
        assert_eq!(scene.everything().await, before);
    }
    assert_eq!(scene.target.number("SELECT count(*) FROM clone.run").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_fails_leaves_no_file() {
    let scene = Scene::new().await;
    scene.source.run("CREATE EXTENSION pg_clone_ext").await;
    scene
        .source
        .run(include_str!("../../fixtures/shop_store.sql"))
        .await;
    let file = cluster().await.directory().join("none.clone");
    let dsn = source_server().await.dsn(&scene.source.name);
    let output = Scene::pg_clone(&[
        "--dsn",
        &dsn,
        "export",
        "c0000000-0000-4000-8000-000000000009",
        "-o",
        file.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("does not exist"), "{}", said(&output));
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_replaces_no_device_directory_or_link() {
    let scene = Scene::new().await;
    let file = exported(&scene, &[]).await;
    let dsn = source_server().await.dsn(&scene.source.name);
    let export = |to: &str| Scene::pg_clone(&["--dsn", &dsn, "export", ACME, "-o", to]);
    for other in ["/dev/null", cluster().await.directory().to_str().unwrap()] {
        let output = export(other);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(
            said(&output).contains("is not a regular file"),
            "{}",
            said(&output)
        );
    }
    let link = file.with_extension("link");
    symlink(&file, &link).unwrap();
    std::fs::write(&file, "before").unwrap();
    let output = export(link.to_str().unwrap());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::metadata(&file).unwrap().len() > 100);
}
