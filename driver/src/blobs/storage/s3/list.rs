//! The objects below a prefix of a bucket of S3.

use crate::blobs::file::failure::Failure;
use crate::blobs::storage::s3::S3;
use crate::blobs::storage::s3::failure::failure;

impl S3 {
    /// The keys of all objects whose keys start with `prefix`, page by page of the service's answer.
    ///
    /// # Errors
    /// The prefix is malformed, or the service refuses the request or cannot be reached.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket.name)
            .prefix(format!("{}{prefix}", self.bucket.prefix))
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure(&format!("cannot list {}", self.name(prefix)), error))?;
            let objects = page.contents.unwrap_or_default().into_iter();
            keys.extend(objects.filter_map(|object| {
                let key = object.key?;
                key.strip_prefix(&self.bucket.prefix).map(str::to_owned)
            }));
        }
        Ok(keys)
    }
}
