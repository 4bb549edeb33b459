//! References that the filters cut: kept, removed or refused, and always counted and listed.

use pg_clone_tests::medplum_source::{PROJECT, shared};
use serde_json::Value;

const PATIENT: &str = "e7752962-19f0-40d6-aa5b-afef3d655610";

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn kept_references_still_name_the_source_and_are_counted_by_plan_run_and_list() {
    let db = shared().await;
    let arguments = format!("'{PROJECT}', exclude_ids => '{{{PATIENT}}}'");
    let planned = db
        .number(&format!(
            "SELECT sum(dangling) FROM project_clone_plan({arguments})"
        ))
        .await;
    let clone = db.clone_project(&arguments).await;
    let run = db.json("SELECT to_jsonb(r) FROM clone.run r").await;
    assert!(run["dangling"].as_i64().unwrap() > 10, "{run}");
    assert_eq!(run["dangling"], planned);
    assert_eq!(
        db.rows("SELECT target, occurrences = (SELECT dangling FROM clone.run) FROM clone.run_dangling")
            .await,
        [[Some(PATIENT.to_owned()), Some("t".to_owned())]]
    );
    let left = db
        .number(&format!(
            "SELECT sum(regexp_count(row_json::text, '{PATIENT}')) FROM test.rows_of('{clone}') WHERE row_json::text LIKE '%{PATIENT}%'"
        ))
        .await;
    assert_eq!(run["dangling"], left, "as many as there are");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn removed_references_leave_no_trace_in_documents_columns_and_derived_rows() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!(
            "'{PROJECT}', exclude_ids => '{{{PATIENT}}}', options => '{{\"dangling\": \"null\"}}'"
        ))
        .await;
    // What restricts access stays, because without it the clone would be open to more people than the source: the criteria
    // and the compartment of a policy, whom a file is about. So does an id inside a longer text.
    let left = db
        .rows(&format!(
            "SELECT relation, row_json->>'content' FROM test.rows_of('{clone}') WHERE row_json::text LIKE '%{PATIENT}%'
             AND relation !~ '^(AccessPolicy|Binary|UserConfiguration|Subscription)(_|$)' LIMIT 3"
        ))
        .await;
    assert_eq!(left, Vec::<Vec<Option<String>>>::new());
    for (relation, restriction) in [
        ("AccessPolicy", "{compartment,reference}"),
        ("Binary", "{securityContext,reference}"),
    ] {
        let restricted = |project: &str| {
            format!(
                r#"SELECT count(*) FROM "{relation}" WHERE "projectId" = '{project}' AND content::jsonb #>> '{restriction}' IS NOT NULL"#
            )
        };
        let before = db.number(&restricted(PROJECT)).await;
        assert!(before > 0);
        assert_eq!(db.number(&restricted(&clone)).await, before, "{relation}");
    }
    assert!(
        db.number("SELECT dangling FROM clone.run").await > 10,
        "they are counted all the same"
    );
    // Documents stay valid: the server never stores null, an empty array or an empty object.
    let mut edited = 0;
    for text in db
        .list(&format!(
            "SELECT row_json->>'content' FROM test.rows_of('{clone}') WHERE row_json ? 'content'"
        ))
        .await
    {
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(!holds_empty(&document), "{text}");
        edited += usize::from(
            document["resourceType"] == "Observation" && document["subject"].get("reference").is_none(),
        );
    }
    assert!(edited > 0, "observations of that patient say only her name now");
    // Columns agree: no subject in the document, none in the column.
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Observation" WHERE "projectId" = '{clone}' AND (subject IS NULL) <> (content::jsonb #>> '{{subject,reference}}' IS NULL)"#
        ))
        .await,
        0
    );
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Observation" WHERE "projectId" = '{clone}'
               AND compartments IS DISTINCT FROM (SELECT array_agg(split_part(c->>'reference', '/', 2)::uuid) FROM jsonb_array_elements(content::jsonb #> '{{meta,compartment}}') c)"#
        ))
        .await,
        0
    );
}

fn holds_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty() || items.iter().any(holds_empty),
        Value::Object(members) => members.is_empty() || members.values().any(holds_empty),
        _ => false,
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_error_names_the_reference_and_leaves_nothing() {
    let db = shared().await;
    let projects = r#"SELECT count(*) FROM "Project""#;
    let before = db.number(projects).await;
    db.run("SAVEPOINT s").await;
    let failure =
        db.fails(&format!("SELECT project_clone('{PROJECT}', exclude_ids => '{{{PATIENT}}}', options => '{{\"dangling\": \"error\"}}')")).await;
    assert_eq!(failure.code, "23503", "{failure:?}");
    assert!(
        failure.message.contains(PATIENT) && failure.hint.contains("project_clone_plan"),
        "{failure:?}"
    );
    db.run("ROLLBACK TO s").await;
    assert_eq!(db.number(projects).await, before);
    // A clone that cuts nothing passes.
    db.clone_project(&format!("'{PROJECT}', options => '{{\"dangling\": \"error\"}}'"))
        .await;
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn references_to_what_never_was_in_the_project_are_not_dangling() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"dangling\": \"null\"}}'"))
        .await;
    assert_eq!(db.number("SELECT dangling FROM clone.run").await, 0);
    let owner = db
        .text(&format!(
            r#"SELECT content::json #>> '{{owner,reference}}' FROM "Project" WHERE id = '{clone}'"#
        ))
        .await;
    assert_eq!(
        owner, "User/efc4b418-3840-416c-8d90-ddf9e7b0dc19",
        "a server-wide user"
    );
    let link = db
        .text(&format!(
            r#"SELECT content::json #>> '{{link,0,project,reference}}' FROM "Project" WHERE id = '{clone}'"#
        ))
        .await;
    assert_eq!(link, "Project/161452d9-43b7-5c29-aa7b-c85680fa45c6");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn references_to_types_that_are_never_cloned_are_dangling() {
    let db = shared().await;
    let request = db
        .text(&format!(
            r#"SELECT min(id::text) FROM "UserSecurityRequest" WHERE "projectId" = '{PROJECT}'"#
        ))
        .await;
    db.run(&format!(
        r#"SELECT test.put('{PROJECT}', 'Basic', 'aaaaaaaa-0000-4000-8000-000000000001', '{{"code": {{"text": "x"}}, "extension": [{{"url": "x", "valueReference": {{"reference": "UserSecurityRequest/{request}"}}}}]}}')"#
    ))
    .await;
    db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.rows("SELECT target, occurrences FROM clone.run_dangling")
            .await,
        [[Some(request), Some("2".to_owned())]],
        "in the row and in its history row"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_element_that_fhir_requires_is_never_taken_out() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!(
            "'{PROJECT}', resource_types => '{{Coverage,Provenance,Appointment,Condition,List}}', options => '{{\"dangling\": \"null\"}}'"
        ))
        .await;
    // A reference that held nothing else says that its target was not cloned; one with a display keeps it.
    for (relation, required) in [
        ("Coverage", "$.payor[*]"),
        ("Coverage", "$.beneficiary"),
        ("Provenance", "$.target[*]"),
        ("Appointment", "$.participant[*].actor"),
        ("Condition", "$.subject"),
        ("List", "$.entry[*].item"),
    ] {
        let count = |project: &str, path: &str| {
            format!(
                r#"SELECT count(*) FROM "{relation}" t, jsonb_path_query(t.content::jsonb, '{path}') r WHERE t."projectId" = '{project}' AND NOT t.deleted"#
            )
        };
        let before = db.number(&count(PROJECT, required)).await;
        assert!(before > 0, "{relation} {required}");
        assert_eq!(
            db.number(&count(&clone, required)).await,
            before,
            "{relation} {required}"
        );
        let said = format!("{required} ? (!exists(@.reference) && !exists(@.display))");
        assert_eq!(db.number(&count(&clone, &said)).await, 0, "{relation} {required}");
    }
    assert!(
        db.number(&format!(r#"SELECT count(*) FROM "Provenance" WHERE "projectId" = '{clone}' AND content LIKE '%{{"display":"not cloned"}}%'"#))
            .await
            > 0
    );
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM project_clone_verify('{clone}', columns => true) WHERE NOT ok AND check_name !~ 'file'"))
            .await,
        0
    );
}
