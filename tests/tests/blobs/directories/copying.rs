//! What is copied, replaced, refused and deleted.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use pg_clone_tests::blob_queue::{File, said};

use super::scene::{Scene, assert_code, content, finish};

#[tokio::test]
async fn thousands_of_small_files_and_a_large_one_become_files_of_their_own() {
    let scene = Scene::set("blobs_many").await;
    scene.fill(2000, 700).await;
    fs::create_dir(scene.root.join("source-9999")).unwrap();
    fs::write(scene.source(9999), content(9999, 40_000_000)).unwrap();
    fs::set_permissions(scene.source(9999), fs::Permissions::from_mode(0o640)).unwrap();
    scene.queue.queue(&[File::numbered(9999)]).await.unwrap();
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    scene.check(2000, 700);
    scene.check_tidy();
    let (source, target) = (
        fs::metadata(scene.source(9999)).unwrap(),
        fs::metadata(scene.target(9999)).unwrap(),
    );
    assert!(fs::read(scene.source(9999)).unwrap() == fs::read(scene.target(9999)).unwrap());
    assert_ne!(source.ino(), target.ino(), "two projects must not share a file");
    assert_eq!(target.nlink(), 1);
    assert_eq!((target.mode() & 0o777, target.uid()), (0o640, source.uid()));
    let recorded =
        "SELECT count(*) FROM clone.blob_copy WHERE state = 'done' AND method = 'local' AND attempts = 1
                    AND bytes IN (700, 40000000) AND checksum LIKE 'crc32c:%' AND started_at <= finished_at
                    AND worker LIKE '%:%' AND last_error IS NULL";
    assert_eq!(
        scene
            .queue
            .client
            .query_one(recorded, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        2001
    );
}

#[tokio::test]
async fn a_missing_source_fails_for_good_and_the_others_are_copied() {
    let scene = Scene::set("blobs_missing").await;
    scene.fill(10, 100).await;
    fs::remove_file(scene.source(3)).unwrap();
    let output = finish(&mut scene.queue.worker(&[]));
    assert_code(&output, 3);
    assert!(said(&output).contains("source is missing"), "{}", said(&output));
    let failed =
        "SELECT attempts, error_is_permanent, last_error, state FROM clone.blob_copy WHERE state <> 'done'";
    let failed = scene.queue.client.query_one(failed, &[]).await.unwrap();
    assert_eq!((failed.get::<_, i32>(0), failed.get::<_, bool>(1)), (1, true));
    assert!(failed.get::<_, &str>(2).contains("source-3/v1"));

    // Mended, it takes a retry that names permanent errors.
    fs::write(scene.source(3), content(3, 100)).unwrap();
    finish(&mut scene.queue.pg_clone(&["blobs", "retry"]));
    assert_code(&finish(&mut scene.queue.worker(&[])), 3);
    finish(&mut scene.queue.pg_clone(&["blobs", "retry", "--permanent"]));
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    scene.check(10, 100);
}

#[tokio::test]
async fn a_file_of_another_size_than_expected_is_not_copied() {
    let scene = Scene::set("blobs_size").await;
    scene.fill(1, 100).await;
    scene
        .queue
        .client
        .batch_execute("UPDATE clone.blob_copy SET size_expected = 99")
        .await
        .unwrap();
    let output = finish(&mut scene.queue.worker(&[]));
    assert_code(&output, 3);
    assert!(said(&output).contains("100 bytes where 99"), "{}", said(&output));
    assert!(!scene.target(0).exists());
}

#[tokio::test]
async fn a_key_cannot_leave_the_root() {
    let scene = Scene::set("blobs_traversal").await;
    scene.fill(1, 100).await;
    let outside = scene.root.parent().unwrap().join("blobs_traversal_escaped");
    let files: Vec<File> = [
        "binary/../../blobs_traversal_escaped",
        "/tmp/blobs_traversal_escaped",
        "binary/x/../../y",
    ]
    .map(|target| File {
        source: "binary/source-0/v1".into(),
        target: target.into(),
    })
    .to_vec();
    scene.queue.queue(&files).await.unwrap();
    scene
        .queue
        .queue_deletes(&["binary/../blobs_traversal/source-0/v1".to_owned()])
        .await
        .unwrap();
    assert_code(&finish(&mut scene.queue.worker(&[])), 3);
    assert_eq!(scene.queue.count("failed").await.unwrap(), 4);
    assert!(!outside.exists() && !Path::new("/tmp/blobs_traversal_escaped").exists());
    assert!(scene.source(0).exists());
}

#[tokio::test]
async fn half_written_and_wrong_targets_are_replaced() {
    let scene = Scene::set("blobs_half").await;
    scene.fill(3, 1000).await;
    for n in 0..3 {
        fs::create_dir(scene.target(n).parent().unwrap()).unwrap();
    }
    fs::write(scene.target(0), &content(0, 1000)[..500]).unwrap();
    fs::write(scene.target(1), content(7, 1000)).unwrap();
    fs::write(
        scene.target(2).with_file_name(".v2.pg_clone-tmp"),
        content(2, 2000),
    )
    .unwrap();
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    scene.check(3, 1000);
    scene.check_tidy();
    assert_eq!(scene.queue.done_by("local").await.unwrap(), 3);
}

#[tokio::test]
async fn deleting_is_done_when_the_file_is_gone_and_no_copy_follows() {
    let scene = Scene::set("blobs_deletes").await;
    scene.fill(2, 100).await;
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    // A copy that still waits for another attempt must not come after the delete of its target.
    scene
        .queue
        .queue(&[File {
            source: "binary/source-0/v1".into(),
            target: "binary/late/v1".into(),
        }])
        .await
        .unwrap();
    let later =
        "UPDATE clone.blob_copy SET next_attempt_at = now() + interval '1 second' WHERE state = 'pending'";
    scene.queue.client.batch_execute(later).await.unwrap();
    let keys = ["binary/target-0/v2", "binary/never-there/v1", "binary/late/v1"].map(str::to_owned);
    scene.queue.queue_deletes(&keys).await.unwrap();
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    assert!(
        !scene.target(0).parent().unwrap().exists(),
        "the emptied directory stays"
    );
    assert!(scene.target(1).exists() && scene.source(0).exists());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    assert!(!scene.root.join("late").exists());
    assert_eq!(scene.queue.done_by("delete").await.unwrap(), 1);
    assert_eq!(scene.queue.done_by("absent").await.unwrap(), 2);
    assert_eq!(scene.queue.count("cancelled").await.unwrap(), 1);
}
