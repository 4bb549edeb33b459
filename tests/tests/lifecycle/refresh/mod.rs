//! `options.replace`: a clone replaces an earlier one.

use crate::clinic::{self, ADA, BOB, CLIENT, CLINIC};
use crate::state;

async fn client_of(db: &pg_clone_tests::scratch_database::Scratch, project: &str) -> (String, String) {
    let mut row = db
        .rows(&format!(
            "SELECT id, content->>'secret' FROM documents.resource WHERE project_id = '{project}' AND resource_type = 'Client'
             AND content->>'name' = 'app'"
        ))
        .await
        .swap_remove(0);
    (row[0].take().unwrap(), row[1].take().unwrap())
}

#[tokio::test]
async fn a_refresh_is_one_in_the_store_that_made_the_clone() {
    let db = clinic::database().await;
    // A second description of the same tables.
    db.run("SELECT clone.store_create('more', 'documents', '{\"schema\": \"documents\"}'), clone.store_create('others', 'documents')")
        .await;
    for store in ["documents", "more"] {
        let staging = db.clone_project(&format!("'{CLINIC}', store => '{store}'")).await;
        let refresh = format!("'{CLINIC}', options => '{{\"replace\": \"{staging}\"}}'");
        assert_eq!(db.clone_project(&refresh).await, staging);
        db.run(&format!("SELECT * FROM project_clone_plan({refresh}); SELECT project_clone_start({refresh}); SELECT clone.run_next_job()"))
            .await;
        assert_eq!(
            db.text("SELECT state || ' ' || coalesce(error, '') FROM clone.job ORDER BY id DESC LIMIT 1")
                .await,
            "done "
        );
        assert_eq!(
            db.text(&format!(
                "SELECT string_agg(DISTINCT store, ',') FROM clone.run WHERE target_project = '{staging}'"
            ))
            .await,
            store
        );
        // In another store it is no clone.
        let other = if store == "more" { "documents" } else { "more" };
        let refused = db
            .fails(&format!("SELECT project_clone({refresh}, store => '{other}')"))
            .await;
        assert_eq!(refused.code, "22023", "{refused:?}");
        let refused = db
            .fails(&format!("SELECT project_delete('{staging}', '{other}')"))
            .await;
        assert!(
            refused.code == "55000"
                && refused.hint
                    == format!("It is a clone in store \"{store}\": project_delete('{staging}', '{store}')."),
            "{refused:?}"
        );
        db.run(&format!("SELECT project_delete('{staging}')")).await;
    }
}

#[tokio::test]
async fn project_and_clients_keep_their_ids_and_secrets() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let before = client_of(&db, &staging).await;
    assert_ne!(before.1, "of the source");
    db.run(&format!("UPDATE documents.resource SET content = content || '{{\"edited\": true}}' WHERE project_id = '{staging}'")).await;
    for _ in 0..2 {
        assert_eq!(clinic::refresh(&db, &staging).await, staging);
        assert_eq!(client_of(&db, &staging).await, before);
    }
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{staging}'"
        ))
        .await,
        405
    );
    assert_eq!(
        db.number("SELECT count(*) FROM documents.resource WHERE content ? 'edited'")
            .await,
        0
    );
    assert_eq!(
        db.list("SELECT replaced FROM clone.run ORDER BY id").await,
        ["", "1", "2"]
    );
    assert_eq!(
        db.list("SELECT id FROM clone.run WHERE deleted_at IS NULL").await,
        ["3"]
    );
    assert_eq!(db.text("SELECT todo FROM clone.run WHERE id = 3").await, "[]");
}

#[tokio::test]
async fn the_source_and_other_projects_stay_untouched() {
    let db = clinic::database().await;
    let others =
        "SELECT md5(string_agg(r::text, '' ORDER BY id)) FROM documents.resource r WHERE project_id <> '{}'";
    let staging = clinic::clone(&db, "'{}'").await;
    let others = others.replace("{}", &staging);
    let before = db.text(&others).await;
    clinic::refresh(&db, &staging).await;
    assert_eq!(db.text(&others).await, before);
    db.run(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(db.text(&others).await, before);
}

#[tokio::test]
async fn members_added_by_hand_stay_while_their_user_exists() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    // Bob exists, the third user does not; Ada is a member in the source already. Bob's profile was made for him.
    db.run(&format!(
        "INSERT INTO documents.resource (id, project_id, resource_type, content) VALUES
         ('44444444-0000-4000-8000-000000000001', '{staging}', 'Profile', '{{\"name\": \"Bob\"}}'),
         ('44444444-0000-4000-8000-000000000002', '{staging}', 'Member', '{{\"user\": {{\"reference\": \"User/{BOB}\"}},
            \"profile\": {{\"reference\": \"Profile/44444444-0000-4000-8000-000000000001\"}}}}'),
         ('44444444-0000-4000-8000-000000000003', '{staging}', 'Member', '{{\"user\": {{\"reference\": \"User/{ADA}\"}}}}'),
         ('44444444-0000-4000-8000-000000000004', '{staging}', 'Member',
            '{{\"user\": {{\"reference\": \"User/99999999-0000-4000-8000-000000000004\"}}}}'),
         ('44444444-0000-4000-8000-000000000005', '{staging}', 'Client', '{{\"secret\": \"by hand\"}}'),
         ('44444444-0000-4000-8000-000000000006', '{staging}', 'Patient', '{{\"name\": \"by hand\"}}')"
    ))
    .await;
    clinic::refresh(&db, &staging).await;
    let stayed = db
        .list(&format!("SELECT right(id::text, 1) FROM documents.resource WHERE project_id = '{staging}' AND id::text LIKE '44444444%' ORDER BY 1"))
        .await;
    assert_eq!(stayed, ["1", "2", "5"]);
    clinic::refresh(&db, &staging).await;
    let count = format!("SELECT count(*) FROM documents.resource WHERE project_id = '{staging}'");
    assert_eq!(db.number(&count).await, 405 + 3);
    db.run(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(db.number(&count).await, 0);
}

#[tokio::test]
async fn a_client_that_the_source_has_no_more_is_told_to_the_operator() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let (id, _) = client_of(&db, &staging).await;
    db.run(&format!("DELETE FROM documents.resource WHERE id = '{CLIENT}'"))
        .await;
    clinic::refresh(&db, &staging).await;
    assert_eq!(
        db.json("SELECT todo FROM clone.run WHERE id = 2").await[0],
        format!("Client/{id}: is gone, the source has nothing that corresponds to it any more")
    );
}

#[tokio::test]
async fn old_files_go_and_new_ones_come() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    let old = db.list("SELECT target_key FROM clone.blob_copy ORDER BY 1").await;
    clinic::refresh(&db, &staging).await;
    let delete = db
        .list("SELECT target_key FROM clone.blob_copy WHERE run_id = 2 AND operation = 'delete' ORDER BY 1")
        .await;
    assert_eq!(delete, old);
    let copy = db
        .list("SELECT target_key FROM clone.blob_copy WHERE run_id = 2 AND operation = 'copy'")
        .await;
    assert_eq!(copy.len(), 3);
    assert!(copy.iter().all(|key| !old.contains(key)));
}

#[tokio::test]
async fn an_expiry_stays_unless_the_refresh_names_another() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{\"expires_in\": \"14 days\"}'").await;
    clinic::refresh(&db, &staging).await;
    assert_eq!(
        db.text(
            "SELECT a.expires_at = b.expires_at FROM clone.run a, clone.run b WHERE a.id = 1 AND b.id = 2"
        )
        .await,
        "t"
    );
    clinic::clone(
        &db,
        &format!("'{{\"replace\": \"{staging}\", \"expires_in\": \"1 day\"}}'"),
    )
    .await;
    assert_eq!(
        db.text("SELECT expires_at < now() + interval '2 days' FROM clone.run WHERE id = 3")
            .await,
        "t"
    );
}

#[tokio::test]
async fn only_a_clone_can_be_replaced() {
    let db = clinic::database().await;
    let server = db
        .text("SELECT id FROM documents.project WHERE name = 'Server'")
        .await;
    for (project, word) in [
        (CLINIC, "itself"),
        (&*server, "not a clone"),
        ("nonsense", "malformed"),
    ] {
        let failure = db
            .fails(&format!(
                "SELECT project_clone('{CLINIC}', options => '{{\"replace\": \"{project}\"}}')"
            ))
            .await;
        assert_eq!(failure.code, "22023");
        assert!(failure.message.contains(word), "{failure:?}");
    }
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(&format!("SELECT project_delete('{staging}')")).await;
    let failure = db
        .fails(&format!(
            "SELECT project_clone('{CLINIC}', options => '{{\"replace\": \"{staging}\"}}')"
        ))
        .await;
    assert_eq!(failure.code, "22023");
}

#[tokio::test]
async fn a_clone_is_not_replaced_by_one_of_another_project() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let other = clinic::clone(&db, "'{}'").await;
    let before = db
        .list("SELECT r::text FROM documents.resource r ORDER BY 1")
        .await;
    let failure = db
        .fails(&format!(
            "SELECT project_clone('{other}', options => '{{\"replace\": \"{staging}\"}}')"
        ))
        .await;
    assert_eq!(failure.code, "22023", "{failure:?}");
    assert!(
        failure
            .message
            .contains(&format!("is a clone of project \"{CLINIC}\""))
            && failure.hint.contains(&format!("project_clone('{CLINIC}'"))
            && failure.hint.contains(&format!("project_delete('{staging}')")),
        "{failure:?}"
    );
    assert_eq!(
        db.list("SELECT r::text FROM documents.resource r ORDER BY 1")
            .await,
        before
    );
    // What the hint says.
    db.run(&format!("SELECT project_delete('{staging}')")).await;
    db.run(&format!(
        "SELECT project_clone('{other}', options => '{{\"target\": \"{staging}\"}}')"
    ))
    .await;
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_the_old_clone() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$;
         CREATE TRIGGER no BEFORE INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION no()",
    )
    .await;
    let before = state::of(&db, "documents,clone").await;
    let failure = db
        .fails(&format!(
            "SELECT project_clone('{CLINIC}', options => '{{\"replace\": \"{staging}\"}}')"
        ))
        .await;
    assert_eq!(failure.message, "no room");
    assert_eq!(state::of(&db, "documents,clone").await, before);
}

#[tokio::test]
async fn a_plan_of_a_refresh_writes_nothing() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let before = state::of(&db, "documents,clone").await;
    let rows = db
        .number(&format!("SELECT sum(rows) FROM project_clone_plan('{CLINIC}', options => '{{\"replace\": \"{staging}\"}}')"))
        .await;
    assert_eq!(rows, 406);
    assert_eq!(state::of(&db, "documents,clone").await, before);
}

mod added_rows;
mod concurrently;
mod files;
mod given_again;
mod given_values;
mod medplum;
mod refused;
mod secrets;
