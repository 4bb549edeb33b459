//! Storages of all kinds.

pub mod allowed;
pub mod cloud;
pub mod directory;
pub mod location;
pub mod s3;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Mutex;

use crate::blobs::storage::cloud::Cloud;
use crate::blobs::storage::directory::Directory;
use crate::blobs::storage::location::Location;
use crate::blobs::storage::s3::S3;

/// A storage that files are copied from or to.
#[derive(Clone, Debug)]
pub enum Storage {
    /// A directory of this machine.
    Directory(Directory),
    /// A bucket of S3.
    S3(S3),
    /// Azure or Google.
    Cloud(Cloud),
}

impl Storage {
    /// Opens a location; keys lose `prefix_in_bucket` where it is a directory.
    ///
    /// # Errors
    /// The location cannot be used, e.g. because no account is configured.
    pub async fn open(location: &Location, prefix_in_bucket: &str) -> anyhow::Result<Self> {
        Ok(match location {
            Location::Directory(root) => Self::Directory(Directory::new(root.clone(), prefix_in_bucket)),
            Location::S3(bucket) => Self::S3(S3::connect(bucket).await),
            Location::Azure(bucket) => {
                Self::Cloud(Cloud::azure(bucket).with_context(|| location.to_string())?)
            }
            Location::Gcs(bucket) => Self::Cloud(Cloud::gcs(bucket).with_context(|| location.to_string())?),
        })
    }

    /// The name of a file in messages.
    pub fn name(&self, key: &str) -> String {
        match self {
            Self::Directory(directory) => directory
                .path(key)
                .map_or_else(|_| key.to_owned(), |path| path.display().to_string()),
            Self::S3(s3) => s3.name(key),
            Self::Cloud(cloud) => cloud.name(key),
        }
    }
}

/// Opened storages, by location and prefix: connections and credentials are shared by all files.
#[derive(Debug, Default)]
pub struct Storages(Mutex<HashMap<(Location, String), Arc<Storage>>>);

impl Storages {
    /// The storage of a location, opened at first use.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub async fn get(&self, location: &Location, prefix_in_bucket: &str) -> anyhow::Result<Arc<Storage>> {
        let mut open = self.0.lock().await;
        let key = (location.clone(), prefix_in_bucket.to_owned());
        if let Some(storage) = open.get(&key) {
            return Ok(Arc::clone(storage));
        }
        let storage = Arc::new(Storage::open(location, prefix_in_bucket).await?);
        open.insert(key, Arc::clone(&storage));
        Ok(storage)
    }
}
