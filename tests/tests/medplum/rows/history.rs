//! Versions: one history row per resource, equal to the current row, unless options.history says otherwise.

use pg_clone_tests::medplum_source::{LIVE, OF_EXCLUDED_TYPES, PROJECT, cloned, shared, source};

/// Rows of a project's history that agree with their resource's current row, and all of them.
async fn history(session: &pg_clone_tests::scratch_database::Session, project: &str) -> (i64, i64) {
    let (mut equal, mut all) = (0, 0);
    for name in session
        .list(&format!("SELECT type FROM test.census('{project}')"))
        .await
    {
        let row = session
            .rows(&format!(
                r#"SELECT count(*) FILTER (WHERE h.content = r.content AND h."lastUpdated" = r."lastUpdated"
                              AND h."versionId"::text = r.content::json #>> '{{meta,versionId}}'), count(*)
                   FROM "{name}" r JOIN "{name}_History" h USING (id) WHERE r."projectId" = '{project}' AND NOT r.deleted"#
            ))
            .await
            .remove(0);
        equal += row[0].as_ref().unwrap().parse::<i64>().unwrap();
        all += row[1].as_ref().unwrap().parse::<i64>().unwrap();
    }
    (equal, all)
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn each_resource_has_one_version_equal_to_its_row() {
    let (db, clone) = cloned().await;
    let expected = LIVE - OF_EXCLUDED_TYPES;
    assert_eq!(history(&db, &clone).await, (expected, expected));
    assert_eq!(
        db.number("SELECT count(*) FROM test.map WHERE new_version IS NULL OR new_version = old_version")
            .await,
        0
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn without_history_there_are_no_versions() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"history\": \"none\"}}'"))
        .await;
    assert_eq!(history(&db, &clone).await, (0, 0));
    assert_eq!(
        db.number(&format!("SELECT sum(live) FROM test.census('{clone}')"))
            .await,
        LIVE - OF_EXCLUDED_TYPES
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn with_full_history_every_version_and_deleted_resources_come_along() {
    let db = source().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', options => '{{\"history\": \"full\"}}'"))
        .await;
    db.run(&format!("SELECT test.pair('{PROJECT}', '{clone}')")).await;
    assert_eq!(
        db.number(&format!("SELECT sum(deleted) FROM test.census('{clone}')"))
            .await,
        10,
        "deleted flags"
    );
    let count = |project: &str| {
        format!(
            r"SELECT count(*) FROM test.rows_of('{project}') WHERE relation LIKE '%\_History'
              AND relation NOT IN ('AuditEvent_History', 'AsyncJob_History', 'UserSecurityRequest_History')"
        )
    };
    let versions = db.number(&count(&clone)).await;
    assert_eq!(versions, db.number(&count(PROJECT)).await);
    assert_eq!(versions, 6392 - 31 - 2 - 2);
    // All versions are new, each document names its own, and none of the source's.
    assert_eq!(
        db.number(
            r#"SELECT count(*) FROM test.rows_of((SELECT new FROM test.map WHERE type = 'Project')) c
               JOIN (SELECT row_json->>'versionId' AS v FROM test.rows_of((SELECT old FROM test.map WHERE type = 'Project'))) s
                 ON s.v = c.row_json->>'versionId'"#
        )
        .await,
        0
    );
    assert_eq!(
        db.number(&format!(
            r"SELECT count(*) FROM test.rows_of('{clone}') WHERE relation LIKE '%\_History' AND row_json->>'content' <> ''
              AND row_json->>'versionId' <> (row_json->>'content')::jsonb #>> '{{meta,versionId}}'"
        ))
        .await,
        0
    );
    let (equal, _) = history(&db, &clone).await;
    assert_eq!(equal, LIVE - OF_EXCLUDED_TYPES, "the current version of each");
    // A reference to an older version keeps its version: that version is there.
    assert_eq!(db.number("SELECT kept FROM clone.run").await, 0);
    // Secrets are not in old versions either.
    for secret in [
        "SOURCE-PROJECT-SECRET",
        "system-SECRET",
        "passwordHash",
        "hook-secret",
    ] {
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM test.rows_of('{clone}') WHERE row_json->>'content' LIKE '%{secret}%'"
            ))
            .await,
            0,
            "{secret}"
        );
    }
}
