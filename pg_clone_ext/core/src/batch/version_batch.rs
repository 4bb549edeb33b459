//! The version ids inside compressed documents.

use super::document::{Compressed, DocumentError, DocumentFormat};
use super::give_back;
use crate::edit::member;
use crate::ids::{Id, uuid_text};
use crate::jsonb;
use crate::rewrite::RewriteError;
use std::ops::Range;

/// Compressed documents, and the versions found in them.
#[derive(Default)]
pub struct VersionBatch {
    bytes: Vec<u8>,
    documents: Vec<(DocumentFormat, Compressed, Range<usize>)>,
    length: usize,
    found: Vec<Id>,
    failed: Option<DocumentError>,
}

/// Finds versions in the thread that owns it.
pub struct VersionFinder {
    /// The members that lead to the version.
    path: Vec<String>,
    raw: Vec<u8>,
}

impl VersionFinder {
    /// A finder for versions at this path.
    pub fn new(path: &[String]) -> Self {
        VersionFinder {
            path: path.to_vec(),
            raw: Vec::new(),
        }
    }

    /// The version in a document, if it is a UUID.
    pub fn version(path: &[String], form: DocumentFormat, document: &[u8]) -> Option<Id> {
        match form {
            DocumentFormat::Jsonb => uuid_text::parse_slice(jsonb::string_at(document, path)?),
            DocumentFormat::Text => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                uuid_text::parse_slice(member::string(document, &path)?.as_bytes())
            }
        }
    }

    /// Finds the versions of a batch.
    pub fn find(&mut self, batch: &mut VersionBatch) {
        for (form, Compressed { method, length }, range) in &batch.documents {
            if let Err(error) = method.decompress(&batch.bytes[range.clone()], *length, &mut self.raw) {
                batch.failed = Some(error.into());
                return;
            }
            batch.found.extend(Self::version(&self.path, *form, &self.raw));
        }
        give_back(&mut self.raw);
    }
}

impl VersionBatch {
    /// Adds a document.
    ///
    /// # Errors
    /// [`RewriteError::OutOfMemory`].
    pub fn push(
        &mut self,
        form: DocumentFormat,
        how: Compressed,
        document: &[u8],
    ) -> Result<(), DocumentError> {
        let start = self.bytes.len();
        let bytes = document.len();
        self.bytes
            .try_reserve(bytes)
            .map_err(|_| RewriteError::OutOfMemory { bytes })?;
        self.bytes.extend_from_slice(document);
        self.length += how.length;
        self.documents.push((form, how, start..self.bytes.len()));
        Ok(())
    }

    /// Bytes of all documents, uncompressed.
    pub fn bytes(&self) -> usize {
        self.length
    }

    /// The versions, in the order of the documents that have one.
    ///
    /// # Errors
    /// When a document could not be decompressed.
    pub fn into_found(self) -> Result<Vec<Id>, DocumentError> {
        match self.failed {
            None => Ok(self.found),
            Some(error) => Err(error),
        }
    }
}
