//! Jobs: clones that a worker makes.

use crate::clinic::{self, CLINIC};
use crate::state;

const NEXT: &str = "SELECT clone.run_next_job()";

/// From now on every clone fails with an error that may not occur again.
const DEADLOCK: &str = "CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'deadlock' USING ERRCODE = '40P01'; END $$;
     CREATE TRIGGER busy BEFORE INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION busy()";

fn start(options: &str) -> String {
    format!("SELECT project_clone_start('{CLINIC}', 'Job', options => '{options}')")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_made_and_says_so() {
    let db = clinic::database().await;
    let job = db.text(&start("{}")).await;
    assert_eq!(db.text("SELECT state FROM clone.job").await, "queued");
    assert_eq!(db.text(NEXT).await, job);
    let row = db
        .rows("SELECT state, result->>'name', run_id, attempts, error FROM clone.job")
        .await
        .swap_remove(0);
    assert_eq!(
        row,
        ["done", "Job", "1", "1"]
            .map(|text| Some(text.to_owned()))
            .into_iter()
            .chain([None])
            .collect::<Vec<_>>()
    );
    assert_eq!(db.text(NEXT).await, "");
}

#[tokio::test]
async fn what_would_fail_at_once_fails_when_it_is_queued() {
    let db = clinic::database().await;
    for (call, code) in [
        (
            "SELECT project_clone_start('00000000-0000-4000-8000-000000000000')".to_owned(),
            "P0002",
        ),
        (start("{\"expires_in\": \"soon\"}"), "22023"),
        (start("{\"nonsense\": 1}"), "22023"),
        (start(&format!("{{\"replace\": \"{CLINIC}\"}}")), "22023"),
        (
            format!("SELECT project_clone_start('{CLINIC}', resource_types => '{{Foo}}')"),
            "22023",
        ),
        (
            format!("SELECT project_clone_start('{CLINIC}', include_ids => '{{no id}}')"),
            "22023",
        ),
    ] {
        assert_eq!(db.fails(&call).await.code, code, "{call}");
    }
    assert_eq!(db.number("SELECT count(*) FROM clone.job").await, 0);
}

#[tokio::test]
async fn a_job_that_fails_for_good_keeps_its_error_and_leaves_nothing() {
    let db = clinic::database().await;
    db.run(&start("{}")).await;
    db.run(&format!("DELETE FROM documents.project WHERE id = '{CLINIC}'"))
        .await;
    let before = state::of(&db, "documents").await;
    db.run(NEXT).await;
    let row = db
        .rows("SELECT state, sqlstate, error, attempts FROM clone.job")
        .await
        .swap_remove(0);
    assert_eq!(
        (row[0].as_deref(), row[1].as_deref(), row[3].as_deref()),
        (Some("failed"), Some("P0002"), Some("1"))
    );
    assert!(row[2].as_ref().unwrap().contains("does not exist"));
    assert_eq!(state::of(&db, "documents").await, before);
    assert_eq!(db.text(NEXT).await, "");
}

#[tokio::test]
async fn a_job_that_may_succeed_later_is_tried_again_with_growing_pauses() {
    let db = clinic::database().await;
    db.run(&start("{}")).await;
    db.run(DEADLOCK).await;
    for (attempt, seconds) in [(1, "30"), (2, "120"), (3, "480"), (4, "1920")] {
        db.run(NEXT).await;
        let row = db
            .rows("SELECT state, attempts, round(extract(epoch FROM next_attempt_at - now()) / 10) * 10 FROM clone.job")
            .await
            .swap_remove(0);
        assert_eq!(
            row,
            [
                Some("queued".to_owned()),
                Some(attempt.to_string()),
                Some(seconds.to_owned())
            ]
        );
        assert_eq!(db.text(NEXT).await, "", "not before its time");
        db.run("UPDATE clone.job_queue SET next_attempt_at = now()").await;
    }
    db.run("DROP TRIGGER busy ON documents.project").await;
    db.run(NEXT).await;
    assert_eq!(
        db.text("SELECT state || attempts || COALESCE(error, '') FROM clone.job")
            .await,
        "done5"
    );
}

#[tokio::test]
async fn after_five_attempts_a_job_has_failed() {
    let db = clinic::database().await;
    db.run(&start("{}")).await;
    db.run(DEADLOCK).await;
    for _ in 0..5 {
        db.run(NEXT).await;
        db.run("UPDATE clone.job_queue SET next_attempt_at = now()").await;
    }
    assert_eq!(
        db.text("SELECT state || attempts FROM clone.job").await,
        "failed5"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_jobs_and_a_dead_one_frees_its_own() {
    let db = clinic::database().await;
    db.run(&start("{}")).await;
    db.run(&start("{}")).await;
    // The first worker is held back before the project's row.
    let block = db.session().await;
    block
        .run("BEGIN; LOCK TABLE documents.project IN SHARE MODE")
        .await;
    let (one, two) = (db.session().await, db.session().await);
    let pid = one.pid().await;
    let first = tokio::spawn(async move { one.attempt(NEXT).await });
    db.wait_until("SELECT EXISTS (SELECT FROM clone.job WHERE id = 1 AND state = 'running')")
        .await;
    assert_eq!(
        db.number("SELECT worker_pid FROM clone.job WHERE id = 1").await,
        pid
    );
    let second = tokio::spawn(async move {
        let job = two.text(NEXT).await;
        (job, two)
    });
    db.wait_until("SELECT count(*) = 2 FROM clone.job WHERE state = 'running'")
        .await;
    db.run(&format!("SELECT pg_terminate_backend({pid})")).await;
    assert!(first.await.unwrap().is_err());
    db.wait_until("SELECT EXISTS (SELECT FROM clone.job WHERE id = 1 AND state = 'queued')")
        .await;
    block.run("ROLLBACK").await;
    let (job, two) = second.await.unwrap();
    assert_eq!(job, "2");
    assert_eq!(two.text(NEXT).await, "1");
    assert_eq!(db.list("SELECT DISTINCT state FROM clone.job").await, ["done"]);
    assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_never_refresh_one_clone_at_once() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let replace = format!("{{\"replace\": \"{staging}\"}}");
    db.run(&start(&replace)).await;
    db.run(&start(&replace)).await;
    let one = db.session().await;
    one.run("BEGIN").await;
    assert_eq!(one.text(NEXT).await, "1");
    // The second job's target is busy, its row is not: another worker leaves it to whoever comes later.
    assert_eq!(db.text(NEXT).await, "");
    one.run("COMMIT").await;
    assert_eq!(db.text(NEXT).await, "2");
    assert_eq!(
        db.list("SELECT replaced FROM clone.run ORDER BY id").await,
        ["", "1", "2"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_cancelled() {
    let db = clinic::database().await;
    db.run(&start("{}")).await;
    let block = db.session().await;
    block
        .run("BEGIN; LOCK TABLE documents.project IN SHARE MODE")
        .await;
    let worker = db.session().await;
    let running = tokio::spawn(async move { worker.attempt(NEXT).await });
    db.wait_until("SELECT state = 'running' FROM clone.job").await;
    db.wait_until("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        .await;
    assert_eq!(db.text("SELECT project_clone_cancel(1)").await, "cancelling");
    running.await.unwrap().unwrap();
    assert_eq!(db.text("SELECT state FROM clone.job").await, "cancelled");
    block.run("ROLLBACK").await;
    assert_eq!(db.text(NEXT).await, "");
    assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 0);
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_and_one_that_ended_is_not() {
    let db = clinic::database().await;
    db.run(&start("{}")).await;
    db.run(&start("{}")).await;
    assert_eq!(db.text("SELECT project_clone_cancel(1)").await, "cancelled");
    assert_eq!(db.text(NEXT).await, "2");
    assert_eq!(db.text("SELECT project_clone_cancel(2)").await, "done");
    assert_eq!(db.fails("SELECT project_clone_cancel(3)").await.code, "P0002");
}

mod attempts;
mod rights;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_not_dropped_below_a_job_that_is_just_queued() {
    let db = clinic::database().await;
    let queues = db.session().await;
    queues.run(&format!("BEGIN; {}", start("{}"))).await;
    let drops = db.session().await;
    let pid = drops.pid().await;
    let dropped = tokio::spawn(async move { drops.attempt("SELECT clone.store_drop('documents')").await });
    db.wait_until(&format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock')"
    ))
    .await;
    queues.run("COMMIT").await;
    let refused = dropped.await.unwrap().unwrap_err();
    assert_eq!(refused.code, "55000", "{refused:?}");
    db.run(NEXT).await;
    assert_eq!(db.text("SELECT state FROM clone.job").await, "done");
}
