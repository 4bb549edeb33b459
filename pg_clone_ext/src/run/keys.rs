//! Keys of rows in their three kinds, and what the run maps them to.

use super::state::{Run, over_budget};
use crate::pg::datum;
use crate::pg::row::Row;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, Mapped, MappedText, uuid_text};
use pg_clone_core::plan::{KeyKind, Oid, RowFilter};

/// A key as it stands in a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A `uuid`.
    Uuid(Id),
    /// An integer.
    Int(i64),
    /// A text that is no UUID.
    Text(String),
}

impl Key {
    /// The key in a column of that kind and type. A text that spells a UUID is one.
    pub fn read(row: &Row<'_>, place: usize, kind: KeyKind, type_name: &str) -> Result<Option<Key>> {
        Ok(match kind {
            KeyKind::Uuid => row.uuid(place).map(Key::Uuid),
            KeyKind::Int => row
                .datum(place)
                .map(|datum| Key::Int(datum::read_integer(datum, type_name))),
            KeyKind::Text => row.text(place)?.map(|text| Key::parse(&text)),
        })
    }

    /// A key from the text a caller gave for a column of text ids.
    pub fn parse(text: &str) -> Key {
        match uuid_text::parse_slice(text.as_bytes()) {
            Some(id) => Key::Uuid(id),
            None => Key::Text(text.to_owned()),
        }
    }

    /// Its text form.
    pub fn to_text(&self) -> String {
        match self {
            Key::Uuid(id) => uuid_text::to_string(id),
            Key::Int(number) => number.to_string(),
            Key::Text(text) => text.clone(),
        }
    }
}

/// What a key becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewKey {
    /// This.
    To(Key),
    /// Its resource is not cloned.
    NotCloned,
    /// Nothing of the source project.
    Unknown,
}

impl Run {
    /// What a key of the tables `domains` becomes.
    pub fn new_key(&self, key: &Key, domains: &[Oid]) -> NewKey {
        match key {
            Key::Uuid(id) => match self.ids.get(id) {
                Mapped::Cloned(new) => NewKey::To(Key::Uuid(new)),
                Mapped::NotCloned => NewKey::NotCloned,
                Mapped::Unknown => NewKey::Unknown,
            },
            Key::Text(text) => match self.texts.get(text) {
                MappedText::Cloned(new) => NewKey::To(Key::Text(new.to_owned())),
                MappedText::NotCloned => NewKey::NotCloned,
                MappedText::Unknown => NewKey::Unknown,
            },
            Key::Int(number) => domains
                .iter()
                .find_map(|table| self.integers.get(table)?.get(number))
                .map_or(NewKey::Unknown, |new| {
                    new.map_or(NewKey::NotCloned, |new| NewKey::To(Key::Int(new)))
                }),
        }
    }

    /// Whether the row behind the row_filter is cloned.
    pub fn passes(&self, row: &Row<'_>, row_filter: &RowFilter) -> Result<Option<Key>> {
        let Some(key) = Key::read(row, row_filter.source, row_filter.kind, &row_filter.type_name)? else {
            return Ok(None);
        };
        Ok(matches!(self.new_key(&key, &row_filter.domains), NewKey::To(_)).then_some(key))
    }

    /// Marks a UUID or text key as not cloned; integer keys are marked in their table's own map.
    pub fn leave(&mut self, key: &Key, table: Oid) -> Result<()> {
        match key {
            Key::Uuid(id) => self.ids_mut()?.insert_not_cloned(*id).map_err(over_budget),
            Key::Text(text) => self.texts_mut()?.insert_not_cloned(text).map_err(over_budget),
            Key::Int(number) => {
                self.integers
                    .entry(table)
                    .or_default()
                    .entry(*number)
                    .or_insert(None);
                Ok(())
            }
        }
    }
}
