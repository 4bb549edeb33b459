//! Single-value queries over JSON: every statement here returns exactly one row.

use pg_clone_core::error::Result;
use pgrx::JsonB;
use pgrx::datum::DatumWithOid;
use serde_json::Value;

use crate::error::internal;

/// A query whose only value is JSON.
pub fn json(sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<Value> {
    let found = pgrx::Spi::get_one_with_args::<JsonB>(sql, arguments).map_err(internal)?;
    Ok(found.map_or(Value::Null, |JsonB(value)| value))
}

/// A statement without a result.
pub fn run(sql: &str, arguments: &[DatumWithOid<'_>]) -> Result<()> {
    pgrx::Spi::run_with_args(sql, arguments).map_err(internal)
}

/// The transaction's time in seconds since 1970, UTC.
pub fn now() -> Result<i64> {
    let now = pgrx::Spi::get_one::<i64>(
        "SELECT pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.now()))::int8",
    );
    now.map(Option::unwrap_or_default).map_err(internal)
}
