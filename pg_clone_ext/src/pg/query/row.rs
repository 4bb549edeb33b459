//! A row of a running query, read in place.

use crate::pg::memory::Memory;
use crate::pg::value::{BIGINT, BOOLEAN, Form, Value};
use pg_clone_core::batch::Compressed;
use pg_clone_core::error::Result;
use pg_clone_core::ids::Id;
use pgrx::pg_sys;
use std::borrow::Cow;

/// A row, valid during one call of the query's callback.
pub struct Row<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
    forms: &'a [Form],
    memory: &'a Memory,
}

impl<'a> Row<'a> {
    /// Only pg::query creates rows, from slots whose attributes are all deformed; `memory` is reset before the next row.
    ///
    /// # Safety
    /// Values that are not NULL are of these forms, and live as long as what is in the memory now.
    pub(in crate::pg) unsafe fn new(
        values: &'a [pg_sys::Datum],
        nulls: &'a [bool],
        forms: &'a [Form],
        memory: &'a Memory,
    ) -> Self {
        Row {
            values,
            nulls,
            forms,
            memory,
        }
    }

    /// The value of a column, by place from 0; None if it is NULL. It lives as long as the row.
    pub fn value(&self, place: usize) -> Option<Value> {
        match (
            self.values.get(place),
            self.nulls.get(place),
            self.forms.get(place),
        ) {
            (Some(datum), Some(false), Some(form)) => {
                // SAFETY: the row was made of such datums; the memory is not reset while it is borrowed.
                Some(unsafe { Value::at(*datum, *form, self.memory.lifetime()) })
            }
            _ => None,
        }
    }

    /// A column known to be `uuid`.
    pub fn uuid(&self, place: usize) -> Option<Id> {
        self.value(place).map(crate::pg::value::datum::read_uuid)
    }

    /// A column known to be `boolean`.
    pub fn boolean(&self, place: usize) -> bool {
        self.value(place)
            .is_some_and(|value| value.datum_of(BOOLEAN).value() != 0)
    }

    /// A column known to be `bigint`.
    pub fn bigint(&self, place: usize) -> Option<i64> {
        self.value(place)
            .map(|value| value.datum_of(BIGINT).value() as i64)
    }

    /// A column known to be a varlena (text, json, jsonb without its header), detoasted if it has to be. The bytes live as
    /// long as the row.
    pub fn bytes(&self, place: usize) -> Option<&'a [u8]> {
        let value = self.value(place)?;
        // SAFETY: a varlena; what is detoasted is in the row's memory, which is borrowed as long as the slice.
        Some(unsafe {
            self.memory
                .within(|| crate::pg::value::toast::payload(value.varlena()))
        })
    }

    /// The bytes of a varlena as they are kept, and how they are compressed. They live as long as the row.
    pub fn stored(&self, place: usize) -> Result<Option<(&'a [u8], Option<Compressed>)>> {
        let Some(value) = self.value(place) else {
            return Ok(None);
        };
        // SAFETY: as in bytes().
        unsafe {
            self.memory
                .within(|| crate::pg::value::toast::stored(value.varlena()))
        }
        .map(Some)
    }

    /// A column known to be text. Bytes that are not UTF-8 are an error (22P02): only UTF-8 databases are supported.
    pub fn text(&self, place: usize) -> Result<Option<Cow<'a, str>>> {
        match self.bytes(place) {
            None => Ok(None),
            Some(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(Cow::Borrowed(text))),
                Err(_) => Err(crate::pg::value::datum::not_utf8()),
            },
        }
    }
}
