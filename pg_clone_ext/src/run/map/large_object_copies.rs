//! Copies of large objects, created with the caller's rights.

use crate::error::internal;
use crate::pg::value::Value;
use crate::pg::value::datum;
use crate::run::keys::Key;
use crate::run::state::Run;
use pg_clone_core::error::Result;
use pgrx::pg_sys::Oid;

/// Bytes that are copied at a time.
const CHUNK: i32 = 4 << 20;

/// A copy of the large object whose oid is the value of a column of any type; None if it is the oid of none. A row whose trigger deletes its
/// object (`managed`) has one of its own; others name the same copy if they named the same object.
pub fn copy(run: &Run, source: Value, type_name: &str, managed: bool) -> Result<Option<Oid>> {
    let source = if type_name == "oid" {
        datum::read_oid(source)
    } else {
        match datum::to_text(source)?.trim().parse::<u32>() {
            Ok(oid) => Oid::from(oid),
            Err(_) => return Ok(None),
        }
    };
    if managed {
        copy_of(source)
    } else {
        same_copy(run, source)
    }
}

/// New oids for keys which are those of large objects; None if one is not.
pub fn keys(run: &Run, keys: &[Key]) -> Result<Option<Vec<Key>>> {
    let mut copies = Vec::with_capacity(keys.len());
    for key in keys {
        let Ok(oid) = key.to_text().parse::<u32>() else {
            return Ok(None);
        };
        match same_copy(run, Oid::from(oid))? {
            Some(copy) => copies.push(Key::Text(u32::from(copy).to_string())),
            None => return Ok(None),
        }
    }
    Ok(Some(copies))
}

fn same_copy(run: &Run, source: Oid) -> Result<Option<Oid>> {
    let known = run.large_objects.borrow().get(&source).copied();
    if known.is_some() {
        return Ok(known);
    }
    let copy = copy_of(source)?;
    if let Some(copy) = copy {
        run.large_objects.borrow_mut().insert(source, copy);
    }
    Ok(copy)
}

fn copy_of(source: Oid) -> Result<Option<Oid>> {
    let exists = pgrx::Spi::get_one_with_args::<bool>(
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid OPERATOR(pg_catalog.=) $1)",
        &[source.into()],
    )
    .map_err(internal)?;
    if exists != Some(true) {
        return Ok(None);
    }
    let Some(target) =
        pgrx::Spi::get_one::<Oid>("SELECT pg_catalog.lo_create(0::pg_catalog.oid)").map_err(internal)?
    else {
        return Ok(None);
    };
    let mut place = 0_i64;
    loop {
        let written = pgrx::Spi::get_two_with_args::<i32, bool>(
            "SELECT pg_catalog.octet_length(c.bytes), pg_catalog.lo_put($2, $3, c.bytes) IS NULL \
             FROM (SELECT pg_catalog.lo_get($1, $3, $4) AS bytes OFFSET 0) AS c",
            &[source.into(), target.into(), place.into(), CHUNK.into()],
        )
        .map_err(internal)?;
        let length = written.0.unwrap_or_default();
        place += i64::from(length);
        if length < CHUNK {
            return Ok(Some(target));
        }
    }
}
