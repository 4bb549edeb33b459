//! Rules at work, on documents shaped like a FHIR server's own resources.

use super::{Action, Arguments, Context, Kind, Rule, RuleEdits, RuleError, RuleSet};
use crate::edit::{text, value};
use serde_json::{Value, json};
use std::cell::Cell;

const BOT: &str = "Bot/7c1d2b8e-0a6f-4f57-9f0e-6d0c3a1b2e4f";

/// A run that clones one bot; its random bytes count up.
#[derive(Default)]
struct Run {
    next: Cell<u8>,
}

impl Context for Run {
    fn is_cloned(&self, text: &str) -> bool {
        text == BOT
    }

    fn random(&self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = self.next.replace(self.next.get().wrapping_add(1));
        }
    }

    fn source_id(&self) -> &str {
        "s-1"
    }

    fn target_id(&self) -> &str {
        "t-1"
    }
}

fn given(name: Option<&str>, owner: Option<&str>) -> Arguments {
    Arguments::new()
        .optional("name", name)
        .optional("owner", owner)
        .always("project", "p-2")
}

/// Compiles rules written as catalog rows.
fn rules(rows: Value, arguments: &Arguments) -> Result<RuleSet, RuleError> {
    RuleSet::compile(serde_json::from_value(rows).unwrap(), arguments)
}

/// The document as text after the rules, and the outcome. Text and tree must come out the same.
fn clone(rows: Value, arguments: &Arguments, document: Value) -> (String, RuleEdits) {
    let set = rules(rows, arguments).unwrap();
    let resource_type = document["resourceType"].as_str().unwrap();
    let outcome = set
        .evaluate(resource_type, document.clone().into(), &Run::default())
        .unwrap();
    let source = document.to_string();
    let edited = text::apply(&source, &outcome.edits).unwrap().unwrap_or(source);
    let mut tree = document;
    for edit in &outcome.edits {
        assert!(
            value::apply(&mut tree, edit).unwrap(),
            "an edit that changes nothing: {edit:?}"
        );
    }
    assert_eq!(edited, tree.to_string());
    (edited, outcome)
}

#[test]
fn secrets_of_a_project_are_removed() {
    let rows = json!([
        {"resource_type": "Project", "path": "$.secret", "action": "remove", "todo": "set the secrets of {target_id}"},
        {"resource_type": "Project", "path": "$.systemSecret", "action": "remove"},
    ]);
    let document = json!({
        "resourceType": "Project", "name": "Clinic", "secret": [{"name": "KEY", "valueString": "s3"}],
        "systemSecret": [{"name": "SYS", "valueString": "s4"}], "setting": [{"name": "g", "valueString": "hi"}]
    });
    let (text, outcome) = clone(rows.clone(), &given(None, None), document);
    let left = r#"{"resourceType":"Project","name":"Clinic","setting":[{"name":"g","valueString":"hi"}]}"#;
    assert_eq!(text, left);
    assert_eq!(outcome.todos, [(0, "set the secrets of t-1".to_owned())]);
    let (_, outcome) = clone(
        rows,
        &given(None, None),
        json!({"resourceType": "Project", "name": "Clinic"}),
    );
    assert_eq!(outcome, RuleEdits::default());
}

#[test]
fn a_client_gets_a_new_secret_only_if_it_had_one() {
    let rows = json!([{
        "resource_type": "ClientApplication", "path": "$.secret", "action": "regenerate", "value": {"hex": 4}
    }]);
    let document = json!({"resourceType": "ClientApplication", "secret": "old", "id": "c"});
    let (text, outcome) = clone(rows.clone(), &given(None, None), document);
    assert_eq!(
        text,
        r#"{"resourceType":"ClientApplication","secret":"00010203","id":"c"}"#
    );
    assert_eq!(outcome.todos, []);
    let (_, outcome) = clone(
        rows,
        &given(None, None),
        json!({"resourceType": "ClientApplication", "id": "c"}),
    );
    assert_eq!(outcome.edits, []);
}

#[test]
fn a_default_client_follows_the_name_that_was_given() {
    let default = "match(@.name, '.* Default Client')";
    let text = "{name} Default Client";
    // The condition of the second rule holds because the name it sees still ends the same way.
    let rows = json!([
        {"resource_type": "ClientApplication", "path": "$.name", "action": "set", "value": text, "when": default,
         "if_given": "name", "columns": ["name"]},
        {"resource_type": "ClientApplication", "path": "$.description", "action": "set", "value": text,
         "when": default, "if_given": "name"},
    ]);
    let client = |name: &str| json!({"resourceType": "ClientApplication", "name": name, "description": "d"});
    let (text, outcome) = clone(
        rows.clone(),
        &given(Some("Copy \"1\""), None),
        client("Clinic Default Client"),
    );
    let name = r#"Copy \"1\" Default Client"#;
    assert_eq!(
        text,
        format!(r#"{{"resourceType":"ClientApplication","name":"{name}","description":"{name}"}}"#)
    );
    assert_eq!(
        outcome.columns,
        [("name".to_owned(), Some(json!("Copy \"1\" Default Client")))]
    );
    let (_, outcome) = clone(rows.clone(), &given(Some("Copy"), None), client("Another client"));
    assert_eq!(outcome, RuleEdits::default());
    let set = rules(rows, &given(None, None)).unwrap();
    assert!(
        !set.applies_to("ClientApplication"),
        "without a name nothing is to be done"
    );
}

#[test]
fn names_of_the_project_follow_in_memberships() {
    let rows = json!([
        {"resource_type": "Project", "path": "$.name", "action": "set", "value": "{name}", "if_given": "name",
         "columns": ["name"]},
        {"resource_type": "ProjectMembership", "path": "$.project.display", "action": "set", "value": "{name}",
         "if_given": "name"},
    ]);
    let document = json!({
        "resourceType": "ProjectMembership", "project": {"reference": "Project/1", "display": "Clinic"}, "id": "m"
    });
    let (text, _) = clone(rows.clone(), &given(Some("Copy"), None), document);
    assert_eq!(
        text,
        r#"{"resourceType":"ProjectMembership","project":{"reference":"Project/1","display":"Copy"},"id":"m"}"#
    );
    let document = json!({"resourceType": "ProjectMembership", "project": {"reference": "Project/1"}});
    let (text, _) = clone(rows.clone(), &given(Some("Copy"), None), document);
    assert!(
        text.contains(r#"{"reference":"Project/1","display":"Copy"}"#),
        "a missing member is added: {text}"
    );
    let (text, _) = clone(
        rows,
        &given(Some("Copy"), None),
        json!({"resourceType": "ProjectMembership"}),
    );
    assert_eq!(
        text, r#"{"resourceType":"ProjectMembership"}"#,
        "its parent is not"
    );
}

#[test]
fn an_owner_replaces_the_one_before() {
    let rows = json!([
        {"resource_type": "Project", "path": "$.owner", "action": "set", "value": {"reference": "{owner}"},
         "if_given": "owner"},
        {"resource_type": "Project", "path": "$.owner.reference", "action": "set", "value": "{owner}",
         "if_given": "owner", "columns": ["owner"]},
    ]);
    for document in [
        json!({"resourceType": "Project", "owner": {"reference": "User/1", "display": "a@b.example"}}),
        json!({"resourceType": "Project"}),
    ] {
        let (text, outcome) = clone(rows.clone(), &given(None, Some("User/2")), document);
        assert_eq!(
            text,
            r#"{"resourceType":"Project","owner":{"reference":"User/2"}}"#
        );
        assert_eq!(outcome.columns, [("owner".to_owned(), Some(json!("User/2")))]);
    }
}

#[test]
fn a_subscription_is_off_unless_its_bot_is_cloned() {
    let url = "https://www.medplum.com/fhir/StructureDefinition/subscription-secret";
    let rows = json!([
        {"resource_type": "Subscription", "path": format!("$.extension[?@.url == '{url}']"), "action": "remove"},
        {"resource_type": "Subscription", "path": "$.status", "action": "set", "value": "off",
         "when": "@.status == 'active' || @.status == 'requested'", "unless_cloned": "$.channel.endpoint",
         "columns": ["status"], "todo": "Subscription/{target_id} is off"},
    ]);
    let document = |endpoint: &str, status: &str| {
        json!({
            "resourceType": "Subscription", "status": status, "criteria": "Observation?code=x",
            "channel": {"type": "rest-hook", "endpoint": endpoint},
            "extension": [
                {"url": url, "valueString": "hook"}, {"url": "http://other.example"}, {"url": url, "valueString": "2"}
            ]
        })
    };
    let (text, outcome) = clone(
        rows.clone(),
        &given(None, None),
        document("https://hook.example", "active"),
    );
    assert!(text.contains(r#""status":"off""#), "{text}");
    assert!(
        text.ends_with(r#""extension":[{"url":"http://other.example"}]}"#),
        "{text}"
    );
    assert_eq!(outcome.columns, [("status".to_owned(), Some(json!("off")))]);
    assert_eq!(outcome.todos, [(1, "Subscription/t-1 is off".to_owned())]);
    let (text, outcome) = clone(rows.clone(), &given(None, None), document(BOT, "active"));
    assert!(text.contains(r#""status":"active""#), "{text}");
    assert_eq!((outcome.columns, outcome.todos), (vec![], vec![]));
    let (_, outcome) = clone(
        rows,
        &given(None, None),
        document("https://hook.example", "error"),
    );
    assert_eq!(outcome.todos, []);
}

#[test]
fn what_a_removal_empties_can_be_removed_after_it() {
    let rows = json!([
        {"path": "$.extension[?@.url == 'secret']", "action": "remove"},
        {"path": "$.extension", "action": "remove", "when": "@.extension && length(@.extension) == 0"},
    ]);
    let secret = json!({"url": "secret", "valueString": "x"});
    let document = json!({"resourceType": "Subscription", "extension": [secret], "status": "active"});
    let (text, _) = clone(rows.clone(), &given(None, None), document);
    assert_eq!(text, r#"{"resourceType":"Subscription","status":"active"}"#);
    let document = json!({"resourceType": "Subscription", "extension": [secret, {"url": "other"}]});
    let (text, _) = clone(rows, &given(None, None), document);
    assert_eq!(
        text,
        r#"{"resourceType":"Subscription","extension":[{"url":"other"}]}"#
    );
}

#[test]
fn a_password_goes_wherever_the_path_finds_it() {
    let rows = json!([{"path": "$..passwordHash", "action": "remove"}]);
    let document = json!({
        "resourceType": "User", "passwordHash": "x", "contained": [{"passwordHash": "y"}, {"passwordHash": {"passwordHash": 1}}]
    });
    let (text, _) = clone(rows, &given(None, None), document);
    assert_eq!(text, r#"{"resourceType":"User","contained":[{},{}]}"#);
}

#[test]
fn several_elements_of_one_array_are_removed() {
    let rows =
        json!([{"path": "$.a[?@ < 3]", "action": "remove"}, {"path": "$.a[0]", "action": "set", "value": 9}]);
    let (text, _) = clone(
        rows,
        &given(None, None),
        json!({"resourceType": "T", "a": [1, 5, 2, 7]}),
    );
    assert_eq!(text, r#"{"resourceType":"T","a":[9,7]}"#);
}

#[test]
fn every_selected_place_is_set_and_nothing_is_added_for_a_path_of_many() {
    let rows = json!([{"path": "$.telecom[*].value", "action": "set", "value": "{project}/{source_id}"}]);
    let document = json!({"resourceType": "T", "telecom": [{"value": "1"}, {"use": "home"}, {"value": "2"}]});
    let (text, _) = clone(rows, &given(None, None), document);
    assert_eq!(
        text,
        r#"{"resourceType":"T","telecom":[{"value":"p-2/s-1"},{"use":"home"},{"value":"p-2/s-1"}]}"#
    );
}

#[test]
fn renaming_and_random_ids() {
    let rows = json!([
        {"resource_type": "T", "path": "$.old", "action": "rename", "value": "new"},
        {"resource_type": "T", "path": "$.new", "action": "regenerate", "value": "uuid", "columns": ["key"]},
    ]);
    let (text, outcome) = clone(
        rows,
        &given(None, None),
        json!({"resourceType": "T", "old": 1, "x": 2}),
    );
    let uuid = "00010203-0405-4607-8809-0a0b0c0d0e0f";
    assert_eq!(text, format!(r#"{{"resourceType":"T","new":"{uuid}","x":2}}"#));
    assert_eq!(outcome.columns, [("key".to_owned(), Some(json!(uuid)))]);
}

#[test]
fn a_removal_gives_its_columns_null() {
    let rows = json!([{"path": "$.a", "action": "remove", "columns": ["a"]}]);
    let (_, outcome) = clone(rows, &given(None, None), json!({"resourceType": "T", "a": 1}));
    assert_eq!(outcome.columns, [("a".to_owned(), None)]);
}

#[test]
fn rules_for_every_type_keep_their_place_among_the_others() {
    let rows = json!([
        {"resource_type": "T", "path": "$.a", "action": "set", "value": 1},
        {"path": "$.a", "action": "set", "value": 2},
        {"resource_type": "T", "path": "$.a", "action": "set", "value": 3},
        {"resource_type": "U", "path": "$.b", "action": "set", "value": 4},
    ]);
    let set = rules(rows.clone(), &given(None, None)).unwrap();
    assert!(set.applies_to("Anything"));
    let after = |kind: &str| clone(rows.clone(), &given(None, None), json!({"resourceType": kind})).0;
    assert_eq!(after("T"), r#"{"resourceType":"T","a":3}"#);
    assert_eq!(after("U"), r#"{"resourceType":"U","a":2,"b":4}"#);
    assert_eq!(after("V"), r#"{"resourceType":"V","a":2}"#);
}

#[test]
fn rules_can_be_written_in_code_too() {
    let mut rule = Rule::new(Some("T"), "$.secret", Action::Regenerate(Kind::Hex(2)));
    rule.columns = vec!["secret".to_owned()];
    let set = RuleSet::compile(vec![rule], &Arguments::new()).unwrap();
    assert!(set.applies_to("T") && !set.applies_to("U"));
    let outcome = set
        .evaluate("T", json!({"secret": "x"}).into(), &Run::default())
        .unwrap();
    assert_eq!(outcome.columns, [("secret".to_owned(), Some(json!("0001")))]);
}
