//! The queue of files between directories: nothing lost, nothing copied twice, every trouble in clear words.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, its helpers too"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pg_clone_tests::blob_queue::{BlobQueue, File, Running, said};

/// A directory of files under the test's own name, and a queue on it.
struct Scene {
    root: PathBuf,
    queue: BlobQueue,
}

impl Scene {
    async fn set(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let queue = BlobQueue::create(name, &format!("file:{}", root.display()))
            .await
            .unwrap();
        Self { root, queue }
    }

    fn source(&self, n: usize) -> PathBuf {
        self.root.join(format!("source-{n}/v1"))
    }

    fn target(&self, n: usize) -> PathBuf {
        self.root.join(format!("target-{n}/v2"))
    }

    /// Writes the sources `0..count` and queues their copies.
    async fn fill(&self, count: usize, size: usize) {
        for n in 0..count {
            fs::create_dir(self.source(n).parent().unwrap()).unwrap();
            fs::write(self.source(n), content(n, size)).unwrap();
        }
        let files: Vec<File> = (0..count).map(File::numbered).collect();
        self.queue.queue(&files).await.unwrap();
    }

    fn check(&self, count: usize, size: usize) {
        for n in 0..count {
            assert!(
                fs::read(self.target(n)).unwrap() == content(n, size),
                "target {n}"
            );
        }
    }

    /// Nothing but whole sources and targets is left in the directory.
    fn check_tidy(&self) {
        for directory in fs::read_dir(&self.root).unwrap().map(Result::unwrap) {
            for file in fs::read_dir(directory.path()).unwrap().map(Result::unwrap) {
                assert!(
                    ["v1", "v2"].iter().any(|name| file.file_name() == *name),
                    "left: {:?}",
                    file.path()
                );
            }
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Bytes that differ from file to file, made by copying: a test program without optimisation computes slowly.
fn content(n: usize, size: usize) -> Vec<u8> {
    let mut bytes = format!("file {n} ").into_bytes().repeat(size / 6);
    bytes.truncate(size);
    bytes
}

fn finish(command: &mut Command) -> Output {
    let start = Instant::now();
    let output = command.output().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "took {:?}: {}",
        start.elapsed(),
        said(&output)
    );
    output
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

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
async fn a_worker_killed_twice_loses_nothing_and_copies_nothing_twice() {
    let scene = Scene::set("blobs_killed").await;
    scene.fill(1200, 20_000).await;
    let mut written = vec![0; 1200];
    for least in [100, 400] {
        let worker = Running::start(&mut scene.queue.worker(&["--concurrency", "8"])).unwrap();
        scene.queue.wait_until_done(least).await.unwrap();
        worker.kill().unwrap();
        assert!(
            scene.queue.count("done").await.unwrap() < 1200,
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
    scene.check(1200, 20_000);
    scene.check_tidy();
    assert_eq!(scene.queue.count("done").await.unwrap(), 1200);
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
    finish(&mut scene.queue.pgclone(&["blobs", "retry"]));
    assert_code(&finish(&mut scene.queue.worker(&[])), 3);
    finish(&mut scene.queue.pgclone(&["blobs", "retry", "--for-good"]));
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
async fn a_target_that_cannot_be_a_directory_stops_the_run_in_clear_words() {
    let scene = Scene::set("blobs_blocked").await;
    scene.fill(50, 100).await;
    let blocked = scene.root.join("blocked");
    fs::write(&blocked, "a file").unwrap();
    let output = finish(
        &mut scene
            .queue
            .worker(&["--blobs-to", &format!("file:{}", blocked.display())]),
    );
    assert_code(&output, 3);
    assert!(
        said(&output).contains("a file stands where the target needs a directory"),
        "{}",
        said(&output)
    );
    fs::remove_file(&blocked).unwrap();
    let output = finish(
        &mut scene
            .queue
            .worker(&["--blobs-to", &format!("file:{}", blocked.display())]),
    );
    assert_code(&output, 3);
    assert!(
        said(&output).contains("does not exist: create or mount it first"),
        "{}",
        said(&output)
    );
    assert_eq!(
        scene.queue.count("pending").await.unwrap(),
        50,
        "no attempt counts"
    );
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    scene.check(50, 100);
}

/// A tmpfs that is unmounted at the end; `None` where this process may not mount.
struct Mounted(PathBuf);

impl Mounted {
    fn new(path: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "pgclone-test"])
            .arg(&path)
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(path));
        }
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "CI must be able to mount a tmpfs"
        );
        println!("skipped: mounting a tmpfs takes root");
        None
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(
            Command::new("mount")
                .args(["-o", &options])
                .arg(&self.0)
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_stops_the_run_and_the_next_one_goes_on() {
    let scene = Scene::set("blobs_full").await;
    let Some(disk) = Mounted::new(scene.root.join("disk"), "size=1m") else {
        return;
    };
    scene.fill(30, 100_000).await;
    let to = format!("file:{}", disk.0.display());
    let output = finish(&mut scene.queue.worker(&["--blobs-to", &to, "--concurrency", "4"]));
    assert_code(&output, 3);
    assert!(
        said(&output).contains("the target disk is full"),
        "{}",
        said(&output)
    );
    let done = scene.queue.count("done").await.unwrap();
    assert!((1..30).contains(&done), "{done} done");
    assert_eq!(
        scene.queue.count("pending").await.unwrap(),
        30 - done,
        "a full disk fails no file"
    );
    disk.remount("size=10m");
    assert_code(&finish(&mut scene.queue.worker(&["--blobs-to", &to])), 0);
    for n in 0..30 {
        assert!(fs::read(disk.0.join(format!("target-{n}/v2"))).unwrap() == content(n, 100_000));
    }
}

#[tokio::test]
async fn a_read_only_target_stops_the_run() {
    let scene = Scene::set("blobs_read_only").await;
    let Some(disk) = Mounted::new(scene.root.join("disk"), "size=1m") else {
        return;
    };
    disk.remount("ro");
    scene.fill(30, 100).await;
    let output = finish(
        &mut scene
            .queue
            .worker(&["--blobs-to", &format!("file:{}", disk.0.display())]),
    );
    assert_code(&output, 3);
    assert!(
        said(&output).contains("read-only file system"),
        "{}",
        said(&output)
    );
    assert_eq!(scene.queue.count("pending").await.unwrap(), 30);
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
        scene.target(2).with_file_name(".v2.pgclone-tmp"),
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
    assert_eq!(scene.queue.done_by("delete").await.unwrap(), 3);
    assert_eq!(scene.queue.count("cancelled").await.unwrap(), 1);
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
    scene.fill(1200, 20_000).await;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let before = scene.queue.count("done").await.unwrap();
        let worker = Running::start(&mut scene.queue.worker(&["--concurrency", "8"])).unwrap();
        scene.queue.wait_until_done(before + 100).await.unwrap();
        worker.signal(signal).unwrap();
        let output = worker.finish().unwrap();
        assert_code(&output, 130);
        assert!(
            said(&output).contains("pgclone blobs run"),
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
    scene.check(1200, 20_000);
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
