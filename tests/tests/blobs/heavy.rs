//! Files of gigabytes: run by hand with PG_CLONE_HEAVY=1.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, its helpers too"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use hyper::Method;
use pg_clone_tests::blob_queue::{BlobQueue, File, said};
use pg_clone_tests::fault_proxy::FaultProxy;
use pg_clone_tests::s3_objects;
use pg_clone_tests::storage_servers::{self, S3_KEY, S3_SECRET};

fn credentials(command: &mut Command, url: &str) {
    command
        .env("AWS_ACCESS_KEY_ID", S3_KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3_SECRET)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", url);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    not(all(heavy, seaweedfs)),
    ignore = "copies gigabytes: needs PG_CLONE_HEAVY=1 and SeaweedFS"
)]
async fn an_object_of_six_gigabytes_is_copied_by_the_server_in_parts() {
    const PART: usize = 128 << 20;
    const PARTS: i32 = 48;
    let server = storage_servers::s3();
    let proxy = FaultProxy::start(server.address).await.unwrap();
    let client = s3_objects::client(&format!("http://{}", server.address));
    client.create_bucket().bucket("heavy").send().await.unwrap();
    let zeros = client
        .put_object()
        .bucket("heavy")
        .key("zeros")
        .body(ByteStream::from(vec![0; PART]));
    zeros.customize().disable_payload_signing().send().await.unwrap();
    let File { source, target } = File::numbered(0);
    let upload = client
        .create_multipart_upload()
        .bucket("heavy")
        .key(&source)
        .content_type("video/x-test");
    let upload = upload
        .metadata("owner", "anna")
        .send()
        .await
        .unwrap()
        .upload_id
        .unwrap();
    let mut parts = Vec::new();
    for number in 1..=PARTS {
        let part = client
            .upload_part_copy()
            .bucket("heavy")
            .key(&source)
            .upload_id(&upload)
            .part_number(number);
        let part = part
            .copy_source("heavy/zeros")
            .send()
            .await
            .unwrap()
            .copy_part_result
            .unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .build(),
        );
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let complete = client
        .complete_multipart_upload()
        .bucket("heavy")
        .key(&source)
        .upload_id(&upload);
    complete.multipart_upload(parts).send().await.unwrap();

    let queue = BlobQueue::create("blobs_heavy", "s3://heavy").await.unwrap();
    queue
        .queue(&[File {
            source: source.clone(),
            target: target.clone(),
        }])
        .await
        .unwrap();
    let mut worker = queue.worker(&[]);
    credentials(&mut worker, &proxy.url());
    let start = Instant::now();
    let output = tokio::task::spawn_blocking(move || worker.output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    println!("6 GiB copied by the server in {:?}", start.elapsed());
    let copy = client
        .head_object()
        .bucket("heavy")
        .key(&target)
        .send()
        .await
        .unwrap();
    assert_eq!(copy.content_length, Some(PART as i64 * i64::from(PARTS)));
    assert_eq!(copy.content_type.as_deref(), Some("video/x-test"));
    assert_eq!(copy.metadata.unwrap()["owner"], "anna");
    let log = proxy.log();
    assert_eq!(log.iter().filter(|exchange| exchange.copies).count(), 48);
    let read = |method: &Method, uri: &str| *method == Method::GET && !uri.contains("uploads");
    assert!(
        !log.iter().any(|exchange| read(&exchange.method, &exchange.uri)),
        "bytes came through us"
    );
    assert_eq!(queue.done_by("server").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    not(all(heavy, seaweedfs)),
    ignore = "copies gigabytes: needs PG_CLONE_HEAVY=1 and SeaweedFS"
)]
async fn two_gigabytes_stream_through_sixty_four_megabytes() {
    let server = storage_servers::s3();
    let url = format!("http://{}", server.address);
    s3_objects::client(&url)
        .create_bucket()
        .bucket("heavy-stream")
        .send()
        .await
        .unwrap();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("blobs_heavy_stream");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(directory.join("source-0")).unwrap();
    fs::create_dir_all(directory.join("down")).unwrap();
    fs::File::create(directory.join("source-0/v1"))
        .unwrap()
        .set_len(2 << 30)
        .unwrap();
    let queue = BlobQueue::create("blobs_heavy_stream", &format!("file:{}", directory.display()))
        .await
        .unwrap();
    queue.queue(&[File::numbered(0)]).await.unwrap();
    let down = format!("file:{}/down", directory.display());
    for places in [
        ["--blobs-to", "s3://heavy-stream", "--concurrency", "16"],
        ["--blobs-from", "s3://heavy-stream", "--blobs-to", &down],
    ] {
        let plain = queue.worker(&places);
        let peak = directory.join("peak");
        let mut measured = Command::new("python3");
        // The kernel's account of what the worker had in memory at most, in kB.
        let script = "import resource,subprocess,sys; code=subprocess.call(sys.argv[2:]); \
                      open(sys.argv[1],'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(code)";
        measured
            .args(["-c", script])
            .arg(&peak)
            .arg(plain.get_program())
            .args(plain.get_args());
        credentials(&mut measured, &url);
        let start = Instant::now();
        let output = tokio::task::spawn_blocking(move || measured.output())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let kilobytes: u64 = fs::read_to_string(&peak).unwrap().parse().unwrap();
        println!(
            "2 GiB streamed in {:?} through {} MB",
            start.elapsed(),
            kilobytes / 1000
        );
        assert!(
            kilobytes < 160_000,
            "{kilobytes} kB: the program itself, and at most 64 MiB of parts"
        );
        let next = "UPDATE clone.blob_copy SET state = 'pending', source_key = target_key, target_key = 'binary/again/v3', source_location = NULL, target_location = NULL";
        queue.client.batch_execute(next).await.unwrap();
    }
    assert_eq!(
        fs::metadata(directory.join("down/again/v3")).unwrap().len(),
        2 << 30
    );
    let _ = fs::remove_dir_all(&directory);
}
