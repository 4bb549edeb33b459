//! The throw-away cluster: what it leaves behind (nothing), and that it survives what tests do to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use throwaway_cluster::{Cluster, ClusterConfig, Shutdown};

async fn value(cluster: &Cluster, sql: &str) -> String {
    let client = cluster.connect("postgres").await.unwrap();
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_dropped_cluster_leaves_no_process_and_no_directory() {
    let cluster = Cluster::start(ClusterConfig::default()).unwrap();
    assert_eq!(value(&cluster, "SELECT current_user::text").await, "postgres");
    assert_eq!(
        value(&cluster, "SELECT current_setting('listen_addresses')").await,
        ""
    );
    let directory = cluster.directory().to_path_buf();
    let postmaster = cluster.postmaster_pid().unwrap();
    drop(cluster);
    assert!(!directory.exists());
    assert!(!Path::new(&format!("/proc/{postmaster}")).exists());
}

#[tokio::test]
async fn committed_rows_survive_a_kill_of_a_durable_cluster() {
    let mut cluster = Cluster::start(
        ClusterConfig {
            durable: true,
            ..ClusterConfig::default()
        }
        .setting("work_mem", "5MB"),
    )
    .unwrap();
    let client = cluster.connect("postgres").await.unwrap();
    client
        .batch_execute("CREATE TABLE t AS SELECT 42 AS n")
        .await
        .unwrap();
    cluster.restart(Shutdown::Kill).unwrap();
    assert!(
        client.simple_query("SELECT 1").await.is_err(),
        "the old connection must be gone"
    );
    assert_eq!(value(&cluster, "SELECT n::text FROM t").await, "42");
    assert_eq!(value(&cluster, "SELECT current_setting('work_mem')").await, "5MB");
    cluster.set("work_mem", "6MB").unwrap();
    cluster.restart(Shutdown::Fast).unwrap();
    assert_eq!(value(&cluster, "SELECT current_setting('work_mem')").await, "6MB");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why_and_leaves_nothing() {
    let before = directories();
    let error = Cluster::start(ClusterConfig::default().setting("no_such_setting", "1")).unwrap_err();
    assert!(format!("{error:#}").contains("no_such_setting"), "{error:#}");
    assert!(
        directories()
            .iter()
            .all(|directory| before.contains(directory) || in_use(directory))
    );
}

/// Run as a process of its own by the tests below: starts a cluster and holds it until it is killed.
#[test]
#[ignore = "a helper process of the tests that kill it"]
fn holds_a_cluster() {
    let cluster = Cluster::start(ClusterConfig::default()).unwrap();
    println!(
        "\nholding {} {}",
        cluster.directory().display(),
        cluster.postmaster_pid().unwrap()
    );
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_sigkill_of_the_process_leaves_no_server_and_no_directory() {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["holds_a_cluster", "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(holder.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("holding ").map(str::to_owned))
        .expect("the helper starts a cluster");
    let (directory, postmaster) = said.split_once(' ').unwrap();
    assert!(Path::new(directory).join("data/postmaster.pid").exists());
    kill(Pid::from_raw(holder.id().try_into().unwrap()), Signal::SIGKILL).unwrap();
    holder.wait().unwrap();

    let deadline = Instant::now() + Duration::from_secs(20);
    let process = PathBuf::from(format!("/proc/{postmaster}"));
    while Path::new(directory).exists() || process.exists() {
        assert!(
            Instant::now() < deadline,
            "{directory} or its server is still there"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn directories() -> Vec<PathBuf> {
    std::fs::read_dir(std::env::temp_dir())
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("pg_clone.")
        })
        .collect()
}

/// Other tests run clusters at the same time; theirs have a data directory that is being made or a live server.
fn in_use(directory: &Path) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let pid = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap_or_default();
        if !directory.exists()
            || pid
                .lines()
                .next()
                .is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists())
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
