//! The path with allocation, for one string: replacements of any length, removed parts, removed values.

use super::dangling::{is_type_name, is_whole_reference_to};
use super::find::base64::in_base64;
use super::find::boundary::Encoding;
use super::find::escapes::{decode_ids, has_escape};
use super::find::history::{Version, version_after};
use super::find::text_ids::{TextHit, anywhere, embedded, typed};
use super::find::{Judge, Reference, collect_hits};
use super::{Dangling, IdField, RewriteError, Rewriter};
use crate::ids::{Id, Mapped, MappedText, uuid_text};

/// The result for a string.
pub(in crate::rewrite) enum NewValue {
    /// Itself.
    Same,
    /// These bytes.
    Changed(Vec<u8>),
    /// Removed: it is a dangling reference.
    Dangling,
}

/// A part of the string and its replacement.
struct Splice<'a> {
    start: usize,
    end: usize,
    with: With<'a>,
}

enum With<'a> {
    Nothing,
    Uuid(Id, bool),
    Text(&'a str),
}

/// The splices of a string and the dangling references in it.
#[derive(Default)]
struct Found<'a> {
    splices: Vec<Splice<'a>>,
    left: Vec<(usize, usize, Option<Id>)>,
}

impl<'a> Rewriter<'a> {
    /// Rewrites one string (unescaped bytes). A key is never dropped.
    pub(in crate::rewrite) fn new_value(
        &mut self,
        string: &[u8],
        field: Option<IdField>,
        is_key: bool,
    ) -> Result<NewValue, RewriteError> {
        if field == Some(IdField::Kept) {
            return Ok(NewValue::Same);
        }
        if self.counts_base64 {
            self.counts.ids_in_base64 += in_base64(self.ids, string);
        }
        let decoded = if has_escape(string) {
            decode_ids(self.ids, string)
        } else {
            None
        };
        let string = decoded.as_deref().unwrap_or(string);
        let mut found = Found::default();
        self.find_uuids(string, &mut found);
        if !self.texts.is_empty() {
            self.find_text_ids(string, field, &mut found);
        }
        if let Some((start, end, _)) = found.left.first()
            && self.dangling == Dangling::Error
        {
            return Err(RewriteError::dangling(string, *start, *end));
        }
        self.count(string, &found);
        let drops = matches!(self.dangling, Dangling::Null | Dangling::Remove) && !is_key;
        let is_whole = |(start, end, _): &(usize, usize, Option<Id>)| {
            let is_id = field == Some(IdField::Whole) && *start == 0 && *end == string.len();
            let is_type = |name: &[u8]| is_type_name(name) || self.texts.knows_type(name);
            is_id || is_whole_reference_to(string, *start, *end - *start, is_type)
        };
        if drops && found.left.iter().any(is_whole) {
            return Ok(NewValue::Dangling);
        }
        if found.splices.is_empty() {
            return Ok(NewValue::Same);
        }
        splice(string, &found.splices).map(NewValue::Changed)
    }

    fn find_uuids(&self, string: &[u8], found: &mut Found<'a>) {
        let mut judge = Judge::new(self.ids, string, Encoding::Plain);
        let mut hits = Vec::new();
        collect_hits(self.ids, string, &mut hits);
        for hit in &hits {
            match judge.reference(hit) {
                None => {}
                Some(Reference::NotCloned { at, len, source }) => {
                    found.left.push((at, at + len, Some(source)));
                }
                Some(Reference::Cloned {
                    at,
                    len,
                    id,
                    upper,
                    cut,
                }) => {
                    let end = at + len;
                    found.splices.push(Splice {
                        start: at,
                        end,
                        with: With::Uuid(id, upper),
                    });
                    if cut > 0 {
                        found.splices.push(Splice {
                            start: end,
                            end: end + cut,
                            with: With::Nothing,
                        });
                    }
                }
            }
        }
    }

    fn find_text_ids(&self, string: &[u8], field: Option<IdField>, found: &mut Found<'a>) {
        if field == Some(IdField::Whole) {
            let mapped = self.texts.lookup(b"", string);
            if mapped != MappedText::Unknown {
                *found = Found::default();
                self.add(
                    TextHit {
                        start: 0,
                        end: string.len(),
                        mapped,
                    },
                    found,
                );
                return;
            }
        }
        let mut texts = match field {
            Some(IdField::Embedded) => embedded(self.texts, string),
            _ => typed(self.texts, string),
        };
        if !self.texts.lengths_anywhere().is_empty() {
            texts.extend(anywhere(self.texts, string));
            texts.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
        }
        if texts.is_empty() {
            return;
        }
        let mut done = 0;
        for hit in texts {
            let overlaps = |splice: &Splice<'_>| splice.start < hit.end && hit.start < splice.end;
            if hit.start < done || found.splices.iter().any(overlaps) {
                continue;
            }
            self.add(hit, found);
            done = hit.end;
            let version = version_after(&string[hit.end..], Encoding::Plain);
            if let (MappedText::Cloned(_), Some(version)) = (hit.mapped, version) {
                done += version.len;
                self.add_version(string, hit.end, version, found);
            }
        }
        found.splices.sort_by_key(|splice| splice.start);
    }

    fn add(&self, hit: TextHit<'a>, found: &mut Found<'a>) {
        match hit.mapped {
            MappedText::Unknown => {}
            MappedText::NotCloned => found.left.push((hit.start, hit.end, None)),
            MappedText::Cloned(new) => {
                found.splices.push(Splice {
                    start: hit.start,
                    end: hit.end,
                    with: With::Text(new),
                });
            }
        }
    }

    /// The version after a cloned text id: replaced if it is mapped, otherwise removed. A UUID inside a longer version is not a version.
    fn add_version(&self, string: &[u8], start: usize, version: Version, found: &mut Found<'a>) {
        let (at, end) = (start + version.at, start + version.len);
        if version
            .id
            .is_some_and(|id| matches!(self.ids.get(&id), Mapped::Cloned(_)))
        {
            return;
        }
        let splice = match self.texts.lookup(b"", &string[at..end]) {
            MappedText::Cloned(new) => Splice {
                start: at,
                end,
                with: With::Text(new),
            },
            MappedText::NotCloned | MappedText::Unknown => Splice {
                start,
                end,
                with: With::Nothing,
            },
        };
        found
            .splices
            .retain(|other| other.end <= start || other.start >= end);
        found
            .left
            .retain(|(_, left_end, _)| *left_end <= start || *left_end > end);
        found.splices.push(splice);
    }

    fn count(&mut self, string: &[u8], found: &Found<'_>) {
        for splice in &found.splices {
            match splice.with {
                With::Nothing => self.counts.unversioned += 1,
                With::Uuid(..) | With::Text(_) => self.counts.rewritten += 1,
            }
        }
        for (start, end, source) in &found.left {
            self.counts.dangling += 1;
            match source {
                Some(id) => self.targets.add_uuid(id, 1),
                None => self
                    .targets
                    .add_text(&String::from_utf8_lossy(&string[*start..*end]), 1),
            }
        }
    }
}

/// Applies the splices to the string. They are in order and do not overlap.
fn splice(string: &[u8], splices: &[Splice<'_>]) -> Result<Vec<u8>, RewriteError> {
    let added: usize = splices
        .iter()
        .map(|splice| match splice.with {
            With::Text(text) => text.len(),
            With::Uuid(..) | With::Nothing => 0,
        })
        .sum();
    let mut out = super::document::json_text::buffer(string.len() + added)?;
    let mut copied = 0;
    for Splice { start, end, with } in splices {
        out.extend_from_slice(&string[copied..*start]);
        match with {
            With::Nothing => {}
            With::Text(text) => out.extend_from_slice(text.as_bytes()),
            With::Uuid(id, upper) => {
                let at = out.len();
                out.resize(at + end - start, 0);
                uuid_text::overwrite(id, *upper, &mut out[at..]);
            }
        }
        copied = *end;
    }
    out.extend_from_slice(&string[copied..]);
    Ok(out)
}
