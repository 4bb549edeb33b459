//! A database per test, copied from templates on a cluster of the test program, and sessions with text results. At the end
//! of a test the server's log must not report leaks or crashes.

use std::ops::Deref;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use throwaway_cluster::{Cluster, ClusterConfig};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Time limit for an expected event.
const PATIENCE: Duration = Duration::from_secs(60);

/// Messages that must not be in the log: resources that were not released, processes that ended by a signal.
const NEVER_LOGGED: [&str; 13] = [
    "refcount leak",
    "reference leak",
    "was not closed",
    "PANIC:",
    "TRAP:",
    "was terminated by signal",
    "terminating connection because of crash",
    "request to flush past end of generated WAL",
    // Only a server built with assertions checks these.
    "still active",
    "registered snapshots seem to remain",
    "nonzero refcount",
    "problem in alloc set",
    "detected write past chunk",
];

/// The cluster of this test program: its guard ends it with the program.
pub async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            // Memory is told in the log only when a test asks; prepared transactions and logical workers are not needed.
            let config = ClusterConfig::default()
                .setting("max_connections", "200")
                .setting("autovacuum", "off");
            Cluster::start(config).unwrap_or_else(|error| panic!("no cluster: {error:#}"))
        })
        .await
}

/// The error of a failed statement.
#[derive(Debug, Clone)]
pub struct Failure {
    /// SQLSTATE.
    pub code: String,
    /// Message, first line of the report.
    pub message: String,
    /// DETAIL, empty without one.
    pub detail: String,
    /// HINT, empty without one.
    pub hint: String,
}

impl Failure {
    /// The error of tokio-postgres; a broken connection has no SQLSTATE.
    pub fn of(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(error) => Failure {
                code: error.code().code().to_owned(),
                message: error.message().to_owned(),
                detail: error.detail().unwrap_or_default().to_owned(),
                hint: error.hint().unwrap_or_default().to_owned(),
            },
            None => Failure {
                code: String::new(),
                message: format!("{error:?}"),
                detail: String::new(),
                hint: String::new(),
            },
        }
    }
}

/// A connection.
pub struct Session(Client);

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl Session {
    /// Connects.
    ///
    /// # Panics
    /// When the server does not accept the connection.
    pub async fn open(config: &Config) -> Self {
        let (client, connection) = config
            .connect(NoTls)
            .await
            .unwrap_or_else(|e| panic!("no connection: {e:?}"));
        // Its error reaches the client's calls as well.
        tokio::spawn(connection);
        Session(client)
    }

    /// Runs statements.
    ///
    /// # Panics
    /// When one fails.
    pub async fn run(&self, sql: &str) {
        self.0
            .batch_execute(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}\n{e:#?}"));
    }

    /// Runs statements that may fail.
    ///
    /// # Errors
    /// What the server says.
    pub async fn attempt(&self, sql: &str) -> Result<(), Failure> {
        self.0
            .batch_execute(sql)
            .await
            .map_err(|error| Failure::of(&error))
    }

    /// Runs statements that must fail.
    ///
    /// # Panics
    /// When they succeed.
    pub async fn fails(&self, sql: &str) -> Failure {
        match self.attempt(sql).await {
            Ok(()) => panic!("must fail: {sql}"),
            Err(failure) => failure,
        }
    }

    /// Rows of the last query, as text.
    ///
    /// # Panics
    /// When a statement fails.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let messages = self
            .0
            .simple_query(sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}\n{e:#?}"));
        messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|column| row.get(column).map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            })
            .collect()
    }

    /// The only value of a query as text; NULL is an empty text.
    ///
    /// # Panics
    /// When the query fails or does not return one row.
    pub async fn text(&self, sql: &str) -> String {
        let mut rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "rows of {sql}: {rows:?}");
        rows.remove(0).swap_remove(0).unwrap_or_default()
    }

    /// The only value of a query as a number.
    ///
    /// # Panics
    /// When it is none.
    pub async fn number(&self, sql: &str) -> i64 {
        let text = self.text(sql).await;
        text.parse()
            .unwrap_or_else(|_| panic!("no number: {text:?} of {sql}"))
    }

    /// The first column of all rows.
    ///
    /// # Panics
    /// When the query fails.
    pub async fn list(&self, sql: &str) -> Vec<String> {
        self.rows(sql)
            .await
            .into_iter()
            .map(|mut row| row.swap_remove(0).unwrap_or_default())
            .collect()
    }

    /// The only value of a query as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub async fn json(&self, sql: &str) -> serde_json::Value {
        let text = self.text(sql).await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text:?} of {sql}"))
    }

    /// The clone's id, of a call of `project_clone` with these arguments as SQL.
    ///
    /// # Panics
    /// When it fails.
    pub async fn clone_project(&self, arguments: &str) -> String {
        self.text(&format!("SELECT project_clone({arguments})->>'id'"))
            .await
    }

    /// Process id of the server process behind this session.
    ///
    /// # Panics
    /// When the session is broken.
    pub async fn pid(&self) -> i64 {
        self.number("SELECT pg_backend_pid()").await
    }
}

/// A database of one test and a superuser's session on it.
pub struct Scratch {
    session: Session,
    config: Config,
    /// Its name.
    pub name: String,
    /// It was made for this value, and goes with it.
    owned: bool,
}

/// Databases that no test uses any more.
static FINISHED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Deref for Scratch {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Scratch {
    /// A database copied from a template.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn copy_of(template: &str) -> Self {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        create_database(&name, template).await;
        let mut made = Self::of(&name).await;
        made.owned = true;
        made
    }

    /// A session on a database that is there.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn of(name: &str) -> Self {
        let config = cluster().await.connection(name);
        Scratch {
            session: Session::open(&config).await,
            config,
            name: name.to_owned(),
            owned: false,
        }
    }

    /// A database with the extension and nothing else.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn with_extension() -> Self {
        static TEMPLATE: OnceCell<()> = OnceCell::const_new();
        TEMPLATE
            .get_or_init(|| async {
                create_database("extension_only", "template0").await;
                Self::of("extension_only")
                    .await
                    .run("CREATE EXTENSION pg_clone_ext")
                    .await;
            })
            .await;
        Self::copy_of("extension_only").await
    }

    /// A new database of another cluster than the test program's.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn new_on(cluster: &Cluster) -> Self {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        Session::open(&cluster.connection("postgres"))
            .await
            .run(&format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await;
        Self::of_cluster(cluster, &name).await
    }

    /// A session on a database of a cluster.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn of_cluster(cluster: &Cluster, name: &str) -> Self {
        let config = cluster.connection(name);
        Scratch {
            session: Session::open(&config).await,
            config,
            name: name.to_owned(),
            owned: false,
        }
    }

    /// How its sessions connect.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Another superuser's session.
    ///
    /// # Panics
    /// When the server does not accept the connection.
    pub async fn session(&self) -> Session {
        Session::open(&self.config).await
    }

    /// A session of another role.
    ///
    /// # Panics
    /// When the server does not accept the connection.
    pub async fn session_as(&self, role: &str) -> Session {
        Session::open(self.config.clone().user(role)).await
    }

    /// Waits until a query yields `t`.
    ///
    /// # Panics
    /// When it does not.
    pub async fn wait_until(&self, condition: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.text(condition).await != "t" {
            assert!(Instant::now() < deadline, "never: {condition}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if self.owned
            && let Ok(mut finished) = FINISHED.lock()
        {
            finished.push(std::mem::take(&mut self.name));
        }
        if let Some(cluster) = CLUSTER.get() {
            assert_clean_log(cluster);
        }
    }
}

/// Asserts that the log reports no leak and no crash.
///
/// # Panics
/// When it does.
pub fn assert_clean_log(cluster: &Cluster) {
    let log = std::fs::read(cluster.log_file()).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    for line in log
        .lines()
        .filter(|line| line.contains("WARNING:") || line.contains("LOG:") || line.contains("PANIC"))
    {
        for bad in NEVER_LOGGED {
            assert!(!line.contains(bad), "the server logged: {line}");
        }
    }
}

async fn create_database(name: &str, template: &str) {
    let postgres = Session::open(&cluster().await.connection("postgres")).await;
    // Target custom_store makes 1,200 databases of 8 MB: those that stayed were written to disk, and to remove them took minutes.
    let finished = FINISHED.lock().map(|mut names| std::mem::take(&mut *names));
    for name in finished.unwrap_or_default() {
        // One with a replication slot stays.
        drop(
            postgres
                .attempt(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                .await,
        );
    }
    let deadline = Instant::now() + PATIENCE;
    // The session that filled the template may take a moment to be gone.
    while let Err(failure) = postgres
        .attempt(&format!(
            "CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
        ))
        .await
    {
        assert!(
            failure.code == "55006" && Instant::now() < deadline,
            "{failure:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
