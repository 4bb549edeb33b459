//! Edits of a JSON document: what an edit is, and where it is applied.
//!
//! An [`Edit`] is a path from the root and an operation. A list of edits is applied *in order*:
//! each path refers to the document after the edits before it. [`value::apply`] does that on
//! a tree, [`text::apply`] on the document's text without building a tree; both give the same document.

mod error;
pub mod member;
mod overlay;
pub mod prune;
mod scan;
pub mod text;
pub mod value;

pub use error::EditError;
pub(crate) use overlay::{Overlay, require};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One change of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The place, from the document's root. Empty means the whole document, which can be set but not removed.
    pub path: Vec<Step>,
    /// What happens there.
    pub op: EditOp,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Step {
    /// The member of an object with this name.
    Key(String),
    /// The element of an array, counted from 0.
    Index(usize),
}

/// What an edit does at its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EditOp {
    /// Remove the member or element; no error if it does not exist.
    Remove,
    /// Set it to this value. A missing member of an existing object is added at its end.
    Set(Value),
    /// Rename the member, which must exist. Another member with the new name is removed.
    Rename(String),
}

impl Edit {
    /// Removes the value at `path`.
    pub fn remove(path: impl IntoIterator<Item = Step>) -> Self {
        Edit {
            path: path.into_iter().collect(),
            op: EditOp::Remove,
        }
    }

    /// Sets the value at `path`.
    pub fn set(path: impl IntoIterator<Item = Step>, value: impl Into<Value>) -> Self {
        Edit {
            path: path.into_iter().collect(),
            op: EditOp::Set(value.into()),
        }
    }

    /// Renames the member at `path`.
    pub fn rename(path: impl IntoIterator<Item = Step>, name: impl Into<String>) -> Self {
        Edit {
            path: path.into_iter().collect(),
            op: EditOp::Rename(name.into()),
        }
    }
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Step::Key(name.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

#[cfg(test)]
mod property_tests;
