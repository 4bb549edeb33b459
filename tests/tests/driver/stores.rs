//! `pg_clone store discover | check | export | import | diff`: what they print, write, ask and exit with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

use std::process::{Command, Output, Stdio};

use nix::sys::wait::WaitStatus;
use pg_clone_tests::blob_queue::{pg_clone_binary, said};
use pg_clone_tests::driver_source::json;
use pg_clone_tests::scratch_database::{Scratch, cluster};
use rexpect::reader::Options;
use rexpect::session::spawn_with_options;

/// A help desk whose link table needs an answer.
const DESK: &str = "CREATE TABLE account (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
    CREATE TABLE topic (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id int NOT NULL REFERENCES account, t text);
    CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id int NOT NULL REFERENCES account, topics int[], t text);
    INSERT INTO account (name) VALUES ('Ours'); INSERT INTO topic (account_id, t) VALUES (1, 'a'), (1, 'b'); INSERT INTO note (account_id, topics) VALUES (1, '{1,2}')";

struct Desk {
    db: Scratch,
    dsn: String,
}

impl Desk {
    async fn new(tables: &str) -> Self {
        let db = Scratch::with_extension().await;
        db.run(tables).await;
        let dsn = cluster().await.dsn(&db.name);
        Desk { db, dsn }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(pg_clone_binary());
        command
            .args(["--dsn", &self.dsn, "store"])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8");
        command
    }

    fn store(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn without_a_terminal_a_discovery_is_a_file_that_makes_the_store() {
    let desk = Desk::new(DESK).await;
    let found = desk.store(&["discover", "account", "--name", "desk"]);
    assert_eq!(found.status.code(), Some(0), "{}", said(&found));
    let description: serde_json::Value =
        serde_json::from_slice(&found.stdout).expect("JSON alone on standard output");
    assert_eq!(description["tables"].as_array().unwrap().len(), 3);
    assert_eq!(
        desk.db.number("SELECT count(*) FROM clone.store").await,
        0,
        "nothing is made"
    );
    let file = std::env::temp_dir().join(format!("pg_clone-test-{}-desk.json", desk.db.name));
    let path = file.to_str().unwrap();
    let written = desk.store(&["discover", "account", "--name", "desk", "-f", path]);
    assert_eq!(written.status.code(), Some(0), "{}", said(&written));
    let content: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(content["tables"], description["tables"]);

    let made = desk.store(&["import", path]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    // Export gives what import takes, and a difference is a line and an exit code.
    let exported = desk.store(&["export", "desk", "-f", path]);
    assert_eq!(exported.status.code(), Some(0), "{}", said(&exported));
    let same = desk.store(&["diff", "desk", path]);
    assert_eq!((same.status.code(), printed(&same)), (Some(0), String::new()));
    desk.db
        .run("SELECT clone.store_reference('desk', 'note', 'topics', 'topic')")
        .await;
    let differs = desk.store(&["diff", "desk", path]);
    assert_eq!(differs.status.code(), Some(1), "{}", said(&differs));
    assert!(
        printed(&differs).contains("+ references: public.note"),
        "{}",
        said(&differs)
    );
    let differs = desk.store(&["diff", "desk", path, "--json"]);
    assert!(!json(&differs)["differences"].as_array().unwrap().is_empty());
    assert_eq!(differs.status.code(), Some(1));
    let whole = desk.store(&["export", "desk"]);
    let machine = desk.store(&["export", "desk", "--json"]);
    assert_eq!(printed(&whole), printed(&machine));
    assert!(json(&whole)["references"].to_string().contains("topics"));
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_check_says_what_is_open_and_exits_with_1_when_that_stops_a_clone() {
    let desk = Desk::new(DESK).await;
    let made = desk.store(&["discover", "account", "--name", "desk", "--create"]);
    assert_eq!(made.status.code(), Some(1), "{}", said(&made));
    // A second discovery would replace what has been declared since.
    let again = desk.store(&["discover", "account", "--name", "desk", "--create"]);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(
        said(&again).contains("store \"desk\" already exists")
            && said(&again).contains("clone.store_drop('desk')"),
        "{}",
        said(&again)
    );
    let open = desk.store(&["check", "desk"]);
    assert_eq!(open.status.code(), Some(1), "{}", said(&open));
    let lines = printed(&open);
    let line = |begin: &str| lines.lines().any(|line| line.starts_with(begin));
    assert!(
        line("error: public.note.topics looks like a reference to public.topic"),
        "{lines}"
    );
    assert!(
        line("    SELECT clone.store_reference('desk', 'public.note', 'topics', 'public.topic')"),
        "{lines}"
    );
    assert!(line("    or SELECT clone.store"), "{lines}");
    let machine = json(&desk.store(&["check", "desk", "--json"]));
    desk.db
        .run(machine["questions"][0]["answer"].as_str().unwrap())
        .await;
    let done = desk.store(&["check", "desk"]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_a_person_answers_the_questions() {
    let desk = Desk::new(DESK).await;
    let mut command = desk.command(&["discover", "account", "--name", "desk", "--create"]);
    command.env("TERM", "xterm");
    let options = Options::new()
        .timeout_ms(Some(60_000))
        .strip_ansi_escape_codes(true);
    let mut person = spawn_with_options(command, options).unwrap();
    person.exp_string("Store desk is registered").unwrap();
    person
        .exp_string("public.note.topics looks like a reference to public.topic")
        .unwrap();
    // What is no answer executes nothing, and is asked again.
    for answer in ["yes?\r", "\r"] {
        person.exp_string("l for later, or q to stop [a]").unwrap();
        person.send(answer).unwrap();
        person.flush().unwrap();
    }
    let rest = person.exp_eof().unwrap();
    assert!(rest.contains("0 of them stop a clone"), "{rest}");
    let status = person.process_mut().wait().unwrap();
    assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    desk.db.clone_project("'1'").await;
    assert_eq!(
        desk.db
            .text("SELECT topics::text FROM note ORDER BY id DESC LIMIT 1")
            .await,
        "{3,4}"
    );
}

#[tokio::test]
async fn names_from_the_database_do_nothing_on_a_terminal() {
    let desk = Desk::new(&format!("{DESK}; CREATE TABLE \"evil\u{1b}[31m\" (id int PRIMARY KEY, topic_id int); INSERT INTO \"evil\u{1b}[31m\" VALUES (1, 1)")).await;
    for (arguments, names) in [
        (&["discover", "account", "--name", "desk"][..], true),
        (&["discover", "account", "--name", "desk", "--create"], false),
        (&["check", "desk"], false),
        (&["export", "desk"], true),
    ] {
        let output = desk.store(arguments);
        let text = said(&output);
        assert!(text.contains("evil") || !names, "{arguments:?}: {text}");
        assert!(!text.contains('\u{1b}'), "{arguments:?}: {text:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_no_description_are_errors_that_say_so() {
    let desk = Desk::new(DESK).await;
    let file = std::env::temp_dir().join(format!("pg_clone-test-{}-no.json", desk.db.name));
    std::fs::write(&file, "no json").unwrap();
    let path = file.to_str().unwrap();
    for (arguments, says) in [
        (&["check", "nothing"][..], "nothing"),
        (&["export", "nothing"], "nothing"),
        (&["diff", "nothing", path], "JSON"),
        (&["import", path], "is not JSON"),
        (&["import", "/does/not/exist"], "cannot read /does/not/exist"),
        (&["discover", "nothing"], "cannot discover the tables of nothing"),
    ] {
        let output = desk.store(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(says), "{arguments:?}: {}", said(&output));
    }
    assert_eq!(desk.store(&["discover"]).status.code(), Some(2));
    std::fs::remove_file(file).unwrap();
}

/// Every line on standard error is a JSON object; the values of their member `event`.
fn events(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).expect(line);
            event["event"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn with_json_all_messages_are_json() {
    let desk = Desk::new(&format!(
        "{DESK}; ALTER TABLE account ADD api_token text DEFAULT 'sk_live_0123456789abcdef'"
    ))
    .await;
    // The questions are part of what is printed.
    let found = desk.store(&["discover", "account", "--name", "desk", "--json"]);
    assert_eq!(events(&found), Vec::<String>::new(), "{}", said(&found));
    let questions = json(&found)["questions"].as_array().unwrap().len();
    assert!(questions > 0);
    let file = tempfile();
    let found = desk.store(&["discover", "account", "--name", "desk", "--json", "--file", &file]);
    assert_eq!(events(&found), Vec::<String>::new(), "{}", said(&found));
    assert_eq!(json(&found)["questions"].as_array().unwrap().len(), questions);
    assert_eq!(json(&found)["file"], file.as_str());
    let made = desk.store(&["import", &file, "--json"]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    // A warning of the server.
    desk.db
        .run("SELECT clone.store_column('desk', 'topic', 't', 'null'); ALTER TABLE topic DROP t")
        .await;
    desk.db.run("CREATE FUNCTION warns() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'careful' USING HINT = 'slowly'; END $$; CREATE EVENT TRIGGER warns ON ddl_command_end EXECUTE FUNCTION warns()").await;
    let created = desk.store(&["create", "docs", "documents", "--json"]);
    assert!(
        events(&created).iter().all(|event| event == "warning") && !events(&created).is_empty(),
        "{}",
        said(&created)
    );
    assert!(
        said(&created).contains("\"hint\":\"slowly\""),
        "{}",
        said(&created)
    );
    desk.db.run("DROP EVENT TRIGGER warns").await;
    // Wrong usage, also where the command line cannot be read.
    for arguments in [
        &["check", "--json"][..],
        &["--output", "json", "nothing"],
        &["alter", "desk", "-o", "x", "--json"],
    ] {
        let failed = desk.store(arguments);
        assert_eq!(failed.status.code(), Some(2), "{}", said(&failed));
        assert_eq!(events(&failed), ["error"], "{}", said(&failed));
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_discovery_takes_schemas_and_shared_tables() {
    let desk = Desk::new(&format!(
        "{DESK}; CREATE TABLE country (id int PRIMARY KEY); CREATE SCHEMA other; CREATE TABLE other.visit (id int PRIMARY KEY, account_id int REFERENCES account)"
    ))
    .await;
    let tables = |output: &Output| -> Vec<String> {
        let found = json(output);
        let tables = found["tables"].as_array().unwrap().iter();
        tables
            .map(|table| table["table"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = desk.store(&[
        "discover", "account", "--schema", "public", "--schema", "other", "--shared", "country", "--json",
    ]);
    assert_eq!(found.status.code(), Some(0), "{}", said(&found));
    assert!(
        tables(&found).contains(&"other.visit".to_owned()),
        "{}",
        printed(&found)
    );
    assert!(
        json(&found)["shared"].to_string().contains("country"),
        "{}",
        printed(&found)
    );
    for wrong in [["--schema", "nowhere"], ["--shared", "nothing"]] {
        let failed = desk.store(&["discover", "account", wrong[0], wrong[1]]);
        assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
        assert!(said(&failed).contains("hint: "), "{}", said(&failed));
    }
}

/// A name of a file that does not exist yet.
fn tempfile() -> String {
    let name = format!("pg_clone_stores_{}.json", std::process::id());
    std::env::temp_dir().join(name).display().to_string()
}
