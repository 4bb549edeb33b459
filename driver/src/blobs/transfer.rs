//! One file from its source to its target, by the shortest way: not at all when it is there, by the service when both
//! are the same, else through this process.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::checksum::{Checksum, Sums};
use super::directory::{Directory, check_size, seal};
use super::failure::Failure;
use super::inflow::{Chunks, Inflow};
use super::memory::Memory;
use super::meter::Meter;
use super::object::Object;
use super::outcome::{Copied, Method};
use super::storage::Storage;

/// Chunks between a reading and a writing thread.
const QUEUED: usize = 4;
/// What a thread reads from a file at once.
const CHUNK: usize = 256 * 1024;

/// What is to be copied.
#[derive(Clone, Debug)]
pub struct Job {
    /// Key in the source.
    pub source_key: String,
    /// Key in the target.
    pub target_key: String,
    /// Size that the source must have, where it is known.
    pub size_expected: Option<u64>,
    /// Content type for a source that has none of its own.
    pub content_type: Option<String>,
}

/// What all transfers of a run share.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// Counts bytes, and ends transfers that are to be abandoned.
    pub meter: Meter,
    /// Bounds what streaming keeps in memory.
    pub memory: Memory,
}

/// Copies one file, unless the target is there already.
///
/// # Errors
/// As [`Failure`] tells; nothing half-written is visible under the target's key then.
pub async fn copy(
    source: &Arc<Storage>,
    target: &Arc<Storage>,
    job: Job,
    shared: &Shared,
) -> Result<Copied, Failure> {
    if let (Storage::Directory(from), Storage::Directory(to)) = (&**source, &**target) {
        if from.is_same(to) && from.path(&job.source_key)? == to.path(&job.target_key)? {
            return Err(onto_itself(&job));
        }
        let (from, to, meter) = (from.clone(), to.clone(), shared.meter.clone());
        return blocking(move || to.copy(&job.target_key, &from, &job.source_key, job.size_expected, &meter))
            .await;
    }
    let (here, there) = tokio::join!(stat(source, &job.source_key), stat(target, &job.target_key));
    let name = source.name(&job.source_key);
    let mut object = here?.ok_or_else(|| Failure::file(format!("source is missing: {name}")))?;
    check_size(&name, job.size_expected, object.size)?;
    if let Some(there) = there?
        && is_there(source, target, &job, &object, &there, shared).await?
    {
        return Ok(copied(Method::Present, there));
    }
    if object.attributes.content_type.is_none() {
        object.attributes.content_type.clone_from(&job.content_type);
    }
    let (method, sums, told) = match copy_inside(source, target, &job, &object, shared).await? {
        Some(told) => (Method::Server, None, told),
        None => (
            Method::Stream,
            Some(stream(source, target, &job, &object, shared).await?),
            None,
        ),
    };
    let there = match told {
        Some(told) => Some(told),
        None => stat(target, &job.target_key).await?,
    };
    let mut there = there.ok_or_else(|| Failure::passing("the target is not there after the copy"))?;
    if !object.is_copied_by(&there) {
        return Err(Failure::passing(format!(
            "the target has {} bytes{}, the source {} bytes{}",
            there.size,
            with(there.checksum.as_ref()),
            object.size,
            with(object.checksum.as_ref())
        )));
    }
    // A directory keeps no checksum: what was written and read back is recorded.
    there.checksum = there.checksum.or(sums.map(|sums| Checksum::Crc32c(sums.crc32c)));
    Ok(copied(method, there))
}

/// Deletes a file; no such file is fine.
///
/// # Errors
/// As [`Failure`] tells.
pub async fn delete(target: &Arc<Storage>, key: &str) -> Result<Copied, Failure> {
    match &**target {
        Storage::Directory(directory) => {
            let (directory, key) = (directory.clone(), key.to_owned());
            blocking(move || directory.delete(&key)).await?;
        }
        Storage::S3(s3) => s3.delete(key).await?,
        Storage::Cloud(cloud) => cloud.delete(key).await?,
    }
    Ok(Copied {
        method: Method::Delete,
        bytes: 0,
        checksum: None,
    })
}

/// What is known of a file; `None` when there is none.
///
/// # Errors
/// When the storage cannot be asked.
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

/// Whether what stands at the target is this file. A directory has no checksums: its file is read and summed.
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

/// Lets the service copy, and gives what its answer told of the copy; `None` when source and target are not one service.
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
                return Err(onto_itself(job));
            }
            to.copy_from(&job.target_key, from, &job.source_key, object, &shared.meter)
                .await
                .map(Some)
        }
        (Storage::Cloud(from), Storage::Cloud(to)) if to.is_same_service(from) => {
            if job.source_key == job.target_key {
                return Err(onto_itself(job));
            }
            to.copy_from(&job.target_key, &job.source_key, object, &shared.meter)
                .await?;
            Ok(Some(None))
        }
        _ => Ok(None),
    }
}

async fn stream(
    source: &Arc<Storage>,
    target: &Arc<Storage>,
    job: &Job,
    object: &Object,
    shared: &Shared,
) -> Result<Sums, Failure> {
    let chunks = match &**source {
        Storage::Directory(directory) => file_chunks(directory.clone(), job.source_key.clone()),
        Storage::S3(s3) => s3.read(&job.source_key, object).await?,
        Storage::Cloud(cloud) => cloud.read(&job.source_key).await?,
    };
    // A directory has no checksum to compare with; a service's is worth computing.
    let with_md5 = matches!(object.checksum, Some(Checksum::Md5(_)));
    let mut inflow = Inflow::new(chunks, with_md5, &shared.meter);
    let (key, memory) = (&job.target_key, &shared.memory);
    match &**target {
        Storage::Directory(directory) => {
            return into_directory(directory.clone(), key.clone(), inflow, object, shared).await;
        }
        Storage::S3(s3) => {
            s3.write(key, &mut inflow, object.size, &object.attributes, memory)
                .await?
        }
        Storage::Cloud(cloud) => {
            cloud
                .write(key, &mut inflow, object.size, &object.attributes, memory)
                .await?
        }
    }
    check_sums(object, inflow.finish())
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
                // A closed channel means that nobody wants the rest.
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
    mut inflow: Inflow,
    object: &Object,
    shared: &Shared,
) -> Result<Sums, Failure> {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(QUEUED);
    let (finished, sums) = tokio::sync::oneshot::channel::<Sums>();
    let meter = shared.meter.clone();
    let writer = blocking(move || {
        let mut draft = directory.draft(&key, None)?;
        while let Some(chunk) = receiver.blocking_recv() {
            draft.write(&chunk)?;
        }
        // No sums: the source failed, and the draft disappears.
        sums.blocking_recv()
            .map_or(Ok(()), |sums| seal(draft, &sums, &meter))
    });
    let reader = async move {
        while let Some(chunk) = inflow.next().await? {
            if sender.send(chunk).await.is_err() {
                return Err(Failure::passing("the writer broke off")); // and says why
            }
        }
        let sums = check_sums(object, inflow.finish())?;
        let _ = finished.send(sums);
        Ok(sums)
    };
    let (written, read) = tokio::join!(writer, reader);
    written.and(read)
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

/// Runs what blocks on a thread for that.
///
/// # Errors
/// What `work` returns, or that it broke off.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::passing(format!("a copying thread broke off: {error}"))))
}

fn onto_itself(job: &Job) -> Failure {
    Failure::file(format!("source and target are the same file: {}", job.target_key))
}

fn copied(method: Method, object: Object) -> Copied {
    Copied {
        method,
        bytes: object.size,
        checksum: object.checksum,
    }
}

fn with(checksum: Option<&Checksum>) -> String {
    checksum
        .map(|checksum| format!(" with {checksum}"))
        .unwrap_or_default()
}
