//! What every SQL function of ours begins with.

use crate::error::or_raise;
use crate::pg::session::settings_guard::{CallersPath, PathGuard};
use crate::version;
use pg_clone_core::error::Result;

/// Runs the body of an SQL function under a `search_path` that nobody can write to, so that every name and operator in our
/// statements is PostgreSQL's own. The body gets the caller's path: triggers and constraints run under it. An error of the body
/// is raised.
///
/// A library that does not fit the extension of the database is an error (55000).
///
/// What works on stores needs a [`CallersPath`], which is made here only; `scripts/lint/entry-points.sh` refuses a function
/// that does not call this.
pub fn entry<T>(body: impl FnOnce(&CallersPath) -> Result<T>) -> T {
    let path = CallersPath::current();
    let _safe = PathGuard::safe();
    or_raise(version::check().and_then(|()| body(&path)))
}
