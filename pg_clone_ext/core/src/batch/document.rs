//! What is known of one document: its format, its compression, and why it could not be rewritten.

use crate::compressed::{CompressedError, Method};
use crate::depth;
use crate::edit::EditError;
use crate::jsonb;
use crate::rewrite::RewriteError;
use thiserror::Error;

/// The storage form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFormat {
    /// The payload of a `jsonb` value.
    Jsonb,
    /// JSON text.
    Text,
}

impl DocumentFormat {
    /// The storage form of documents in a column of this type.
    pub fn of(type_name: &str) -> Self {
        match type_name {
            "jsonb" => DocumentFormat::Jsonb,
            _ => DocumentFormat::Text,
        }
    }

    /// Number of levels of arrays and objects of a document in this form; 0 for a document that is too short to be nested deeply.
    pub fn levels(self, document: &[u8]) -> usize {
        match self {
            DocumentFormat::Jsonb => jsonb::levels(document),
            DocumentFormat::Text => depth::of_text(document),
        }
    }
}

/// How a document is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compressed {
    /// The method.
    pub method: Method,
    /// Bytes of the uncompressed document.
    pub length: usize,
}

/// Why a document could not be rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// Error of the rewriter; the SQLSTATE is that of the [`RewriteError`].
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// Objects that a removal left empty could not be removed: an internal error (SQLSTATE XX000).
    #[error(transparent)]
    Edit(#[from] EditError),
    /// It could not be decompressed; the SQLSTATE is that of the [`CompressedError`].
    #[error(transparent)]
    Compressed(#[from] CompressedError),
}
