//! The path without allocation: ids of the same length are overwritten in place.
//!
//! A document is analysed as a whole first, so that a document that must be rebuilt is not changed and nothing is
//! counted twice.

use super::member_key::member_key;
use crate::ids::{Id, uuid_text};
use crate::jsonb::Walk;
use crate::rewrite::dangling::is_whole_reference;
use crate::rewrite::find::boundary::Encoding;
use crate::rewrite::find::escapes::{decode_ids, has_escape};
use crate::rewrite::find::{Hit, Judge, Reference, collect_hits};
use crate::rewrite::{Dangling, Outcome, RewriteError, Rewriter};

/// Working memory that outlives a document.
#[derive(Default)]
pub(in crate::rewrite) struct Scratch {
    hits: Vec<Hit>,
    patches: Vec<Patch>,
    /// Dangling references of the document.
    left: Vec<Id>,
    pub(in crate::rewrite) walk: Walk,
}

struct Patch {
    at: usize,
    len: usize,
    id: Id,
    upper: bool,
}

/// How a document can be rewritten.
pub(in crate::rewrite) enum Verdict {
    /// By the patches collected, perhaps none.
    InPlace,
    /// Something changes its length.
    Rebuild,
}

impl Rewriter<'_> {
    /// Analyses a text value or a whole JSON text.
    pub(in crate::rewrite) fn judge_text(
        &mut self,
        text: &[u8],
        encoding: Encoding,
    ) -> Result<Verdict, RewriteError> {
        let Scratch {
            hits, patches, left, ..
        } = &mut self.scratch;
        patches.clear();
        left.clear();
        if has_escape(text) {
            match encoding {
                Encoding::Json => return Ok(Verdict::Rebuild),
                Encoding::Plain if decode_ids(self.ids, text).is_some() => return Ok(Verdict::Rebuild),
                Encoding::Plain => {}
            }
        }
        collect_hits(self.ids, text, hits);
        let mut judge = Judge::new(self.ids, text, encoding);
        let keeping = self
            .paths
            .filter(|paths| encoding == Encoding::Json && paths.keeps_any());
        for hit in hits.iter() {
            if let Some(paths) = keeping
                && member_key(text, hit.at).is_none_or(|key| paths.may_keep(key))
            {
                return Ok(Verdict::Rebuild);
            }
            match judge.reference(hit) {
                None => {}
                Some(Reference::Cloned { cut: 1.., .. }) => return Ok(Verdict::Rebuild),
                Some(Reference::Cloned {
                    at, len, id, upper, ..
                }) => {
                    patches.push(Patch { at, len, id, upper });
                }
                Some(Reference::NotCloned { at, len, source }) => match self.dangling {
                    Dangling::Keep => left.push(source),
                    Dangling::Error => return Err(RewriteError::dangling(text, at, at + len)),
                    // In a JSON text it is not known yet where the string begins and ends.
                    Dangling::Null | Dangling::Remove => {
                        if encoding == Encoding::Json || is_whole_reference(text, at, len) {
                            return Ok(Verdict::Rebuild);
                        }
                        left.push(source);
                    }
                },
            }
        }
        Ok(Verdict::InPlace)
    }

    /// Analyses a `jsonb` payload: a scan of all bytes for ids of the source, then, only if there are any, a walk to the
    /// strings that contain them.
    pub(in crate::rewrite) fn judge_jsonb(&mut self, payload: &[u8]) -> Result<Verdict, RewriteError> {
        let Scratch {
            hits: found,
            patches,
            left,
            walk,
        } = &mut self.scratch;
        patches.clear();
        left.clear();
        collect_hits(self.ids, payload, found);
        if !found.is_empty() && self.paths.is_some_and(crate::rewrite::IdPaths::keeps_any) {
            return Ok(Verdict::Rebuild);
        }
        if has_escape(payload) && decode_ids(self.ids, payload).is_some() {
            return Ok(Verdict::Rebuild);
        }
        if found.is_empty() {
            return Ok(Verdict::InPlace);
        }
        walk.begin(payload)?;
        let mut rest = found.as_mut_slice();
        while let Some(first) = rest.first() {
            let Some(string) = walk.next_string(payload, first.at)? else {
                break;
            };
            // Hits in numbers, between strings, and across the ends of strings are not ids.
            let outside = rest.iter().take_while(|hit| hit.at < string.start).count();
            rest = &mut std::mem::take(&mut rest)[outside..];
            let inside = rest.iter().take_while(|hit| hit.at < string.end).count();
            let (here, after) = std::mem::take(&mut rest).split_at_mut(inside);
            rest = after;
            let text = &payload[string.start..string.end];
            let mut judge = Judge::new(self.ids, text, Encoding::Plain);
            // The last ones may reach beyond the string.
            let whole = here
                .iter()
                .take_while(|hit| hit.at + hit.len <= string.end)
                .count();
            let here = &mut here[..whole];
            here.iter_mut().for_each(|hit| hit.at -= string.start);
            for hit in here.iter() {
                match judge.reference(hit) {
                    None => {}
                    Some(Reference::Cloned { cut, .. }) if cut > 0 || string.is_key => {
                        return Ok(Verdict::Rebuild);
                    }
                    Some(Reference::Cloned {
                        at, len, id, upper, ..
                    }) => {
                        patches.push(Patch {
                            at: string.start + at,
                            len,
                            id,
                            upper,
                        });
                    }
                    Some(Reference::NotCloned { at, len, source }) => match self.dangling {
                        Dangling::Error => return Err(RewriteError::dangling(text, at, at + len)),
                        Dangling::Null | Dangling::Remove
                            if !string.is_key && is_whole_reference(text, at, len) =>
                        {
                            return Ok(Verdict::Rebuild);
                        }
                        _ => left.push(source),
                    },
                }
            }
        }
        Ok(Verdict::InPlace)
    }

    /// Applies the collected patches.
    pub(in crate::rewrite) fn patch(&mut self, document: &mut [u8]) -> Outcome {
        let Scratch { patches, left, .. } = &self.scratch;
        self.counts.dangling += left.len() as u64;
        for source in left {
            self.targets.add_uuid(source, 1);
        }
        for Patch { at, len, id, upper } in patches {
            uuid_text::overwrite(id, *upper, &mut document[*at..*at + *len]);
        }
        self.counts.rewritten += patches.len() as u64;
        if patches.is_empty() {
            Outcome::Unchanged
        } else {
            Outcome::InPlace
        }
    }
}
