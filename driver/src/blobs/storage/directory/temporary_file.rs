//! A file that gets its name only when it is complete and, if requested, synced to disk.
//!
//! It is written next to its target as `.<name>.pg_clone-tmp`; [`super::durable_rename`] syncs and names it.
//! Writers exclude each other by a file lock, which ends with the process: the next worker overwrites the temporary file of a
//! killed one.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;
use rustix::io::Errno;

use super::root::{Place, Root, is_regular, resemble};
use crate::blobs::file::failure::Failure;
use crate::blobs::file::shared::Flush;

/// Suffix of temporary files.
const TEMPORARY: &str = ".pg_clone-tmp";

/// Number of bytes after which the pages of a growing file are flushed.
const FLUSHED: u64 = 32 * 1024 * 1024;

/// Whether the name is that of a temporary file.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY)
}

/// Number of attempts to lock when the file of this name is replaced meanwhile.
const CHANGES: usize = 100;

/// A temporary file, or an existing complete file that is to be synced. Dropping it before it has its name removes
/// the temporary file.
#[derive(Debug)]
pub struct TemporaryFile {
    file: File,
    device: u64,
    /// `None` once the file has its name.
    temporary: Option<Place>,
    /// The file's name in the directory of `temporary`.
    name: String,
    /// The path below the root, for syncing directories.
    path: String,
    root: PathBuf,
    written: u64,
    flush: Flush,
}

impl TemporaryFile {
    /// Starts the file whose path below `root` is `path`. The file gets the mode of `like` and, if this process may change it,
    /// the owner.
    ///
    /// # Errors
    /// The directory cannot be written, the temporary name is not that of a file, or another live worker writes the same
    /// file (temporary).
    pub fn create(
        root: &Path,
        path: &str,
        place: Place,
        like: Option<&Stat>,
        flush: Flush,
    ) -> Result<Self, Failure> {
        let shown = root.join(path).display().to_string();
        let name = place.name;
        let temporary = Place {
            name: format!(".{name}{TEMPORARY}"),
            ..place
        };
        let (file, stat) = lock(&temporary, &shown)?;
        // From here on dropping removes the temporary file.
        let file = Self {
            file,
            device: stat.st_dev,
            temporary: Some(temporary),
            name,
            path: path.to_owned(),
            root: root.to_owned(),
            written: 0,
            flush,
        };
        if stat.st_size > 0 {
            file.file.set_len(0).map_err(|error| file.failed(&error))?;
        }
        if let Some(like) = like {
            resemble(file.file.as_fd(), &stat, like).map_err(|error| file.failed(&error))?;
        }
        Ok(file)
    }

    /// An existing, complete file: its writer may have died before the sync.
    ///
    /// # Errors
    /// Its status cannot be read.
    pub fn of_present(root: &Path, path: &str, file: File) -> io::Result<Self> {
        Ok(Self {
            device: rustix::fs::fstat(&file)?.st_dev,
            file,
            temporary: None,
            name: String::new(),
            path: path.to_owned(),
            root: root.to_owned(),
            written: 0,
            flush: Flush::Late,
        })
    }

    /// Appends to the file.
    ///
    /// # Errors
    /// The write fails, e.g. because the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| self.failed(&error))?;
        let before = self.written / FLUSHED;
        self.written += bytes.len() as u64;
        if self.flush == Flush::Early && self.written / FLUSHED > before {
            // The kernel cannot drop dirty pages, so this advice makes it start to write them. Errors do not matter: the sync at
            // the end decides.
            let (offset, length) = (before * FLUSHED, FLUSHED);
            let range = (i64::try_from(offset), i64::try_from(length));
            if let (Ok(offset), Ok(length)) = range {
                let advice = nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED;
                let _ = nix::fcntl::posix_fadvise(&self.file, offset, length, advice);
            }
        }
        Ok(())
    }

    /// The device number of its file system.
    pub fn device(&self) -> u64 {
        self.device
    }

    /// Syncs the whole file system of this file.
    ///
    /// # Errors
    /// A write failed (reported since Linux 5.8).
    pub fn sync_file_system(&self) -> io::Result<()> {
        Ok(nix::unistd::syncfs(&self.file)?)
    }

    /// Syncs the file.
    ///
    /// # Errors
    /// The write fails, e.g. because the disk is full.
    pub fn sync(&self) -> Result<(), Failure> {
        self.file.sync_all().map_err(|error| self.failed(&error))
    }

    /// Gives the file its name, if it has none yet.
    ///
    /// # Errors
    /// The file system refuses, e.g. because a directory has that name.
    pub fn give_name(&mut self) -> Result<(), Failure> {
        if let Some(temporary) = &self.temporary {
            let directory = &temporary.directory;
            rustix::fs::renameat(directory, &temporary.name, directory, &self.name)
                .map_err(|error| self.failed(&error.into()))?;
            self.temporary = None;
        }
        Ok(())
    }

    /// Syncs the directory of the file and the directories above it.
    ///
    /// # Errors
    /// A directory cannot be synced; the file then exists, but may not survive a power failure.
    pub fn sync_name(&self) -> Result<(), Failure> {
        Root::open(&self.root)
            .and_then(|root| root.sync_directories(&self.path))
            .map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::writing(&self.root.join(&self.path).display().to_string(), error)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // The lock is held until the file is closed, so this never removes another worker's file.
        if let Some(temporary) = &self.temporary {
            let _ = temporary.unlink();
        }
    }
}

/// Opens and locks the temporary file of the target `shown`.
fn lock(temporary: &Place, shown: &str) -> Result<(File, Stat), Failure> {
    let failed = |error: io::Error| Failure::writing(shown, &error);
    for _ in 0..CHANGES {
        let file = temporary.open_or_create().map_err(failed)?;
        let ours = rustix::fs::fstat(&file).map_err(|error| failed(error.into()))?;
        // With a second hard link it could be a file elsewhere, which must not be overwritten.
        if !is_regular(&ours) || ours.st_nlink > 1 {
            return Err(Failure::file(format!(
                "cannot write {shown}: its temporary name is used by another file: remove {}",
                temporary.name
            )));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::passing(format!("another worker is writing {shown}")));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Between open and lock its writer may have renamed it: then this is the finished target, which must not be truncated.
        match temporary.stat() {
            Ok(there) if (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev) => {
                return Ok((file, ours));
            }
            Ok(_) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
    Err(Failure::passing(format!(
        "the temporary file of {shown} changes all the time"
    )))
}
