//! `pg_clone item` on a terminal: a user fills in the form of a clone.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use pg_clone_tests::blob_queue::{pg_clone_binary, said};
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};
use serde_json::json;

use crate::fixture::*;

/// Milliseconds to wait for what the command says.
const PATIENCE: u64 = 60_000;

/// A person at a terminal.
struct Person(PtySession);

impl Person {
    /// Types the command.
    async fn types(reg: &Registry, arguments: &[&str]) -> Self {
        let mut command = Command::new(pg_clone_binary());
        command
            .args(["--dsn", &reg.dsn().await, "item"])
            .args(arguments)
            .args(["--actor", "ada"])
            .env("TERM", "xterm")
            .env("LC_ALL", "C");
        let options = Options::new()
            .timeout_ms(Some(PATIENCE))
            .strip_ansi_escape_codes(true);
        Person(spawn_with_options(command, options).unwrap())
    }

    /// Waits until something is said.
    fn reads(&mut self, text: &str) -> &mut Self {
        self.0.exp_string(text).unwrap();
        self
    }

    /// Waits for a question and answers it as it stands.
    fn keeps(&mut self, label: &str) -> &mut Self {
        self.reads(label);
        self.enters("")
    }

    /// Waits for a question and answers it with something else than what stands there.
    fn changes(&mut self, label: &str, was: &str, becomes: &str) -> &mut Self {
        self.reads(&format!("{label} {was}"));
        self.enters(&format!("{}{becomes}", "\u{7f}".repeat(was.chars().count())))
    }

    fn enters(&mut self, text: &str) -> &mut Self {
        self.0.send(&format!("{text}\r")).unwrap();
        self.0.flush().unwrap();
        self
    }

    /// Reads to the end; with which code the command exits.
    fn leaves(mut self) -> (i32, String) {
        let rest = self.0.exp_eof().unwrap();
        match self.0.process_mut().wait().unwrap() {
            WaitStatus::Exited(_, code) => (code, rest),
            other => panic!("{other:?}: {rest}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_filled_in_until_it_is_right_and_then_cloned() {
    let reg = with_items().await;
    let mut person = Person::types(&reg, &[PERSON]).await;
    person
        .reads("Clone of 10378.1/101, Person")
        .reads("starts afresh: Consent (consent to be registered is given anew)")
        .reads("Go through all fields?")
        .enters("y");
    person
        .changes("First name", "Ada", "Grace")
        .keeps("Last name")
        .keeps("Display name")
        .changes("E-mail address", "ada@example.org", "nobody")
        .keeps("ORCID (may be empty)")
        .reads("Consent");
    person.enters("n").keeps("Notes");
    person
        .reads("2 places are not right yet:")
        .reads("! E-mail address: \"nobody\" is not a \"email\"")
        .changes("E-mail address", "nobody", "grace@example.org")
        .reads("! Consent: true was expected")
        .reads("Consent")
        .enters("y");
    person
        .reads("The clone differs from its source in:")
        .reads("E-mail address: ada@example.org -> grace@example.org")
        .reads("First name: Ada -> Grace")
        .reads("Clone it?")
        .enters("");
    person.reads("Item 10378.1/101 is cloned to 10378.1/113");
    assert_eq!(person.leaves().0, 0);
    let clone = reg.item("10378.1/113").await;
    assert_eq!(
        json!([
            clone["first_name"],
            clone["email"],
            clone["ethics_approved"],
            clone["owner_username"]
        ]),
        json!(["Grace", "grace@example.org", true, "ada"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_wrong_can_be_asked_for_and_one_field_changed_at_the_end() {
    let reg = with_items().await;
    let mut person = Person::types(&reg, &[MODEL, "--edit", "documentation_url=nowhere"]).await;
    person.reads("Go through all fields?").enters("n");
    person
        .reads("1 place is not right yet:")
        .changes("Documentation", "nowhere", "https://example.org/docs")
        .reads("Documentation: ")
        .reads("Clone it?");
    // Down to the second answer; then the first field, which is the name.
    person.enters("\u{1b}[B").reads("Which field?").enters("");
    person.changes("Name", "eReefs", "eReefs 2");
    person.reads("Name: eReefs -> eReefs 2").keeps("Clone it?");
    person.reads("is cloned to 10378.1/113");
    assert_eq!(person.leaves().0, 0);
    let clone = reg.item("10378.1/113").await;
    assert_eq!(
        (&clone["name"], &clone["documentation_url"]),
        (&json!("eReefs 2"), &json!("https://example.org/docs"))
    );
    // What nobody touched is as it was, to the digit.
    for untouched in ["zero", "off", "precise", "source_url"] {
        assert_eq!(clone[untouched], reg.item(MODEL).await[untouched], "{untouched}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_changes_nothing() {
    let reg = with_items().await;
    let mut escaped = Person::types(&reg, &[STUDY]).await;
    escaped.reads("Go through all fields?").0.send("\u{1b}").unwrap();
    escaped.0.flush().unwrap();
    let (code, said) = escaped.leaves();
    assert!(code == 1 && said.contains("nothing was changed"), "{code} {said}");

    let mut interrupted = Person::types(&reg, &[STUDY]).await;
    interrupted
        .reads("Go through all fields?")
        .0
        .send_control('c')
        .unwrap();
    let (code, said) = interrupted.leaves();
    assert!(
        code == 130 && said.contains("nothing was changed"),
        "{code} {said}"
    );

    let mut ended = Person::types(&reg, &[STUDY]).await;
    ended.reads("Go through all fields?");
    ended.0.process_mut().signal(Signal::SIGTERM).unwrap();
    let (code, said) = ended.leaves();
    assert!(
        code == 130 && said.contains("nothing was changed"),
        "{code} {said}"
    );

    let mut refused = Person::types(&reg, &[STUDY]).await;
    refused.reads("Go through all fields?").enters("n");
    refused.reads("The clone is as its source.").reads("Clone it?");
    refused.enters("\u{1b}[A");
    let (code, said) = refused.leaves();
    assert!(code == 1 && said.contains("nothing was changed"), "{code} {said}");
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_in_a_transaction_and_what_was_entered_stays_when_the_source_changes() {
    let reg = with_items().await;
    let change = async |value: &str| {
        reg.run(&format!(
            "UPDATE reg.item SET domain_info = domain_info || '{value}' WHERE id = '10378.1/107'"
        ))
        .await;
    };
    let mut person = Person::types(&reg, &[STUDY, "--edit", "display_name=Mine"]).await;
    person.reads("Go through all fields?").enters("y");
    person.changes("Title", "Study of the reef", "Typed");
    person.reads("Display name Mine");
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(reg.json(waiting).await, 0);
    change(r#"{"title": "Theirs", "description": "Of them"}"#).await;
    person
        .enters("")
        .keeps("Description")
        .keeps("Other id")
        .keeps("Notes");
    person
        .reads("Item 10378.1/107 has changed meanwhile:")
        .reads("Title: Study of the reef -> Theirs; you have entered Typed, which is kept")
        .reads("Description: what 10378.1/106 says -> Of them")
        .reads("What you have entered is kept.")
        .reads("Go through all fields?");
    // It changes again, now between the summary and the confirmation.
    person
        .enters("n")
        .reads("Title: Theirs -> Typed")
        .reads("Clone it?");
    change(r#"{"description": "Of others"}"#).await;
    person
        .enters("")
        .reads("has changed meanwhile:")
        .reads("Description: Of them -> Of others")
        .reads("Go through all fields?");
    person.enters("n").reads("Clone it?").enters("");
    person.reads("Item 10378.1/107 is cloned to 10378.1/113");
    assert_eq!(person.leaves().0, 0);
    let clone = reg.item("10378.1/113").await;
    assert_eq!(
        json!([clone["title"], clone["description"], clone["display_name"]]),
        json!(["Typed", "Of others", "Mine"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_break_meanwhile_are_an_error() {
    let reg = with_items().await;
    let mut person = Person::types(&reg, &[STUDY]).await;
    person.reads("Go through all fields?");
    reg.run("UPDATE reg.subtype SET checks = '[{\"kind\": \"nothing\"}]' WHERE name = 'STUDY'")
        .await;
    person.enters("n");
    let (code, said) = person.leaves();
    assert!(
        code == 1 && said.contains("rules of subtype STUDY cannot be read"),
        "{code} {said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_an_unknown_field_is_an_error_at_its_field() {
    let reg = with_items().await;
    for (edit, said) in [
        ("titel=x", "/titel is not a field; did you mean title?"),
        ("user_metadata.a.b=x", ""),
    ] {
        let mut command = Person::types(&reg, &[STUDY, "--edit", edit]).await;
        if said.is_empty() {
            command.reads("Clone of").0.send("\u{1b}").unwrap();
            command.0.flush().unwrap();
            continue;
        }
        let (code, text) = command.leaves();
        assert!(code == 2 && text.contains(said), "{code} {text}");
        assert!(!text.contains("Go through"), "{text}");
    }
    let mut nested = Person::types(
        &reg,
        &[DATASET, "--edit", "collection_format.dataset_info.nmae=x"],
    )
    .await;
    nested.reads("/collection_format/dataset_info/nmae is not a field; did you mean name?");
    assert_eq!(nested.leaves().0, 2);
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_asked_nothing() {
    let reg = with_items().await;
    let output = Command::new(pg_clone_binary())
        .args([
            "--dsn",
            &reg.dsn().await,
            "item",
            STUDY,
            "--actor",
            "ada",
            "--edit",
            "title=New",
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let item: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&item["title"], &item["id"]),
        (&json!("New"), &json!("10378.1/113"))
    );
    let mut person = Person::types(&reg, &[STUDY, "--yes"]).await;
    person.reads("\"id\": \"10378.1/114\"");
    assert_eq!(person.leaves().0, 0);
}
