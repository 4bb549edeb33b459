//! The command lines of `copy`, `export` and `import`.

use clap::Args;
use serde_json::Value;

use super::request::{CloneRequest, filter, key_values};
use crate::args::BlobPlaces;
use crate::failure::UsageContext;

/// What `copy` and `import` take of the arguments of `clone`.
#[derive(Debug, Args)]
pub struct NewProjectArgs {
    /// Name of the new project [default: the source's name].
    #[arg(long)]
    pub name: Option<String>,

    /// Clone only resources of this type; may be repeated or hold several, separated by commas.
    #[arg(long = "resource-type", value_name = "TYPE", value_delimiter = ',')]
    pub resource_types: Vec<String>,

    /// Clone only this resource; may be repeated or hold several, separated by commas.
    #[arg(long = "include-id", value_name = "ID", value_delimiter = ',')]
    pub include_ids: Vec<String>,

    /// Do not clone this resource; may be repeated or hold several, separated by commas.
    #[arg(long = "exclude-id", value_name = "ID", value_delimiter = ',')]
    pub exclude_ids: Vec<String>,

    /// Owner of the new project, for example User/<id>.
    #[arg(long)]
    pub owner: Option<String>,

    /// Store of the target whose tables the rows are for.
    #[arg(long)]
    pub store: Option<String>,

    /// Keep the ids of the source and change nothing in its rows. Ids that are in use in the target are an error.
    #[arg(long)]
    pub keep_ids: bool,

    /// Replace this project of the target in the same transaction. With --keep-ids: the project itself, as it is in the source.
    #[arg(long, value_name = "PROJECT")]
    pub replace: Option<String>,

    /// When clone.expire() may delete the new project, for example '14 days'.
    #[arg(long, value_name = "INTERVAL")]
    pub expires_in: Option<String>,

    /// An option of project_clone, for example history=full; may be repeated. The value is read as JSON where it is JSON.
    #[arg(long = "option", short = 'o', value_name = "KEY=VALUE")]
    pub options: Vec<String>,

    /// Do not queue the files of the project.
    #[arg(long)]
    pub no_blobs: bool,
}

impl NewProjectArgs {
    /// The request for a project with that id in the source.
    ///
    /// # Errors
    /// Wrong usage.
    pub fn request(&self, project: &str) -> anyhow::Result<CloneRequest> {
        let mut options = key_values("--option", &self.options).or_usage()?;
        if self.keep_ids {
            options.insert("keep_ids".to_owned(), true.into());
        }
        if self.no_blobs {
            options.insert("blobs".to_owned(), "none".into());
        }
        for (key, value) in [("replace", &self.replace), ("expires_in", &self.expires_in)] {
            if let Some(value) = value {
                options.insert(key.to_owned(), value.as_str().into());
            }
        }
        Ok(CloneRequest {
            source: project.to_owned(),
            name: self.name.clone(),
            resource_types: filter(&self.resource_types),
            include_ids: filter(&self.include_ids),
            exclude_ids: filter(&self.exclude_ids),
            owner: self.owner.clone(),
            store: self.store.clone(),
            options: Value::Object(options),
        })
    }
}

/// `pg_clone copy`
#[derive(Debug, Args)]
pub struct CopyArgs {
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
    pub new: NewProjectArgs,

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

    /// The store that holds the project, where there are several.
    #[arg(long)]
    pub store: Option<String>,

    /// Export all versions of resources too: needed to import with --keep-ids.
    #[arg(long)]
    pub full_history: bool,

    /// Read under this exported snapshot (pg_export_snapshot()).
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,
}

/// `pg_clone import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The archive; - for standard input.
    pub file: String,

    /// What the new project is.
    #[command(flatten)]
    pub new: NewProjectArgs,

    /// Copy the files later with `pg_clone blobs run`, or by a worker.
    #[arg(long)]
    pub blobs_later: bool,

    /// Where the files are and go.
    #[command(flatten)]
    pub blobs: BlobPlaces,
}
