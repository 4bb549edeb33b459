//! What is copied by the server, streamed and deleted.

use std::fs;

use hyper::Method;
use pg_clone_tests::blob_queue::File;
use pg_clone_tests::s3_objects::{self, get, put};

use super::scene::{Scene, assert_code, content, directory, finish};

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn the_server_copies_between_buckets_and_keeps_what_belongs_to_an_object() {
    let scene = Scene::set("s3-inside").await;
    scene.fill(300, 3000).await;
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    scene.check(300, 3000).await;
    assert_eq!(scene.queue.done_by("server").await.unwrap(), 300);
    assert!(scene.copies().values().all(|copies| *copies == 1));
    assert!(
        scene
            .proxy
            .log()
            .iter()
            .all(|exchange| exchange.method != Method::GET),
        "bytes came through us"
    );
    // Everything is there: a second pass over the same rows copies nothing.
    scene
        .queue
        .client
        .batch_execute("UPDATE clone.blob_copy SET state = 'pending'")
        .await
        .unwrap();
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    assert_eq!(scene.queue.done_by("present").await.unwrap(), 300);
    assert_eq!(scene.copies().values().sum::<usize>(), 300);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn files_stream_between_a_directory_and_a_bucket_in_parts_where_large() {
    let scene = Scene::set("s3-stream").await;
    scene.fill(60, 5000).await;
    let large = content(60, 40_000_000);
    put(
        &scene.client,
        &scene.from(),
        &File::numbered(60).source,
        large.clone(),
    )
    .await
    .unwrap();
    scene.queue.queue(&[File::numbered(60)]).await.unwrap();
    let directory = directory("s3-stream");
    let file = format!("file:{}", directory.display());
    assert_code(&finish(scene.worker(&["--blobs-to", &file])).await, 0);
    assert_eq!(scene.queue.done_by("stream").await.unwrap(), 61);
    assert!(fs::read(directory.join("target-60/v2")).unwrap() == large);
    assert_eq!(fs::read(directory.join("target-7/v2")).unwrap(), content(7, 5000));

    // And up again, from the names that the files have now; the queue tells their type.
    let back =
        "UPDATE clone.blob_copy SET state = 'pending', source_key = target_key, content_type = 'text/x-back',
             source_location = NULL, target_location = NULL";
    scene.queue.client.batch_execute(back).await.unwrap();
    let to = format!("s3://{}", scene.to());
    assert_code(
        &finish(scene.worker(&["--blobs-from", &file, "--blobs-to", &to])).await,
        0,
    );
    let copy = get(&scene.client, &scene.to(), &File::numbered(60).target)
        .await
        .unwrap();
    assert!(copy.bytes == large);
    assert_eq!(copy.content_type.as_deref(), Some("text/x-back"));
    let uploads = scene
        .client
        .list_multipart_uploads()
        .bucket(scene.to())
        .send()
        .await
        .unwrap();
    assert!(
        uploads.uploads.unwrap_or_default().is_empty(),
        "an upload was left"
    );
    let _ = fs::remove_dir_all(&directory);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(seaweedfs), ignore = "needs SeaweedFS: scripts/test/servers.sh")]
async fn deleted_objects_are_gone_and_absent_ones_are_fine() {
    let scene = Scene::set("s3-delete").await;
    scene.fill(2, 100).await;
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    let keys = [File::numbered(0).target, "binary/never/there".to_owned()];
    scene.queue.queue_deletes(&keys).await.unwrap();
    // As a deleted clone queues them: with the place where the files are.
    scene
        .queue
        .client
        .batch_execute(&format!(
            "UPDATE clone.blob_copy SET target_location = 's3://{}' WHERE operation = 'delete'",
            scene.to()
        ))
        .await
        .unwrap();
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    let left = s3_objects::list(&scene.client, &scene.to(), "binary/")
        .await
        .unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), [&File::numbered(1).target]);
}
