//! What verification says of ids in spellings that a clone does not rewrite.

use super::pairs::add;
use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};

const CHECK: &str = "ids of the source in spellings that are not rewritten";

#[tokio::test]
async fn verification_tells_of_ids_that_are_not_rewritten() {
    let db = with_observations(1).await;
    let base64 = db
        .text(&format!(
            "SELECT replace(encode(convert_to('Patient/{PATIENT}', 'UTF8'), 'base64'), E'\\n', '')"
        ))
        .await;
    let spellings = [
        PATIENT.replace('-', ""),
        PATIENT.replace('-', "").to_uppercase(),
        format!("data:text/plain;base64,{base64}"),
    ];
    for (n, spelling) in spellings.iter().enumerate() {
        db.run("BEGIN").await;
        let document = serde_json::json!({"text": spelling}).to_string();
        add(&db, "33333333-3333-4333-8333-333333333333", "Odd", &document).await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        let rows = db
            .rows(&format!(
                "SELECT found, ok FROM project_clone_verify('{clone}') WHERE check_name = '{CHECK}'"
            ))
            .await;
        assert_eq!(
            rows,
            [[Some("1".to_owned()), Some("f".to_owned())]],
            "{n}: {spelling}"
        );
        db.run("ROLLBACK").await;
    }
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.text(&format!(
            "SELECT ok FROM project_clone_verify('{clone}') WHERE check_name = '{CHECK}'"
        ))
        .await,
        "t"
    );
}
