//! What is known of a file before it is copied, and what must go with it.

use std::collections::HashMap;

use crate::blobs::file::checksum::Checksum;

/// A file in a storage.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Size in bytes.
    pub size: u64,
    /// Checksum, where the service keeps one.
    pub checksum: Option<Checksum>,
    /// The service's mark of exactly these bytes, to copy no mixture of two versions.
    pub etag: Option<String>,
    /// Headers and metadata.
    pub attributes: Attributes,
}

impl Object {
    /// Whether `other` can be taken for a copy of this: the same size, and no checksum says otherwise.
    pub fn is_copied_by(&self, other: &Self) -> bool {
        self.size == other.size
            && match (&self.checksum, &other.checksum) {
                (Some(a), Some(b)) => a.agrees(b) != Some(false),
                _ => true,
            }
    }
}

/// What a server keeps with the bytes of a file and must be the same in the copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// The user's own metadata.
    pub metadata: HashMap<String, String>,
}
