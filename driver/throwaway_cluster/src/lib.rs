//! A private temporary PostgreSQL cluster for `pg_clone demo` and the integration tests.
//!
//! It is in one temporary directory (data, socket, log), listens on a Unix socket only, and trusts every connection through
//! that socket (other users cannot enter the directory). Its processes and directory are removed when the [`Cluster`] is
//! dropped or its process ends: a guard process does this.

mod account;
mod binaries;
mod guard;
mod leftovers;
mod settings;

pub use account::Account;
pub use binaries::{Installation, SUPPORTED_MAJORS};
pub use settings::ClusterConfig;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use guard::Guard;

/// Name of the superuser of every cluster made here.
pub const SUPERUSER: &str = "postgres";

/// Port in the name of the socket file; nothing listens on TCP unless [`ClusterConfig::tcp_port`] is given.
const SOCKET_PORT: u16 = 5432;

/// Time limit for the start and the stop of a server.
const PATIENCE: Duration = Duration::from_secs(60);

/// Modes of stopping a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Disconnects the clients, writes a checkpoint.
    Fast,
    /// Stops at once; the next start recovers from the write-ahead log.
    Immediate,
    /// SIGKILL to every process: the data directory is as after a crash of the machine.
    Kill,
}

/// A private PostgreSQL cluster. Dropping it stops the server and removes its directory.
#[derive(Debug)]
pub struct Cluster {
    installation: Installation,
    account: Account,
    config: ClusterConfig,
    server: Option<Child>,
    guard: Guard,
}

impl Cluster {
    /// Finds PostgreSQL, runs initdb and starts the server; returns when it accepts connections.
    ///
    /// # Errors
    /// No supported PostgreSQL is found, or initdb or the server fails; the message has the end of the log.
    pub fn start(config: ClusterConfig) -> Result<Self> {
        Self::start_on(Installation::find()?, config)
    }

    /// As [`Cluster::start`], with the given installation of PostgreSQL.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_on(installation: Installation, config: ClusterConfig) -> Result<Self> {
        let account = Account::for_server()?;
        let guard = Guard::start(&installation, &account)?;
        let mut cluster = Self {
            installation,
            account,
            config,
            server: None,
            guard,
        };
        cluster.initdb()?;
        cluster.launch()?;
        Ok(cluster)
    }

    /// The PostgreSQL installation the cluster runs on.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The operating system account the server runs as.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The directory of this cluster: data, socket, log.
    pub fn directory(&self) -> &Path {
        self.guard.directory()
    }

    /// The data directory.
    pub fn data_directory(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// Creates a directory inside the cluster's, for files that are removed with it. Call [`Cluster::give_away`] when it is filled.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn make_directory(&self, name: &str) -> Result<PathBuf> {
        let path = self.directory().join(name);
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        self.account.own(&path)?;
        Ok(path)
    }

    /// Makes the server's account the owner of `directory` and of everything in it: the guard, which removes it, runs as
    /// that account.
    ///
    /// # Errors
    /// The owner cannot be changed.
    pub fn give_away(&self, directory: &Path) -> Result<()> {
        self.account.own_all(directory)
    }

    /// The shell command that stops the server and removes its directory, after [`Cluster::keep`].
    pub fn stop_command(&self) -> String {
        let command = format!(
            "{} -D {} stop -m immediate; rm -rf {}",
            self.installation.program("pg_ctl").display(),
            self.data_directory().display(),
            self.directory().display()
        );
        self.account.shell_command(&command)
    }

    /// The server's log file.
    pub fn log_file(&self) -> PathBuf {
        self.directory().join("log")
    }

    /// The port in the socket's name, and of TCP if configured.
    pub fn port(&self) -> u16 {
        self.config.tcp_port.unwrap_or(SOCKET_PORT)
    }

    /// Process id of the postmaster while the server runs.
    pub fn postmaster_pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// The configuration of a connection to `database` as superuser.
    pub fn connection(&self, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(self.directory())
            .port(self.port())
            .user(SUPERUSER)
            .dbname(database);
        config
    }

    /// A libpq connection string for `database`, for other programs.
    pub fn dsn(&self, database: &str) -> String {
        format!(
            "host={} port={} user={SUPERUSER} dbname={database}",
            self.directory().display(),
            self.port()
        )
    }

    /// Connects to `database` as superuser; the connection runs on the current tokio runtime until the client is dropped.
    ///
    /// # Errors
    /// The server does not accept the connection.
    pub async fn connect(&self, database: &str) -> Result<tokio_postgres::Client> {
        let (client, connection) = self
            .connection(database)
            .connect(tokio_postgres::NoTls)
            .await
            .with_context(|| format!("cannot connect to database {database:?} of the private cluster"))?;
        // The client's calls return its error too.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Stops the server if it runs.
    ///
    /// # Errors
    /// The server does not stop in time.
    pub fn stop(&mut self, how: Shutdown) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let signal = match how {
            Shutdown::Fast => Signal::SIGINT,
            Shutdown::Immediate => Signal::SIGQUIT,
            Shutdown::Kill => Signal::SIGKILL,
        };
        let pid = Pid::from_raw(i32::try_from(server.id()).context("process id out of range")?);
        // The server may have ended already; it is awaited below.
        let _ = kill(pid, signal);
        let deadline = Instant::now() + PATIENCE;
        while server.try_wait().context("cannot wait for the server")?.is_none() {
            if Instant::now() > deadline {
                bail!(
                    "the server (pid {pid}) did not stop within {} s",
                    PATIENCE.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        if how == Shutdown::Kill {
            leftovers::kill_all(&self.data_directory(), PATIENCE)?;
        }
        Ok(())
    }

    /// Starts a stopped server again on the same data.
    ///
    /// # Errors
    /// The server runs already or does not start.
    pub fn start_again(&mut self) -> Result<()> {
        if self.server.is_some() {
            bail!("the server runs already");
        }
        self.launch()
    }

    /// Stops and starts the server.
    ///
    /// # Errors
    /// As [`Cluster::stop`] and [`Cluster::start_again`].
    pub fn restart(&mut self, how: Shutdown) -> Result<()> {
        self.stop(how)?;
        self.launch()
    }

    /// Sets a configuration parameter; it takes effect with the next start.
    ///
    /// # Errors
    /// The configuration file cannot be written.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.append_configuration(&settings::line(name, value))
    }

    /// Releases the cluster: the server keeps running and the directory stays.
    pub fn keep(mut self) -> PathBuf {
        self.server = None;
        let directory = self.directory().to_path_buf();
        self.guard.release();
        directory
    }

    fn initdb(&self) -> Result<()> {
        let initdb = self.installation.program("initdb");
        let mut command = Command::new(&initdb);
        command
            .args([
                "--no-sync",
                "--no-instructions",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .args(["--username", SUPERUSER, "--pgdata"])
            .arg(self.data_directory());
        let output = self
            .account
            .apply(&mut command)
            .process_group_of_its_own()
            .stdin(Stdio::null())
            .output()
            .with_context(|| {
                format!(
                    "cannot run {} as {}, who must be able to enter every directory above it",
                    initdb.display(),
                    self.account.name
                )
            })?;
        if !output.status.success() {
            bail!(
                "initdb failed ({}): {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        self.append_configuration(&self.config.configuration(self.directory(), self.port()))
    }

    fn append_configuration(&self, text: &str) -> Result<()> {
        let path = self.data_directory().join("postgresql.conf");
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn launch(&mut self) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .with_context(|| format!("cannot open {}", self.log_file().display()))?;
        let mut command = Command::new(self.installation.program("postgres"));
        command.arg("-D").arg(self.data_directory());
        self.account
            .apply(&mut command)
            .process_group_of_its_own()
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share the server's log")?)
            .stderr(log);
        self.server = Some(command.spawn().context("cannot start postgres")?);
        self.await_ready()
    }

    /// Waits until the server accepts connections: line 8 of the postmaster's lock file has its state.
    fn await_ready(&mut self) -> Result<()> {
        let lock_file = self.data_directory().join("postmaster.pid");
        let deadline = Instant::now() + PATIENCE;
        while let Some(server) = self.server.as_mut() {
            if let Some(status) = server.try_wait().context("cannot wait for the server")? {
                self.server = None;
                bail!(
                    "postgres ended while it started ({status}):\n{}",
                    self.end_of_log()
                );
            }
            if let Ok(text) = fs::read_to_string(&lock_file) {
                let own = text.lines().next() == Some(server.id().to_string().as_str());
                if own && text.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
                    return Ok(());
                }
            }
            if Instant::now() > deadline {
                bail!(
                    "postgres was not ready within {} s:\n{}",
                    PATIENCE.as_secs(),
                    self.end_of_log()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("postgres is not running")
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The server must have ended before the guard removes the directory.
        if let Err(error) = self.stop(Shutdown::Immediate) {
            eprintln!("pg_clone: {error:#}");
        }
    }
}

/// Puts a child into a process group of its own, so that Ctrl-C reaches this process only, which then stops the child.
trait ProcessGroup {
    fn process_group_of_its_own(&mut self) -> &mut Self;
}

impl ProcessGroup for Command {
    fn process_group_of_its_own(&mut self) -> &mut Self {
        std::os::unix::process::CommandExt::process_group(self, 0)
    }
}
