//! Errors of one file, and whether another attempt can help.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// Whether another attempt can help, and which files the error concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Temporary: a time-out, a 5xx status, throttling, a reset connection. The same attempt may succeed later.
    Passing,
    /// This file cannot be copied: no such source, access denied, a wrong size.
    File,
    /// Every file would fail in the same way: a full disk, a read-only directory, no such bucket, bad credentials.
    Storage,
}

/// Why one file was not copied.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Whether another attempt can help.
    pub scope: Scope,
    /// For the operator: what failed, where, and the message of the storage.
    pub message: String,
}

impl Failure {
    /// A temporary failure.
    pub fn passing(message: impl Into<String>) -> Self {
        Self {
            scope: Scope::Passing,
            message: message.into(),
        }
    }

    /// A permanent failure of this file.
    pub fn file(message: impl Into<String>) -> Self {
        Self {
            scope: Scope::File,
            message: message.into(),
        }
    }

    /// A failure that concerns every file of this storage.
    pub fn storage(message: impl Into<String>) -> Self {
        Self {
            scope: Scope::Storage,
            message: message.into(),
        }
    }

    fn link(what: &str) -> Self {
        Self::file(format!(
            "{what} is, or is reached by, a symbolic link, which is not followed: give the directory itself as the location"
        ))
    }

    /// Reading a source in a directory failed; `what` names it.
    pub fn reading(what: &str, error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::LOOP) => return Self::link(what),
            // A socket, or a device without a driver.
            Some(Errno::NXIO | Errno::NODEV) => {
                return Self::file(format!("{what} is not a regular file"));
            }
            _ => {}
        }
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Self::file(format!("source is missing: {what}"))
            }
            io::ErrorKind::PermissionDenied => {
                Self::file(format!("no permission to read the source: {what}"))
            }
            io::ErrorKind::IsADirectory => {
                Self::file(format!("the source is a directory, not a file: {what}"))
            }
            _ => Self::passing(format!("cannot read the source {what}: {error}")),
        }
    }

    /// Writing into a target directory failed; `what` names the file.
    pub fn writing(what: &str, error: &io::Error) -> Self {
        if error.raw_os_error().map(Errno::from_raw_os_error) == Some(Errno::LOOP) {
            return Self::link(what);
        }
        match error.kind() {
            io::ErrorKind::StorageFull => Self::storage(format!("the target disk is full: {what}")),
            io::ErrorKind::QuotaExceeded => {
                Self::storage(format!("the target's disk quota is used up: {what}"))
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                Self::storage(format!("the target is on a read-only file system: {what}"))
            }
            io::ErrorKind::PermissionDenied => Self::storage(format!(
                "no permission to write into the target directory: {what}"
            )),
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Self::storage(format!(
                "a file is where the target needs a directory: {what}: {error}"
            )),
            io::ErrorKind::FileTooLarge => {
                Self::file(format!("too large for the target's file system: {what}"))
            }
            _ => Self::passing(format!("cannot write the target {what}: {error}")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
