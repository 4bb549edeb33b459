//! Clones of resource types that came after version 100: schedules, links, packages, enterprises, DICOM.

use pg_clone_tests::medplum_source::{PROJECT, Version, source_at};
use serde_json::{Value, json};

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn nothing_runs_by_itself_is_open_to_the_public_or_claims_to_be_production() {
    let db = source_at(Version::Newest).await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'Staging'")).await;
    let documents = async |relation: &str| -> Vec<Value> {
        db.list(&format!(
            r#"SELECT content FROM "{relation}" WHERE "projectId" = '{clone}' ORDER BY content"#
        ))
        .await
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
    };
    let todo = db.text("SELECT todo::text FROM clone.run").await;

    let crons = documents("Cron").await;
    assert_eq!(crons.len(), 1, "the deleted one stays behind");
    assert_eq!(crons[0]["active"], false);
    assert!(todo.contains("Cron/"), "{todo}");
    for part in ["onBehalfOf", "targetReference"] {
        let reference = crons[0][part]["reference"].as_str().unwrap();
        let (name, id) = reference.split_once('/').unwrap();
        assert_eq!(
            db.text(&format!(r#"SELECT "projectId" FROM "{name}" WHERE id = '{id}'"#))
                .await,
            clone,
            "{reference}"
        );
    }

    let installations = documents("PackageInstallation").await;
    assert_eq!(installations.len(), 2);
    for installation in &installations {
        assert_eq!(installation["status"], "requested");
        assert_eq!(installation.get("extension"), None, "{installation}");
    }
    assert!(todo.contains("PackageInstallation/"), "{todo}");

    assert_eq!(documents("SmartHealthLink").await, Vec::<Value>::new());
    assert_eq!(documents("Enterprise").await, Vec::<Value>::new());

    // Files of a study: one raw, two frames; each is queued under its new name.
    let instance = &documents("DicomInstance").await[0];
    let mut files = vec![instance["raw"]["reference"].clone()];
    files.extend(
        instance["pixelData"]
            .as_array()
            .unwrap()
            .iter()
            .map(|frame| frame["reference"].clone()),
    );
    for file in files {
        let id = file.as_str().unwrap().strip_prefix("Binary/").unwrap().to_owned();
        assert_eq!(
            db.number(&format!(
                r#"SELECT count(*) FROM clone.blob_copy b JOIN "Binary" f ON f.id::text = b.target_id
                   WHERE b.target_id = '{id}' AND f."projectId" = '{clone}' AND b.target_key = 'binary/' || f.id || '/' || (f.content::json #>> '{{meta,versionId}}')"#
            ))
            .await,
            1,
            "{file}"
        );
    }
    let metadata: Value = serde_json::from_str(instance["metadata"].as_str().unwrap()).unwrap();
    assert_eq!(
        metadata["00081190"]["Value"],
        json!([format!("/instances/{}/raw", instance["id"].as_str().unwrap())])
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_link_or_an_enterprise_that_is_asked_for_is_revoked_and_no_production() {
    let db = source_at(Version::Newest).await;
    let clone = db
        .clone_project(&format!(
            "'{PROJECT}', resource_types => '{{SmartHealthLink,Enterprise}}'"
        ))
        .await;
    let document = async |relation: &str| -> Value {
        serde_json::from_str(&db.text(&format!(r#"SELECT content FROM "{relation}" WHERE "projectId" = '{clone}' AND content LIKE '%{clone}%' LIMIT 1"#)).await).unwrap()
    };
    assert_eq!(document("SmartHealthLink").await["status"], "revoked");
    assert_eq!(
        db.number(&format!(r#"SELECT count(*) FROM "Enterprise" WHERE "projectId" = '{clone}' AND content LIKE '%"production"%'"#)).await,
        0
    );
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Enterprise" e WHERE "projectId" = '{clone}' AND ("productionProject" IS NOT NULL OR 'production' = ANY ("projectCode")
               OR EXISTS (SELECT FROM "Enterprise_References" r WHERE r."resourceId" = e.id AND r.code = 'production-project'))"#
        ))
        .await,
        0
    );
    assert!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Enterprise" WHERE "projectId" = '{clone}'"#
        ))
        .await
            > 0
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_filters_bring_what_a_schedule_needs() {
    let db = source_at(Version::Newest).await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', resource_types => '{{Cron}}'"))
        .await;
    for relation in ["Bot", "ProjectMembership", "Binary"] {
        assert!(
            db.number(&format!(
                r#"SELECT count(*) FROM "{relation}" WHERE "projectId" = '{clone}'"#
            ))
            .await
                > 0,
            "{relation}"
        );
    }
}
