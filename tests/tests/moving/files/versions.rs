//! Files of every version of a resource travel in an archive with full history.

use std::fs;
use std::path::Path;

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::scratch_database::{Scratch, cluster};

use crate::scene::{Scene, source_server};

const PROJECT: &str = "a0000000-0000-4000-8000-00000000000a";

/// Scans with a file for each of their versions, as FHIR servers keep them.
const TABLES: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_clone_ext; CREATE SCHEMA app;
    CREATE TABLE app.clinic (id uuid PRIMARY KEY, name text NOT NULL);
    CREATE TABLE app.scan (id uuid PRIMARY KEY, clinic uuid NOT NULL REFERENCES app.clinic, deleted boolean NOT NULL DEFAULT false, content jsonb NOT NULL);
    CREATE TABLE app.scan_history (version uuid PRIMARY KEY, id uuid NOT NULL, content jsonb NOT NULL);
    SELECT clone.store_create('app', 'custom', '{}');
    SELECT clone.store_table('app', 'app.clinic', 'project', id_column => 'id');
    SELECT clone.store_table('app', 'app.scan', 'resource', resource_type => 'Scan', id_column => 'id', project_column => 'clinic',
        document_column => 'content', version_path => '{meta,versionId}', live => 'NOT deleted', blob_key => 'scans/{id}/{version}');
    SELECT clone.store_table('app', 'app.scan_history', 'history', parent => 'app.scan', join_column => 'id',
        document_column => 'content', columns => '{\"version\": \"version\"}');";

/// Two scans of a clinic, the second deleted, and one of another clinic, with two versions each.
const ROWS: &str = "
    INSERT INTO app.clinic VALUES ('a0000000-0000-4000-8000-00000000000a', 'Ours'), ('b0000000-0000-4000-8000-00000000000b', 'Theirs');
    INSERT INTO app.scan_history SELECT format('e0000000-0000-4000-8000-00000000%s0%s', lpad(s::text, 2, '0'), v)::uuid, format('c0000000-0000-4000-8000-0000000000%s', lpad(s::text, 2, '0'))::uuid,
        jsonb_build_object('page', v, 'meta', jsonb_build_object('versionId', format('e0000000-0000-4000-8000-00000000%s0%s', lpad(s::text, 2, '0'), v)))
    FROM generate_series(1, 3) s, generate_series(1, 2) v;
    INSERT INTO app.scan SELECT DISTINCT ON (h.id) h.id, CASE WHEN right(h.id::text, 1) = '3' THEN 'b0000000-0000-4000-8000-00000000000b' ELSE 'a0000000-0000-4000-8000-00000000000a' END::uuid,
        right(h.id::text, 1) = '2', h.content FROM app.scan_history h ORDER BY h.id, h.version DESC;";

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_with_full_history_has_the_files_of_all_versions() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moving-files-versions");
    let _ = fs::remove_dir_all(&root);
    let sources = source_server().await;
    let (source, target) = (
        Scratch::new_on(sources).await,
        Scratch::new_on(cluster().await).await,
    );
    for (database, side) in [(&source, "source"), (&target, "target")] {
        fs::create_dir_all(root.join(side)).unwrap();
        database.run(TABLES).await;
        database
            .run(&format!(
                "SELECT clone.store_alter('app', '{{\"blobs\": \"file:{}\"}}')",
                root.join(side).display()
            ))
            .await;
    }
    source.run(ROWS).await;
    let keys = source
        .list("SELECT 'scans/' || id || '/' || version FROM app.scan_history ORDER BY 1")
        .await;
    assert_eq!(keys.len(), 6);
    for key in &keys {
        let file = root.join("source").join(key);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, format!("content of {key}")).unwrap();
    }
    let (dsn, to) = (sources.dsn(&source.name), cluster().await.dsn(&target.name));
    let file = root.join("clinic.clone");
    let file = file.to_str().unwrap();
    let output = Scene::pg_clone(&[
        "--dbname",
        &dsn,
        "export",
        PROJECT,
        "-o",
        file,
        "--with-blobs",
        "--full-history",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("and 4 files"), "{}", said(&output));

    let output = Scene::pg_clone(&["--dbname", &to, "import", file, "--keep-ids"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for key in &keys {
        let copied = fs::read_to_string(root.join("target").join(key)).ok();
        let ours = !key.contains("000000000003/");
        assert_eq!(copied, ours.then(|| format!("content of {key}")), "{key}");
    }
    // The newest versions alone travel without it.
    let output = Scene::pg_clone(&["--dbname", &dsn, "export", PROJECT, "-o", file, "--with-blobs"]);
    assert!(said(&output).contains("and 1 files"), "{}", said(&output));
    fs::remove_dir_all(&root).unwrap();
}
