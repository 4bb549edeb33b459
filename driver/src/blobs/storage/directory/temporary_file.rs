//! A file that becomes visible under its name only when it is complete, and on disk first where that is asked for.
//!
//! It is written next to its target as `.<name>.pg_clone-tmp`; [`crate::blobs::storage::directory::durable_rename`] syncs and names it. Writers exclude each
//! other by a file lock, which ends with the process: what a killed worker left is overwritten by the next one, and nothing
//! piles up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

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

/// A file under way, or one that was found complete and is to be made durable. Dropped before it has its name, it
/// disappears.
#[derive(Debug)]
pub struct TemporaryFile {
    file: File,
    device: u64,
    /// `None` once the file has its name.
    temporary: Option<PathBuf>,
    target: PathBuf,
    root: PathBuf,
    written: u64,
    flush: Flush,
}

impl TemporaryFile {
    /// Starts the file `target`, which is below the existing directory `root`; directories between them are created with
    /// the mode and owner of `root`. The file gets the mode, and where this process may the owner, of `like`.
    ///
    /// # Errors
    /// When the directory cannot be written, or another live worker writes the same file (that one passes).
    pub fn create(
        root: &Path,
        target: PathBuf,
        like: Option<&fs::Metadata>,
        flush: Flush,
    ) -> Result<Self, Failure> {
        let failed = |error: &io::Error| Failure::writing(&target.display().to_string(), error);
        let (Some(directory), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(Failure::file(format!(
                "not the name of a file: {}",
                target.display()
            )));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(TEMPORARY);
        let temporary = directory.join(hidden);
        // Most directories are there, or are to hold this file only: to look first costs more than to try.
        let locked = lock(&temporary).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                create_directories(root, directory)?;
                lock(&temporary)
            }
            _ => Err(error),
        });
        let (file, metadata) = locked
            .map_err(|error| {
                if fs::metadata(root).is_ok() {
                    failed(&error)
                } else {
                    Failure::storage(format!(
                        "the target directory {} does not exist: create or mount it first",
                        root.display()
                    ))
                }
            })?
            .ok_or_else(|| Failure::passing(format!("another worker is writing {}", target.display())))?;
        // From here on dropping removes the temporary file.
        let file = Self {
            file,
            device: metadata.dev(),
            temporary: Some(temporary),
            target,
            root: root.to_owned(),
            written: 0,
            flush,
        };
        if metadata.len() > 0 {
            file.file.set_len(0).map_err(|error| file.failed(&error))?;
        }
        if let (Some(like), Some(path)) = (like, &file.temporary) {
            resemble(path, &metadata, like).map_err(|error| file.failed(&error))?;
        }
        Ok(file)
    }

    /// A file that is there already, complete: its writer may have died before it was on disk.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn of_present(root: &Path, target: PathBuf, file: File) -> io::Result<Self> {
        Ok(Self {
            device: file.metadata()?.dev(),
            file,
            temporary: None,
            target,
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
            fs::rename(temporary, &self.target).map_err(|error| self.failed(&error))?;
            self.temporary = None;
        }
        Ok(())
    }

    /// Puts the name on disk, with those of the directories above it: whoever made them.
    ///
    /// # Errors
    /// When a directory cannot be synced; the file is then there, but not known to survive a power cut.
    pub fn sync_name(&self) -> Result<(), Failure> {
        let above = self.target.ancestors().skip(1);
        for directory in above.take_while(|directory| directory.starts_with(&self.root)) {
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::writing(&self.target.display().to_string(), error)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // The lock is held until the file is closed after this, so no other worker's file is removed.
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Creates the directory of `target` below the existing directory `root`, where nothing else is missing; whether it did, and
/// so nothing can be in it yet. What goes wrong is for [`TemporaryFile::create`] to meet again, and to tell.
pub fn create_parent(root: &Path, target: &Path) -> bool {
    let Some(directory) = target.parent().filter(|directory| *directory != root) else {
        return false;
    };
    fs::create_dir(directory).is_ok() && resemble_root(root, directory).is_ok()
}

/// Opens and locks the temporary file; `None` when another process holds it.
fn lock(path: &Path) -> io::Result<Option<(File, fs::Metadata)>> {
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        // Between open and lock its writer may have renamed it: then this is the finished target, not ours to truncate.
        let ours = file.metadata()?;
        match fs::symlink_metadata(path) {
            Ok(there) if there.ino() == ours.ino() && there.dev() == ours.dev() => {
                return Ok(Some((file, ours)));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

/// Creates `directory` below `root`.
fn create_directories(root: &Path, directory: &Path) -> io::Result<()> {
    if directory == root {
        return Err(io::ErrorKind::NotFound.into());
    }
    match fs::create_dir(directory) {
        Ok(()) => resemble_root(root, directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_directories(root, directory.parent().unwrap_or(root))?;
            create_directories(root, directory)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

fn resemble_root(root: &Path, directory: &Path) -> io::Result<()> {
    resemble(directory, &fs::metadata(directory)?, &fs::metadata(root)?)
}

/// Makes `path`, which is as `now` says, like another: only what differs, for each change is a journal entry.
fn resemble(path: &Path, now: &fs::Metadata, like: &fs::Metadata) -> io::Result<()> {
    if now.mode() & 0o7777 != like.mode() & 0o7777 {
        fs::set_permissions(path, like.permissions())?;
    }
    // Only root may give files away, and it should: the server that reads them runs as another user.
    let differs = (now.uid(), now.gid()) != (like.uid(), like.gid());
    if differs && nix::unistd::Uid::effective().is_root() {
        std::os::unix::fs::chown(path, Some(like.uid()), Some(like.gid()))?;
    }
    Ok(())
}
