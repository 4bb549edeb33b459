//! Errors of documents and references, as the user sees them.

use crate::error::internal;
use pg_clone_core::batch::DocumentError;
use pg_clone_core::edit::EditError;
use pg_clone_core::error::{Code, Error};
use pg_clone_core::jsonb::JsonbError;
use pg_clone_core::rewrite::RewriteError;

/// A document that is not what its column promises (22P02).
pub fn damaged(message: String) -> Error {
    Error::new(Code::BadData, message).hint("Correct the document, or leave its row out with exclude_ids.")
}

fn not_rewritten(error: &dyn std::fmt::Display) -> Error {
    damaged(format!("a document cannot be rewritten: {error}"))
}

/// The rewriter's error for the user.
pub fn rewrite_error(error: RewriteError) -> Error {
    match error {
        RewriteError::Dangling { ref id, .. } => dangling_error(id),
        RewriteError::Jsonb(JsonbError::Depth(error)) | RewriteError::Depth(error) => error.error(),
        other => not_rewritten(&other),
    }
}

/// The editor's error for the user. Only a document that was read before is edited, so that the others are internal errors.
pub fn edit_error(error: EditError) -> Error {
    match error {
        EditError::Depth(error) => error.error(),
        other => internal(other),
    }
}

/// The error of a jsonb document for the user.
pub fn jsonb_error(error: JsonbError) -> Error {
    match error {
        JsonbError::Edit(error) => edit_error(error),
        other => rewrite_error(other.into()),
    }
}

/// The error of a document for the user.
pub fn document_error(error: DocumentError) -> Error {
    match error {
        DocumentError::Rewrite(error) => rewrite_error(error),
        DocumentError::Edit(error) => edit_error(error),
        DocumentError::Compressed(error) => not_rewritten(&error),
    }
}

/// The error for a dangling reference with `dangling => error`.
pub fn dangling_error(id: &str) -> Error {
    Error::new(
        Code::Dangling,
        format!("a cloned resource references \"{id}\", which is not cloned"),
    )
    .hint("Clone it as well, or use options.dangling = keep or null. project_clone_plan counts dangling references.")
}
