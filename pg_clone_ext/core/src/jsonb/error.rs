//! What can be wrong with a `jsonb` payload or a tree.

/// A payload that cannot be read, or a tree that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonbError {
    /// The bytes are not `jsonb`. SQLSTATE XX001 (`data_corrupted`).
    #[error("malformed jsonb at byte {at}: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// Offset in the payload.
        at: usize,
    },
    /// Nested too deeply.
    #[error(transparent)]
    Depth(#[from] crate::depth::DepthError),
    /// An array or object would be larger than the format can hold (256 MB). SQLSTATE 54000 (`program_limit_exceeded`).
    #[error("a jsonb array or object would be larger than 268435455 bytes")]
    TooLarge,
    /// A number that PostgreSQL's `numeric` cannot hold. SQLSTATE 22003 (`numeric_value_out_of_range`).
    #[error("\"{0}\" is no number that numeric can hold")]
    Number(String),
    /// A string or key that is not UTF-8 (a database with another encoding), where text is needed. SQLSTATE 22021
    /// (`character_not_in_repertoire`).
    #[error("a string of the document is not UTF-8")]
    NotUtf8,
    /// A string that `jsonb` cannot hold: it contains the character U+0000. SQLSTATE 22P05 (`untranslatable_character`).
    #[error("jsonb cannot hold the character \\u0000")]
    NulCharacter,
    /// An edit does not fit the document.
    #[error(transparent)]
    Edit(#[from] crate::edit::EditError),
    /// No memory for the result. SQLSTATE 53200 (`out_of_memory`).
    #[error("no memory for a document of {bytes} bytes")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
}
