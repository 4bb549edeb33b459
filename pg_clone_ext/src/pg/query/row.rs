//! A row of a running query, read in place.

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::Id;
use pgrx::pg_sys;
use std::borrow::Cow;

/// One value of a row: a datum that is valid while the row is, or NULL.
pub type Datum = Option<pg_sys::Datum>;

/// A row, valid during one call of the query's callback.
pub struct Row<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
}

impl<'a> Row<'a> {
    /// Only pg::query makes rows, from slots whose attributes are all deformed.
    pub(in crate::pg) fn new(values: &'a [pg_sys::Datum], nulls: &'a [bool]) -> Self {
        Row { values, nulls }
    }

    /// The value of a column, by place from 0.
    pub fn datum(&self, place: usize) -> Datum {
        match (self.values.get(place), self.nulls.get(place)) {
            (Some(value), Some(false)) => Some(*value),
            _ => None,
        }
    }

    /// A column known to be `uuid`.
    pub fn uuid(&self, place: usize) -> Option<Id> {
        // SAFETY: the caller asked for this type in its query; a uuid datum points to 16 bytes.
        self.datum(place)
            .map(|datum| unsafe { *datum.cast_mut_ptr::<Id>() })
    }

    /// A column known to be `boolean`.
    pub fn boolean(&self, place: usize) -> bool {
        self.datum(place).is_some_and(|datum| datum.value() != 0)
    }

    /// A column known to be `bigint`.
    pub fn bigint(&self, place: usize) -> Option<i64> {
        self.datum(place).map(|datum| datum.value() as i64)
    }

    /// A column known to be a varlena (text, json, jsonb without its header), detoasted into the current memory
    /// context if it has to be. The bytes live as long as the row and the current memory context.
    pub fn bytes(&self, place: usize) -> Option<&'a [u8]> {
        self.datum(place).map(crate::pg::value::datum::bytes)
    }

    /// A column known to be text. Bytes that are no UTF-8 are an error (22P02): we work on UTF-8 databases.
    pub fn text(&self, place: usize) -> Result<Option<Cow<'a, str>>> {
        match self.bytes(place) {
            None => Ok(None),
            Some(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(Cow::Borrowed(text))),
                Err(_) => Err(Error::new(Code::BadData, "a text value is not valid UTF-8")),
            },
        }
    }
}
