//! The private server: the extension, the target's tables without rows, and the description of the store.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use throwaway_cluster::{Cluster, ClusterConfig};

use crate::connect::Target;
use crate::connect::session::Session;
use crate::failure::Hinted;
use crate::interrupt::{Interrupt, Interrupted};
use crate::progress::Progress;

const DATABASE: &str = "postgres";
/// Name of the store in the private server.
const STORE: &str = "local";
/// Maximum number of psql's error lines in an error.
const SHOWN: usize = 5;

/// The source of the description of the target's tables.
#[derive(Debug, Clone)]
pub enum Description {
    /// A file of `pg_clone store export` or `discover`.
    File(PathBuf),
    /// The table of tenants for discovery.
    Tenant(String),
    /// A preset, such as medplum.
    Preset(String),
}

/// A private server; it is removed when the value is dropped or the process ends.
pub struct LocalServer {
    /// Its connection parameters.
    pub target: Target,
    // Dropped last.
    _cluster: Cluster,
}

impl LocalServer {
    /// Starts the server and creates the tables of `like`, whose definitions pg_dump reads: of these schemas, or of all.
    ///
    /// # Errors
    /// No server or no extension is installed on this machine, the schema cannot be read, or the tables cannot be described.
    pub async fn start(
        like: &Target,
        schemas: &[String],
        description: &Description,
        interrupt: &Interrupt,
        progress: &mut Progress,
    ) -> Result<Self> {
        progress.phase("starting a private PostgreSQL");
        // On a thread of its own, because initdb takes time; an interrupt drops the cluster that it returns.
        let starting = tokio::task::spawn_blocking(|| {
            let config = ClusterConfig::default()
                .setting("shared_buffers", "256MB")
                .setting("autovacuum", "off");
            Cluster::start(config)
        });
        let cluster = tokio::select! {
            started = starting => started.context("the start of the private server was interrupted")??,
            () = interrupt.wait() => return Err(Interrupted::nothing_changed().into()),
        };
        let target = Target::plain(
            cluster.connection(DATABASE),
            &format!("the private server in {}", cluster.directory().display()),
        )?;
        let server = Self {
            target,
            _cluster: cluster,
        };
        progress.phase("making the tables of the target");
        interrupt
            .or(server.make_tables(like, schemas, description, interrupt))
            .await?;
        progress.finish();
        Ok(server)
    }

    async fn make_tables(
        &self,
        like: &Target,
        schemas: &[String],
        description: &Description,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let session = Session::open(&self.target, interrupt, false).await?;
        session
            .execute("CREATE EXTENSION pg_clone_ext")
            .await
            .context(Hinted::new(
                "the extension is not installed for the PostgreSQL of this machine",
                "Run `make install PG_CONFIG=<path of pg_config>` here; the servers need nothing.",
            ))?;
        let complaints = self.dump_and_restore(like, schemas)?;
        session.execute(include_str!("sql/without_triggers.sql")).await?;
        describe(&session, description).await.with_context(|| {
            let shown: Vec<&str> = complaints.lines().take(SHOWN).collect();
            if shown.is_empty() {
                "cannot describe the target's tables".to_owned()
            } else {
                format!(
                    "cannot describe the target's tables, of which not all could be made here ({})",
                    shown.join("; ")
                )
            }
        })
    }

    /// Restores the target's schema without rows and owners. Returns psql's errors: a missing extension may not
    /// matter.
    fn dump_and_restore(&self, like: &Target, schemas: &[String]) -> Result<String> {
        let installation = self._cluster.installation();
        let file = self._cluster.directory().join("schema.sql");
        let output = File::create(&file).with_context(|| format!("cannot make {}", file.display()))?;
        let mut dump = Command::new(installation.program("pg_dump"));
        dump.args([
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--no-publications",
            "--no-subscriptions",
            "--no-tablespaces",
        ]);
        for schema in schemas {
            dump.arg(format!("--schema={schema}"));
        }
        if !schemas.is_empty() {
            dump.arg("--extension=*");
        }
        // The password is passed in the environment, which only this user can read; every user can read arguments.
        let dumped = like
            .in_environment(&mut dump)
            .stdin(Stdio::null())
            .stdout(output)
            .output()
            .context("cannot run pg_dump")?;
        if !dumped.status.success() {
            return Err(Hinted::new(
                format!(
                    "pg_dump cannot read the schema of {like}: {}",
                    String::from_utf8_lossy(&dumped.stderr).trim()
                ),
                "Name the schemas of the project's tables with --schema; pg_dump must be as new as the target.",
            )
            .into());
        }
        let mut restore = Command::new(installation.program("psql"));
        self.target.clear_environment(&mut restore);
        let restored = restore
            .args([
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=0",
                "--output=/dev/null",
            ])
            .arg(format!("--dbname={}", self._cluster.dsn(DATABASE)))
            .arg("--file")
            .arg(&file)
            .stdin(Stdio::null())
            .output()
            .context("cannot run psql")?;
        let complaints = String::from_utf8_lossy(&restored.stderr);
        if !restored.status.success() {
            bail!("psql failed: {}", complaints.trim());
        }
        Ok(complaints
            .lines()
            .filter(|line| line.contains("ERROR:") && !line.contains("already exists"))
            .collect::<Vec<_>>()
            .join("\n"))
    }
}

async fn describe(session: &Session, description: &Description) -> Result<()> {
    match description {
        Description::File(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let description: serde_json::Value =
                serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
            session
                .query(
                    "SELECT clone.store_import($1::jsonb, $2::text)",
                    &[&description, &STORE],
                )
                .await?;
        }
        Description::Tenant(table) => {
            let options = json!({"tenant": table});
            session
                .query(
                    "SELECT clone.store_create($1::text, 'discover', $2::jsonb)",
                    &[&STORE, &options],
                )
                .await?;
        }
        Description::Preset(preset) => {
            session
                .query("SELECT clone.store_create($1::text, $2::text)", &[&STORE, preset])
                .await?;
        }
    }
    Ok(())
}
