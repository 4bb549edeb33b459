//! Secrets are not cloned; the result lists what must be configured again.

use pg_clone_tests::medplum_source::{PROJECT, cloned, source_with_additions};
use pg_clone_tests::scratch_database::Scratch;

async fn only_in_source(db: &Scratch, clone: &str, secret: &str) {
    let in_project = |project: &str| {
        format!("SELECT count(*) FROM test.rows_of('{project}') WHERE row_json::text LIKE '%{secret}%'")
    };
    assert!(
        db.number(&in_project(PROJECT)).await > 0,
        "{secret} is in the source"
    );
    assert_eq!(db.number(&in_project(clone)).await, 0, "{secret}");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn secrets_of_the_source_are_nowhere_in_the_clone() {
    let (db, clone) = cloned().await;
    for secret in [
        "SOURCE-PROJECT-SECRET",
        "whsec-SOURCE",
        "system-SECRET",
        "passwordHash",
        "hook-secret",
        "9074497628295f8f27b13ebf68b4d415b0035daee7df26f939f4ec58ef664040",
        "9d0fd2fd55525d183429399ea23e84ea9fb4d74d11a2df4e49ca62485be5b40d",
    ] {
        only_in_source(&db, &clone, secret).await;
    }
    let project = db
        .json(&format!(r#"SELECT content FROM "Project" WHERE id = '{clone}'"#))
        .await;
    assert!(project.get("secret").is_none() && project.get("systemSecret").is_none());
    assert_eq!(
        project["setting"][0]["name"], "greeting",
        "what is no secret stays"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn client_applications_get_secrets_of_their_own() {
    let (db, clone) = cloned().await;
    let secrets = db
        .list(&format!(r#"SELECT DISTINCT content::json->>'secret' FROM "ClientApplication" WHERE "projectId" = '{clone}'"#))
        .await;
    assert_eq!(secrets.len(), 2);
    for secret in secrets {
        assert!(
            secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{secret}"
        );
        assert_eq!(
            db.number(&format!(
                r#"SELECT count(*) FROM "ClientApplication_History" WHERE content LIKE '%{secret}%'"#
            ))
            .await,
            1,
            "its version says the same"
        );
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_rarer_secrets_are_dropped_too() {
    let db = source_with_additions().await;
    let before = db.text(&format!("SELECT test.checksum('{PROJECT}')")).await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.text(&format!("SELECT test.checksum('{PROJECT}')")).await,
        before
    );
    for secret in [
        "mfa-SECRET",
        "retiring-SECRET",
        "idp-SECRET",
        "google-SECRET",
        "recaptcha-SECRET",
        "Bearer SECRET",
        "agent-SECRET",
        "websocket-SECRET",
        "two-lines-SECRET",
        "endpoint-SECRET",
    ] {
        only_in_source(&db, &clone, secret).await;
    }
    let user = db
        .json(&format!(
            r#"SELECT content FROM "User" WHERE "projectId" = '{clone}' AND content LIKE '%"Mfa"%'"#
        ))
        .await;
    assert_eq!(user["mfaEnrolled"], false, "else the user could never log in");
    assert_eq!(
        db.rows(&format!(
            r#"SELECT "googleClientId", "recaptchaSiteKey", content::jsonb ? 'site' FROM "Project" WHERE id = '{clone}'"#
        ))
        .await,
        [[None, None, Some("f".to_owned())]]
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_run_says_what_must_be_configured_again() {
    let (db, clone) = cloned().await;
    let todo = db.json("SELECT todo FROM clone.run").await;
    let todo: Vec<&str> = todo
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    for (resource_type, word) in [
        ("Project", "secrets again"),
        ("ClientApplication", "new secret"),
        ("User", "password"),
        ("Subscription", "is off"),
        ("Subscription", "secret its calls are signed with"),
    ] {
        let said = todo
            .iter()
            .find(|text| text.starts_with(resource_type) && text.contains(word));
        let said = said.unwrap_or_else(|| panic!("{resource_type} {word}: {todo:?}"));
        let id = &said[resource_type.len() + 1..][..36];
        let found = db
            .number(&format!(
                r#"SELECT count(*) FROM "{resource_type}" WHERE id = '{id}' AND "projectId" = '{clone}'"#
            ))
            .await;
        assert_eq!(found, 1, "{said}");
    }
    assert!(todo.iter().any(|text| text.contains("reloadcron")), "{todo:?}");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn what_lets_somebody_in_is_dropped_when_its_type_is_asked_for() {
    let db = source_with_additions().await;
    let clone = db
        .clone_project(&format!(
            "'{PROJECT}', resource_types => '{{User,UserSecurityRequest}}'"
        ))
        .await;
    assert_eq!(
        db.rows(&format!(
            r#"SELECT DISTINCT content::jsonb ? 'secret', content::jsonb->>'used' FROM "UserSecurityRequest" WHERE "projectId" = '{clone}'"#
        ))
        .await,
        [["f", "true"].map(|text| Some(text.to_owned()))]
    );
}
