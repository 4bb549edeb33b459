//! Size, checksum and metadata of a file before it is copied.

use std::collections::HashMap;

use crate::blobs::file::checksum::Checksum;

/// A file in a storage.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Size in bytes.
    pub size: u64,
    /// Checksum, if the service keeps one.
    pub checksum: Option<Checksum>,
    /// The service's ETag of these bytes; a read that checks it cannot mix two versions.
    pub etag: Option<String>,
    /// Headers and metadata.
    pub attributes: Attributes,
}

impl Object {
    /// Whether `other` can be a copy of this object: sizes are equal and checksums do not differ.
    pub fn is_copied_by(&self, other: &Self) -> bool {
        self.size == other.size
            && match (&self.checksum, &other.checksum) {
                (Some(a), Some(b)) => a.agrees(b) != Some(false),
                _ => true,
            }
    }
}

/// Attributes that a service keeps with a file; the copy has the same.
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
