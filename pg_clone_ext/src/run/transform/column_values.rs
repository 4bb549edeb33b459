//! The values of a column of the clone, by action.

use super::Transformer;
use super::key_values::{KeyMapper, NewText};
use super::rules::Ruled;
use crate::error::internal;
use crate::pg::query::row::Row;
use crate::pg::value::datum;
use crate::pg::value::datum::Changed;
use crate::run::document_errors::{edit_error, rewrite_error};
use crate::run::keys::{Key, plain};
use crate::run::map::fresh_texts::{FreshTexts, empty_is_no_value, random_like};
use crate::run::map::large_object_copies;
use crate::run::map::new_keys::{fill_template, length_of, with_new_ids};
use pg_clone_core::batch::VersionFinder;
use pg_clone_core::edit;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Action, KeyKind, KeyRef, Output, SUFFIX, is_text};
use pg_clone_core::rewrite::{Outcome, UuidOutcome};

impl<'r> Transformer<'r> {
    /// Maps keys; `embedded` is [`Output::embedded`].
    pub(super) fn keys(&mut self, embedded: bool) -> KeyMapper<'_, 'r> {
        KeyMapper {
            run: self.run,
            rewriter: &mut self.rewriter,
            key_statistics: &mut self.key_statistics,
            policy: self.policy,
            embedded,
        }
    }

    pub(super) fn output(
        &mut self,
        place: usize,
        output: &Output,
        row: &Row<'_>,
        ruled: Option<&Ruled>,
    ) -> Result<Changed> {
        let value = row.value(output.source);
        Ok(match &output.action {
            Action::Keep => Changed::No,
            Action::LargeObject { managed } => match value {
                Some(value) if !self.run.dry => {
                    match large_object_copies::copy(self.run, value, &output.type_name, *managed)? {
                        Some(copy) if output.type_name == "oid" => Changed::To(datum::make_oid(copy)),
                        copy => self.typed_text(place, copy.map(|oid| u32::from(oid).to_string()))?,
                    }
                }
                _ => Changed::No,
            },
            Action::Project | Action::Now | Action::Value(_) => self.constant(place),
            Action::ProjectUnlessNull => match value {
                Some(_) => self.constant(place),
                None => Changed::No,
            },
            Action::Name => match self.constants[place] {
                Some(value) => Changed::To(value),
                None => Changed::No,
            },
            // Without the argument the owner is kept; if it is a resource of the project, it is mapped to the clone's.
            Action::Owner(domain) => match (self.constants[place], value) {
                (Some(value), _) => Changed::To(value),
                (None, None) => Changed::No,
                (None, Some(value))
                    if domain.is_none() && KeyKind::of(&output.type_name) == KeyKind::Text =>
                {
                    datum::rewrite_varlena(value, |bytes| {
                        self.rewriter.plain_text(bytes).map_err(rewrite_error)
                    })?
                }
                (None, Some(value)) => {
                    self.key_at(place, output, row, value, KeyKind::of(&output.type_name), *domain)?
                }
            },
            Action::Null => Changed::ToNull,
            Action::NewUuid => Changed::To(datum::make_uuid_of(&output.type_name, &datum::random_uuid()?)?),
            Action::VersionOfDocument => self.version(row, &output.type_name)?,
            Action::Map(kind, domain) => match value {
                None => Changed::No,
                Some(value) => self.key_at(place, output, row, value, *kind, *domain)?,
            },
            Action::MapWhen(cases) => match value {
                None => Changed::No,
                Some(value) => match cases.iter().find(|(condition, ..)| row.boolean(*condition)) {
                    Some((_, kind, domain)) => self.case_at(place, output, row, value, *kind, *domain)?,
                    None if is_text(&output.type_name) => {
                        let text = datum::to_text(value)?;
                        match self.keys(output.embedded).embedded(&text)? {
                            NewText::To(new) => self.typed_text(place, Some(new))?,
                            NewText::Gone => Changed::ToNull,
                            NewText::Same | NewText::NoKey => Changed::No,
                        }
                    }
                    None => Changed::No,
                },
            },
            Action::MapArray(keys) => match value {
                None => Changed::No,
                Some(value) => {
                    let keys: Vec<KeyRef> = keys
                        .iter()
                        .filter(|(condition, _)| condition.is_none_or(|place| row.boolean(place)))
                        .map(|(_, key)| *key)
                        .collect();
                    {
                        let typmod = self.targets[place].typmod;
                        self.keys(output.embedded).array(output, typmod, value, &keys)?
                    }
                }
            },
            Action::MapSegments { keys, rewrite } => match value {
                None => Changed::No,
                Some(value) => self.segments_at(place, row, value, &output.type_name, keys, *rewrite)?,
            },
            Action::JsonReferences { jsonb, rewrite, .. } => match value {
                None => Changed::No,
                Some(value) => {
                    let ruled = ruled.filter(|_| {
                        self.table_copy
                            .document_source
                            .is_some_and(|(at, _)| at == output.source)
                    });
                    datum::rewrite_varlena(value, |bytes| {
                        self.with_references(place, row, *jsonb, *rewrite, bytes, ruled)
                    })?
                }
            },
            Action::ViaText => match value {
                None => Changed::No,
                Some(value) => {
                    let mut text = datum::to_text(value)?.into_bytes();
                    let new = match self.rewriter.plain_text(&mut text).map_err(rewrite_error)? {
                        Outcome::Unchanged => None,
                        Outcome::InPlace => Some(text),
                        Outcome::Rebuilt(new) => Some(new),
                        Outcome::Null => return Ok(Changed::ToNull),
                    };
                    let new = new.map(String::from_utf8).transpose().map_err(internal)?;
                    self.typed_text(place, new)?
                }
            },
            Action::Random => match value {
                None => Changed::No,
                Some(value) => {
                    let text = datum::to_text(value)?;
                    if text.is_empty() && self.empty_stays(place, &output.column)? {
                        return Ok(Changed::No);
                    }
                    let fresh = self
                        .fresh
                        .entry(place)
                        .or_insert_with(|| FreshTexts::of(self.table, &output.column));
                    let new = match fresh {
                        Some(fresh) => fresh.make(&text)?,
                        None => random_like(&text)?,
                    };
                    self.typed_text(place, Some(new))?
                }
            },
            Action::Template(template) => match value {
                None => Changed::No,
                Some(value) => {
                    let text = datum::to_text(value)?;
                    let text = plain(&text, &output.type_name);
                    if text.is_empty() && self.empty_stays(place, &output.column)? {
                        return Ok(Changed::No);
                    }
                    if template == SUFFIX
                        && let Some(new) = with_new_ids(&mut self.rewriter, text)?
                    {
                        return self.typed_text(place, Some(new));
                    }
                    let new_id = self.new_id(row)?;
                    let longest = length_of(&output.type_name);
                    let new = fill_template(self.run, template, text, new_id.as_deref(), longest);
                    self.typed_text(place, Some(new))?
                }
            },
            Action::MapUuidArray => match value {
                None => Changed::No,
                Some(value) => self.keys(false).uuid_array(value)?,
            },
            Action::MapTextArray | Action::TextArray => match value {
                None => Changed::No,
                Some(value) => {
                    let ids = output.action == Action::MapTextArray;
                    let mut keys = self.keys(output.embedded);
                    datum::map_text_array(value, |bytes| {
                        if ids {
                            keys.text(bytes)
                        } else {
                            keys.rewriter.plain_text(bytes).map_err(rewrite_error)
                        }
                    })?
                }
            },
            Action::Text => match value {
                None => Changed::No,
                Some(value) => datum::rewrite_varlena(value, |bytes| {
                    self.rewriter.plain_text(bytes).map_err(rewrite_error)
                })?,
            },
            Action::JsonText { document } => match value {
                None => Changed::No,
                Some(value) => {
                    let ruled = ruled.filter(|_| *document);
                    datum::rewrite_varlena(value, |bytes| self.json_text(bytes, ruled))?
                }
            },
            Action::Jsonb { document } => match value {
                None => Changed::No,
                Some(value) => {
                    let ruled = ruled.filter(|_| *document);
                    datum::rewrite_varlena(value, |bytes| {
                        let outcome = self.rewriter.jsonb(bytes).map_err(rewrite_error)?;
                        after_rules(outcome, bytes, |payload| {
                            ruled.map_or(Ok(None), |ruled| ruled.edit_jsonb(payload))
                        })
                    })?
                }
            },
        })
    }

    /// Rewrites a JSON text; if references were removed, objects that held nothing else are removed too.
    pub(super) fn json_text(&mut self, document: &mut [u8], ruled: Option<&Ruled>) -> Result<Outcome> {
        if document.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        let removed = self.rewriter.counts().removed;
        let outcome = self.rewriter.json_text(document).map_err(rewrite_error)?;
        let outcome = after_rules(outcome, document, |text| {
            ruled.map_or(Ok(None), |ruled| ruled.edit_text(text))
        })?;
        if let Outcome::Rebuilt(new) = &outcome
            && self.rewriter.counts().removed > removed
        {
            let text = std::str::from_utf8(new).map_err(internal)?;
            if let Some(pruned) = edit::prune::empties(text).map_err(edit_error)? {
                return Ok(Outcome::Rebuilt(pruned.into_bytes()));
            }
        }
        Ok(outcome)
    }

    pub(super) fn constant(&self, place: usize) -> Changed {
        self.constants[place].map_or(Changed::ToNull, Changed::To)
    }

    /// The clone's version of the row's document; a random one if the document has none.
    pub(super) fn version(&mut self, row: &Row<'_>, type_name: &str) -> Result<Changed> {
        let found = match (self.table_copy.document_source, &self.table_copy.version_path) {
            (Some((place, form)), Some(path)) => row
                .bytes(place)
                .and_then(|document| VersionFinder::version(path, form, document)),
            _ => None,
        };
        let new = match found.map(|version| self.rewriter.uuid(&version)) {
            Some(UuidOutcome::Mapped(new)) => new,
            _ => datum::random_uuid()?,
        };
        datum::make_uuid_of(type_name, &new).map(Changed::To)
    }

    pub(super) fn locate(&self, error: Error, output: &Output, key: &Key) -> Error {
        if error.detail.is_empty() {
            let detail = format!(
                "In column {} of the row with key {} in {}.",
                output.column,
                key.to_text(),
                self.table.sql_name
            );
            error.detail(detail)
        } else {
            error
        }
    }

    /// Adds the location of a document that cannot be read to its error.
    pub(super) fn locate_document(&self, error: Error, key: &Key) -> Error {
        let source = self.table_copy.document_source.map(|(place, _)| place);
        match self
            .table_copy
            .outputs
            .iter()
            .find(|output| Some(output.source) == source)
        {
            Some(output) => self.locate(error, output, key),
            None => error,
        }
    }

    /// Whether empty texts of an output stay empty although other texts get new values.
    fn empty_stays(&mut self, place: usize, column: &str) -> Result<bool> {
        if let Some(stays) = self.empty_stays.get(&place) {
            return Ok(*stays);
        }
        let stays = empty_is_no_value(self.table, column)?;
        self.empty_stays.insert(place, stays);
        Ok(stays)
    }

    pub(super) fn cannot_be_null(&self, place: usize, key: &Key) -> Error {
        let output = &self.table_copy.outputs[place];
        Error::new(
            Code::Dangling,
            format!(
                "column {} of {} would become NULL, but does not accept NULL",
                output.column, self.table.sql_name
            ),
        )
        .detail(format!(
            "The reference in the row with key {} names a resource that is not cloned.",
            key.to_text()
        ))
        .hint("Clone that resource as well, leave this one out with exclude_ids, or use options.dangling = keep.")
    }
}

/// Applies the rules to the rewritten value.
pub(super) fn after_rules(
    outcome: Outcome,
    in_place: &[u8],
    edit: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>>,
) -> Result<Outcome> {
    let edited = match &outcome {
        Outcome::Unchanged | Outcome::InPlace => edit(in_place)?,
        Outcome::Rebuilt(new) => edit(new)?,
        Outcome::Null => None,
    };
    Ok(edited.map_or(outcome, Outcome::Rebuilt))
}
