//! The owner is kept, or becomes the given user, who can then log in to the clone.

use pg_clone_tests::medplum_source::{PROJECT, cloned, shared};
use pg_clone_tests::scratch_database::Session;

/// The owner of the source, a server-wide user.
const OWNER: &str = "User/efc4b418-3840-416c-8d90-ddf9e7b0dc19";
/// A server-wide user with no membership in the project.
const ADMIN: &str = "User/71f582f3-b3d7-4ac9-9036-7760d845189c";
/// A server-wide user with a membership in the project.
const SHARED: &str = "User/58c68bf2-9284-4de4-b9fa-c29ca9c7b960";
/// What these tests look at; the rest of the project takes its time.
const PEOPLE: &str = "resource_types => '{User,ProjectMembership,Practitioner,Patient,ClientApplication}'";
/// A user of the project itself.
const SCOPED: &str = "User/4b912425-2364-4676-82b5-1af5f4413e42";

async fn owner(session: &Session, project: &str) -> [String; 3] {
    let row = session
        .rows(&format!(
            r#"SELECT p.owner, p.content::json #>> '{{owner,reference}}',
                   (SELECT string_agg('User/' || r."targetId", ',') FROM "Project_References" r WHERE r."resourceId" = p.id AND r.code = 'owner')
               FROM "Project" p WHERE p.id = '{project}'"#
        ))
        .await
        .remove(0);
    <[Option<String>; 3]>::try_from(row)
        .unwrap()
        .map(Option::unwrap_or_default)
}

/// Memberships of a user in a project, by column, by document and by reference row: user, whether admin, profile.
async fn memberships(session: &Session, project: &str, user: &str) -> Vec<Vec<Option<String>>> {
    session
        .rows(&format!(
            r#"SELECT m.content::json->>'admin', m.profile, m.project
               FROM "ProjectMembership" m
               JOIN "ProjectMembership_References" r ON r."resourceId" = m.id AND r.code = 'user' AND 'User/' || r."targetId" = m."user"
               JOIN "ProjectMembership_References" o ON o."resourceId" = m.id AND o.code = 'project' AND o."targetId" = m."projectId"
               WHERE m."projectId" = '{project}' AND m."user" = '{user}' AND m.content::json #>> '{{user,reference}}' = '{user}'
                 AND m.content::json #>> '{{profile,reference}}' = m.profile AND m.content::json #>> '{{project,reference}}' = m.project
                 AND EXISTS (SELECT FROM "ProjectMembership_History" h WHERE h.id = m.id AND h.content = m.content)"#
        ))
        .await
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn without_an_owner_it_stays_and_keeps_the_membership() {
    let (db, clone) = cloned().await;
    assert_eq!(owner(&db, &clone).await, [OWNER; 3]);
    let found = memberships(&db, &clone, OWNER).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][0].as_deref(), Some("true"));
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_server_wide_user_becomes_owner_with_an_administrators_membership() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', 'Owned', owner => '{ADMIN}', {PEOPLE}"))
        .await;
    assert_eq!(owner(&db, &clone).await, [ADMIN; 3]);
    let found = memberships(&db, &clone, ADMIN).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0][0].as_deref(), Some("true"));
    assert_eq!(found[0][2].as_deref(), Some(format!("Project/{clone}").as_str()));
    // The profile is a practitioner of the clone, findable by name, with a version of its own.
    let profile = found[0][1]
        .as_deref()
        .unwrap()
        .strip_prefix("Practitioner/")
        .unwrap();
    assert_eq!(
        db.rows(&format!(
            r#"SELECT p."projectId", p.compartments, n.name, n.given, n.family, h."versionId" = (p.content::json #>> '{{meta,versionId}}')::uuid, h.content = p.content
               FROM "Practitioner" p JOIN "Practitioner_History" h USING (id) JOIN "HumanName" n ON n."resourceId" = p.id WHERE p.id = '{profile}'"#
        ))
        .await,
        [[clone.as_str(), &format!("{{{clone}}}"), "Medplum Admin", "Medplum", "Admin", "t", "t"].map(|text| Some(text.to_owned()))]
    );
    let old_owner = memberships(&db, &clone, OWNER).await;
    assert_eq!(
        old_owner.len(),
        1,
        "the old owner's membership is cloned like any other"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_owner_who_is_a_member_gets_no_second_membership() {
    let db = shared().await;
    for user in [SHARED, OWNER] {
        let clone = db
            .clone_project(&format!("'{PROJECT}', owner => '{user}', {PEOPLE}"))
            .await;
        assert_eq!(owner(&db, &clone).await, [user; 3]);
        assert_eq!(memberships(&db, &clone, user).await.len(), 1, "{user}");
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_user_of_the_project_becomes_owner_as_the_clones_user() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', owner => '{SCOPED}', {PEOPLE}"))
        .await;
    let user = db
        .text(&format!(r#"SELECT 'User/' || id FROM "User" WHERE "projectId" = '{clone}' AND email = 'ingrid@clinic.example'"#))
        .await;
    assert_ne!(user, SCOPED);
    assert_eq!(owner(&db, &clone).await, [user.as_str(); 3]);
    assert_eq!(memberships(&db, &clone, &user).await.len(), 1);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_owner_can_log_in_to_a_clone_whose_filters_leave_memberships_out() {
    let db = shared().await;
    for user in [ADMIN, SHARED] {
        let clone = db
            .clone_project(&format!(
                "'{PROJECT}', resource_types => '{{Patient}}', owner => '{user}'"
            ))
            .await;
        assert_eq!(owner(&db, &clone).await, [user; 3]);
        let found = memberships(&db, &clone, user).await;
        assert_eq!(found.len(), 1, "{user}");
        let profile = found[0][1].as_deref().unwrap().split_once('/').unwrap();
        assert_eq!(
            db.text(&format!(
                r#"SELECT "projectId" FROM "{}" WHERE id = '{}'"#,
                profile.0, profile.1
            ))
            .await,
            clone,
            "the profile is the clone's"
        );
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_owner_in_any_case_is_the_same_user() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!(
            "'{PROJECT}', owner => 'User/{}', {PEOPLE}",
            &ADMIN[5..].to_uppercase()
        ))
        .await;
    assert_eq!(owner(&db, &clone).await, [ADMIN; 3]);
    assert_eq!(memberships(&db, &clone, ADMIN).await.len(), 1);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_owner_who_is_no_user_is_refused() {
    let db = shared().await;
    let other_project = "User/00000000-3840-416c-8d90-ddf9e7b0dc19";
    for (owner, message) in [
        (other_project, "unknown user"),
        ("efc4b418-3840-416c-8d90-ddf9e7b0dc19", "malformed owner"),
        ("User/1", "malformed owner"),
        (
            "Practitioner/3bc0718c-f06d-4d0d-b9b1-0d0850b88216",
            "malformed owner",
        ),
        ("", "malformed owner"),
    ] {
        db.run("SAVEPOINT s").await;
        let failure = db
            .fails(&format!("SELECT project_clone('{PROJECT}', owner => '{owner}')"))
            .await;
        assert_eq!(failure.code, "22023", "{failure:?}");
        assert!(failure.message.contains(message), "{failure:?}");
        assert!(!failure.hint.is_empty(), "{failure:?}");
        db.run("ROLLBACK TO s").await;
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn documents_that_a_clone_makes_have_the_servers_form() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!(
            "'{PROJECT}', 'A \"quoted\" name', owner => '{ADMIN}', {PEOPLE}"
        ))
        .await;
    for (relation, members) in [
        (
            "ProjectMembership",
            r#"["resourceType","project","user","profile","admin","id","meta"]"#,
        ),
        ("Practitioner", r#"["resourceType","name","id","meta"]"#),
    ] {
        let content = db
            .text(&format!(
                r#"SELECT content FROM "{relation}" WHERE "projectId" = '{clone}' AND content LIKE '%"author":{{"reference":"system"}}%' AND content LIKE '%Medplum%'"#
            ))
            .await;
        // Compact, in the order of the server: what JSON.stringify makes of it again.
        let value: serde_json::Value = serde_json::from_str(&content).unwrap();
        assert_eq!(content.len(), value.to_string().len(), "{content}");
        assert_eq!(
            db.text(&format!(
                "SELECT json_agg(k) FROM json_object_keys($j${content}$j$) k"
            ))
            .await
            .replace(' ', ""),
            members
        );
        assert_eq!(
            db.text(&format!(
                "SELECT json_agg(k) FROM json_object_keys($j${content}$j$::json->'meta') k"
            ))
            .await
            .replace(' ', ""),
            r#"["versionId","lastUpdated","author","project","compartment"]"#
        );
    }
}
