//! `project_clone_verify` accepts a correct clone and finds the faults of a damaged one.

use pg_clone_tests::medplum_source::{PROJECT, cloned, shared, source_with_additions};

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_good_clone_passes_every_check() {
    let (db, clone) = cloned().await;
    let checks = db
        .number(&format!("SELECT count(*) FROM project_clone_verify('{clone}')"))
        .await;
    assert!(checks > 5, "{checks}");
    // The files are not copied yet: that is no fault of the rows.
    let failed = db
        .rows(&format!(
            "SELECT * FROM project_clone_verify('{clone}') WHERE NOT ok AND check_name !~ 'file|blob'"
        ))
        .await;
    assert_eq!(failed, Vec::<Vec<Option<String>>>::new());
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn clones_of_odd_resources_pass_too() {
    let db = source_with_additions().await;
    for options in [
        "{}",
        r#"{"history": "full"}"#,
        r#"{"history": "none", "id_version": 4}"#,
    ] {
        let clone = db
            .clone_project(&format!("'{PROJECT}', 'Odd', options => '{options}'"))
            .await;
        let failed = db
            .rows(&format!(
                "SELECT * FROM project_clone_verify('{clone}') WHERE NOT ok AND check_name !~ 'file|blob'"
            ))
            .await;
        assert_eq!(failed, Vec::<Vec<Option<String>>>::new(), "{options}");
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn kept_references_to_the_source_are_expected_and_counted() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', resource_types => '{{Observation,Task}}'"))
        .await;
    let dangling = db.number("SELECT dangling FROM clone.run").await;
    assert!(dangling > 1000, "{dangling}");
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM project_clone_verify('{clone}') WHERE NOT ok AND check_name !~ 'file|blob'"
        ))
        .await,
        0
    );
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM project_clone_verify('{clone}') WHERE found = '{dangling}'"
        ))
        .await,
        1,
        "verify finds as many as the run counted"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn what_was_changed_after_the_clone_is_found() {
    let db = shared().await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    let patient = format!(r#"SELECT id FROM "Patient" WHERE "projectId" = '{PROJECT}' LIMIT 1"#);
    for damage in [
        format!(
            r#"DELETE FROM "Task" WHERE id = (SELECT id FROM "Task" WHERE "projectId" = '{clone}' LIMIT 1)"#
        ),
        format!(
            r#"UPDATE "Task" SET content = jsonb_set(content::jsonb, '{{for}}', jsonb_build_object('reference', 'Patient/' || ({patient})))::text
               WHERE id = (SELECT id FROM "Task" WHERE "projectId" = '{clone}' LIMIT 1)"#
        ),
        format!(
            r#"UPDATE "Observation" SET subject = 'Patient/' || ({patient}) WHERE id = (SELECT id FROM "Observation" WHERE "projectId" = '{clone}' LIMIT 1)"#
        ),
        format!(
            r#"UPDATE "Observation_References" SET "targetId" = ({patient}) WHERE "resourceId" = (SELECT id FROM "Observation" WHERE "projectId" = '{clone}' LIMIT 1) AND code = 'subject'"#
        ),
        format!(
            r#"UPDATE "Observation" SET compartments = compartments || ({patient}) WHERE id = (SELECT id FROM "Observation" WHERE "projectId" = '{clone}' LIMIT 1)"#
        ),
        format!(
            r#"DELETE FROM "Device_History" WHERE id = (SELECT id FROM "Device" WHERE "projectId" = '{clone}' LIMIT 1)"#
        ),
        format!(
            r#"UPDATE "Device_History" SET content = '{{}}' WHERE id = (SELECT id FROM "Device" WHERE "projectId" = '{clone}' LIMIT 1)"#
        ),
        format!(
            r#"DELETE FROM "HumanName" WHERE "resourceId" = (SELECT id FROM "Patient" WHERE "projectId" = '{clone}' LIMIT 1)"#
        ),
    ] {
        db.run("SAVEPOINT s").await;
        db.run(&damage).await;
        let failed = db
            .list(&format!("SELECT check_name FROM project_clone_verify('{clone}') WHERE NOT ok AND check_name !~ 'file|blob'"))
            .await;
        assert!(!failed.is_empty(), "not found: {damage}");
        db.run("ROLLBACK TO s").await;
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_project_that_no_run_made_is_refused() {
    let db = shared().await;
    let failure = db
        .fails(&format!("SELECT * FROM project_clone_verify('{PROJECT}')"))
        .await;
    assert_eq!(failure.code, "P0002", "{failure:?}");
    assert!(!failure.hint.is_empty(), "{failure:?}");
}
