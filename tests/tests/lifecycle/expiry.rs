//! Clones that end by themselves.

use crate::clinic::{self, CLINIC};
use crate::state;
use pg_clone_tests::scratch_database::Scratch;

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

/// Tenants with text keys, the first with an item; a clone "trial" that has expired.
async fn trial(more: &str) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE tenants (slug text PRIMARY KEY, name text); CREATE TABLE items (id serial PRIMARY KEY, tenant text REFERENCES tenants, x text);
         INSERT INTO tenants VALUES ('a', 'A'); INSERT INTO items (tenant, x) VALUES ('a', 'x'); {more};
         SELECT clone.store_create('s', 'discover', '{{\"tenant\": \"tenants\"}}');
         SELECT project_clone('a', 'Trial', options => '{{\"target\": \"trial\", \"expires_in\": \"1 microsecond\"}}')"
    ))
    .await;
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_that_another_session_prolongs_is_the_new_one() {
    let db = trial("").await;
    let other = db.session().await;
    other
        .run("BEGIN; SELECT clone.set_expiry('trial', '3 days')")
        .await;
    assert!(db.rows("SELECT * FROM clone.expire()").await.is_empty());
    other.run("COMMIT").await;
    assert!(db.rows("SELECT * FROM clone.expire()").await.is_empty());
    // A refresh keeps the expiry, and a call beside it means the new clone.
    let replace = "SELECT project_clone('a', 'Trial', options => '{\"replace\": \"trial\"}')";
    for (first, second, days) in [
        (replace, "SELECT clone.set_expiry('trial', '5 days')", 5),
        ("SELECT clone.set_expiry('trial', '7 days')", replace, 7),
    ] {
        other.run(&format!("BEGIN; {first}")).await;
        let waiting = db.session().await;
        let pid = waiting.pid().await;
        let call = second.to_owned();
        let running = tokio::spawn(async move { waiting.run(&call).await });
        db.wait_until(&format!(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock')"
        ))
        .await;
        other.run("COMMIT").await;
        running.await.unwrap();
        assert_eq!(
            db.number("SELECT round(extract(epoch FROM expires_at - now()) / 86400)::int FROM clone.run WHERE deleted_at IS NULL")
                .await,
            days
        );
    }
    // Beside a deletion there is nothing left that could expire.
    other.run("BEGIN; SELECT project_delete('trial')").await;
    let waiting = db.session().await;
    let pid = waiting.pid().await;
    let running =
        tokio::spawn(async move { waiting.fails("SELECT clone.set_expiry('trial', '1 day')").await });
    db.wait_until(&format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock')"
    ))
    .await;
    other.run("COMMIT").await;
    assert_eq!(running.await.unwrap().code, "P0002");
}

#[tokio::test]
async fn a_project_that_no_run_made_has_no_end() {
    let db = trial("").await;
    let refused = db.fails("SELECT clone.set_expiry('a', '1 day')").await;
    assert!(
        refused.code == "55000"
            && refused.hint.starts_with("Only clones expire.")
            && !refused.hint.contains("force"),
        "{refused:?}"
    );
    let refused = db.fails("SELECT clone.set_expiry('nobody', '1 day')").await;
    assert_eq!(
        (refused.code.as_str(), refused.hint.as_str()),
        ("P0002", "Check the id.")
    );
}

#[tokio::test]
async fn a_project_that_got_the_id_of_an_expired_clone_stays() {
    let db = trial("").await;
    // The application deletes its trial itself, and a customer takes the name.
    db.run(
        "DELETE FROM items WHERE tenant = 'trial'; DELETE FROM tenants WHERE slug = 'trial';
         INSERT INTO tenants VALUES ('trial', 'A customer'); INSERT INTO items (tenant, x) VALUES ('trial', 'theirs')",
    )
    .await;
    let refused = db.text("SELECT error FROM clone.expire()").await;
    assert_eq!(
        refused,
        "project \"trial\" is another one than the clone that run 1 made: its row was written anew, and no row of the clone is found; if it is to go nevertheless: project_delete('trial', 's', options => '{\"force\": true}'); if it is to stay: clone.set_expiry('trial', store => 's')"
    );
    assert_eq!(
        db.number("SELECT count(*) FROM items WHERE tenant = 'trial'")
            .await,
        1
    );
    // Either answer of the message.
    db.run("SELECT clone.set_expiry('trial', store => 's')").await;
    assert!(db.rows("SELECT * FROM clone.expire()").await.is_empty());
    db.run("SELECT clone.set_expiry('trial', '1 microsecond')").await;
    assert_eq!(db.number("SELECT rows FROM clone.expire()").await, 2);
}

#[tokio::test]
async fn a_project_that_got_the_id_of_a_clone_is_neither_deleted_nor_replaced() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE post (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, title text); INSERT INTO post (team_id, title) SELECT 1 + n % 2, 'x' FROM generate_series(1, 10) n;
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"team\"}'); SELECT project_clone('1', options => '{\"target\": \"77\"}')",
    )
    .await;
    db.run(
        "DELETE FROM post WHERE team_id = 77; DELETE FROM team WHERE id = 77; INSERT INTO team VALUES (77, 'A customer'); INSERT INTO post (team_id, title) VALUES (77, 'theirs')",
    )
    .await;
    for call in [
        "SELECT project_clone('1', options => '{\"replace\": \"77\"}')",
        "SELECT project_delete('77')",
    ] {
        let refused = db.fails(call).await;
        assert!(
            refused.code == "55000"
                && refused
                    .message
                    .contains("is another one than the clone that run 1 made"),
            "{refused:?}"
        );
    }
    assert_eq!(
        db.text("SELECT title FROM post WHERE team_id = 77").await,
        "theirs"
    );
    // A clone that is still there, though its users have changed it.
    db.run("SELECT project_clone('1', options => '{\"target\": \"78\"}'); UPDATE team SET name = 'changed' WHERE id = 78; UPDATE post SET title = 'changed' WHERE team_id = 78; DELETE FROM post WHERE id = (SELECT min(id) FROM post WHERE team_id = 78)").await;
    db.run("SELECT project_clone('1', options => '{\"replace\": \"78\"}'); SELECT project_delete('78')")
        .await;
    db.run("SELECT project_delete('77', options => '{\"force\": true}')")
        .await;
    assert_eq!(db.number("SELECT count(*) FROM post").await, 10);
}

#[tokio::test]
async fn a_clone_that_its_users_change_expires_nevertheless() {
    for change in [
        "UPDATE tenants SET name = 'renamed' WHERE slug = 'trial'",
        "DELETE FROM items WHERE tenant = 'trial'; INSERT INTO items (tenant, x) VALUES ('trial', 'new')",
        "UPDATE tenants SET name = 'renamed' WHERE slug = 'trial'; UPDATE items SET x = 'changed'; INSERT INTO items (tenant, x) VALUES ('trial', 'new')",
    ] {
        let db = trial("").await;
        db.run(change).await;
        assert_eq!(
            db.rows("SELECT error FROM clone.expire()").await,
            [[None::<String>]],
            "{change}"
        );
        assert_eq!(db.number("SELECT count(*) FROM items").await, 1, "{change}");
    }
}

#[tokio::test]
async fn what_is_deferred_stays_deferred_after_clones_expired() {
    let db = trial("CREATE TABLE up (id int PRIMARY KEY); CREATE TABLE down (id int REFERENCES up DEFERRABLE INITIALLY DEFERRED)").await;
    // An error of the caller's own is not that of a deletion.
    db.run("BEGIN; INSERT INTO down VALUES (7)").await;
    let failure = db.fails("SELECT clone.expire()").await;
    assert_eq!(failure.code, "23503");
    assert!(
        failure.hint.contains("in a transaction of its own"),
        "{failure:?}"
    );
    db.run("ROLLBACK").await;
    db.run("BEGIN; SELECT clone.expire(); INSERT INTO down VALUES (1); INSERT INTO up VALUES (1); COMMIT")
        .await;
    assert_eq!(
        db.number("SELECT count(*) FROM items WHERE tenant = 'trial'")
            .await,
        0
    );
}
