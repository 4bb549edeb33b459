//! The process environment, where it would show through to users.

/// Errors carry no stack trace: with RUST_BACKTRACE in the server's environment pgrx would put one into every DETAIL.
///
/// The standard library looks at the environment once and remembers. Each Rust extension has a library of its own, so what ours
/// remembers changes nothing for the others, who find the environment as it was.
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
