//! Exit codes, and errors as text and as JSON.

use std::process::ExitCode;

use serde::Serialize;

use crate::interrupt::Interrupted;
use crate::output::printable::escape;
use crate::output::redact::redact;

/// How a command ends that met no error: its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Success: exit code 0.
    Done,
    /// The command ran and found faults, e.g. in a verification: exit code 1.
    Failed,
    /// The clone is committed, but files are missing or the application's cache has stale keys: exit code 3.
    BlobsIncomplete,
}

impl From<Exit> for ExitCode {
    fn from(outcome: Exit) -> Self {
        Self::from(match outcome {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::BlobsIncomplete => 3,
        })
    }
}

/// Wrong usage, on the command line or in the environment: exit code 2.
#[derive(Debug)]
pub struct Usage(pub anyhow::Error);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Usage {}

/// Marks errors as wrong usage.
pub trait UsageContext<T> {
    /// The same result; its error has exit code 2.
    fn or_usage(self) -> anyhow::Result<T>;
}

impl<T> UsageContext<T> for anyhow::Result<T> {
    fn or_usage(self) -> anyhow::Result<T> {
        self.map_err(|error| Usage(error).into())
    }
}

/// An error for output: without stack trace and passwords.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct Report {
    /// The chain of errors, outermost first.
    pub message: String,
    /// The server's SQLSTATE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// The server's DETAIL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The server's HINT, or that of this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Report {
    /// Reads the chain of an error; an error of the server ends the chain.
    pub fn of(error: &anyhow::Error) -> Self {
        let mut report = Self::default();
        let mut words: Vec<String> = Vec::new();
        for cause in error.chain() {
            let from_server = cause
                .downcast_ref::<tokio_postgres::Error>()
                .and_then(tokio_postgres::Error::as_db_error)
                .or_else(|| cause.downcast_ref::<tokio_postgres::error::DbError>());
            if let Some(server) = from_server {
                words.push(server.message().to_owned());
                report.sqlstate = Some(server.code().code().to_owned());
                report.detail = server.detail().map(redact);
                report.hint = server.hint().map(redact);
                break;
            }
            if cause.is::<OtherHint>() {
                continue;
            }
            let text = cause.to_string();
            // Some errors include the text of their source.
            if words.last().is_none_or(|last| !last.ends_with(&text)) {
                words.push(text);
            }
        }
        // Behind a pooler: the statement was prepared in another connection, or its name is taken.
        if matches!(report.sqlstate.as_deref(), Some("42P05" | "26000")) && report.hint.is_none() {
            report.hint = Some(
                "A connection pooler seems to stand before the server: connect to the server itself."
                    .to_owned(),
            );
        }
        if report.sqlstate.as_deref() == Some("42501") && report.hint.is_none() {
            report.hint = Some(
                "A superuser grants the functions: SELECT clone.allow('<role>'); tables need their own GRANT.".to_owned(),
            );
        }
        if report.hint.is_none() && words.iter().any(|words| words.starts_with(NO_CONNECTION)) {
            report.hint = Some(hint_for_connection(report.sqlstate.as_deref()).to_owned());
        }
        // This program's hint is more specific than the server's.
        if let Some(hint) = hint_of(error) {
            report.hint = Some(hint);
        }
        report.message = redact(&words.join(": "));
        report
    }

    /// The lines for text output.
    pub fn text(&self) -> String {
        let mut text = format!("pg_clone: error: {}", escape(&self.message));
        if let Some(sqlstate) = &self.sqlstate {
            text.push_str(&format!(" (SQLSTATE {sqlstate})"));
        }
        for (name, value) in [("detail", &self.detail), ("hint", &self.hint)] {
            for (number, line) in value.iter().flat_map(|value| value.lines()).enumerate() {
                let label = if number == 0 {
                    format!("{name}: ")
                } else {
                    " ".repeat(name.len() + 2)
                };
                text.push_str(&format!("\n  {label}{}", escape(line)));
            }
        }
        text
    }
}

/// How errors begin for a server that cannot be reached, or refuses.
pub const NO_CONNECTION: &str = "cannot connect to";

/// What to do about a connection, by the server's SQLSTATE; `None`: no server has answered.
fn hint_for_connection(sqlstate: Option<&str>) -> &'static str {
    match sqlstate {
        None => {
            "Check that the server runs and is reached there: host, port and database come from --dbname, PGHOST, PGPORT and PGDATABASE."
        }
        Some("3D000") => "Name an existing database: --dbname or PGDATABASE; psql -l lists them.",
        Some("28000" | "28P01") => {
            "Check the role and its password: --dbname, PGUSER, PGPASSWORD or ~/.pgpass; the server's pg_hba.conf says who may connect from where."
        }
        Some("53300") => "End sessions that are not needed, or raise max_connections on the server.",
        Some("57P03") => "The server starts, stops or recovers: call again in a moment.",
        Some(_) => "Check host, port, database and role: --dbname, PGHOST, PGPORT, PGDATABASE, PGUSER.",
    }
}

fn hint_of(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let hinted = cause.downcast_ref::<Hinted>().map(|hinted| hinted.hint.clone());
        let other = || cause.downcast_ref::<OtherHint>().map(|other| other.hint.clone());
        hinted
            .or_else(other)
            .or_else(|| cause.downcast_ref::<Usage>().and_then(|usage| hint_of(&usage.0)))
    })
}

/// An error of this program with a hint.
#[derive(Debug)]
pub struct Hinted {
    message: String,
    hint: String,
}

impl Hinted {
    /// An error with message and hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// An error with another hint than the server's.
#[derive(Debug)]
pub struct OtherHint {
    error: anyhow::Error,
    hint: String,
}

impl OtherHint {
    /// The error with the hint that `change` makes of its own.
    pub fn of(error: anyhow::Error, change: impl Fn(&str) -> String) -> anyhow::Error {
        match Report::of(&error).hint {
            Some(hint) => Self {
                hint: change(&hint),
                error,
            }
            .into(),
            None => error,
        }
    }
}

impl std::fmt::Display for OtherHint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for OtherHint {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.error.as_ref())
    }
}

/// The context of an error after the commit of a clone: exit code 3, because the clone exists and files may be missing.
#[derive(Debug)]
pub struct Committed {
    /// Number of the run.
    pub run: i64,
}

impl std::fmt::Display for Committed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the clone is committed (run {}), but what follows it is not done",
            self.run
        )
    }
}

impl Committed {
    /// An error after the commit of this run.
    pub fn context_of(self, error: anyhow::Error) -> anyhow::Error {
        let error = if error.is::<Interrupted>() {
            Interrupted::with_state("the clone stays").into()
        } else {
            error
        };
        error.context(self)
    }
}

/// The exit code for an error.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<Committed>().is_some() {
        ExitCode::from(3)
    } else if error.downcast_ref::<Interrupted>().is_some() {
        ExitCode::from(130)
    } else if error.downcast_ref::<Usage>().is_some() {
        ExitCode::from(2)
    } else {
        ExitCode::from(1)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn an_error_is_one_line_of_causes_without_a_password() {
        let error: anyhow::Result<()> =
            Err(anyhow!("no route to host")).context("cannot connect to postgres://anna:s3cr3t@db/x");
        let text = Report::of(&error.unwrap_err()).text();
        assert_eq!(
            text,
            "pg_clone: error: cannot connect to postgres://anna:***@db/x: no route to host\n  hint: Check that the server runs and is reached there: host, \
             port and database come from --dbname, PGHOST, PGPORT and PGDATABASE."
        );
    }

    #[test]
    fn a_hint_of_ours_is_shown_as_the_servers_are() {
        let error =
            anyhow::Error::from(Hinted::new("no extension", "CREATE EXTENSION pg_clone_ext")).context("a");
        let text = Report::of(&error).text();
        assert_eq!(
            text,
            "pg_clone: error: a: no extension\n  hint: CREATE EXTENSION pg_clone_ext"
        );
    }

    #[test]
    fn a_command_says_a_hint_in_its_own_words() {
        let error = anyhow::Error::from(Hinted::new("refused", "give force")).context("b");
        let error = OtherHint::of(error, |hint| hint.replace("force", "--force")).context("a");
        assert_eq!(
            Report::of(&error).text(),
            "pg_clone: error: a: b: refused\n  hint: give --force"
        );
    }

    #[test]
    fn each_kind_of_end_has_its_exit_code() {
        let hinted: anyhow::Result<()> = Err(Hinted::new("x is no file", "Name a file.").into()).or_usage();
        assert_eq!(
            Report::of(&hinted.unwrap_err()).hint.as_deref(),
            Some("Name a file.")
        );
        let usage: anyhow::Result<()> = Err(anyhow!("x")).or_usage();
        let interrupted = anyhow::Error::from(Interrupted::nothing_changed());
        assert_eq!(exit_code(&usage.unwrap_err()), ExitCode::from(2));
        let committed = anyhow::Error::from(Interrupted::nothing_changed()).context(Committed { run: 1 });
        assert_eq!(exit_code(&committed), ExitCode::from(3));
        assert_eq!(exit_code(&interrupted), ExitCode::from(130));
        assert_eq!(exit_code(&anyhow!("x")), ExitCode::from(1));
        assert_eq!(ExitCode::from(Exit::BlobsIncomplete), ExitCode::from(3));
    }
}
