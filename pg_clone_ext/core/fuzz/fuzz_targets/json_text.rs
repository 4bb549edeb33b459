//! JSON text and plain text: never a panic; JSON stays JSON with the same shape; what is unchanged is untouched.
#![no_main]

mod maps;

use libfuzzer_sys::fuzz_target;
use maps::{Maps, written_out};
use pg_clone_core::rewrite::Outcome;
use serde_json::Value;
use std::sync::LazyLock;

static MAPS: LazyLock<Maps> = LazyLock::new(Maps::new);

fuzz_target!(|input: &[u8]| {
    let Some((choice, input)) = input.split_first() else {
        return;
    };
    let before = written_out(input);
    let mut rewriter = MAPS.rewriter(*choice);
    let _ = rewriter.plain_text(&mut before.clone());
    let mut bytes = before.clone();
    let outcome = rewriter.json_text(&mut bytes);
    let after = match outcome {
        Ok(Outcome::Rebuilt(new)) => {
            assert_eq!(bytes, before);
            new
        }
        Ok(Outcome::InPlace) => {
            assert_eq!(bytes.len(), before.len());
            bytes
        }
        Ok(Outcome::Unchanged) | Err(_) => {
            assert_eq!(bytes, before);
            return;
        }
        Ok(Outcome::Null) => panic!("a document cannot vanish"),
    };
    let removes = choice & 3 == 2;
    if let Ok(before) = serde_json::from_slice::<Value>(&before) {
        let after: Value = serde_json::from_slice(&after).expect("JSON stays JSON");
        assert!(removes || items(&before) >= items(&after));
    }
});

/// Number of values. Keys may become equal, so there may be fewer after a rewrite, but not more.
fn items(value: &Value) -> usize {
    1 + match value {
        Value::Array(elements) => elements.iter().map(items).sum(),
        Value::Object(members) => members.values().map(items).sum(),
        _ => 0,
    }
}
