//! A multipart upload: it is completed or aborted, so that no parts are left that cost money.

use std::time::Duration;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::blobs::file::failure::Failure;
use crate::blobs::file::object::Attributes;
use crate::blobs::storage::s3::S3;
use crate::blobs::storage::s3::failure::failure;

/// A started upload.
pub struct Upload<'s> {
    s3: &'s S3,
    key: String,
    id: String,
}

impl<'s> Upload<'s> {
    /// Starts an upload; unfinished uploads of this key are aborted.
    ///
    /// # Errors
    /// When the service refuses.
    pub async fn start(s3: &'s S3, key: &str, attributes: &Attributes) -> Result<Self, Failure> {
        let what = format!("cannot start the upload of {}", s3.name(key));
        let key = s3.key(key)?;
        let found = s3
            .client
            .list_multipart_uploads()
            .bucket(&s3.bucket.name)
            .prefix(&key)
            .send()
            .await;
        // Listing may be forbidden or unsupported: then a lifecycle rule has to remove leftovers.
        for old in found
            .map(|found| found.uploads.unwrap_or_default())
            .unwrap_or_default()
        {
            if let (Some(old_key), Some(id)) = (old.key, old.upload_id)
                && old_key == key
            {
                Self { s3, key: old_key, id }.abort().await;
            }
        }
        let started = s3
            .client
            .create_multipart_upload()
            .bucket(&s3.bucket.name)
            .key(&key)
            .set_content_type(attributes.content_type.clone())
            .set_cache_control(attributes.cache_control.clone())
            .set_content_disposition(attributes.content_disposition.clone())
            .set_content_encoding(attributes.content_encoding.clone())
            .set_content_language(attributes.content_language.clone())
            .set_metadata(Some(attributes.metadata.clone()))
            .send()
            .await
            .map_err(|error| failure(&what, error))?;
        let id = started
            .upload_id
            .ok_or_else(|| Failure::passing(format!("{what}: no upload id")))?;
        Ok(Self { s3, key, id })
    }

    /// The full key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The service's id of the upload.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Completes the upload from its parts, in order; aborts it if a part failed.
    ///
    /// # Errors
    /// The failure of the parts, or of completing.
    pub async fn finish(self, parts: Result<Vec<CompletedPart>, Failure>) -> Result<(), Failure> {
        let completed = match parts {
            Ok(parts) => self.complete(parts).await,
            Err(failure) => Err(failure),
        };
        if completed.is_err() {
            self.abort().await;
        }
        completed
    }

    async fn complete(&self, parts: Vec<CompletedPart>) -> Result<(), Failure> {
        let what = format!("cannot complete the upload of {}", self.key);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self
            .s3
            .client
            .complete_multipart_upload()
            .bucket(&self.s3.bucket.name)
            .key(&self.key);
        let sent = request.upload_id(&self.id).multipart_upload(parts).send().await;
        sent.map(drop).map_err(|error| failure(&what, error))
    }

    async fn abort(&self) {
        let request = self
            .s3
            .client
            .abort_multipart_upload()
            .bucket(&self.s3.bucket.name)
            .key(&self.key);
        // Best effort: the operator gets the failure that caused the abort.
        let _ = tokio::time::timeout(Duration::from_secs(10), request.upload_id(&self.id).send()).await;
    }
}
