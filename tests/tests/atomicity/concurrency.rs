//! Other sessions at the same time, and what the caller's transaction sees.

use super::whole_or_nothing::{assert_no_trace, assert_whole, call, resources};
use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn a_rolled_back_clone_is_gone_and_only_a_committed_one_is_seen() {
    let db = with_observations(100).await;
    let other = db.session().await;
    db.run("BEGIN").await;
    let clone = db.text(&call()).await;
    assert_whole(&db, &clone, resources(100)).await;
    assert_no_trace(&other, resources(100)).await;
    db.run("ROLLBACK").await;
    assert_no_trace(&db, resources(100)).await;
    db.run("BEGIN").await;
    let clone = db.text(&call()).await;
    db.run("COMMIT").await;
    assert_whole(&other, &clone, resources(100)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clones_of_one_source_at_the_same_time_do_not_disturb_each_other() {
    let observations = 5000;
    let db = with_observations(observations).await;
    let running: Vec<_> = {
        let mut sessions = Vec::new();
        for _ in 0..4 {
            sessions.push(db.session().await);
        }
        sessions
            .into_iter()
            .map(|session| tokio::spawn(async move { session.text(&call()).await }))
            .collect()
    };
    for clone in running {
        assert_whole(&db, &clone.await.unwrap(), resources(observations)).await;
    }
    assert_eq!(
        db.number("SELECT count(DISTINCT target_project) FROM clone.run")
            .await,
        4
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_to_the_source_during_a_clone_are_seen_whole_or_not_at_all() {
    let db = with_observations(20_000).await;
    // A writer that changes two documents and adds another two in one transaction, over and over: their sum says
    // whether a clone saw a moment between transactions.
    db.run(&format!(
        r#"INSERT INTO documents.resource (id, project_id, resource_type, content) VALUES
           ('44444444-0000-4000-8000-000000000001', '{PROJECT}', 'Account', '{{"balance": 1000}}'),
           ('44444444-0000-4000-8000-000000000002', '{PROJECT}', 'Statement', '{{"balance": -1000}}')"#
    ))
    .await;
    let writer = db.session().await;
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let writing = tokio::spawn(async move {
        let mut transactions = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            writer
                .run(&format!(
                    r#"BEGIN;
                       UPDATE documents.resource SET content = jsonb_build_object('balance', (content->>'balance')::int + 1) WHERE id = '44444444-0000-4000-8000-000000000001';
                       INSERT INTO documents.resource (project_id, resource_type, content) VALUES ('{PROJECT}', 'Pair', '{{"side": 1}}'), ('{PROJECT}', 'Pair', '{{"side": -1}}');
                       UPDATE documents.resource SET content = jsonb_build_object('balance', (content->>'balance')::int - 1) WHERE id = '44444444-0000-4000-8000-000000000002';
                       COMMIT"#
                ))
                .await;
            transactions += 1;
        }
        transactions
    });
    for bulk in ["on", "off", "on"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db.text(&call()).await;
        let row = db
            .rows(&format!(
                "SELECT sum((content->>'balance')::int), COALESCE(sum((content->>'side')::int), 0), count(*) FILTER (WHERE resource_type = 'Observation'),
                        (SELECT (a.content->>'balance')::int - 1000 FROM documents.resource a WHERE a.project_id = '{clone}' AND resource_type = 'Account')
                        = count(*) FILTER (WHERE resource_type = 'Pair') / 2
                 FROM documents.resource WHERE project_id = '{clone}'"
            ))
            .await;
        assert_eq!(
            row,
            [["0", "0", "20000", "t"]
                .map(|text| Some(text.to_owned()))
                .to_vec()]
        );
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(writing.await.unwrap() > 3, "the writer was not held up");
}

#[tokio::test]
async fn the_caller_decides_isolation() {
    let db = with_observations(100).await;
    let other = db.session().await;
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        db.run(&format!(
            "BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM documents.resource"
        ))
        .await;
        other
            .run(&format!(r#"INSERT INTO documents.resource (project_id, resource_type, content) VALUES ('{PROJECT}', 'Late', '{{}}')"#))
            .await;
        let clone = db.text(&call()).await;
        let late = db.number(&format!("SELECT count(*) FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Late'")).await;
        assert_eq!(late, i64::from(level == "READ COMMITTED"), "{level}");
        db.run("COMMIT").await;
        other
            .run("DELETE FROM documents.resource WHERE resource_type = 'Late'")
            .await;
        assert_whole(&db, &clone, resources(100)).await;
    }
}

#[tokio::test]
async fn a_transaction_sees_its_own_writes_and_clones_them() {
    let db = with_observations(10).await;
    db.run("BEGIN").await;
    db.run(&format!(
        r#"UPDATE documents.resource SET content = content || '{{"name": "Changed"}}' WHERE id = '{PATIENT}'"#
    ))
    .await;
    let first = db.text(&call()).await;
    let second = db.text(&call()).await;
    let of_clone = db
        .text(&format!(
            "SELECT project_clone('{first}', 'Copy of a copy')->>'id'"
        ))
        .await;
    db.run("COMMIT").await;
    for clone in [first, second, of_clone] {
        assert_whole(&db, &clone, resources(10)).await;
        assert_eq!(
            db.text(&format!("SELECT content->>'name' FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Patient'")).await,
            "Changed"
        );
    }
    assert_eq!(
        db.number("SELECT count(*) FROM documents.resource GROUP BY project_id HAVING count(*) = 13 LIMIT 1")
            .await,
        13
    );
}

#[tokio::test]
async fn locks_end_with_the_transaction_and_writers_are_not_blocked() {
    let db = with_observations(100).await;
    let other = db.session().await;
    db.run("BEGIN").await;
    db.run(&call()).await;
    other.run("SET lock_timeout = '5s'").await;
    other
        .run(&format!(
            r#"UPDATE documents.resource SET content = content WHERE id = '{PATIENT}'"#
        ))
        .await;
    other.run(&format!(r#"INSERT INTO documents.resource (project_id, resource_type, content) VALUES ('{PROJECT}', 'New', '{{}}')"#)).await;
    db.run("COMMIT").await;
    assert_eq!(db.number("SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_others_write_meanwhile_do_not_make_verification_fail() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE person (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team); INSERT INTO person (team_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n;
         CREATE TABLE post (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, person_id int REFERENCES person); INSERT INTO post (team_id, person_id) SELECT team_id, id FROM person;
         CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(5); RETURN NULL; END $$; CREATE TRIGGER waits AFTER INSERT ON post FOR EACH STATEMENT EXECUTE FUNCTION waits();
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"team\"}')",
    )
    .await;
    let writer = db.session().await;
    writer.run("SELECT pg_advisory_lock(5)").await;
    let caller = db.session().await;
    let pid = caller.pid().await;
    let running = tokio::spawn(async move {
        caller
            .attempt("SELECT project_clone('1', options => '{\"verify\": true}')")
            .await
    });
    db.wait_until(&format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock')"
    ))
    .await;
    writer.run("SET session_replication_role = replica; INSERT INTO post (team_id, person_id) VALUES (1, 2); UPDATE post SET person_id = NULL WHERE id = 2; UPDATE post SET team_id = 2 WHERE id = 4; DELETE FROM post WHERE id = 6").await;
    writer.run("SELECT pg_advisory_unlock(5)").await;
    running.await.unwrap().unwrap();
}
