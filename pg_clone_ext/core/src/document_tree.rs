//! A document of a row as a tree, which JSONPaths and rules read.

use crate::batch::DocumentFormat;
use crate::depth::{self, DepthError};
use crate::detached_thread::{self, DropDetached, LARGE};
use crate::jsonb::{self, JsonbError};
use serde_json::Value;

/// A document as a tree. Use it inside [`depth::with_room`], with its levels.
pub type DocumentTree = DropDetached<Value>;

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It is nested too deeply (54001).
    #[error(transparent)]
    Depth(#[from] DepthError),
    /// The text is no JSON.
    #[error(transparent)]
    Text(#[from] serde_json::Error),
    /// The bytes are no `jsonb`.
    #[error(transparent)]
    Jsonb(#[from] JsonbError),
}

/// Reads a document. A large one is read, and freed, on a thread of its own: a cancellation waits for neither.
///
/// # Errors
/// [`TreeError`].
pub fn read(format: DocumentFormat, document: &[u8]) -> Result<DocumentTree, TreeError> {
    let levels = format.levels(document);
    if document.len() < LARGE {
        let tree = depth::with_room(levels, || tree(format, document))??;
        return Ok(DropDetached::new(tree, document.len(), levels));
    }
    let bytes = document.to_vec();
    let tree = detached_thread::run(levels, move || tree(format, &bytes))??;
    Ok(DropDetached::new(tree, document.len(), levels))
}

/// The tree of a text; None if it is no JSON, as the text of a column may be in some rows.
///
/// # Errors
/// [`DepthError`].
pub fn of_text(text: &[u8]) -> Result<Option<DocumentTree>, DepthError> {
    match read(DocumentFormat::Text, text) {
        Ok(tree) => Ok(Some(tree)),
        Err(TreeError::Depth(error)) => Err(error),
        Err(TreeError::Text(_) | TreeError::Jsonb(_)) => Ok(None),
    }
}

fn tree(format: DocumentFormat, document: &[u8]) -> Result<Value, TreeError> {
    Ok(match format {
        DocumentFormat::Text => depth::parse(document)?,
        DocumentFormat::Jsonb => jsonb::to_value(document)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn small_and_large_documents_are_read_alike() {
        for elements in [1, 100_000] {
            let value = json!({ "list": vec!["some text"; elements] });
            assert_eq!(
                *read(DocumentFormat::Text, value.to_string().as_bytes()).unwrap(),
                value
            );
            let payload = jsonb::from_value(&value).unwrap();
            assert_eq!(*read(DocumentFormat::Jsonb, &payload).unwrap(), value);
        }
    }

    #[test]
    fn a_malformed_document_is_an_error() {
        assert!(matches!(
            read(DocumentFormat::Text, b"{"),
            Err(TreeError::Text(_))
        ));
        assert!(of_text(b"{").unwrap().is_none());
        let large = [&b"["[..], &vec![b' '; LARGE]].concat();
        assert!(matches!(
            read(DocumentFormat::Text, &large),
            Err(TreeError::Text(_))
        ));
        assert!(matches!(
            read(DocumentFormat::Jsonb, b"{"),
            Err(TreeError::Jsonb(_))
        ));
    }
}
