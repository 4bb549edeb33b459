//! Subscriptions and agents of the clone do not call external systems or the source's bots.

use pg_clone_tests::medplum_source::{PROJECT, cloned, shared, source_with_additions};

const BOT: &str = "d086db4f-05da-4dba-862b-8d4e0fafa33f";

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_subscription_to_an_outside_endpoint_is_off() {
    let (db, clone) = cloned().await;
    assert_eq!(
        db.rows(&format!(
            r#"SELECT status, content::json->>'status', url, content::json->>'extension' FROM "Subscription"
               WHERE "projectId" = '{clone}' AND url LIKE 'http%'"#
        ))
        .await,
        [[
            Some("off".to_owned()),
            Some("off".to_owned()),
            Some("http://127.0.0.1:9/hook".to_owned()),
            None
        ]]
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_subscription_to_a_cloned_bot_runs_the_clones_bot() {
    let (db, clone) = cloned().await;
    let bot = db
        .text(&format!(
            r#"SELECT 'Bot/' || id FROM "Bot" WHERE "projectId" = '{clone}'"#
        ))
        .await;
    assert_eq!(
        db.rows(&format!(
            r#"SELECT status, content::json->>'status', url, content::json #>> '{{channel,endpoint}}' FROM "Subscription"
               WHERE "projectId" = '{clone}' AND url LIKE 'Bot/%'"#
        ))
        .await,
        [["active", "active", &bot, &bot].map(|text| Some(text.to_owned()))]
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_subscription_to_a_bot_that_is_not_cloned_is_off() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', exclude_ids => '{{{BOT}}}'"))
        .await;
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Bot" WHERE "projectId" = '{clone}'"#
        ))
        .await,
        0
    );
    assert_eq!(
        db.list(&format!(
            r#"SELECT status || (content::json->>'status') FROM "Subscription" WHERE "projectId" = '{clone}'"#
        ))
        .await,
        ["offoff", "offoff"]
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn agents_are_off_and_headers_gone() {
    let db = source_with_additions().await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.list(&format!(
            r#"SELECT status || (content::json->>'status') FROM "Agent" WHERE "projectId" = '{clone}'"#
        ))
        .await,
        ["offoff"]
    );
    // An address that merely holds a cloned bot's id is still an outside address; one without an endpoint calls nobody.
    assert_eq!(
        db.list(&format!(
            r#"SELECT (content::json->>'reason') || ' ' || status || (content::json->>'status') || COALESCE(content::json #>> '{{channel,header}}', '-')
               FROM "Subscription" WHERE "projectId" = '{clone}' AND content LIKE '%addition%' ORDER BY 1"#
        ))
        .await,
        [
            "addition: outside with id offoff-",
            "addition: two lines offoff-",
            "addition: websocket activeactive-"
        ]
    );
    let todo = db.text("SELECT todo FROM clone.run").await;
    assert!(todo.contains("Agent/") && todo.contains("headers"), "{todo}");
    assert_eq!(
        db.list(&format!(
            r#"SELECT DISTINCT status FROM "Subscription" WHERE "projectId" = '{PROJECT}'"#
        ))
        .await,
        ["active"],
        "the source's go on"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn policies_and_menus_speak_of_the_clones_resources() {
    let (db, clone) = cloned().await;
    let patient = db
        .text("SELECT new FROM test.map WHERE old = 'e7752962-19f0-40d6-aa5b-afef3d655610'")
        .await;
    let practitioner = db
        .text("SELECT new FROM test.map WHERE old = '1a8d2e46-c8b7-4ea5-8ceb-7cd950f7f2a9'")
        .await;
    let policy = db
        .text(&format!(
            r#"SELECT content FROM "AccessPolicy" WHERE "projectId" = '{clone}'"#
        ))
        .await;
    for form in [
        format!("Patient?_id={patient}"),
        format!("Observation?subject=Patient/{patient}"),
        format!("Encounter?_compartment=Patient/{patient}"),
        format!("owner.reference = 'Practitioner/{practitioner}'"),
    ] {
        assert!(policy.contains(&form), "{form} in {policy}");
    }
    let menu = db
        .text(&format!(
            r#"SELECT content FROM "UserConfiguration" WHERE "projectId" = '{clone}'"#
        ))
        .await;
    assert!(
        menu.contains(&format!(
            "/Patient?general-practitioner=Practitioner/{practitioner}"
        )),
        "{menu}"
    );
    assert!(menu.contains(&format!(r#""/Patient/{patient}""#)), "{menu}");
}
