//! Converts the core's errors to PostgreSQL's.

use pg_clone_core::error::{Code, Error, shortened};
use pgrx::PgSqlErrorCode as Sql;
use pgrx::pg_sys::panic::ErrorReport;

/// Raises the error. The transaction, with everything that the run wrote, is aborted.
pub fn raise(error: Error) -> ! {
    let code = match error.code {
        Code::NotAllowed => Sql::ERRCODE_INSUFFICIENT_PRIVILEGE,
        Code::NotFound => Sql::ERRCODE_NO_DATA_FOUND,
        Code::BadArgument => Sql::ERRCODE_INVALID_PARAMETER_VALUE,
        Code::OutOfMemory => Sql::ERRCODE_OUT_OF_MEMORY,
        Code::Unsupported => Sql::ERRCODE_FEATURE_NOT_SUPPORTED,
        Code::StoreChanged | Code::WrongState => Sql::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        Code::TooDeep => Sql::ERRCODE_STATEMENT_TOO_COMPLEX,
        Code::BadData => Sql::ERRCODE_INVALID_TEXT_REPRESENTATION,
        Code::Dangling => Sql::ERRCODE_FOREIGN_KEY_VIOLATION,
        Code::Duplicate => Sql::ERRCODE_UNIQUE_VIOLATION,
        Code::ChangedMeanwhile => Sql::ERRCODE_T_R_SERIALIZATION_FAILURE,
        Code::Internal => Sql::ERRCODE_INTERNAL_ERROR,
    };
    let mut report = ErrorReport::new(code, shortened(error.message), "pg_clone");
    if !error.detail.is_empty() {
        report = report.set_detail(error.detail);
    }
    if !error.hint.is_empty() {
        report = report.set_hint(error.hint);
    }
    report.report(pgrx::PgLogLevel::ERROR);
    unreachable!("reporting at level ERROR does not return")
}

/// Returns the value of a result, or raises its error.
pub fn or_raise<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| raise(error))
}

/// An SPI failure that is not an ERROR of the server: a bug in this extension.
pub fn internal(error: impl std::fmt::Display) -> Error {
    Error::new(Code::Internal, error.to_string())
}
