//! Copies one file through this process, from one kind of storage to another.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::job::Job;
use crate::blobs::file::blocking::blocking;
use crate::blobs::file::checksum::with;
use crate::blobs::file::checksum::{Checksum, Sums};
use crate::blobs::file::failure::Failure;
use crate::blobs::file::hashing_reader::{Chunks, HashingReader};
use crate::blobs::file::object::Object;
use crate::blobs::file::shared::Shared;
use crate::blobs::storage::Storage;
use crate::blobs::storage::directory::Directory;
use crate::blobs::storage::directory::temporary_file::TemporaryFile;

/// Chunks between a reading and a writing thread.
const QUEUED: usize = 4;
/// Bytes that a thread reads from a file at once.
const CHUNK: usize = 256 * 1024;

/// Copies the bytes of `object`; into a directory, as a temporary file that the caller publishes.
///
/// # Errors
/// Source or target fail, the bytes do not match `object`, or the run is aborted.
pub async fn stream(
    source: &Arc<Storage>,
    target: &Arc<Storage>,
    job: &Job,
    object: &Object,
    shared: &Shared,
) -> Result<(Sums, Option<TemporaryFile>), Failure> {
    let chunks = chunks(source, &job.source_key, object).await?;
    // MD5 is computed only if the service keeps one to compare with.
    let with_md5 = matches!(object.checksum, Some(Checksum::Md5(_)));
    let mut reader = HashingReader::new(chunks, with_md5, &shared.meter);
    let (key, memory) = (&job.target_key, &shared.memory);
    match &**target {
        Storage::Directory(directory) => {
            let (sums, file) = into_directory(directory.clone(), key.clone(), reader, object, shared).await?;
            return Ok((sums, Some(file)));
        }
        Storage::S3(s3) => {
            s3.write(key, &mut reader, object.size, &object.attributes, memory)
                .await?
        }
        Storage::Cloud(cloud) => {
            cloud
                .write(key, &mut reader, object.size, &object.attributes, memory)
                .await?
        }
    }
    Ok((check_sums(object, reader.finish())?, None))
}

/// The bytes of the file that `object` describes.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn chunks(storage: &Storage, key: &str, object: &Object) -> Result<Chunks, Failure> {
    Ok(match storage {
        Storage::Directory(directory) => file_chunks(directory.clone(), key.to_owned()),
        Storage::S3(s3) => s3.read(key, object).await?,
        Storage::Cloud(cloud) => cloud.read(key).await?,
    })
}

fn file_chunks(directory: Directory, key: String) -> Chunks {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Failure>>(QUEUED);
    tokio::task::spawn_blocking(move || {
        use std::io::Read as _;
        let read = || -> Result<(), Failure> {
            let (mut file, _) = directory.open(&key)?;
            loop {
                let mut chunk = vec![0; CHUNK];
                let length = file.read(&mut chunk).map_err(|error| {
                    Failure::reading(
                        &directory
                            .path(&key)
                            .map(|p| p.display().to_string())
                            .unwrap_or_default(),
                        &error,
                    )
                })?;
                chunk.truncate(length);
                // A closed channel means that the reader has stopped.
                if length == 0 || sender.blocking_send(Ok(chunk.into())).is_err() {
                    return Ok(());
                }
            }
        };
        if let Err(failure) = read() {
            let _ = sender.blocking_send(Err(failure));
        }
    });
    Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    }))
}

async fn into_directory(
    directory: Directory,
    key: String,
    mut reader: HashingReader,
    object: &Object,
    shared: &Shared,
) -> Result<(Sums, TemporaryFile), Failure> {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(QUEUED);
    let flush = shared.flush();
    let writer = blocking(move || {
        let mut file = directory.file(&key, flush)?;
        while let Some(chunk) = receiver.blocking_recv() {
            file.write(&chunk)?;
        }
        Ok(file)
    });
    let reader = async move {
        while let Some(chunk) = reader.next().await? {
            if sender.send(chunk).await.is_err() {
                return Err(Failure::passing("the writer broke off")); // and says why
            }
        }
        check_sums(object, reader.finish())
    };
    let (written, read) = tokio::join!(writer, reader);
    // If the source failed, this drops and so removes the temporary file.
    let file = written?;
    Ok((read?, file))
}

fn check_sums(object: &Object, sums: Sums) -> Result<Sums, Failure> {
    let agreed = object
        .checksum
        .as_ref()
        .and_then(|stored| sums.agree(stored))
        .unwrap_or(true);
    if sums.length == object.size && agreed {
        return Ok(sums);
    }
    Err(Failure::passing(format!(
        "read were {} bytes that do not match the source's {} bytes{}",
        sums.length,
        object.size,
        with(object.checksum.as_ref())
    )))
}
