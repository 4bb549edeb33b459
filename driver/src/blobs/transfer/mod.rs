//! Copies one file by the cheapest method: nothing if the target is complete, a copy by the service if source and target are
//! in the same one, else a stream through this process.

pub mod job;
pub mod stream;

use std::sync::Arc;

use self::job::Job;
use crate::blobs::file::blocking::blocking;
use crate::blobs::file::checksum::with;
use crate::blobs::file::shared::Shared;

use crate::blobs::file::checksum::Checksum;
use crate::blobs::file::failure::Failure;
use crate::blobs::file::hashing_reader::HashingReader;
use crate::blobs::file::meter::Meter;
use crate::blobs::file::object::Object;
use crate::blobs::file::outcome::{Copied, Method};
use crate::blobs::storage::Storage;
use crate::blobs::storage::directory::temporary_file::TemporaryFile;
use crate::blobs::storage::directory::{check_size, onto_itself};
use crate::blobs::transfer::stream::{chunks, stream};

/// Copies one file, unless the target is complete. In a directory it is visible only after it is published.
///
/// # Errors
/// See [`Failure`]; an incomplete file is never visible under the target's key.
pub async fn copy(
    source: &Arc<Storage>,
    target: &Arc<Storage>,
    job: Job,
    shared: &Shared,
) -> Result<(Copied, Option<TemporaryFile>), Failure> {
    let (here, there) = tokio::join!(stat(source, &job.source_key), stat(target, &job.target_key));
    let name = source.name(&job.source_key);
    let mut object = here?.ok_or_else(|| Failure::file(format!("source is missing: {name}")))?;
    check_size(&name, job.size_expected, object.size)?;
    if let Some(there) = there?
        && is_there(source, target, &job, &object, &there, shared).await?
    {
        let file = match &**target {
            Storage::Directory(directory) => {
                let (directory, key) = (directory.clone(), job.target_key);
                Some(blocking(move || directory.present(&key)).await?)
            }
            _ => None,
        };
        return Ok((copied(Method::Present, there), file));
    }
    if object.attributes.content_type.is_none() {
        object.attributes.content_type.clone_from(&job.content_type);
    }
    let (method, there, file) = match copy_inside(source, target, &job, &object, shared).await? {
        Some(Some(told)) => (Method::Server, told, None),
        Some(None) => (Method::Server, arrived(target, &job).await?, None),
        None => {
            let (sums, file) = stream(source, target, &job, &object, shared).await?;
            let mut there = match file {
                // The file has no name yet; the written bytes are known.
                Some(_) => Object {
                    size: sums.length,
                    ..Object::default()
                },
                None => arrived(target, &job).await?,
            };
            there.checksum = there.checksum.or(Some(Checksum::Crc32c(sums.crc32c)));
            (Method::Stream, there, file)
        }
    };
    if !object.is_copied_by(&there) {
        return Err(Failure::passing(format!(
            "the target has {} bytes{}, the source {} bytes{}",
            there.size,
            with(there.checksum.as_ref()),
            object.size,
            with(object.checksum.as_ref())
        )));
    }
    Ok((copied(method, there), file))
}

/// Deletes a file. The method says whether it existed, if the storage reports it.
///
/// # Errors
/// See [`Failure`]; also if the location itself does not exist.
pub async fn delete(target: &Arc<Storage>, key: &str) -> Result<Copied, Failure> {
    let was_there = match &**target {
        Storage::Directory(directory) => {
            let (directory, key) = (directory.clone(), key.to_owned());
            blocking(move || directory.delete(&key)).await?
        }
        Storage::S3(s3) => {
            let there = s3.stat(key).await?.is_some();
            s3.delete(key).await?;
            there
        }
        Storage::Cloud(cloud) => {
            let there = cloud.stat(key).await?.is_some();
            cloud.delete(key).await?;
            there
        }
    };
    Ok(Copied {
        method: if was_there { Method::Delete } else { Method::Absent },
        bytes: 0,
        checksum: None,
    })
}

/// Size, checksum and attributes of a file; `None` if it does not exist.
///
/// # Errors
/// The storage cannot be reached.
pub async fn stat(storage: &Arc<Storage>, key: &str) -> Result<Option<Object>, Failure> {
    match &**storage {
        Storage::Directory(directory) => {
            let (directory, key) = (directory.clone(), key.to_owned());
            let size = blocking(move || directory.size(&key)).await?;
            Ok(size.map(|size| Object {
                size,
                ..Object::default()
            }))
        }
        Storage::S3(s3) => s3.stat(key).await,
        Storage::Cloud(cloud) => cloud.stat(key).await,
    }
}

/// The bytes of the file that `object` describes.
///
/// # Errors
/// When it cannot be read.
pub async fn read(
    storage: &Arc<Storage>,
    key: &str,
    object: &Object,
    meter: &Meter,
) -> Result<HashingReader, Failure> {
    Ok(HashingReader::new(
        chunks(storage, key, object).await?,
        false,
        meter,
    ))
}

async fn arrived(target: &Arc<Storage>, job: &Job) -> Result<Object, Failure> {
    let there = stat(target, &job.target_key).await?;
    there.ok_or_else(|| Failure::passing("the target is not there after the copy"))
}

/// Whether the target is a complete copy of this file. A directory keeps no checksums: its file is read.
async fn is_there(
    source: &Arc<Storage>,
    target: &Arc<Storage>,
    job: &Job,
    object: &Object,
    there: &Object,
    shared: &Shared,
) -> Result<bool, Failure> {
    if !object.is_copied_by(there) {
        return Ok(false);
    }
    let (directory, key, stored) = match (&**source, &**target) {
        (Storage::Directory(directory), _) => (directory.clone(), job.source_key.clone(), &there.checksum),
        (_, Storage::Directory(directory)) => (directory.clone(), job.target_key.clone(), &object.checksum),
        _ => return Ok(true),
    };
    let Some(stored @ (Checksum::Md5(_) | Checksum::Crc32c(_))) = stored.clone() else {
        return Ok(true);
    };
    let meter = shared.meter.clone();
    let sums = blocking(move || directory.sums(&key, true, &meter)).await?;
    Ok(sums.agree(&stored) != Some(false))
}

/// Lets the service copy and returns the copy as the answer describes it; `None` if source and target are different services.
async fn copy_inside(
    source: &Storage,
    target: &Storage,
    job: &Job,
    object: &Object,
    shared: &Shared,
) -> Result<Option<Option<Object>>, Failure> {
    match (source, target) {
        (Storage::S3(from), Storage::S3(to)) if to.is_same_service(from) => {
            if from.name(&job.source_key) == to.name(&job.target_key) {
                return Err(onto_itself(&job.target_key));
            }
            to.copy_from(&job.target_key, from, &job.source_key, object, &shared.meter)
                .await
                .map(Some)
        }
        (Storage::Cloud(from), Storage::Cloud(to)) if to.is_same_service(from) => {
            if job.source_key == job.target_key {
                return Err(onto_itself(&job.target_key));
            }
            to.copy_from(&job.target_key, &job.source_key, object, &shared.meter)
                .await?;
            Ok(Some(None))
        }
        _ => Ok(None),
    }
}

fn copied(method: Method, object: Object) -> Copied {
    Copied {
        method,
        bytes: object.size,
        checksum: object.checksum,
    }
}
