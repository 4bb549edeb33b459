//! From a tree to a payload, byte for byte as the server writes it.

use super::JsonbError;
use super::layout::*;
use super::node::Node;
use crate::depth::{DepthError, MAX_LEVELS};
use crate::interrupt;
use std::borrow::Cow;

impl Node<'_> {
    /// Writes the payload of a `jsonb` datum (what stands behind the varlena header).
    ///
    /// Members are sorted by the length of their keys, then by the keys' bytes; of two members with the same key the
    /// later one is written, as PostgreSQL does.
    ///
    /// # Errors
    /// [`JsonbError::TooLarge`] when a container exceeds 256 MB, [`DepthError::TooDeep`] beyond [`MAX_LEVELS`],
    /// [`JsonbError::OutOfMemory`].
    pub fn encode(&self) -> Result<Vec<u8>, JsonbError> {
        let mut writer = Writer { out: Vec::new() };
        match self {
            Node::Array(elements) => writer.array(elements, IS_ARRAY, 1)?,
            Node::Object(members) => writer.object(members, 1)?,
            scalar => writer.array(std::slice::from_ref(scalar), IS_ARRAY | IS_SCALAR, 1)?,
        };
        Ok(writer.out)
    }
}

struct Writer {
    out: Vec<u8>,
}

/// The entries of a container under construction.
struct Entries {
    at: usize,
    index: usize,
    total: usize,
}

impl Writer {
    fn array(&mut self, elements: &[Node<'_>], flags: u32, depth: usize) -> Result<(), JsonbError> {
        let mut steps = interrupt::Steps::begin();
        let mut entries = self.begin(elements.len(), elements.len(), flags)?;
        for element in elements {
            steps.step();
            self.child(&mut entries, element, depth)?;
        }
        Ok(())
    }

    fn object(&mut self, members: &[(Cow<'_, [u8]>, Node<'_>)], depth: usize) -> Result<(), JsonbError> {
        let mut steps = interrupt::Steps::begin();
        let mut sorted: Vec<&(Cow<'_, [u8]>, Node<'_>)> = members.iter().collect();
        // A stable sort: of equal keys the later one stays behind the earlier one, and is the one that is kept.
        sorted.sort_by(|one, other| key_order(&one.0, &other.0));
        let mut kept: Vec<&(Cow<'_, [u8]>, Node<'_>)> = Vec::with_capacity(sorted.len());
        for member in sorted {
            steps.step();
            match kept.last_mut() {
                Some(last) if last.0 == member.0 => *last = member,
                _ => kept.push(member),
            }
        }
        let mut entries = self.begin(kept.len(), kept.len().saturating_mul(2), IS_OBJECT)?;
        for (key, _) in &kept {
            self.append(key)?;
            self.entry(&mut entries, STRING, key.len())?;
        }
        for (_, value) in &kept {
            steps.step();
            self.child(&mut entries, value, depth)?;
        }
        Ok(())
    }

    /// Writes a header and leaves room for the entries.
    fn begin(&mut self, count: usize, children: usize, flags: u32) -> Result<Entries, JsonbError> {
        let count = u32::try_from(count).ok().filter(|count| *count <= COUNT_MASK);
        let count = count.ok_or(JsonbError::TooLarge)?;
        self.append(&(count | flags).to_ne_bytes())?;
        let at = self.out.len();
        let len = at + children * WORD;
        self.reserve(len - at)?;
        self.out.resize(len, 0);
        Ok(Entries {
            at,
            index: 0,
            total: 0,
        })
    }

    /// Writes a child's data and its entry.
    fn child(&mut self, entries: &mut Entries, node: &Node<'_>, depth: usize) -> Result<(), JsonbError> {
        let start = self.out.len();
        let kind = match node {
            Node::Null => NULL,
            Node::Bool(true) => TRUE,
            Node::Bool(false) => FALSE,
            Node::String(bytes) => {
                self.append(bytes)?;
                STRING
            }
            Node::Number(bytes) => {
                self.pad()?;
                self.append(bytes)?;
                NUMERIC
            }
            Node::Array(_) | Node::Object(_) if depth >= MAX_LEVELS => return Err(DepthError::TooDeep.into()),
            Node::Array(elements) => {
                self.pad()?;
                self.array(elements, IS_ARRAY, depth + 1)?;
                CONTAINER
            }
            Node::Object(members) => {
                self.pad()?;
                self.object(members, depth + 1)?;
                CONTAINER
            }
        };
        self.entry(entries, kind, self.out.len() - start)
    }

    fn entry(&mut self, entries: &mut Entries, kind: u32, len: usize) -> Result<(), JsonbError> {
        entries.total += len;
        if entries.total > LENGTH_MASK as usize {
            return Err(JsonbError::TooLarge);
        }
        let entry = if entries.index.is_multiple_of(OFFSET_STRIDE) {
            kind | HAS_OFFSET | entries.total as u32
        } else {
            kind | len as u32
        };
        let at = entries.at + entries.index * WORD;
        self.out[at..at + WORD].copy_from_slice(&entry.to_ne_bytes());
        entries.index += 1;
        Ok(())
    }

    fn pad(&mut self) -> Result<(), JsonbError> {
        let padding = aligned(self.out.len()) - self.out.len();
        self.append(&[0; WORD][..padding])
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), JsonbError> {
        self.reserve(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn reserve(&mut self, more: usize) -> Result<(), JsonbError> {
        let bytes = self.out.len() + more;
        self.out
            .try_reserve(more)
            .map_err(|_| JsonbError::OutOfMemory { bytes })
    }
}

/// The order of keys in an object: shorter first, then by bytes.
pub(super) fn key_order(one: &[u8], other: &[u8]) -> std::cmp::Ordering {
    (one.len(), one).cmp(&(other.len(), other))
}
