//! What became of one row of the queue.

use crate::blobs::file::checksum::Checksum;
use crate::blobs::file::failure::Failure;

/// How a file came to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The storage service copied it; no bytes went through this process.
    Server,
    /// Copied from directory to directory.
    Local,
    /// Read from one storage and written to the other by this process.
    Stream,
    /// The target was there already, complete.
    Present,
    /// Deleted.
    Delete,
    /// To be deleted, and not there.
    Absent,
    /// Nothing was copied: the files that it stands for were queued.
    List,
}

impl Method {
    /// The word in `clone.blob_copy.method`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Local => "local",
            Self::Stream => "stream",
            // The table knows no word for listing; that nothing was left to copy is what comes nearest.
            Self::Present | Self::List => "present",
            Self::Delete => "delete",
            Self::Absent => "absent",
        }
    }
}

/// A file that is at its target.
#[derive(Clone, Debug)]
pub struct Copied {
    /// How it came there.
    pub method: Method,
    /// Its size.
    pub bytes: u64,
    /// Its checksum, where one is known.
    pub checksum: Option<Checksum>,
}

/// What became of a claimed row.
#[derive(Debug)]
pub enum Outcome {
    /// Done.
    Done(Copied),
    /// It stood for all files below its source key, which are these, without that key.
    Listed(Vec<String>),
    /// Not done.
    Failed(Failure),
    /// Given back untouched because the run stops.
    Released,
}
