//! The rewriter against a naive one, on generated documents.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, in its helpers too"
)]

mod oracle;

use oracle::{KeyStatistics, Map, Oracle};
use pg_clone_core::ids::{Id, IdMap, IdVersion, NewIds, TextIdMap, uuid_text};
use pg_clone_core::jsonb;
use pg_clone_core::rewrite::{Counts, Dangling, Outcome, RewriteError, Rewriter};
use proptest::prelude::*;
use serde_json::Value;

/// Ids 0 to 5 are cloned (5 to a fixed target), 6 to 8 left, the others unknown.
fn id(n: u8) -> Id {
    let mut id = *b"\x01\x97\xa3\xc4\x0f\x5e\x7a\xbc\x8d\xef\xab\xcd\xef\x01\x23\x00";
    id[15] = n;
    id
}

fn maps() -> (IdMap, Map) {
    let mut ids = IdMap::new(NewIds::new(IdVersion::V4, 0, [9; 16]), usize::MAX);
    let mut map = Map::new();
    for n in 0..5 {
        map.insert(id(n), Some(ids.insert_cloned(id(n)).unwrap()));
    }
    ids.insert_as(id(5), id(200)).unwrap();
    map.insert(id(5), Some(id(200)));
    for n in 6..9 {
        ids.insert_not_cloned(id(n)).unwrap();
        map.insert(id(n), None);
    }
    (ids, map)
}

/// Strings of the pieces that matter, in any order.
fn string() -> impl Strategy<Value = String> {
    let uuid = (0u8..11, 0..5).prop_map(|(n, case)| {
        let text = uuid_text::to_string(&id(n));
        match case {
            0 => text.to_uppercase(),
            1 => text
                .chars()
                .enumerate()
                .map(|(k, c)| if k % 2 == 0 { c.to_ascii_uppercase() } else { c })
                .collect(),
            2 => text.replace('-', ""),
            _ => text,
        }
    });
    let glue = prop::sample::select(vec![
        "/_history/",
        "Patient/",
        "Patient/",
        "urn:uuid:",
        "https://host/fhir/",
        "#frag",
        "/",
        "\\",
        "\n",
        "\t",
        "\"",
        "é",
        "日",
        "x",
        "7",
        "-",
        ".",
        "_",
        "%2F",
        "%252F",
        "%41",
        "widget",
        "a",
        "F0",
        "의",
        " ",
        "?subject=",
        "|",
        "ab",
        "0197a3c4-",
        "3",
        "\u{1}",
        "𝒳",
        "😀",
        "n",
        "u00e9",
        "b",
        "&#47;",
    ]);
    let piece =
        prop_oneof![3 => uuid.boxed(), 4 => glue.prop_map(str::to_owned).boxed(), 1 => "[ -~]{0,20}".boxed()];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        6 => string().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec(
                (
                    prop_oneof![4 => "[a-z]{0,4}".boxed(), 1 => string().boxed()],
                    inner
                ),
                0..8
            )
            .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON text of a document, with white space and needless escapes where `noise` says so.
fn json_text(value: &Value, noise: &mut dyn FnMut() -> u8, out: &mut String) {
    let space = |noise: &mut dyn FnMut() -> u8, out: &mut String| {
        out.push_str(["", "", "", " ", "\n\t"][noise() as usize % 5]);
    };
    space(noise, out);
    match value {
        Value::String(text) => json_string(text, noise, out),
        Value::Array(elements) => {
            out.push('[');
            for (k, element) in elements.iter().enumerate() {
                out.push_str(if k > 0 { "," } else { "" });
                json_text(element, noise, out);
            }
            space(noise, out);
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (k, (key, value)) in members.iter().enumerate() {
                out.push_str(if k > 0 { "," } else { "" });
                space(noise, out);
                json_string(key, noise, out);
                space(noise, out);
                out.push(':');
                json_text(value, noise, out);
            }
            space(noise, out);
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
    space(noise, out);
}

fn json_string(text: &str, noise: &mut dyn FnMut() -> u8, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if c == '/' && noise().is_multiple_of(4) {
            out.push_str("\\/");
        } else if noise().is_multiple_of(if c.is_ascii_alphanumeric() { 64 } else { 4 }) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            let quoted = Value::from(c.to_string()).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
    }
    out.push('"');
}

fn key_statistics(counts: &Counts) -> KeyStatistics {
    KeyStatistics {
        rewritten: counts.rewritten,
        dangling: counts.dangling,
        unversioned: counts.unversioned,
        dropped: counts.nulled + counts.removed,
    }
}

fn policy() -> impl Strategy<Value = Dangling> {
    prop::sample::select(vec![Dangling::Keep, Dangling::Null, Dangling::Remove])
}

/// The bytes after a rewrite; checks what the outcome says about the bytes given.
fn after(before: &[u8], bytes: Vec<u8>, outcome: Outcome) -> Option<Vec<u8>> {
    match outcome {
        Outcome::Unchanged => assert_eq!(bytes, before),
        Outcome::InPlace => assert_ne!(bytes, before),
        Outcome::Rebuilt(new) => {
            assert_eq!(bytes, before);
            return Some(new);
        }
        Outcome::Null => return None,
    }
    Some(bytes)
}

/// `PROPTEST_CASES` for a long run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..Default::default() })]

    #[test]
    fn json_text_is_rewritten_like_the_oracle_does(value in document(), noise in prop::collection::vec(any::<u8>(), 1..99), dangling in policy()) {
        let (ids, map) = maps();
        let texts = TextIdMap::new(usize::MAX);
        let mut text = String::new();
        json_text(&value, &mut noise.iter().copied().cycle().by_ref().map_into_fn(), &mut text);
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &value);
        let mut oracle = Oracle { map: &map, dangling, key_statistics: KeyStatistics::default() };
        let expected = oracle.value(&value).unwrap_or(Value::Null);
        let mut rewriter = Rewriter::new(&ids, &texts, dangling);
        let mut bytes = text.clone().into_bytes();
        let outcome = rewriter.json_text(&mut bytes).unwrap();
        let new = after(text.as_bytes(), bytes, outcome).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&new).unwrap(), expected);
        prop_assert_eq!(key_statistics(rewriter.counts()), oracle.key_statistics);
        prop_assert_eq!(rewriter.dangling_targets().total(), rewriter.counts().dangling);
    }

    #[test]
    fn jsonb_is_rewritten_like_the_oracle_does(value in document(), dangling in policy()) {
        let (ids, map) = maps();
        let texts = TextIdMap::new(usize::MAX);
        let payload = jsonb::from_value(&value).unwrap();
        let mut oracle = Oracle { map: &map, dangling, key_statistics: KeyStatistics::default() };
        // Of keys that become the same the last one counts, in the order that `jsonb` has.
        let expected = oracle.value(&jsonb::to_value(&payload).unwrap()).unwrap_or(Value::Null);
        let mut rewriter = Rewriter::new(&ids, &texts, dangling);
        let mut bytes = payload.clone();
        let outcome = rewriter.jsonb(&mut bytes).unwrap();
        let new = after(&payload, bytes, outcome).unwrap();
        prop_assert_eq!(jsonb::to_value(&new).unwrap(), expected.clone());
        prop_assert_eq!(&new, &jsonb::from_value(&expected).unwrap());
        prop_assert_eq!(key_statistics(rewriter.counts()), oracle.key_statistics);
    }

    #[test]
    fn plain_text_is_rewritten_like_the_oracle_does(text in string(), dangling in policy()) {
        let (ids, map) = maps();
        let texts = TextIdMap::new(usize::MAX);
        let mut oracle = Oracle { map: &map, dangling, key_statistics: KeyStatistics::default() };
        let expected = oracle.value(&Value::from(text.clone()));
        let mut rewriter = Rewriter::new(&ids, &texts, dangling);
        let mut bytes = text.clone().into_bytes();
        let outcome = rewriter.plain_text(&mut bytes).unwrap();
        let new = after(text.as_bytes(), bytes, outcome).map(|new| Value::from(String::from_utf8(new).unwrap()));
        prop_assert_eq!(new, expected);
        prop_assert_eq!(key_statistics(rewriter.counts()), oracle.key_statistics);
    }

    #[test]
    fn both_paths_agree(value in document(), dangling in policy()) {
        // A text id that occurs nowhere sends every document down the path that rebuilds.
        let (ids, _) = maps();
        let (none, mut some) = (TextIdMap::new(usize::MAX), TextIdMap::new(usize::MAX));
        some.insert("no such id", "x").unwrap();
        let text = value.to_string();
        let results = [&none, &some].map(|texts| {
            let mut rewriter = Rewriter::new(&ids, texts, dangling);
            let mut bytes = text.clone().into_bytes();
            let outcome = rewriter.json_text(&mut bytes).unwrap();
            let text = after(text.as_bytes(), bytes, outcome).unwrap();
            let payload = jsonb::from_value(&value).unwrap();
            let mut bytes = payload.clone();
            let outcome = rewriter.jsonb(&mut bytes).unwrap();
            (text, after(&payload, bytes, outcome).unwrap(), key_statistics(rewriter.counts()))
        });
        prop_assert_eq!(&results[0], &results[1]);
    }

    #[test]
    fn an_error_policy_fails_exactly_where_something_dangles(value in document()) {
        let (ids, map) = maps();
        let texts = TextIdMap::new(usize::MAX);
        let mut oracle = Oracle { map: &map, dangling: Dangling::Keep, key_statistics: KeyStatistics::default() };
        oracle.value(&value);
        let mut rewriter = Rewriter::new(&ids, &texts, Dangling::Error);
        let outcomes = [
            rewriter.json_text(&mut value.to_string().into_bytes()),
            rewriter.jsonb(&mut jsonb::from_value(&value).unwrap()),
        ];
        for outcome in outcomes {
            let failed = matches!(outcome, Err(RewriteError::Dangling { .. }));
            prop_assert_eq!(failed, oracle.key_statistics.dangling > 0);
            prop_assert!(failed || outcome.is_ok());
        }
    }
}

/// An iterator as the function that `json_text` asks for noise.
trait IntoFn: Iterator<Item = u8> + Sized {
    fn map_into_fn(mut self) -> impl FnMut() -> u8 {
        move || self.next().unwrap_or(0)
    }
}

impl<I: Iterator<Item = u8>> IntoFn for I {}
