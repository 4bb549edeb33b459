//! Filters: the resources that a call selects, and their dependencies.

use std::collections::BTreeMap;

use pg_clone_tests::medplum_source::{PROJECT, shared};
use pg_clone_tests::scratch_database::Session;

const BOT: &str = "d086db4f-05da-4dba-862b-8d4e0fafa33f";
const PATIENT: &str = "e7752962-19f0-40d6-aa5b-afef3d655610";
const OTHER_PATIENT: &str = "773d0adb-ce39-4944-9b4b-292fd22077cd";
const CODE_BINARY: &str = "a82214df-0c0e-45f8-a292-a1d620b541b2";
const RUN_BINARY: &str = "7dd9463e-55b9-4e82-b088-4dc9bca65962";

/// Live resources of the clone that a call makes, by type, without the project itself.
async fn cloned_types(session: &Session, arguments: &str) -> BTreeMap<String, i64> {
    let clone = session.clone_project(&format!("'{PROJECT}', {arguments}")).await;
    assert_ne!(clone, PROJECT);
    let mut found: BTreeMap<String, i64> = session
        .rows(&format!(
            "SELECT type, live FROM test.census('{clone}') WHERE live > 0"
        ))
        .await
        .into_iter()
        .map(|row| (row[0].clone().unwrap(), row[1].as_ref().unwrap().parse().unwrap()))
        .collect();
    assert_eq!(
        found.remove("Project"),
        Some(1),
        "the project itself is always cloned"
    );
    found
}

fn types<const N: usize>(expected: [(&str, i64); N]) -> BTreeMap<String, i64> {
    expected
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn resource_types_choose_types() {
    let db = shared().await;
    assert_eq!(
        cloned_types(&db, "resource_types => '{Observation,Encounter}'").await,
        types([("Observation", 1502), ("Encounter", 900)])
    );
    assert_eq!(
        cloned_types(&db, "resource_types => '{AuditEvent}'").await,
        types([("AuditEvent", 31)]),
        "named, so wanted"
    );
    assert_eq!(
        cloned_types(&db, "resource_types => '{Invoice}'").await,
        types([]),
        "known, but the project has none"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn include_ids_choose_resources_whatever_their_place() {
    let db = shared().await;
    let ids = db
        .list(&format!(
            r#"SELECT id FROM "Observation" WHERE "projectId" = '{PROJECT}' ORDER BY id"#
        ))
        .await;
    let some = format!("include_ids => '{{{},{},{PATIENT}}}'", ids[0], ids[1501]);
    assert_eq!(
        cloned_types(&db, &some).await,
        types([("Observation", 2), ("Patient", 1)])
    );
    let upper = format!("include_ids => '{{{}}}'", PATIENT.to_uppercase());
    assert_eq!(cloned_types(&db, &upper).await, types([("Patient", 1)]));
    let project = format!("include_ids => '{{{PROJECT},{PATIENT}}}'");
    assert_eq!(cloned_types(&db, &project).await, types([("Patient", 1)]));
    let unknown = "include_ids => '{00000000-0000-4000-8000-000000000000}'";
    assert_eq!(
        cloned_types(&db, unknown).await,
        types([]),
        "nothing would be cloned is no error"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn exclude_ids_leave_resources_out() {
    let db = shared().await;
    let found = cloned_types(&db, &format!("exclude_ids => '{{{PATIENT},{OTHER_PATIENT}}}'")).await;
    assert_eq!(found["Patient"], 300);
    assert_eq!(found["Observation"], 1502);
    let found = cloned_types(&db, &format!("exclude_ids => '{{{PROJECT}}}'")).await;
    assert_eq!(found["Patient"], 302, "the project itself is always cloned");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn filters_combine() {
    let db = shared().await;
    let both = format!("include_ids => '{{{PATIENT},{OTHER_PATIENT}}}', exclude_ids => '{{{PATIENT}}}'");
    assert_eq!(cloned_types(&db, &both).await, types([("Patient", 1)]));
    let typed = format!("resource_types => '{{Patient}}', exclude_ids => '{{{PATIENT}}}'");
    assert_eq!(
        cloned_types(&db, &typed).await,
        types([("Patient", 301), ("Binary", 1)]),
        "one has a photo"
    );
    let observation = db
        .text(&format!(
            r#"SELECT min(id::text) FROM "Observation" WHERE "projectId" = '{PROJECT}'"#
        ))
        .await;
    let narrowed = format!("resource_types => '{{Patient}}', include_ids => '{{{PATIENT},{observation}}}'");
    assert_eq!(
        cloned_types(&db, &narrowed).await,
        types([("Patient", 1)]),
        "of that type and named"
    );
    let all = format!(
        "resource_types => '{{Patient}}', include_ids => '{{{PATIENT}}}', exclude_ids => '{{{PATIENT}}}'"
    );
    assert_eq!(cloned_types(&db, &all).await, types([]));
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn empty_arrays_and_null_mean_no_filter() {
    let db = shared().await;
    let found = cloned_types(
        &db,
        "resource_types => '{}', include_ids => '{}', exclude_ids => NULL",
    )
    .await;
    assert_eq!(found.values().sum::<i64>(), 6263);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn ten_thousand_ids_are_no_problem() {
    let db = shared().await;
    let found = cloned_types(
        &db,
        &format!(
            r#"include_ids => (SELECT array_agg(id::text) FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 10000)
               UNION ALL SELECT id FROM "Patient" WHERE "projectId" = '{PROJECT}') i)"#
        ),
    )
    .await;
    assert_eq!(found, types([("Patient", 302), ("Binary", 1)]));
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_bot_brings_its_code_and_its_membership() {
    let db = shared().await;
    // The membership's policy or configuration would come too, if it had one.
    let brought = types([("Bot", 1), ("Binary", 2), ("ProjectMembership", 1)]);
    assert_eq!(cloned_types(&db, "resource_types => '{Bot}'").await, brought);
    assert_eq!(
        cloned_types(&db, &format!("include_ids => '{{{BOT}}}'")).await,
        brought
    );
    let clone = db
        .text("SELECT target_project FROM clone.run ORDER BY id DESC LIMIT 1")
        .await;
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Bot" b JOIN "ProjectMembership" m ON m.profile = 'Bot/' || b.id AND m."user" = m.profile
               JOIN "Binary" s ON b.content::json #>> '{{sourceCode,url}}' = 'Binary/' || s.id
               JOIN "Binary" e ON b.content::json #>> '{{executableCode,url}}' = 'Binary/' || e.id
               WHERE b."projectId" = '{clone}' AND m."projectId" = b."projectId" AND s."projectId" = b."projectId" AND e."projectId" = b."projectId""#
        ))
        .await,
        1
    );
    assert_eq!(
        db.number("SELECT count(*) FROM clone.blob_copy").await,
        4,
        "two files of each clone"
    );
    let without = format!("resource_types => '{{Bot}}', exclude_ids => '{{{CODE_BINARY},{RUN_BINARY}}}'");
    assert_eq!(
        cloned_types(&db, &without).await,
        types([("Bot", 1), ("ProjectMembership", 1)]),
        "unless excluded"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_attachment_brings_its_binary() {
    let db = shared().await;
    let (document, binary) = {
        let row = db
            .rows(&format!(
                r#"SELECT d.id, b.id FROM "DocumentReference" d JOIN "Binary" b ON b."projectId" = d."projectId"
                     AND d.content LIKE '%"url":"Binary/' || b.id || '"%'
                   WHERE d."projectId" = '{PROJECT}' LIMIT 1"#
            ))
            .await
            .remove(0);
        (row[0].clone().unwrap(), row[1].clone().unwrap())
    };
    assert_eq!(
        cloned_types(&db, &format!("include_ids => '{{{document}}}'")).await,
        types([("DocumentReference", 1), ("Binary", 1)])
    );
    assert_eq!(db.list("SELECT source_id FROM clone.blob_copy").await, [binary]);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_membership_brings_its_policy_and_configuration() {
    let db = shared().await;
    let found = cloned_types(&db, "resource_types => '{ProjectMembership}'").await;
    assert_eq!(found["ProjectMembership"], 7);
    assert_eq!(found["AccessPolicy"], 1, "{found:?}");
    assert_eq!(found["UserConfiguration"], 1, "{found:?}");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_parameters_form_chooses_the_same() {
    let db = shared().await;
    let clone = db
        .text(&format!(
            "SELECT project_clone('{PROJECT}', '{{\"name\": \"P\", \"resourceTypes\": [\"Patient\"], \"excludeIds\": [\"{PATIENT}\"],
                \"options\": {{\"history\": \"none\"}}}}'::jsonb)->>'id'"
        ))
        .await;
    assert_eq!(
        db.rows(&format!(
            "SELECT type, live FROM test.census('{clone}') ORDER BY 1"
        ))
        .await,
        [["Binary", "1"], ["Patient", "301"], ["Project", "1"]]
            .map(|row| row.map(|text| Some(text.to_owned())).to_vec())
    );
    assert_eq!(
        db.text(&format!(r#"SELECT name FROM "Project" WHERE id = '{clone}'"#))
            .await,
        "P"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_plan_shows_what_the_clone_does() {
    let db = shared().await;
    for arguments in [
        "name => 'Plan'".to_owned(),
        "resource_types => '{Bot,Patient}'".to_owned(),
        format!("exclude_ids => '{{{PATIENT}}}', options => '{{\"history\": \"none\"}}'"),
    ] {
        let plan = db
            .rows(&format!(
                "SELECT relation, resource_type, rows, bytes, dangling, path FROM project_clone_plan('{PROJECT}', {arguments}) WHERE rows > 0 ORDER BY 1, 2"
            ))
            .await;
        db.clone_project(&format!("'{PROJECT}', {arguments}")).await;
        let done = db
            .rows(
                "SELECT relation, resource_type, rows, bytes, dangling, path FROM clone.run_table
                 WHERE run_id = (SELECT max(id) FROM clone.run) ORDER BY 1, 2",
            )
            .await;
        assert_eq!(plan.len(), done.len(), "{arguments}");
        for (planned, done) in plan.iter().zip(&done) {
            assert_eq!(planned, done, "{arguments}");
        }
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_plan_writes_nothing() {
    let db = shared().await;
    db.run("SET TRANSACTION READ ONLY").await;
    let rows = db
        .number(&format!(
            "SELECT count(*) FROM project_clone_plan('{PROJECT}') WHERE rows > 0"
        ))
        .await;
    assert!(rows > 100, "{rows}");
    let why = db
        .rows(&format!(
            "SELECT resource_type, source_rows, rows, path, why FROM project_clone_plan('{PROJECT}') WHERE resource_type = 'AuditEvent' AND role = 'resource'"
        ))
        .await;
    assert_eq!(
        why,
        [[
            "AuditEvent",
            "31",
            "0",
            "none",
            "not cloned unless resource_types names it"
        ]
        .map(|text| Some(text.to_owned()))]
    );
}
