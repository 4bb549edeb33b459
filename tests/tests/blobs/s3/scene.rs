//! Two buckets, a queue, and worker processes on them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use aws_sdk_s3::Client;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use pg_clone_tests::blob_queue::{BlobQueue, File, said};
use pg_clone_tests::fault_proxy::FaultProxy;
use pg_clone_tests::s3_objects::{self, get, put};
use pg_clone_tests::storage_servers::{self, S3_KEY, S3_SECRET};

/// Two buckets of a test behind a proxy, and a queue that copies from the first to the second.
pub struct Scene {
    pub name: &'static str,
    pub client: Client,
    pub proxy: FaultProxy,
    pub queue: BlobQueue,
}

impl Scene {
    pub async fn set(name: &'static str) -> Self {
        let server = storage_servers::s3();
        let proxy = FaultProxy::start(server.address).await.unwrap();
        let client = s3_objects::client(&format!("http://{}", server.address));
        for bucket in [format!("{name}-from"), format!("{name}-to")] {
            client.create_bucket().bucket(bucket).send().await.unwrap();
        }
        let queue = BlobQueue::create(&name.replace('-', "_"), &format!("s3://{name}-from"))
            .await
            .unwrap();
        Self {
            name,
            client,
            proxy,
            queue,
        }
    }

    pub fn from(&self) -> String {
        format!("{}-from", self.name)
    }

    pub fn to(&self) -> String {
        format!("{}-to", self.name)
    }

    /// Writes the objects `0..count` and queues their copies.
    pub async fn fill(&self, count: usize, size: usize) {
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

    pub fn worker(&self, arguments: &[&str]) -> Command {
        let mut command = self.queue.worker(arguments);
        credentials(&mut command, &self.proxy.url());
        command
    }

    pub fn bucket_worker(&self, arguments: &[&str]) -> Command {
        self.worker(&[&["--blobs-to", &format!("s3://{}", self.to())], arguments].concat())
    }

    /// How often the server confirmed each copy.
    pub fn copies(&self) -> HashMap<String, usize> {
        let mut copies = HashMap::new();
        for exchange in self.proxy.log() {
            if exchange.copies && exchange.status == Some(200) {
                *copies.entry(exchange.uri).or_default() += 1;
            }
        }
        copies
    }

    pub async fn check(&self, count: usize, size: usize) {
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

pub fn credentials(command: &mut Command, url: &str) {
    command
        .env("AWS_ACCESS_KEY_ID", S3_KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3_SECRET)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", url);
}

pub fn content(n: usize, size: usize) -> Vec<u8> {
    let mut bytes = format!("object {n} ").into_bytes().repeat(size / 8 + 1);
    bytes.truncate(size);
    bytes
}

pub async fn finish(command: Command) -> Output {
    let mut command = command;
    let running = tokio::task::spawn_blocking(move || command.output());
    tokio::time::timeout(Duration::from_secs(120), running)
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

pub fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

pub fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}
