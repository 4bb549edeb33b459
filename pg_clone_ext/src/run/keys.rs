//! Keys of rows in their three kinds, and what the run maps them to.

use super::state::{Run, over_budget};
use crate::pg::query::row::Row;
use crate::pg::value::datum;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, IntegerMap, Mapped, MappedInteger, MappedText, TextIdMap, uuid_text};
use pg_clone_core::plan::{KeyKind, KeyRef, Oid, RowFilter};

/// A key as it stands in a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A `uuid`.
    Uuid(Id),
    /// An integer.
    Int(i64),
    /// A text that is no UUID, or the text form of another type.
    Text(String),
}

impl Key {
    /// The key in a column of that kind and type. A text that spells a UUID is one.
    pub fn read(row: &Row<'_>, place: usize, kind: KeyKind, type_name: &str) -> Result<Option<Key>> {
        Ok(match kind {
            KeyKind::Uuid => row.uuid(place).map(Key::Uuid),
            KeyKind::Int => row.value(place).map(|value| Key::Int(datum::read_integer(value))),
            KeyKind::Text => row.text(place)?.map(|text| Key::parse(plain(&text, type_name))),
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

/// What counts when keys of that type are compared: blanks at the end of a `character` do not.
pub fn plain<'t>(text: &'t str, type_name: &str) -> &'t str {
    if type_name == "bpchar" || type_name == "character" || type_name.starts_with("character(") {
        text.trim_end_matches(' ')
    } else {
        text
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
    /// What a key of rows of these tables becomes.
    pub fn new_key(&self, key: &Key, tables: &[Oid]) -> NewKey {
        if let Key::Uuid(_) = key {
            return self.new_key_of(key, &[]);
        }
        let keys: Vec<KeyRef> = tables
            .iter()
            .filter_map(|table| self.store.id_key(*table))
            .collect();
        self.new_key_of(key, &keys)
    }

    /// What a value of these keys becomes.
    pub fn new_key_of(&self, key: &Key, keys: &[KeyRef]) -> NewKey {
        match key {
            Key::Uuid(id) => match self.ids.get(id) {
                Mapped::Cloned(new) => NewKey::To(Key::Uuid(new)),
                Mapped::NotCloned => NewKey::NotCloned,
                Mapped::Unknown => NewKey::Unknown,
            },
            Key::Text(text) => {
                let mut maps = keys.iter().filter_map(|key| self.text_keys.get(key)).peekable();
                let found = if maps.peek().is_some() || self.store.follows_constraints() {
                    maps.map(|map| map.get(text))
                        .find(|found| *found != MappedText::Unknown)
                        .unwrap_or(MappedText::Unknown)
                } else {
                    self.texts.get(text)
                };
                match found {
                    MappedText::Cloned(new) => NewKey::To(Key::Text(new.to_owned())),
                    MappedText::NotCloned => NewKey::NotCloned,
                    // A text column may hold the keys of a table whose key is an integer.
                    MappedText::Unknown => match text.parse::<i64>() {
                        Ok(number) if number.to_string() == *text => self.new_integer(number, keys),
                        _ => NewKey::Unknown,
                    },
                }
            }
            Key::Int(number) => match self.new_integer(*number, keys) {
                // And an integer column those of a table whose key is a numeric or a text.
                NewKey::Unknown if keys.iter().any(|key| self.text_keys.contains_key(key)) => {
                    self.new_key_of(&Key::Text(number.to_string()), keys)
                }
                found => found,
            },
        }
    }

    fn new_integer(&self, number: i64, keys: &[KeyRef]) -> NewKey {
        keys.iter()
            .filter_map(|key| self.integers.get(key))
            .map(|map| map.get(number))
            .find(|found| *found != MappedInteger::Unknown)
            .map_or(NewKey::Unknown, |found| match found {
                MappedInteger::Cloned(new) => NewKey::To(Key::Int(new)),
                _ => NewKey::NotCloned,
            })
    }

    /// The key of the row that makes a row one of the clone.
    pub fn passes(&self, row: &Row<'_>, row_filter: &RowFilter) -> Result<Option<Key>> {
        if row_filter.condition.is_none_or(|place| row.boolean(place))
            && let Some(key) = Key::read(row, row_filter.source, row_filter.kind, &row_filter.type_name)?
            && matches!(self.new_key_of(&key, &row_filter.keys), NewKey::To(_))
            && !self.left(&key, &row_filter.tables)
        {
            return Ok(Some(key));
        }
        for other in &row_filter.others {
            if let Some(key) = self.passes(row, other)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    fn left(&self, key: &Key, tables: &[Oid]) -> bool {
        !self.left_rows.is_empty()
            && !tables.is_empty()
            && tables
                .iter()
                .all(|table| self.left_rows.contains(&(*table, key.clone())))
    }

    /// The map of an integer key.
    pub fn integers_of(&mut self, key: KeyRef) -> &mut IntegerMap {
        let budget = self.ids.budget();
        self.integers
            .entry(key)
            .or_insert_with(|| IntegerMap::new(budget))
    }

    /// The map of a key of another type.
    pub fn texts_of(&mut self, key: KeyRef) -> &mut TextIdMap {
        let budget = self.ids.budget();
        self.text_keys
            .entry(key)
            .or_insert_with(|| TextIdMap::new(budget))
    }

    /// Whether texts that are keys have a map for each key.
    pub fn texts_by_key(&self) -> bool {
        self.store.follows_constraints()
    }

    /// Maps a key to a value of the caller's, if its row is cloned.
    pub fn pin(&mut self, key: &Key, table: Oid, new: &Key) -> Result<()> {
        let Some(own) = self.store.id_key(table) else {
            return Ok(());
        };
        if !matches!(self.new_key_of(key, &[own]), NewKey::To(_)) {
            return Ok(());
        }
        self.map_key(own, key, new)
    }

    /// Maps one value of a key that is no UUID.
    pub fn map_key(&mut self, of: KeyRef, key: &Key, new: &Key) -> Result<()> {
        match (key, new) {
            (Key::Int(old), Key::Int(new)) => self.integers_of(of).insert(*old, *new),
            (Key::Uuid(old), Key::Uuid(new)) => self.ids_mut()?.insert_as(*old, *new),
            (Key::Text(old), new) if self.texts_by_key() => self.texts_of(of).insert(old, &new.to_text()),
            (Key::Text(old), new) => self.texts_mut()?.insert(old, &new.to_text()),
            _ => Ok(()),
        }
        .map_err(over_budget)
    }

    /// Marks a key as not cloned.
    pub fn leave(&mut self, key: &Key, table: Oid) -> Result<()> {
        let own = self.store.id_key(table);
        self.leave_key(key, own)
    }

    /// Marks a value of a key as not cloned.
    pub fn leave_key(&mut self, key: &Key, of: Option<KeyRef>) -> Result<()> {
        match (key, of) {
            (Key::Uuid(id), _) => self.ids_mut()?.insert_not_cloned(*id),
            (Key::Text(text), Some(of)) if self.texts_by_key() => {
                let map = self.texts_of(of);
                if map.get(text) == MappedText::Unknown {
                    map.insert_not_cloned(text)
                } else {
                    Ok(())
                }
            }
            (Key::Text(text), _) => self.texts_mut()?.insert_not_cloned(text),
            (Key::Int(number), Some(of)) => self.integers_of(of).insert_not_cloned(*number),
            (Key::Int(_), None) => Ok(()),
        }
        .map_err(over_budget)
    }
}
