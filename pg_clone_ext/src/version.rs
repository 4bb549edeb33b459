//! Compares the version of the extension in this database with that of this library: after an update of the package the
//! database has the old functions until ALTER EXTENSION … UPDATE.

use std::cell::Cell;

use crate::pg::query::text;
use pg_clone_core::error::{Code, Error, Result};

/// The version of this library.
const LIBRARY: &str = env!("CARGO_PKG_VERSION");

thread_local! {
    static CHECKED: Cell<bool> = const { Cell::new(false) };
}

/// Checks the versions, once per session: a session keeps the library that it has loaded.
///
/// # Errors
/// 55000 if the first two numbers of the versions differ: tables and functions may differ then.
pub fn check() -> Result<()> {
    if CHECKED.get() {
        return Ok(());
    }
    let installed = text(
        "SELECT extversion FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'pg_clone_ext'::pg_catalog.name",
    )?;
    if let Some(installed) = installed {
        fits(LIBRARY, &installed)?;
    }
    CHECKED.set(true);
    Ok(())
}

fn fits(library: &str, installed: &str) -> Result<()> {
    let (ours, theirs) = (series(library), series(installed));
    if ours == theirs {
        return Ok(());
    }
    let error = Error::new(
        Code::WrongState,
        format!(
            "extension pg_clone_ext is of version {installed} in this database, its library is of version {library}"
        ),
    );
    Err(if theirs < ours {
        error.hint("As a superuser run: ALTER EXTENSION pg_clone_ext UPDATE;")
    } else {
        error.hint(format!(
            "Connect again: a session keeps the library that it has loaded. If that does not help, install pg_clone_ext {installed} on the server."
        ))
    })
}

/// The first two numbers of a version: releases with the same ones work together.
fn series(version: &str) -> Vec<u32> {
    let numbers = version.split(['.', '-']).map_while(|part| part.parse().ok());
    numbers.take(2).collect()
}
