//! The process environment.

/// Disables stack traces in errors: with RUST_BACKTRACE in the server's environment pgrx would add one to every DETAIL.
///
/// The standard library reads the environment once and caches the result. Each Rust extension has its own copy of it, so this
/// does not affect other extensions; the environment is restored.
pub fn no_backtraces() {
    const VARIABLES: [&str; 2] = ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"];
    let values = VARIABLES.map(std::env::var_os);
    // SAFETY: called when the library is loaded, in a backend of one thread.
    unsafe {
        for variable in VARIABLES {
            std::env::remove_var(variable);
        }
        let _ = std::backtrace::Backtrace::capture();
        for (variable, value) in VARIABLES.iter().zip(values) {
            if let Some(value) = value {
                std::env::set_var(variable, value);
            }
        }
    }
}
