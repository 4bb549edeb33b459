//! The process environment, where it would show through to users.

/// Errors carry no stack trace: with RUST_BACKTRACE in the server's environment pgrx would put one into every DETAIL.
pub fn no_backtraces() {
    // SAFETY: called when the library is loaded, in a backend of one thread.
    unsafe {
        std::env::remove_var("RUST_BACKTRACE");
        std::env::remove_var("RUST_LIB_BACKTRACE");
    }
}
