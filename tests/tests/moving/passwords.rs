//! A password is in the command line of one process for the time of the call, and nowhere else.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pg_clone_tests::blob_queue::{Running, pg_clone_binary, said};
use throwaway_cluster::{Cluster, ClusterConfig};

use super::scene::{ACME, Scene};

const PASSWORD: &str = "s3cr3t-Pa55word";

/// A server that asks for passwords and logs whatever it can.
async fn server() -> Cluster {
    let config = ClusterConfig::default()
        .setting("log_statement", "all")
        .setting("log_min_duration_statement", "0")
        .setting("log_connections", "on")
        .setting("log_min_messages", "debug1")
        .setting("log_parameter_max_length", "-1");
    Cluster::start(config).unwrap()
}

/// From now on roles but postgres need their password.
async fn ask_for_passwords(cluster: &Cluster) {
    let file = cluster.data_directory().join("pg_hba.conf");
    let rules = "local all postgres trust\nlocal all all scram-sha-256\n";
    std::fs::write(file, rules).unwrap();
    let client = cluster.connect("postgres").await.unwrap();
    // The test's own statement is not logged.
    client
        .batch_execute(
            "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_messages = warning",
        )
        .await
        .unwrap();
    client
        .batch_execute(&format!(
            "CREATE ROLE mover LOGIN SUPERUSER PASSWORD '{PASSWORD}'; SELECT pg_reload_conf()"
        ))
        .await
        .unwrap();
}

/// Command lines of processes other than the given ones that hold the password.
fn seen_in_processes(except: u32) -> Vec<String> {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) || name == except.to_string() {
            continue;
        }
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(PASSWORD) {
            seen.push(name);
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_in_no_catalog_no_log_no_archive_and_no_other_process() {
    let (sources, targets) = (server().await, server().await);
    let scene = Scene::between(&sources, &targets).await;
    scene.source.run("CREATE EXTENSION pg_clone_ext").await;
    scene
        .source
        .run(include_str!("../../fixtures/shop_store.sql"))
        .await;
    for cluster in [&sources, &targets] {
        ask_for_passwords(cluster).await;
    }
    let with_password = |dsn: String| {
        let dsn = dsn
            .replace("user=reader", "user=mover")
            .replace("user=postgres", "user=mover");
        format!("{dsn} password={PASSWORD}")
    };
    let (from, to) = (with_password(scene.from()), with_password(scene.to()));
    let file = targets.directory().join("secret.clone");
    let file = file.to_str().unwrap();

    let calls: [&[&str]; 4] = [
        &["copy", ACME, "--from", &from, "--to", &to, "--verbose"],
        &["export", ACME, "-o", file, "--dbname", &from],
        &["import", file, "--dbname", &to],
        &[
            "copy",
            ACME,
            "--from",
            &from,
            "--to",
            &to,
            "--snapshot",
            "nonsense",
        ],
    ];
    for arguments in calls {
        let running = Running::start(Command::new(pg_clone_binary()).args(arguments)).unwrap();
        let (ended, pid) = (Arc::new(AtomicBool::new(false)), running.id());
        let watcher = {
            let ended = Arc::clone(&ended);
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                while !ended.load(Ordering::Relaxed) {
                    seen.extend(seen_in_processes(pid));
                }
                seen
            })
        };
        let output = running.finish().unwrap();
        ended.store(true, Ordering::Relaxed);
        assert_eq!(watcher.join().unwrap(), Vec::<String>::new());
        let expected = if arguments.contains(&"nonsense") { 1 } else { 0 };
        assert_eq!(output.status.code(), Some(expected), "{}", said(&output));
        assert!(!said(&output).contains(PASSWORD), "{}", said(&output));
    }
    assert_eq!(seen_in_processes(0), Vec::<String>::new());

    for (cluster, database) in [(&sources, &scene.source), (&targets, &scene.target)] {
        let log = std::fs::read_to_string(cluster.log_file()).unwrap();
        assert!(
            log.contains("connection authenticated") && log.contains("pg_clone_rows_0")
                || log.contains("COPY (SELECT")
        );
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(PASSWORD)).collect();
        assert_eq!(lines, Vec::<&str>::new());
        assert_eq!(database.number("SELECT count(*) FROM pg_user_mappings").await, 0);
        let dump = Command::new(cluster.installation().program("pg_dump"))
            .arg(format!("--dbname={}", cluster.dsn(&database.name)))
            .output()
            .unwrap();
        assert!(dump.status.success());
        assert!(!said(&dump).contains(PASSWORD));
        // What an extension's own tables hold is not all in a dump.
        let runs = database.list("SELECT r::text FROM clone.run r").await.join("\n");
        assert!(!runs.contains(PASSWORD), "{runs}");
    }
    let shown = Scene::pg_clone(&["show", file, "--json"]);
    assert!(said(&shown).contains(ACME) && !said(&shown).contains(PASSWORD));
}
