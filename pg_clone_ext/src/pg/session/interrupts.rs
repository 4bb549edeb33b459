//! Cancellation of long work that does not return to the server for a while.

use pg_clone_core::interrupt::{self, Stopped};
use pgrx::pg_sys;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::{self, ThreadId};

/// The thread to which the server belongs.
static BACKEND: OnceLock<ThreadId> = OnceLock::new();

/// Whether a signal handler has set this flag.
fn is_set(flag: *mut i32) -> bool {
    // SAFETY: the flag is a global of the server of this size, there as long as the process, and is read and written whole.
    unsafe { AtomicI32::from_ptr(flag) }.load(Ordering::Relaxed) != 0
}

/// Lets the core's long loops answer a cancellation. Called once, when the library is loaded, by the thread to which the server
/// belongs.
pub fn install() {
    let _ = BACKEND.set(thread::current().id());
    interrupt::ask_by(ask);
}

/// Returns when the work may go on.
fn ask() {
    if !is_set(&raw mut pg_sys::InterruptPending) || thread::panicking() {
        return;
    }
    if BACKEND.get() == Some(&thread::current().id()) {
        pgrx::check_for_interrupts!();
    } else if is_set(&raw mut pg_sys::QueryCancelPending) || is_set(&raw mut pg_sys::ProcDiePending) {
        // The backend waits for this thread, finds it unwound, and raises the server's own error.
        std::panic::resume_unwind(Box::new(Stopped));
    }
}
