//! A refresh while others read, write and refresh.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clinic::{self, CLINIC};
use crate::state;

/// Marks every document of the source with the number of its generation.
async fn mark_source(db: &pg_clone_tests::scratch_database::Scratch, generation: u32) {
    db.run(&format!(
        "UPDATE documents.resource SET content = content || '{{\"generation\": {generation}}}' WHERE project_id = '{CLINIC}'"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_one_generation_at_a_time() {
    let db = clinic::database().await;
    mark_source(&db, 0).await;
    let staging = clinic::clone(&db, "'{}'").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..2 {
        let (session, stop, staging) = (db.session().await, Arc::clone(&stop), staging.clone());
        readers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let row = session
                    .rows(&format!(
                        "SELECT count(*), count(DISTINCT content->'generation'), max(content->>'generation'),
                             (SELECT count(*) FROM documents.project WHERE id = '{staging}')
                         FROM documents.resource WHERE project_id = '{staging}'"
                    ))
                    .await
                    .swap_remove(0);
                assert_eq!(row[0].as_deref(), Some("405"));
                assert_eq!(row[1].as_deref(), Some("1"), "a mixture");
                assert_eq!(row[3].as_deref(), Some("1"));
                seen.push(row[2].clone().unwrap());
            }
            seen
        }));
    }
    for generation in 1..6 {
        mark_source(&db, generation).await;
        clinic::refresh(&db, &staging).await;
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        let seen = reader.await.unwrap();
        assert!(seen.is_sorted(), "a reader went back: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_to_the_old_clone_meanwhile_is_gone_or_was_written_after() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let patient = db
        .text(&format!("SELECT id FROM documents.resource WHERE project_id = '{staging}' AND resource_type = 'Patient' LIMIT 1"))
        .await;
    let writer = db.session().await;
    writer
        .run(&format!(
            "BEGIN; UPDATE documents.resource SET content = '{{\"open\": 1}}' WHERE id = '{patient}'"
        ))
        .await;
    let refresher = db.session().await;
    let call = format!("SELECT project_clone('{CLINIC}', options => '{{\"replace\": \"{staging}\"}}')");
    let refresh = tokio::spawn(async move { refresher.attempt(&call).await });
    db.wait_until("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        .await;
    writer.run("COMMIT").await;
    refresh.await.unwrap().unwrap();
    assert_eq!(
        db.number("SELECT count(*) FROM documents.resource WHERE content ? 'open'")
            .await,
        0
    );
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{staging}'"
        ))
        .await,
        405
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_refreshes_of_one_clone_queue_up() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let first = db.session().await;
    first.run("BEGIN").await;
    first
        .run(&format!(
            "SELECT project_clone('{CLINIC}', options => '{{\"replace\": \"{staging}\"}}')"
        ))
        .await;
    let second = db.session().await;
    let call = format!("SELECT project_clone('{CLINIC}', options => '{{\"replace\": \"{staging}\"}}')");
    let waiting = tokio::spawn(async move { second.attempt(&call).await });
    db.wait_until(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('advisory', 'object'))",
    )
    .await;
    first.run("COMMIT").await;
    waiting.await.unwrap().unwrap();
    assert_eq!(
        db.list("SELECT replaced FROM clone.run ORDER BY id").await,
        ["", "1", "2"]
    );
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{staging}'"
        ))
        .await,
        405
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_is_killed_half_way_leaves_the_old_clone() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    // The project's row comes last: it waits there, with everything else done.
    let block = db.session().await;
    let before = state::of(&db, "documents,clone").await;
    block
        .run("BEGIN; LOCK TABLE documents.project IN SHARE MODE")
        .await;
    let victim = db.session().await;
    let pid = victim.pid().await;
    let call = format!("SELECT project_clone('{CLINIC}', options => '{{\"replace\": \"{staging}\"}}')");
    let killed = tokio::spawn(async move { victim.attempt(&call).await });
    db.wait_until("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        .await;
    db.run(&format!("SELECT pg_terminate_backend({pid})")).await;
    assert!(killed.await.unwrap().is_err());
    block.run("ROLLBACK").await;
    assert_eq!(state::of(&db, "documents,clone").await, before);
    clinic::refresh(&db, &staging).await;
}
