//! Clones that end by themselves.

use crate::clinic::{self, CLINIC};
use crate::state;

#[tokio::test]
async fn an_expired_clone_goes_and_others_stay() {
    let db = clinic::database().await;
    let before = state::of(&db, "documents").await;
    let trial = clinic::clone(&db, "'{\"expires_in\": \"14 days\"}'").await;
    let expires = "SELECT expires_at = started_at + interval '14 days' OR expires_at > now() + interval '13 days' FROM clone.run";
    assert_eq!(db.text(expires).await, "t");
    assert!(db.rows("SELECT * FROM clone.expire()").await.is_empty());
    db.run("UPDATE clone.run SET expires_at = now() - interval '1 second'")
        .await;
    let done = db
        .rows("SELECT project, store, rows, error FROM clone.expire()")
        .await;
    assert_eq!(done.len(), 1);
    assert_eq!(done[0][0].as_deref(), Some(&*trial));
    assert_eq!((done[0][2].as_deref(), &done[0][3]), (Some("406"), &None));
    assert_eq!(state::of(&db, "documents").await, before);
    assert!(db.rows("SELECT * FROM clone.expire()").await.is_empty());
}

#[tokio::test]
async fn expiry_is_moved_and_cleared() {
    let db = clinic::database().await;
    let trial = clinic::clone(&db, "'{\"expires_in\": \"14 days\"}'").await;
    let moved = db
        .text(&format!(
            "SELECT clone.set_expiry('{trial}', '3 days') = now() + interval '3 days'"
        ))
        .await;
    assert_eq!(moved, "t");
    db.run(&format!(
        "SELECT clone.set_expiry('{trial}', expires_at => '2020-01-01 00:00Z')"
    ))
    .await;
    assert_eq!(db.text(&format!("SELECT clone.set_expiry('{trial}')")).await, "");
    assert!(db.rows("SELECT * FROM clone.expire()").await.is_empty());
    assert_eq!(
        db.fails(&format!("SELECT clone.set_expiry('{CLINIC}', '1 day')"))
            .await
            .code,
        "55000"
    );
}

#[tokio::test]
async fn an_interval_that_is_none_is_refused_before_anything_is_cloned() {
    let db = clinic::database().await;
    for bad in ["soon", "-1 day", "0 s"] {
        let failure = db
            .fails(&format!(
                "SELECT project_clone('{CLINIC}', options => '{{\"expires_in\": \"{bad}\"}}')"
            ))
            .await;
        assert_eq!(failure.code, "22023", "{bad}");
    }
}

#[tokio::test]
async fn one_clone_that_cannot_go_does_not_keep_the_others() {
    let db = clinic::database().await;
    let stuck = clinic::clone(&db, "'{}'").await;
    let free = clinic::clone(&db, "'{}'").await;
    db.run(&format!(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF OLD.id = '{stuck}' THEN RAISE 'not this one'; END IF; RETURN OLD; END $$;
         CREATE TRIGGER no BEFORE DELETE ON documents.project FOR EACH ROW EXECUTE FUNCTION no();
         UPDATE clone.run SET expires_at = now() - id * interval '1 second'"
    ))
    .await;
    let done = db
        .rows("SELECT project, error FROM clone.expire() ORDER BY run")
        .await;
    assert_eq!(done[0], [Some(stuck.clone()), Some("not this one".to_owned())]);
    assert_eq!(done[1], [Some(free), None]);
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{stuck}'"
        ))
        .await,
        405
    );
}

#[tokio::test]
async fn who_may_not_delete_a_clone_may_not_let_it_expire() {
    let db = clinic::database().await;
    let trial = clinic::clone(&db, "'{}'").await;
    db.run(
        "DROP ROLE IF EXISTS clock; CREATE ROLE clock LOGIN; GRANT USAGE ON SCHEMA documents, clone TO clock;
         GRANT SELECT ON ALL TABLES IN SCHEMA documents TO clock; GRANT EXECUTE ON FUNCTION clone.set_expiry, clone.expire TO clock",
    )
    .await;
    let session = db.session_as("clock").await;
    assert_eq!(
        session
            .fails(&format!("SELECT clone.set_expiry('{trial}', '1 s')"))
            .await
            .code,
        "42501"
    );
    // What is deleted is deleted with the rights of who said when: here of who made the clone.
    db.run(
        "GRANT EXECUTE ON FUNCTION project_clone(text, text, text[], text[], text[], text, text, jsonb) TO clock;
         GRANT INSERT ON ALL TABLES IN SCHEMA documents TO clock",
    )
    .await;
    session
        .run(&format!(
            "SELECT project_clone('{CLINIC}', options => '{{\"expires_in\": \"1 microsecond\"}}')"
        ))
        .await;
    for caller in [&session, &*db] {
        assert!(
            caller
                .text("SELECT error FROM clone.expire()")
                .await
                .contains("permission denied")
        );
    }
    db.run(&format!(
        "SELECT clone.set_expiry('{trial}', expires_at => now())"
    ))
    .await;
    assert_eq!(
        session
            .rows(&format!(
                "SELECT error FROM clone.expire() WHERE project = '{trial}'"
            ))
            .await,
        [[None::<String>]]
    );
    db.run("DROP OWNED BY clock").await;
}
