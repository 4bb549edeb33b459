//! The Medplum database of `shared/data/medplum`, restored once per test program, and queries on it.

use std::path::PathBuf;
use std::process::Command;

use tokio::sync::OnceCell;

use crate::scratch_database::{Scratch, cluster};
use crate::storage_servers::repository;

/// The project that the dump holds.
pub const PROJECT: &str = "35f1dbf7-3a18-485a-8785-1890ae507703";
/// Resources of the project that are live.
pub const LIVE: i64 = 6298;
/// Those of the types that are never cloned: 31 AuditEvent, 1 AsyncJob, 2 UserSecurityRequest.
pub const OF_EXCLUDED_TYPES: i64 = 34;
/// Name of the clone in [`cloned`].
pub const CLONE_NAME: &str = "Staging Clinic";

/// The directory of the real data. Tests that need it are ignored where `build.rs` does not find it.
///
/// # Panics
/// When it is not there.
pub fn data() -> PathBuf {
    let directory = repository().join("../shared/data/medplum");
    assert!(
        directory.join("medplum.dump").is_file(),
        "{} has no medplum.dump",
        directory.display()
    );
    directory
}

/// A database of its own with the dump, the extension, and the store `medplum`.
pub async fn source() -> Scratch {
    restored().await;
    Scratch::copy_of("medplum").await
}

/// The same with `fixtures/medplum_additions.sql` in the source project: rows that the dump lacks.
pub async fn source_with_additions() -> Scratch {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    restored().await;
    TEMPLATE
        .get_or_init(|| async {
            let database = Scratch::copy_of("medplum").await;
            database
                .run(include_str!("../fixtures/medplum_additions.sql"))
                .await;
            rename(database, "medplum_additions").await;
        })
        .await;
    Scratch::copy_of("medplum_additions").await
}

/// A database that all tests share: they clone inside a transaction that they roll back.
pub async fn shared() -> Scratch {
    static SHARED: OnceCell<()> = OnceCell::const_new();
    restored().await;
    SHARED
        .get_or_init(|| async { rename(Scratch::copy_of("medplum").await, "medplum_shared").await })
        .await;
    let database = Scratch::of("medplum_shared").await;
    database.run("BEGIN").await;
    database
}

/// A database that all tests share and only read: the source, its clone named [`CLONE_NAME`], and the tables of
/// `fixtures/medplum_map.sql` that say which is whose clone. Also returns the clone's id.
pub async fn cloned() -> (Scratch, String) {
    static CLONE: OnceCell<String> = OnceCell::const_new();
    restored().await;
    let clone = CLONE
        .get_or_init(|| async {
            let database = Scratch::copy_of("medplum").await;
            let clone = database
                .clone_project(&format!("'{PROJECT}', '{CLONE_NAME}'"))
                .await;
            database
                .run(&format!("SELECT test.pair('{PROJECT}', '{clone}')"))
                .await;
            rename(database, "medplum_cloned").await;
            clone
        })
        .await;
    (Scratch::of("medplum_cloned").await, clone.clone())
}

/// A version of the server's schema that the data can be brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 100, as the dump has it.
    Dumped,
    /// 101, which many servers of early 2026 have.
    V101,
    /// The newest one: `shared/data/medplum/upgrade_to_newest.sql`, with rows of the new types.
    Newest,
}

/// Brings a database from the dump to a version, as a server's migrations would.
///
/// # Panics
/// When it cannot be upgraded.
pub async fn upgrade(database: &Scratch, version: Version) {
    match version {
        Version::Dumped => {}
        Version::V101 => database.run(include_str!("../fixtures/medplum_101.sql")).await,
        Version::Newest => {
            run_script(&database.name, &data().join("upgrade_to_newest.sql")).await;
        }
    }
}

/// A database of its own at a version, with the store described for it.
pub async fn source_at(version: Version) -> Scratch {
    let database = source().await;
    upgrade(&database, version).await;
    database.run("SELECT clone.store_refresh('medplum')").await;
    database
}

async fn run_script(database: &str, script: &std::path::Path) {
    let cluster = cluster().await;
    let output = Command::new(cluster.installation().program("psql"))
        .args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "--username=postgres",
            "--host",
        ])
        .arg(cluster.directory())
        .arg(format!("--port={}", cluster.port()))
        .arg(format!("--dbname={database}"))
        .arg("--file")
        .arg(script)
        .output()
        .unwrap_or_else(|error| panic!("psql cannot be run: {error}"));
    assert!(
        output.status.success(),
        "{}: {}",
        script.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn rename(database: Scratch, name: &str) {
    let old = database.name.clone();
    drop(database);
    let postgres = Scratch::of("postgres").await;
    postgres
        .wait_until(&format!(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{old}')"
        ))
        .await;
    postgres
        .run(&format!("ALTER DATABASE {old} RENAME TO {name}"))
        .await;
}

/// Restores the dump into the template database `medplum`.
async fn restored() {
    static RESTORED: OnceCell<()> = OnceCell::const_new();
    let dump = data().join("medplum.dump");
    RESTORED
        .get_or_init(|| async {
            let cluster = cluster().await;
            Scratch::of("postgres")
                .await
                .run("CREATE DATABASE medplum TEMPLATE template0")
                .await;
            let output = Command::new(cluster.installation().program("pg_restore"))
                .args([
                    "--no-owner",
                    "--jobs=2",
                    "--username=postgres",
                    "--dbname=medplum",
                    "--host",
                ])
                .arg(cluster.directory())
                .arg(format!("--port={}", cluster.port()))
                .arg(dump)
                .output()
                .unwrap_or_else(|error| panic!("pg_restore cannot be run: {error}"));
            assert!(
                output.status.success(),
                "pg_restore: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let database = Scratch::of("medplum").await;
            database
                .run("CREATE EXTENSION pg_clone_ext; SELECT clone.store_create('medplum', 'medplum')")
                .await;
            database.run(include_str!("../fixtures/medplum_map.sql")).await;
        })
        .await;
}
