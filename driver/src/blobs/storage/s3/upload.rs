//! Writes a stream into S3 with bounded memory.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, TryStreamExt as _};
use md5::{Digest as _, Md5};

use crate::blobs::file::failure::Failure;
use crate::blobs::file::hashing_reader::HashingReader;
use crate::blobs::file::memory::{Memory, part_size};
use crate::blobs::file::object::Attributes;
use crate::blobs::storage::s3::S3;
use crate::blobs::storage::s3::failure::failure;
use crate::blobs::storage::s3::multipart::Upload;

/// Number of parts of one object at the same time; the memory budget may allow fewer.
const PARALLEL: usize = 4;

impl S3 {
    /// Writes `size` bytes; every request carries the MD5 of its body, which the service checks.
    ///
    /// # Errors
    /// Source or service fail, or the run is aborted; nothing is visible under the key then.
    pub async fn write(
        &self,
        key: &str,
        reader: &mut HashingReader,
        size: u64,
        attributes: &Attributes,
        memory: &Memory,
    ) -> Result<(), Failure> {
        let part = part_size(size);
        if size > part {
            return self.write_parts(key, reader, part, attributes, memory).await;
        }
        let _taken = memory.take(size).await?;
        let body = reader.part(usize::try_from(part).unwrap_or(usize::MAX)).await?;
        if body.len() as u64 != size {
            return Err(Failure::passing(format!(
                "the source ended after {} of {size} bytes",
                body.len()
            )));
        }
        self.client
            .put_object()
            .bucket(&self.bucket.name)
            .key(self.key(key)?)
            .set_content_type(attributes.content_type.clone())
            .set_cache_control(attributes.cache_control.clone())
            .set_content_disposition(attributes.content_disposition.clone())
            .set_content_encoding(attributes.content_encoding.clone())
            .set_content_language(attributes.content_language.clone())
            .set_metadata(Some(attributes.metadata.clone()))
            .content_md5(md5_of(&body))
            .body(ByteStream::from(body))
            .send()
            .await
            .map(drop)
            .map_err(|error| failure(&format!("cannot write {}", self.name(key)), error))
    }

    async fn write_parts(
        &self,
        key: &str,
        reader: &mut HashingReader,
        part: u64,
        attributes: &Attributes,
        memory: &Memory,
    ) -> Result<(), Failure> {
        let upload = Upload::start(self, key, attributes).await?;
        let parts = self.send_parts(&upload, reader, part, memory).await;
        upload.finish(parts).await
    }

    async fn send_parts(
        &self,
        upload: &Upload<'_>,
        reader: &mut HashingReader,
        part: u64,
        memory: &Memory,
    ) -> Result<Vec<CompletedPart>, Failure> {
        let mut under_way = FuturesUnordered::new();
        let mut parts = Vec::new();
        loop {
            let taken = memory.take(part).await?;
            let body = reader.part(usize::try_from(part).unwrap_or(usize::MAX)).await?;
            if body.is_empty() {
                break;
            }
            let number = i32::try_from(parts.len() + under_way.len() + 1).unwrap_or(i32::MAX);
            under_way.push(async move {
                let sent = self.send_part(upload, number, body).await;
                drop(taken);
                sent
            });
            if under_way.len() >= PARALLEL
                && let Some(done) = under_way.next().await
            {
                parts.push(done?);
            }
        }
        while let Some(done) = under_way.try_next().await? {
            parts.push(done);
        }
        parts.sort_by_key(CompletedPart::part_number);
        Ok(parts)
    }

    async fn send_part(
        &self,
        upload: &Upload<'_>,
        number: i32,
        body: Bytes,
    ) -> Result<CompletedPart, Failure> {
        let sent = self
            .client
            .upload_part()
            .bucket(&self.bucket.name)
            .key(upload.key())
            .upload_id(upload.id())
            .part_number(number)
            .content_md5(md5_of(&body))
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(|error| failure(&format!("cannot write part {number} of {}", upload.key()), error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .build())
    }
}

fn md5_of(body: &[u8]) -> String {
    data_encoding::BASE64.encode(&Md5::digest(body))
}
