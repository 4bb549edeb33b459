//! From the command line to the exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use crate::args::Cli;
use crate::commands;
use crate::failure::{Report, exit_code};
use crate::interrupt;
use crate::output::Format;
use crate::output::printable::escape_json;
use crate::output::redact::redact;

/// Runs `pg_clone` with the arguments of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error),
    };
    let json = cli.format() == Format::Json;
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("pg_clone: error: cannot start: {error}");
            return ExitCode::from(1);
        }
    };
    let ended = runtime.block_on(commands::run(cli));
    // Threads that start a cluster or write a file clean up; a thread that hangs must not keep the process alive.
    runtime.shutdown_timeout(interrupt::patience());
    match ended {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            show(&error, json);
            exit_code(&error)
        }
    }
}

/// clap's message quotes the argument, which may be a connection string with a password.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let _ = writeln!(
            anstream::stderr(),
            "{}",
            redact(&error.render().ansi().to_string()).trim_end()
        );
        return ExitCode::from(2);
    }
    // Help and version; the reader may close the pipe.
    let text = error.render().ansi().to_string();
    match writeln!(anstream::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("pg_clone: error: cannot write to standard output: {error}");
            ExitCode::from(1)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn show(error: &anyhow::Error, as_json: bool) {
    let report = Report::of(error);
    let text = if as_json {
        json!({"event": "error", "error": report}).to_string()
    } else {
        report.text()
    };
    let text = escape_json(&text);
    let _ = writeln!(std::io::stderr(), "{text}");
}
