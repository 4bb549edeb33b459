//! The archive of one project: what `pg_clone export` writes and `pg_clone import` reads.
//!
//! An archive is a stream. It starts with [`MAGIC`] and the version of the format, followed by frames. Each frame has a header of
//! 45 bytes and a payload that is compressed by zstd, independent of other frames. The header holds a SHA-256 digest over the digest of the
//! frame before, its own other fields and its payload: a frame that was changed, removed, repeated or moved is found when it is read.
//! `docs/moving.md` describes the format byte by byte.
//!
//! The reader trusts nothing: sizes are bounded before memory is allocated, and decompression stops at the size that the header gives.

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
