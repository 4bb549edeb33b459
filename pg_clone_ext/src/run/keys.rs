//! Keys of rows: UUIDs, integers and texts.

use crate::pg::query::row::Row;
use crate::pg::value::datum;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, uuid_text};
use pg_clone_core::plan::{KeyForm, KeyKind, is_padded};
use std::borrow::Cow;

/// A key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A `uuid`.
    Uuid(Id),
    /// An integer.
    Int(i64),
    /// A text that is not a UUID, or the text form of another type.
    Text(String),
}

impl Key {
    /// The key in a column of that kind that refers to keys of that type. A text in the form of a UUID is a UUID.
    pub fn read(row: &Row<'_>, place: usize, kind: KeyKind, type_name: &str) -> Result<Option<Key>> {
        Ok(match kind {
            KeyKind::Uuid => row.uuid(place).map(Key::Uuid),
            KeyKind::Int => row.value(place).map(|value| Key::Int(datum::read_integer(value))),
            KeyKind::Text => row
                .text(place)?
                .map(|text| Key::parse(&in_form_of_key(&text, type_name))),
        })
    }

    /// A key from the text a caller gave for a column of text ids.
    pub fn parse(text: &str) -> Key {
        match uuid_text::parse_slice(text.as_bytes()) {
            Some(id) => Key::Uuid(id),
            None => Key::Text(text.to_owned()),
        }
    }

    /// A key of that type from its text in the maps' form.
    pub fn of_type(text: &str, type_name: &str) -> Key {
        match KeyKind::of(type_name) {
            KeyKind::Int => text.parse().map_or_else(|_| Key::parse(text), Key::Int),
            KeyKind::Uuid | KeyKind::Text => Key::parse(text),
        }
    }

    /// The UUID, if it is one.
    pub fn uuid(&self) -> Option<Id> {
        match self {
            Key::Uuid(id) => Some(*id),
            Key::Int(_) | Key::Text(_) => None,
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

/// A text in the form in which it is equal to an equal key of that type.
pub fn in_form_of_key<'t>(text: &'t str, key_type: &str) -> Cow<'t, str> {
    KeyForm::of(key_type).canonical(text, datum::lower)
}

/// A text with the segments between these characters replaced by what `new` returns; None if none is.
pub fn with_segments(
    text: &str,
    separators: &str,
    mut new: impl FnMut(&str) -> Result<Option<String>>,
) -> Result<Option<String>> {
    let is_separator = |c: char| separators.contains(c);
    let mut made = String::with_capacity(text.len());
    let mut changed = false;
    for part in text.split_inclusive(is_separator) {
        let segment = part.trim_end_matches(is_separator);
        match new(segment)? {
            Some(other) if !segment.is_empty() => {
                made.push_str(&other);
                changed = true;
            }
            _ => made.push_str(segment),
        }
        made.push_str(&part[segment.len()..]);
    }
    Ok(changed.then_some(made))
}

/// The significant part of a key of that type: without trailing blanks of `character`.
pub fn plain<'t>(text: &'t str, type_name: &str) -> &'t str {
    if is_padded(type_name) {
        text.trim_end_matches(' ')
    } else {
        text
    }
}

/// The result of mapping a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewKey {
    /// This.
    To(Key),
    /// Its resource is not cloned.
    NotCloned,
    /// Nothing of the source project.
    Unknown,
}
