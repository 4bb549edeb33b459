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
        /// An option of the preset, for example blobs=file:/srv/files; may be repeated.
        #[arg(long = "option", short = 'o', value_name = "KEY=VALUE")]
        options: Vec<String>,
    },
    /// Lists the stores.
    List,
    /// Changes options of a store, e.g. `pg_clone store alter med -o cache=redis://cache:6379`; null removes an option.
    Alter {
        /// The store's name.
        name: String,
        /// An option, e.g. blobs=file:/srv/files; may be repeated.
        #[arg(long = "option", short = 'o', value_name = "KEY=VALUE", required = true)]
        options: Vec<String>,
    },
    /// Removes the description of a store; its tables stay.
    Drop {
        /// The store's name.
        name: String,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
        /// Remove it even if files, jobs or cache keys of the store are queued.
        #[arg(long)]
        force: bool,
    },
    /// Finds the tables that belong to a table of tenants, e.g. `pg_clone store discover public.accounts --create`.
    Discover {
        /// The table of tenants.
        table: String,
        /// Name of the store [default: the table's].
        #[arg(long)]
        name: Option<String>,
        /// Look only at tables of this schema; may be repeated [default: all].
        #[arg(long = "schema", value_name = "SCHEMA")]
        schemas: Vec<String>,
        /// A table whose rows all tenants share, with its schema; may be repeated.
        #[arg(long = "shared", value_name = "TABLE")]
        shared: Vec<String>,
        /// Write the description to this file [default: standard output].
        #[arg(id = "file", long = "file", short = 'f', value_name = "FILE")]
        output: Option<PathBuf>,
        /// Create the store.
        #[arg(long)]
        create: bool,
    },
    /// Lists open questions of a store's description; exit code 1 if one of them prevents cloning.
    Check {
        /// The store's name.
        name: String,
    },
    /// Writes the description of a store as JSON.
    Export {
        /// The store's name.
        name: String,
        /// Write to this file [default: standard output].
        #[arg(id = "file", long = "file", short = 'f', value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Creates a store from a description (a JSON file, or - for standard input), or replaces its description.
    Import {
        /// The file.
        file: PathBuf,
        /// Name of the store [default: the one in the file].
        #[arg(long)]
        name: Option<String>,
    },
    /// Compares the description of a store with a file; exit code 1 if they differ.
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
        /// The store; needed if there are several registries.
        #[arg(long)]
        store: Option<String>,
    },
}
