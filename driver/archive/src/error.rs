//! Errors of archives.

use thiserror::Error;

/// Why an archive cannot be read or written.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The first bytes are not those of an archive.
    #[error("this is not an archive of pg_clone")]
    NotAnArchive,
    /// The archive has another version of the format.
    #[error("the archive has format version {found}, and this program reads version {known}")]
    Version {
        /// The version in the file.
        found: u16,
        /// The version that this crate reads.
        known: u16,
    },
    /// The stream ends before the last frame.
    #[error("the archive is incomplete: it ends after frame {frame}")]
    Truncated {
        /// Number of complete frames.
        frame: u64,
    },
    /// A frame is damaged.
    #[error("frame {frame} of the archive is damaged: {what}")]
    Damaged {
        /// Number of the frame, from 0.
        frame: u64,
        /// The fault.
        what: String,
    },
    /// The manifest is larger than readers accept.
    #[error(
        "the manifest is too large: the project has too many tables, or names too many rows that it shares with others"
    )]
    ManifestTooLarge,
    /// The input or output failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
