//! New values of columns that hold keys: of UUIDs, integers and texts.

use super::key_statistics::KeyStatistics;
use crate::error::internal;
use crate::pg::value::Value;
use crate::pg::value::attribute::Attribute;
use crate::pg::value::datum;
use crate::pg::value::datum::Changed;
use crate::run::document_errors::{dangling_error, rewrite_error};
use crate::run::keys::{Key, NewKey, plain, with_segments};
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{Id, uuid_text};
use pg_clone_core::plan::{KeyForm, KeyKind, KeyRef, Output};
use pg_clone_core::rewrite::{Dangling, Outcome, Rewriter, TextIdOutcome, UuidOutcome};

/// The result for the text form of a key.
pub enum NewText {
    /// It is kept.
    Same,
    /// It is no key that the run knows.
    NoKey,
    /// This.
    To(String),
    /// It is removed: its row is not cloned.
    Gone,
}

/// Maps keys and counts them.
pub struct KeyMapper<'m, 'r> {
    /// The run.
    pub run: &'r Run,
    /// Its rewriter.
    pub rewriter: &'m mut Rewriter<'r>,
    /// Counts of keys that are not UUIDs.
    pub key_statistics: &'m mut KeyStatistics,
    /// The policy for keys of resources that are not cloned.
    pub policy: Dangling,
    /// [`Output::embedded`].
    pub embedded: bool,
}

impl<'r> KeyMapper<'_, 'r> {
    /// A key column's new value; `lookup` is the key in canonical form.
    pub fn key(
        &mut self,
        output: &Output,
        target: &Attribute,
        value: Value,
        lookup: Value,
        kind: KeyKind,
        domain: Option<KeyRef>,
    ) -> Result<Changed> {
        match kind {
            KeyKind::Uuid => {
                let id = datum::read_uuid(value);
                Ok(match self.rewriter.uuid(&id) {
                    UuidOutcome::Unchanged => Changed::No,
                    UuidOutcome::Mapped(new) => Changed::To(datum::make_uuid(&new)),
                    UuidOutcome::Dangling => keep_or_null(self.dangling(&uuid_text::to_string(&id))?),
                })
            }
            KeyKind::Int => self.integer(output, value, domain),
            KeyKind::Text => match domain.filter(|_| self.run.texts_by_key()) {
                None => datum::rewrite_varlena(value, |bytes| self.text(bytes)),
                Some(domain) => self.text_key(output, target, value, lookup, domain),
            },
        }
    }

    fn text_key(
        &mut self,
        output: &Output,
        target: &Attribute,
        value: Value,
        lookup: Value,
        domain: KeyRef,
    ) -> Result<Changed> {
        // A citext that refers to a key of another type is compared as that type does.
        let folds = |type_name: &str| KeyForm::of(type_name) == KeyForm::Folded;
        let found = match folds(&output.type_name) && !folds(self.run.key_type(domain)) {
            true => value,
            false => lookup,
        };
        let mut new = datum::with_text(found, |text| self.text_of(plain(text, &output.type_name), domain))?;
        if let NewText::NoKey = new {
            new = self.embedded(&datum::to_text(value)?)?;
        }
        Ok(match new {
            NewText::Same | NewText::NoKey => Changed::No,
            NewText::To(new) => Changed::To(datum::from_text(&new, target.type_oid, target.typmod)?),
            NewText::Gone => Changed::ToNull,
        })
    }

    /// The new value of a text that as a whole is no key.
    pub fn embedded(&mut self, text: &str) -> Result<NewText> {
        if !self.embedded {
            return Ok(NewText::Same);
        }
        let mut bytes = text.as_bytes().to_vec();
        Ok(
            match self.rewriter.plain_text(&mut bytes).map_err(rewrite_error)? {
                Outcome::Unchanged => NewText::Same,
                Outcome::InPlace => NewText::To(String::from_utf8(bytes).map_err(internal)?),
                Outcome::Rebuilt(new) => NewText::To(String::from_utf8(new).map_err(internal)?),
                Outcome::Null => NewText::Gone,
            },
        )
    }

    /// The type of a key.
    /// The new text form of a key; also of an integer or a UUID. [`NewText::NoKey`] if the run knows no such key.
    pub fn text_of(&mut self, given: &str, domain: KeyRef) -> Result<NewText> {
        let Some((key, new)) = self.run.new_key_of_text(given, domain) else {
            return Ok(NewText::NoKey);
        };
        Ok(match new {
            NewKey::To(new) if new == key => NewText::Same,
            NewKey::To(new) => {
                self.key_statistics.rewritten();
                NewText::To(self.run.spelled_like(given, &key, &new, domain))
            }
            NewKey::NotCloned => {
                let target = self.target(&key, domain);
                self.key_statistics.dangling(&target);
                if self.dangling(&target)? {
                    NewText::Same
                } else {
                    NewText::Gone
                }
            }
            NewKey::Unknown => NewText::NoKey,
        })
    }

    fn target(&self, key: &Key, domain: KeyRef) -> String {
        match key {
            Key::Uuid(_) => key.to_text(),
            _ => {
                let table = self.run.store.table(domain.table);
                format!("{}/{}", table.map_or("", |t| t.sql_name.as_str()), key.to_text())
            }
        }
    }

    fn integer(&mut self, output: &Output, value: Value, domain: Option<KeyRef>) -> Result<Changed> {
        let number = datum::read_integer(value);
        Ok(match self.number(output, number, domain.as_slice())? {
            None => Changed::ToNull,
            Some(new) if new == number => Changed::No,
            Some(new) => Changed::To(datum::make_integer(new, &output.type_name)?),
        })
    }

    /// The new value of an integer in a column or an array; None: it is removed.
    fn number(&mut self, output: &Output, number: i64, domains: &[KeyRef]) -> Result<Option<i64>> {
        let key = Key::Int(number);
        if domains.len() > 1 {
            self.refuse_two_meanings(output, &key, domains)?;
        }
        match self.run.new_key_of(&key, domains) {
            NewKey::To(new) => {
                self.key_statistics.rewritten();
                // The referenced key may be numeric or text.
                let new = new.to_text();
                let number = new.parse().map_err(|_| {
                    Error::new(
                        Code::StoreChanged,
                        format!(
                            "column {} has type {}, which cannot hold the new key \"{new}\"",
                            output.column, output.type_name
                        ),
                    )
                    .hint("Let the DEFAULT of the key that it refers to, or the store's option id_generator, return whole numbers.")
                })?;
                Ok(Some(number))
            }
            NewKey::NotCloned => {
                let target = domains
                    .first()
                    .map_or(String::new(), |domain| self.target(&key, *domain));
                self.key_statistics.dangling(&target);
                self.dangling(&target).map(|keep| keep.then_some(number))
            }
            NewKey::Unknown => Ok(Some(number)),
        }
    }

    /// A number that is a key of rows of two tables is an error (0A000): which of them it names is not known.
    fn refuse_two_meanings(&self, output: &Output, key: &Key, domains: &[KeyRef]) -> Result<()> {
        let known = |domain: &&KeyRef| !matches!(self.run.new_key_of(key, &[**domain]), NewKey::Unknown);
        let mut meanings = domains
            .iter()
            .filter(known)
            .map(|domain| self.target(key, *domain));
        let (Some(one), Some(other)) = (meanings.next(), meanings.next()) else {
            return Ok(());
        };
        Err(Error::new(
            Code::Unsupported,
            format!("a number in column {} is the key of two rows: {one} and {other}", output.column),
        )
        .hint("Let the tables take their keys from one sequence, or say with a condition of clone.store_reference which rows hold keys of which table."))
    }

    /// An array whose elements are keys; `typmod` is that of its column.
    pub fn array(&mut self, output: &Output, typmod: i32, value: Value, keys: &[KeyRef]) -> Result<Changed> {
        if keys.is_empty() {
            return Ok(Changed::No);
        }
        match output.type_name.as_str() {
            "smallint[]" | "integer[]" | "bigint[]" => {
                datum::map_integer_array(value, |number| self.number(output, number, keys))
            }
            of_texts if of_texts == "text[]" || of_texts.starts_with("character varying") => {
                datum::map_text_array(value, |bytes| {
                    let text = std::str::from_utf8(bytes).map_err(internal)?.to_owned();
                    Ok(match self.element(&text, keys)? {
                        NewText::Same | NewText::NoKey => Outcome::Unchanged,
                        NewText::To(new) => Outcome::Rebuilt(new.into_bytes()),
                        NewText::Gone => Outcome::Null,
                    })
                })
            }
            of_others => {
                let element = of_others.trim_end_matches("[]");
                datum::map_array_by_text(value, typmod, |text| {
                    Ok(match self.element(plain(text, element), keys)? {
                        NewText::Same | NewText::NoKey => Some(None),
                        NewText::To(new) => Some(Some(new)),
                        NewText::Gone => None,
                    })
                })
            }
        }
    }

    /// The new text of an element that may be one of these keys.
    fn element(&mut self, text: &str, keys: &[KeyRef]) -> Result<NewText> {
        let mut new = NewText::NoKey;
        for key in keys {
            match self.text_of(text, *key)? {
                NewText::NoKey => {}
                NewText::Same => new = NewText::Same,
                changed => return Ok(changed),
            }
        }
        match new {
            NewText::NoKey => self.embedded(text),
            same => Ok(same),
        }
    }

    /// A path whose segments are keys: `1/5/9`, `/1/5/9/`, `1.5.9`.
    pub fn segments(&mut self, text: &str, separators: &str, domain: KeyRef) -> Result<Option<String>> {
        with_segments(text, separators, |segment| {
            Ok(match self.text_of(segment, domain)? {
                NewText::To(new) => Some(new),
                NewText::Same | NewText::NoKey | NewText::Gone => None,
            })
        })
    }

    /// An array of UUIDs.
    pub fn uuid_array(&mut self, value: Value) -> Result<Changed> {
        datum::map_uuid_array(value, |id| match self.rewriter.uuid(id) {
            UuidOutcome::Unchanged => Ok(Some(*id)),
            UuidOutcome::Mapped(new) => Ok(Some(new)),
            UuidOutcome::Dangling => self
                .dangling(&uuid_text::to_string(id))
                .map(|keep| keep.then_some(*id)),
        })
    }

    /// A text that as a whole is an id.
    pub fn text(&mut self, bytes: &mut [u8]) -> Result<Outcome> {
        if let Some(id) = uuid_text::parse_slice(bytes) {
            return match self.rewriter.uuid(&id) {
                UuidOutcome::Unchanged => Ok(Outcome::Unchanged),
                UuidOutcome::Mapped(new) => {
                    bytes.copy_from_slice(uuid_text::to_string(&new).as_bytes());
                    Ok(Outcome::InPlace)
                }
                UuidOutcome::Dangling => self.outcome_of_dangling(&uuid_text::to_string(&id)),
            };
        }
        let text = std::str::from_utf8(bytes).map_err(internal)?;
        match self.rewriter.text_id(text) {
            TextIdOutcome::Unchanged => match uuid_text::parse_input(bytes) {
                Some(id) => self.uuid_in_another_form(text, &id),
                None if self.embedded => self.rewriter.plain_text(bytes).map_err(rewrite_error),
                None => Ok(Outcome::Unchanged),
            },
            TextIdOutcome::Mapped(new) => {
                self.key_statistics.rewritten();
                Ok(Outcome::Rebuilt(new.as_bytes().to_vec()))
            }
            TextIdOutcome::Dangling => {
                self.key_statistics.dangling(text);
                self.outcome_of_dangling(text)
            }
        }
    }

    /// A text that is the text form of a UUID, without dashes or in braces.
    fn uuid_in_another_form(&mut self, text: &str, id: &Id) -> Result<Outcome> {
        match self.rewriter.uuid(id) {
            UuidOutcome::Unchanged => Ok(Outcome::Unchanged),
            UuidOutcome::Mapped(new) => Ok(Outcome::Rebuilt(
                uuid_text::with_digits_of(text, &new).into_bytes(),
            )),
            UuidOutcome::Dangling => self.outcome_of_dangling(&uuid_text::to_string(id)),
        }
    }

    fn outcome_of_dangling(&self, id: &str) -> Result<Outcome> {
        Ok(if self.dangling(id)? {
            Outcome::Unchanged
        } else {
            Outcome::Null
        })
    }

    /// Whether a dangling reference is kept (true) or removed (false); error 23503 with `dangling => error`.
    fn dangling(&self, id: &str) -> Result<bool> {
        match self.policy {
            Dangling::Keep => Ok(true),
            Dangling::Null | Dangling::Remove => Ok(false),
            Dangling::Error => Err(dangling_error(id)),
        }
    }
}

fn keep_or_null(keep: bool) -> Changed {
    if keep { Changed::No } else { Changed::ToNull }
}
