//! Which of the UUIDs in a string are references to resources of the source.

use super::find::boundary::{Encoding, begins_alone, ends_alone};
use super::find::history::version_after;
use crate::ids::{Id, IdMap, Mapped, uuid_text};
use crate::interrupt;

/// A UUID of the source's ids, found in bytes; its boundaries are not checked yet.
#[derive(Debug, Clone, Copy)]
pub(in crate::rewrite) struct Hit {
    pub(in crate::rewrite) at: usize,
    pub(in crate::rewrite) source: Id,
    /// Never `Unknown`.
    pub(in crate::rewrite) mapped: Mapped,
}

/// A reference to a resource of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) enum Reference {
    /// To a cloned one: the id at `at` becomes `id`. `cut` is the length of the `/_history/…` after it that is
    /// removed, or 0.
    Cloned {
        at: usize,
        id: Id,
        upper: bool,
        cut: usize,
    },
    /// To one that is not cloned.
    NotCloned { at: usize, source: Id },
}

/// The ids of the source that are found in `bytes`, at a boundary or not.
#[inline]
pub(in crate::rewrite) fn hits<'b>(ids: &'b IdMap, bytes: &'b [u8]) -> impl Iterator<Item = Hit> + 'b {
    crate::scan::uuids(bytes).filter_map(|(at, source)| match ids.get(&source) {
        Mapped::Unknown => None,
        mapped => Some(Hit { at, source, mapped }),
    })
}

/// Replaces the contents of `found` by the ids of the source that are found in `bytes`.
///
/// All are found before the first is looked up, so that look-ups wait for memory at the same time: documents of 50 kB
/// with an id every 200 bytes went from 1.33 to 1.55 GB/s against a map of 1,000,000 ids.
#[inline]
pub(in crate::rewrite) fn collect_hits(ids: &IdMap, bytes: &[u8], found: &mut Vec<Hit>) {
    found.clear();
    found.extend(crate::scan::uuids(bytes).map(|(at, source)| Hit {
        at,
        source,
        mapped: Mapped::Unknown,
    }));
    let mut steps = interrupt::Steps::default();
    found.retain_mut(|hit| {
        steps.step();
        hit.mapped = ids.get(&hit.source);
        hit.mapped != Mapped::Unknown
    });
}

/// Checks the hits of one string, in order.
pub(in crate::rewrite) struct Judge<'a> {
    ids: &'a IdMap,
    bytes: &'a [u8],
    encoding: Encoding,
    /// Hits before this belong to a reference that was already checked.
    seen: usize,
    /// Where the hit before ended.
    previous_end: Option<usize>,
}

impl<'a> Judge<'a> {
    #[inline]
    pub(in crate::rewrite) fn new(ids: &'a IdMap, bytes: &'a [u8], encoding: Encoding) -> Self {
        Judge {
            ids,
            bytes,
            encoding,
            seen: 0,
            previous_end: None,
        }
    }

    /// The reference that a hit is; `None` when it is a part of a longer run of hexadecimal digits, or
    /// the version of the reference before it. `next` is where the next hit of the string begins.
    #[inline]
    pub(in crate::rewrite) fn reference(&mut self, hit: &Hit, next: Option<usize>) -> Option<Reference> {
        let (at, end) = (hit.at, hit.at + uuid_text::LEN);
        // Adjacent ids of the source are not one longer value.
        let touches = self.previous_end == Some(at);
        self.previous_end = Some(end);
        if at < self.seen {
            return None;
        }
        let begins = touches || begins_alone(&self.bytes[..at], self.encoding);
        if !begins || !(next == Some(end) || ends_alone(&self.bytes[end..], self.encoding)) {
            return None;
        }
        self.seen = end;
        let after = &self.bytes[end..];
        let version = version_after(after, self.encoding);
        let version_mapped = match version.as_ref().and_then(|version| version.id) {
            Some(id) => self.ids.get(&id),
            None => Mapped::Unknown,
        };
        match hit.mapped {
            Mapped::Unknown => None,
            Mapped::NotCloned => {
                // One dangling reference, not two.
                if let (Some(version), Mapped::NotCloned) = (version, version_mapped) {
                    self.seen = end + version.len;
                }
                Some(Reference::NotCloned {
                    at,
                    source: hit.source,
                })
            }
            Mapped::Cloned(id) => {
                let cut = match (version, version_mapped) {
                    (Some(version), Mapped::NotCloned | Mapped::Unknown) => version.len,
                    _ => 0,
                };
                self.seen = end + cut;
                let text = self.bytes[at..end].first_chunk();
                let upper = text.is_some_and(uuid_text::is_upper);
                Some(Reference::Cloned { at, id, upper, cut })
            }
        }
    }
}

pub mod boundary;
pub mod escapes;
pub mod history;
pub mod spellings;
pub mod text_ids;
