//! The `pg_clone` program as a user meets it, without a server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

use std::process::{Command, Output, Stdio};

fn pg_clone(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pg_clone"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PG")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn help_and_version_go_to_standard_output() {
    for arguments in [&["--help"][..], &["--version"], &["clone", "--help"]] {
        let output = pg_clone(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(
            !output.stdout.is_empty() && output.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        &[][..],
        &["clone"],
        &["no-such-command"],
        &["clone", "p", "--option", "novalue"],
        &["item", "i", "--edit", "novalue"],
        &["clone", "p", "--dsn", "host=x nonsense"],
        &["store", "create", "s", "medplum", "-o", "x"],
    ] {
        let output = pg_clone(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_password_is_never_printed() {
    for arguments in [
        &[
            "runs",
            "--dsn",
            "postgres://anna:s3cr3t@127.0.0.1:1/x?connect_timeout=1",
        ][..],
        &["runs", "--dsn", "host=127.0.0.1 port=1 password=s3cr3t user=anna"],
        &["runs", "--dsn", "host=127.0.0.1 port=x password=s3cr3t user=anna"],
        &["runs", "--json", "--dsn", "postgres://anna:s3cr3t@127.0.0.1:1/x"],
        &[
            "runs",
            "--dsn",
            "postgres://anna:s3cr3t@127.0.0.1:1/x?sslmode=wrong",
        ],
        &["clone", "p", "postgres://anna:s3cr3t@127.0.0.1:1/x"],
        &["postgres://anna:s3cr3t@127.0.0.1:1/x"],
        &["runs", "--limit", "password=s3cr3t"],
    ] {
        let output = pg_clone(arguments);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!text(&output).contains("s3cr3t"), "{}", text(&output));
    }
}

#[test]
fn a_server_that_is_not_there_is_named_and_the_hint_says_what_to_check() {
    let output = pg_clone(&["runs", "--dsn", "postgres://anna:x@127.0.0.1:1/shop"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.starts_with("pg_clone: error: cannot connect to anna@127.0.0.1:1/shop: "),
        "{said}"
    );
    let lines: Vec<&str> = said.trim_end().lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[1].starts_with("  hint: Check that the server runs "),
        "{said}"
    );
}

#[test]
fn machines_get_errors_as_json() {
    let output = pg_clone(&["runs", "--json", "--dsn", "postgres://anna:x@127.0.0.1:1/shop"]);
    let event: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(event["event"], "error");
    assert!(
        event["error"]["message"]
            .as_str()
            .unwrap()
            .contains("cannot connect")
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pg_clone"));
    let mut child = command
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", text(&output));
}
