//! Behind a transaction pooler every statement may run in another connection, and a connection is given to somebody else
//! afterwards: nothing may be left behind in it, and what needs a session is refused.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use pg_clone_tests::blob_queue::{pg_clone_binary, said};
use pg_clone_tests::driver_source::{PROJECT, Source, json};
use pg_clone_tests::scratch_database::cluster;
use tokio_postgres::SimpleQueryMessage;

/// PgBouncer in transaction mode with one connection to the server.
struct Pooler {
    process: Child,
    directory: PathBuf,
    dsn: String,
}

impl Pooler {
    async fn before(source: &Source, more: &str) -> Self {
        let cluster = cluster().await;
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let directory = cluster.make_directory(&format!("pooler-{port}")).unwrap();
        let configuration = directory.join("pgbouncer.ini");
        let database = &source.database.name;
        fs::write(
            &configuration,
            format!(
                "[databases]\n{database} = host={} port={} user=postgres dbname={database}\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
                 pool_mode = transaction\ndefault_pool_size = 1\nlogfile = {}\n{more}\n",
                cluster.directory().display(),
                cluster.port(),
                directory.join("log").display(),
            ),
        )
        .unwrap();
        cluster.give_away(&directory).unwrap();
        let mut command = Command::new("/usr/sbin/pgbouncer");
        command
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = cluster
            .account()
            .apply(&mut command)
            .spawn()
            .expect("pgbouncer is not installed");
        let pooler = Self {
            process,
            directory,
            dsn: format!(
                "host=127.0.0.1 port={port} user=postgres dbname={}",
                source.database.name
            ),
        };
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "pgbouncer does not come up"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        pooler
    }

    fn pg_clone(&self, arguments: &[&str]) -> Output {
        Command::new(pg_clone_binary())
            .args(["--dsn", &self.dsn])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// One value, asked by a client of the same pool.
    async fn value(&self, sql: &str) -> String {
        let (client, connection) = tokio_postgres::connect(&self.dsn, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let answer = client.simple_query(sql).await.unwrap();
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        row.unwrap()
    }

    /// What a statement of ours could have left in the connection that all share.
    async fn check_nothing_is_left(&self, after: &str) {
        for (sql, expected) in [
            ("SELECT current_setting('search_path')", "\"$user\", public"),
            ("SELECT current_setting('statement_timeout')", "0"),
            ("SELECT count(*) FROM pg_prepared_statements", "0"),
            ("SELECT count(*) FROM pg_listening_channels()", "0"),
            (
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
                "0",
            ),
            (
                "SELECT count(*) FROM pg_settings WHERE source = 'session' AND name <> ALL ('{application_name,client_encoding,DateStyle,TimeZone,IntervalStyle,standard_conforming_strings}')",
                "0",
            ),
        ] {
            assert_eq!(self.value(sql).await, expected, "{sql} after {after}");
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test]
async fn commands_run_through_a_pooler_again_and_again_and_leave_nothing_behind() {
    let source = Source::with_resources(20).await;
    let pooler = Pooler::before(&source, "").await;
    let mut clones = Vec::new();
    for how in ["--no-blobs", "--blobs-later"] {
        let cloned = pooler.pg_clone(&["clone", PROJECT, how, "--json"]);
        assert_eq!(cloned.status.code(), Some(0), "{}", said(&cloned));
        clones.push(
            json(&cloned)["report"]["run"]["target_project"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        pooler.check_nothing_is_left("clone").await;
    }
    for _ in 0..2 {
        for arguments in [
            &["runs"][..],
            &["show", "1"],
            &["jobs"],
            &["store", "list"],
            &["verify", &clones[0], "--no-blobs"],
            &["clone", PROJECT, "--dry-run"],
            &["delete", &clones[0], "--dry-run"],
            &["blobs", "retry"],
            &["version"],
        ] {
            let output = pooler.pg_clone(arguments);
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
            pooler.check_nothing_is_left(arguments[0]).await;
        }
        assert_eq!(
            pooler.pg_clone(&["blobs", "status"]).status.code(),
            Some(3),
            "files wait"
        );
    }
    for clone in &clones {
        let deleted = pooler.pg_clone(&["delete", clone, "--yes", "--blobs-later"]);
        assert_eq!(deleted.status.code(), Some(0), "{}", said(&deleted));
        pooler.check_nothing_is_left("delete").await;
    }
    assert_eq!(
        source
            .database
            .number("SELECT count(*) FROM documents.project")
            .await,
        1
    );
}

#[tokio::test]
async fn what_needs_a_session_is_refused_before_anything_is_done() {
    let source = Source::with_resources(20).await;
    source.pg_clone(&["clone", PROJECT, "--blobs-later"]);
    source.pg_clone(&["clone", PROJECT, "--background"]);
    // A pooler may refuse our settings, or be told to pass over them.
    for more in ["", "ignore_startup_parameters = options"] {
        let pooler = Pooler::before(&source, more).await;
        for arguments in [
            &["blobs", "run"][..],
            &["worker"],
            &["clone", PROJECT],
            &["delete", PROJECT, "--force", "--yes"],
        ] {
            let output = pooler.pg_clone(arguments);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
            assert!(
                said(&output).contains("goes through a connection pooler"),
                "{}",
                said(&output)
            );
            pooler.check_nothing_is_left(arguments[0]).await;
        }
    }
    assert_eq!(source.runs().await, 1);
    assert_eq!(
        source
            .database
            .text("SELECT string_agg(DISTINCT state, ',') FROM clone.blob_copy")
            .await,
        "pending"
    );
    assert_eq!(source.pg_clone(&["blobs", "run"]).status.code(), Some(0));
}
