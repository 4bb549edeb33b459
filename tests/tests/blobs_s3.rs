//! The queue of files on an S3 server that the tests start: copies by the server, streams, faults, killed workers.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, its helpers too"
)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use aws_sdk_s3::Client;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hyper::Method;
use pg_clone_tests::blob_queue::{BlobQueue, File, Running, said};
use pg_clone_tests::fault_proxy::{FaultProxy, Faults};
use pg_clone_tests::s3_objects::{self, get, put};
use pg_clone_tests::storage_servers::{self, S3_KEY, S3_SECRET};

/// Two buckets of a test behind a proxy, and a queue that copies from the first to the second.
struct Scene {
    name: &'static str,
    client: Client,
    proxy: FaultProxy,
    queue: BlobQueue,
}

impl Scene {
    /// `None` where the server cannot be had.
    async fn set(name: &'static str) -> Option<Self> {
        let server = storage_servers::s3()?;
        let proxy = FaultProxy::start(server.address).await.unwrap();
        let client = s3_objects::client(&format!("http://{}", server.address));
        for bucket in [format!("{name}-from"), format!("{name}-to")] {
            client.create_bucket().bucket(bucket).send().await.unwrap();
        }
        let queue = BlobQueue::create(&name.replace('-', "_"), &format!("s3://{name}-from"))
            .await
            .unwrap();
        Some(Self {
            name,
            client,
            proxy,
            queue,
        })
    }

    fn from(&self) -> String {
        format!("{}-from", self.name)
    }

    fn to(&self) -> String {
        format!("{}-to", self.name)
    }

    /// Writes the objects `0..count` and queues their copies.
    async fn fill(&self, count: usize, size: usize) {
        let puts = (0..count).map(|n| async move {
            put(
                &self.client,
                &self.from(),
                &File::numbered(n).source,
                content(n, size),
            )
            .await
        });
        stream::iter(puts)
            .buffer_unordered(16)
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
        self.queue
            .queue(&(0..count).map(File::numbered).collect::<Vec<_>>())
            .await
            .unwrap();
    }

    fn worker(&self, arguments: &[&str]) -> Command {
        let mut command = self.queue.worker(arguments);
        credentials(&mut command, &self.proxy.url());
        command
    }

    fn bucket_worker(&self, arguments: &[&str]) -> Command {
        self.worker(&[&["--blobs-to", &format!("s3://{}", self.to())], arguments].concat())
    }

    /// How often the server confirmed each copy.
    fn copies(&self) -> HashMap<String, usize> {
        let mut copies = HashMap::new();
        for exchange in self.proxy.log() {
            if exchange.copies && exchange.status == Some(200) {
                *copies.entry(exchange.uri).or_default() += 1;
            }
        }
        copies
    }

    async fn check(&self, count: usize, size: usize) {
        let listed = s3_objects::list(&self.client, &self.to(), "binary/")
            .await
            .unwrap();
        assert_eq!(listed.len(), count);
        assert!(
            listed.values().all(|found| *found == size as i64),
            "a target has another size"
        );
        for n in (0..count).step_by(97) {
            let File { source, target } = File::numbered(n);
            let copy = get(&self.client, &self.to(), &target).await.unwrap();
            assert!(
                copy == get(&self.client, &self.from(), &source).await.unwrap(),
                "object {n} differs"
            );
            assert_eq!(copy.content_type.as_deref(), Some("image/x-test"));
            assert_eq!(copy.metadata["owner"], source.replace('/', "-"));
        }
    }
}

fn credentials(command: &mut Command, url: &str) {
    command
        .env("AWS_ACCESS_KEY_ID", S3_KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3_SECRET)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", url);
}

fn content(n: usize, size: usize) -> Vec<u8> {
    let mut bytes = format!("object {n} ").into_bytes().repeat(size / 8 + 1);
    bytes.truncate(size);
    bytes
}

async fn finish(command: Command) -> Output {
    let mut command = command;
    let running = tokio::task::spawn_blocking(move || command.output());
    tokio::time::timeout(Duration::from_secs(120), running)
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_copies_between_buckets_and_keeps_what_belongs_to_an_object() {
    let Some(scene) = Scene::set("s3-inside").await else {
        return;
    };
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
async fn a_worker_killed_twice_loses_nothing_and_no_confirmed_copy_is_made_again() {
    let Some(scene) = Scene::set("s3-killed").await else {
        return;
    };
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
async fn a_server_that_refuses_breaks_off_and_is_slow_is_asked_again() {
    let Some(scene) = Scene::set("s3-faults").await else {
        return;
    };
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
async fn a_server_that_only_refuses_ends_the_attempts_but_not_for_good() {
    let Some(scene) = Scene::set("s3-down").await else {
        return;
    };
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
    assert_code(&finish(scene.queue.pgclone(&["blobs", "retry"])).await, 0);
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    scene.check(3, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_bucket_key_or_object_is_told_apart() {
    let Some(scene) = Scene::set("s3-wrong").await else {
        return;
    };
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
    finish(scene.queue.pgclone(&["blobs", "retry", "--for-good"])).await;

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

#[tokio::test(flavor = "multi_thread")]
async fn files_stream_between_a_directory_and_a_bucket_in_parts_where_large() {
    let Some(scene) = Scene::set("s3-stream").await else {
        return;
    };
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
        "UPDATE clone.blob_copy SET state = 'pending', source_key = target_key, content_type = 'text/x-back'";
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
async fn deleted_objects_are_gone_and_absent_ones_are_fine() {
    let Some(scene) = Scene::set("s3-delete").await else {
        return;
    };
    scene.fill(2, 100).await;
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    let keys = [File::numbered(0).target, "binary/never/there".to_owned()];
    scene.queue.queue_deletes(&keys).await.unwrap();
    assert_code(&finish(scene.bucket_worker(&[])).await, 0);
    let left = s3_objects::list(&scene.client, &scene.to(), "binary/")
        .await
        .unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), [&File::numbered(1).target]);
}
