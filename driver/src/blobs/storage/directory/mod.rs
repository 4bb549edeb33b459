//! Files in a directory of this machine. All functions block: they run on the blocking threads of the runtime.
//!
//! Written by hand over `std::fs`, because the libraries do not keep what a copy has to: object_store 0.14 makes a hard
//! link, and opendal 0.59 neither syncs the file nor its directory.

pub mod durable_rename;
pub mod list;
pub mod temporary_file;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::blobs::file::checksum::{Checksum, Summer, Sums};
use crate::blobs::file::failure::Failure;
use crate::blobs::file::meter::Meter;
use crate::blobs::file::outcome::{Copied, Method};
use crate::blobs::file::shared::Flush;
use crate::blobs::file::shared::Shared;
use crate::blobs::storage::directory::temporary_file::{TemporaryFile, create_parent};
use crate::blobs::storage::location::check_key;

/// 256 KiB: large enough that system calls do not count, small enough to stay in the cache between read, sum and write.
const BUFFER: usize = 256 * 1024;

/// A directory that holds files by key.
#[derive(Clone, Debug)]
pub struct Directory {
    pub(super) root: PathBuf,
    pub(super) prefix_in_bucket: String,
}

impl Directory {
    /// The directory `root`; keys lose `prefix_in_bucket` in it.
    pub fn new(root: PathBuf, prefix_in_bucket: &str) -> Self {
        Self {
            root,
            prefix_in_bucket: prefix_in_bucket.to_owned(),
        }
    }

    /// The file of a key.
    ///
    /// # Errors
    /// When the key would leave the directory.
    pub fn path(&self, key: &str) -> Result<PathBuf, Failure> {
        check_key(key).map_err(Failure::file)?;
        let inner = key.strip_prefix(&self.prefix_in_bucket).unwrap_or(key);
        check_key(inner).map_err(Failure::file)?;
        Ok(self.root.join(inner))
    }

    /// Opens a file to be read.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub fn open(&self, key: &str) -> Result<(File, fs::Metadata), Failure> {
        let path = self.path(key)?;
        let failed = |error: &io::Error| self.read_failure(&path, error);
        let file = File::open(&path).map_err(|error| failed(&error))?;
        let metadata = file.metadata().map_err(|error| failed(&error))?;
        if !metadata.is_file() {
            return Err(failed(&io::ErrorKind::IsADirectory.into()));
        }
        Ok((file, metadata))
    }

    /// Size of a file in bytes, `None` when there is none.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn size(&self, key: &str) -> Result<Option<u64>, Failure> {
        let path = self.path(key)?;
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Err(Failure::file(format!("{} is not a file", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.read_failure(&path, &error)),
        }
    }

    /// Checksums of a whole file.
    ///
    /// # Errors
    /// When it is missing or cannot be read, or the run stops.
    pub fn sums(&self, key: &str, with_md5: bool, meter: &Meter) -> Result<Sums, Failure> {
        let (mut file, _) = self.open(key)?;
        let mut summer = Summer::new(with_md5);
        each_chunk(&mut file, &format!("{}/{key}", self.root.display()), |bytes| {
            meter.go_on()?;
            summer.update(bytes);
            Ok(())
        })?;
        Ok(summer.finish())
    }

    /// Starts a file, with the mode and owner of `like` or else of the directory's usual.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn file(
        &self,
        key: &str,
        like: Option<&fs::Metadata>,
        flush: Flush,
    ) -> Result<TemporaryFile, Failure> {
        TemporaryFile::create(&self.root, self.path(key)?, like, flush)
    }

    /// A file that is there already, to be made durable.
    ///
    /// # Errors
    /// When it cannot be opened any more.
    pub fn present(&self, key: &str) -> Result<TemporaryFile, Failure> {
        let (file, _) = self.open(key)?;
        let path = self.path(key)?;
        TemporaryFile::of_present(&self.root, path.clone(), file)
            .map_err(|error| self.read_failure(&path, &error))
    }

    /// Copies a file of another directory, byte by byte: never a link, two projects must not share a file. What it gives
    /// is to be published.
    ///
    /// # Errors
    /// As [`Failure`] tells.
    pub fn copy(
        &self,
        target_key: &str,
        source: &Self,
        source_key: &str,
        size_expected: Option<u64>,
        shared: &Shared,
    ) -> Result<(Copied, TemporaryFile), Failure> {
        let meter = &shared.meter;
        let source_path = source.path(source_key)?;
        let name = source_path.display().to_string();
        let (mut from, metadata) = source.open(source_key)?;
        check_size(&name, size_expected, metadata.len())?;
        let target = self.path(target_key)?;
        // Most files get a directory of their own: then there is nothing to look at.
        let there = if create_parent(&self.root, &target) {
            None
        } else {
            fs::metadata(target).ok()
        };
        if let Some(there) = there {
            if (there.dev(), there.ino()) == (metadata.dev(), metadata.ino()) {
                return Err(onto_itself(target_key));
            }
            if there.is_file() && there.len() == metadata.len() {
                let there = self.sums(target_key, false, meter)?;
                if there == source.sums(source_key, false, meter)? {
                    return Ok((copied(Method::Present, there), self.present(target_key)?));
                }
            }
        }
        let mut file = self.file(target_key, Some(&metadata), shared.flush())?;
        let mut summer = Summer::new(false);
        each_chunk(&mut from, &name, |bytes| {
            meter.advance(bytes.len() as u64)?;
            summer.update(bytes);
            file.write(bytes)
        })?;
        let sums = summer.finish();
        check_size(&name, Some(metadata.len()), sums.length)?;
        Ok((copied(Method::Local, sums), file))
    }

    /// Deletes a file and the directories that it leaves empty; no such file is fine.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn delete(&self, key: &str) -> Result<(), Failure> {
        let path = self.path(key)?;
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Failure::writing(&path.display().to_string(), &error)),
        }
        for directory in path
            .ancestors()
            .skip(1)
            .take_while(|directory| *directory != self.root)
        {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn read_failure(&self, path: &Path, error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::NotFound && !self.root.is_dir() {
            return Failure::storage(format!("the directory {} does not exist", self.root.display()));
        }
        Failure::reading(&path.display().to_string(), error)
    }
}

/// Complains about a size that is not the expected one.
///
/// # Errors
/// When it is not.
pub fn check_size(name: &str, expected: Option<u64>, found: u64) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != found => Err(Failure::file(format!(
            "{name} has {found} bytes where {expected} were expected"
        ))),
        _ => Ok(()),
    }
}

/// A row that would write a file over itself.
pub fn onto_itself(key: &str) -> Failure {
    Failure::file(format!("source and target are the same file: {key}"))
}

fn copied(method: Method, sums: Sums) -> Copied {
    Copied {
        method,
        bytes: sums.length,
        checksum: Some(Checksum::Crc32c(sums.crc32c)),
    }
}

fn each_chunk(
    file: &mut impl Read,
    name: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    thread_local! {
        /// Kept from file to file: memory fresh from the system costs more than to copy a small file into it.
        static BYTES: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
    }
    BYTES.with_borrow_mut(|buffer| {
        loop {
            match file.read(buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => take(&buffer[..length])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::reading(name, &error)),
            }
        }
    })
}
