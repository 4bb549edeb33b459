//! The command lines of `store`.

use std::path::PathBuf;

use clap::Subcommand;

/// `pg_clone store …`
#[derive(Debug, Subcommand)]
pub enum StoreAction {
    /// Registers a store, e.g. `pg_clone store create med medplum`.
    Create {
        /// The store's name.
        name: String,
        /// documents, medplum, registry, custom, discover.
        preset: String,
        /// An option of the preset, e.g. blobs=file:/srv/files; may be repeated.
        #[arg(long = "option", short = 'o', value_name = "KEY=VALUE")]
        options: Vec<String>,
    },
    /// Lists the stores.
    List,
    /// Changes options of a store, e.g. `pg_clone store alter med -o cache=redis://cache:6379`; null removes one.
    Alter {
        /// The store's name.
        name: String,
        /// An option, e.g. blobs=file:/srv/files; may be repeated.
        #[arg(long = "option", short = 'o', value_name = "KEY=VALUE", required = true)]
        options: Vec<String>,
    },
    /// Forgets a store; its tables stay.
    Drop {
        /// The store's name.
        name: String,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        /// Although files, jobs or cache keys of it wait.
        #[arg(long)]
        force: bool,
    },
    /// Finds the tables of a tenant by themselves, e.g. `pg_clone store discover public.accounts --create`.
    Discover {
        /// The table of tenants.
        table: String,
        /// Name of the store [default: the table's].
        #[arg(long)]
        name: Option<String>,
        /// Write the description to this file [default: standard output].
        #[arg(id = "file", long = "file", short = 'f', value_name = "FILE")]
        output: Option<PathBuf>,
        /// Make the store at once.
        #[arg(long)]
        create: bool,
    },
    /// Lists what is open in the description of a store; exit code 1 if something would stop a clone.
    Check {
        /// The store's name.
        name: String,
    },
    /// Writes the description of a store as JSON.
    Export {
        /// The store's name.
        name: String,
        /// To this file [default: standard output].
        #[arg(id = "file", long = "file", short = 'f', value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Makes a store of a description (a JSON file, or - for standard input), or describes it again.
    Import {
        /// The file.
        file: PathBuf,
        /// Name of the store [default: the one in the file].
        #[arg(long)]
        name: Option<String>,
    },
    /// Says how the description of a store differs from a file; exit code 1 if it does.
    Diff {
        /// The store's name.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// Loads an admin-export bundle (a JSON file, or - for standard input) into a registry store.
    Load {
        /// The file.
        file: PathBuf,
        /// The store, where there are several.
        #[arg(long)]
        store: Option<String>,
    },
}
