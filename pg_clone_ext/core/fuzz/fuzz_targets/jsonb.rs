//! `jsonb` payloads, malformed ones and real ones: never a panic; a real one stays real and agrees with the text.
#![no_main]

mod maps;

use libfuzzer_sys::fuzz_target;
use maps::{Maps, written_out};
use pg_clone_core::jsonb;
use pg_clone_core::rewrite::Outcome;
use serde_json::Value;
use std::sync::LazyLock;

static MAPS: LazyLock<Maps> = LazyLock::new(Maps::new);

fuzz_target!(|input: &[u8]| {
    let Some((choice, input)) = input.split_first() else {
        return;
    };
    let written = written_out(input);
    // As a payload: anything may come out but a panic.
    let mut bytes = written.clone();
    match MAPS.rewriter(*choice).jsonb(&mut bytes) {
        Ok(Outcome::InPlace) => assert_eq!(bytes.len(), written.len()),
        _ => assert_eq!(bytes, written),
    }
    // As the text of a document.
    let Ok(value) = serde_json::from_slice::<Value>(&written) else {
        return;
    };
    let Ok(payload) = jsonb::from_value(&value) else {
        return;
    };
    let value = jsonb::to_value(&payload).expect("what was written can be read");
    let mut bytes = payload.clone();
    let mut on_jsonb = MAPS.rewriter(*choice);
    let after = match on_jsonb.jsonb(&mut bytes) {
        Ok(Outcome::Rebuilt(new)) => new,
        Ok(_) => bytes,
        Err(_) => return,
    };
    let mut text = value.to_string().into_bytes();
    let mut on_text = MAPS.rewriter(*choice);
    let text = match on_text.json_text(&mut text).expect("the jsonb was rewritten") {
        Outcome::Rebuilt(new) => new,
        _ => text,
    };
    let expected: Value = serde_json::from_slice(&text).expect("JSON stays JSON");
    assert_eq!(jsonb::to_value(&after).expect("jsonb stays jsonb"), expected);
    assert_eq!(on_jsonb.counts().rewritten, on_text.counts().rewritten);
    assert_eq!(on_jsonb.counts().dangling, on_text.counts().dangling);
});
