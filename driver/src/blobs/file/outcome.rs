//! The outcome of one row of the queue.

use crate::blobs::file::checksum::Checksum;
use crate::blobs::file::failure::Failure;

/// The method by which a file was copied or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The storage service copied it; no bytes went through this process.
    Server,
    /// Copied from directory to directory.
    Local,
    /// Read from one storage and written to the other by this process.
    Stream,
    /// The target existed and was complete.
    Present,
    /// Deleted.
    Delete,
    /// Nothing was deleted: the file did not exist.
    Absent,
    /// Nothing was copied: the files below the prefix were queued.
    List,
}

impl Method {
    /// The value of `clone.blob_copy.method`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Local => "local",
            Self::Stream => "stream",
            // The column has no value for listing; "present" also means that nothing had to be copied.
            Self::Present | Self::List => "present",
            Self::Delete => "delete",
            Self::Absent => "absent",
        }
    }
}

/// A file that is at its target.
#[derive(Clone, Debug)]
pub struct Copied {
    /// The method.
    pub method: Method,
    /// Its size.
    pub bytes: u64,
    /// Its checksum, if known.
    pub checksum: Option<Checksum>,
}

/// The outcome of a claimed row.
#[derive(Debug)]
pub enum FileOutcome {
    /// Done.
    Done(Copied),
    /// The row was a prefix; these are the keys of the files below it, without the prefix.
    Listed(Vec<String>),
    /// Not done.
    Failed(Failure),
    /// Released without an attempt because the run stops.
    Released,
}
