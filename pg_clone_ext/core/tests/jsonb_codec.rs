//! The `jsonb` codec against payloads that PostgreSQL wrote, and against itself on generated documents.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, in its helpers too"
)]

use pg_clone_core::depth::{DepthError, MAX_LEVELS, with_room};
use pg_clone_core::edit::Edit;
use pg_clone_core::jsonb::{self, JsonbError, Node};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Documents with the payloads of a server (see the file's head).
#[cfg(target_endian = "little")]
fn golden() -> Vec<(&'static str, Vec<u8>)> {
    let byte = |at: usize, hex: &str| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let lines = include_str!("fixtures/jsonb.tsv").lines().skip(1);
    lines
        .map(|line| {
            let (text, hex) = line.split_once('\t').unwrap();
            (text, (0..hex.len()).step_by(2).map(|at| byte(at, hex)).collect())
        })
        .collect()
}

#[test]
#[cfg(target_endian = "little")]
fn payloads_are_those_of_the_server() {
    let golden = golden();
    assert!(golden.len() > 15);
    for (text, payload) in golden {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(jsonb::from_value(&value).unwrap(), payload, "written: {text}");
        assert_eq!(jsonb::to_value(&payload).unwrap(), value, "read: {text}");
        assert_eq!(
            jsonb::decode(&payload).unwrap().encode().unwrap(),
            payload,
            "decoded and encoded: {text}"
        );
    }
}

#[test]
#[cfg(target_endian = "little")]
fn a_payload_cut_short_or_with_any_bit_flipped_is_an_error_or_another_document() {
    for (text, payload) in golden() {
        for len in 0..payload.len() {
            // Only padding and empty tails may be missing without being missed.
            if let Ok(node) = jsonb::decode(&payload[..len]) {
                assert!(node.encode().is_ok(), "{text} cut to {len}");
            }
        }
        for at in 0..payload.len().min(400) * 8 {
            let mut flipped = payload.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            if let Ok(node) = jsonb::decode(&flipped) {
                node.encode().unwrap();
            }
        }
    }
}

#[test]
fn of_equal_keys_the_later_one_is_written_and_keys_are_sorted_by_length() {
    let member = |key: &'static str, value: bool| (key.as_bytes().into(), Node::Bool(value));
    let node = Node::Object(vec![
        member("bb", true),
        member("a", true),
        member("bb", false),
        member("aaa", true),
    ]);
    let payload = node.encode().unwrap();
    assert_eq!(
        jsonb::to_value(&payload).unwrap().to_string(),
        r#"{"a":true,"bb":false,"aaa":true}"#
    );
}

#[test]
fn nesting_has_one_limit_in_both_directions() {
    let too_deep = || JsonbError::Depth(DepthError::TooDeep);
    let made = with_room(MAX_LEVELS, || {
        let nested = (1..MAX_LEVELS).fold(Node::Array(Vec::new()), |node, _| Node::Array(vec![node]));
        let deepest = nested.encode().unwrap();
        assert!(jsonb::decode(&deepest).is_ok());
        assert_eq!(Node::Array(vec![nested]).encode(), Err(too_deep()));
        deepest
    });
    let deepest = made.unwrap();
    assert_eq!(jsonb::levels(&deepest), MAX_LEVELS);
    // One level more, by hand: an array of one container around it.
    let mut deeper = 0x4000_0001u32.to_ne_bytes().to_vec();
    deeper.extend((0xd000_0000u32 | deepest.len() as u32).to_ne_bytes());
    deeper.extend(&deepest);
    assert_eq!(jsonb::levels(&deeper), MAX_LEVELS + 1);
    with_room(MAX_LEVELS, || assert_eq!(jsonb::decode(&deeper), Err(too_deep()))).unwrap();
}

#[test]
fn a_string_over_256_mb_is_too_large() {
    let node = Node::Array(vec![Node::String(vec![b'x'; 0x0fff_ffff + 1].into())]);
    assert_eq!(node.encode(), Err(JsonbError::TooLarge));
}

#[test]
fn what_jsonb_cannot_hold_is_an_error() {
    assert_eq!(jsonb::from_value(&json!("a\0b")), Err(JsonbError::NulCharacter));
    assert_eq!(
        jsonb::from_value(&json!({"a\0b": 1})),
        Err(JsonbError::NulCharacter)
    );
    let number: Value = serde_json::from_str("1e200000").unwrap();
    assert!(matches!(jsonb::from_value(&number), Err(JsonbError::Number(_))));
    assert_eq!(
        Node::String(b"\xff"[..].into()).to_value(),
        Err(JsonbError::NotUtf8)
    );
}

/// JSON documents with repeated keys out of order, numbers of every form, and arrays beyond the offset stride.
fn document() -> impl Strategy<Value = Value> {
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?".prop_map(|text| {
        if text.starts_with("-0") {
            "0".to_owned()
        } else {
            text
        }
    });
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(|text| serde_json::from_str(&text).unwrap()),
        "[a-zé\"\\\\/日 ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 60, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..70).prop_map(Value::from),
            prop::collection::vec(("[a-dé]{0,3}", inner), 0..40)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    use pg_clone_core::edit::Step;
    let step = prop_oneof![
        "[a-d]{0,2}".prop_map(Step::Key),
        (0usize..4).prop_map(Step::Index)
    ];
    (prop::collection::vec(step, 0..3), 0..3, document(), "[a-d]{0,2}").prop_map(|(path, op, value, name)| {
        match op {
            0 => Edit::remove(path),
            1 => Edit::set(path, value),
            _ => Edit::rename(path, name),
        }
    })
}

#[test]
fn many_edits_of_one_object_are_applied_in_one_pass() {
    let members = || (0..50_000).map(|n| (format!("k{n}"), Value::from(n)));
    let payload = jsonb::from_value(&Value::Object(members().collect())).unwrap();
    let edit = |(name, _): (String, Value)| Edit::remove(vec![pg_clone_core::edit::Step::Key(name)]);
    let edits: Vec<Edit> = members()
        .filter(|(name, _)| !name.ends_with('7'))
        .map(edit)
        .collect();
    // One search for each edit took 4.5 s of optimized code.
    let began = std::time::Instant::now();
    let edited = jsonb::edited(&payload, &edits).unwrap().unwrap();
    assert!(
        began.elapsed() < std::time::Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    let expected = members().filter(|(name, _)| name.ends_with('7')).collect();
    assert_eq!(jsonb::to_value(&edited).unwrap(), Value::Object(expected));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_document_survives_encoding_and_decoding(value in document()) {
        let payload = jsonb::from_value(&value).unwrap();
        let node = jsonb::decode(&payload).unwrap();
        prop_assert_eq!(node.to_value().unwrap(), value);
        prop_assert_eq!(node.encode().unwrap(), payload);
    }

    #[test]
    fn edits_mean_the_same_as_on_a_value(value in document(), edits in prop::collection::vec(edit(), 1..5)) {
        let payload = jsonb::from_value(&value).unwrap();
        let original = payload.clone();
        let mut payload = payload;
        let mut expected = value;
        let mut applied = vec![];
        for edit in &edits {
            let on_value = pg_clone_core::edit::value::apply(&mut expected, edit);
            let on_payload = jsonb::edited(&payload, std::slice::from_ref(edit));
            prop_assert_eq!(on_payload.is_ok(), on_value.is_ok());
            if on_payload.is_ok() {
                applied.push(edit.clone());
            }
            if let Ok(Some(edited)) = on_payload {
                payload = edited;
            }
        }
        // All in one call are the same as one after another.
        let together = jsonb::edited(&original, &applied).unwrap().unwrap_or(original);
        prop_assert_eq!(jsonb::to_value(&together).unwrap(), expected.clone());
        prop_assert_eq!(jsonb::to_value(&payload).unwrap(), expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(node) = jsonb::decode(&bytes) {
            let _ = node.to_value();
            node.encode().unwrap();
        }
    }
}
