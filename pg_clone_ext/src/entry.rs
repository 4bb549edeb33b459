//! The wrapper around every SQL function of the extension.

use crate::error::or_raise;
use crate::pg::session::error_hint::ErrorHint;
use crate::pg::session::error_origin::ErrorOrigin;
use crate::pg::session::parallel;
use crate::pg::session::settings_guard::{CallersPath, PathGuard};
use crate::version;
use pg_clone_core::error::Result;

/// Runs the body of an SQL function under a `search_path` of `pg_catalog` only, so that every name and operator in the
/// extension's statements is PostgreSQL's own. The body gets the caller's path, for triggers and constraints. An error of the body
/// is raised.
///
/// Error 25000 in a parallel query, 55000 if the library and the extension in the database have different versions.
///
/// Functions on stores need a [`CallersPath`], which is created only here; `scripts/lint/entry-points.sh` refuses an SQL function
/// that does not call this.
pub fn entry<T>(body: impl FnOnce(&CallersPath) -> Result<T>) -> T {
    parallel::refuse();
    let path = CallersPath::current();
    let _safe = PathGuard::safe();
    let _hint = ErrorHint::read_only();
    let _origin = ErrorOrigin::new();
    or_raise(version::check().and_then(|()| body(&path)))
}
