//! Clones of the same project at each version of the server's schema, table by table.

use pg_clone_tests::medplum_source::{PROJECT, Version, source, source_at, upgrade};
use pg_clone_tests::scratch_database::Session;

/// Rows of both projects in every table that has any, without the types that are never cloned.
async fn rows_by_table(db: &Session, clone: &str) -> Vec<[String; 3]> {
    let sql = format!(
        r"SELECT relation, count(*) FILTER (WHERE NOT is_clone), count(*) FILTER (WHERE is_clone)
          FROM (SELECT relation, row_json, false AS is_clone FROM test.rows_of('{PROJECT}')
                UNION ALL SELECT relation, row_json, true FROM test.rows_of('{clone}')) r
          WHERE relation !~ '_History$' AND relation !~ '^(AuditEvent|AsyncJob|UserSecurityRequest|SmartHealthLink|Enterprise|Login)(_|$)'
            AND NOT COALESCE((row_json->>'deleted')::boolean, false)
          GROUP BY 1 ORDER BY 1"
    );
    let row = |row: Vec<Option<String>>| <[_; 3]>::try_from(row).unwrap().map(Option::unwrap_or_default);
    db.rows(&sql).await.into_iter().map(row).collect()
}

async fn assert_conforms(db: &Session, clone: &str) {
    for [relation, source, found] in rows_by_table(db, clone).await {
        assert_eq!(found, source, "rows of {relation}");
    }
    assert_eq!(
        db.rows(&format!(
            "SELECT check_name, subject, expected, found FROM project_clone_verify('{clone}', columns => true) WHERE NOT ok AND check_name !~ 'file'"
        ))
        .await,
        Vec::<Vec<Option<String>>>::new()
    );
    // Every projectId names the clone, on derived rows too; tombstones stay behind.
    assert_eq!(
        db.rows(&format!(
            r"SELECT relation, row_json->>'projectId', count(*) FROM test.rows_of('{clone}')
              WHERE row_json ? 'projectId' AND row_json->>'projectId' IS DISTINCT FROM '{clone}' GROUP BY 1, 2"
        ))
        .await,
        Vec::<Vec<Option<String>>>::new()
    );
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM test.rows_of('{clone}') WHERE (row_json->>'deleted')::boolean OR row_json->>'content' LIKE '%\"deleted\":true%'"
        ))
        .await,
        0
    );
}

async fn conforms(version: Version) {
    let db = source_at(version).await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'Staging'")).await;
    assert_conforms(&db, &clone).await;
    // Columns that hold no id are the source's, whatever their type.
    for (relation, columns) in [
        ("Observation", r#""__dateSort", "__date""#),
        ("Communication", r#"priority, "priorityOrder""#),
        ("Patient", r#""__birthdate", "__birthdateSort""#),
    ] {
        let of = |project: &str| {
            format!(
                r#"SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (SELECT {columns} FROM "{relation}" WHERE "projectId" = '{project}' AND NOT deleted) x"#
            )
        };
        if db.attempt(&of(PROJECT)).await.is_ok() {
            assert_eq!(
                db.text(&of(&clone)).await,
                db.text(&of(PROJECT)).await,
                "{relation}"
            );
        }
    }
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM test.rows_of('{clone}')"))
            .await,
        0
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_clone_at_the_dumped_version_conforms() {
    conforms(Version::Dumped).await;
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_clone_at_version_101_conforms() {
    conforms(Version::V101).await;
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_clone_at_the_newest_version_conforms() {
    conforms(Version::Newest).await;
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_server_may_be_upgraded_between_two_clones() {
    let db = source().await;
    let first = db.clone_project(&format!("'{PROJECT}', 'Before'")).await;
    upgrade(&db, Version::Newest).await;
    let call = format!("SELECT project_clone('{PROJECT}', 'After')");
    let failure = db.fails(&call).await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(failure.hint.contains("store_refresh('medplum')"), "{failure:?}");
    db.run("SELECT clone.store_refresh('medplum')").await;
    let second = db.clone_project(&format!("'{PROJECT}', 'After'")).await;
    assert_conforms(&db, &second).await;
    // The clone from before is the extension's still.
    db.run(&format!("SELECT project_delete('{first}')")).await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM test.rows_of('{first}')"))
            .await,
        0
    );
}
