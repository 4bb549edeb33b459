//! Killed workers, failing servers, and permanent errors.

use std::time::Duration;

use pg_clone_tests::blob_queue::{File, Running, said};
use pg_clone_tests::fault_proxy::Faults;
use pg_clone_tests::storage_servers::S3_SECRET;

use super::scene::{Scene, assert_code, finish};

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn a_worker_killed_twice_loses_nothing_and_no_confirmed_copy_is_made_again() {
    let scene = Scene::set("s3-killed").await;
    scene.fill(600, 500).await;
    for least in [80, 250] {
        let worker = Running::start(&mut scene.bucket_worker(&["--concurrency", "8"])).unwrap();
        scene.queue.wait_until_done(least).await.unwrap();
        worker.kill().unwrap();
        assert!(
            scene.queue.count("done").await.unwrap() < 600,
            "killed too late to show anything"
        );
    }
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    scene.check(600, 500).await;
    assert_eq!(scene.queue.count("done").await.unwrap(), 600);
    // Only what was under way at a kill may have been finished by the server without anybody hearing of it.
    let copies = scene.copies();
    assert!(
        (600 - 2 * 8..=600).contains(&copies.len()),
        "{} confirmed copies",
        copies.len()
    );
    let again = copies.values().filter(|copies| **copies > 1).count();
    assert!(again <= 2 * 8, "{again} objects were copied twice");
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn a_server_that_refuses_breaks_off_and_is_slow_is_asked_again() {
    let scene = Scene::set("s3-faults").await;
    scene.fill(150, 500).await;
    scene.proxy.set(Faults {
        refuse_every: 4,
        drop_every: 7,
        delay: Duration::from_millis(20),
    });
    assert_code(&finish(scene.bucket_worker(&["--attempts", "20"])).await, 0);
    scene.check(150, 500).await;
    assert!(
        scene
            .proxy
            .log()
            .iter()
            .any(|exchange| exchange.status == Some(503))
    );
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn a_server_that_only_refuses_ends_the_attempts_but_not_for_good() {
    let scene = Scene::set("s3-down").await;
    scene.fill(3, 500).await;
    scene.proxy.set(Faults {
        refuse_every: 1,
        ..Faults::default()
    });
    assert_code(&finish(scene.bucket_worker(&["--attempts", "2"])).await, 3);
    let failed = "SELECT count(*) FROM clone.blob_copy
                  WHERE state = 'failed' AND attempts = 2 AND NOT error_is_permanent AND last_error LIKE '%503%'";
    assert_eq!(
        scene
            .queue
            .client
            .query_one(failed, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        3
    );
    scene.proxy.set(Faults::default());
    assert_code(&finish(scene.queue.pg_clone(&["blobs", "retry"])).await, 0);
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    scene.check(3, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn what_is_wrong_with_bucket_key_or_object_is_told_apart() {
    let scene = Scene::set("s3-wrong").await;
    scene.fill(20, 500).await;
    let output = finish(scene.worker(&["--blobs-to", "s3://s3-no-such-bucket"])).await;
    assert_code(&output, 3);
    assert!(said(&output).contains("s3-no-such-bucket"), "{}", said(&output));
    assert_eq!(
        scene.queue.count("pending").await.unwrap(),
        20,
        "no attempt counts: {}",
        said(&output)
    );

    let mut stranger = scene.bucket_worker(&[]);
    stranger.env("AWS_SECRET_ACCESS_KEY", "wrong");
    let output = finish(stranger).await;
    assert_code(&output, 3);
    assert!(!said(&output).contains(S3_SECRET));
    finish(scene.queue.pg_clone(&["blobs", "retry", "--permanent"])).await;

    scene
        .client
        .delete_object()
        .bucket(scene.from())
        .key(File::numbered(4).source)
        .send()
        .await
        .unwrap();
    let output = finish(scene.bucket_worker(&[])).await;
    assert_code(&output, 3);
    assert!(
        said(&output).contains("source is missing: s3://s3-wrong-from/binary/source-4/v1"),
        "{}",
        said(&output)
    );
    assert_eq!(scene.queue.count("done").await.unwrap(), 19);
}
