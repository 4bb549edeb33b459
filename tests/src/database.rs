//! Databases for tests: each test gets one of its own, copied from a template that is made once per test program.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};
use pgclone::cluster::{Cluster, ClusterConfig};
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use tokio_postgres::error::DbError;

use crate::shared_data::shared_data;

/// What is in a database from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Nothing.
    Empty,
    /// The extension `pg_clone_ext`.
    Extension,
    /// The extension and the Medplum dump of the shared data, not yet registered as a store.
    Medplum,
}

impl Template {
    const fn database(self) -> &'static str {
        match self {
            Self::Empty => "template0",
            Self::Extension => "template_extension",
            Self::Medplum => "template_medplum",
        }
    }
}

/// A database that is dropped with this value.
pub struct TestDatabase {
    /// Its name.
    pub name: String,
    /// A superuser's connection.
    pub client: Client,
}

/// The cluster that the databases of this test program are on; its guard ends it with the program.
///
/// # Panics
/// When no cluster can be started.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let config = ClusterConfig::default()
            .setting("max_connections", "200")
            .setting("shared_buffers", "512MB")
            .setting("maintenance_work_mem", "256MB")
            .setting("autovacuum", "off");
        match Cluster::start(config) {
            Ok(cluster) => cluster,
            Err(error) => panic!("no cluster for the tests: {error:#}"),
        }
    })
}

/// A new database from `template`; `None`, with a line that says so, when the shared data that it needs is not there.
///
/// # Errors
/// When the extension is not installed, or the database cannot be made.
pub async fn fresh_database(template: Template) -> Result<Option<TestDatabase>> {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    if !prepare(template).await? {
        return Ok(None);
    }
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let maintenance = cluster().connect("postgres").await?;
    // Copying files is the faster way for a large template when nothing is synced.
    let strategy = if template == Template::Medplum {
        "STRATEGY file_copy"
    } else {
        ""
    };
    maintenance
        .batch_execute(&format!(
            "CREATE DATABASE {name} TEMPLATE {} {strategy}",
            template.database()
        ))
        .await
        .with_context(|| format!("cannot copy {}", template.database()))?;
    let client = cluster().connect(&name).await?;
    Ok(Some(TestDatabase { name, client }))
}

/// A new database with the extension.
///
/// # Errors
/// As [`fresh_database`].
pub async fn extension_database() -> Result<TestDatabase> {
    fresh_database(Template::Extension)
        .await?
        .context("the extension needs no shared data")
}

impl TestDatabase {
    /// Another connection to it, as superuser.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn connect(&self) -> Result<Client> {
        cluster().connect(&self.name).await
    }

    /// A connection as the role `role`, which must exist and be able to log in.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn connect_as(&self, role: &str) -> Result<Client> {
        let (client, connection) = cluster()
            .connection(&self.name)
            .user(role)
            .connect(tokio_postgres::NoTls)
            .await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// How other programs reach it.
    pub fn dsn(&self) -> String {
        cluster().dsn(&self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A database of the Medplum dump is large, and a test program makes many.
        let _ = client_program("dropdb")
            .args(["--force", "--if-exists", &self.name])
            .output();
    }
}

/// The server's error in `result`.
///
/// # Errors
/// When `result` is no error, or not one of the server.
pub fn server_error<T>(result: Result<T, tokio_postgres::Error>) -> Result<DbError> {
    match result {
        Ok(_) => bail!("an error was expected"),
        Err(error) => error
            .as_db_error()
            .cloned()
            .context("an error of the server was expected"),
    }
}

/// Makes the template unless it is there; false when it cannot be made for want of data.
async fn prepare(template: Template) -> Result<bool> {
    static EXTENSION: OnceCell<()> = OnceCell::const_new();
    static MEDPLUM: OnceCell<bool> = OnceCell::const_new();
    match template {
        Template::Empty => Ok(true),
        Template::Extension => {
            EXTENSION.get_or_try_init(|| make(template)).await?;
            Ok(true)
        }
        Template::Medplum => {
            let there = MEDPLUM.get_or_try_init(|| async {
                let Some(dump) = shared_data("data/medplum/medplum.dump") else {
                    return Ok(false);
                };
                make(template).await?;
                let output = client_program("pg_restore")
                    .args([
                        "--no-owner",
                        "--exit-on-error",
                        "--jobs=2",
                        "--dbname",
                        template.database(),
                    ])
                    .arg(&dump)
                    .output()
                    .context("cannot run pg_restore")?;
                if !output.status.success() {
                    bail!(
                        "pg_restore of {}: {}",
                        dump.display(),
                        String::from_utf8_lossy(&output.stderr)
                    );
                }
                let client = cluster().connect(template.database()).await?;
                client.batch_execute("ANALYZE").await?;
                Ok(true)
            });
            there.await.copied()
        }
    }
}

/// Creates the template's database with the extension in it.
async fn make(template: Template) -> Result<()> {
    let name = template.database();
    let maintenance = cluster().connect("postgres").await?;
    maintenance
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
        .await?;
    let client = cluster().connect(name).await?;
    client.batch_execute("CREATE EXTENSION pg_clone_ext").await.context(
        "the extension is not installed for this PostgreSQL, or an older build of it is: run scripts/install-extension.sh",
    )
}

/// One of PostgreSQL's own programs, pointed at the cluster.
fn client_program(name: &str) -> Command {
    let mut command = Command::new(cluster().installation().program(name));
    command
        .env("PGHOST", cluster().directory())
        .env("PGPORT", cluster().port().to_string())
        .env("PGUSER", pgclone::cluster::SUPERUSER);
    command
}
