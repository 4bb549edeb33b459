//! Which function of the application raised an error: pgrx carries an error on without its context.

use super::error_hint::class;
use pgrx::{pg_guard, pg_sys};
use std::ffi::{CStr, CString, c_int, c_void};

/// elog.h: ERROR.
const ERROR: c_int = pg_sys::PGERROR as c_int;

/// Classes of SQLSTATE: of messages that are no errors, and the one in which nothing more may be allocated.
const SUCCESS: c_int = class(b'0', b'0');
const WARNING: c_int = class(b'0', b'1');
const INSUFFICIENT_RESOURCES: c_int = class(b'5', b'3');

/// As long as this lives, an error without a detail that a trigger or a function of the application raises gets its name as the detail.
pub struct ErrorOrigin(Box<pg_sys::ErrorContextCallback>);

impl ErrorOrigin {
    /// Begins to name functions.
    pub fn new() -> Self {
        let mut callback = Box::new(pg_sys::ErrorContextCallback {
            // SAFETY: the stack of callbacks is this backend's own, and only its one thread looks at it.
            previous: unsafe { pg_sys::error_context_stack },
            callback: Some(add_origin),
            arg: std::ptr::null_mut(),
        });
        // SAFETY: the entry lives in a box until Drop takes it off the stack; an ERROR cuts the stack before the box goes.
        unsafe { pg_sys::error_context_stack = &raw mut *callback };
        ErrorOrigin(callback)
    }
}

impl Drop for ErrorOrigin {
    fn drop(&mut self) {
        // SAFETY: guards are dropped in reverse order of creation, so what was on top before is alive.
        unsafe { pg_sys::error_context_stack = self.0.previous }
    }
}

/// Called by the server for every message while the guard lives, after the callbacks of the functions that run.
#[pg_guard]
unsafe extern "C-unwind" fn add_origin(_argument: *mut c_void) {
    let Some(origin) = origin().and_then(|origin| CString::new(origin).ok()) else {
        return;
    };
    // SAFETY: a message is being made; the format has one %s, for which one string is given.
    unsafe {
        pg_sys::errdetail_internal(c"Raised in %s.".as_ptr(), origin.as_ptr());
    }
}

/// The first function in the context of the error that is being made, if it is none of the extension's; None: the message is no error, has a
/// detail, or comes from no such function.
fn origin() -> Option<String> {
    // SAFETY: a message is being made, so its code is there.
    let class = unsafe { pg_sys::geterrcode() } & 0xFFF;
    if matches!(class, SUCCESS | WARNING | INSUFFICIENT_RESOURCES) {
        return None;
    }
    // SAFETY: a message is being made; it is copied into a context other than that of messages, as the function demands,
    // and freed again. Its texts end with NUL.
    unsafe {
        let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let copy = pg_sys::CopyErrorData();
        let told = (*copy).elevel < ERROR || !(*copy).detail.is_null() || (*copy).context.is_null();
        let context = (!told).then(|| CStr::from_ptr((*copy).context).to_string_lossy().into_owned());
        pg_sys::FreeErrorData(copy);
        pg_sys::MemoryContextSwitchTo(before);
        context.as_deref().and_then(function).map(str::to_owned)
    }
}

/// The first line of a context that names a function in a procedural language, whatever the language of messages is. Functions of the
/// extension raise errors that say all. A function in SQL is named without its schema, so that its owner is not known.
fn function(context: &str) -> Option<&str> {
    let line = context.lines().find(|line| line.starts_with("PL/"))?;
    let of_ours = [" clone.", " clone_internal."];
    (!of_ours.iter().any(|ours| line.contains(ours))).then_some(line)
}
