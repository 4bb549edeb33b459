//! The conformance tests on a small synthetic Medplum database, without external data.

use pg_clone_tests::scratch_database::Scratch;

/// The project of `fixtures/medplum_shape.sql`.
const PROJECT: &str = "cafe0000-0000-4000-8000-000000000000";

async fn database(newest: bool) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(include_str!("../../../fixtures/medplum_shape.sql")).await;
    db.run(include_str!("../../../fixtures/medplum_map.sql")).await;
    if newest {
        db.run("SELECT shape.upgrade()").await;
    }
    db.run("SELECT clone.store_create('medplum', 'medplum')").await;
    db
}

async fn assert_conforms(db: &Scratch, clone: &str) {
    assert_eq!(
        db.rows(&format!(
            r"SELECT * FROM (SELECT relation, count(*) FILTER (WHERE NOT c) AS source, count(*) FILTER (WHERE c) AS clone
                FROM (SELECT relation, row_json, false AS c FROM test.rows_of('{PROJECT}') UNION ALL SELECT relation, row_json, true FROM test.rows_of('{clone}')) r
                WHERE relation !~ '^SmartHealthLink' AND NOT COALESCE((row_json->>'deleted')::boolean, false) AND row_json->>'id' <> 'cafe0000-0000-4000-8000-000000000400'
                   OR NOT row_json ? 'id' GROUP BY 1) x WHERE source <> clone"
        ))
        .await,
        Vec::<Vec<Option<String>>>::new()
    );
    assert_eq!(
        db.rows(&format!(
            "SELECT check_name, subject, expected, found FROM project_clone_verify('{clone}', columns => true) WHERE NOT ok AND check_name !~ 'file'"
        ))
        .await,
        Vec::<Vec<Option<String>>>::new()
    );
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM test.rows_of('{clone}') WHERE row_json::text ~ 'SECRET|cafe0000-0000' AND relation !~ '^Basic'"
        ))
        .await,
        0
    );
}

#[tokio::test]
async fn a_clone_conforms_at_the_oldest_shape() {
    let db = database(false).await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'Copy'")).await;
    assert_conforms(&db, &clone).await;
}

#[tokio::test]
async fn a_clone_conforms_at_the_newest_shape() {
    let db = database(true).await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'Copy'")).await;
    assert_conforms(&db, &clone).await;
    let count = async |sql: &str| db.number(&sql.replace("CLONE", &clone)).await;
    assert_eq!(count(r#"SELECT count(*) FROM "Patient" WHERE "projectId" = 'CLONE' AND "__birthdate" = daterange(birthdate, birthdate + 1)"#).await, 20);
    assert_eq!(
        count(r#"SELECT count(*) FROM "HumanName" WHERE "projectId" = 'CLONE'"#).await,
        21
    );
    assert_eq!(
        count(r#"SELECT count(*) FROM "Observation_References" WHERE "projectId" = 'CLONE'"#).await,
        180
    );
    assert_eq!(count(r#"SELECT count(*) FROM "Cron" WHERE "projectId" = 'CLONE' AND (content::json->>'active')::boolean"#).await, 0);
    assert_eq!(
        count(r#"SELECT count(*) FROM "SmartHealthLink" WHERE "projectId" = 'CLONE'"#).await,
        0
    );
    assert_eq!(count(r#"SELECT count(*) FROM "PackageInstallation" WHERE "projectId" = 'CLONE' AND content LIKE '%requested%' AND content NOT LIKE '%config-hash%'"#).await, 1);
}

#[tokio::test]
async fn a_server_may_be_upgraded_between_two_clones_of_the_small_project() {
    let db = database(false).await;
    db.clone_project(&format!("'{PROJECT}', 'Before'")).await;
    db.run("SELECT shape.upgrade()").await;
    let failure = db
        .fails(&format!("SELECT project_clone('{PROJECT}', 'After')"))
        .await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(failure.hint.contains("store_refresh('medplum')"), "{failure:?}");
    db.run("SELECT clone.store_refresh('medplum')").await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'After'")).await;
    assert_conforms(&db, &clone).await;
}

#[tokio::test]
async fn a_damaged_shape_is_refused_by_table_and_column() {
    let db = database(true).await;
    for (damage, named) in [
        (
            r#"ALTER TABLE "Patient" DROP content"#,
            r#"public."Patient" has no column "content""#,
        ),
        (
            r#"ALTER TABLE "Patient_References" ADD hop uuid"#,
            r#"column "hop" of public."Patient_References""#,
        ),
        (
            r#"ALTER TABLE "Patient" ALTER birthdate TYPE bytea USING ''"#,
            r#"column "birthdate" of public."Patient" has the unexpected type bytea"#,
        ),
        (
            "CREATE TABLE surprise (n int)",
            "table public.surprise is of no known kind",
        ),
    ] {
        db.run("BEGIN").await;
        db.run(damage).await;
        let failure = db.fails("SELECT clone.store_refresh('medplum')").await;
        assert_eq!(failure.code, "55000", "{failure:?}");
        assert!(failure.detail.contains(named), "{damage}: {failure:?}");
        assert!(!failure.hint.is_empty(), "{failure:?}");
        db.run("ROLLBACK").await;
    }
}

#[tokio::test]
async fn a_masked_name_is_masked_in_what_is_derived_from_it() {
    let db = database(true).await;
    db.run(r#"SELECT clone.rule('medplum', 'Patient', '$.name[*].family', 'set', '"Masked"')"#)
        .await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'Copy'")).await;
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Patient" p JOIN "HumanName" n ON n."resourceId" = p.id
               WHERE p."projectId" = '{clone}' AND (to_jsonb(p)::text LIKE '%Number%' OR n.name <> 'Pat Masked' OR n."projectId" IS DISTINCT FROM p."projectId")"#
        ))
        .await,
        0
    );
    assert_eq!(
        db.list(&format!("SELECT subject FROM project_clone_verify('{clone}', columns => true) WHERE NOT ok AND check_name !~ 'file'")).await,
        Vec::<String>::new()
    );
}
