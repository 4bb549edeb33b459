//! What a person sees: nothing that a terminal obeys, no success without an answer, a question before something is destroyed.

use std::process::Stdio;

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::driver_source::{PROJECT, Source, json};

#[tokio::test]
async fn names_from_the_database_do_not_reach_the_terminal_as_commands() {
    let source = Source::with_resources(5).await;
    let hostile = "a\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\nfaked line";
    let cloned = source.pg_clone(&["clone", PROJECT, "--name", hostile]);
    assert_eq!(cloned.status.code(), Some(0), "{}", said(&cloned));
    source
        .database
        .run("UPDATE clone.blob_copy SET last_error = E'\\x1B[2Jerror', state = 'failed', source_key = E'key\\x1B[8m'")
        .await;
    for arguments in [
        &["runs"][..],
        &["show", "1"],
        &["blobs", "status"],
        &["runs", "--output", "csv"],
        &["runs", "--json"],
        &["show", "1", "--json"],
        &["verify", "\u{1b}[2Jno"],
    ] {
        let output = source.pg_clone(arguments);
        let text = said(&output);
        assert!(
            !text
                .chars()
                .any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')),
            "{arguments:?}: {text:?}"
        );
        assert!(!text.contains("\nfaked line"), "{arguments:?}: {text}");
    }
    let listed = json(&source.pg_clone(&["runs", "--json"]));
    assert_eq!(
        listed["runs"][0]["name"], hostile,
        "machines get the name as it is"
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_is_a_failure() {
    let source = Source::with_resources(2).await;
    source.pg_clone(&["clone", PROJECT]);
    for arguments in [
        &["show", "1", "--json"][..],
        &["runs"],
        &["--help"],
        &["generate", "bash"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = source.command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        assert!(
            said(&output).contains("cannot write to standard output"),
            "{}",
            said(&output)
        );
    }
    let mut child = source
        .command(&["runs"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
}

#[tokio::test]
async fn a_script_deletes_only_with_yes() {
    let source = Source::with_resources(5).await;
    let cloned = json(&source.pg_clone(&["clone", PROJECT, "--json"]));
    let clone = cloned["report"]["run"]["target_project"].as_str().unwrap();
    for arguments in [
        &["delete", clone][..],
        &["delete", PROJECT, "--force"],
        &["store", "drop", "documents"],
    ] {
        let output = source.pg_clone(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("--yes"), "{}", said(&output));
    }
    assert_eq!(
        source
            .database
            .number("SELECT count(*) FROM documents.project")
            .await,
        2
    );
    let deleted = source.pg_clone(&["delete", clone, "--yes"]);
    assert_eq!(deleted.status.code(), Some(0), "{}", said(&deleted));
    assert!(
        said(&deleted).contains("is deleted: 6 rows, 1 files"),
        "{}",
        said(&deleted)
    );
    assert!(!said(&deleted).contains('{'), "raw JSON: {}", said(&deleted));
    let runs = source.pg_clone(&["runs"]);
    assert!(said(&runs).contains("deleted"), "{}", said(&runs));
}

#[tokio::test]
async fn plain_terminals_get_ascii_and_a_refresh_says_what_replaced_what() {
    let source = Source::with_resources(5).await;
    let cloned = json(&source.pg_clone(&["clone", PROJECT, "--json"]));
    let clone = cloned["report"]["run"]["target_project"].as_str().unwrap();
    source.pg_clone(&["clone", PROJECT, "--replace", clone, "--expires-in", "14 days"]);
    let mut command = source.command(&["runs"]);
    let output = command.env("LC_ALL", "C").output().unwrap();
    assert!(said(&output).is_ascii(), "{}", said(&output));
    assert!(said(&output).contains("replaced by run 2"), "{}", said(&output));
    assert!(said(&output).contains("expires 20"), "{}", said(&output));
    let output = command.env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(said(&output).contains('─'), "{}", said(&output));
}

#[tokio::test]
async fn the_command_connects_as_psql_does_and_says_whether_versions_fit() {
    let source = Source::with_resources(2).await;
    let part = |name: &str| {
        let found = source
            .dsn
            .split(' ')
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap().to_owned()
    };
    let (host, port, user, database) = (part("host"), part("port"), part("user"), part("dbname"));
    let output = std::process::Command::new(pg_clone_tests::blob_queue::pg_clone_binary())
        .args(["version", "-h", &host, "-p", &port, "-U", &user, "-d", &database])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("pg_clone_ext 0."), "{}", said(&output));
    source
        .database
        .run("UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'pg_clone_ext'")
        .await;
    let output = source.pg_clone(&["version"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("ALTER EXTENSION pg_clone_ext UPDATE"),
        "{}",
        said(&output)
    );
    // Other commands do not begin: they would call functions that are not there, or mean something else by them.
    for command in [&["runs"][..], &["clone", PROJECT], &["blobs", "run"]] {
        let output = source.pg_clone(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", said(&output));
        let expected = "does not work with pg_clone_ext 0.0.9";
        assert!(said(&output).contains(expected), "{command:?}: {}", said(&output));
    }
    source
        .database
        .run("UPDATE pg_extension SET extversion = '99.1' WHERE extname = 'pg_clone_ext'")
        .await;
    let output = source.pg_clone(&["runs"]);
    assert!(
        said(&output).contains("Upgrade pg_clone to 99.1."),
        "{}",
        said(&output)
    );
}
