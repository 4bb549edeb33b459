//! What can be wrong with an archive.

use thiserror::Error;

/// Why an archive cannot be read or written.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The first bytes are not those of an archive.
    #[error("this is not an archive of pg_clone")]
    NotAnArchive,
    /// Another version of the format.
    #[error("the archive has format version {found}, and this program reads version {known}")]
    Version {
        /// The version in the file.
        found: u16,
        /// The version that is known here.
        known: u16,
    },
    /// The stream ends before the last frame.
    #[error("the archive is incomplete: it ends after frame {frame}")]
    Truncated {
        /// Number of complete frames.
        frame: u64,
    },
    /// A frame is not what was written.
    #[error("frame {frame} of the archive is damaged: {what}")]
    Damaged {
        /// Number of the frame, from 0.
        frame: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Readers would refuse it.
    #[error(
        "the manifest is too large: the project has too many tables, or names too many rows that it shares with others"
    )]
    ManifestTooLarge,
    /// The input or output failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
