//! Ids that are no UUIDs. See `fixture` for the names of ids.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, in its helpers too"
)]

mod fixture;

use fixture::Fixture;
use pg_clone_core::rewrite::{Dangling, IdField, IdPaths, TextIdOutcome};
use serde_json::json;

#[test]
fn text_ids_count_behind_their_type_and_never_in_free_text() {
    let fixture = Fixture::with_text_ids();
    for (before, after) in [
        ("Bot/bot-1", "Bot/bot-1001"),
        ("https://x/Bot/bot-1/$execute", "https://x/Bot/bot-1001/$execute"),
        ("Bot/bot-1/_history/3", "Bot/bot-1001"),
        ("Bot/bot-1 and Patient/<0>", "Bot/bot-1001 and Patient/<0'>"),
        ("bot-1", "bot-1"),
        ("Task/bot-1", "Task/bot-1"),
        ("Bot/bot-12", "Bot/bot-12"),
        (
            "ask bot-1 about 10378.1/1696289",
            "ask bot-1 about 10378.1/1696289",
        ),
    ] {
        fixture.assert_plain(before, after);
        fixture.assert_json(
            Dangling::Keep,
            &json!({"a": before}).to_string(),
            &json!({"a": after}).to_string(),
        );
    }
    assert_eq!(fixture.plain("Bot/bot-2", Dangling::Null), None);
    let rewriter = fixture.rewriter(Dangling::Keep);
    assert_eq!(
        rewriter.text_id("10378.1/1696289"),
        TextIdOutcome::Mapped("10378.1/9")
    );
    assert_eq!(
        rewriter.text_id_of("Bot", "bot-1"),
        TextIdOutcome::Mapped("bot-1001")
    );
    assert_eq!(rewriter.text_id("bot-1"), TextIdOutcome::Unchanged);
    assert_eq!(rewriter.text_id("10378.1/7"), TextIdOutcome::Dangling);
}

#[test]
fn declared_fields_hold_text_ids() {
    let fixture = Fixture::with_text_ids();
    let paths = IdPaths::new()
        .with("record.inputs[].dataset_id", IdField::Whole)
        .unwrap()
        .with("prov", IdField::Embedded)
        .unwrap();
    let before = r#"{"record": {"inputs": [{"dataset_id": "10378.1/1696289"}, {"dataset_id": "10378.1/7"}, {"dataset_id": "x"}], "note": "10378.1/1696289"},"prov": "{\"model_run/10378.1/1696289\": \"10378.1/16962891\"}"}"#;
    let after = r#"{"record": {"inputs": [{"dataset_id": "10378.1/9"}, {"dataset_id": null}, {"dataset_id": "x"}], "note": "10378.1/1696289"},"prov": "{\"model_run/10378.1/9\": \"10378.1/16962891\"}"}"#;
    let rewriter = || fixture.rewriter(Dangling::Null).with_id_paths(&paths);
    assert_eq!(fixture.json(before, rewriter), after);
}

#[test]
fn a_version_that_holds_other_ids_is_dropped_as_a_whole() {
    // Found by fuzzing: what is cut away overlapped with what would have been replaced inside it.
    let fixture = Fixture::with_text_ids();
    fixture.assert_plain("Bot/bot-1/_history/x-<0>", "Bot/bot-1001");
    fixture.assert_plain(
        "Bot/bot-1/_history/<0>-x/_history/3, Bot/bot-1",
        "Bot/bot-1001/_history/3, Bot/bot-1001",
    );
    let paths = IdPaths::new().with("a", IdField::Embedded).unwrap();
    let rewriter = || fixture.rewriter(Dangling::Keep).with_id_paths(&paths);
    let before = r#"{"a":"10378.1/1696289/_history/x-<0>"}"#;
    assert_eq!(fixture.json(before, rewriter), r#"{"a":"10378.1/9"}"#);
}

#[test]
fn a_kept_field_keeps_its_ids_and_the_rest_follows() {
    let fixture = Fixture::new();
    let paths = IdPaths::new()
        .with("**.identifier[].value", IdField::Kept)
        .unwrap();
    let rewriter = || fixture.rewriter(Dangling::Keep).with_id_paths(&paths);
    for (before, after) in [
        (
            r#"{"identifier":[{"value":"<0>"}],"value":"<0>"}"#,
            r#"{"identifier":[{"value":"<0>"}],"value":"<0'>"}"#,
        ),
        (
            r#"{"identifier":[{"system":"<0>","value":"x"}]}"#,
            r#"{"identifier":[{"system":"<0'>","value":"x"}]}"#,
        ),
    ] {
        assert_eq!(fixture.json(before, rewriter), fixture.written(after));
    }
}
