//! Every attempt at a job counts, however it ends; what a job's code does to the session ends with the job.

use pg_clone_tests::scratch_database::Scratch;

use crate::clinic::{self, CLINIC};

const NEXT: &str = "SELECT clone.run_next_job()";

fn start() -> String {
    format!("SELECT project_clone_start('{CLINIC}', 'Job')")
}

async fn trigger(db: &Scratch, body: &str) {
    db.run(&format!(
        "CREATE OR REPLACE FUNCTION of_the_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;
         CREATE OR REPLACE TRIGGER of_the_job BEFORE INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION of_the_job()"
    ))
    .await;
}

#[tokio::test]
async fn an_assertion_that_fails_ends_the_job_and_not_the_worker() {
    let db = clinic::database().await;
    trigger(&db, "ASSERT NEW.name <> 'Job', 'poison';").await;
    db.run(&start()).await;
    db.run(&format!("SELECT project_clone_start('{CLINIC}', 'Good')"))
        .await;
    assert_eq!(db.text(NEXT).await, "1");
    assert_eq!(db.text(NEXT).await, "2");
    assert_eq!(
        db.rows("SELECT state, sqlstate, attempts FROM clone.job ORDER BY id")
            .await
            .concat(),
        [
            Some("failed"),
            Some("P0004"),
            Some("1"),
            Some("done"),
            None,
            Some("1")
        ]
        .map(|text| text.map(str::to_owned))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_workers_die_is_set_aside_and_does_not_hold_others_up() {
    let db = clinic::database().await;
    trigger(
        &db,
        "IF NEW.name = 'Job' THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); END IF;",
    )
    .await;
    db.run(&start()).await;
    for attempt in 1..=5 {
        let worker = db.session().await;
        assert!(worker.attempt(NEXT).await.is_err(), "the session is terminated");
        db.wait_until("SELECT state <> 'running' FROM clone.job WHERE id = 1")
            .await;
        assert_eq!(
            db.number("SELECT max(number) FROM clone.job_attempt").await,
            attempt
        );
        if attempt == 1 {
            // The other job comes first while this one waits for its time.
            db.run(&format!("SELECT project_clone_start('{CLINIC}', 'Good')"))
                .await;
            continue;
        }
        assert_eq!(
            db.text(NEXT).await,
            if attempt == 2 { "2" } else { "" },
            "not before its time"
        );
        assert_eq!(
            db.number("SELECT attempts FROM clone.job WHERE id = 1").await,
            attempt
        );
        db.run("UPDATE clone.job_queue SET next_attempt_at = now() WHERE state = 'queued'")
            .await;
    }
    let row = db
        .rows("SELECT state, attempts, sqlstate, error FROM clone.job WHERE id = 1")
        .await
        .swap_remove(0);
    assert_eq!(
        row,
        [
            "failed",
            "5",
            "08006",
            "the session of the worker ended during attempt 5"
        ]
        .map(|text| Some(text.to_owned()))
    );
    assert_eq!(db.text("SELECT state FROM clone.job WHERE id = 2").await, "done");
    assert_eq!(db.text(NEXT).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_cannot_commit_counts_as_an_attempt() {
    let db = clinic::database().await;
    db.run(&start()).await;
    let worker = db.session().await;
    worker.run("BEGIN").await;
    worker.run(NEXT).await;
    worker.run("ROLLBACK").await;
    assert_eq!(
        db.text("SELECT state || attempts FROM clone.job").await,
        "queued0"
    );
    db.run(NEXT).await;
    assert_eq!(db.text("SELECT state || attempts FROM clone.job").await, "done2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_can_neither_block_workers_nor_look_like_one() {
    let db = clinic::database().await;
    db.run("DROP ROLE IF EXISTS passer_by; CREATE ROLE passer_by LOGIN")
        .await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(&format!(
        "SELECT project_clone_start('{CLINIC}', 'Job', options => '{{\"replace\": \"{staging}\"}}')"
    ))
    .await;
    let stranger = db.session_as("passer_by").await;
    stranger
        .run(&format!(
            "SELECT pg_advisory_lock(1668050800, 1), pg_advisory_lock(1668050799, hashtext('documents' || E'\\x01' || '{staging}'))"
        ))
        .await;
    assert_eq!(db.text("SELECT state FROM clone.job").await, "queued");
    db.run("SET lock_timeout = '5s'").await;
    assert_eq!(db.text(NEXT).await, "1");
    assert_eq!(db.text("SELECT state FROM clone.job").await, "done");
    drop(stranger);
}

#[tokio::test]
async fn what_a_job_takes_for_the_session_ends_with_it() {
    let db = clinic::database().await;
    trigger(
        &db,
        "PERFORM pg_advisory_lock(42), pg_advisory_lock(42), pg_advisory_lock_shared(1668050798, -7), pg_advisory_lock(-3);
         PERFORM set_config('work_mem', '123MB', false);
         BEGIN CREATE TEMP TABLE left_behind (x int); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
         BEGIN LISTEN left_behind; EXCEPTION WHEN OTHERS THEN NULL; END;",
    )
    .await;
    // The worker's own lock stays.
    db.run("SELECT pg_advisory_lock(4711)").await;
    db.run(&start()).await;
    db.run(NEXT).await;
    assert_eq!(db.text("SELECT state FROM clone.job").await, "done");
    assert_eq!(
        db.list("SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            .await,
        ["4711"]
    );
    assert_eq!(db.text("SHOW work_mem").await, "4MB");
    assert_eq!(db.number("SELECT count(*) FROM pg_listening_channels()").await, 0);
    assert_eq!(
        db.number("SELECT count(*) FROM pg_class WHERE relname = 'left_behind'")
            .await,
        0
    );
}
