//! Names: of the project, in memberships, of the default client; in documents and columns.

use pg_clone_tests::medplum_source::{CLONE_NAME, PROJECT, cloned, shared, source_with_additions};

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_name_stands_in_the_project_its_memberships_and_its_default_client() {
    let (db, clone) = cloned().await;
    assert_eq!(
        db.rows(&format!(
            r#"SELECT name, content::json->>'name' FROM "Project" WHERE id = '{clone}'"#
        ))
        .await,
        [[Some(CLONE_NAME.to_owned()), Some(CLONE_NAME.to_owned())]]
    );
    assert_eq!(
        db.rows(&format!(
            r#"SELECT content::json #>> '{{project,display}}', count(*) FROM "ProjectMembership" WHERE "projectId" = '{clone}' GROUP BY 1"#
        ))
        .await,
        [[Some(CLONE_NAME.to_owned()), Some("7".to_owned())]]
    );
    assert_eq!(
        db.rows(&format!(
            r#"SELECT name, content::json->>'name', content::json->>'description' FROM "ClientApplication"
               WHERE "projectId" = '{clone}' ORDER BY name"#
        ))
        .await,
        [
            ["Second client", "Second client", ""]
                .map(|text| Some(text.to_owned()).filter(|text| !text.is_empty())),
            [
                format!("{CLONE_NAME} Default Client"),
                format!("{CLONE_NAME} Default Client"),
                format!("Default client for {CLONE_NAME}"),
            ]
            .map(Some),
        ]
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn without_a_name_all_names_stay() {
    let db = shared().await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    let names = |project: &str| {
        format!(
            r#"SELECT string_agg(x, '|' ORDER BY x) FROM (
                SELECT name || (content::json->>'name') FROM "Project" WHERE "projectId" = '{project}'
                UNION ALL SELECT content::json #>> '{{project,display}}' FROM "ProjectMembership" WHERE "projectId" = '{project}'
                UNION ALL SELECT name || (content::json->>'name') || COALESCE(content::json->>'description', '')
                FROM "ClientApplication" WHERE "projectId" = '{project}') AS n (x)"#
        )
    };
    assert_eq!(db.text(&names(&clone)).await, db.text(&names(PROJECT)).await);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_name_may_hold_any_character() {
    let db = shared().await;
    let name = r#"O'Brien "\n" \ {name} $1 %s é 😀 </a> 773d0adb-ce39-4944-9b4b-292fd22077cd"#;
    let row = db
        .query_one(
            "SELECT project_clone($1, $2, resource_types => '{ProjectMembership}')",
            &[&PROJECT, &name],
        )
        .await
        .unwrap();
    let project: serde_json::Value = row.get(0);
    assert_eq!(project["name"], name);
    let clone = project["id"].as_str().unwrap();
    assert_eq!(
        db.text(&format!(r#"SELECT name FROM "Project" WHERE id = '{clone}'"#))
            .await,
        name
    );
    assert_eq!(
        db.list(&format!(
            r#"SELECT DISTINCT content::json #>> '{{project,display}}' FROM "ProjectMembership" WHERE "projectId" = '{clone}'"#
        ))
        .await,
        [name]
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn project_scoped_users_name_the_clone_too() {
    let db = source_with_additions().await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'Other'")).await;
    assert_eq!(
        db.list(&format!(
            r#"SELECT DISTINCT (content::json #>> '{{project,display}}') || ' ' || (content::json #>> '{{project,reference}}')
               FROM "User" WHERE "projectId" = '{clone}' AND content LIKE '%display%'"#
        ))
        .await,
        [format!("Other Project/{clone}")]
    );
}
