//! A file that becomes visible under its name only when it is complete, and on disk first where that is asked for.
//!
//! It is written next to its target as `.<name>.pg_clone-tmp`; [`super::durable_rename`] syncs and names it.
//! Writers exclude each other by a file lock, which ends with the process: what a killed worker left is overwritten by the next one, and nothing
//! piles up.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;
use rustix::io::Errno;

use super::root::{Place, Root, is_regular, resemble};
use crate::blobs::file::failure::Failure;
use crate::blobs::file::shared::Flush;

/// How the names of files under way end.
const TEMPORARY: &str = ".pg_clone-tmp";

/// Bytes after which a growing file is sent on its way to the disk.
const FLUSHED: u64 = 32 * 1024 * 1024;

/// Whether a file of this name is one under way.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY)
}

/// How often the lock is tried when the file under the name changes meanwhile.
const CHANGES: usize = 100;

/// A file under way, or one that was found complete and is to be made durable. Dropped before it has its name, it
/// disappears.
#[derive(Debug)]
pub struct TemporaryFile {
    file: File,
    device: u64,
    /// `None` once the file has its name.
    temporary: Option<Place>,
    /// The file's name in the directory of `temporary`.
    name: String,
    /// The path below the root, for the names on disk.
    path: String,
    root: PathBuf,
    written: u64,
    flush: Flush,
}

impl TemporaryFile {
    /// Starts the file whose path below `root` is `path`, at its place. The file gets the mode, and where this process may
    /// the owner, of `like`.
    ///
    /// # Errors
    /// When the directory cannot be written, something else than a file stands under the temporary name, or another live
    /// worker writes the same file (that one passes).
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

    /// A file that is there already, complete: its writer may have died before it was on disk.
    ///
    /// # Errors
    /// When it cannot be looked at.
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
    /// A full disk and the like, in the operator's words.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| self.failed(&error))?;
        let before = self.written / FLUSHED;
        self.written += bytes.len() as u64;
        if self.flush == Flush::Early && self.written / FLUSHED > before {
            // Written pages cannot be dropped, which is what this asks for, so the kernel starts to write them. A hint: the sync
            // at the end is what counts.
            let (offset, length) = (before * FLUSHED, FLUSHED);
            let range = (i64::try_from(offset), i64::try_from(length));
            if let (Ok(offset), Ok(length)) = range {
                let advice = nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED;
                let _ = nix::fcntl::posix_fadvise(&self.file, offset, length, advice);
            }
        }
        Ok(())
    }

    /// The file system it is on, as the kernel numbers them.
    pub fn device(&self) -> u64 {
        self.device
    }

    /// Puts everything on disk that was written to this file's file system, whoever wrote it.
    ///
    /// # Errors
    /// When any of it could not be written (told since Linux 5.8).
    pub fn sync_file_system(&self) -> io::Result<()> {
        Ok(nix::unistd::syncfs(&self.file)?)
    }

    /// Puts the file on disk.
    ///
    /// # Errors
    /// A full disk and the like, in the operator's words.
    pub fn sync(&self) -> Result<(), Failure> {
        self.file.sync_all().map_err(|error| self.failed(&error))
    }

    /// Gives the file its name, if it has none yet.
    ///
    /// # Errors
    /// When the file system refuses, e.g. because a directory has that name.
    pub fn give_name(&mut self) -> Result<(), Failure> {
        if let Some(temporary) = &self.temporary {
            let directory = &temporary.directory;
            rustix::fs::renameat(directory, &temporary.name, directory, &self.name)
                .map_err(|error| self.failed(&error.into()))?;
            self.temporary = None;
        }
        Ok(())
    }

    /// Puts the name on disk, with those of the directories above it: whoever made them.
    ///
    /// # Errors
    /// When a directory cannot be synced; the file is then there, but not known to survive a power cut.
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
        // The lock is held until the file is closed after this, so no other worker's file is removed.
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
        // A second name of it could be that of a file elsewhere, which must not be overwritten or given away.
        if !is_regular(&ours) || ours.st_nlink > 1 {
            return Err(Failure::file(format!(
                "something else than a file of this worker stands in the way of {shown}: remove {}",
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
        // Between open and lock its writer may have renamed it: then this is the finished target, not ours to truncate.
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
