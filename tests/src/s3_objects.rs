//! What a test does to the S3 server by itself, past the code under test.

use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::storage_servers::{S3_KEY, S3_SECRET};

/// An object as the server gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its content type.
    pub content_type: Option<String>,
    /// Its user metadata.
    pub metadata: HashMap<String, String>,
}

/// A client of the server at `url`.
pub fn client(url: &str) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(url)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new(S3_KEY, S3_SECRET, None, None, "test"))
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(config)
}

/// Writes an object with a content type and metadata of its own.
///
/// # Errors
/// When the server refuses.
pub async fn put(client: &Client, bucket: &str, key: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
    let request = client
        .put_object()
        .bucket(bucket)
        .key(key)
        .content_type("image/x-test");
    request
        .metadata("owner", key.replace('/', "-"))
        .body(ByteStream::from(bytes))
        .send()
        .await?;
    Ok(())
}

/// Reads an object.
///
/// # Errors
/// When it is not there.
pub async fn get(client: &Client, bucket: &str, key: &str) -> anyhow::Result<Stored> {
    let answer = client.get_object().bucket(bucket).key(key).send().await?;
    Ok(Stored {
        content_type: answer.content_type,
        metadata: answer.metadata.unwrap_or_default(),
        bytes: answer.body.collect().await?.to_vec(),
    })
}

/// Sizes of all objects under a prefix, by key.
///
/// # Errors
/// When the server cannot list.
pub async fn list(client: &Client, bucket: &str, prefix: &str) -> anyhow::Result<HashMap<String, i64>> {
    let mut found = HashMap::new();
    let mut pages = client
        .list_objects_v2()
        .bucket(bucket)
        .prefix(prefix)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        for object in page?.contents.unwrap_or_default() {
            found.insert(object.key.unwrap_or_default(), object.size.unwrap_or_default());
        }
    }
    Ok(found)
}
