//! Files in a directory of this machine. All functions block: they run on the blocking threads of the runtime.
//!
//! Written with `std::fs`, because the libraries do not guarantee what a copy needs: object_store 0.14 makes a hard
//! link, and opendal 0.59 neither syncs the file nor its directory.

pub mod durable_rename;
pub mod list;
pub mod root;
pub mod temporary_file;

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use rustix::fs::Stat;
use rustix::io::Errno;

use self::root::{Root, is_regular};

use crate::blobs::file::checksum::{Checksum, Summer, Sums};
use crate::blobs::file::failure::Failure;
use crate::blobs::file::meter::Meter;
use crate::blobs::file::outcome::{Copied, Method};
use crate::blobs::file::shared::Flush;
use crate::blobs::file::shared::Shared;
use crate::blobs::storage::directory::temporary_file::TemporaryFile;
use crate::blobs::storage::location::check_key;

/// 256 KiB: the cost of system calls is small, and the buffer stays in the processor's cache between read, checksum and write.
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

    /// The path of a key below the root.
    ///
    /// # Errors
    /// The key leads out of the directory.
    pub(super) fn relative<'k>(&self, key: &'k str) -> Result<&'k str, Failure> {
        check_key(key).map_err(Failure::file)?;
        let inner = key.strip_prefix(&self.prefix_in_bucket).unwrap_or(key);
        check_key(inner).map_err(Failure::file)?;
        Ok(inner)
    }

    /// The path of a key, for messages.
    ///
    /// # Errors
    /// The key leads out of the directory.
    pub fn path(&self, key: &str) -> Result<PathBuf, Failure> {
        Ok(self.root.join(self.relative(key)?))
    }

    /// Opens a file to be read.
    ///
    /// # Errors
    /// The file is missing, is not a regular file, is reached through a symbolic link, or cannot be read.
    pub fn open(&self, key: &str) -> Result<(File, Stat), Failure> {
        let path = self.relative(key)?;
        let failed = |error: &io::Error| self.read_failure(path, error);
        let file = self
            .open_root()?
            .open_file(path)
            .map_err(|error| failed(&error))?;
        let stat = rustix::fs::fstat(&file).map_err(|error| failed(&error.into()))?;
        self.check_regular(path, &stat)?;
        Ok((file, stat))
    }

    /// Size of a file in bytes; `None` if it does not exist.
    ///
    /// # Errors
    /// The directory does not exist or cannot be read, or the name is not that of a file.
    pub fn size(&self, key: &str) -> Result<Option<u64>, Failure> {
        let path = self.relative(key)?;
        match self.open_root()?.stat(path) {
            Ok(stat) => {
                self.check_regular(path, &stat)?;
                Ok(Some(size(&stat)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.read_failure(path, &error)),
        }
    }

    /// Checksums of a whole file.
    ///
    /// # Errors
    /// The file is missing or cannot be read, or the run stops.
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

    /// Starts a file with mode and owner derived from the root directory.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn file(&self, key: &str, flush: Flush) -> Result<TemporaryFile, Failure> {
        let path = self.relative(key)?;
        TemporaryFile::create(&self.root, path, self.prepare(path)?, None, flush)
    }

    /// An existing file that is to be synced.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn present(&self, key: &str) -> Result<TemporaryFile, Failure> {
        let (file, _) = self.open(key)?;
        let path = self.relative(key)?;
        TemporaryFile::of_present(&self.root, path, file).map_err(|error| self.read_failure(path, &error))
    }

    /// Copies a file of another directory, byte by byte: never a link, because two projects must not share a file. The
    /// caller publishes the result.
    ///
    /// # Errors
    /// See [`Failure`].
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
        let (mut from, stat) = source.open(source_key)?;
        check_size(&name, size_expected, size(&stat))?;
        let path = self.relative(target_key)?;
        let place = self.prepare(path)?;
        // A directory that was just created has no file of this name.
        let there = (!place.is_fresh).then(|| place.stat().ok()).flatten();
        if let Some(there) = there {
            if (there.st_dev, there.st_ino) == (stat.st_dev, stat.st_ino) {
                return Err(onto_itself(target_key));
            }
            if is_regular(&there) && there.st_size == stat.st_size {
                let there = self.sums(target_key, false, meter)?;
                if there == source.sums(source_key, false, meter)? {
                    return Ok((copied(Method::Present, there), self.present(target_key)?));
                }
            }
        }
        let mut file = TemporaryFile::create(&self.root, path, place, Some(&stat), shared.flush())?;
        let mut summer = Summer::new(false);
        each_chunk(&mut from, &name, |bytes| {
            meter.advance(bytes.len() as u64)?;
            summer.update(bytes);
            file.write(bytes)
        })?;
        let sums = summer.finish();
        check_size(&name, Some(size(&stat)), sums.length)?;
        Ok((copied(Method::Local, sums), file))
    }

    /// Deletes a file and directories that are empty then. Returns whether the file existed.
    ///
    /// # Errors
    /// The root does not exist, the name is not that of a file, or the directory cannot be written.
    pub fn delete(&self, key: &str) -> Result<bool, Failure> {
        let path = self.relative(key)?;
        let shown = self.root.join(path).display().to_string();
        let root = self.open_root()?;
        let place = match root.existing(path) {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Failure::writing(&shown, &error)),
        };
        match place.stat() {
            Ok(stat) => self.check_regular(path, &stat)?,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(Failure::writing(&shown, &error.into())),
        }
        match place.unlink() {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(Failure::writing(&shown, &error.into())),
        }
        root.remove_empty_directories(path);
        Ok(true)
    }

    /// Opens the root.
    ///
    /// # Errors
    /// The root does not exist; the failure concerns all files.
    pub(super) fn open_root(&self) -> Result<Root, Failure> {
        Root::open(&self.root).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::storage(format!(
                "the directory {} does not exist: create or mount it first",
                self.root.display()
            )),
            io::ErrorKind::NotADirectory => Failure::storage(format!(
                "a file is where the target needs a directory: {}",
                self.root.display()
            )),
            _ => Failure::storage(format!(
                "cannot open the directory {}: {error}",
                self.root.display()
            )),
        })
    }

    fn prepare(&self, path: &str) -> Result<root::Place, Failure> {
        let prepared = self.open_root()?.prepare(path);
        prepared.map_err(|error| Failure::writing(&self.root.join(path).display().to_string(), &error))
    }

    fn check_regular(&self, path: &str, stat: &Stat) -> Result<(), Failure> {
        if is_regular(stat) {
            return Ok(());
        }
        Err(Failure::file(format!(
            "{} is not a regular file",
            self.root.join(path).display()
        )))
    }

    pub(super) fn read_failure(&self, path: &str, error: &io::Error) -> Failure {
        Failure::reading(&self.root.join(path).display().to_string(), error)
    }
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

/// Checks that a file has the expected size.
///
/// # Errors
/// The sizes differ.
pub fn check_size(name: &str, expected: Option<u64>, found: u64) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != found => Err(Failure::file(format!(
            "{name} has {found} bytes where {expected} were expected"
        ))),
        _ => Ok(()),
    }
}

/// The failure of a row whose source and target are the same file.
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
        /// Reused for all files of a thread: allocating it would take longer than copying a small file.
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
