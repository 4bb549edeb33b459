//! Binaries: every row of the project, and its file in the queue with the right keys.

use std::collections::BTreeSet;
use std::process::Command;

use pg_clone_tests::blob_queue::{pg_clone_binary, said};
use pg_clone_tests::medplum_source::{PROJECT, cloned, data, shared, source, source_with_additions};
use pg_clone_tests::scratch_database::cluster;

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn every_binary_is_listed_under_its_old_and_new_key() {
    let (db, clone) = cloned().await;
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Binary" WHERE "projectId" = '{clone}'"#
        ))
        .await,
        28
    );
    assert_eq!(db.number("SELECT count(*) FROM clone.blob_copy").await, 28);
    let wrong = db
        .rows(&format!(
            r#"SELECT b.source_key, b.target_key FROM clone.blob_copy b
               LEFT JOIN test.map m ON m.old::text = b.source_id AND m.new::text = b.target_id
               LEFT JOIN "Binary" s ON s.id = m.old LEFT JOIN "Binary" c ON c.id = m.new
               WHERE (b.store, b.operation, b.resource_type, b.state) IS DISTINCT FROM ('medplum', 'copy', 'Binary', 'pending')
                  OR b.source_key IS DISTINCT FROM 'binary/' || s.id || '/' || (s.content::json #>> '{{meta,versionId}}')
                  OR b.target_key IS DISTINCT FROM 'binary/' || c.id || '/' || (c.content::json #>> '{{meta,versionId}}')
                  OR b.content_type IS DISTINCT FROM c.content::json->>'contentType'
                  OR c."projectId" IS DISTINCT FROM '{clone}'"#
        ))
        .await;
    assert_eq!(wrong, Vec::<Vec<Option<String>>>::new());
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_source_keys_are_files_of_the_servers_storage() {
    let (db, _) = cloned().await;
    let output = Command::new("tar")
        .arg("tzf")
        .arg(data().join("binary.tar.gz"))
        .output()
        .unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    let files: BTreeSet<&str> = files
        .lines()
        .map(|line| line.trim_start_matches("./").trim_start_matches("binary/"))
        .collect();
    for key in db.list("SELECT source_key FROM clone.blob_copy").await {
        let file = key.strip_prefix("binary/").unwrap();
        assert!(files.contains(file), "{file} in {files:?}");
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_driver_copies_every_file_of_the_servers_storage_byte_by_byte() {
    let db = source().await;
    let scratch = std::env::temp_dir().join(format!("pg_clone_binaries_{}", std::process::id()));
    let (from, to) = (scratch.join("from"), scratch.join("to"));
    std::fs::create_dir_all(&from).unwrap();
    std::fs::create_dir_all(&to).unwrap();
    let unpacked = Command::new("tar")
        .arg("xzf")
        .arg(data().join("binary.tar.gz"))
        .arg("-C")
        .arg(&from)
        .status();
    assert!(unpacked.unwrap().success());
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    let dsn = cluster().await.dsn(&db.name);
    let pg_clone = |arguments: &[&str]| {
        Command::new(pg_clone_binary())
            .args(["--dsn", &dsn])
            .args(arguments)
            .output()
            .unwrap()
    };
    let directory = |path: &std::path::Path| format!("file:{}", path.display());
    let copied = pg_clone(&[
        "blobs",
        "run",
        "--blobs-from",
        &directory(&from),
        "--blobs-to",
        &directory(&to),
    ]);
    assert!(copied.status.success(), "{}", said(&copied));
    let keys = db
        .rows("SELECT source_key, target_key FROM clone.blob_copy WHERE state = 'done'")
        .await;
    assert_eq!(keys.len(), 28);
    for key in &keys {
        // In a directory the keys stand without the bucket's prefix.
        let file = |root: &std::path::Path, place: usize| {
            std::fs::read(root.join(key[place].as_deref().unwrap().trim_start_matches("binary/"))).unwrap()
        };
        assert_eq!(file(&from, 0), file(&to, 1), "{key:?}");
    }
    let verified = pg_clone(&["verify", &clone]);
    assert!(verified.status.success(), "{}", said(&verified));
    std::fs::remove_dir_all(&scratch).unwrap();
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn with_full_history_each_version_of_a_binary_is_listed() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"history\": \"full\"}}'"))
        .await;
    assert_eq!(db.number("SELECT count(*) FROM clone.blob_copy").await, 29);
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM clone.blob_copy b JOIN "Binary_History" h ON b.target_key = 'binary/' || h.id || '/' || h."versionId"
               JOIN "Binary" r ON r.id = h.id WHERE r."projectId" = '{clone}'"#
        ))
        .await,
        29
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn blobs_none_lists_nothing() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"blobs\": \"none\"}}'"))
        .await;
    assert_eq!(db.number("SELECT count(*) FROM clone.blob_copy").await, 0);
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Binary" WHERE "projectId" = '{clone}'"#
        ))
        .await,
        28
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_attachment_that_leads_nowhere_is_no_error_and_a_binary_nobody_names_is_cloned() {
    let db = source_with_additions().await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "DocumentReference" WHERE "projectId" = '{clone}' AND content LIKE '%Binary/bbbbbbbb-0000-4000-8000-000000000000%'"#
        ))
        .await,
        1,
        "what is no resource of the source stays as it is"
    );
    assert_eq!(db.number("SELECT count(*) FROM clone.blob_copy").await, 29);
    assert_eq!(
        db.text("SELECT content_type FROM clone.blob_copy WHERE source_id = 'aaaaaaaa-0000-4000-8000-000000000007'").await,
        "image/png"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn who_waits_for_files_is_told_when_the_clone_commits() {
    let db = source_with_additions().await;
    let listener = db.session().await;
    listener.run("LISTEN clone_blob_copy").await;
    db.run("BEGIN").await;
    db.clone_project(&format!("'{PROJECT}', resource_types => '{{Binary}}'"))
        .await;
    assert_eq!(listener.number("SELECT count(*) FROM clone.blob_copy").await, 0);
    db.run("COMMIT").await;
    assert_eq!(listener.number("SELECT count(*) FROM clone.blob_copy").await, 29);
}
