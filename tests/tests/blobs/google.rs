//! The queue of files on Google Cloud Storage, emulated by fake-gcs-server.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, its helpers too"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use pg_clone_tests::blob_queue::{BlobQueue, File, said};
use pg_clone_tests::storage_servers::{self, StorageServer};

/// One request of the test itself: status, content type and body.
async fn ask(
    server: &StorageServer,
    method: Method,
    path: &str,
    content_type: &str,
    body: Vec<u8>,
) -> (u16, Option<String>, Vec<u8>) {
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", server.address.to_string())
        .header("content-type", content_type)
        .header("content-length", body.len());
    let answer = sender
        .send_request(request.body(Full::new(Bytes::from(body))).unwrap())
        .await
        .unwrap();
    let kind = answer.headers().get("content-type");
    let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, kind, body.to_vec())
}

/// An object with a content type and metadata, written in one request as Google describes it.
async fn put(server: &StorageServer, bucket: &str, key: &str, content: &[u8]) {
    let about =
        serde_json::json!({"name": key, "contentType": "image/x-test", "metadata": {"owner": "anna"}});
    let mut body = format!(
        "--cut\r\nContent-Type: application/json\r\n\r\n{about}\r\n--cut\r\nContent-Type: image/x-test\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--cut--\r\n");
    let path = format!("/upload/storage/v1/b/{bucket}/o?uploadType=multipart");
    let put = ask(
        server,
        Method::POST,
        &path,
        "multipart/related; boundary=cut",
        body,
    )
    .await;
    assert_eq!(put.0, 200, "{}", String::from_utf8_lossy(&put.2));
}

async fn make_bucket(server: &StorageServer, name: &str) {
    let body = serde_json::json!({"name": name}).to_string().into_bytes();
    let path = "/storage/v1/b?project=test";
    let made = ask(server, Method::POST, path, "application/json", body).await;
    assert_eq!(made.0, 200, "{}", String::from_utf8_lossy(&made.2));
}

async fn run(server: &StorageServer, mut command: Command) -> Output {
    command.env("STORAGE_EMULATOR_HOST", format!("http://{}", server.address));
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap()
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn content(n: usize) -> Vec<u8> {
    format!("object {n} ")
        .into_bytes()
        .repeat(if n == 7 { 500_000 } else { 100 })
}

async fn check(server: &StorageServer, bucket: &str, files: &[File]) {
    for (n, file) in files.iter().enumerate() {
        let path = format!("/{bucket}/{}", file.target);
        let got = ask(server, Method::GET, &path, "text/plain", Vec::new()).await;
        assert_eq!(
            (got.0, got.1.as_deref()),
            (200, Some("image/x-test")),
            "{bucket} {n}"
        );
        assert!(got.2 == content(n), "{bucket} {n}");
        let path = format!("/storage/v1/b/{bucket}/o/{}", file.target.replace('/', "%2F"));
        let about = ask(server, Method::GET, &path, "text/plain", Vec::new()).await;
        let about: serde_json::Value = serde_json::from_slice(&about.2).unwrap();
        assert_eq!(about["metadata"]["owner"], "anna", "{about}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    not(fake_gcs_server),
    ignore = "needs fake-gcs-server: scripts/test/servers.sh"
)]
async fn files_are_copied_inside_a_bucket_stream_to_another_and_a_directory_and_are_deleted() {
    let server = storage_servers::google();
    make_bucket(&server, "google-from").await;
    make_bucket(&server, "google-into").await;
    let queue = BlobQueue::create("blobs_google", "gs://google-from")
        .await
        .unwrap();
    let files: Vec<File> = (0..30).map(File::numbered).collect();
    for (n, file) in files.iter().enumerate() {
        put(&server, "google-from", &file.source, &content(n)).await;
    }
    queue.queue(&files).await.unwrap();

    assert_code(&run(&server, queue.worker(&[])).await, 0);
    assert_eq!(queue.done_by("server").await.unwrap(), 30);
    check(&server, "google-from", &files).await;

    // Without the places that the run before has recorded.
    let again = "UPDATE clone.blob_copy SET state = 'pending', attempts = 0, source_location = NULL, target_location = NULL";
    for method in ["stream", "present"] {
        queue.client.batch_execute(again).await.unwrap();
        let into = queue.worker(&["--blobs-to", "gs://google-into"]);
        assert_code(&run(&server, into).await, 0);
        assert_eq!(queue.done_by(method).await.unwrap(), 30);
    }
    check(&server, "google-into", &files).await;

    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("blobs_google");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    queue.client.batch_execute(again).await.unwrap();
    let file = format!("file:{}", directory.display());
    assert_code(&run(&server, queue.worker(&["--blobs-to", &file])).await, 0);
    assert!(fs::read(directory.join("target-7/v2")).unwrap() == content(7));
    let _ = fs::remove_dir_all(&directory);

    let keys = [files[3].target.clone(), "binary/never/there".to_owned()];
    queue.queue_deletes(&keys).await.unwrap();
    assert_code(&run(&server, queue.worker(&[])).await, 0);
    let path = format!("/google-from/{}", files[3].target);
    assert_eq!(
        ask(&server, Method::GET, &path, "text/plain", Vec::new()).await.0,
        404
    );
    let path = format!("/google-from/{}", files[4].target);
    assert_eq!(
        ask(&server, Method::GET, &path, "text/plain", Vec::new()).await.0,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    not(fake_gcs_server),
    ignore = "needs fake-gcs-server: scripts/test/servers.sh"
)]
async fn a_prefix_of_a_bucket_is_listed_and_a_missing_object_fails_for_good() {
    let server = storage_servers::google();
    make_bucket(&server, "google-set").await;
    let queue = BlobQueue::create("blobs_google_prefix", "gs://google-set")
        .await
        .unwrap();
    for name in ["set/a", "set/deep/b", "set2/other"] {
        put(&server, "google-set", &format!("binary/{name}"), name.as_bytes()).await;
    }
    let rows = [
        ("binary/set/", "binary/copy/"),
        ("binary/no-such", "binary/copy-of-it"),
    ]
    .map(|(source, target)| File {
        source: source.into(),
        target: target.into(),
    });
    queue.queue(&rows).await.unwrap();
    let output = run(&server, queue.worker(&[])).await;
    assert_code(&output, 3);
    assert!(said(&output).contains("source is missing"), "{}", said(&output));
    let copies = "SELECT count(*) FROM clone.blob_copy WHERE state = 'done' AND method = 'server'
                  AND target_key IN ('binary/copy/a', 'binary/copy/deep/b')";
    assert_eq!(
        queue
            .client
            .query_one(copies, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        2
    );
    assert_eq!(
        queue.count("done").await.unwrap(),
        3,
        "the prefix and its two files"
    );
    assert_eq!(queue.count("failed").await.unwrap(), 1);
}
