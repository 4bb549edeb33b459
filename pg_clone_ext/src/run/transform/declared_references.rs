//! Keys of declared references: columns with a condition, documents, paths.

use super::Transformer;
use super::column_values::after_rules;
use super::key_values::{KeyMapper, NewText};
use super::rules::Ruled;
use crate::error::internal;
use crate::pg::query::row::Row;
use crate::pg::value::Value;
use crate::pg::value::datum;
use crate::pg::value::datum::Changed;
use crate::run::document_errors::{edit_error, jsonb_error, rewrite_error};
use crate::run::keys::{Key, NewKey, plain};
use pg_clone_core::batch::DocumentFormat;
use pg_clone_core::depth::{self, DepthError};
use pg_clone_core::document_tree::{self, TreeError};
use pg_clone_core::edit::{self, EditOp};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::jsonb;
use pg_clone_core::plan::{Action, KeyKind, KeyRef, Output, is_text};
use pg_clone_core::rewrite::Outcome;
use pg_clone_core::rules::{DocumentPath, Members, members_beside, name_of_two};

impl Transformer<'_> {
    pub(super) fn key_at(
        &mut self,
        place: usize,
        output: &Output,
        row: &Row<'_>,
        value: Value,
        kind: KeyKind,
        domain: Option<KeyRef>,
    ) -> Result<Changed> {
        let lookup = row.value(output.lookup).unwrap_or(value);
        KeyMapper {
            run: self.run,
            rewriter: &mut self.rewriter,
            key_statistics: &mut self.key_statistics,
            policy: self.policy,
            embedded: output.embedded,
        }
        .key(output, &self.targets[place], value, lookup, kind, domain)
    }

    /// The new value of a column that holds one of several keys, whose type may be another than the key's.
    pub(super) fn case_at(
        &mut self,
        place: usize,
        output: &Output,
        row: &Row<'_>,
        value: Value,
        kind: KeyKind,
        domain: KeyRef,
    ) -> Result<Changed> {
        if KeyKind::of(&output.type_name) == kind {
            return self.key_at(place, output, row, value, kind, Some(domain));
        }
        let text = datum::to_text(value)?;
        let mut keys = self.keys(output.embedded);
        let new = match keys.text_of(plain(&text, &output.type_name), domain)? {
            NewText::NoKey if is_text(&output.type_name) => keys.embedded(&text)?,
            new => new,
        };
        match new {
            NewText::Same | NewText::NoKey => Ok(Changed::No),
            NewText::To(new) => self.typed_text(place, Some(new)),
            NewText::Gone => Ok(Changed::ToNull),
        }
    }

    /// Keys between separators in a value's text form, and UUIDs next to them.
    pub(super) fn segments_at(
        &mut self,
        place: usize,
        row: &Row<'_>,
        value: Value,
        type_name: &str,
        keys: &[(Option<usize>, KeyRef, String)],
        rewrite: bool,
    ) -> Result<Changed> {
        let text = datum::to_text(value)?;
        // The blanks behind the last key are not its own.
        let text = plain(&text, type_name);
        let mut new: Option<String> = None;
        let applies = |condition: &Option<usize>| condition.is_none_or(|place| row.boolean(place));
        for (_, key, separators) in keys.iter().filter(|(condition, ..)| applies(condition)) {
            let current = new.as_deref().unwrap_or(text);
            new = self.keys(false).segments(current, separators, *key)?.or(new);
        }
        if rewrite {
            let mut bytes = new.clone().unwrap_or_else(|| text.to_owned()).into_bytes();
            match self.rewriter.plain_text(&mut bytes).map_err(rewrite_error)? {
                Outcome::Unchanged => {}
                Outcome::InPlace => new = Some(String::from_utf8(bytes).map_err(internal)?),
                Outcome::Rebuilt(other) => new = Some(String::from_utf8(other).map_err(internal)?),
                Outcome::Null => return Ok(Changed::ToNull),
            }
        }
        self.typed_text(place, new)
    }

    pub(super) fn typed_text(&self, place: usize, text: Option<String>) -> Result<Changed> {
        let target = &self.targets[place];
        Ok(match text {
            None => Changed::No,
            Some(text) => Changed::To(datum::from_text(&text, target.type_oid, target.typmod)?),
        })
    }

    /// The clone's id of the current row, if it has one.
    pub(super) fn new_id(&self, row: &Row<'_>) -> Result<Option<String>> {
        let filter = &self.table_copy.row_filter;
        let key = Key::read(row, filter.source, filter.kind, &filter.type_name)?;
        Ok(key.and_then(|key| match self.run.new_key_of(&key, &filter.keys) {
            NewKey::To(new) => Some(new.to_text()),
            _ => None,
        }))
    }

    /// Rewrites a document and then the keys at declared JSONPaths.
    pub(super) fn with_references(
        &mut self,
        place: usize,
        row: &Row<'_>,
        is_jsonb: bool,
        rewrite: bool,
        bytes: &mut [u8],
        ruled: Option<&Ruled>,
    ) -> Result<Outcome> {
        if bytes.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        let outcome = match (rewrite, is_jsonb) {
            (false, _) => Outcome::Unchanged,
            (true, true) => self.rewriter.jsonb(bytes).map_err(rewrite_error)?,
            (true, false) => self.json_text(bytes, None)?,
        };
        let outcome = {
            let current: &[u8] = match &outcome {
                Outcome::Rebuilt(new) => new,
                Outcome::Null => return Ok(Outcome::Null),
                _ => bytes,
            };
            let format = if is_jsonb {
                DocumentFormat::Jsonb
            } else {
                DocumentFormat::Text
            };
            let wanted: Vec<&DeclaredPath> = self.paths[place]
                .iter()
                .filter(|(_, _, condition)| condition.is_none_or(|at| row.boolean(at)))
                .collect();
            let document = match document_tree::read(format, current) {
                Ok(document) => document,
                Err(TreeError::Depth(error)) => return Err(error.error()),
                Err(TreeError::Jsonb(error)) => return Err(jsonb_error(error)),
                // A text column may not be JSON in some rows.
                Err(TreeError::Text(_)) => return Ok(outcome),
            };
            let found = depth::with_room(document.levels(), move || {
                let mut found = Vec::with_capacity(wanted.len());
                let mut members = Members::default();
                for (path, domains, _) in &wanted {
                    let keys = path.keys(&document).map_err(DepthError::error)?;
                    members_beside(&document, &keys, &mut members);
                    found.push((keys, domains));
                }
                Ok((found, members))
            });
            let (found, members) = found.map_err(DepthError::error)??;
            let mut edits = Vec::new();
            let mut keys = KeyMapper {
                run: self.run,
                rewriter: &mut self.rewriter,
                key_statistics: &mut self.key_statistics,
                policy: self.policy,
                embedded: false,
            };
            for (found, domains) in found {
                for key in found {
                    if let Some(new) = keys.text_at(&key.text, domains)? {
                        edits.push(key.becomes(new));
                    }
                }
            }
            if let Some(name) = name_of_two(&edits, &members) {
                return Err(two_members(&self.targets[place].name, name));
            }
            // In order: values first, then names of members, the innermost first, so that every path remains valid.
            edits.sort_by_key(|edit| match edit.op {
                EditOp::Rename(_) => usize::MAX - edit.path.len(),
                _ => 0,
            });
            match format {
                DocumentFormat::Jsonb => jsonb::edited(current, &edits).map_err(jsonb_error)?,
                DocumentFormat::Text => {
                    let text = std::str::from_utf8(current).map_err(internal)?;
                    edit::text::apply(text, &edits)
                        .map_err(edit_error)?
                        .map(String::into_bytes)
                }
            }
            .map_or(outcome, Outcome::Rebuilt)
        };
        after_rules(outcome, bytes, |document| {
            ruled.map_or(Ok(None), |ruled| {
                if is_jsonb {
                    ruled.edit_jsonb(document)
                } else {
                    ruled.edit_text(document)
                }
            })
        })
    }
}

/// Two members of an object would have one name, and one of them would be lost.
fn two_members(column: &str, name: &str) -> Error {
    Error::new(
        Code::Unsupported,
        format!("two members of an object in column {column} would have the name \"{name}\" in the clone"),
    )
    .detail("One of them has the new key of the other as its name already.")
    .hint("Let the keys of the referenced table go on from a larger number, or rename that member in the source.")
}

impl KeyMapper<'_, '_> {
    /// The new text of a key in a document; None if it is kept.
    fn text_at(&mut self, text: &str, domains: &[(KeyRef, Option<String>)]) -> Result<Option<String>> {
        let mut new: Option<String> = None;
        for (domain, separators) in domains {
            let current = new.as_deref().unwrap_or(text);
            let next = match separators {
                Some(separators) => self.segments(current, separators, *domain)?,
                None => match self.text_of(current, *domain)? {
                    NewText::To(next) => Some(next),
                    NewText::Same | NewText::NoKey | NewText::Gone => None,
                },
            };
            new = next.or(new);
        }
        Ok(new)
    }
}

/// A path, its keys, and the place of its condition.
pub(super) type DeclaredPath = (DocumentPath, Vec<(KeyRef, Option<String>)>, Option<usize>);

/// The parsed paths of an output's declared references.
pub(super) fn declared_paths(output: &Output) -> Result<Vec<DeclaredPath>> {
    let Action::JsonReferences { paths, .. } = &output.action else {
        return Ok(Vec::new());
    };
    paths
        .iter()
        .map(|place| {
            DocumentPath::of_column(&output.column, &place.path)
                .map(|parsed| (parsed, place.keys.clone(), place.condition))
        })
        .collect()
}
