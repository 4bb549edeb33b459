//! The arguments of the command line as clap parses them. [`request`] turns them into the arguments of SQL functions.

use clap::{Args, Parser, Subcommand};

use crate::args::moving::{CopyArgs, ExportArgs, ImportArgs};
use crate::args::new_project::NewProjectArgs;
use crate::args::store::StoreAction;
use crate::blobs::Backoff;
use crate::output::Format;

const CONNECTION: &str = "Connection options";
const GENERAL: &str = "General options";

/// The version of the command; packages and `make` add the commit that it was built from.
pub(crate) const VERSION: &str = match option_env!("PG_CLONE_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 database clone committed but blobs incomplete, 130 interrupted and nothing changed.
Connection: --dbname, or libpq's environment variables (PGHOST, PGDATABASE, PGUSER, PGSERVICE, ...), service and password files.";

/// Clones a project inside a PostgreSQL database: its rows, its references, its files.
#[derive(Debug, Parser)]
#[command(
    name = "pg_clone",
    version = VERSION,
    after_help = EXIT_CODES,
    max_term_width = 110,
    infer_long_args = false,
    disable_help_flag = true
)]
pub struct Cli {
    /// Database to connect to: a name, a URL (postgres://user@host/db) or keywords (host=... dbname=...).
    #[arg(long = "dbname", short = 'd', alias = "dsn", global = true, value_name = "DBNAME", help_heading = CONNECTION)]
    pub dsn: Option<String>,

    /// Server host, or directory of its socket.
    #[arg(long, short = 'h', global = true, value_name = "HOST", help_heading = CONNECTION)]
    pub host: Option<String>,

    /// Server port.
    #[arg(long, short = 'p', global = true, value_name = "PORT", help_heading = CONNECTION)]
    pub port: Option<String>,

    /// Role to connect as.
    #[arg(long = "username", short = 'U', global = true, value_name = "NAME", help_heading = CONNECTION)]
    pub user: Option<String>,

    /// A location of files that the database may name, with everything below it, or a cache (redis://…); may be repeated. Without any,
    /// every location is allowed that names no endpoint and no profile; * allows all.
    #[arg(
        long = "allow-location",
        help_heading = GENERAL,
        global = true,
        value_name = "URL",
        env = "PG_CLONE_ALLOW_LOCATION",
        value_delimiter = ','
    )]
    pub allow_locations: Vec<String>,

    /// Output format: table (cut to the terminal), wide, csv, json.
    #[arg(long = "output", global = true, value_name = "FORMAT", env = "PG_CLONE_OUTPUT", help_heading = GENERAL)]
    pub output: Option<Format>,

    /// For machines: one JSON document on standard output, progress and errors as JSON lines on standard error.
    #[arg(long, global = true, help_heading = GENERAL)]
    pub json: bool,

    /// No progress on standard error.
    #[arg(long, short, global = true, help_heading = GENERAL)]
    pub quiet: bool,

    /// Also show the server's notices.
    #[arg(long, short, global = true, help_heading = GENERAL)]
    pub verbose: bool,

    /// Show this help.
    #[arg(long, short = '?', global = true, action = clap::ArgAction::Help, help_heading = GENERAL)]
    pub help: Option<bool>,

    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The output format.
    pub fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            self.output.unwrap_or_default()
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Clones a sample project on a temporary private cluster and verifies the clone.
    Demo(DemoArgs),
    /// Clones a project.
    Clone(CloneArgs),
    /// Clones a project from another database into this one.
    Copy(CopyArgs),
    /// Writes a project into an archive.
    Export(ExportArgs),
    /// Clones the project in an archive into this database.
    Import(ImportArgs),
    /// Copies the files that clones have queued.
    Blobs {
        #[command(subcommand)]
        action: BlobsAction,
    },
    /// Deletes cache keys that are stale after refreshes and deletions.
    Cache {
        #[command(subcommand)]
        action: CacheAction,
    },
    /// Lists the runs: clones, refreshes, deletions.
    Runs(RunsArgs),
    /// Shows one run (counts per type, dangling references, unfinished work), or the content of an archive.
    Show {
        /// Number of the run, as `pg_clone runs` lists it, or the file of an archive.
        run: String,
    },
    /// Checks that a cloned project is complete and has no reference to its source.
    Verify(VerifyArgs),
    /// Deletes a cloned project and its files.
    Delete(DeleteArgs),
    /// Clones one item of a registry.
    Item(ItemArgs),
    /// Lists queued, running and finished clones of workers.
    Jobs(JobsArgs),
    /// Runs queued clones and copies queued files.
    Worker(WorkerArgs),
    /// Manages stores: the tables that hold projects.
    Store {
        #[command(subcommand)]
        action: StoreAction,
    },
    /// Shows the versions of this command and of the extension, and whether they work together.
    Version,
    /// Writes the manual page or a shell completion, for packages.
    #[command(hide = true)]
    Generate {
        /// man, bash, zsh, fish, elvish, powershell.
        what: String,
    },
}

/// `pg_clone demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave the cluster running and say how to connect and how to stop it.
    #[arg(long)]
    pub keep: bool,

    /// Number of resources of the sample project.
    #[arg(long, value_name = "N", default_value_t = 12_000, value_parser = clap::value_parser!(u32).range(100..=2_000_000))]
    pub resources: u32,
}

/// `pg_clone clone`
#[derive(Debug, Args)]
pub struct CloneArgs {
    /// Id of the project to clone.
    pub project: String,

    #[command(flatten)]
    pub new: NewProjectArgs,

    /// The store that holds the project; needed if several stores have one with this id.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,

    /// Replace this earlier clone in one transaction; its project id and clients stay the same.
    #[arg(long, value_name = "PROJECT")]
    pub replace: Option<String>,

    /// Show what would be cloned and write nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Queue the files only; `pg_clone blobs run` or a worker copies them.
    #[arg(long, conflicts_with = "no_blobs")]
    pub blobs_later: bool,

    #[command(flatten)]
    pub blobs: BlobPlaces,

    /// Verify the clone afterwards.
    #[arg(long, conflicts_with = "dry_run")]
    pub verify: bool,

    /// Queue the clone for a worker and return its job number.
    #[arg(long, conflicts_with_all = ["dry_run", "verify"])]
    pub background: bool,
}

/// Locations of files that replace those of the store.
#[derive(Debug, Default, Args)]
pub struct BlobPlaces {
    /// Location of the source's files: file:<directory>, s3://bucket/prefix [default: the store's blobs option].
    #[arg(long = "blobs-from", value_name = "URL", env = "PG_CLONE_BLOBS_FROM")]
    pub blobs_from: Option<String>,

    /// Location of the clone's files; recorded with the clone [default: the store's blobs option].
    #[arg(long = "blobs-to", value_name = "URL", env = "PG_CLONE_BLOBS_TO")]
    pub blobs_to: Option<String>,
}

/// `pg_clone blobs …`
#[derive(Debug, Subcommand)]
pub enum BlobsAction {
    /// Copies queued files; several may run at the same time, on several machines.
    Run {
        #[command(flatten)]
        places: BlobPlaces,
        /// Number of files copied at the same time.
        #[arg(long, env = "PG_CLONE_CONCURRENCY", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
        concurrency: u16,
        /// Only the files of this run.
        #[arg(long)]
        run: Option<i64>,
        /// Keep running and copy the files of later clones too.
        #[arg(long)]
        watch: bool,
        /// Number of attempts before a file counts as failed.
        #[arg(long, value_name = "N", default_value_t = Backoff::default().attempts, value_parser = clap::value_parser!(u32).range(1..))]
        attempts: u32,
        /// Do not sync files in directories to disk; for test environments: a crash of the machine may lose files
        /// that the queue records as done; `pg_clone verify` finds them.
        #[arg(long)]
        no_sync: bool,
        /// Seconds to wait after the first failed attempt; doubled after each further one, up to 2 minutes.
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
        first_wait: std::time::Duration,
    },
    /// Shows the queue of files.
    Status {
        /// Only this run.
        #[arg(long)]
        run: Option<i64>,
    },
    /// Queues failed files again.
    Retry {
        /// Only this run.
        #[arg(long)]
        run: Option<i64>,
        /// Also files whose error was permanent, e.g. a missing source.
        #[arg(long)]
        permanent: bool,
    },
}

/// `pg_clone cache …`
#[derive(Debug, Subcommand)]
pub enum CacheAction {
    /// Deletes the stale keys from Redis now, and a second time some seconds later.
    Flush {
        /// Only the keys of this run.
        #[arg(long)]
        run: Option<i64>,
        /// URL of the cache: redis://host:6379, rediss:// with TLS [default: the store's `cache` option, which never gets a
        /// password]. A password that is not in the URL is taken from REDISCLI_AUTH.
        #[arg(long, value_name = "URL", env = "PG_CLONE_CACHE", hide_env_values = true)]
        cache: Option<String>,
        /// Seconds between the two deletions.
        #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
        again_after: std::time::Duration,
    },
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    std::time::Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// `pg_clone runs`
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Only runs of this store.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,
    /// Maximum number of rows, newest first.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
}

/// `pg_clone verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Id of the cloned project.
    pub project: String,
    /// The store that holds it; needed if several stores have a project with this id.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,
    /// Recompute the values that the store derives from documents, and compare them (medplum stores).
    #[arg(long)]
    pub columns: bool,
    /// Check the values of that many rows of each table only, and compare only the counts of rows [default: all].
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(i64).range(1..))]
    pub sample: Option<i64>,
    /// Do not check its files.
    #[arg(long)]
    pub no_blobs: bool,
}

/// `pg_clone delete`
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Id of the project to delete.
    pub project: String,
    /// The store that holds it; needed if several stores have a project with this id.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,
    /// Delete it even if it is not a clone.
    #[arg(long)]
    pub force: bool,
    /// Show what would be deleted and which other rows prevent it; delete nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    pub yes: bool,
    /// Delete the project even if rows of other projects or tables refer to it: rows whose foreign key refers to a deleted row
    /// are deleted or changed too, as the foreign key's ON DELETE action says.
    #[arg(long)]
    pub include_others: bool,
    /// Do not read the documents of other projects: files that they name are deleted too, and references to deleted rows may stay there.
    #[arg(long)]
    pub ignore_documents: bool,
    /// Queue the deletion of its files only; `pg_clone blobs run` or a worker deletes them.
    #[arg(long)]
    pub blobs_later: bool,
}

/// `pg_clone item`
#[derive(Debug, Args)]
pub struct ItemArgs {
    /// Id (handle) of the item to clone.
    pub item: String,
    /// A field of the clone to change; `a.b=x` sets b inside a. A valid JSON value is read as JSON; may be repeated.
    #[arg(long = "edit", value_name = "PATH=VALUE", conflicts_with = "draft")]
    pub edits: Vec<String>,
    /// Show the prefilled form; write nothing.
    #[arg(long)]
    pub draft: bool,
    /// Do not ask; without it, a terminal asks for the form's values field by field.
    #[arg(long)]
    pub yes: bool,
    /// The user on whose behalf the item is cloned; recorded with the clone.
    #[arg(long)]
    pub actor: Option<String>,
    /// The store that holds the item; needed if there are several registries.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,
    /// An option of item_clone; may be repeated. A valid JSON value is read as JSON.
    #[arg(
        long = "option",
        short = 'o',
        value_name = "KEY=VALUE",
        conflicts_with = "draft"
    )]
    pub options: Vec<String>,
}

/// `pg_clone jobs`
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// Maximum number of rows, newest first.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Cancel this job instead of listing jobs.
    #[arg(long, value_name = "JOB")]
    pub cancel: Option<i64>,
}

/// `pg_clone worker`
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Keep running; without it the worker ends when the queue is empty.
    #[arg(long)]
    pub watch: bool,
    /// Seconds between two checks of the queue.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub interval: u64,
    #[command(flatten)]
    pub blobs: BlobPlaces,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_default_of_the_first_wait_is_that_of_the_queue() {
        let mut command = Cli::command();
        let run = command
            .find_subcommand_mut("blobs")
            .and_then(|blobs| blobs.find_subcommand_mut("run"))
            .unwrap();
        let flag = run
            .get_arguments()
            .find(|flag| flag.get_id() == "first_wait")
            .unwrap();
        let given = flag.get_default_values()[0].to_str().unwrap();
        assert_eq!(seconds(given), Ok(Backoff::default().first));
    }
}

pub(crate) mod moving;
pub(crate) mod new_project;
pub(crate) mod request;
pub(crate) mod store;
