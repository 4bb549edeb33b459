//! What may be written on the command line, as it is written. [`request`] turns it into what is meant.

use clap::{Args, Parser, Subcommand};

use crate::args::moving::{CopyArgs, ExportArgs, ImportArgs};
use crate::args::new_project::NewProjectArgs;
use crate::args::store::StoreAction;
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

    /// A place of files that the database may name, and what is below it, or a cache (redis://…); may be repeated. Without any,
    /// every place but those that name an endpoint or a profile; * allows all.
    #[arg(
        long = "allow-location",
        help_heading = GENERAL,
        global = true,
        value_name = "URL",
        env = "PG_CLONE_ALLOW_LOCATION",
        value_delimiter = ','
    )]
    pub allow_locations: Vec<String>,

    /// How results are written: table (cut to the terminal), wide, csv, json.
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
    /// How results are written.
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
    /// Shows all of it on a private throw-away cluster: a sample project, its clone, a verification.
    Demo(DemoArgs),
    /// Clones a project.
    Clone(CloneArgs),
    /// Clones a project of another database into this one.
    Copy(CopyArgs),
    /// Writes a project into an archive.
    Export(ExportArgs),
    /// Clones the project of an archive into this database.
    Import(ImportArgs),
    /// Copies the files that clones have queued.
    Blobs {
        #[command(subcommand)]
        action: BlobsAction,
    },
    /// Deletes from the server's cache what refreshes and deletions made stale.
    Cache {
        #[command(subcommand)]
        action: CacheAction,
    },
    /// Lists what was cloned.
    Runs(RunsArgs),
    /// Shows one run: counts per type, dangling references, what is left to do. Or what an archive holds.
    Show {
        /// Number of the run, as `pg_clone runs` lists it, or the file of an archive.
        run: String,
    },
    /// Checks that a cloned project is complete and names nothing of its source.
    Verify(VerifyArgs),
    /// Deletes a project that a run made, with its files.
    Delete(DeleteArgs),
    /// Clones one item of a registry.
    Item(ItemArgs),
    /// Lists the clones that wait for a worker, run in one, or are done.
    Jobs(JobsArgs),
    /// Runs queued clones and copies queued files.
    Worker(WorkerArgs),
    /// Describes the places where projects live.
    Store {
        #[command(subcommand)]
        action: StoreAction,
    },
    /// Shows the version of this command and of the extension in the database, and whether they fit.
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

    /// How many resources the sample project has.
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

    /// The store that holds the project, where there are several.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,

    /// Take the place of this earlier clone, in one transaction: same project id, same clients.
    #[arg(long, value_name = "PROJECT")]
    pub replace: Option<String>,

    /// Show what would be cloned and write nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Queue the files and leave copying them to `pg_clone blobs run` or a worker.
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

/// Where files are, when not where the store says.
#[derive(Debug, Default, Args)]
pub struct BlobPlaces {
    /// Where the source's files are: file:<directory>, s3://bucket/prefix [default: the store's blobs option].
    #[arg(long = "blobs-from", value_name = "URL", env = "PG_CLONE_BLOBS_FROM")]
    pub blobs_from: Option<String>,

    /// Where the clone's files go; recorded with the clone [default: the store's blobs option].
    #[arg(long = "blobs-to", value_name = "URL", env = "PG_CLONE_BLOBS_TO")]
    pub blobs_to: Option<String>,
}

/// `pg_clone blobs …`
#[derive(Debug, Subcommand)]
pub enum BlobsAction {
    /// Copies queued files; several of these may run at once, on several machines.
    Run {
        #[command(flatten)]
        places: BlobPlaces,
        /// Files copied at the same time.
        #[arg(long, env = "PG_CLONE_CONCURRENCY", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
        concurrency: u16,
        /// Only the files of this run.
        #[arg(long)]
        run: Option<i64>,
        /// Keep running and copy what further clones queue.
        #[arg(long)]
        watch: bool,
        /// How often a file is tried before it counts as failed.
        #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
        attempts: u32,
        /// Do not wait until files in directories are on disk; for test environments: a crash of the machine may lose files
        /// whose rows say done, which `pg_clone verify` finds.
        #[arg(long)]
        no_sync: bool,
        /// Seconds to wait after a first attempt that failed; doubled after each further one, up to 2 minutes.
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = first_wait)]
        first_wait: std::time::Duration,
    },
    /// Shows the queue of files.
    Status {
        /// Only this run.
        #[arg(long)]
        run: Option<i64>,
    },
    /// Queues the files that failed once more.
    Retry {
        /// Only this run.
        #[arg(long)]
        run: Option<i64>,
        /// Also those whose error was permanent, e.g. because their source was not there.
        #[arg(long)]
        permanent: bool,
    },
}

/// `pg_clone cache …`
#[derive(Debug, Subcommand)]
pub enum CacheAction {
    /// Deletes the stale keys from Redis now and once more some seconds later.
    Flush {
        /// Only the keys of this run.
        #[arg(long)]
        run: Option<i64>,
        /// Where the cache is: redis://host:6379, rediss:// with TLS. The store's `cache` option without it; that one never gets a
        /// password. A password that is not in the URL is taken from REDISCLI_AUTH.
        #[arg(long, value_name = "URL", env = "PG_CLONE_CACHE", hide_env_values = true)]
        cache: Option<String>,
        /// Seconds until the second time.
        #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = first_wait)]
        again_after: std::time::Duration,
    },
}

fn first_wait(text: &str) -> Result<std::time::Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    std::time::Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// `pg_clone runs`
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Only runs of this store.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,
    /// How many, the newest first.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
}

/// `pg_clone verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Id of the cloned project.
    pub project: String,
    /// The store that holds it, where there are several.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,
    /// Compute what the store derives from documents anew, and compare (medplum stores).
    #[arg(long)]
    pub columns: bool,
    /// Do not look for its files.
    #[arg(long)]
    pub no_blobs: bool,
}

/// `pg_clone delete`
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Id of the project to delete.
    pub project: String,
    /// The store that holds it, where there are several.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,
    /// Delete it although no run made it.
    #[arg(long)]
    pub force: bool,
    /// Say what would be deleted, and which rows of others are in the way, and delete nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Go on although rows of other projects or tables depend on the project's: those whose foreign key names a deleted row
    /// are deleted or changed along.
    #[arg(long)]
    pub include_others: bool,
    /// Leave its files to `pg_clone blobs run` or a worker.
    #[arg(long)]
    pub blobs_later: bool,
}

/// `pg_clone item`
#[derive(Debug, Args)]
pub struct ItemArgs {
    /// Id (handle) of the item to clone.
    pub item: String,
    /// A changed field of the clone; `a.b=x` sets b inside a. Read as JSON where it is JSON; may be repeated.
    #[arg(long = "edit", value_name = "PATH=VALUE", conflicts_with = "draft")]
    pub edits: Vec<String>,
    /// Show the prefilled form and write nothing.
    #[arg(long)]
    pub draft: bool,
    /// Ask nothing: on a terminal the form is gone through field by field.
    #[arg(long)]
    pub yes: bool,
    /// On whose behalf.
    #[arg(long)]
    pub actor: Option<String>,
    /// The store that holds the item, where there are several.
    #[arg(long, env = "PG_CLONE_STORE")]
    pub store: Option<String>,
    /// An option of item_clone; may be repeated. The value is read as JSON where it is JSON.
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
    /// How many, the newest first.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Cancel this job instead of listing.
    #[arg(long, value_name = "JOB")]
    pub cancel: Option<i64>,
}

/// `pg_clone worker`
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Keep running; without it the worker ends when nothing is queued.
    #[arg(long)]
    pub watch: bool,
    /// Seconds between two looks at the queue.
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
}

pub(crate) mod moving;
pub(crate) mod new_project;
pub(crate) mod request;
pub(crate) mod store;
