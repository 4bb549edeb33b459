//! Why a document could not be rewritten.

use crate::jsonb::JsonbError;

/// Why a document could not be rewritten. The document was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// The bytes of a `jsonb` value cannot be read or written; the SQLSTATE is that of the [`JsonbError`].
    #[error(transparent)]
    Jsonb(#[from] JsonbError),
    /// A document held as text is nested too deeply.
    #[error(transparent)]
    Depth(#[from] crate::depth::DepthError),
    /// A document held as text is no JSON. SQLSTATE 22P02 (`invalid_text_representation`).
    #[error("malformed JSON at byte {at}: {what}")]
    Json {
        /// What is wrong.
        what: &'static str,
        /// Offset in the document.
        at: usize,
    },
    /// A reference to a resource that is not cloned, under [`super::Dangling::Error`]. SQLSTATE 23503
    /// (`foreign_key_violation`).
    #[error("\"{context}\" refers to {id}, which is not cloned")]
    Dangling {
        /// The id that is not cloned.
        id: String,
        /// The text around it, shortened.
        context: String,
    },
    /// No memory for the rewritten document. SQLSTATE 53200 (`out_of_memory`).
    #[error("no memory for a document of {bytes} bytes")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
}

/// Bytes of context shown on either side of an id.
const CONTEXT: usize = 60;

impl RewriteError {
    /// The error for the id at `start..end` of `text`.
    pub(in crate::rewrite) fn dangling(text: &[u8], start: usize, end: usize) -> Self {
        let from = start.saturating_sub(CONTEXT);
        let to = text.len().min(end + CONTEXT);
        // The context ends with the string; in a whole JSON text with the nearest quotes.
        let from = text[from..start]
            .iter()
            .rposition(|byte| *byte == b'"')
            .map_or(from, |at| from + at + 1);
        let to = text[end..to]
            .iter()
            .position(|byte| *byte == b'"')
            .map_or(to, |at| end + at);
        let shown = |range: &[u8]| String::from_utf8_lossy(range).into_owned();
        RewriteError::Dangling {
            id: shown(&text[start..end]),
            context: shown(&text[from..to]),
        }
    }
}
