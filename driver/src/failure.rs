//! How a command ends: exit codes, and errors as people and machines read them.

use std::process::ExitCode;

use serde::Serialize;

use crate::interrupt::Interrupted;
use crate::output::printable::escape;
use crate::output::redact::redact;

/// How a command ended without an error of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was done: 0.
    Done,
    /// It ran, and what it found is bad, e.g. a verification: 1.
    Failed,
    /// The database clone is committed, but files are missing, or the server's cache has stale keys: 3.
    BlobsIncomplete,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::BlobsIncomplete => 3,
        })
    }
}

/// An error in what the user wrote on the command line or in the environment: 2.
#[derive(Debug)]
pub struct Usage(pub anyhow::Error);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Usage {}

/// Marks errors as the user's.
pub trait UsageContext<T> {
    /// The same, with exit code 2.
    fn or_usage(self) -> anyhow::Result<T>;
}

impl<T> UsageContext<T> for anyhow::Result<T> {
    fn or_usage(self) -> anyhow::Result<T> {
        self.map_err(|error| Usage(error).into())
    }
}

/// An error as it is shown: no stack trace, no password.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct Report {
    /// What was tried and what went wrong, from the outside in.
    pub message: String,
    /// The server's code for the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// The server's DETAIL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The server's HINT, or ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Report {
    /// Reads the chain of an error; where the server spoke, its words end the chain.
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
            let text = cause.to_string();
            // Some errors repeat their source in their own words.
            if words.last().is_none_or(|last| !last.ends_with(&text)) {
                words.push(text);
            }
        }
        // A statement that was prepared in another connection, or a name that another client took.
        if matches!(report.sqlstate.as_deref(), Some("42P05" | "26000")) && report.hint.is_none() {
            report.hint = Some(
                "A connection pooler seems to stand before the server: connect to the server itself."
                    .to_owned(),
            );
        }
        // Ours knows what the user was about; the server's does not.
        if let Some(hint) = hint_of(error) {
            report.hint = Some(hint);
        }
        report.message = redact(&words.join(": "));
        report
    }

    /// The lines for people.
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

fn hint_of(error: &anyhow::Error) -> Option<String> {
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Hinted>())
        .map(|hinted| hinted.hint.clone())
}

/// An error of our own with advice.
#[derive(Debug)]
pub struct Hinted {
    message: String,
    hint: String,
}

impl Hinted {
    /// What is wrong, and what to do about it.
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

/// The context of an error that came after the clone was committed: 3, since the clone is there and its files may not be.
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
            "pg_clone: error: cannot connect to postgres://anna:***@db/x: no route to host"
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
    fn each_kind_of_end_has_its_exit_code() {
        let usage: anyhow::Result<()> = Err(anyhow!("x")).or_usage();
        let interrupted = anyhow::Error::from(Interrupted::nothing_changed());
        assert_eq!(exit_code(&usage.unwrap_err()), ExitCode::from(2));
        let committed = anyhow::Error::from(Interrupted::nothing_changed()).context(Committed { run: 1 });
        assert_eq!(exit_code(&committed), ExitCode::from(3));
        assert_eq!(exit_code(&interrupted), ExitCode::from(130));
        assert_eq!(exit_code(&anyhow!("x")), ExitCode::from(1));
        assert_eq!(ExitCode::from(Outcome::BlobsIncomplete), ExitCode::from(3));
    }
}
