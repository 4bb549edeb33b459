//! The `pg_clone` command; all of it is in the library.

fn main() -> std::process::ExitCode {
    pg_clone::main()
}
