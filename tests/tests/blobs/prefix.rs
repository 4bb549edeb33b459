//! Rows of the queue that stand for all files below a prefix: each file is copied once to the target's prefix.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, its helpers too"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pg_clone_tests::blob_queue::{BlobQueue, File, Running, said};

/// A directory under the test's own name, and a queue on it.
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

    fn write(&self, path: &str, content: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    async fn queue(&self, pairs: &[(&str, &str)]) {
        let files = pairs.iter().map(|(source, target)| File {
            source: (*source).into(),
            target: (*target).into(),
        });
        self.queue.queue(&files.collect::<Vec<_>>()).await.unwrap();
    }

    fn work(&self, code: i32) -> String {
        exit(&mut self.queue.worker(&[]), code)
    }

    /// The files below a directory with their contents; links are none.
    fn below(&self, directory: &str) -> BTreeMap<String, String> {
        fn walk(top: &Path, directory: &Path, found: &mut BTreeMap<String, String>) {
            for entry in fs::read_dir(directory).into_iter().flatten().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    walk(top, &entry.path(), found);
                } else {
                    let name = entry.path().strip_prefix(top).unwrap().display().to_string();
                    found.insert(name, fs::read_to_string(entry.path()).unwrap());
                }
            }
        }
        let mut found = BTreeMap::new();
        let top = self.root.join(directory);
        walk(&top, &top, &mut found);
        found
    }

    async fn number(&self, query: &str) -> i64 {
        self.queue.client.query_one(query, &[]).await.unwrap().get(0)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn exit(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    said(&output)
}

#[tokio::test]
async fn every_file_below_a_prefix_comes_below_the_target_and_nothing_else() {
    let scene = Scene::set("blobs_prefix_all").await;
    for path in [
        "set/a.txt",
        "set/.hidden",
        "set/deep/er/b.txt",
        "set/deep/é c.txt",
    ] {
        scene.write(path, path);
    }
    scene.write("set/deep/.b.txt.pg_clone-tmp", "half");
    scene.write("set2/other", "not below set/");
    std::os::unix::fs::symlink(scene.root.join("set2"), scene.root.join("set/link")).unwrap();
    std::os::unix::fs::symlink(scene.root.join("set2/other"), scene.root.join("set/linked")).unwrap();
    scene.queue(&[("binary/set/", "binary/copy/")]).await;
    scene.work(0);

    let names = [".hidden", "a.txt", "deep/er/b.txt", "deep/é c.txt"];
    let copies = names.map(|name| (name.to_owned(), format!("set/{name}")));
    assert_eq!(scene.below("copy"), BTreeMap::from(copies));
    let row = "SELECT count(*) FROM clone.blob_copy WHERE source_key = 'binary/set/' AND state = 'done' AND bytes = 0
               AND method IS NOT NULL AND claimed_by IS NULL AND finished_at IS NOT NULL";
    assert_eq!(scene.number(row).await, 1);
    let files = "SELECT count(*) FROM clone.blob_copy AS f JOIN clone.blob_copy AS p USING (run_id, store, resource_type,
                     source_id, target_id, operation)
                 WHERE p.source_key = 'binary/set/' AND f.id <> p.id AND f.state = 'done' AND f.method = 'local'
                   AND f.source_key = replace(f.target_key, 'binary/copy/', p.source_key)";
    assert_eq!(scene.number(files).await, 4);
}

#[tokio::test]
async fn an_empty_and_an_absent_prefix_are_done_with_no_files() {
    let scene = Scene::set("blobs_prefix_empty").await;
    fs::create_dir_all(scene.root.join("empty/inner")).unwrap();
    let pairs = [("binary/empty/", "binary/a/"), ("binary/absent/", "binary/b/")];
    scene.queue(&pairs).await;
    scene.work(0);
    assert_eq!(scene.queue.count("done").await.unwrap(), 2);
    assert_eq!(scene.number("SELECT count(*) FROM clone.blob_copy").await, 2);
}

#[tokio::test]
async fn a_prefix_cannot_leave_the_root_nor_be_all_of_it() {
    let scene = Scene::set("blobs_prefix_traversal").await;
    let outside = scene.root.with_file_name("blobs_prefix_outside");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    scene.write("set/a", "a");
    scene.write("file", "no directory");
    std::os::unix::fs::symlink(&outside, scene.root.join("way-out")).unwrap();
    let pairs = [
        ("binary/../blobs_prefix_outside/", "binary/t1/"),
        ("/etc/", "binary/t2/"),
        ("/", "binary/t3/"),
        ("binary/", "binary/t4/"),
        ("binary/way-out/", "binary/t5/"),
        ("binary/set/", "binary/../../blobs_prefix_outside/"),
        ("binary/set/", "binary/no-slash"),
        ("binary/file/", "binary/t6/"),
    ];
    scene.queue(&pairs).await;
    scene.work(3);
    assert_eq!(
        scene.queue.count("failed").await.unwrap(),
        i64::try_from(pairs.len()).unwrap()
    );
    assert_eq!(scene.number("SELECT count(*) FROM clone.blob_copy").await, 8);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert!(!scene.root.join("no-slash").exists());
    fs::remove_dir_all(outside).unwrap();
}

#[tokio::test]
async fn deleting_a_prefix_fails_for_good_and_deletes_nothing() {
    let scene = Scene::set("blobs_prefix_delete").await;
    scene.write("set/a", "a");
    let keys = ["binary/set/", "binary/", "set/", "/"].map(str::to_owned);
    scene.queue.queue_deletes(&keys).await.unwrap();
    fs::create_dir(scene.root.join("empty")).unwrap();
    let said = scene.work(3);
    assert!(
        said.contains("binary/set/ stands for all files below it"),
        "{said}"
    );
    let for_good =
        "SELECT count(*) FROM clone.blob_copy WHERE state = 'failed' AND error_is_permanent AND attempts = 1";
    assert_eq!(scene.number(for_good).await, 4);
    assert_eq!(scene.below("set").len(), 1);
    assert!(scene.root.join("empty").exists());
}

#[tokio::test]
async fn two_workers_and_a_killed_one_queue_each_file_once() {
    let scene = Scene::set("blobs_prefix_killed").await;
    let sets: Vec<(String, String)> = (0..30)
        .map(|n| (format!("binary/set-{n}/"), format!("binary/copy-{n}/")))
        .collect();
    for n in 0..30 {
        for file in 0..40 {
            scene.write(&format!("set-{n}/{file}/data"), &format!("{n} {file}"));
        }
    }
    let pairs: Vec<(&str, &str)> = sets.iter().map(|(s, t)| (s.as_str(), t.as_str())).collect();
    scene.queue(&pairs).await;
    scene.queue.slow_down().await.unwrap();
    let worker = || Running::start(&mut scene.queue.worker(&["--concurrency", "4"])).unwrap();
    let killed = worker();
    scene.queue.wait_until_done(40).await.unwrap();
    killed.kill().unwrap();
    let done = scene.queue.count("done").await.unwrap();
    assert!(done < 30 + 30 * 40, "killed too late to show anything");
    for worker in [worker(), worker()] {
        let output = worker.finish().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let rows = "SELECT count(*) FROM clone.blob_copy WHERE state = 'done'";
    assert_eq!(scene.number(rows).await, 30 + 30 * 40);
    let keys = "SELECT count(DISTINCT target_key) FROM clone.blob_copy";
    assert_eq!(scene.number(keys).await, 30 + 30 * 40);
    for n in 0..30 {
        assert_eq!(
            scene.below(&format!("copy-{n}")),
            scene.below(&format!("set-{n}"))
        );
    }
}

#[tokio::test]
async fn a_worker_that_dies_while_it_queues_leaves_nothing_behind() {
    let scene = Scene::set("blobs_prefix_atomic").await;
    for n in 0..5 {
        scene.write(&format!("set/{n}"), "x");
    }
    // The statement has marked the row and inserted files when the session is torn from it.
    let trap = "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
                CREATE TRIGGER trap AFTER INSERT ON clone.blob_copy FOR EACH ROW
                WHEN (NEW.source_key LIKE 'binary/set/_') EXECUTE FUNCTION trap()";
    scene.queue(&[("binary/set/", "binary/copy/")]).await;
    scene.queue.client.batch_execute(trap).await.unwrap();
    let worker = Running::start(&mut scene.queue.worker(&[])).unwrap();
    let tried = "SELECT COALESCE(max(attempts), 0)::bigint FROM clone.blob_copy";
    let start = std::time::Instant::now();
    while scene.number(tried).await < 2 {
        assert!(start.elapsed().as_secs() < 30, "no second attempt");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    worker.kill().unwrap();
    assert_eq!(scene.number("SELECT count(*) FROM clone.blob_copy").await, 1);
    assert_eq!(scene.queue.count("done").await.unwrap(), 0);
    let mended = "DROP TRIGGER trap ON clone.blob_copy";
    scene.queue.client.batch_execute(mended).await.unwrap();
    scene.work(0);
    assert_eq!(scene.queue.count("done").await.unwrap(), 6);
    assert_eq!(scene.below("copy"), scene.below("set"));
}

#[tokio::test]
async fn a_role_without_insert_fails_the_prefix_in_clear_words_and_copies_the_rest() {
    let scene = Scene::set("blobs_prefix_rights").await;
    scene.write("set/a", "a");
    scene.write("single", "s");
    scene
        .queue(&[
            ("binary/set/", "binary/copy/"),
            ("binary/single", "binary/single-copy"),
        ])
        .await;
    let role = "CREATE ROLE prefix_worker LOGIN; GRANT USAGE ON SCHEMA clone TO prefix_worker;
                GRANT SELECT, UPDATE ON clone.blob_copy TO prefix_worker; GRANT SELECT ON clone.store TO prefix_worker";
    scene.queue.client.batch_execute(role).await.unwrap();
    let dsn = format!("{} user=prefix_worker", scene.queue.dsn);
    let said = exit(scene.queue.worker(&[]).args(["--dsn", &dsn]), 3);
    assert!(scene.root.join("single-copy").exists(), "{said}");
    let error =
        "SELECT count(*) FROM clone.blob_copy WHERE state = 'failed' AND last_error LIKE '%needs INSERT on%'";
    assert_eq!(scene.number(error).await, 1);

    let grant = "GRANT INSERT ON clone.blob_copy TO prefix_worker";
    scene.queue.client.batch_execute(grant).await.unwrap();
    exit(&mut scene.queue.pg_clone(&["blobs", "retry", "--permanent"]), 0);
    exit(scene.queue.worker(&[]).args(["--dsn", &dsn]), 0);
    assert_eq!(scene.below("copy"), scene.below("set"));
}
