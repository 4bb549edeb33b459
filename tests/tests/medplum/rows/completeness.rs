//! Every live resource of every type is cloned; deleted ones, old versions and the excluded types are not.

use pg_clone_tests::medplum_source::{LIVE, OF_EXCLUDED_TYPES, PROJECT, cloned, shared};

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn everything_live_but_the_excluded_types_is_cloned() {
    let (db, clone) = cloned().await;
    assert_eq!(
        db.number(&format!("SELECT sum(live) FROM test.census('{PROJECT}')"))
            .await,
        LIVE
    );
    assert_eq!(
        db.number(&format!("SELECT sum(live) FROM test.census('{clone}')"))
            .await,
        LIVE - OF_EXCLUDED_TYPES
    );
    assert_eq!(
        db.number(&format!("SELECT sum(deleted) FROM test.census('{clone}')"))
            .await,
        0
    );
    let different = db
        .rows(&format!(
            "SELECT s.type, s.live, c.live FROM test.census('{PROJECT}') s FULL JOIN test.census('{clone}') c USING (type)
             WHERE s.live IS DISTINCT FROM c.live ORDER BY 1"
        ))
        .await;
    let different: Vec<&str> = different.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert_eq!(different, ["AsyncJob", "AuditEvent", "UserSecurityRequest"]);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_type_with_more_than_a_thousand_resources_is_cloned_whole() {
    let (db, clone) = cloned().await;
    let of = |project: &str| format!(r#"SELECT count(*) FROM "Observation" WHERE "projectId" = '{project}'"#);
    assert_eq!(db.number(&of(&clone)).await, 1502);
    assert_eq!(db.number(&of(PROJECT)).await, 1502);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn every_resource_has_exactly_one_clone() {
    let (db, _) = cloned().await;
    assert_eq!(
        db.number("SELECT count(*) FROM test.map").await,
        LIVE - OF_EXCLUDED_TYPES
    );
    assert_eq!(
        db.number("SELECT count(*) FROM test.map WHERE pairs > 2").await,
        0
    );
    assert_eq!(
        db.number("SELECT count(*) FROM test.map WHERE old = new OR old_version = new_version")
            .await,
        0
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn new_ids_are_uuids_of_version_7_unless_4_is_wanted() {
    let (db, _) = cloned().await;
    let versions = db
        .list("SELECT DISTINCT substr(new::text, 15, 1) || substr(new_version::text, 15, 1) FROM test.map")
        .await;
    assert_eq!(versions, ["77"]);
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"id_version\": 4}}'"))
        .await;
    assert_eq!(
        db.list(&format!(
            r#"SELECT DISTINCT substr(id::text, 15, 1) FROM "Observation" WHERE "projectId" = '{clone}'"#
        ))
        .await,
        ["4"]
    );
    assert_eq!(
        db.number(&format!("SELECT sum(live) FROM test.census('{clone}')"))
            .await,
        LIVE - OF_EXCLUDED_TYPES
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_result_is_the_new_project_and_the_run_says_what_was_done() {
    let (db, clone) = cloned().await;
    let run = db.json("SELECT to_jsonb(r) FROM clone.run r").await;
    assert_eq!(run["target_project"], clone);
    assert_eq!(run["source_project"], PROJECT);
    assert_eq!(run["run_by"], "postgres");
    assert_eq!(run["resources"], LIVE - OF_EXCLUDED_TYPES);
    assert_eq!(run["blobs"], 28);
    assert_eq!(run["kind"], "project");
    assert!(
        run["finished_at"].is_string() && run["duration"].is_string(),
        "{run}"
    );
    let rows = db
        .number(&format!("SELECT count(*) FROM test.rows_of('{clone}')"))
        .await;
    assert_eq!(run["rows"], rows);
    assert_eq!(db.number("SELECT sum(rows) FROM clone.run_table").await, rows);
    for column in ["bytes", "rewritten", "dangling"] {
        assert_eq!(
            db.number(&format!("SELECT sum({column}) FROM clone.run_table"))
                .await,
            run[column],
            "{column}"
        );
    }
    assert_eq!(
        db.number("SELECT rows FROM clone.run_table WHERE relation = 'public.\"Observation\"'")
            .await,
        1502
    );
    let db = shared().await;
    let project = db
        .json(&format!("SELECT project_clone('{PROJECT}', 'Result')"))
        .await;
    assert_eq!(project["resourceType"], "Project");
    assert_eq!(project["name"], "Result");
    let stored = db
        .json(&format!(
            r#"SELECT content FROM "Project" WHERE id = '{}'"#,
            project["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(project, stored);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_list_of_excluded_types_can_be_overridden() {
    let db = shared().await;
    db.run(r#"UPDATE clone.store_relation SET cloned = (relation <> '"Flag"'::regclass) WHERE relation IN ('"AuditEvent"', '"Flag"')"#).await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    let types = db.list(&format!("SELECT type FROM test.census('{clone}')")).await;
    assert!(
        types.contains(&"AuditEvent".to_owned()) && !types.contains(&"Flag".to_owned()),
        "{types:?}"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_deleted_or_unknown_project_is_not_found() {
    let db = shared().await;
    db.run(&format!(
        r#"UPDATE "Project" SET deleted = true, content = '' WHERE id = '{PROJECT}'"#
    ))
    .await;
    for project in [
        PROJECT,
        "00000000-3a18-485a-8785-1890ae507703",
        "65897e4f-7add-55f3-9b17-035b5a4e6d52",
    ] {
        db.run("SAVEPOINT s").await;
        let failure = db.fails(&format!("SELECT project_clone('{project}')")).await;
        assert_eq!(failure.code, "P0002", "{failure:?}");
        assert!(failure.hint.contains("deleted"), "{failure:?}");
        db.run("ROLLBACK TO s").await;
    }
}
