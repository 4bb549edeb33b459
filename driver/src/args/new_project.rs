//! The arguments about the new project that `clone`, `copy` and `import` share.

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::Value;

use super::BlobPlaces;
use super::request::{CloneRequest, clone_options, filter};
use crate::blobs::Location;

/// The arguments that the commands share.
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

    /// Time until the new project expires, for example '14 days'; clone.expire() deletes expired projects.
    #[arg(long, value_name = "INTERVAL")]
    pub expires_in: Option<String>,

    /// An option of project_clone, for example history=full; may be repeated. A valid JSON value is read as JSON.
    #[arg(long = "option", short = 'o', value_name = "KEY=VALUE")]
    pub options: Vec<String>,

    /// Clone the database only and queue no files.
    #[arg(long)]
    pub no_blobs: bool,
}

impl NewProjectArgs {
    /// The request for a project; `flags` are options that other arguments set: flag, key and value.
    ///
    /// # Errors
    /// Wrong usage.
    pub fn request(
        &self,
        project: &str,
        store: Option<&str>,
        places: &BlobPlaces,
        flags: Vec<(&str, &str, Option<Value>)>,
    ) -> Result<CloneRequest> {
        let text = |value: &Option<String>| value.as_deref().map(Value::from);
        let mut given = flags;
        given.push(("--no-blobs", "blobs", self.no_blobs.then(|| "none".into())));
        given.push(("--expires-in", "expires_in", text(&self.expires_in)));
        for (flag, key, value) in [
            ("--blobs-from", "blobs_from", &places.blobs_from),
            ("--blobs-to", "blobs_to", &places.blobs_to),
        ] {
            // Recorded with the clone: verification and deletion use this location.
            if let Some(value) = value.as_ref().filter(|_| !self.no_blobs) {
                let location = Location::from_argument(value).with_context(|| flag.to_owned())?;
                given.push((flag, key, Some(location.url().into())));
            }
        }
        let mut options = clone_options(&self.options)?;
        for (flag, key, value) in given {
            let before = value.and_then(|value| options.insert(key.to_owned(), value));
            ensure!(
                before.is_none(),
                "{flag} and --option {key}=… say the same thing twice"
            );
        }
        Ok(CloneRequest {
            source: project.to_owned(),
            name: self.name.clone(),
            resource_types: filter(&self.resource_types),
            include_ids: filter(&self.include_ids),
            exclude_ids: filter(&self.exclude_ids),
            owner: self.owner.clone(),
            store: store.map(str::to_owned),
            options: Value::Object(options),
        })
    }
}
