//! A `jsonb` document as a tree.

use std::borrow::Cow;

/// A value of a `jsonb` document. Strings, keys and numbers may borrow from the payload they were decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as the bytes of PostgreSQL's `numeric`, length word included: see [`super::numeric`].
    Number(Cow<'a, [u8]>),
    /// A string in the encoding of the database.
    String(Cow<'a, [u8]>),
    /// An array.
    Array(Vec<Node<'a>>),
    /// An object. [`Node::encode`] sorts the members; of two with the same key the later one counts.
    Object(Vec<(Cow<'a, [u8]>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The string's text, when it is one and UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Node::String(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The member of an object with this key.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        match self {
            Node::Object(members) => members
                .iter()
                .rev()
                .find(|(name, _)| name.as_ref() == key.as_bytes())
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// The same tree, borrowing from nothing.
    pub fn into_owned(self) -> Node<'static> {
        match self {
            Node::Null => Node::Null,
            Node::Bool(value) => Node::Bool(value),
            Node::Number(bytes) => Node::Number(Cow::Owned(bytes.into_owned())),
            Node::String(bytes) => Node::String(Cow::Owned(bytes.into_owned())),
            Node::Array(elements) => Node::Array(elements.into_iter().map(Node::into_owned).collect()),
            Node::Object(members) => Node::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            ),
        }
    }
}
