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
use crate::output::messages;
use crate::output::printable::escape_json;
use crate::output::redact::redact;

/// Runs `pg_clone` with the arguments of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error),
    };
    let json = cli.format() == Format::Json;
    messages::set_json(json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            show(&anyhow::anyhow!("cannot start: {error}"), json);
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
    if error.use_stderr() && asks_for_json() {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ").to_owned();
        show(&anyhow::anyhow!(redact(&message)), true);
        return ExitCode::from(2);
    }
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

/// Whether a command line that cannot be parsed asks for JSON.
fn asks_for_json() -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let says = |value: Option<&str>| value == Some("json");
    arguments
        .iter()
        .any(|argument| argument == "--json" || argument == "--output=json")
        || arguments
            .windows(2)
            .any(|pair| pair[0] == "--output" && says(pair.get(1).map(String::as_str)))
        || says(std::env::var("PG_CLONE_OUTPUT").ok().as_deref())
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
