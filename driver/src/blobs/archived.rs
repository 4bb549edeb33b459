//! Reads files for an archive, and unpacks files of an archive.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::TryStreamExt as _;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::blobs::file::meter::Meter;
use crate::blobs::file::shared::Flush;
use crate::blobs::storage::allowed::AllowedLocations;
use crate::blobs::storage::directory::Directory;
use crate::blobs::storage::directory::durable_rename::publish;
use crate::blobs::storage::directory::temporary_file::TemporaryFile;
use crate::blobs::storage::location::Location;
use crate::blobs::storage::{Storage, Storages};
use crate::blobs::transfer::{read, stat};

/// Receives each file of a project.
pub trait EachFile {
    /// Begins a file; `size` is in bytes.
    ///
    /// # Errors
    /// An error ends the work.
    fn begin(&mut self, key: &str, size: u64, content_type: Option<&str>) -> Result<()>;
    /// Receives the next bytes of the file.
    ///
    /// # Errors
    /// An error ends the work.
    fn content(&mut self, bytes: &[u8]) -> Result<()>;
}

/// Where the files of a project are.
#[derive(Debug)]
pub struct FilesOfProject<'f> {
    /// The project.
    pub project: &'f str,
    /// Its store.
    pub store: &'f str,
    /// Whether files of all versions of resources are included.
    pub all_versions: bool,
    /// Location of the files, if not the one in the store's options.
    pub from: Option<&'f Location>,
    /// Locations that the database may name.
    pub allowed: &'f AllowedLocations,
}

impl FilesOfProject<'_> {
    /// Reads the file of every row of the project, one after the other, in the transaction of `client`.
    ///
    /// # Errors
    /// A file is missing or cannot be read, its location is unknown or not allowed, or the database fails.
    pub async fn each(&self, client: &Client, sink: &mut impl EachFile) -> Result<()> {
        let tables = client
            .query_typed(
                include_str!("queue/sql/files_of_project.sql"),
                &[(&self.store, Type::TEXT), (&self.all_versions, Type::BOOL)],
            )
            .await?;
        if tables.is_empty() {
            return Ok(());
        }
        let stores = client
            .query_typed(include_str!("queue/sql/stores.sql"), &[])
            .await?;
        let options: HashMap<String, (Option<String>, String)> = stores
            .iter()
            .map(|row| (row.get(0), (row.get(1), row.get(2))))
            .collect();
        let (blobs, prefix) = options.get(self.store).cloned().unwrap_or_default();
        let storages = Storages::default();
        for table in &tables {
            let query: &str = table.get(1);
            let rows = client
                .query_typed_raw(query, [(self.project, Type::TEXT)])
                .await?;
            let mut rows = pin!(rows);
            while let Some(row) = rows.try_next().await? {
                let (key, recorded): (String, Option<String>) = (row.get(1), row.get(3));
                let location = self.location(recorded.as_deref().or(blobs.as_deref()))?;
                let storage = storages.get(&location, &prefix).await?;
                one(&storage, &key, sink).await?;
            }
        }
        Ok(())
    }

    fn location(&self, known: Option<&str>) -> Result<Location> {
        if let Some(given) = self.from {
            return Ok(given.clone());
        }
        let Some(text) = known else {
            bail!(
                "store {} does not say where its files are: set its options.blobs or give --blobs-from",
                self.store
            );
        };
        let location: Location = text.parse()?;
        self.allowed.check(&location).map_err(anyhow::Error::msg)?;
        Ok(location)
    }
}

async fn one(storage: &Arc<Storage>, key: &str, sink: &mut impl EachFile) -> Result<()> {
    let object = stat(storage, key)
        .await?
        .with_context(|| format!("a file of the project is missing: {}", storage.name(key)))?;
    sink.begin(key, object.size, object.attributes.content_type.as_deref())?;
    let mut reader = read(storage, key, &object, &Meter::default()).await?;
    while let Some(chunk) = reader.next().await? {
        tokio::task::block_in_place(|| sink.content(&chunk))?;
    }
    let length = reader.finish().length;
    ensure!(
        length == object.size,
        "{} changed while it was read: it had {} bytes, then {length}",
        storage.name(key),
        object.size
    );
    Ok(())
}

/// Files in a new directory, under their keys. Dropping the value removes the directory unless [`Self::keep`] was called.
#[derive(Debug)]
pub struct UnpackedFiles {
    directory: Directory,
    root: PathBuf,
    current: Option<TemporaryFile>,
    kept: bool,
}

impl UnpackedFiles {
    /// Creates the directory with mode 0700. Keys lose `prefix_in_bucket`, as in every directory of the store.
    ///
    /// # Errors
    /// The directory exists or cannot be created.
    pub fn create(root: &Path, prefix_in_bucket: &str) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(root)
            .with_context(|| format!("cannot make the directory {} for files", root.display()))?;
        let root = root.canonicalize()?;
        Ok(Self {
            directory: Directory::new(root.clone(), prefix_in_bucket),
            root,
            current: None,
            kept: false,
        })
    }

    /// The location of the directory.
    pub fn location(&self) -> Location {
        Location::Directory(self.root.clone())
    }

    /// Begins a file; the previous one is complete.
    ///
    /// # Errors
    /// The key leads out of the directory, or the file cannot be written.
    pub fn begin(&mut self, key: &str) -> Result<()> {
        self.end()?;
        self.current = Some(self.directory.file(key, Flush::Late)?);
        Ok(())
    }

    /// Appends to the file.
    ///
    /// # Errors
    /// The write fails, e.g. because the disk is full.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(file) = &mut self.current {
            file.write(bytes)?;
        }
        Ok(())
    }

    /// The file is complete.
    ///
    /// # Errors
    /// The write fails, e.g. because the disk is full.
    pub fn end(&mut self) -> Result<()> {
        if let Some(file) = self.current.take() {
            publish(vec![file]).into_iter().collect::<Result<(), _>>()?;
        }
        Ok(())
    }

    /// Keeps the files until they are copied; called when the rows that name them are committed.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    /// Removes the unpacked files.
    pub fn remove(&mut self) {
        self.current = None;
        // A failure leaves files in the user's own directory.
        let _ = std::fs::remove_dir_all(&self.root);
        self.kept = true;
    }
}

impl Drop for UnpackedFiles {
    fn drop(&mut self) {
        if !self.kept {
            self.remove();
        }
    }
}
