//! Files of a project that is copied or imported: each clone has the locations of its files.

mod versions;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::scratch_database::cluster;

use crate::scene::{ACME, Scene, source_server};

/// A shop whose products have a picture each, in a directory of each side.
struct Pictures {
    scene: Scene,
    root: PathBuf,
}

impl Pictures {
    async fn new(name: &str) -> Self {
        let scene = Scene::new().await;
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("source")).unwrap();
        fs::create_dir_all(root.join("target")).unwrap();
        scene.source.run("CREATE EXTENSION pg_clone_ext").await;
        scene
            .source
            .run(include_str!("../../../fixtures/shop_store.sql"))
            .await;
        for (database, side) in [(&scene.source, "source"), (&scene.target, "target")] {
            database
                .run(&format!(
                    "SELECT clone.store_table('shop', 'shop.product', 'resource', project_column => 'tenant_id', blob_key => 'pictures/{{id}}');
                     SELECT clone.store_alter('shop', '{{\"blobs\": \"file:{}\"}}')",
                    root.join(side).display()
                ))
                .await;
        }
        fs::create_dir(root.join("source/pictures")).unwrap();
        for (number, id) in scene
            .source
            .list(&format!(
                "SELECT id FROM shop.product WHERE tenant_id = '{ACME}' ORDER BY sku"
            ))
            .await
            .iter()
            .enumerate()
        {
            // One is empty, one is larger than a block.
            let content: Vec<u8> = (0..number * 700_000).map(|byte| (byte % 251) as u8).collect();
            fs::write(root.join("source/pictures").join(id), content).unwrap();
        }
        Self { scene, root }
    }

    fn place(&self, name: &str) -> String {
        format!("file:{}", self.root.join(name).display())
    }

    async fn dsn_of_source(&self) -> String {
        source_server().await.dsn(&self.scene.source.name)
    }

    /// The contents of a tenant's pictures by the products' names.
    async fn pictures(&self, tenant: &str, side: &str) -> BTreeMap<String, Vec<u8>> {
        let database = if side == "source" {
            &self.scene.source
        } else {
            &self.scene.target
        };
        database
            .rows(&format!(
                "SELECT sku, id FROM shop.product WHERE tenant_id = '{tenant}'"
            ))
            .await
            .into_iter()
            .map(|row| {
                let [sku, id] = row.try_into().unwrap();
                let file = self.root.join(side).join("pictures").join(id.unwrap());
                (
                    sku.unwrap(),
                    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())),
                )
            })
            .collect()
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn project_of(output: &std::process::Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    result["project"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_copied_from_one_storage_to_the_other_and_the_clone_knows_where_they_are() {
    let pictures = Pictures::new("moving-files-copy").await;
    let (from, to) = (pictures.scene.from(), pictures.scene.to());
    let copy = ["copy", ACME, "--from", &from, "--to", &to, "--json"];
    // The target's store says where the target's files are; nobody says where the source's are.
    let output = Scene::pg_clone(&copy);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--blobs-from"), "{}", said(&output));

    let place = pictures.place("source");
    let output = Scene::pg_clone(&[&copy[..], &["--blobs-from", &place, "--blobs-later"]].concat());
    let id = project_of(&output);
    // Whoever resumes need not say it again.
    let output = Scene::pg_clone(&["--dbname", &to, "blobs", "run"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let expected = pictures.pictures(ACME, "source").await;
    assert_eq!(expected.len(), 3);
    assert_eq!(pictures.pictures(&id, "target").await, expected);
    let places = pictures
        .scene
        .target
        .list("SELECT DISTINCT source_location || ' ' || target_location FROM clone.blob_copy")
        .await;
    assert_eq!(places, [format!("{} {}", place, pictures.place("target"))]);
    let output = Scene::pg_clone(&["--dbname", &to, "verify", &id]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_travel_in_an_archive() {
    let pictures = Pictures::new("moving-files-archive").await;
    let (dsn, to) = (pictures.dsn_of_source().await, pictures.scene.to());
    let file = pictures.root.join("shop.clone");
    let file = file.to_str().unwrap();
    let output = Scene::pg_clone(&["--dbname", &dsn, "export", ACME, "-o", file, "--with-blobs"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("17 rows and 3 files"), "{}", said(&output));
    let expected = pictures.pictures(ACME, "source").await;
    // The source is far away now.
    fs::rename(pictures.root.join("source"), pictures.root.join("gone")).unwrap();

    let output = Scene::pg_clone(&["--dbname", &to, "import", file, "--json"]);
    let id = project_of(&output);
    assert_eq!(pictures.pictures(&id, "target").await, expected);
    assert!(!pictures.root.join("shop.clone.files").exists());

    // Resumed: the target is not there at first.
    fs::rename(pictures.root.join("target"), pictures.root.join("away")).unwrap();
    let output = Scene::pg_clone(&[
        "--dbname",
        &to,
        "import",
        file,
        "--json",
        "--blobs-later",
        "--name",
        "Second",
    ]);
    let second = project_of(&output);
    assert!(pictures.root.join("shop.clone.files").exists());
    fs::rename(pictures.root.join("away"), pictures.root.join("target")).unwrap();
    let output = Scene::pg_clone(&["--dbname", &to, "blobs", "run"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(pictures.pictures(&second, "target").await, expected);

    // Through a pipe a directory must be named; a damaged archive leaves none.
    let bytes = fs::read(file).unwrap();
    let output = Scene::pg_clone_fed(&["--dbname", &to, "import", "-"], &bytes);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let files = pictures.root.join("piped");
    let import = [
        "--dbname",
        &to,
        "import",
        "-",
        "--json",
        "--files-dir",
        files.to_str().unwrap(),
    ];
    let output = Scene::pg_clone_fed(&import, &bytes[..bytes.len() - 300]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(!files.exists());
    let third = project_of(&Scene::pg_clone_fed(&import, &bytes));
    assert_eq!(pictures.pictures(&third, "target").await, expected);
    assert_eq!(
        pictures
            .scene
            .target
            .number("SELECT count(*) FROM clone.run")
            .await,
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_ends_the_export_and_a_key_cannot_leave_the_directory() {
    let pictures = Pictures::new("moving-files-hostile").await;
    let (dsn, to) = (pictures.dsn_of_source().await, pictures.scene.to());
    let file = pictures.root.join("shop.clone");
    let export = [
        "--dbname",
        &dsn,
        "export",
        ACME,
        "-o",
        file.to_str().unwrap(),
        "--with-blobs",
    ];
    let lost = fs::read_dir(pictures.root.join("source/pictures"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::rename(&lost, pictures.root.join("kept")).unwrap();
    let output = Scene::pg_clone(&export);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("is missing") && !file.exists(),
        "{}",
        said(&output)
    );
    fs::rename(pictures.root.join("kept"), &lost).unwrap();
    let output = Scene::pg_clone(&export);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    // The same archive with other keys.
    let mut archive = clone_archive::Reader::new(fs::File::open(&file).unwrap()).unwrap();
    for key in ["../escaped", "/escaped", "pictures/../../escaped", "a\0b"] {
        let hostile = pictures.root.join("hostile.clone");
        let mut writer =
            clone_archive::Writer::new(fs::File::create(&hostile).unwrap(), archive.manifest()).unwrap();
        let mut archive = clone_archive::Reader::new(fs::File::open(&file).unwrap()).unwrap();
        while let Some(item) = archive.next_item().unwrap() {
            match item {
                clone_archive::Item::Rows(table, bytes) => writer.rows(table, bytes).unwrap(),
                clone_archive::Item::File(mut entry) => {
                    entry.key = key.to_owned();
                    writer.file(&entry).unwrap();
                }
                clone_archive::Item::FileContent(bytes) => writer.file_content(bytes).unwrap(),
                clone_archive::Item::End(totals) => {
                    for (table, totals) in (0u32..).zip(&totals.tables) {
                        writer.rows_written(table, totals.rows);
                    }
                }
            }
        }
        writer.finish().unwrap();
        let output = Scene::pg_clone(&["--dbname", &to, "import", hostile.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{key}: {}", said(&output));
        assert!(
            !pictures.root.join("escaped").exists() && !pictures.root.join("hostile.clone.files").exists()
        );
    }
    assert!(archive.next_item().unwrap().is_some());
    assert_eq!(
        pictures
            .scene
            .target
            .number("SELECT count(*) FROM clone.run")
            .await,
        0
    );
    let _ = cluster().await;
}
