//! Refresh of a clone of the real Medplum project.

use pg_clone_tests::medplum_source::{self, PROJECT};

const TESTER: &str = "44444444-0000-4000-8000-0000000000a1";
const PROFILE: &str = "44444444-0000-4000-8000-0000000000b1";

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn whoever_is_configured_against_staging_stays_logged_in() {
    let db = medplum_source::source().await;
    let staging = db.clone_project(&format!("'{PROJECT}', 'Staging'")).await;
    // A tester with a membership made in staging; a password and the project's secrets entered there.
    db.run(&format!(
        "INSERT INTO \"User\" (id, content, \"lastUpdated\", \"projectId\", __version, compartments, email)
         VALUES ('{TESTER}', '{{\"resourceType\":\"User\",\"id\":\"{TESTER}\",\"email\":\"t@example.org\"}}', now(),
                 '65897e4f-7add-55f3-9b17-035b5a4e6d52', 12, '{{}}', 't@example.org');
         INSERT INTO \"Practitioner\" (id, content, \"lastUpdated\", \"projectId\", __version, compartments)
         VALUES ('{PROFILE}', '{{\"resourceType\":\"Practitioner\",\"id\":\"{PROFILE}\"}}', now(), '{staging}', 12, '{{}}');
         INSERT INTO \"ProjectMembership\" (id, content, \"lastUpdated\", \"projectId\", __version, compartments, \"user\", profile)
         VALUES (gen_random_uuid(), '{{\"resourceType\":\"ProjectMembership\",\"user\":{{\"reference\":\"User/{TESTER}\"}},'
                 '\"profile\":{{\"reference\":\"Practitioner/{PROFILE}\"}}}}', now(), '{staging}', 12, '{{}}', 'User/{TESTER}', 'Practitioner/{PROFILE}');
         UPDATE \"User\" SET content = (content::jsonb || '{{\"passwordHash\": \"entered in staging\"}}')::text WHERE \"projectId\" = '{staging}';
         UPDATE \"Project\" SET content = (content::jsonb || '{{\"secret\": [{{\"name\": \"K\", \"valueString\": \"of staging\"}}]}}')::text
         WHERE id = '{staging}'"
    ))
    .await;
    let clients = format!(
        "SELECT id || (content::jsonb->>'secret') FROM \"ClientApplication\" WHERE \"projectId\" = '{staging}' ORDER BY 1"
    );
    let members = format!(
        "SELECT id || \"user\" || profile FROM \"ProjectMembership\" WHERE \"projectId\" = '{staging}' ORDER BY 1"
    );
    let (clients_before, members_before) = (db.list(&clients).await, db.list(&members).await);
    assert_eq!((clients_before.len(), members_before.len()), (2, 8));
    let again = db
        .clone_project(&format!(
            "'{PROJECT}', 'Staging', options => '{{\"replace\": \"{staging}\"}}'"
        ))
        .await;
    assert_eq!(again, staging);
    assert_eq!(db.list(&clients).await, clients_before);
    assert_eq!(db.list(&members).await, members_before);
    let missing = format!(
        "SELECT count(*) FROM \"ProjectMembership\" m WHERE m.\"projectId\" = '{staging}' AND m.profile LIKE 'Practitioner/%'
         AND NOT EXISTS (SELECT FROM \"Practitioner\" p WHERE p.id = substr(m.profile, 14)::uuid)"
    );
    assert_eq!(db.number(&missing).await, 0);
    let entered = format!(
        "SELECT DISTINCT content::jsonb->>'passwordHash' FROM \"User\" WHERE \"projectId\" = '{staging}'"
    );
    assert_eq!(db.list(&entered).await, ["entered in staging"]);
    let secret =
        format!("SELECT content::jsonb#>>'{{secret,0,valueString}}' FROM \"Project\" WHERE id = '{staging}'");
    assert_eq!(db.text(&secret).await, "of staging");
    // A server reads the current version in the history.
    for table in ["Project", "ClientApplication", "User"] {
        let differ = format!(
            "SELECT count(*) FROM \"{table}\" t JOIN \"{table}_History\" h ON h.id = t.id WHERE t.\"projectId\" = '{staging}' AND h.content <> t.content"
        );
        assert_eq!(db.number(&differ).await, 0, "{table}");
    }
    let todos = db.text("SELECT todo FROM clone.run WHERE id = 2").await;
    assert!(
        !todos.contains("ClientApplication") && !todos.contains("has no password"),
        "{todos}"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_refreshed_clone_has_the_rows_of_a_fresh_one() {
    let db = medplum_source::source().await;
    let staging = db.clone_project(&format!("'{PROJECT}', 'Staging'")).await;
    // Deleted as the product does it, and edited.
    db.run(&format!(
        "UPDATE \"Patient\" SET deleted = true, content = '', __version = -1 WHERE \"projectId\" = '{staging}';
         UPDATE \"Observation\" SET content = replace(content, 'final', 'amended') WHERE \"projectId\" = '{staging}'"
    ))
    .await;
    db.clone_project(&format!(
        "'{PROJECT}', 'Staging', options => '{{\"replace\": \"{staging}\"}}'"
    ))
    .await;
    let per_table = "SELECT array_agg((relation, resource_type, rows, rewritten) ORDER BY relation)::text FROM clone.run_table WHERE run_id = ";
    assert_eq!(
        db.text(&format!("{per_table}1")).await,
        db.text(&format!("{per_table}2")).await
    );
    let patients = format!("SELECT count(*) FROM \"Patient\" WHERE \"projectId\" = '{staging}'");
    assert_eq!(db.number(&patients).await, 302);
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    let bad = format!("SELECT check_name || subject FROM project_clone_verify('{staging}') WHERE NOT ok");
    assert_eq!(db.list(&bad).await, [""; 0]);
}
