//! The rows of a clone: a comparison of the two insert paths, names, files, large documents.

use std::collections::BTreeSet;

use super::pairs::ids;
use pg_clone_tests::id_oracle::Ids;
use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};
use pg_clone_tests::scratch_database::Session;

/// Rows of two clones under each one's ids, without times, in an order of their own.
async fn normalized(session: &Session, clone: &str) -> BTreeSet<String> {
    let ids = ids(session, clone).await;
    let back = Ids {
        new: ids
            .new
            .iter()
            .map(|(old, new)| (new.clone(), old.clone()))
            .collect(),
    };
    session
        .list(&format!(
            "SELECT to_jsonb(r) - '{{created_at,updated_at}}'::text[] FROM documents.resource r WHERE project_id = '{clone}'
             UNION ALL SELECT to_jsonb(p) - '{{created_at,updated_at}}'::text[] FROM documents.project p WHERE id = '{clone}'"
        ))
        .await
        .into_iter()
        .map(|row| back.rewrite(&row))
        .collect()
}

#[tokio::test]
async fn both_paths_make_the_same_rows_with_and_without_a_thread() {
    // More than one batch of documents, so that the thread beside the backend has its share.
    let db = with_observations(700).await;
    db.run("SELECT clone.rule('documents', 'Patient', '$.secret', 'remove'); SELECT clone.rule('documents', 'Observation', '$.flag', 'set', 'true', \"when\" => '@.value > 250')").await;
    db.run(&format!(r#"UPDATE documents.resource SET content = content || '{{"secret": "s", "big": "{}"}}' WHERE resource_type = 'Patient'"#, "pad ".repeat(5000))).await;
    let source = normalized_source(&db).await;
    let mut results = Vec::new();
    for (bulk, parallel) in [("on", "on"), ("on", "off"), ("off", "on"), ("off", "off")] {
        db.run(&format!(
            "SET pg_clone.bulk = {bulk}; SET pg_clone.parallel = {parallel}"
        ))
        .await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        assert_eq!(
            db.list(
                "SELECT DISTINCT path FROM clone.run_table WHERE run_id = (SELECT max(id) FROM clone.run)"
            )
            .await,
            [if bulk == "on" { "bulk" } else { "sql" }]
        );
        results.push(normalized(&db, &clone).await);
    }
    assert_eq!(results[0].len(), 704);
    for other in &results[1..] {
        assert_eq!(results[0], *other);
    }
    assert_eq!(source.len(), 704);
    assert_eq!(
        results[0]
            .iter()
            .filter(|row| row.contains("\"flag\": true"))
            .count(),
        450
    );
    assert!(results[0].iter().all(|row| !row.contains("\"secret\"")));
    assert_eq!(
        results[0].intersection(&source).count(),
        704 - 450 - 1,
        "all but those that rules edit are the source's"
    );
    let counts = |column: &str| format!("SELECT count(DISTINCT ({column})) FROM clone.run");
    assert_eq!(
        db.number(&counts("resources, rows, rewritten, kept, dangling, blobs"))
            .await,
        1
    );
}

async fn normalized_source(session: &Session) -> BTreeSet<String> {
    session
        .list(&format!(
            "SELECT to_jsonb(r) - '{{created_at,updated_at}}'::text[] FROM documents.resource r WHERE project_id = '{PROJECT}'
             UNION ALL SELECT to_jsonb(p) - '{{created_at,updated_at}}'::text[] FROM documents.project p WHERE id = '{PROJECT}'"
        ))
        .await
        .into_iter()
        .collect()
}

#[tokio::test]
async fn names_owners_and_files_of_the_store() {
    let db = with_observations(1).await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', 'Staging', owner => 'User/7'"))
        .await;
    assert_eq!(
        db.rows(&format!("SELECT name, owner, created_at > now() - interval '1 minute' FROM documents.project WHERE id = '{clone}'")).await,
        [["Staging", "User/7", "t"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(
        db.rows(&format!(
            "SELECT b.source_key, b.target_key = '{clone}/' || r.id, b.content_type FROM clone.blob_copy b JOIN documents.resource r ON r.id::text = b.target_id"
        ))
        .await,
        [[format!("{PROJECT}/22222222-2222-4222-8222-000000000002"), "t".to_owned(), "text/plain".to_owned()].map(Some)]
    );
    let binary = db
        .text(&format!(
            "SELECT id FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Binary'"
        ))
        .await;
    assert_eq!(
        db.text(&format!("SELECT content #>> '{{content,url}}' FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'DocumentReference'")).await,
        format!("Binary/{binary}")
    );
    // An attachment brings its file's Binary along, whatever the filter.
    let clone = db
        .clone_project(&format!("'{PROJECT}', resource_types => '{{DocumentReference}}'"))
        .await;
    assert_eq!(
        db.list(&format!(
            "SELECT resource_type FROM documents.resource WHERE project_id = '{clone}' ORDER BY 1"
        ))
        .await,
        ["Binary", "DocumentReference"]
    );
}

#[tokio::test]
async fn big_documents_are_stored_out_of_line_and_compressed_as_the_server_does_it() {
    let db = with_observations(1).await;
    db.run(&format!(
        r#"INSERT INTO documents.resource (project_id, resource_type, content)
           SELECT '{PROJECT}', 'Big', jsonb_build_object('mark', n, 'ref', 'Patient/{PATIENT}', 'text', (SELECT string_agg(md5(i::text || n), ' ') FROM generate_series(1, 20000) i))
           FROM generate_series(1, 3) n"#
    ))
    .await;
    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        let patient = db
            .text(&format!(
                "SELECT id FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Patient'"
            ))
            .await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM documents.resource c JOIN documents.resource s ON s.content->>'mark' = c.content->>'mark' AND s.content->'text' = c.content->'text'
                 WHERE s.project_id = '{PROJECT}' AND c.project_id = '{clone}' AND c.content->>'ref' = 'Patient/{patient}'"
            ))
            .await,
            3
        );
    }
    db.run(&format!(
        "DELETE FROM documents.resource WHERE project_id = '{PROJECT}'"
    ))
    .await;
    db.run("VACUUM documents.resource").await;
    assert_eq!(
        db.number("SELECT count(*) FROM documents.resource WHERE resource_type = 'Big' AND length(content->>'text') = 659999").await,
        6,
        "the clones do not share the source's storage"
    );
}
