//! The command lines of `copy`, `export` and `import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::new_project::NewProjectArgs;
use super::request::CloneRequest;
use crate::args::BlobPlaces;

/// What `copy` and `import` say of the new project.
#[derive(Debug, Args)]
pub struct MovedProjectArgs {
    #[command(flatten)]
    pub project: NewProjectArgs,

    /// Store of the target whose tables the rows are for.
    #[arg(long)]
    pub store: Option<String>,

    /// Keep the ids of the source and change nothing in its rows. Ids that are in use in the target are an error.
    #[arg(long)]
    pub keep_ids: bool,

    /// Replace this project of the target in the same transaction. With --keep-ids: the project itself, as it is in the source.
    #[arg(long, value_name = "PROJECT")]
    pub replace: Option<String>,

    /// Read the rows, compare the tables, show what would be cloned, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

impl MovedProjectArgs {
    /// The request for a project with that id in the source.
    ///
    /// # Errors
    /// Wrong usage.
    pub fn request(&self, project: &str, places: &BlobPlaces) -> anyhow::Result<CloneRequest> {
        let flags = vec![
            ("--keep-ids", "keep_ids", self.keep_ids.then(|| true.into())),
            ("--replace", "replace", self.replace.as_deref().map(Value::from)),
        ];
        self.project
            .request(project, self.store.as_deref(), places, flags)
    }
}

/// Who clones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The extension in the target.
    #[default]
    Extension,
    /// A private server that this command starts here, where the extension is installed; source and target need none.
    Local,
}

/// What a private server must know of the target's tables.
#[derive(Debug, Args)]
#[group(id = "description", multiple = false)]
pub struct DescriptionArgs {
    /// With --engine local: the store as `pg_clone store export` or `store discover` wrote it.
    #[arg(long, value_name = "FILE")]
    pub store_file: Option<PathBuf>,

    /// With --engine local: the table of tenants, from which the others are found.
    #[arg(long, value_name = "TABLE")]
    pub tenant: Option<String>,

    /// With --engine local: the preset of the store, such as medplum.
    #[arg(long, value_name = "PRESET")]
    pub preset: Option<String>,
}

/// `pg_clone copy`
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// Who clones: the extension in the target, or a private server.
    #[arg(long, value_enum, default_value_t, requires_if("local", "description"))]
    pub engine: Engine,

    /// What the private server must know.
    #[command(flatten)]
    pub description: DescriptionArgs,

    /// With --engine local: only these schemas of the target are looked at; may be repeated [default: all].
    #[arg(long = "schema", value_name = "SCHEMA")]
    pub schemas: Vec<String>,

    /// Id of the project in the source database.
    pub project: String,

    /// Connection string of the source. Needs SELECT on the project's tables, and no extension.
    #[arg(long, value_name = "DSN")]
    pub from: String,

    /// Connection string of the target [default: --dsn, or libpq's environment variables].
    #[arg(long, value_name = "DSN", conflicts_with = "dsn")]
    pub to: Option<String>,

    /// Read the source under this exported snapshot (pg_export_snapshot()).
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,

    /// What the new project is.
    #[command(flatten)]
    pub new: MovedProjectArgs,

    /// Copy the files later with `pg_clone blobs run`, or by a worker.
    #[arg(long)]
    pub blobs_later: bool,

    /// Where the files are and go.
    #[command(flatten)]
    pub blobs: BlobPlaces,
}

/// `pg_clone export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Id of the project.
    pub project: String,

    /// The archive to write; - for standard output.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub file: String,

    /// The store that holds the project; needed if several stores have one with this id.
    #[arg(long)]
    pub store: Option<String>,

    /// Export all versions of resources too: needed to import with --keep-ids.
    #[arg(long)]
    pub full_history: bool,

    /// Read under this exported snapshot (pg_export_snapshot()).
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,

    /// Export the files of the project too.
    #[arg(long)]
    pub with_blobs: bool,

    /// Where the files are: file:<directory>, s3://bucket/prefix [default: where they were copied to, or the store's blobs option].
    #[arg(long, value_name = "URL", requires = "with_blobs")]
    pub blobs_from: Option<String>,
}

/// `pg_clone import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The archive; - for standard input.
    pub file: String,

    /// The files of the archive are unpacked into this new directory, and copied from there [default: <FILE>.files].
    #[arg(long, value_name = "DIRECTORY")]
    pub files_dir: Option<PathBuf>,

    /// What the new project is.
    #[command(flatten)]
    pub new: MovedProjectArgs,

    /// Copy the files later with `pg_clone blobs run`, or by a worker.
    #[arg(long)]
    pub blobs_later: bool,

    /// Where the files are and go.
    #[command(flatten)]
    pub blobs: BlobPlaces,
}
