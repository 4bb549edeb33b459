//! A thread beside the backend that works at documents while the backend reads and writes rows.
//!
//! The thread sees memory that it owns, or shares for reading by counted reference, and nothing else: no PostgreSQL, no
//! pointer of the backend's. So a backend may leave at any moment, by an error or by the end of its process, without
//! asking. The backend takes part in the work whenever it would otherwise wait.

mod document;
mod document_batch;
mod version_batch;

pub use document::{Compressed, DocumentError, DocumentFormat};
pub use document_batch::{BatchRewriter, DocumentBatch, RewrittenDocument};
pub use version_batch::{VersionBatch, VersionFinder};

/// Working memory that is kept from one document to the next.
const KEPT: usize = 1 << 20;

/// Gives back what a large document needed. What is kept keeps its length too: then it is not filled with zeros again.
fn give_back(memory: &mut Vec<u8>) {
    if memory.capacity() > KEPT {
        *memory = Vec::new();
    }
}

#[cfg(test)]
mod tests;
