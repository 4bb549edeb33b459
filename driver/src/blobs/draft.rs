//! A file that becomes visible under its name only when it is complete and on disk.
//!
//! It is written next to its target as `.<name>.pgclone-tmp`, then synced and renamed. Writers exclude each other by a file
//! lock, which ends with the process: what a killed worker left is overwritten by the next one, and nothing piles up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::failure::Failure;

/// How the names of files under way end.
const TEMPORARY: &str = ".pgclone-tmp";

/// Whether a file of this name is one under way.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY)
}

/// A file under way. Dropped before [`Draft::publish`], it disappears.
pub struct Draft {
    file: Option<File>,
    temporary: PathBuf,
    target: PathBuf,
    /// Directories whose entries changed: made durable before the file counts as written.
    touched: Vec<PathBuf>,
}

impl Draft {
    /// Starts the file `target`, which is below the existing directory `root`; directories between them are created with
    /// the mode and owner of `root`.
    ///
    /// # Errors
    /// When the directory cannot be written, or another live worker writes the same file (that one passes).
    pub fn create(root: &Path, target: PathBuf) -> Result<Self, Failure> {
        let failed = |error: &io::Error| Failure::writing(&target.display().to_string(), error);
        let (Some(directory), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(Failure::file(format!(
                "not the name of a file: {}",
                target.display()
            )));
        };
        let mut touched = Vec::new();
        create_directories(root, directory, &mut touched).map_err(|error| {
            if fs::metadata(root).is_ok() {
                failed(&error)
            } else {
                Failure::storage(format!(
                    "the target directory {} does not exist: create or mount it first",
                    root.display()
                ))
            }
        })?;
        touched.push(directory.to_owned());
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(TEMPORARY);
        let temporary = directory.join(hidden);
        let file = lock(&temporary)
            .map_err(|error| failed(&error))?
            .ok_or_else(|| Failure::passing(format!("another worker is writing {}", target.display())))?;
        // From here on dropping removes the temporary file.
        let draft = Self {
            file: Some(file),
            temporary,
            target,
            touched,
        };
        draft.file().set_len(0).map_err(|error| draft.failed(&error))?;
        Ok(draft)
    }

    /// Gives the file the mode, and where this process may the owner, of `like`.
    ///
    /// # Errors
    /// When the file system refuses the mode.
    pub fn resemble(&self, like: &fs::Metadata) -> Result<(), Failure> {
        resemble(&self.temporary, like).map_err(|error| self.failed(&error))
    }

    /// The open file, for reading back what was written.
    pub fn file(&self) -> &File {
        self.file
            .as_ref()
            .unwrap_or_else(|| unreachable!("the file is there until the draft is published or dropped"))
    }

    /// Appends to the file.
    ///
    /// # Errors
    /// A full disk and the like, in the operator's words.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file().write_all(bytes).map_err(|error| self.failed(&error))
    }

    /// Puts the file on disk, gives it its name and puts the name on disk.
    ///
    /// # Errors
    /// When any of this fails; the file is then not there, or not yet known to survive a power cut.
    pub fn publish(mut self) -> Result<(), Failure> {
        self.file().sync_all().map_err(|error| self.failed(&error))?;
        fs::rename(&self.temporary, &self.target).map_err(|error| self.failed(&error))?;
        self.file = None;
        for directory in &self.touched {
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

impl Drop for Draft {
    fn drop(&mut self) {
        // The lock is held until the file is closed after this, so no other worker's file is removed.
        if self.file.is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Opens and locks the temporary file; `None` when another process holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
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
            Ok(there) if there.ino() == ours.ino() && there.dev() == ours.dev() => return Ok(Some(file)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

/// Creates `directory` below `root`, noting every directory that got a new entry.
fn create_directories(root: &Path, directory: &Path, touched: &mut Vec<PathBuf>) -> io::Result<()> {
    if directory == root || directory.is_dir() {
        return fs::metadata(directory).map(drop);
    }
    let parent = directory.parent().ok_or(io::ErrorKind::NotFound)?;
    create_directories(root, parent, touched)?;
    match fs::create_dir(directory) {
        Ok(()) => {
            resemble(directory, &fs::metadata(root)?)?;
            touched.push(parent.to_owned());
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

fn resemble(path: &Path, like: &fs::Metadata) -> io::Result<()> {
    fs::set_permissions(path, like.permissions())?;
    // Only root may give files away, and it should: the server that reads them runs as another user.
    if nix::unistd::Uid::effective().is_root() {
        std::os::unix::fs::chown(path, Some(like.uid()), Some(like.gid()))?;
    }
    Ok(())
}
