//! Files in a bucket of S3, or of a service that speaks its protocol.
//!
//! Uses aws-sdk-s3 instead of a storage abstraction, because only it can do this: copy between two buckets on the
//! server, copy objects over 5 GB in parts, and keep content type and metadata while doing so. opendal 0.59 copies
//! inside one bucket only and starts a multipart copy without the metadata; object_store 0.14 has no multipart copy. It also
//! reads every source of credentials AWS knows but SSO. With ring for TLS and without its default features it adds 45 s to a
//! debug build on two cores.

pub mod copy;
pub mod failure;
pub mod list;
pub mod multipart;
pub mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::blobs::file::checksum::Checksum;
use crate::blobs::file::failure::{Failure, Scope};
use crate::blobs::file::hashing_reader::Chunks;
use crate::blobs::file::object::{Attributes, Object};
use crate::blobs::storage::location::{Bucket, check_key};
use crate::blobs::storage::s3::failure::failure;

/// A bucket and the client that reaches it.
#[derive(Clone, Debug)]
pub struct S3 {
    pub(super) client: Client,
    pub(super) bucket: Bucket,
    /// The endpoint, if it is not AWS's.
    endpoint: Option<String>,
    /// Whether the bucket is known to exist: then a missing object needs no second request.
    exists: Arc<AtomicBool>,
}

impl S3 {
    /// Finds endpoint, region and credentials in the location, the environment and the profile files.
    pub async fn connect(bucket: &Bucket) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            // Quick retries of temporary errors; the queue adds attempts with longer waits.
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(10))
                    .read_timeout(Duration::from_secs(60))
                    .build(),
            );
        if let Some(profile) = &bucket.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &bucket.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &bucket.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let shared = loader.load().await;
        let endpoint = bucket
            .endpoint
            .clone()
            .or_else(|| std::env::var("AWS_ENDPOINT_URL_S3").ok())
            .or_else(|| shared.endpoint_url().map(str::to_owned));
        let mut config = aws_sdk_s3::config::Builder::from(&shared);
        if shared.region().is_none() {
            config = config.region(Region::from_static("us-east-1"));
        }
        if let Some(endpoint) = &endpoint {
            config = config.endpoint_url(endpoint);
            // Many compatible servers do not know checksums as trailers; Content-MD5 is always sent.
            if std::env::var_os("AWS_REQUEST_CHECKSUM_CALCULATION").is_none() {
                config = config.request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
            }
            if std::env::var_os("AWS_RESPONSE_CHECKSUM_VALIDATION").is_none() {
                config = config.response_checksum_validation(ResponseChecksumValidation::WhenRequired);
            }
        }
        let config = config
            .force_path_style(bucket.path_style.unwrap_or(endpoint.is_some()))
            .build();
        Self {
            client: Client::from_conf(config),
            bucket: bucket.clone(),
            endpoint,
            exists: Arc::default(),
        }
    }

    /// Whether the service can copy from `other` to this bucket: endpoint and credentials are the same.
    pub fn is_same_service(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint && self.bucket.profile == other.bucket.profile
    }

    /// The object's key in the bucket.
    ///
    /// # Errors
    /// The key is malformed.
    pub fn key(&self, key: &str) -> Result<String, Failure> {
        check_key(key).map_err(Failure::file)?;
        Ok(format!("{}{key}", self.bucket.prefix))
    }

    /// The name of an object in messages.
    pub fn name(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket.name, self.bucket.prefix)
    }

    /// Size and attributes of an object; `None` if it does not exist.
    ///
    /// # Errors
    /// The service cannot be reached, or the bucket does not exist.
    pub async fn stat(&self, key: &str) -> Result<Option<Object>, Failure> {
        let head = self
            .client
            .head_object()
            .bucket(&self.bucket.name)
            .key(self.key(key)?)
            .send()
            .await;
        match head {
            Ok(head) => Ok(Some(self.object(head))),
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|response| response.status().as_u16() == 404) =>
            {
                // The answer to HEAD has no body, so it does not distinguish a missing bucket from a missing object.
                self.check_bucket().await.map(|()| None)
            }
            Err(error) => Err(failure(&format!("cannot look at {}", self.name(key)), error)),
        }
    }

    /// Reads an object in exactly this version.
    ///
    /// # Errors
    /// It cannot be read, or was overwritten after `object` was read.
    pub async fn read(&self, key: &str, object: &Object) -> Result<Chunks, Failure> {
        let what = format!("cannot read {}", self.name(key));
        let get = self
            .client
            .get_object()
            .bucket(&self.bucket.name)
            .key(self.key(key)?);
        let body = get
            .set_if_match(object.etag.clone())
            .send()
            .await
            .map_err(|error| failure(&what, error))?
            .body;
        Ok(Box::pin(futures_util::stream::try_unfold(
            (body, what),
            |(mut body, what)| async {
                match body.try_next().await {
                    Ok(Some(chunk)) => Ok(Some((chunk, (body, what)))),
                    Ok(None) => Ok(None),
                    Err(error) => Err(Failure::passing(format!("{what}: {error}"))),
                }
            },
        )))
    }

    /// Deletes an object; a missing object is no error.
    ///
    /// # Errors
    /// The service refuses the request or cannot be reached.
    pub async fn delete(&self, key: &str) -> Result<(), Failure> {
        let request = self
            .client
            .delete_object()
            .bucket(&self.bucket.name)
            .key(self.key(key)?);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => match failure(&format!("cannot delete {}", self.name(key)), error) {
                gone if gone.scope == Scope::File && gone.message.contains("NoSuchKey") => Ok(()),
                failure => Err(failure),
            },
        }
    }

    async fn check_bucket(&self) -> Result<(), Failure> {
        if self.exists.load(Ordering::Relaxed) {
            return Ok(());
        }
        let name = &self.bucket.name;
        match self.client.head_bucket().bucket(name).send().await {
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|response| response.status().as_u16() == 404) =>
            {
                Err(Failure::storage(format!("no such bucket: {name}")))
            }
            // Credentials that may read objects may lack the permission to query the bucket.
            _ => {
                self.exists.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// The checksum that an answer's ETag gives. It is the MD5 unless the object was uploaded in parts or is encrypted with a
    /// key of its owner; for services other than AWS, encryption of any kind makes it unknown.
    pub(super) fn checksum(
        &self,
        etag: Option<&str>,
        encryption: Option<&ServerSideEncryption>,
        customer_key: bool,
    ) -> Option<Checksum> {
        let plain = match encryption {
            None => !customer_key,
            Some(ServerSideEncryption::Aes256) => self.endpoint.is_none(),
            Some(_) => false,
        };
        etag.map(|etag| checksum(etag, plain))
    }

    fn object(&self, head: HeadObjectOutput) -> Object {
        let customer = head.sse_customer_algorithm.is_some();
        let checksum = self.checksum(
            head.e_tag.as_deref(),
            head.server_side_encryption.as_ref(),
            customer,
        );
        Object {
            size: head
                .content_length
                .and_then(|length| u64::try_from(length).ok())
                .unwrap_or_default(),
            checksum,
            etag: head.e_tag,
            attributes: Attributes {
                content_type: head.content_type,
                cache_control: head.cache_control,
                content_disposition: head.content_disposition,
                content_encoding: head.content_encoding,
                content_language: head.content_language,
                metadata: head.metadata.unwrap_or_default(),
            },
        }
    }
}

/// The checksum that an ETag gives.
fn checksum(etag: &str, plain: bool) -> Checksum {
    let etag = etag.trim_matches('"');
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(etag.as_bytes())
        .ok()
        .filter(|_| plain)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or_else(|| Checksum::ETag(etag.to_owned()), Checksum::Md5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_an_md5_only_where_it_is_one() {
        let hex = "25f9e794323b453885f5181f1b624d0b";
        assert_eq!(
            checksum(&format!("\"{hex}\""), true).to_string(),
            format!("md5:{hex}")
        );
        assert_eq!(
            checksum(&format!("\"{hex}\""), false).to_string(),
            format!("etag:{hex}")
        );
        assert_eq!(
            checksum(&format!("{hex}-3"), true).to_string(),
            format!("etag:{hex}-3")
        );
    }
}
