//! Workers that are killed, interrupted, watched, cut off or not allowed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pg_clone_tests::blob_queue::{Running, said};

use super::scene::{Scene, assert_code, finish};

/// More small files than a worker records at a time (some hundreds).
const FILES: usize = 2400;
/// Their size in bytes.
const SIZE: usize = 2000;

#[tokio::test]
async fn a_worker_killed_twice_loses_nothing_and_copies_nothing_twice() {
    let scene = Scene::set("blobs_killed").await;
    scene.fill(FILES, SIZE).await;
    scene.queue.slow_down().await.unwrap();
    let mut written = vec![0; FILES];
    for least in [100, 800] {
        let worker = Running::start(&mut scene.queue.worker(&["--concurrency", "8"])).unwrap();
        scene.queue.wait_until_done(least).await.unwrap();
        worker.kill().unwrap();
        assert!(
            scene.queue.count("done").await.unwrap() < FILES as i64,
            "killed too late to show anything"
        );
        for (n, inode) in written.iter_mut().enumerate() {
            let there = fs::metadata(scene.target(n)).map_or(0, |metadata| metadata.ino());
            assert!(*inode == 0 || *inode == there, "target {n} was written again");
            *inode = there;
        }
    }
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    for (n, inode) in written.iter().enumerate().filter(|(_, inode)| **inode != 0) {
        assert_eq!(
            fs::metadata(scene.target(n)).unwrap().ino(),
            *inode,
            "target {n} was written again"
        );
    }
    scene.check(FILES, SIZE);
    scene.check_tidy();
    assert_eq!(scene.queue.count("done").await.unwrap(), FILES as i64);
}

#[tokio::test]
async fn two_workers_share_the_work() {
    let scene = Scene::set("blobs_two").await;
    scene.fill(800, 20_000).await;
    let workers = [0, 1].map(|_| Running::start(&mut scene.queue.worker(&["--concurrency", "8"])).unwrap());
    for worker in workers {
        assert_code(&worker.finish().unwrap(), 0);
    }
    scene.check(800, 20_000);
    let shares = "SELECT count(DISTINCT worker), sum((attempts <> 1)::int), sum((method <> 'local')::int)
                  FROM clone.blob_copy";
    let shares = scene.queue.client.query_one(shares, &[]).await.unwrap();
    let shares: (i64, i64, i64) = (shares.get(0), shares.get(1), shares.get(2));
    assert_eq!(
        shares,
        (2, 0, 0),
        "workers, rows tried more than once, rows copied by both"
    );
}

#[tokio::test]
async fn a_worker_asked_for_one_run_leaves_the_others_alone() {
    let scene = Scene::set("blobs_one_run").await;
    scene.fill(3, 100).await;
    assert_code(&finish(&mut scene.queue.worker(&["--run", "2"])), 0);
    assert_eq!(scene.queue.count("pending").await.unwrap(), 3);
    assert_code(&finish(&mut scene.queue.worker(&["--run", "1"])), 0);
    scene.check(3, 100);
}

#[tokio::test]
async fn an_interrupted_worker_gives_its_files_back() {
    let scene = Scene::set("blobs_stopped").await;
    scene.fill(FILES, SIZE).await;
    scene.queue.slow_down().await.unwrap();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let before = scene.queue.count("done").await.unwrap();
        let worker = Running::start(&mut scene.queue.worker(&["--concurrency", "8"])).unwrap();
        scene.queue.wait_until_done(before + 100).await.unwrap();
        worker.signal(signal).unwrap();
        let output = worker.finish().unwrap();
        assert_code(&output, 130);
        assert!(
            said(&output).contains("pg_clone blobs run"),
            "how to go on is missing: {}",
            said(&output)
        );
        let left = "SELECT count(*) FROM clone.blob_copy WHERE state = 'running' OR (state = 'pending' AND attempts > 0)";
        assert_eq!(
            scene
                .queue
                .client
                .query_one(left, &[])
                .await
                .unwrap()
                .get::<_, i64>(0),
            0
        );
    }
    scene.check_tidy();
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    scene.check(FILES, SIZE);
    assert_eq!(
        scene.queue.done_by("present").await.unwrap(),
        0,
        "what was copied was recorded"
    );
}

#[tokio::test]
async fn a_watching_worker_wakes_up_when_files_are_queued() {
    let scene = Scene::set("blobs_watch").await;
    let worker = Running::start(&mut scene.queue.worker(&["--watch"])).unwrap();
    let listening =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'blobs_watch' AND query LIKE 'LISTEN%')";
    let start = Instant::now();
    while !scene
        .queue
        .client
        .query_one(listening, &[])
        .await
        .unwrap()
        .get::<_, bool>(0)
    {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the worker does not listen"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Let it find the queue empty and go to rest: its next look by itself is 10 s away.
    tokio::time::sleep(Duration::from_millis(500)).await;
    scene.fill(20, 100).await;
    let queued = Instant::now();
    scene.queue.wait_until_done(20).await.unwrap();
    assert!(
        queued.elapsed() < Duration::from_secs(3),
        "woke up after {:?}",
        queued.elapsed()
    );
    scene.check(20, 100);
    worker.signal(Signal::SIGTERM).unwrap();
    assert_code(&worker.finish().unwrap(), 0);
}

#[tokio::test]
async fn a_lost_connection_is_made_anew() {
    let scene = Scene::set("blobs_lost").await;
    scene.fill(800, 20_000).await;
    scene.queue.slow_down().await.unwrap();
    let worker = Running::start(&mut scene.queue.worker(&["--concurrency", "8"])).unwrap();
    scene.queue.wait_until_done(100).await.unwrap();
    let killed = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                  WHERE datname = 'blobs_lost' AND pid <> pg_backend_pid()";
    assert!(
        scene
            .queue
            .client
            .query_one(killed, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            > 0
    );
    assert_code(&worker.finish().unwrap(), 0);
    scene.check(800, 20_000);
    scene.check_tidy();
}

#[tokio::test]
async fn a_role_with_the_documented_rights_works_the_queue_and_another_may_not() {
    let scene = Scene::set("blobs_rights").await;
    scene.fill(5, 100).await;
    let roles = "CREATE ROLE blobs_worker LOGIN; CREATE ROLE blobs_nobody LOGIN;
                 GRANT USAGE ON SCHEMA clone TO blobs_worker, blobs_nobody;
                 GRANT SELECT, UPDATE ON clone.blob_copy TO blobs_worker; GRANT SELECT ON clone.store TO blobs_worker";
    scene.queue.client.batch_execute(roles).await.unwrap();
    let as_role = |role: &str| {
        let mut command = scene.queue.worker(&[]);
        command.args(["--dsn", &format!("{} user={role}", scene.queue.dsn)]);
        command
    };
    let output = finish(&mut as_role("blobs_nobody"));
    assert_code(&output, 1);
    assert!(said(&output).contains("permission denied"), "{}", said(&output));
    assert_code(&finish(&mut as_role("blobs_worker")), 0);
    scene.check(5, 100);
}
