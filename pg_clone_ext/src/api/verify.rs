//! `project_clone_verify`: checks whether a clone is complete.

use crate::entry::entry;
use crate::verify::verify;
use pgrx::prelude::*;

/// Checks a project that a run made: its rows, that it has no reference to the source, its history, its files.
/// With `sample`, it checks the values of that many rows of each table, and compares only the counts of rows.
/// With `columns`, it also checks data derived from documents (22023 for a store without such a check).
/// A project that no run made is an error (P0002). Needs SELECT on the store's tables.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
fn project_clone_verify(
    target_project: Option<String>,
    store: default!(Option<String>, "NULL"),
    columns: default!(Option<bool>, "false"),
    sample: default!(Option<i64>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(check_name, String),
        name!(subject, String),
        name!(expected, String),
        name!(found, String),
        name!(ok, bool),
    ),
> {
    let checks = entry(|_| {
        verify(
            &target_project.unwrap_or_default(),
            store.as_deref(),
            columns.unwrap_or(false),
            sample,
        )
    });
    TableIterator::new(checks.into_iter().map(|check| {
        (
            check.name.into_owned(),
            check.subject,
            check.expected,
            check.found,
            check.ok,
        )
    }))
}
