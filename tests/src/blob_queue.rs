//! A queue of files in a database that has only the install scripts, and worker processes for it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use throwaway_cluster::{Cluster, ClusterConfig};
use tokio_postgres::Client;

use crate::storage_servers::repository;

/// A database with the queue.
pub struct BlobQueue {
    /// A superuser's connection.
    pub client: Client,
    /// Connection string of the database.
    pub dsn: String,
}

/// A file to be queued: source and target key, without `binary/`.
#[derive(Clone, Debug)]
pub struct File {
    /// Key in the source.
    pub source: String,
    /// Key in the target.
    pub target: String,
}

impl File {
    /// The `n`-th file of a test, in the layout of Medplum.
    pub fn numbered(n: usize) -> Self {
        Self {
            source: format!("binary/source-{n}/v1"),
            target: format!("binary/target-{n}/v2"),
        }
    }
}

/// The cluster of this test program: its guard ends it with the program.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| match Cluster::start(ClusterConfig::default()) {
        Ok(cluster) => cluster,
        Err(error) => panic!("no cluster: {error:#}"),
    })
}

impl BlobQueue {
    /// An empty queue in the database `name`, and a store `files` whose option `blobs` is the given one.
    ///
    /// # Errors
    /// When the database or one of its scripts fails.
    pub async fn create(name: &str, blobs: &str) -> anyhow::Result<Self> {
        let cluster = cluster();
        cluster
            .connect("postgres")
            .await?
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await?;
        let client = cluster.connect(name).await?;
        client.batch_execute("CREATE SCHEMA IF NOT EXISTS clone").await?;
        for script in ["stores/catalog", "runs/runs", "runs/blob_queue"] {
            let path = repository().join(format!("sql/install/{script}.sql"));
            client.batch_execute(&std::fs::read_to_string(path)?).await?;
        }
        let options = serde_json::json!({"blobs": blobs, "blob_prefix_in_bucket": "binary/"});
        client
            .execute(
                "INSERT INTO clone.store (name, preset, options) VALUES ('files', 'medplum', $1)",
                &[&options],
            )
            .await?;
        client
            .batch_execute(
                "INSERT INTO clone.run (store, source_project, target_project, arguments, run_by, session_by, started_at)
                 VALUES ('files', 'a', 'b', '{}', 'test', 'test', now())",
            )
            .await?;
        Ok(Self {
            client,
            dsn: cluster.dsn(name),
        })
    }

    /// Queues copies as the extension does: rows and one notification in one transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue(&self, files: &[File]) -> anyhow::Result<()> {
        let sources: Vec<&str> = files.iter().map(|file| file.source.as_str()).collect();
        let targets: Vec<&str> = files.iter().map(|file| file.target.as_str()).collect();
        self.client
            .execute(
                "WITH queued AS (
                     INSERT INTO clone.blob_copy (run_id, store, operation, resource_type, source_id, target_id,
                                                  source_key, target_key, content_type, size_expected)
                     SELECT 1, 'files', 'copy', 'Binary', source, target, source, target, NULL, NULL
                     FROM unnest($1::text[], $2::text[]) AS file (source, target))
                 SELECT pg_notify('clone_blob_copy', '1')",
                &[&sources, &targets],
            )
            .await?;
        Ok(())
    }

    /// Queues deletes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue_deletes(&self, keys: &[String]) -> anyhow::Result<()> {
        self.client
            .execute(
                "INSERT INTO clone.blob_copy (run_id, store, operation, target_key)
                 SELECT 1, 'files', 'delete', key FROM unnest($1::text[]) AS key",
                &[&keys],
            )
            .await?;
        Ok(())
    }

    /// Number of rows in a state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, state: &str) -> anyhow::Result<i64> {
        let query = "SELECT count(*) FROM clone.blob_copy WHERE state = $1";
        Ok(self.client.query_one(query, &[&state]).await?.get(0))
    }

    /// Number of rows done by a method.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn done_by(&self, method: &str) -> anyhow::Result<i64> {
        let query = "SELECT count(*) FROM clone.blob_copy WHERE state = 'done' AND method = $1";
        Ok(self.client.query_one(query, &[&method]).await?.get(0))
    }

    /// Waits until at least `least` rows are done.
    ///
    /// # Errors
    /// When that takes a minute.
    pub async fn wait_until_done(&self, least: i64) -> anyhow::Result<()> {
        let start = Instant::now();
        while self.count("done").await? < least {
            anyhow::ensure!(
                start.elapsed() < Duration::from_secs(60),
                "waited a minute for {least} files"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Lets each statement that claims or records files take a tenth of a second, so that a worker that has recorded some of
    /// many files still has files left when a test stops it, however fast the machine is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn slow_down(&self) -> anyhow::Result<()> {
        let slow = "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql
                        AS 'BEGIN PERFORM pg_catalog.pg_sleep(0.1); RETURN NULL; END';
                    CREATE TRIGGER slow BEFORE UPDATE ON clone.blob_copy
                        FOR EACH STATEMENT EXECUTE FUNCTION public.slow()";
        Ok(self.client.batch_execute(slow).await?)
    }

    /// `pg_clone blobs run …` on this queue.
    pub fn worker(&self, arguments: &[&str]) -> Command {
        self.pg_clone(&[&["blobs", "run", "--first-wait", "0.05"], arguments].concat())
    }

    /// `pg_clone …` on this database.
    pub fn pg_clone(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(pg_clone_binary());
        command
            .args(["--dsn", &self.dsn])
            .args(arguments)
            .stdin(Stdio::null());
        // Tests must not use credentials of the machine.
        for name in [
            "AWS_PROFILE",
            "AWS_ENDPOINT_URL_S3",
            "AZURE_STORAGE_CONNECTION_STRING",
        ] {
            command.env_remove(name);
        }
        command
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null");
        command
    }
}

/// A worker process that is killed when the test fails.
pub struct Running(Child);

impl Running {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self(
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?,
        ))
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn signal(&self, signal: nix::sys::signal::Signal) -> anyhow::Result<()> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0.id())?);
        Ok(nix::sys::signal::kill(pid, signal)?)
    }

    /// Kills it without warning.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn finish(mut self) -> anyhow::Result<Output> {
        use std::io::Read as _;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        if let Some(mut pipe) = self.0.stdout.take() {
            pipe.read_to_end(&mut stdout)?;
        }
        if let Some(mut pipe) = self.0.stderr.take() {
            pipe.read_to_end(&mut stderr)?;
        }
        Ok(Output {
            status: self.0.wait()?,
            stdout,
            stderr,
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Standard output and standard error of a process.
pub fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The command under test: `PG_CLONE_BIN`, or the one next to this test program, built if necessary.
pub fn pg_clone_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(binary) = std::env::var_os("PG_CLONE_BIN") {
            return binary.into();
        }
        let mut build = Command::new(env!("CARGO"));
        build
            .args(["build", "--quiet"])
            // The packages that the tests are built with: other sets would build the dependencies again.
            .args(["--package", "pg_clone_core", "--package", "throwaway_cluster"])
            .args(["--package", "clone_archive", "--package", "pg_clone"])
            .args(["--package", "pg_clone_tests", "--bin", "pg_clone"])
            .current_dir(repository());
        // ring's build script would build everything again because of variables that cargo sets for tests.
        for (name, _) in std::env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|start| name.to_string_lossy().starts_with(start))
            {
                build.env_remove(name);
            }
        }
        let built = build.status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "the pg_clone command does not build"
        );
        // target/<profile>/deps/<test program> → target/<profile>/pg_clone
        let program = std::env::current_exe().unwrap_or_default();
        let profile = program.ancestors().nth(2).map(Path::to_owned).unwrap_or_default();
        profile.join("pg_clone")
    })
}
