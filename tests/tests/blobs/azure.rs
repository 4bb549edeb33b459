//! The queue of files on Azure Blob Storage, emulated by Azurite.

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
use pg_clone_tests::storage_servers::{self, AZURE_ACCOUNT, AZURE_KEY, AZURE_SIGNATURE, StorageServer};

/// One request to the server with the test's own signature; status, content type, `x-ms-meta-owner` and body.
async fn ask(
    server: &StorageServer,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, Option<String>, Option<String>, Vec<u8>) {
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/{AZURE_ACCOUNT}/{path}{separator}{AZURE_SIGNATURE}"))
        .header("host", server.address.to_string())
        .header("x-ms-version", "2021-12-02")
        .header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = sender
        .send_request(request.body(Full::new(Bytes::from(body))).unwrap())
        .await
        .unwrap();
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let (status, kind, owner) = (
        answer.status().as_u16(),
        header("content-type"),
        header("x-ms-meta-owner"),
    );
    (
        status,
        kind,
        owner,
        answer.into_body().collect().await.unwrap().to_bytes().to_vec(),
    )
}

async fn make_container(server: &StorageServer, name: &str) {
    let made = ask(
        server,
        Method::PUT,
        &format!("{name}?restype=container"),
        &[],
        Vec::new(),
    )
    .await;
    assert_eq!(made.0, 201, "{}", String::from_utf8_lossy(&made.3));
}

fn run(server: &StorageServer, mut command: Command) -> Output {
    let endpoint = format!("http://{}/{AZURE_ACCOUNT}", server.address);
    let text = format!(
        "AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};BlobEndpoint={endpoint};DefaultEndpointsProtocol=http"
    );
    command
        .env("AZURE_STORAGE_CONNECTION_STRING", text)
        .output()
        .unwrap()
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(azurite), ignore = "needs Azurite: scripts/test/servers.sh")]
async fn files_are_copied_inside_a_container_and_stream_to_and_from_a_directory() {
    let server = storage_servers::azure();
    make_container(&server, "from").await;
    make_container(&server, "into").await;
    let queue = BlobQueue::create("blobs_azure", "azblob://from").await.unwrap();
    let content = |n: usize| {
        format!("blob {n} ")
            .into_bytes()
            .repeat(if n == 7 { 1_500_000 } else { 100 })
    };
    let files: Vec<File> = (0..30).map(File::numbered).collect();
    for (n, file) in files.iter().enumerate() {
        let headers = [
            ("x-ms-blob-type", "BlockBlob"),
            ("content-type", "image/x-test"),
            ("x-ms-meta-owner", "anna"),
        ];
        let put = ask(
            &server,
            Method::PUT,
            &format!("from/{}", file.source),
            &headers,
            content(n),
        )
        .await;
        assert_eq!(put.0, 201, "{}", String::from_utf8_lossy(&put.3));
    }
    queue.queue(&files).await.unwrap();
    let check = async |container: &str| {
        for (n, file) in files.iter().enumerate() {
            let got = ask(
                &server,
                Method::GET,
                &format!("{container}/{}", file.target),
                &[],
                Vec::new(),
            )
            .await;
            assert_eq!(got.0, 200, "{container} {n}");
            assert_eq!(
                (got.1.as_deref(), got.2.as_deref()),
                (Some("image/x-test"), Some("anna"))
            );
            assert!(got.3 == content(n), "{container} {n}");
        }
    };

    assert_code(&run(&server, queue.worker(&[])), 0);
    assert_eq!(queue.done_by("server").await.unwrap(), 30);
    check("from").await;

    // Without the places that the run before has recorded.
    let again = "UPDATE clone.blob_copy SET state = 'pending', attempts = 0, source_location = NULL, target_location = NULL";
    queue.client.batch_execute(again).await.unwrap();
    assert_code(&run(&server, queue.worker(&["--blobs-to", "azblob://into"])), 0);
    assert_eq!(queue.done_by("stream").await.unwrap(), 30);
    check("into").await;

    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("blobs_azure");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    queue.client.batch_execute(again).await.unwrap();
    let file = format!("file:{}", directory.display());
    assert_code(&run(&server, queue.worker(&["--blobs-to", &file])), 0);
    assert!(fs::read(directory.join("target-7/v2")).unwrap() == content(7));
    let _ = fs::remove_dir_all(&directory);

    queue.client.batch_execute(again).await.unwrap();
    let output = run(
        &server,
        queue.worker(&["--blobs-to", "azblob://no-such-container"]),
    );
    assert_code(&output, 3);
    assert!(said(&output).contains("no-such-container"), "{}", said(&output));
    assert_eq!(queue.count("pending").await.unwrap(), 30, "{}", said(&output));
    assert!(!said(&output).contains(AZURE_KEY));
}
