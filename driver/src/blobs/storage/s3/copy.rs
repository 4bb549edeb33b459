//! Copies inside S3: no byte goes through this process.

use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::types::CompletedPart;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::blobs::file::failure::Failure;
use crate::blobs::file::meter::Meter;
use crate::blobs::file::object::Object;
use crate::blobs::storage::s3::S3;
use crate::blobs::storage::s3::failure::failure;
use crate::blobs::storage::s3::multipart::Upload;

/// Largest object, in bytes, that CopyObject accepts.
const ONE_REQUEST: u64 = 5 << 30;
/// Least size of a part in bytes: large, because the service copies it, and small enough for several parts at once.
const PART: u64 = 128 << 20;
/// Number of parts of one object at the same time.
const PARALLEL: usize = 8;
/// Time limit: the answer comes when the copy is done; AWS copies some 100 MB a second.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

impl S3 {
    /// Lets the service copy an object of `source` (the same service) into this bucket. Returns the copy as the answer
    /// describes it; `None` after a copy in parts, whose answer has no size.
    ///
    /// # Errors
    /// The service refuses or fails, or the run is aborted.
    pub async fn copy_from(
        &self,
        key: &str,
        source: &Self,
        source_key: &str,
        object: &Object,
        meter: &Meter,
    ) -> Result<Option<Object>, Failure> {
        // RFC 3986: every byte except the unreserved ones is escaped; slashes stay.
        let from = format!("{}/{}", source.bucket.name, source.key(source_key)?);
        let from: String = percent_encoding::utf8_percent_encode(&from, RESERVED).to_string();
        if object.size > ONE_REQUEST {
            return self.copy_parts(key, &from, object, meter).await.map(|()| None);
        }
        let what = format!("cannot copy {} to {}", source.name(source_key), self.name(key));
        let request = self
            .client
            .copy_object()
            .bucket(&self.bucket.name)
            .key(self.key(key)?)
            .copy_source(from)
            .set_copy_source_if_match(object.etag.clone())
            .customize()
            .config_override(patient())
            .send();
        let copied = tokio::select! {
            copied = request => copied.map_err(|error| failure(&what, error))?,
            () = meter.abandon().cancelled() => return meter.go_on().map(|()| None),
        };
        meter.advance(object.size)?;
        // The service copies the whole object or nothing, so the size is the source's.
        let customer = copied.sse_customer_algorithm.is_some();
        let etag = copied.copy_object_result.and_then(|result| result.e_tag);
        let checksum = self.checksum(etag.as_deref(), copied.server_side_encryption.as_ref(), customer);
        Ok(Some(Object {
            size: object.size,
            checksum,
            etag,
            ..Object::default()
        }))
    }

    async fn copy_parts(&self, key: &str, from: &str, object: &Object, meter: &Meter) -> Result<(), Failure> {
        let upload = Upload::start(self, key, &object.attributes).await?;
        let what = format!("cannot copy parts of {from} to {}", self.name(key));
        let size = PART.max(object.size.div_ceil(10_000));
        let requests = (0..object.size.div_ceil(size)).map(|index| {
            let (first, end) = (index * size, ((index + 1) * size).min(object.size));
            let number = i32::try_from(index + 1).unwrap_or(i32::MAX);
            let request = self
                .client
                .upload_part_copy()
                .bucket(&self.bucket.name)
                .key(upload.key())
                .upload_id(upload.id())
                .part_number(number)
                .copy_source(from)
                .set_copy_source_if_match(object.etag.clone())
                .copy_source_range(format!("bytes={first}-{}", end - 1))
                .customize()
                .config_override(patient());
            let what = &what;
            async move {
                let answer = request.send().await.map_err(|error| failure(what, error))?;
                meter.advance(end - first)?;
                let etag = answer.copy_part_result.and_then(|part| part.e_tag);
                Ok(CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(etag)
                    .build())
            }
        });
        let parts = stream::iter(requests).buffered(PARALLEL).try_collect::<Vec<_>>();
        let parts = tokio::select! {
            parts = parts => parts,
            () = meter.abandon().cancelled() => meter.go_on().map(|()| Vec::new()),
        };
        upload.finish(parts).await
    }
}

/// Bytes that are escaped in a copy source: all except the unreserved ones and the slash.
const RESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

fn patient() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder().timeout_config(
        TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(PATIENCE)
            .build(),
    )
}
