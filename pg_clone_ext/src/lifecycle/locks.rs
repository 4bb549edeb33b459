//! Locks on jobs and clones.

use crate::error::internal;
use crate::pg::session::object_lock;
use pg_clone_core::error::Result;
use pgrx::{Spi, pg_sys};

/// Takes the lock for a number and a table of schema clone until the transaction ends. Without `wait`, returns false if it is taken.
pub fn lock(table: &str, number: i32, wait: bool) -> Result<bool> {
    let oid = Spi::get_one_with_args::<pg_sys::Oid>(
        "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid",
        &[table.into()],
    )
    .map_err(internal)?
    .ok_or_else(|| internal(format_args!("there is no table {table}")))?;
    Ok(object_lock::lock(u32::from(oid), number.cast_unsigned(), wait))
}
