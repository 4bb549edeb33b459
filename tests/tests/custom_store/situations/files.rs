//! Files whose key is in a column of the row: the clone gets a key of its own, and a copy of the file.

use std::process::Command;

use pg_clone_tests::blob_queue::{pg_clone_binary, said};
use pg_clone_tests::scratch_database::{Scratch, cluster};

use crate::described;

const STUDIO: &str = "CREATE TABLE studio (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
    CREATE TABLE stored_file (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, studio_id int NOT NULL REFERENCES studio, storage_key text UNIQUE, title text);
    CREATE TABLE scan (id uuid PRIMARY KEY, studio_id int NOT NULL REFERENCES studio, path text NOT NULL);
    INSERT INTO studio (name) VALUES ('Ours'), ('Other');
    INSERT INTO stored_file (studio_id, storage_key, title) VALUES (1, 'k3m9x0qz', 'cat'), (1, 'p7w2b4vn', 'dog'), (1, NULL, 'no file yet'), (2, 'zz11yy22', 'other');
    INSERT INTO scan VALUES ('c0000000-0000-4000-8000-000000000001', 1, 'scans/c0000000-0000-4000-8000-000000000001/page.png')";

fn store(keys: &str) -> String {
    format!(
        "SELECT clone.store_table('s', 'studio', 'project');
         SELECT clone.store_table('s', 'stored_file', 'resource', project_column => 'studio_id', blob_key => '{keys}');
         SELECT clone.store_table('s', 'scan', 'resource', project_column => 'studio_id', blob_key => '{{path}}')"
    )
}

async fn queued(db: &Scratch, operation: &str) -> Vec<String> {
    db.list(&format!(
        "SELECT concat_ws(' ', source_key, target_key) FROM clone.blob_copy WHERE operation = '{operation}' ORDER BY 1"
    ))
    .await
}

#[tokio::test]
async fn a_placeholder_that_is_no_column_is_refused() {
    let db = described(STUDIO, "SELECT clone.store_table('s', 'studio', 'project')").await;
    for key in ["{key}", "{storage_key", "a/{}"] {
        let failure = db
            .fails(&format!(
                "SELECT clone.store_table('s', 'stored_file', 'resource', project_column => 'studio_id', blob_key => '{key}')"
            ))
            .await;
        assert_eq!(failure.code, "22023", "{failure:?}");
        assert!(failure.hint.contains("{storage_key}"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_key_with_a_version_that_rows_do_not_have_is_refused() {
    let db = described(STUDIO, &store("{id}/{version}")).await;
    for call in ["project_clone", "project_clone_plan"] {
        let failure = db.fails(&format!("SELECT * FROM {call}('1')")).await;
        assert_eq!(failure.code, "55000", "{failure:?}");
        assert_eq!(
            failure.message,
            "the key \"{id}/{version}\" of the files of public.stored_file names a version, which its rows do not have"
        );
        assert!(failure.hint.contains("'version'"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_key_that_would_stay_is_refused_before_anything_is_written() {
    let db = described(STUDIO, &store("{storage_key}")).await;
    let expected =
        "SELECT clone.store_column('s', 'public.stored_file', 'storage_key', 'suffix'), or 'random'";
    // With a unique index and without one: two projects must not share a file.
    for alter in [
        "",
        "ALTER TABLE stored_file DROP CONSTRAINT stored_file_storage_key_key",
    ] {
        db.run(alter).await;
        for call in ["project_clone", "project_clone_plan"] {
            let failure = db.fails(&format!("SELECT * FROM {call}('1')")).await;
            assert_eq!(failure.code, "55000", "{failure:?}");
            assert!(failure.hint.contains(expected), "{failure:?}");
        }
    }
    assert_eq!(db.number("SELECT count(*) FROM studio").await, 2);
    // Without its files a clone may share nothing either way.
    db.clone_project("'1', options => '{\"blobs\": \"none\"}'").await;
}

#[tokio::test]
async fn files_are_copied_to_the_keys_that_the_clones_rows_got_and_deleted_with_it() {
    let files = std::env::temp_dir().join(format!("pg_clone-test-files-{}", std::process::id()));
    let file = |key: &str| files.join(key);
    std::fs::create_dir_all(file("scans/c0000000-0000-4000-8000-000000000001")).unwrap();
    for (key, content) in [
        ("k3m9x0qz", "cat"),
        ("p7w2b4vn", "dog"),
        ("scans/c0000000-0000-4000-8000-000000000001/page.png", "page"),
    ] {
        std::fs::write(file(key), content).unwrap();
    }
    let db = described(
        STUDIO,
        &format!(
            "UPDATE clone.store SET options = jsonb_build_object('blobs', 'file:{}'); {}; SELECT clone.store_column('s', 'stored_file', 'storage_key', 'random')",
            files.display(),
            store("{storage_key}")
        ),
    )
    .await;
    let clone = db.clone_project("'1'").await;
    let keys = db
        .list(&format!(
            "SELECT f.storage_key || ' ' || f.title FROM stored_file f WHERE studio_id = {clone} AND storage_key ~ '^[a-z][0-9][a-z][0-9][a-z][0-9][a-z]{{2}}$' ORDER BY title"
        ))
        .await;
    assert_eq!(keys.len(), 2, "{keys:?}");
    let page = db
        .text(&format!("SELECT path FROM scan WHERE studio_id = {clone}"))
        .await;
    let dsn = cluster().await.dsn(&db.name);
    let work = |arguments: &[&str]| {
        let output = Command::new(pg_clone_binary())
            .args(["--dsn", &dsn])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    };
    work(&["blobs", "run"]);
    for (line, content) in keys.iter().map(|line| line.split_once(' ').unwrap()) {
        assert_eq!(std::fs::read_to_string(file(line)).unwrap(), content);
    }
    assert_eq!(std::fs::read_to_string(file(&page)).unwrap(), "page");
    assert_eq!(queued(&db, "copy").await.len(), 3);
    crate::assert_verified(&db, &clone).await;
    // The clone of a clone takes its source's copy, and the deletion of the clone its files alone.
    let second = db.clone_project(&format!("'{clone}'")).await;
    work(&["blobs", "run"]);
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    work(&["blobs", "run"]);
    for line in &keys {
        assert!(!file(line.split_once(' ').unwrap().0).exists(), "{line}");
    }
    assert!(!file(&page).exists());
    assert_eq!(std::fs::read_to_string(file("k3m9x0qz")).unwrap(), "cat");
    let cats = db
        .text(&format!(
            "SELECT storage_key FROM stored_file WHERE studio_id = {second} AND title = 'cat'"
        ))
        .await;
    assert_eq!(std::fs::read_to_string(file(&cats)).unwrap(), "cat");
    std::fs::remove_dir_all(&files).unwrap();
}

/// Pages with a file for each version. The history has neither the type nor the folder of the page, and its document has another name.
const PAGES: &str = "CREATE TABLE studio (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
    CREATE TABLE page (id uuid PRIMARY KEY, studio_id int NOT NULL REFERENCES studio, kind text NOT NULL, folder text NOT NULL, content jsonb NOT NULL);
    CREATE TABLE page_history (version uuid PRIMARY KEY, id uuid NOT NULL, body jsonb NOT NULL);
    INSERT INTO studio (name) VALUES ('Ours');
    INSERT INTO page_history SELECT format('e0000000-0000-4000-8000-00000000%s0%s', lpad(p::text, 2, '0'), v)::uuid, format('c0000000-0000-4000-8000-0000000000%s', lpad(p::text, 2, '0'))::uuid,
        jsonb_build_object('contentType', 'image/v' || v, 'meta', jsonb_build_object('versionId', format('e0000000-0000-4000-8000-00000000%s0%s', lpad(p::text, 2, '0'), v)))
        FROM generate_series(1, 2) p, generate_series(1, 2) v;
    INSERT INTO page SELECT DISTINCT ON (id) id, 1, CASE WHEN right(id::text, 1) = '1' THEN 'Image' ELSE 'Note' END, 'scans', body FROM page_history ORDER BY id, version DESC";

#[tokio::test]
async fn files_of_all_versions_have_the_type_and_the_columns_of_their_resource() {
    let db = described(
        PAGES,
        "UPDATE clone.store SET options = '{\"blobs\": \"file:///var/lib/pages\"}';
         SELECT clone.store_table('s', 'studio', 'project');
         SELECT clone.store_table('s', 'page', 'resource', project_column => 'studio_id', type_column => 'kind', document_column => 'content',
            version_path => '{meta,versionId}', blob_key => '{folder}/{id}/{version}', blob_type => 'Image');
         SELECT clone.store_table('s', 'page_history', 'history', parent => 'page', join_column => 'id', document_column => 'body', version_path => '{meta,versionId}', columns => '{\"version\": \"version\"}')",
    )
    .await;
    let clone = db
        .clone_project("'1', options => '{\"history\": \"full\"}'")
        .await;
    let page = db
        .text(&format!(
            "SELECT id FROM page WHERE studio_id = {clone} AND kind = 'Image'"
        ))
        .await;
    let expected = db
        .list(&format!(
            "SELECT format('scans/%s/%s', id, version) FROM page_history WHERE id = '{page}' ORDER BY 1"
        ))
        .await;
    assert_eq!(expected.len(), 2, "{expected:?}");
    let keys = "SELECT target_key FROM clone.blob_copy WHERE operation";
    assert_eq!(db.list(&format!("{keys} = 'copy' ORDER BY 1")).await, expected);
    assert_eq!(
        db.list("SELECT content_type FROM clone.blob_copy ORDER BY 1")
            .await,
        ["image/v1", "image/v2"]
    );
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.list(&format!("{keys} = 'delete' ORDER BY 1")).await, expected);
}

#[tokio::test]
async fn a_history_names_its_versions_at_its_own_path() {
    let in_meta = "jsonb_build_object('meta', jsonb_build_object('versionId', version))";
    for (own_path, roles, member) in [
        (
            "version_path => '{version}',",
            "{\"version\": \"new_uuid\"}",
            "jsonb_build_object('version', version)",
        ),
        // Without a path of its own it has the one of its table.
        ("", "{\"version\": \"new_uuid\"}", in_meta),
        // The key of a version is one without a word about it, too.
        ("", "{}", in_meta),
    ] {
        let db = described(
            &format!("{PAGES}; UPDATE page_history SET body = {member}"),
            &format!(
                "UPDATE clone.store SET options = '{{\"blobs\": \"file:///var/lib/pages\"}}';
                 SELECT clone.store_table('s', 'studio', 'project');
                 SELECT clone.store_table('s', 'page', 'resource', project_column => 'studio_id', type_column => 'kind', document_column => 'content',
                    version_path => '{{meta,versionId}}', blob_key => '{{folder}}/{{id}}/{{version}}', blob_type => 'Image');
                 SELECT clone.store_table('s', 'page_history', 'history', parent => 'page', join_column => 'id', document_column => 'body', {own_path} columns => '{roles}')"
            ),
        )
        .await;
        let clone = db
            .clone_project("'1', options => '{\"history\": \"full\"}'")
            .await;
        let expected = db
            .list(&format!(
                "SELECT format('scans/%s/%s', page.id, COALESCE(body->>'version', body#>>'{{meta,versionId}}'))
                 FROM page JOIN page_history USING (id) WHERE studio_id = {clone} AND kind = 'Image' ORDER BY 1"
            ))
            .await;
        assert_eq!(expected.len(), 2, "{expected:?}");
        assert_eq!(
            db.list("SELECT target_key FROM clone.blob_copy WHERE operation = 'copy' ORDER BY 1")
                .await,
            expected
        );
        assert_eq!(
            db.number("SELECT count(*) FROM page_history h JOIN page_history s USING (version) WHERE h.id <> s.id OR h.ctid <> s.ctid").await,
            0
        );
        db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
            .await;
        crate::assert_verified(&db, &clone).await;
        db.clone_project("'1'").await;
    }
}

/// A history that names the key and the document of its resource otherwise.
const LETTERS: &str = "CREATE TABLE studio (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
    CREATE TABLE letter (id uuid PRIMARY KEY, studio_id int NOT NULL REFERENCES studio, content jsonb NOT NULL);
    CREATE TABLE letter_version (version uuid PRIMARY KEY DEFAULT gen_random_uuid(), letter_id uuid NOT NULL, body jsonb NOT NULL, changed_by text);
    INSERT INTO studio (name) VALUES ('Ours');
    INSERT INTO letter SELECT id, 1, jsonb_build_object('self', id) FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 3)) g;
    INSERT INTO letter_version (letter_id, body) SELECT id, content FROM letter, generate_series(1, 2)";

#[tokio::test]
async fn the_one_version_of_a_resource_is_made_of_its_key_and_its_document() {
    let db = described(
        LETTERS,
        "SELECT clone.store_table('s', 'studio', 'project');
         SELECT clone.store_table('s', 'letter', 'resource', project_column => 'studio_id');
         SELECT clone.store_table('s', 'letter_version', 'history', parent => 'letter', join_column => 'letter_id')",
    )
    .await;
    let error = db.fails("SELECT project_clone('1')").await;
    assert_eq!(error.code, "55000");
    assert_eq!(
        error.message,
        "column public.letter_version.changed_by has no counterpart in public.letter"
    );
    let hint = error.hint;
    assert_eq!(
        hint,
        "Call it with options => '{\"history\": \"full\"}' or '{\"history\": \"none\"}', or say what the column gets: SELECT clone.store_column('s', 'public.letter_version', 'changed_by', '<role>');"
    );
    db.run(&hint[hint.find("SELECT").unwrap()..].replace("<role>", "null"))
        .await;
    let right = "SELECT count(*) FROM letter l JOIN letter_version v ON v.letter_id = l.id AND v.body = l.content AND v.body->>'self' = l.id::text WHERE l.studio_id =";
    for (history, count) in [("current", 3), ("full", 6), ("none", 0)] {
        let clone = db
            .clone_project(&format!("'1', options => '{{\"history\": \"{history}\"}}'"))
            .await;
        assert_eq!(db.number(&format!("{right} {clone}")).await, count, "{history}");
        crate::assert_verified(&db, &clone).await;
    }
}
