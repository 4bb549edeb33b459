//! The driver deletes from a real Redis what refreshes, deletions and expiry made stale.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use pg_clone_tests::blob_queue::{pg_clone_binary, said};
use pg_clone_tests::scratch_database::{Scratch, cluster};
use pg_clone_tests::storage_servers::{REDIS_PASSWORD, StorageServer, redis};
use serde_json::Value;

const PROJECT: &str = "00000000-0000-4000-8000-000000000001";

/// A database with a store whose server keeps resources in a Redis.
struct Scene {
    database: Scratch,
    redis: StorageServer,
    dsn: String,
    password: &'static str,
}

impl Scene {
    async fn new(cache_in_options: bool) -> Self {
        let redis = redis(!cache_in_options);
        let database = Scratch::with_extension().await;
        let mut options = serde_json::json!({"cache_key": "{type}/{id}"});
        if cache_in_options {
            options["cache"] = format!("redis://{}", redis.address).into();
        }
        database
            .run(&format!(
                "SELECT clone.store_create('documents', 'documents', '{options}')"
            ))
            .await;
        database
            .run(&format!(
                "INSERT INTO documents.project (id, name) VALUES ('{PROJECT}', 'Source');
                 INSERT INTO documents.resource (project_id, resource_type, content) SELECT '{PROJECT}', 'Note', '{{}}' FROM generate_series(1, 2500)"
            ))
            .await;
        let dsn = cluster().await.dsn(&database.name);
        Self {
            database,
            redis,
            dsn,
            password: if cache_in_options { "" } else { REDIS_PASSWORD },
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(pg_clone_binary());
        command
            .env("REDISCLI_AUTH", self.password)
            .args(["--dsn", &self.dsn])
            .args(arguments);
        command
    }

    fn pg_clone(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What `redis-cli` answers.
    fn redis_cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .env("REDISCLI_AUTH", self.password)
            .args(["-p", &self.redis.address.port().to_string()])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Puts all resources of a project into the cache, and one of nobody's; returns the clone's keys.
    async fn fill(&self, project: &str) -> Vec<String> {
        let mut keys = self
            .database
            .list(&format!(
                "SELECT resource_type || '/' || id FROM documents.resource WHERE project_id = '{project}'"
            ))
            .await;
        keys.push(format!("Project/{project}"));
        let mut command = Command::new("redis-cli");
        command.env("REDISCLI_AUTH", self.password).args([
            "-p",
            &self.redis.address.port().to_string(),
            "MSET",
            "Note/other",
            "x",
        ]);
        for key in &keys {
            command.args([key, "old"]);
        }
        assert!(command.output().unwrap().status.success());
        keys
    }

    fn cached(&self) -> i64 {
        self.redis_cli(&["DBSIZE"]).parse().unwrap()
    }

    async fn left_to_do(&self) -> i64 {
        self.database
            .number("SELECT count(*) FROM clone.cache_invalidation")
            .await
    }

    async fn cloned(&self) -> String {
        self.database
            .clone_project(&format!("'{PROJECT}', 'Staging'"))
            .await
    }
}

#[tokio::test]
#[cfg_attr(not(redis_server), ignore = "needs redis-server")]
async fn a_refresh_by_the_driver_empties_the_cache_twice() {
    let scene = Scene::new(true).await;
    let staging = scene.cloned().await;
    let keys = scene.fill(&staging).await;
    assert_eq!(scene.cached(), 2502);
    let began = Instant::now();
    let mut refresh = scene.command(&["clone", PROJECT, "--name", "Staging", "--replace", &staging]);
    let running = std::thread::spawn(move || refresh.output().unwrap());
    // A server that has just read the old rows puts one there after the first time.
    while scene.cached() > 1 {
        assert!(began.elapsed() < Duration::from_secs(60), "never flushed");
        std::thread::sleep(Duration::from_millis(20));
    }
    scene.redis_cli(&["SET", &keys[0], "old, late"]);
    let output = running.join().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(began.elapsed() >= Duration::from_secs(5));
    assert_eq!(scene.cached(), 1, "only what is nobody's");
    assert_eq!(scene.redis_cli(&["GET", "Note/other"]), "x");
    assert_eq!(scene.left_to_do().await, 0);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("2,501 keys deleted, 2,501 of them once more"),
        "{text}"
    );
}

#[tokio::test]
#[cfg_attr(not(redis_server), ignore = "needs redis-server")]
async fn deletion_and_expiry_by_the_driver_empty_the_cache() {
    let scene = Scene::new(true).await;
    let staging = scene.cloned().await;
    scene.fill(&staging).await;
    let output = scene.pg_clone(&["delete", "--yes", &staging]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!((scene.cached(), scene.left_to_do().await), (1, 0));

    let trial = scene.cloned().await;
    scene.fill(&trial).await;
    scene
        .database
        .run("UPDATE clone.run SET expires_at = now() WHERE deleted_at IS NULL")
        .await;
    let output = scene.pg_clone(&["worker"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!((scene.cached(), scene.left_to_do().await), (1, 0));

    // What SQL alone has deleted is left to whoever works next.
    let third = scene.cloned().await;
    scene.fill(&third).await;
    scene
        .database
        .run(&format!("SELECT project_delete('{third}')"))
        .await;
    assert_eq!(scene.cached(), 2502);
    let output = scene.pg_clone(&["blobs", "run"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!((scene.cached(), scene.left_to_do().await), (1, 0));
}

#[tokio::test]
#[cfg_attr(not(redis_server), ignore = "needs redis-server")]
async fn a_cache_that_no_option_names_is_named_by_the_caller() {
    let scene = Scene::new(false).await;
    let staging = scene.cloned().await;
    scene.fill(&staging).await;
    let output = scene.pg_clone(&["delete", "--yes", &staging]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(scene.cached(), 2502);
    let output = scene.pg_clone(&["cache", "flush"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("store_alter"), "{}", said(&output));
    // The other way that the list of what is to be done names.
    let keys = scene
        .database
        .list("SELECT unnest(keys) FROM clone.cache_invalidation WHERE run_id = 1")
        .await;
    assert_eq!(keys.len(), 2501);
    let url = format!("redis://{}", scene.redis.address);
    let output = scene.pg_clone(&[
        "cache",
        "flush",
        "--cache",
        &url,
        "--again-after",
        "0.2",
        "--json",
    ]);
    assert!(output.status.success(), "{}", said(&output));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&answer["cache"]["keys"], &answer["cache"]["keys_again"]),
        (&2501.into(), &2501.into())
    );
    assert_eq!((scene.cached(), scene.left_to_do().await), (1, 0));
}

#[tokio::test]
#[cfg_attr(not(redis_server), ignore = "needs redis-server")]
async fn a_cache_that_cannot_be_reached_costs_nothing_and_is_tried_again() {
    let scene = Scene::new(true).await;
    let staging = scene.cloned().await;
    scene.fill(&staging).await;
    let names = |port: u16| {
        format!("SELECT clone.store_alter('documents', '{{\"cache\": \"redis://127.0.0.1:{port}\"}}')")
    };
    scene.database.run(&names(1)).await;
    let output = scene.pg_clone(&["clone", PROJECT, "--name", "Staging", "--replace", &staging]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output).contains("pg_clone cache flush"),
        "{}",
        said(&output)
    );
    assert_eq!(scene.cached(), 2502);
    scene.database.run(&names(scene.redis.address.port())).await;
    let output = scene.pg_clone(&["cache", "flush", "--again-after", "0.1"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!((scene.cached(), scene.left_to_do().await), (1, 0));
    let refused = scene.pg_clone(&["cache", "flush", "--cache", "http://example.org"]);
    // Nothing is stale any more, so nothing is connected to.
    assert!(refused.status.success(), "{}", said(&refused));
}

#[tokio::test]
#[cfg_attr(not(redis_server), ignore = "needs redis-server")]
async fn a_cache_that_the_database_names_gets_no_password() {
    let scene = Scene::new(false).await;
    let staging = scene.cloned().await;
    scene.fill(&staging).await;
    let url = format!("redis://{}", scene.redis.address);
    scene
        .database
        .run(&format!(
            "SELECT clone.store_alter('documents', '{{\"cache\": \"{url}\"}}')"
        ))
        .await;
    let output = scene.pg_clone(&["delete", "--yes", &staging]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(scene.cached(), 2502);
    let output = scene
        .command(&["cache", "flush", "--again-after", "0.1"])
        .env("PG_CLONE_CACHE", &url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!((scene.cached(), scene.left_to_do().await), (1, 0));
}
