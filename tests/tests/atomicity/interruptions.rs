//! Clones that are cancelled, timed out, terminated, or end in a crash.

use std::time::Duration;

use super::whole_or_nothing::{assert_no_trace, assert_whole, call, resources};
use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Session, assert_clean_log};
use throwaway_cluster::{Cluster, ClusterConfig, Shutdown};

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_timeout_at_any_moment_leaves_nothing_and_the_session_works_on() {
    let observations = 20_000;
    let db = with_observations(observations).await;
    let began = std::time::Instant::now();
    db.run(&format!("BEGIN; {}; ROLLBACK", call())).await;
    let whole = u64::try_from(began.elapsed().as_millis()).unwrap();
    let mut cancelled = 0;
    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        for part in 1..10 {
            db.run(&format!("SET statement_timeout = {}", (whole * part / 10).max(1)))
                .await;
            match db.attempt(&call()).await {
                Err(failure) => {
                    assert_eq!(failure.code, "57014", "{failure:?}");
                    cancelled += 1;
                    db.run("SET statement_timeout = 0").await;
                    assert_no_trace(&db, resources(observations)).await;
                }
                Ok(()) => {
                    db.run("SET statement_timeout = 0; DELETE FROM documents.project WHERE id IN (SELECT target_project::uuid FROM clone.run); TRUNCATE clone.run CASCADE").await;
                }
            }
        }
    }
    assert!(cancelled >= 6, "only {cancelled} of 18 calls were cancelled");
    let clone = db.text(&call()).await;
    assert_whole(&db, &clone, resources(observations)).await;
}

/// Waits until a session's clone fills a table; false if the clone ended before.
async fn is_filling(watcher: &Session, pid: i64) -> bool {
    for _ in 0..20_000 {
        if watcher
            .number(&format!(
                "SELECT count(*) FROM pg_stat_progress_copy WHERE pid = {pid} AND tuples_processed > 0"
            ))
            .await
            > 0
        {
            return true;
        }
        if watcher
            .number(&format!(
                "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'"
            ))
            .await
            == 0
        {
            return false;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_from_another_session_leaves_nothing() {
    let observations = 60_000;
    let db = with_observations(observations).await;
    let watcher = db.session().await;
    for bulk in ["on", "off"] {
        let session = db.session().await;
        session.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let pid = session.pid().await;
        let running = tokio::spawn(async move { (session.attempt(&call()).await, session) });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(
            is_filling(&watcher, pid).await,
            "progress is visible to every session"
        );
        assert_eq!(
            watcher.text(&format!("SELECT pg_cancel_backend({pid})")).await,
            "t"
        );
        let (outcome, session) = running.await.unwrap();
        assert_eq!(outcome.unwrap_err().code, "57014");
        assert_no_trace(&session, resources(observations)).await;
        assert_eq!(
            session
                .number("SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()")
                .await,
            0
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminating_the_session_leaves_nothing() {
    let observations = 60_000;
    let db = with_observations(observations).await;
    let session = db.session().await;
    let pid = session.pid().await;
    let running = tokio::spawn(async move { session.attempt(&call()).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(is_filling(&db, pid).await);
    db.run(&format!("SELECT pg_terminate_backend({pid}, 10000)"))
        .await;
    assert!(running.await.unwrap().is_err());
    assert_no_trace(&db, resources(observations)).await;
    let clone = db.text(&call()).await;
    assert_whole(&db, &clone, resources(observations)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_server_leaves_nothing() {
    // A cluster of its own: the crash ends every session on it.
    let config = ClusterConfig {
        durable: true,
        ..ClusterConfig::default()
    };
    let mut cluster = Cluster::start(config).unwrap();
    let observations = 60_000;
    {
        let session = Session::open(&cluster.connection("postgres")).await;
        session
            .run("CREATE EXTENSION pg_clone_ext; SELECT clone.store_create('documents', 'documents')")
            .await;
        session
            .run(&format!(
                r#"INSERT INTO documents.project (id, name) VALUES ('{PROJECT}', 'Source');
                   INSERT INTO documents.resource (project_id, resource_type, content) SELECT '{PROJECT}', 'Observation', jsonb_build_object('n', n) FROM generate_series(1, {observations}) n"#
            ))
            .await;
        session.run("CHECKPOINT").await;
    }
    let session = Session::open(&cluster.connection("postgres")).await;
    let watcher = Session::open(&cluster.connection("postgres")).await;
    let pid = session.pid().await;
    let running = tokio::spawn(async move { session.attempt(&call()).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(is_filling(&watcher, pid).await);
    cluster.restart(Shutdown::Immediate).unwrap();
    assert!(running.await.unwrap().is_err());
    let session = Session::open(&cluster.connection("postgres")).await;
    assert_no_trace(&session, i64::from(observations)).await;
    assert_eq!(
        session.number("SELECT count(*) FROM documents.resource").await,
        i64::from(observations)
    );
    session.run(&call()).await;
    assert_eq!(
        session.number("SELECT count(*) FROM documents.resource").await,
        2 * i64::from(observations)
    );
    assert_clean_log(&cluster);
}
