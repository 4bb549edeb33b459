//! What becomes of references to resources that are not cloned. See `fixture` for the names of ids.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, in its helpers too"
)]

mod fixture;

use fixture::Fixture;
use pg_clone_core::jsonb;
use pg_clone_core::rewrite::{Dangling, IdPaths, RewriteError, UuidOutcome};
use serde_json::{Value, json};

#[test]
fn a_dangling_reference_is_kept_nulled_or_removed() {
    let fixture = Fixture::new();
    let before = r#"{"a": "Patient/<left>", "b": ["<left>", "Patient/<0>", "urn:uuid:<left>"], "c": {"d": "see <left>"}}"#;
    let kept = before.replace("<0>", "<0'>");
    fixture.assert_json(Dangling::Keep, before, &kept);
    let nulled = r#"{"a": null, "b": [null, "Patient/<0'>", null], "c": {"d": "see <left>"}}"#;
    fixture.assert_json(Dangling::Null, before, nulled);
    let removed = r#"{ "b": [ "Patient/<0'>"], "c": {"d": "see <left>"}}"#;
    fixture.assert_json(Dangling::Remove, before, removed);
    assert_eq!(fixture.plain("Patient/<left>", Dangling::Null), None);
    assert_eq!(fixture.plain("Patient/<left>", Dangling::Remove), None);
    assert_eq!(
        fixture.plain("see <left>", Dangling::Null),
        Some(fixture.written("see <left>"))
    );
}

#[test]
fn removing_leaves_valid_json_whichever_items_go() {
    let fixture = Fixture::new();
    for kept in 0..16u32 {
        let item = |k: u32| {
            if kept >> k & 1 == 1 {
                k.to_string()
            } else {
                "\"<left>\"".to_owned()
            }
        };
        let items: Vec<String> = (0..4).map(item).collect();
        let members: Vec<String> = items
            .iter()
            .enumerate()
            .map(|(k, item)| format!("\"{k}\" : {item}"))
            .collect();
        let text = format!("[[ {} ],{{{}}}]", items.join(" ,\n"), members.join(", "));
        let expected: Vec<u32> = (0..4).filter(|k| kept >> k & 1 == 1).collect();
        let after: Value =
            serde_json::from_str(&fixture.json(&text, || fixture.rewriter(Dangling::Remove))).unwrap();
        assert_eq!(after[0], json!(expected));
        assert_eq!(after[1].as_object().unwrap().len(), expected.len());
    }
    fixture.assert_json(Dangling::Remove, "\"<left>\"", "null");
}

#[test]
fn dangling_references_are_counted_by_target() {
    let fixture = Fixture::new();
    let mut rewriter = fixture.rewriter(Dangling::Keep);
    let text = r#"{"<left>": "Patient/<left>/_history/<left>", "b": "<other>", "c": "<left> <0>"}"#;
    rewriter
        .json_text(&mut fixture.written(text).into_bytes())
        .unwrap();
    assert_eq!(rewriter.uuid(&fixture.known[2]), UuidOutcome::Dangling);
    assert_eq!(
        rewriter.counts().dangling,
        4,
        "a reference with its version is one"
    );
    assert_eq!(
        rewriter.dangling_targets().list(),
        [(fixture.written("<left>"), 4)]
    );
    assert_eq!(rewriter.take_counts().rewritten, 1);
    assert_eq!(rewriter.counts().dangling, 0);
}

#[test]
fn under_error_the_first_dangling_reference_is_named_and_nothing_changes() {
    let fixture = Fixture::new();
    let text = fixture.written(r#"{"a": "<0>", "b": "see <left> there"}"#);
    let mut bytes = text.clone().into_bytes();
    let mut rewriter = fixture.rewriter(Dangling::Error);
    let expected = RewriteError::Dangling {
        id: fixture.written("<left>"),
        context: fixture.written("see <left> there"),
    };
    assert_eq!(rewriter.json_text(&mut bytes), Err(expected.clone()));
    assert_eq!(bytes, text.as_bytes());
    let payload = jsonb::from_value(&serde_json::from_str(&text).unwrap()).unwrap();
    let mut bytes = payload.clone();
    assert_eq!(rewriter.jsonb(&mut bytes), Err(expected));
    assert_eq!(bytes, payload);
    assert_eq!(rewriter.counts().rewritten, 0);
}

#[test]
fn touches_says_no_only_where_nothing_would_happen() {
    let fixture = Fixture::new();
    let rewriter = fixture.rewriter(Dangling::Keep);
    assert!(rewriter.touches(fixture.written("..<0>..").as_bytes()));
    assert!(rewriter.touches(fixture.written("..<left>..").as_bytes()));
    assert!(!rewriter.touches(fixture.written("..<other>..").as_bytes()));
}

#[test]
fn touches_looks_at_each_string_of_a_jsonb() {
    let fixture = Fixture::new();
    let words = fixture.written("Patient/<other>");
    let payload = |value: Value| jsonb::from_value(&value).unwrap();
    // Side by side in the payload, the strings look like one of base64.
    let none = payload(json!({"name": "x".repeat(47), "other": words, "z": "y".repeat(40)}));
    let base64 = payload(json!({"data": ["", "V2lkZ2V0L2MxNWFiY2RlLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwYQ"]}));
    let mut rewriter = fixture.rewriter(Dangling::Keep);
    assert_eq!(rewriter.touches_jsonb(&base64), Ok(false));
    let mut rewriter = rewriter.counting_base64();
    assert_eq!(rewriter.touches_jsonb(&none), Ok(false));
    assert_eq!(rewriter.touches_jsonb(&base64), Ok(true));
    for known in ["<0>", "<left>"] {
        let known = payload(json!({"a": fixture.written(known)}));
        assert_eq!(rewriter.touches_jsonb(&known), Ok(true));
    }
}

#[test]
fn the_key_of_a_removed_member_is_counted_on_either_path() {
    let fixture = Fixture::new();
    let text = fixture.written(r#"{"<0>": "<left>"}"#);
    let mut rewriter = fixture.rewriter(Dangling::Remove);
    rewriter.json_text(&mut text.clone().into_bytes()).unwrap();
    let on_text = rewriter.take_counts();
    rewriter
        .jsonb(&mut jsonb::from_value(&serde_json::from_str(&text).unwrap()).unwrap())
        .unwrap();
    assert_eq!(rewriter.take_counts(), on_text);
}

#[test]
fn a_removed_reference_that_held_nothing_else_says_so() {
    let fixture = Fixture::new();
    let mut paths = IdPaths::new();
    paths.set_dangling_display("not cloned");
    for (before, after) in [
        (
            r#"{"a":{"reference":"Patient/<left>"}}"#,
            r#"{"a":{"display":"not cloned"}}"#,
        ),
        (
            r#"{"a":[{ "reference" : "Patient/<left>" },{"reference":"<0>"}]}"#,
            r#"{"a":[{ "display":"not cloned" },{"reference":"<0'>"}]}"#,
        ),
        (
            r#"{"a":{"reference":"Patient/<left>","display":"Ada"}}"#,
            r#"{"a":{"display":"Ada"}}"#,
        ),
        (r#"{"a":{"url":"Binary/<left>"}}"#, r#"{"a":{}}"#),
        (
            r#"{"meta":{"compartment":[{"reference":"Patient/<left>"}]}}"#,
            r#"{"meta":{"compartment":[{}]}}"#,
        ),
    ] {
        let rewriter = || fixture.rewriter(Dangling::Remove).with_id_paths(&paths);
        assert_eq!(fixture.json(before, rewriter), fixture.written(after), "{before}");
    }
}

#[test]
fn text_values_with_a_kept_prefix_stay() {
    let fixture = Fixture::new();
    let mut paths = IdPaths::new();
    paths.keep_prefix("identifier:");
    for (before, after) in [
        ("identifier:http://x|<0>", "identifier:http://x|<0>"),
        ("Patient/<0>", "Patient/<0'>"),
    ] {
        let mut bytes = fixture.written(before).into_bytes();
        fixture
            .rewriter(Dangling::Keep)
            .with_id_paths(&paths)
            .plain_text(&mut bytes)
            .unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), fixture.written(after));
    }
}
