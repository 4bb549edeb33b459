//! Links, pipes and hard links that another user put below the root. Nothing outside the root is accessed.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pg_clone_tests::blob_queue::{File, Running, said};

use super::scene::{Scene, assert_code, finish};

/// The temporary name of the `n`-th target.
const TEMPORARY: &str = ".v2.pg_clone-tmp";

#[tokio::test]
async fn a_link_below_the_root_is_followed_neither_to_read_nor_to_write_nor_to_delete() {
    let scene = Scene::set("blobs_links").await;
    let outside = scene.root.with_extension("outside");
    let _ = fs::remove_dir_all(&outside);
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("v1"), "secret").unwrap();
    fs::write(outside.join("v9"), "to be kept").unwrap();
    // A directory that is a link: as source, as target, to delete in.
    symlink(&outside, scene.root.join("source-0")).unwrap();
    fs::create_dir(scene.root.join("source-1")).unwrap();
    fs::write(scene.source(1), "one").unwrap();
    symlink(&outside, scene.root.join("target-1")).unwrap();
    symlink(&outside, scene.root.join("gone")).unwrap();
    // A file that is a link.
    fs::create_dir(scene.root.join("source-2")).unwrap();
    symlink(outside.join("v1"), scene.source(2)).unwrap();
    scene
        .queue
        .queue(&[File::numbered(0), File::numbered(1), File::numbered(2)])
        .await
        .unwrap();
    scene
        .queue
        .queue_deletes(&["binary/gone/v9".to_owned()])
        .await
        .unwrap();

    let output = finish(&mut scene.queue.worker(&[]));
    assert_code(&output, 3);
    assert_eq!(scene.queue.count("failed").await.unwrap(), 4, "{}", said(&output));
    assert!(said(&output).contains("symbolic link"), "{}", said(&output));
    assert!(
        !scene.target(0).exists() && !scene.target(2).exists(),
        "read through a link"
    );
    let mut left: Vec<_> = fs::read_dir(&outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["v1", "v9"], "written or deleted through a link");
    fs::remove_dir_all(&outside).unwrap();
}

#[tokio::test]
async fn a_link_or_a_second_name_in_place_of_the_temporary_file_leaves_the_other_file_alone() {
    let scene = Scene::set("blobs_temporary").await;
    let victim = scene.root.with_extension("victim");
    let linked = scene.root.with_extension("linked");
    for file in [&victim, &linked] {
        fs::write(file, "not ours").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    scene.fill(2, 100).await;
    for (n, owner) in [(0, 12_345), (1, 12_345)] {
        fs::create_dir(scene.target(n).parent().unwrap()).unwrap();
        // Only root can give files away; without it the test still sees that nothing is written.
        let _ = std::os::unix::fs::chown(scene.source(n), Some(owner), None);
    }
    symlink(&victim, scene.target(0).with_file_name(TEMPORARY)).unwrap();
    fs::hard_link(&linked, scene.target(1).with_file_name(TEMPORARY)).unwrap();
    let before = [&victim, &linked].map(|file| fs::metadata(file).unwrap().uid());

    let start = Instant::now();
    let output = finish(&mut scene.queue.worker(&[]));
    assert!(start.elapsed() < Duration::from_secs(20), "it turned in circles");
    assert_code(&output, 3);
    assert_eq!(scene.queue.count("failed").await.unwrap(), 2, "{}", said(&output));
    for (file, owner) in [&victim, &linked].into_iter().zip(before) {
        let metadata = fs::metadata(file).unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), "not ours");
        assert_eq!((metadata.uid(), metadata.mode() & 0o777), (owner, 0o600));
        fs::remove_file(file).unwrap();
    }
}

#[tokio::test]
async fn a_pipe_or_a_socket_is_no_source_and_nobody_waits_for_its_writer() {
    let scene = Scene::set("blobs_pipe").await;
    fs::create_dir(scene.root.join("source-0")).unwrap();
    fs::create_dir(scene.root.join("source-1")).unwrap();
    nix::unistd::mkfifo(&scene.source(0), nix::sys::stat::Mode::S_IRWXU).unwrap();
    // The name of a socket may have 107 bytes.
    let directory = fs::File::open(scene.root.join("source-1")).unwrap();
    let name = format!("/proc/self/fd/{}/v1", std::os::fd::AsRawFd::as_raw_fd(&directory));
    let _listener = std::os::unix::net::UnixListener::bind(name).unwrap();
    scene
        .queue
        .queue(&[File::numbered(0), File::numbered(1)])
        .await
        .unwrap();
    let output = finish(&mut scene.queue.worker(&["--attempts", "1"]));
    assert_code(&output, 3);
    assert_eq!(scene.queue.count("failed").await.unwrap(), 2, "{}", said(&output));
    assert!(
        said(&output).contains("is not a regular file"),
        "{}",
        said(&output)
    );
}

#[tokio::test]
async fn a_delete_in_a_directory_that_does_not_exist_is_not_done() {
    let scene = Scene::set("blobs_no_directory").await;
    scene
        .queue
        .queue_deletes(&["binary/a/v1".to_owned()])
        .await
        .unwrap();
    fs::remove_dir_all(&scene.root).unwrap();
    let output = finish(&mut scene.queue.worker(&[]));
    assert_code(&output, 3);
    assert!(said(&output).contains("does not exist"), "{}", said(&output));
    assert_eq!(scene.queue.count("done").await.unwrap(), 0);

    fs::create_dir_all(&scene.root).unwrap();
    assert_code(&finish(&mut scene.queue.worker(&[])), 0);
    assert_eq!(
        scene.queue.done_by("absent").await.unwrap(),
        1,
        "nothing was there to delete"
    );
}

#[tokio::test]
async fn sigterm_ends_a_worker_within_ten_seconds_although_a_storage_never_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let scene = Scene::set("blobs_silent").await;
    let target = format!("s3://bucket?endpoint=http://{}", silent.local_addr().unwrap());
    scene.fill(3, 100).await;
    let mut worker = scene.queue.worker(&["--blobs-to", &target]);
    worker
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "y");
    let running = Running::start(&mut worker).unwrap();
    silent.accept().unwrap();
    let start = Instant::now();
    running.signal(Signal::SIGTERM).unwrap();
    let output = running.finish().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}: {}",
        start.elapsed(),
        said(&output)
    );
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
}
