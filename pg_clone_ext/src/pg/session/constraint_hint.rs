//! Adds hints to errors of constraints, which say what a clone needs.

use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::{CStr, CString, c_char, c_int, c_void};

unsafe extern "C-unwind" {
    /// utils/elog.h; pgrx binds no function with a variable number of arguments.
    fn errhint(format: *const c_char, ...) -> c_int;
}

/// A violated constraint, from the server's error.
pub struct Violation {
    /// Its kind, from the SQLSTATE.
    pub kind: Kind,
    /// Schema of the table, unquoted.
    pub schema: String,
    /// The table, unquoted.
    pub table: String,
    /// The column, if the error has one.
    pub column: String,
    /// The constraint or unique index, if the error has one.
    pub constraint: String,
    /// The domain, unquoted, if it has the constraint.
    pub domain: String,
}

/// The kind of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 23505.
    Unique,
    /// 23P01.
    Exclusion,
    /// 23503.
    ForeignKey,
    /// 23514.
    Check,
    /// 23502.
    NotNull,
    /// 27000: no constraint; a trigger has changed a row that the statement at hand deletes.
    TriggeredChange,
    /// 22003 and 2200H: no constraint; a number does not fit its column, or a sequence has come to its end.
    OutOfRange,
}

type Hint = dyn Fn(&Violation) -> Option<String>;

/// As long as this lives, errors of constraints without a hint, and those of changes by triggers, get the hint of a function.
pub struct ConstraintHints {
    // Both in memory that does not move: the server keeps pointers to them.
    callback: Box<pg_sys::ErrorContextCallback>,
    _hint: Box<Box<Hint>>,
}

impl ConstraintHints {
    /// Begins to add hints. The function must not call the server.
    pub fn new(hint: Box<Hint>) -> Self {
        let mut hint = Box::new(hint);
        // SAFETY: the callback is taken off the stack in drop(), also while an error unwinds, before its memory goes.
        unsafe {
            let mut callback = Box::new(pg_sys::ErrorContextCallback {
                previous: pg_sys::error_context_stack,
                callback: Some(add_hint),
                arg: (&raw mut *hint).cast(),
            });
            pg_sys::error_context_stack = &raw mut *callback;
            ConstraintHints {
                callback,
                _hint: hint,
            }
        }
    }
}

impl Drop for ConstraintHints {
    fn drop(&mut self) {
        // SAFETY: what was on the stack before is still there: guards are dropped in reverse.
        unsafe { pg_sys::error_context_stack = self.callback.previous };
    }
}

fn kind_of(code: i32) -> Option<Kind> {
    Some(match PgSqlErrorCode::from(code) {
        PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION => Kind::Unique,
        PgSqlErrorCode::ERRCODE_EXCLUSION_VIOLATION => Kind::Exclusion,
        PgSqlErrorCode::ERRCODE_FOREIGN_KEY_VIOLATION => Kind::ForeignKey,
        PgSqlErrorCode::ERRCODE_CHECK_VIOLATION => Kind::Check,
        PgSqlErrorCode::ERRCODE_NOT_NULL_VIOLATION => Kind::NotNull,
        PgSqlErrorCode::ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION => Kind::TriggeredChange,
        PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE
        | PgSqlErrorCode::ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED => Kind::OutOfRange,
        _ => return None,
    })
}

/// Called by the server for the error at hand.
unsafe extern "C-unwind" fn add_hint(argument: *mut c_void) {
    // SAFETY: called while an error is reported; the argument is that of new(), alive as long as the callback is on the stack.
    // The copy of the error is made outside of the context that errors are kept in, as the server demands.
    unsafe {
        let Some(kind) = kind_of(pg_sys::geterrcode()) else {
            return;
        };
        let old = pg_sys::MemoryContextSwitchTo(pg_sys::CurTransactionContext);
        let error = pg_sys::CopyErrorData();
        pg_sys::MemoryContextSwitchTo(old);
        // The server's own advice for a change by a trigger is for who writes the trigger.
        let hint = if (*error).hint.is_null() || kind == Kind::TriggeredChange {
            let make = &*argument.cast::<Box<Hint>>();
            make(&Violation {
                kind,
                schema: text((*error).schema_name),
                table: text((*error).table_name),
                column: text((*error).column_name),
                constraint: text((*error).constraint_name),
                domain: text((*error).datatype_name),
            })
        } else {
            None
        };
        pg_sys::FreeErrorData(error);
        if let Some(hint) = hint.and_then(|hint| CString::new(hint).ok()) {
            pg_guard_ffi_boundary(|| errhint(c"%s".as_ptr(), hint.as_ptr()));
        }
    }
}

/// # Safety
/// NULL, or a NUL-terminated string.
unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
