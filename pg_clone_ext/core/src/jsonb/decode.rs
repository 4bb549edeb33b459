//! From a payload to a tree.

use super::JsonbError;
use super::layout::*;
use super::node::Node;
use crate::depth::{DepthError, MAX_LEVELS};
use crate::interrupt;
use std::borrow::Cow;

/// Reads a payload, within [`crate::depth::with_room`] where it may be nested deeply (the bytes of a `jsonb` datum behind its varlena header).
///
/// # Errors
/// [`JsonbError::Malformed`] for bytes that are no `jsonb`, [`DepthError::TooDeep`] beyond [`MAX_LEVELS`].
pub fn decode(payload: &[u8]) -> Result<Node<'_>, JsonbError> {
    let container = Container::read(payload, 0, payload.len())?;
    if !container.is_scalar {
        return container.node(payload, 1);
    }
    match container.node(payload, 1)? {
        Node::Array(mut elements) => Ok(elements.pop().unwrap_or(Node::Null)),
        other => Ok(other),
    }
}

/// The header of a container, checked against the bytes that are there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container {
    /// Offset of the first child's entry.
    pub(super) entries: usize,
    /// Number of children: elements, or keys and values.
    pub(super) children: usize,
    /// Offset of the first child's data, at a multiple of 4.
    pub(super) data: usize,
    /// Offset behind the container.
    pub(super) end: usize,
    pub(super) is_object: bool,
    pub(super) is_scalar: bool,
}

/// A child of a container.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub(super) kind: u32,
    /// Offset of its data, padding included.
    pub(super) start: usize,
    /// Offset behind its data.
    pub(super) end: usize,
}

impl Container {
    pub(super) fn read(payload: &[u8], at: usize, end: usize) -> Result<Container, JsonbError> {
        let malformed = |what| JsonbError::Malformed { what, at };
        let header = word(&payload[..end], at).ok_or(malformed("no container header"))?;
        let (is_object, is_scalar) = match header & !COUNT_MASK {
            IS_OBJECT => (true, false),
            IS_ARRAY => (false, false),
            flags if flags == IS_ARRAY | IS_SCALAR && at == 0 && header & COUNT_MASK == 1 => (false, true),
            _ => return Err(malformed("unknown container flags")),
        };
        let children = (header & COUNT_MASK) as usize * if is_object { 2 } else { 1 };
        let entries = at + WORD;
        let data = entries + children * WORD;
        if data > end {
            return Err(malformed("more children than bytes"));
        }
        Ok(Container {
            entries,
            children,
            data,
            end,
            is_object,
            is_scalar,
        })
    }

    /// The child number `index`, which begins at `start` (where the one before it ends).
    pub(super) fn child(&self, payload: &[u8], index: usize, start: usize) -> Result<Child, JsonbError> {
        let at = self.entries + index * WORD;
        let malformed = |what| JsonbError::Malformed { what, at };
        let entry = word(payload, at).ok_or(malformed("no entry"))?;
        let length = (entry & LENGTH_MASK) as usize;
        let end = if entry & HAS_OFFSET != 0 {
            self.data + length
        } else {
            start + length
        };
        if end < start || end > self.end {
            return Err(malformed("an entry ends outside its container"));
        }
        Ok(Child {
            kind: entry & TYPE_MASK,
            start,
            end,
        })
    }

    fn node<'a>(&self, payload: &'a [u8], depth: usize) -> Result<Node<'a>, JsonbError> {
        if depth > MAX_LEVELS {
            return Err(DepthError::TooDeep.into());
        }
        let mut steps = interrupt::Steps::begin();
        let mut start = self.data;
        if !self.is_object {
            let mut elements = Vec::with_capacity(self.children);
            for index in 0..self.children {
                steps.step();
                let child = self.child(payload, index, start)?;
                elements.push(child.node(payload, depth)?);
                start = child.end;
            }
            return Ok(Node::Array(elements));
        }
        let pairs = self.children / 2;
        let mut members = Vec::with_capacity(pairs);
        for index in 0..pairs {
            steps.step();
            let key = self.child(payload, index, start)?;
            if key.kind != STRING {
                let at = self.entries + index * WORD;
                return Err(JsonbError::Malformed {
                    what: "a key that is no string",
                    at,
                });
            }
            members.push((Cow::Borrowed(&payload[key.start..key.end]), Node::Null));
            start = key.end;
        }
        for (index, member) in members.iter_mut().enumerate() {
            steps.step();
            let child = self.child(payload, pairs + index, start)?;
            member.1 = child.node(payload, depth)?;
            start = child.end;
        }
        Ok(Node::Object(members))
    }
}

impl Child {
    fn node<'a>(&self, payload: &'a [u8], depth: usize) -> Result<Node<'a>, JsonbError> {
        let malformed = |what| JsonbError::Malformed { what, at: self.start };
        match self.kind {
            STRING => Ok(Node::String(Cow::Borrowed(&payload[self.start..self.end]))),
            NUMERIC => {
                // The bytes of the number are checked when its value is read.
                let bytes = payload
                    .get(aligned(self.start)..self.end)
                    .filter(|bytes| !bytes.is_empty());
                Ok(Node::Number(Cow::Borrowed(
                    bytes.ok_or(malformed("a number without bytes"))?,
                )))
            }
            CONTAINER => {
                Container::read(payload, self.container_start()?, self.end)?.node(payload, depth + 1)
            }
            TRUE | FALSE | NULL if self.start != self.end => Err(malformed("a constant with bytes")),
            TRUE => Ok(Node::Bool(true)),
            FALSE => Ok(Node::Bool(false)),
            NULL => Ok(Node::Null),
            _ => Err(malformed("unknown type of entry")),
        }
    }

    /// The start of this child as a container.
    pub(super) fn container_start(&self) -> Result<usize, JsonbError> {
        let at = aligned(self.start);
        let what = "a container without bytes";
        if at > self.end {
            Err(JsonbError::Malformed { what, at: self.start })
        } else {
            Ok(at)
        }
    }
}
