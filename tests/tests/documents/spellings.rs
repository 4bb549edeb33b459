//! Spellings of ids that are none of the usual ones: each is rewritten, or verification says where it stays.

use super::pairs::add;
use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};

const ODD: &str = "33333333-3333-4333-8333-333333333333";

#[tokio::test]
async fn every_spelling_of_the_digits_is_rewritten_in_its_own_form() {
    let db = with_observations(1).await;
    let plain = PATIENT.replace('-', "");
    let spellings = [
        plain.clone(),
        plain.to_uppercase(),
        format!("/files/{plain}.png"),
        format!("Patient%2F{plain}"),
        format!("Patient%252F{PATIENT}"),
        format!("{PATIENT}abc"),
        format!("12{PATIENT}"),
        format!("{PATIENT}{PATIENT}"),
        format!("{plain}{plain}"),
        format!("{{\"patient\": \"{plain}\"}}"),
    ];
    let document = serde_json::json!({"spellings": spellings, "keys": {plain.clone(): 1}}).to_string();
    add(&db, ODD, "Odd", &document).await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"verify\": true}}'"))
        .await;
    let patient = db
        .text(&format!(
            "SELECT id FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Patient'"
        ))
        .await;
    let expected = document
        .replace(PATIENT, &patient)
        .replace(&plain, &patient.replace('-', ""))
        .replace(&plain.to_uppercase(), &patient.replace('-', "").to_uppercase());
    assert_eq!(
        db.text(&format!(
            "SELECT content = '{expected}'::jsonb FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Odd'"
        ))
        .await,
        "t"
    );
}

#[tokio::test]
async fn base64_stays_and_verification_tells_which_rows_hold_it() {
    let db = with_observations(1).await;
    let base64 = db
        .text(&format!(
            "SELECT replace(encode(convert_to('Patient/{PATIENT}', 'UTF8'), 'base64'), E'\\n', '')"
        ))
        .await;
    let check = |clone: &str| {
        format!(
            "SELECT concat_ws('|', subject, found, ok) FROM project_clone_verify('{clone}') WHERE check_name = 'ids of the source in base64'"
        )
    };
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(db.list(&check(&clone)).await, ["all tables|0|t"]);
    let document = serde_json::json!({"data": format!("data:text/plain;base64,{base64}")}).to_string();
    add(&db, ODD, "Odd", &document).await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"verify\": true}}'"))
        .await;
    let copy = db
        .text(&format!(
            "SELECT id FROM documents.resource WHERE project_id = '{clone}' AND content::text LIKE '%{base64}%'"
        ))
        .await;
    assert_eq!(
        db.list(&check(&clone)).await,
        [format!("documents.resource|in 1 rows, one is {copy}|t")]
    );
}
