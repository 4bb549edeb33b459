//! Opens files below a directory, and nothing else: by descriptors, without following symbolic links.
//!
//! Otherwise a user who may write below the root could place a link there and make this process, which may run as root, read,
//! write or chown a file elsewhere. The operator names the root itself, so links in its own path are followed.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::LazyLock;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// Number of attempts of an open that races with a rename.
const RACES: usize = 32;

/// Permission bits that copies get; without the set-id bits.
const FILE_MODE: u32 = 0o777;
const DIRECTORY_MODE: u32 = 0o7777;

/// Linux 5.6 and later resolve a path in one call; older kernels and some sandboxes do not have it.
static HAS_OPENAT2: LazyLock<bool> = LazyLock::new(|| {
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat2(CWD, "/", directory, Mode::empty(), ResolveFlags::NO_SYMLINKS).is_ok()
});

/// The directory that holds all files of a storage.
#[derive(Debug)]
pub struct Root(OwnedFd);

/// A name in an open directory below the root.
#[derive(Debug)]
pub struct Place {
    /// The directory.
    pub directory: OwnedFd,
    /// The name of the file in it.
    pub name: String,
    /// Whether the directory was just created: it is empty then.
    pub is_fresh: bool,
}

impl Root {
    /// Opens the root.
    ///
    /// # Errors
    /// `NotFound` when it does not exist, `NotADirectory`, and those of `open(2)`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Opens a regular file to be read, without waiting for a writer of a FIFO.
    ///
    /// # Errors
    /// Those of `open(2)`; `ELOOP` for a link anywhere below the root.
    pub fn open_file(&self, path: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        Ok(open_below(self.0.as_fd(), path, flags)?.into())
    }

    /// Opens a directory to be listed.
    ///
    /// # Errors
    /// Those of `open(2)`; `ELOOP` for a link anywhere below the root.
    pub fn open_list(&self, path: &str) -> io::Result<OwnedFd> {
        Ok(open_below(
            self.0.as_fd(),
            path,
            OFlags::RDONLY | OFlags::DIRECTORY,
        )?)
    }

    /// Status of the file of this name; a symbolic link is not followed.
    ///
    /// # Errors
    /// `NotFound` if it does not exist, and those of `open(2)`.
    pub fn stat(&self, path: &str) -> io::Result<Stat> {
        let place = self.existing(path)?;
        Ok(place.stat()?)
    }

    /// The place of a file whose directory exists.
    ///
    /// # Errors
    /// `NotFound` when the directory does not exist, and those of `open(2)`.
    pub fn existing(&self, path: &str) -> io::Result<Place> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok(Place {
            directory: self.open_directory(directory)?,
            name: name.to_owned(),
            is_fresh: false,
        })
    }

    /// The place of a file; directories that are missing are created with the mode and owner of the root.
    ///
    /// # Errors
    /// Those of `mkdir(2)`, `open(2)` and `chown(2)`.
    pub fn prepare(&self, path: &str) -> io::Result<Place> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (directory, is_fresh) = if directory.is_empty() {
            (self.0.try_clone()?, false)
        } else {
            self.create_directory(directory)?
        };
        Ok(Place {
            directory,
            name: name.to_owned(),
            is_fresh,
        })
    }

    /// Syncs a directory and the directories above it.
    ///
    /// # Errors
    /// Those of `fsync(2)`.
    pub fn sync_directories(&self, path: &str) -> io::Result<()> {
        let mut above = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        loop {
            let directory = if above.is_empty() { "." } else { above };
            rustix::fs::fsync(self.open_list(directory)?)?;
            if above.is_empty() {
                return Ok(());
            }
            above = above.rsplit_once('/').map_or("", |(directory, _)| directory);
        }
    }

    /// Removes the directories of a path that are empty.
    pub fn remove_empty_directories(&self, path: &str) {
        let mut rest = path;
        while let Some((directory, _)) = rest.rsplit_once('/') {
            let removed = self
                .existing(directory)
                .map(|place| rustix::fs::unlinkat(&place.directory, &place.name, AtFlags::REMOVEDIR));
            if !matches!(removed, Ok(Ok(()))) {
                return;
            }
            rest = directory;
        }
    }

    fn open_directory(&self, path: &str) -> Result<OwnedFd, Errno> {
        if path.is_empty() {
            return rustix::io::fcntl_dupfd_cloexec(&self.0, 0);
        }
        open_below(self.0.as_fd(), path, OFlags::PATH | OFlags::DIRECTORY)
    }

    /// Creates a directory without checking first: most directories are new, so the check would cost more.
    fn create_directory(&self, path: &str) -> io::Result<(OwnedFd, bool)> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let above = match self.open_directory(above) {
            Err(Errno::NOENT) => self.create_directory(above)?.0,
            opened => opened?,
        };
        match rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(DIRECTORY_MODE)) {
            Ok(()) => {
                let directory = open_below(above.as_fd(), name, OFlags::RDONLY | OFlags::DIRECTORY)?;
                let (now, like) = (rustix::fs::fstat(&directory)?, rustix::fs::fstat(&self.0)?);
                resemble(directory.as_fd(), &now, &like)?;
                Ok((directory, true))
            }
            Err(Errno::EXIST) => {
                let directory = open_below(above.as_fd(), name, OFlags::PATH | OFlags::DIRECTORY)?;
                Ok((directory, false))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Place {
    /// Status of the file of this name; a symbolic link is not followed.
    ///
    /// # Errors
    /// `ENOENT` if it does not exist, and those of `fstatat(2)`.
    pub fn stat(&self) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Removes the name.
    ///
    /// # Errors
    /// Those of `unlink(2)`.
    pub fn unlink(&self) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.directory, &self.name, AtFlags::empty())
    }

    /// Opens the file, or creates it, to be written.
    ///
    /// # Errors
    /// Those of `open(2)`; `ELOOP` when the name is a link.
    pub fn open_or_create(&self) -> io::Result<File> {
        let flags = OFlags::RDWR
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        Ok(rustix::fs::openat(&self.directory, &self.name, flags, mode)?.into())
    }
}

/// Whether it is a regular file.
pub fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// Gives an open file or directory the mode and owner of another. `now` is its present status; only differences are set,
/// because each change is an entry in the file system's journal.
///
/// # Errors
/// Those of `fchmod(2)` and `fchown(2)`.
pub fn resemble(file: BorrowedFd<'_>, now: &Stat, like: &Stat) -> io::Result<()> {
    // Only root may change the owner; it has to, because the server that reads the files runs as another user.
    let differs = (now.st_uid, now.st_gid) != (like.st_uid, like.st_gid);
    if differs && rustix::process::geteuid().is_root() {
        let owner = rustix::fs::Uid::from_raw(like.st_uid);
        let group = rustix::fs::Gid::from_raw(like.st_gid);
        rustix::fs::fchown(file, Some(owner), Some(group))?;
    }
    // A copy must never have a set-id bit.
    let allowed = if FileType::from_raw_mode(like.st_mode) == FileType::Directory {
        DIRECTORY_MODE
    } else {
        FILE_MODE
    };
    if now.st_mode & DIRECTORY_MODE != like.st_mode & allowed {
        rustix::fs::fchmod(file, Mode::from_raw_mode(like.st_mode & allowed))?;
    }
    Ok(())
}

/// Opens `path` below `directory`; `path` has no `..`, and a symbolic link in it is an error.
fn open_below(directory: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    if !*HAS_OPENAT2 {
        return walk_below(directory, path, flags);
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let mut races = 0;
    loop {
        match rustix::fs::openat2(directory, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) if races < RACES => races += 1,
            opened => return opened,
        }
    }
}

/// As [`open_below`], one directory after the other.
fn walk_below(directory: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at: Option<OwnedFd> = None;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() {
            step
        } else {
            flags | OFlags::NOFOLLOW
        };
        let from = at.as_ref().map_or(directory, AsFd::as_fd);
        let next = rustix::fs::openat(from, part, flags, Mode::empty());
        let next = match next {
            // The kernel reports a link as "not a directory": report it as a link.
            Err(Errno::NOTDIR) if is_link(from, part) => Err(Errno::LOOP),
            next => next,
        };
        at = Some(next?);
    }
    at.ok_or(Errno::NOENT)
}

fn is_link(directory: BorrowedFd<'_>, name: &str) -> bool {
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_two_ways_to_open_agree_and_follow_no_link() {
        let root = std::env::temp_dir().join(format!("pg_clone-root-{}", std::process::id()));
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/b/file"), "x").unwrap();
        symlink("/etc", root.join("a/link")).unwrap();
        symlink("/etc/passwd", root.join("a/b/last")).unwrap();
        let opened = Root::open(&root).unwrap();
        for (path, expected) in [
            ("a/b/file", Ok(())),
            ("a/b/none", Err(Errno::NOENT)),
            ("a/link/passwd", Err(Errno::LOOP)),
            ("a/b/last", Err(Errno::LOOP)),
        ] {
            for open in [open_below, walk_below] {
                let found = open(opened.0.as_fd(), path, OFlags::RDONLY).map(drop);
                assert_eq!(found, expected, "{path}");
            }
        }
        for open in [open_below, walk_below] {
            let found = open(opened.0.as_fd(), "a/link", OFlags::PATH | OFlags::DIRECTORY).map(drop);
            assert_eq!(found, Err(Errno::LOOP));
        }
        std::fs::remove_dir_all(&root).unwrap();
    }
}
