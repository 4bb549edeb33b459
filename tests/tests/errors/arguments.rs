//! Arguments: what is refused, and input that only looks wrong.

use super::refusal::{clones, refused};
use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};

#[tokio::test]
async fn arguments_that_make_no_sense_are_refused_with_a_hint() {
    let db = with_observations(3).await;
    for (arguments, code, message, hint) in [
        ("'no-uuid'", "22023", "malformed project id", "UUID"),
        ("''", "22023", "source project is missing", "first argument"),
        ("NULL", "22023", "source project is missing", "first argument"),
        (
            "'00000000-1111-4111-8111-111111111111'",
            "P0002",
            "does not exist",
            "Check the id",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', resource_types => '{Patent}'",
            "22023",
            "Patent",
            "Patient",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', resource_types => '{patient}'",
            "22023",
            "patient",
            "Types: Patient",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', resource_types => '{Patient,\"\"}'",
            "22023",
            "\"\"",
            "Types:",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', resource_types => '{Patient,NULL}'",
            "22023",
            "NULL",
            "empty array",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', include_ids => '{1}'",
            "22023",
            "include_ids",
            "UUID",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', include_ids => '{Patient/22222222-2222-4222-8222-000000000001}'",
            "22023",
            "include_ids",
            "without a type",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', exclude_ids => '{22222222-2222-4222-8222-00000000000}'",
            "22023",
            "exclude_ids",
            "UUID",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', exclude_ids => '{\"\"}'",
            "22023",
            "exclude_ids",
            "UUID",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', store => 'nowhere'",
            "22023",
            "there is no store",
            "documents",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', store => ''",
            "22023",
            "there is no store",
            "documents",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', ''",
            "22023",
            "name",
            "NULL",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', '  '",
            "22023",
            "name",
            "NULL",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', '{\"name\": \"x\"}'",
            "22023",
            "JSON object",
            "::jsonb",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"dangle\": \"keep\"}'",
            "22023",
            "dangle",
            "dangling",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"dangling\": \"maybe\"}'",
            "22023",
            "maybe",
            "dangling (keep",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"dangling\": null}'",
            "22023",
            "dangling",
            "dangling (keep",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"history\": true}'",
            "22023",
            "history",
            "history (current",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"id_version\": 5}'",
            "22023",
            "id_version",
            "id_version (7",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"blobs\": \"maybe\"}'",
            "22023",
            "blobs",
            "blobs (copy",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"max_memory\": \"much\"}'",
            "22023",
            "max_memory",
            "max_memory (",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"max_memory\": -1}'",
            "22023",
            "max_memory",
            "max_memory (",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '[]'",
            "22023",
            "JSON object",
            "Valid options",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', options => '{\"expires_in\": \"soon\"}'",
            "22023",
            "soon",
            "14 days",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', '{\"nom\": \"x\"}'::jsonb",
            "22023",
            "nom",
            "resourceTypes",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', '{\"name\": 5}'::jsonb",
            "22023",
            "name",
            "resourceTypes",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', '{\"resourceTypes\": \"Patient\"}'::jsonb",
            "22023",
            "resourceTypes",
            "resourceTypes",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', '{\"resourceTypes\": [1]}'::jsonb",
            "22023",
            "resourceTypes",
            "resourceTypes",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', '[]'::jsonb",
            "22023",
            "JSON object",
            "resourceTypes",
        ),
        (
            "'11111111-1111-4111-8111-111111111111', '{\"options\": {\"x\": 1}}'::jsonb",
            "22023",
            "\"x\"",
            "Valid options",
        ),
    ] {
        refused(
            &db,
            &format!("SELECT project_clone({arguments})"),
            code,
            message,
            hint,
        )
        .await;
        if !arguments.contains("::jsonb") {
            refused(
                &db,
                &format!("SELECT * FROM project_clone_plan({arguments})"),
                code,
                message,
                hint,
            )
            .await;
        }
    }
    assert_eq!(clones(&db).await, (0, 0));
}

#[tokio::test]
async fn odd_but_right_input_works() {
    let db = with_observations(3).await;
    db.run(&format!(
        r#"INSERT INTO documents.resource (project_id, resource_type, content) VALUES
           ('{PROJECT}', 'Odd '' type "\', '{{}}'), ('{PROJECT}', 'Ünïcode', '{{}}'), ('{PROJECT}', '', '{{"empty": "type"}}')"#
    ))
    .await;
    for (arguments, resources) in [
        (format!("' {} '", PROJECT.to_uppercase()), 9),
        (
            format!("'{PROJECT}', resource_types => '{{}}', include_ids => '{{}}', exclude_ids => '{{}}'"),
            9,
        ),
        (
            format!("'{PROJECT}', NULL, NULL, NULL, NULL, NULL, NULL, NULL"),
            9,
        ),
        (
            format!(r#"'{PROJECT}', resource_types => ARRAY['Odd '' type "\']"#),
            1,
        ),
        (
            format!("'{PROJECT}', resource_types => ARRAY['Ünïcode', 'Ünïcode']"),
            1,
        ),
        (
            format!(
                "'{PROJECT}', include_ids => ARRAY['{PATIENT}', '{}', '{PATIENT}']",
                PATIENT.to_uppercase()
            ),
            1,
        ),
        (
            format!("'{PROJECT}', '{{\"name\": \"J\", \"owner\": null, \"includeIds\": []}}'::jsonb"),
            9,
        ),
        (format!("'{PROJECT}', NULL::jsonb"), 9),
    ] {
        let clone = db
            .text(&format!("SELECT project_clone({arguments})->>'id'"))
            .await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
            ))
            .await,
            resources,
            "{arguments}"
        );
    }
    for name in [
        "O'Brien",
        r"back\slash",
        "$$; DROP TABLE documents.resource; --",
        "%I %s",
        "é 😀",
        "null",
        "[1]",
        "{name}",
    ] {
        let row = db
            .query_one("SELECT project_clone($1, $2)", &[&PROJECT, &name])
            .await
            .unwrap();
        let project: serde_json::Value = row.get(0);
        let stored = db
            .query_one(
                "SELECT name FROM documents.project WHERE id::text = $1",
                &[&project["id"].as_str().unwrap()],
            )
            .await;
        assert_eq!(stored.unwrap().get::<_, String>(0), name);
    }
}
