//! Documents that a worker thread rewrites together while the backend reads and writes rows.
//!
//! The thread uses only memory that it owns, or that it shares read-only by `Arc`. It uses nothing of PostgreSQL and no pointer of
//! the backend. So the backend can end at any moment, by an error or with its process, without waiting for the thread. When the
//! backend would have to wait, it rewrites batches itself.

mod document;
mod document_batch;
mod version_batch;

pub use document::{Compressed, DocumentError, DocumentFormat};
pub use document_batch::{BatchRewriter, DocumentBatch, RewrittenDocument};
pub use version_batch::{VersionBatch, VersionFinder};

/// Bytes of working memory that are kept from one document to the next.
const KEPT: usize = 1 << 20;

/// Frees the memory that a large document needed. A kept buffer also keeps its length, so that it is not zeroed again.
fn give_back(memory: &mut Vec<u8>) {
    if memory.capacity() > KEPT {
        *memory = Vec::new();
    }
}

#[cfg(test)]
mod tests;
