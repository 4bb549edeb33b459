//! The results of a rewrite.

use crate::ids::Id;

/// The result for a document or value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Not a byte changed.
    Unchanged,
    /// Changed in place; its length is the same.
    InPlace,
    /// Replaced by these bytes; the given bytes were not changed.
    Rebuilt(Vec<u8>),
    /// The whole value is a dangling reference that must be removed: the column becomes NULL.
    Null,
}

/// The result for a `uuid` value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UuidOutcome {
    /// No id of the source.
    Unchanged,
    /// The clone's id.
    Mapped(Id),
    /// The id of a resource that is not cloned. What to do is the caller's decision.
    Dangling,
}

/// The result for a text that as a whole is an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextIdOutcome<'a> {
    /// No id of the source.
    Unchanged,
    /// The clone's id.
    Mapped(&'a str),
    /// The id of a resource that is not cloned. What to do is the caller's decision.
    Dangling,
}

/// Counts of rewrites.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Ids replaced.
    pub rewritten: u64,
    /// Occurrences of ids of resources that are not cloned, under any policy.
    pub dangling: u64,
    /// `/_history/<version>` parts dropped because that version is not cloned.
    pub unversioned: u64,
    /// Dangling string values that became null.
    pub nulled: u64,
    /// Dangling string values whose member or element was removed.
    pub removed: u64,
    /// Object members lost because two keys became equal; the later one is kept.
    pub key_collisions: u64,
    /// Values that were rebuilt, not changed in place.
    pub rebuilt: u64,
    /// Ids in base64, which are not rewritten (see [`super::Rewriter::counting_base64`]).
    pub ids_in_base64: u64,
}

impl Counts {
    /// Adds other counts.
    pub fn add(&mut self, other: &Counts) {
        self.rewritten += other.rewritten;
        self.dangling += other.dangling;
        self.unversioned += other.unversioned;
        self.nulled += other.nulled;
        self.removed += other.removed;
        self.key_collisions += other.key_collisions;
        self.rebuilt += other.rebuilt;
        self.ids_in_base64 += other.ids_in_base64;
    }
}
