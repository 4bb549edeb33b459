//! The archive of one project: what `pg_clone export` writes and `pg_clone import` reads.
//!
//! An archive is a stream. It starts with [`MAGIC`] and the version of the format, followed by frames. Each frame has a header of
//! 45 bytes and a payload that is compressed by zstd, independent of other frames. The header has a SHA-256 digest of the digest of the
//! previous frame, the header's other fields and the payload: a reader detects frames that were changed, removed, repeated or moved.
//! `docs/moving.md` describes the format byte by byte.
//!
//! The reader checks sizes before it allocates memory, and decompression stops at the size in the header.

mod columns;
mod error;
mod frame;
mod manifest;
mod reader;
mod writer;

pub use error::ArchiveError;
pub use frame::{FORMAT_VERSION, MAGIC, MAX_FRAME_BYTES};
pub use manifest::{Column, FileEntry, Manifest, SharedRows, Table, TableTotals, Totals};
pub use reader::{Item, Reader};
pub use writer::Writer;
