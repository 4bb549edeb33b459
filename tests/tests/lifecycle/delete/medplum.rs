//! Deletion of a clone of the real Medplum project.

use pg_clone_tests::medplum_source::{self, PROJECT};

use crate::state;

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_deleted_clone_of_the_real_project_leaves_every_table_as_it_was() {
    let db = medplum_source::source().await;
    let before = state::of(&db, "public").await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'Staging'")).await;
    let report = db.json(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(
        state::differences(&before, &state::of(&db, "public").await),
        [""; 0]
    );
    assert_eq!(
        report["rows"].as_i64().unwrap(),
        db.number("SELECT rows FROM clone.run").await
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn full_history_and_deleted_resources_go_too() {
    let db = medplum_source::source().await;
    let before = state::of(&db, "public").await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"history\": \"full\"}}'"))
        .await;
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    let report = db.json(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(
        state::differences(&before, &state::of(&db, "public").await),
        [""; 0]
    );
    assert_eq!(
        report["files"].as_i64().unwrap(),
        db.number("SELECT blobs FROM clone.run").await
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_bot_cloned_by_the_product_keeps_its_code() {
    // As the product's own $clone with resourceTypes [Bot] does it: the copy names the Binary of the project it came from.
    let db = medplum_source::source().await;
    let staging = db.clone_project(&format!("'{PROJECT}', 'Staging'")).await;
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    db.run(&format!(
        "INSERT INTO \"Bot\" (id, content, \"lastUpdated\", \"projectId\", __version, compartments)
         SELECT gen_random_uuid(), content, \"lastUpdated\", '33333333-0000-4000-8000-000000000001', __version, '{{}}'
         FROM \"Bot\" WHERE \"projectId\" = '{staging}'"
    ))
    .await;
    let code = db
        .list(&format!(
            "SELECT b.id FROM \"Binary\" b WHERE b.\"projectId\" = '{staging}'
             AND EXISTS (SELECT FROM \"Bot\" t WHERE t.\"projectId\" = '{staging}' AND t.content LIKE '%Binary/' || b.id || '%') ORDER BY 1"
        ))
        .await;
    assert!(!code.is_empty());
    // The copy still names resources of the project that it came from.
    let refused = db.fails(&format!("SELECT project_delete('{staging}')")).await;
    assert!(refused.message.contains("\"Bot\" name"), "{refused:?}");
    let report = db
        .json(&format!(
            "SELECT project_delete('{staging}', options => '{{\"others\": \"include\"}}')"
        ))
        .await;
    let left = db
        .list(&format!(
            "SELECT id FROM \"Binary\" WHERE \"projectId\" = '{staging}' ORDER BY 1"
        ))
        .await;
    assert_eq!(left, code);
    assert_eq!(report["kept"].as_array().unwrap().len(), code.len());
    for id in code {
        let queued =
            format!("SELECT count(*) FROM clone.blob_copy WHERE operation = 'delete' AND target_id = '{id}'");
        assert_eq!(db.number(&queued).await, 0);
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM \"Binary_History\" WHERE id = '{id}'"
            ))
            .await,
            1
        );
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_clone_that_shares_the_source_s_code_is_deleted_without_it() {
    let db = medplum_source::source().await;
    // A project of the product's making: a Bot row that names the source's Binary.
    db.run(&format!(
        "INSERT INTO \"Project\" (id, content, \"lastUpdated\", \"projectId\", __version, compartments)
         SELECT '33333333-0000-4000-8000-000000000001', content, \"lastUpdated\", '33333333-0000-4000-8000-000000000001', __version, '{{}}'
         FROM \"Project\" WHERE id = '{PROJECT}';
         INSERT INTO \"Bot\" (id, content, \"lastUpdated\", \"projectId\", __version, compartments)
         SELECT gen_random_uuid(), content, \"lastUpdated\", '33333333-0000-4000-8000-000000000001', __version, '{{}}'
         FROM \"Bot\" WHERE \"projectId\" = '{PROJECT}'"
    ))
    .await;
    let binaries = state::of(&db, "public").await["\"Binary\""].clone();
    let report = db
        .json("SELECT project_delete('33333333-0000-4000-8000-000000000001', options => '{\"force\": true}')")
        .await;
    assert_eq!((&report["rows"], &report["files"]), (&2.into(), &0.into()));
    assert_eq!(state::of(&db, "public").await["\"Binary\""], binaries);
}
