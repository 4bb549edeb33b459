//! Targets that cannot be written: no directory, a full disk, read-only.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pg_clone_tests::blob_queue::said;

use super::scene::{Scene, assert_code, content, finish};

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
        said(&output).contains("a file is where the target needs a directory"),
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
    fn new(path: PathBuf, options: &str) -> Self {
        fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "pg_clone-test"])
            .arg(&path)
            .status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "a tmpfs cannot be mounted on {}",
            path.display()
        );
        Self(path)
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
#[cfg_attr(not(mount), ignore = "needs to mount a tmpfs: root")]
async fn a_full_disk_stops_the_run_and_the_next_one_goes_on() {
    let scene = Scene::set("blobs_full").await;
    let disk = Mounted::new(scene.root.join("disk"), "size=1m");
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
#[cfg_attr(not(mount), ignore = "needs to mount a tmpfs: root")]
async fn a_read_only_target_stops_the_run() {
    let scene = Scene::set("blobs_read_only").await;
    let disk = Mounted::new(scene.root.join("disk"), "size=1m");
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
