//! Which of the UUIDs in a string are references to resources of the source.

use super::find::boundary::{Encoding, begins_in_escape};
use super::find::history::version_after;
use crate::ids::{Id, IdMap, Mapped, uuid_text};
use crate::interrupt;
use crate::scan;

/// A UUID of the source's ids, found in bytes; its boundaries are not checked yet.
#[derive(Debug, Clone, Copy)]
pub(in crate::rewrite) struct Hit {
    pub(in crate::rewrite) at: usize,
    /// Bytes of its text: 36, or 32 without dashes.
    pub(in crate::rewrite) len: usize,
    pub(in crate::rewrite) source: Id,
    /// Never `Unknown`.
    pub(in crate::rewrite) mapped: Mapped,
}

/// A reference to a resource of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) enum Reference {
    /// To a cloned one: the id of `len` bytes at `at` becomes `id`. `cut` is the length of the `/_history/…` behind it that
    /// goes away, or 0.
    Cloned {
        at: usize,
        len: usize,
        id: Id,
        upper: bool,
        cut: usize,
    },
    /// To one that is not cloned.
    NotCloned { at: usize, len: usize, source: Id },
}

/// Whether ids of the source are found in `bytes`.
#[inline]
pub(in crate::rewrite) fn any_hit(ids: &IdMap, bytes: &[u8]) -> bool {
    let is_known = |(_, id): (usize, Id)| ids.get(&id) != Mapped::Unknown;
    scan::uuids(bytes).any(is_known) || scan::without_dashes(bytes).any(is_known)
}

/// Replaces the contents of `found` by the ids of the source that are found in `bytes`.
///
/// All are found before the first is looked up, so that look-ups wait for memory at the same time: documents of 50 kB
/// with an id every 200 bytes went from 1.33 to 1.55 GB/s against a map of 1,000,000 ids.
#[inline]
pub(in crate::rewrite) fn collect_hits(ids: &IdMap, bytes: &[u8], found: &mut Vec<Hit>) {
    found.clear();
    found.extend(scan::uuids(bytes).map(|(at, source)| Hit {
        at,
        len: uuid_text::LEN,
        source,
        mapped: Mapped::Unknown,
    }));
    let mut steps = interrupt::Steps::default();
    found.retain_mut(|hit| {
        steps.step();
        hit.mapped = ids.get(&hit.source);
        hit.mapped != Mapped::Unknown
    });
    let with_dashes = found.len();
    found.extend(scan::without_dashes(bytes).filter_map(|(at, source)| {
        steps.step();
        match ids.get(&source) {
            Mapped::Unknown => None,
            mapped => Some(Hit {
                at,
                len: uuid_text::PLAIN_LEN,
                source,
                mapped,
            }),
        }
    }));
    if with_dashes > 0 && with_dashes < found.len() {
        found.sort_by_key(|hit| hit.at);
    }
}

/// Checks the hits of one string, in order.
pub(in crate::rewrite) struct Judge<'a> {
    ids: &'a IdMap,
    bytes: &'a [u8],
    encoding: Encoding,
    /// Hits before this belong to a reference that was already checked.
    seen: usize,
}

impl<'a> Judge<'a> {
    #[inline]
    pub(in crate::rewrite) fn new(ids: &'a IdMap, bytes: &'a [u8], encoding: Encoding) -> Self {
        Judge {
            ids,
            bytes,
            encoding,
            seen: 0,
        }
    }

    /// The reference that a hit is; `None` when its first digit belongs to an escape, or it is the version of the reference
    /// before it.
    ///
    /// Anything may touch an id, words of any script (`患者<id>の記録`) as well as digits (`%2F<id>`, `<id>1`): 122 bits are not
    /// met by accident.
    #[inline]
    pub(in crate::rewrite) fn reference(&mut self, hit: &Hit) -> Option<Reference> {
        let (at, end) = (hit.at, hit.at + hit.len);
        if at < self.seen || begins_in_escape(&self.bytes[..at], self.encoding) {
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
                    len: hit.len,
                    source: hit.source,
                })
            }
            Mapped::Cloned(id) => {
                let cut = match (version, version_mapped) {
                    (Some(version), Mapped::NotCloned | Mapped::Unknown) => version.len,
                    _ => 0,
                };
                self.seen = end + cut;
                Some(Reference::Cloned {
                    at,
                    len: hit.len,
                    id,
                    upper: uuid_text::is_upper(&self.bytes[at..end]),
                    cut,
                })
            }
        }
    }
}

pub mod base64;
pub mod boundary;
pub mod escapes;
pub mod history;
pub mod text_ids;
