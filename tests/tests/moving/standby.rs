//! A standby as the source: nothing is written there.

use std::process::Command;
use std::time::Duration;

use pg_clone_tests::blob_queue::said;
use throwaway_cluster::{Cluster, ClusterConfig};

use super::scene::{ACME, Scene, source_server};

/// A server in hot standby of another, stopped when it is dropped.
struct Standby<'p> {
    primary: &'p Cluster,
    data: String,
    sockets: String,
}

impl<'p> Standby<'p> {
    fn of(primary: &'p Cluster) -> Self {
        let sockets = primary.make_directory("standby").unwrap();
        let sockets = sockets.to_str().unwrap().to_owned();
        let standby = Standby {
            primary,
            data: format!("{sockets}/data"),
            sockets,
        };
        standby.server_program(
            "pg_basebackup",
            &[
                "-D",
                &standby.data,
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "-d",
                &primary.dsn("postgres"),
            ],
        );
        let log = format!("{}/log", standby.sockets);
        let options = format!("-c unix_socket_directories={}", standby.sockets);
        standby.server_program(
            "pg_ctl",
            &["-D", &standby.data, "-l", &log, "-o", &options, "-w", "start"],
        );
        standby
    }

    fn server_program(&self, name: &str, arguments: &[&str]) {
        let mut command = Command::new(self.primary.installation().program(name));
        command.args(arguments).current_dir("/");
        self.primary.account().apply(&mut command);
        let status = command.stdout(std::process::Stdio::null()).status().unwrap();
        assert!(status.success(), "{name} {arguments:?}");
    }

    fn dsn(&self, database: &str, user: &str) -> String {
        format!(
            "host={} port={} dbname={database} user={user}",
            self.sockets,
            self.primary.port()
        )
    }

    /// Waits until it has replayed all that the primary has written.
    async fn catch_up(&self, primary: &pg_clone_tests::scratch_database::Scratch, database: &str) {
        // Test clusters commit asynchronously; the switch flushes what they have committed.
        let written = primary.text("SELECT pg_switch_wal()").await;
        let (client, connection) =
            tokio_postgres::connect(&self.dsn(database, "postgres"), tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        let behind = format!("SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= '{written}'");
        for _ in 0..300 {
            if client.query_one(&behind, &[]).await.unwrap().get::<_, bool>(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the standby does not catch up");
    }
}

impl Drop for Standby<'_> {
    fn drop(&mut self) {
        self.server_program("pg_ctl", &["-D", &self.data, "-m", "immediate", "stop"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_in_recovery_is_a_source() {
    let primary = Cluster::start(
        ClusterConfig::default()
            .setting("wal_level", "replica")
            .setting("max_wal_senders", "4"),
    )
    .unwrap();
    let scene = Scene::between(&primary, source_server().await).await;
    let standby = Standby::of(&primary);
    // What is written later arrives there too.
    scene
        .source
        .run(&format!(
            "UPDATE shop.product SET price = 77 WHERE tenant_id = '{ACME}'"
        ))
        .await;
    standby.catch_up(&scene.source, &scene.source.name).await;
    let expected = Scene::content(&scene.source, ACME).await;
    assert!(expected.iter().any(|row| row.contains("77")), "{expected:?}");

    let from = standby.dsn(&scene.source.name, "reader");
    let to = scene.to();
    let output = Scene::pg_clone(&["copy", ACME, "--from", &from, "--to", &to, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = result["project"]["id"].as_str().unwrap();
    assert_eq!(Scene::content(&scene.target, id).await, expected);
    let output = Scene::pg_clone(&["copy", ACME, "--from", &from, "--to", &to, "--keep-ids"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(Scene::content(&scene.target, ACME).await, expected);
}
