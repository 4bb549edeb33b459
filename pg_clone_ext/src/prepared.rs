//! Statements whose plans are cached for the session: a clone of one item runs few statements, and planning them each time
//! would cost more than running them.

use std::cell::RefCell;
use std::collections::HashMap;

use pg_clone_core::error::{Error, Result};
use pgrx::PgOid;
use pgrx::datum::DatumWithOid;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiTupleTable};
use serde_json::Value;

use crate::error::internal;
use crate::pg::memory::Memory;
use crate::pg::value::json_text::JsonText;

/// Maximum number of cached plans; a store needs about ten.
const PLANS: usize = 200;
/// Rows that a cursor fetches at once.
const FETCHED: i64 = 500;

thread_local! {
    /// Kept for the whole session: freeing a plan while the server shuts down is not safe.
    static KEPT: RefCell<HashMap<String, &'static OwnedPreparedStatement>> = RefCell::default();
}

fn plan(
    client: &SpiClient<'_>,
    sql: &str,
    arguments: &[DatumWithOid<'_>],
    writes: bool,
) -> Result<Option<&'static OwnedPreparedStatement>> {
    if let Some(plan) = KEPT.with_borrow(|kept| kept.get(sql).copied()) {
        return Ok(Some(plan));
    }
    if KEPT.with_borrow(HashMap::len) >= PLANS {
        return Ok(None);
    }
    let types: Vec<PgOid> = arguments
        .iter()
        .map(|argument| PgOid::from(argument.oid()))
        .collect();
    let prepared = match writes {
        true => client.prepare_mut(sql, &types),
        false => client.prepare(sql, &types),
    };
    let plan: &'static OwnedPreparedStatement = Box::leak(Box::new(prepared.map_err(internal)?.keep()));
    KEPT.with_borrow_mut(|kept| kept.insert(sql.to_owned(), plan));
    Ok(Some(plan))
}

/// One row of a result.
pub struct Row<'r, 'conn>(&'r SpiTupleTable<'conn>);

impl Row<'_, '_> {
    /// A column as text; columns count from 1.
    pub fn text(&self, column: usize) -> Result<Option<String>> {
        self.0.get::<String>(column).map_err(internal)
    }

    /// A column as text, empty for NULL.
    pub fn string(&self, column: usize) -> Result<String> {
        Ok(self.text(column)?.unwrap_or_default())
    }

    /// A column as a boolean, false for NULL.
    pub fn truth(&self, column: usize) -> Result<bool> {
        Ok(self.0.get::<bool>(column).map_err(internal)?.unwrap_or_default())
    }

    /// A column of jsonb as its text.
    pub fn json(&self, column: usize) -> Result<Option<String>> {
        Ok(self
            .0
            .get::<JsonText>(column)
            .map_err(internal)?
            .map(|JsonText(text)| text))
    }
}

fn each_row(table: SpiTupleTable<'_>, each: &mut dyn FnMut(&Row) -> Result<()>) -> Result<()> {
    let mut table = table;
    // pgrx copies values into the parent of the current memory context. That would be the transaction's, where they would stay.
    Memory::new(c"pg_clone values").within(|| {
        Memory::new(c"pg_clone rows").within(|| {
            while table.next().is_some() {
                each(&Row(&table))?;
            }
            Ok(())
        })
    })
}

/// Calls `each` for every row of a query that writes nothing.
pub fn rows(
    sql: &str,
    arguments: &[DatumWithOid<'_>],
    each: &mut dyn FnMut(&Row) -> Result<()>,
) -> Result<()> {
    pgrx::Spi::connect(|client| {
        let found = match plan(client, sql, arguments, false)? {
            Some(plan) => client.select(plan, None, arguments),
            None => client.select(sql, None, arguments),
        };
        each_row(found.map_err(internal)?, each)
    })
}

/// As [`rows`], for large results, which are fetched in parts under one snapshot.
pub fn stream(
    sql: &str,
    arguments: &[DatumWithOid<'_>],
    each: &mut dyn FnMut(&Row) -> Result<()>,
) -> Result<()> {
    pgrx::Spi::connect(|client| {
        let mut cursor = client.try_open_cursor(sql, arguments).map_err(internal)?;
        loop {
            let part = cursor.fetch(FETCHED).map_err(internal)?;
            if part.is_empty() {
                return Ok(());
            }
            each_row(part, each)?;
        }
    })
}

/// The first column of the first row as text.
pub fn text(sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<Option<String>> {
    let mut found = None;
    rows(sql, arguments, &mut |row| {
        if found.is_none() {
            found = row.text(1)?;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether the first column of the first row is true.
pub fn truth(sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<bool> {
    let mut found = false;
    rows(sql, arguments, &mut |row| {
        found |= row.truth(1)?;
        Ok(())
    })?;
    Ok(found)
}

/// A query whose only value is JSON.
pub fn json(sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<Value> {
    let mut found = Value::Null;
    rows(sql, arguments, &mut |row| {
        if let Some(text) = row.json(1)? {
            found = serde_json::from_str(&text).map_err(internal)?;
        }
        Ok(())
    })?;
    Ok(found)
}

/// A statement that writes; returns the first column of its first row, if it returns rows.
pub fn write(sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<Option<i64>> {
    pgrx::Spi::connect_mut(|client| {
        let done = match plan(client, sql, arguments, true)? {
            Some(plan) => client.update(plan, None, arguments),
            None => client.update(sql, None, arguments),
        };
        let done = done.map_err(internal)?;
        match done.is_empty() || done.columns().unwrap_or_default() == 0 {
            true => Ok(None),
            false => done.first().get::<i64>(1).map_err(internal),
        }
    })
}

/// The transaction's time in seconds since 1970, UTC.
pub fn now() -> Result<i64> {
    let found = text(
        "SELECT pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.now()))::pg_catalog.int8::pg_catalog.text",
        &[],
    )?;
    found
        .and_then(|seconds| seconds.parse().ok())
        .ok_or_else(|| Error::new(pg_clone_core::error::Code::Internal, "no time"))
}
