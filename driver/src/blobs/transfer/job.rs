//! One file to be copied.

/// What is to be copied.
#[derive(Clone, Debug)]
pub struct Job {
    /// Key in the source.
    pub source_key: String,
    /// Key in the target.
    pub target_key: String,
    /// Size that the source must have, where it is known.
    pub size_expected: Option<u64>,
    /// Content type for a source that has none of its own.
    pub content_type: Option<String>,
}
