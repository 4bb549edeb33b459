//! Since 16: a membership without INHERIT gives no privileges of the group.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};

pub async fn a_membership_that_is_not_inherited_gives_no_privilege() {
    let db = with_observations(3).await;
    db.run(
        "CREATE ROLE v16_team; CREATE ROLE v16_member LOGIN; GRANT v16_team TO v16_member WITH INHERIT FALSE, SET TRUE;
         SELECT clone.allow('v16_team'); GRANT USAGE ON SCHEMA documents TO v16_team;
         GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA documents TO v16_team",
    )
    .await;
    let member = db.session_as("v16_member").await;
    let failure = member.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    // The right to call alone is not enough either.
    db.run("SELECT clone.allow('v16_member')").await;
    let failure = member.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    assert!(failure.message.contains("documents"), "{failure:?}");
    member.run("SET ROLE v16_team").await;
    let clone = member.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.text(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
        ))
        .await,
        "6"
    );
}
