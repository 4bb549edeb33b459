//! Files in Azure Blob Storage and Google Cloud Storage, through opendal: one interface to both, with Google's rewrite for
//! copies of any size, and without a client library of its own for each.

use std::time::Duration;

use futures_util::StreamExt as _;
use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{ErrorKind, Operator, services};

use crate::blobs::file::checksum::Checksum;
use crate::blobs::file::failure::Failure;
use crate::blobs::file::hashing_reader::{Chunks, HashingReader};
use crate::blobs::file::memory::{Memory, part_size};
use crate::blobs::file::meter::Meter;
use crate::blobs::file::object::{Attributes, Object};
use crate::blobs::storage::location::{Bucket, check_key};

/// Time between two checks of a pending copy of Azure.
const LOOK: Duration = Duration::from_millis(500);
/// Time limit for a copy inside a service.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// Parts that opendal keeps in memory besides the one that is being filled.
const PARALLEL: u64 = 2;

/// A container of Azure or a bucket of Google.
#[derive(Clone, Debug)]
pub struct Cloud {
    operator: Operator,
    url: String,
}

impl Cloud {
    /// Azure; account and key from `AZURE_STORAGE_CONNECTION_STRING`, or `AZURE_STORAGE_ACCOUNT` with `AZURE_STORAGE_KEY`
    /// or `AZURE_STORAGE_SAS_TOKEN`, or the credentials of the machine.
    ///
    /// # Errors
    /// No account is configured.
    pub fn azure(bucket: &Bucket) -> anyhow::Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut azure = match variable("AZURE_STORAGE_CONNECTION_STRING") {
            Some(text) => services::Azblob::from_connection_string(&text)?,
            None => services::Azblob::default(),
        };
        if let Some(account) = variable("AZURE_STORAGE_ACCOUNT") {
            azure = azure
                .account_name(&account)
                .endpoint(&format!("https://{account}.blob.core.windows.net"));
        }
        if let Some(key) = variable("AZURE_STORAGE_KEY") {
            azure = azure.account_key(&key);
        }
        if let Some(token) = variable("AZURE_STORAGE_SAS_TOKEN") {
            azure = azure.sas_token(&token);
        }
        if let Some(endpoint) = &bucket.endpoint {
            azure = azure.endpoint(endpoint);
        }
        Self::new(
            Operator::new(azure.container(&bucket.name).root(&bucket.prefix))?,
            "azblob",
            bucket,
        )
    }

    /// Google; credentials from `GOOGLE_APPLICATION_CREDENTIALS` or of the machine.
    ///
    /// # Errors
    /// The location is not valid for the service.
    pub fn gcs(bucket: &Bucket) -> anyhow::Result<Self> {
        let mut gcs = services::Gcs::default().bucket(&bucket.name).root(&bucket.prefix);
        if let Some(endpoint) = bucket
            .endpoint
            .clone()
            .or_else(|| std::env::var("STORAGE_EMULATOR_HOST").ok())
        {
            gcs = gcs.endpoint(&endpoint).skip_signature();
        }
        Self::new(Operator::new(gcs)?, "gs", bucket)
    }

    fn new(operator: Operator, scheme: &str, bucket: &Bucket) -> anyhow::Result<Self> {
        // Both are set once per process; an error means that they are already set.
        let _ = rustls::crypto::ring::default_provider().install_default();
        opendal_http_transport_reqwest::install_default();
        let operator = operator
            .layer(
                TimeoutLayer::new()
                    .with_timeout(PATIENCE)
                    .with_io_timeout(Duration::from_secs(60)),
            )
            .layer(RetryLayer::new().with_max_times(3).with_jitter());
        Ok(Self {
            operator,
            url: format!("{scheme}://{}/{}", bucket.name, bucket.prefix),
        })
    }

    /// The name of an object in messages.
    pub fn name(&self, key: &str) -> String {
        format!("{}{key}", self.url)
    }

    /// Whether the service can copy between the two: opendal copies only inside one bucket and prefix.
    pub fn is_same_service(&self, other: &Self) -> bool {
        self.url == other.url
    }

    /// Size and attributes of an object; `None` if it does not exist.
    ///
    /// # Errors
    /// The service cannot be reached.
    pub async fn stat(&self, key: &str) -> Result<Option<Object>, Failure> {
        check_key(key).map_err(Failure::file)?;
        let found = match self.operator.stat(key).await {
            Ok(found) => found,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failure(&format!("cannot look at {}", self.name(key)), &error)),
        };
        let text = |value: Option<&str>| value.map(str::to_owned);
        let metadata = found.user_metadata().map(|metadata| {
            metadata
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        });
        Ok(Some(Object {
            size: found.content_length(),
            checksum: found.content_md5().and_then(Checksum::md5_from_base64),
            etag: text(found.etag()),
            attributes: Attributes {
                content_type: text(found.content_type()),
                cache_control: text(found.cache_control()),
                content_disposition: text(found.content_disposition()),
                content_encoding: text(found.content_encoding()),
                content_language: None,
                metadata: metadata.unwrap_or_default(),
            },
        }))
    }

    /// The keys of all objects whose keys start with `prefix`, which ends in `/`.
    ///
    /// # Errors
    /// The service refuses the request or cannot be reached.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let recursive = opendal::options::ListOptions {
            recursive: true,
            ..Default::default()
        };
        let entries = match self.operator.list_options(prefix, recursive).await {
            Ok(entries) => entries,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failure(&format!("cannot list {}", self.name(prefix)), &error)),
        };
        let files = entries.iter().filter(|entry| entry.metadata().is_file());
        Ok(files.map(|entry| entry.path().to_owned()).collect())
    }

    /// Reads an object.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(&self, key: &str) -> Result<Chunks, Failure> {
        check_key(key).map_err(Failure::file)?;
        let what = format!("cannot read {}", self.name(key));
        let stream = async { self.operator.reader(key).await?.into_bytes_stream(..).await }.await;
        let stream = stream.map_err(|error| failure(&what, &error))?;
        Ok(Box::pin(stream.map(move |chunk| {
            chunk.map_err(|error| Failure::passing(format!("{what}: {error}")))
        })))
    }

    /// Writes a stream of `size` bytes.
    ///
    /// # Errors
    /// Source or service fail, the run is aborted, or the file has a content encoding, which opendal cannot set: without it
    /// clients would misread the file.
    pub async fn write(
        &self,
        key: &str,
        reader: &mut HashingReader,
        size: u64,
        attributes: &Attributes,
        memory: &Memory,
    ) -> Result<(), Failure> {
        check_key(key).map_err(Failure::file)?;
        let what = format!("cannot write {}", self.name(key));
        let can = self.operator.info().capability();
        if attributes.content_encoding.is_some() && !can.write_with_content_encoding {
            return Err(Failure::file(format!(
                "{what}: its Content-Encoding would be lost"
            )));
        }
        let part = part_size(size);
        let _taken = memory.take(size.min(part * (PARALLEL + 1))).await?;
        let mut options = opendal::options::WriteOptions {
            content_type: attributes.content_type.clone(),
            cache_control: attributes
                .cache_control
                .clone()
                .filter(|_| can.write_with_cache_control),
            content_encoding: attributes.content_encoding.clone(),
            content_disposition: attributes
                .content_disposition
                .clone()
                .filter(|_| can.write_with_content_disposition),
            user_metadata: Some(attributes.metadata.clone()).filter(|metadata| !metadata.is_empty()),
            ..Default::default()
        };
        if size <= part {
            let body = reader.part(usize::try_from(part).unwrap_or(usize::MAX)).await?;
            check_length(&what, size, body.len() as u64)?;
            let written = self.operator.write_options(key, body, options).await;
            return written.map(drop).map_err(|error| failure(&what, &error));
        }
        options.chunk = usize::try_from(part).ok();
        options.concurrent = usize::try_from(PARALLEL).unwrap_or(1);
        let mut writer = self
            .operator
            .writer_options(key, options)
            .await
            .map_err(|error| failure(&what, &error))?;
        let mut written = 0;
        let sent = async {
            while let Some(chunk) = reader.next().await? {
                written += chunk.len() as u64;
                writer
                    .write(chunk)
                    .await
                    .map_err(|error| failure(&what, &error))?;
            }
            check_length(&what, size, written)
        };
        if let Err(failure) = sent.await {
            let _ = writer.abort().await;
            return Err(failure);
        }
        writer
            .close()
            .await
            .map(drop)
            .map_err(|error| failure(&what, &error))
    }

    /// Lets the service copy an object inside the bucket, and waits until the copy is complete.
    ///
    /// # Errors
    /// The service refuses or takes too long, or the run is aborted.
    pub async fn copy_from(
        &self,
        key: &str,
        source_key: &str,
        object: &Object,
        meter: &Meter,
    ) -> Result<(), Failure> {
        check_key(key)
            .and_then(|()| check_key(source_key))
            .map_err(Failure::file)?;
        let what = format!("cannot copy {} to {}", self.name(source_key), self.name(key));
        let copy = async {
            self.operator
                .copy(source_key, key)
                .await
                .map_err(|error| failure(&what, &error))?;
            // Azure may answer before a large copy is finished; until then the blob is shorter than its source.
            while self
                .stat(key)
                .await?
                .is_none_or(|target| target.size != object.size)
            {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        tokio::select! {
            copied = tokio::time::timeout(PATIENCE, copy) => {
                copied.unwrap_or_else(|_| Err(Failure::passing(format!("{what}: still not finished"))))?;
            }
            () = meter.abandon().cancelled() => return meter.go_on(),
        }
        meter.advance(object.size)
    }

    /// Deletes an object; a missing object is no error.
    ///
    /// # Errors
    /// The service refuses the request or cannot be reached.
    pub async fn delete(&self, key: &str) -> Result<(), Failure> {
        check_key(key).map_err(Failure::file)?;
        let deleted = self.operator.delete(key).await;
        deleted.map_err(|error| failure(&format!("cannot delete {}", self.name(key)), &error))
    }
}

fn check_length(what: &str, expected: u64, found: u64) -> Result<(), Failure> {
    if expected == found {
        return Ok(());
    }
    Err(Failure::passing(format!(
        "{what}: the source ended after {found} of {expected} bytes"
    )))
}

/// Whether the container exists and the object does not.
fn is_missing(error: &opendal::Error) -> bool {
    error.kind() == ErrorKind::NotFound && !error.to_string().contains("ContainerNotFound")
}

fn failure(what: &str, error: &opendal::Error) -> Failure {
    let text = error.to_string();
    let message = format!("{what}: {text}");
    // A missing container is a NotFound too; only the message has Azure's error code.
    if [
        "ContainerNotFound",
        "AuthenticationFailed",
        "The specified bucket does not exist",
    ]
    .iter()
    .any(|word| text.contains(word))
    {
        return Failure::storage(message);
    }
    match error.kind() {
        ErrorKind::ConfigInvalid => Failure::storage(message),
        ErrorKind::NotFound
        | ErrorKind::PermissionDenied
        | ErrorKind::Unsupported
        | ErrorKind::IsADirectory => Failure::file(message),
        ErrorKind::Unexpected if error.is_permanent() && text.contains("status: 4") => Failure::file(message),
        _ => Failure::passing(message),
    }
}
