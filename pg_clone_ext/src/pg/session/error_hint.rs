//! Hints for errors that PostgreSQL raises during a call: the message has the value, the hint says where the value
//! comes from and what to do.

use pgrx::{pg_guard, pg_sys};
use std::ffi::{CString, c_int, c_void};

/// Classes of SQLSTATE whose errors get the hint: data exception (22) and integrity constraint violation (23).
const CLASSES: [c_int; 2] = [class(b'2', b'2'), class(b'2', b'3')];
/// SQLSTATE 25006, a statement that writes in a read-only transaction.
const READ_ONLY: c_int = class(b'2', b'5') | (6 << 24);
const READ_ONLY_HINT: &str = "It writes: begin the transaction with READ WRITE. If the server is a standby, call it on the primary server.";

/// The errors that get a hint.
#[derive(Clone, Copy)]
enum Errors {
    OfValues,
    ReadOnly,
}

/// A class of SQLSTATE as elog.h packs it.
pub(super) const fn class(first: u8, second: u8) -> c_int {
    ((first - b'0') as c_int) | (((second - b'0') as c_int) << 6)
}

/// As long as this lives, such an error without a hint gets this one.
pub struct ErrorHint {
    callback: Box<pg_sys::ErrorContextCallback>,
    // Behind a pointer, so that the callback finds it wherever this is moved to.
    _hint: Box<(CString, Errors)>,
}

impl ErrorHint {
    /// Sets the hint for errors of values (22…, 23…); `hint` is a sentence.
    pub fn new(hint: &str) -> Self {
        Self::of(hint, Errors::OfValues)
    }

    /// Sets the hint for statements that write in a read-only transaction.
    pub fn read_only() -> Self {
        Self::of(READ_ONLY_HINT, Errors::ReadOnly)
    }

    fn of(hint: &str, errors: Errors) -> Self {
        let hint = Box::new((CString::new(hint.replace('\0', "")).unwrap_or_default(), errors));
        let argument: *const (CString, Errors) = &raw const *hint;
        let mut callback = Box::new(pg_sys::ErrorContextCallback {
            // SAFETY: the stack of callbacks is this backend's own, and only its one thread looks at it.
            previous: unsafe { pg_sys::error_context_stack },
            callback: Some(add_hint),
            arg: argument.cast_mut().cast(),
        });
        // SAFETY: the entry lives in a box until Drop takes it off the stack; an ERROR cuts the stack before the box goes.
        unsafe { pg_sys::error_context_stack = &raw mut *callback };
        ErrorHint {
            callback,
            _hint: hint,
        }
    }
}

impl Drop for ErrorHint {
    fn drop(&mut self) {
        // SAFETY: guards are dropped in reverse order of creation, so what was on top before is alive.
        unsafe { pg_sys::error_context_stack = self.callback.previous }
    }
}

/// Called by the server for every message while the guard lives.
#[pg_guard]
unsafe extern "C-unwind" fn add_hint(argument: *mut c_void) {
    // SAFETY: a message is being made, so its code is there; the argument is that of a guard that lives.
    let (code, (hint, errors)) = unsafe { (pg_sys::geterrcode(), &*argument.cast::<(CString, Errors)>()) };
    let meant = match errors {
        Errors::OfValues => CLASSES.contains(&(code & 0xFFF)),
        Errors::ReadOnly => code == READ_ONLY,
    };
    if !meant || has_hint() {
        return;
    }
    // SAFETY: the format has one %s, for which one string is given.
    unsafe {
        pg_sys::errhint_plural(c"%s".as_ptr(), c"%s".as_ptr(), 1, hint.as_ptr());
    }
}

/// Whether the current message already has a hint.
fn has_hint() -> bool {
    // SAFETY: a message is being made; it is copied into a context other than that of messages, as the function demands,
    // and freed again.
    unsafe {
        let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let copy = pg_sys::CopyErrorData();
        let found = !(*copy).hint.is_null();
        pg_sys::FreeErrorData(copy);
        pg_sys::MemoryContextSwitchTo(before);
        found
    }
}
