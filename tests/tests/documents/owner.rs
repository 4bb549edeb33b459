//! The owner: the column, the document and the answer agree.

use pg_clone_tests::scratch_database::Scratch;

const PROJECT: &str = "a0600000-0000-4000-8000-000000000001";

/// A project whose document says its owner in this way.
async fn owned(document: &str) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "SELECT clone.store_create('documents', 'documents');
         INSERT INTO documents.project (id, name, owner, content) VALUES ('{PROJECT}', 'P', 'User/1', '{document}')"
    ))
    .await;
    db
}

#[tokio::test]
async fn a_new_owner_stands_in_the_column_in_the_document_and_in_the_answer() {
    for (document, place, expected) in [
        (
            r#"{"owner": {"reference": "User/1", "display": "One"}}"#,
            "{owner,reference}",
            "User/2",
        ),
        (r#"{"owner": "User/1"}"#, "{owner}", "User/2"),
        (r#"{"name": "P"}"#, "{owner}", ""),
    ] {
        let db = owned(document).await;
        let answer = db
            .json(&format!("SELECT project_clone('{PROJECT}', owner => 'User/2')"))
            .await;
        assert_eq!(answer["owner"], "User/2", "{document}");
        let said = format!("SELECT '{answer}'::jsonb->'content'#>>'{place}'");
        assert_eq!(db.text(&said).await, expected, "{document}");
        let stored = "SELECT owner, content FROM documents.project ORDER BY created_at DESC LIMIT 1";
        let row = db.rows(stored).await.remove(0);
        assert_eq!(row[0].as_deref(), Some("User/2"));
        assert_eq!(
            row[1].as_deref(),
            Some(
                &*answer["content"]
                    .to_string()
                    .replace("\":", "\": ")
                    .replace(",\"", ", \"")
            )
        );
        // Without one everything stays.
        let kept = db.json(&format!("SELECT project_clone('{PROJECT}')")).await;
        assert_eq!(kept["owner"], "User/1");
        assert!(!kept["content"].to_string().contains("User/2"), "{kept}");
    }
}

#[tokio::test]
async fn a_malformed_owner_is_refused() {
    let db = owned("{}").await;
    for owner in ["User/<id>", "User/", "User/a b", "User/2/3", ""] {
        let refused = db
            .fails(&format!("SELECT project_clone('{PROJECT}', owner => '{owner}')"))
            .await;
        assert_eq!(refused.code, "22023", "{owner}");
        assert_eq!(refused.message, format!("malformed owner \"{owner}\""));
        assert!(refused.hint.contains("User/"), "{refused:?}");
    }
}
