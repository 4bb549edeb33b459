//! SQL functions for clones that come and go.

use crate::error::or_raise;
use crate::lifecycle;
use pgrx::prelude::*;

/// Deletes a project that a clone made: its rows in every table of the store, and its files through the queue. Returns the counts.
///
/// `options`: `force` (also a project that no run made), `dry_run` (only count), `shared` (`keep`, the default, or
/// `ignore`). Errors: 42501 not allowed, P0002 no such project, 55000 no run made it, 22023 bad argument, 23503 rows of
/// other projects would go along, 0A000 row security.
#[pg_extern(volatile, parallel_unsafe)]
fn project_delete(
    target_project: Option<String>,
    store: default!(Option<String>, "NULL"),
    options: default!(Option<pgrx::JsonB>, "'{}'"),
) -> pgrx::JsonB {
    let options = options.map_or_else(|| serde_json::json!({}), |options| options.0);
    pgrx::JsonB(or_raise(lifecycle::delete_project(
        &target_project.unwrap_or_default(),
        store.as_deref(),
        &options,
    )))
}
