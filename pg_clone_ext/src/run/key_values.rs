//! New values of columns that hold keys: of UUIDs, integers and texts.

use super::document_errors::dangling_error;
use super::key_statistics::KeyStatistics;
use super::keys::{Key, NewKey};
use super::state::Run;
use crate::error::internal;
use crate::pg::datum::{self, Changed};
use pg_clone_core::error::Result;
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{KeyKind, Oid, Output};
use pg_clone_core::rewrite::{Dangling, Outcome, Rewriter, TextIdOutcome, UuidOutcome};
use pgrx::pg_sys;

/// What keys are mapped with, and where that is counted.
pub struct KeyMapper<'m, 'r> {
    /// The run.
    pub run: &'r Run,
    /// Its rewriter.
    pub rewriter: &'m mut Rewriter<'r>,
    /// Counts of keys that are no UUIDs.
    pub key_statistics: &'m mut KeyStatistics,
    /// What happens to keys of resources that are not cloned.
    pub policy: Dangling,
}

impl KeyMapper<'_, '_> {
    /// A key column's new value; `domain` is the table whose integer keys it holds.
    pub fn key(
        &mut self,
        output: &Output,
        datum: pg_sys::Datum,
        kind: KeyKind,
        domain: Option<Oid>,
    ) -> Result<Changed> {
        match kind {
            KeyKind::Uuid => {
                let id = datum::read_uuid(datum);
                Ok(match self.rewriter.uuid(&id) {
                    UuidOutcome::Unchanged => Changed::No,
                    UuidOutcome::Mapped(new) => Changed::To(datum::make_uuid(&new)),
                    UuidOutcome::Dangling => keep_or_null(self.dangling(&uuid_text::to_string(&id))?),
                })
            }
            KeyKind::Int => self.integer(output, datum, domain),
            KeyKind::Text => datum::rewrite_varlena(datum, |bytes| self.text(bytes)),
        }
    }

    fn integer(&mut self, output: &Output, datum: pg_sys::Datum, domain: Option<Oid>) -> Result<Changed> {
        let key = Key::Int(datum::read_integer(datum, &output.type_name));
        let domains: &[Oid] = domain.as_slice();
        Ok(match self.run.new_key(&key, domains) {
            NewKey::To(Key::Int(new)) => {
                self.key_statistics.rewritten();
                Changed::To(datum::make_integer(new, &output.type_name)?)
            }
            NewKey::NotCloned => {
                let table = domain.and_then(|oid| self.run.store.table(oid));
                let target = format!("{}/{}", table.map_or("", |t| t.sql_name.as_str()), key.to_text());
                self.key_statistics.dangling(&target);
                keep_or_null(self.dangling(&target)?)
            }
            _ => Changed::No,
        })
    }

    /// An array of UUIDs.
    pub fn uuid_array(&mut self, datum: pg_sys::Datum) -> Result<Changed> {
        datum::map_uuid_array(datum, |id| match self.rewriter.uuid(id) {
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
            TextIdOutcome::Unchanged => Ok(Outcome::Unchanged),
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

    fn outcome_of_dangling(&self, id: &str) -> Result<Outcome> {
        Ok(if self.dangling(id)? {
            Outcome::Unchanged
        } else {
            Outcome::Null
        })
    }

    /// Whether a dangling reference stays (true) or goes (false); an error (23503) if the call wants one.
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
