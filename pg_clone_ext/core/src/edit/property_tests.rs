//! Property tests: edits of text against the same edits of a tree, and byte for byte what they must not touch.

use super::{Edit, EditOp, Step, text, value};
use proptest::prelude::*;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

/// Names that need escapes, name nothing, or look like syntax.
const NAMES: [&str; 9] = ["a", "b", "c", "id", "é", "q\"", "b\\", "", "{,"];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(
            &[
                "",
                "x",
                "ø\u{1F600}",
                "\"",
                "\\",
                "a\"}],{[:",
                "\n\u{1}",
                "{\"a\":1}"
            ][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => name().prop_map(Step::Key), 2 => (0..4usize).prop_map(Step::Index)]
}

/// An edit that mostly meets the document: each number picks a child where there are children.
fn edits() -> impl Strategy<Value = Vec<(Vec<(usize, Step)>, EditOp)>> {
    let op = prop_oneof![
        4 => Just(EditOp::Remove),
        4 => json().prop_map(EditOp::Set),
        2 => name().prop_map(EditOp::Rename),
    ];
    let path = prop::collection::vec((0..6usize, step()), 1..5);
    prop::collection::vec((path, op), 1..7)
}

/// The path that the choices make in this document; its last step may lead to nothing.
fn path(document: &Value, choices: &[(usize, Step)]) -> Vec<Step> {
    let mut at = document;
    let mut path = vec![];
    for (choice, random) in choices {
        let children: Vec<(Step, &Value)> = match at {
            Value::Object(members) => members.iter().map(|(k, v)| (Step::Key(k.clone()), v)).collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(i, v)| (Step::Index(i), v))
                .collect(),
            _ => vec![],
        };
        match children.get(*choice) {
            Some((step, child)) => {
                path.push(step.clone());
                at = child;
            }
            None => {
                path.push(random.clone());
                break;
            }
        }
    }
    path
}

/// Spells a document with white space and escapes that depend only on the seed and the place; at `instead` another
/// text stands instead of the value.
struct Speller<'a> {
    seed: u64,
    instead: Option<(&'a [Step], &'a str)>,
    out: String,
}

impl Speller<'_> {
    fn pick(&self, path: &[Step], slot: usize, count: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, path, slot).hash(&mut hasher);
        hasher.finish() % count
    }

    fn white(&mut self, path: &[Step], slot: usize) {
        let white = ["", "", " ", "\n  ", "\t\r\n"][self.pick(path, slot, 5) as usize];
        self.out.push_str(white);
    }

    fn string(&mut self, text: &str, path: &[Step], slot: usize) {
        if self.pick(path, slot, 3) > 0 {
            self.out.push_str(&Value::from(text).to_string());
            return;
        }
        self.out.push('"');
        for unit in text.encode_utf16() {
            self.out.push_str(&format!("\\u{unit:04X}"));
        }
        self.out.push('"');
    }

    fn value(&mut self, value: &Value, path: &mut Vec<Step>) {
        if let Some((place, text)) = self.instead
            && place == path.as_slice()
        {
            self.out.push_str(text);
            return;
        }
        match value {
            Value::String(text) => self.string(text, path, 0),
            Value::Array(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.item(item, Step::Index(index), index, path);
                }
                self.white(path, 1);
                self.out.push(']');
            }
            Value::Object(members) => {
                self.out.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    self.item(member, Step::Key(name.clone()), index, path);
                }
                self.white(path, 1);
                self.out.push('}');
            }
            other => self.out.push_str(&other.to_string()),
        }
    }

    fn item(&mut self, item: &Value, step: Step, index: usize, path: &mut Vec<Step>) {
        path.push(step.clone());
        if index > 0 {
            self.white(path, 2);
            self.out.push(',');
        }
        self.white(path, 3);
        if let Step::Key(name) = &step {
            self.string(name, path, 4);
            self.white(path, 5);
            self.out.push(':');
            self.white(path, 6);
        }
        self.value(item, path);
        path.pop();
    }
}

fn spell(document: &Value, seed: u64, instead: Option<(&[Step], &str)>) -> String {
    let mut speller = Speller {
        seed,
        instead,
        out: String::new(),
    };
    speller.white(&[], 7);
    speller.value(document, &mut vec![]);
    speller.white(&[], 8);
    speller.out
}

/// Whether `short` is `long` without one run of bytes.
fn lacks_one_run(short: &str, long: &str) -> bool {
    let prefix = short
        .bytes()
        .zip(long.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let suffix = short
        .bytes()
        .rev()
        .zip(long.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    short.len() <= long.len() && prefix + suffix >= short.len()
}

#[test]
fn many_edits_of_one_object_are_applied_in_one_pass() {
    let members: Vec<(String, Value)> = (0..50_000).map(|n| (format!("k{n}"), Value::from(n))).collect();
    let document = Value::Object(members.iter().cloned().collect());
    let edit = |(name, _): &(String, Value)| {
        let path = vec![Step::Key(name.clone())];
        if name.ends_with('7') {
            Edit::rename(path, format!("new {name}"))
        } else {
            Edit::remove(path)
        }
    };
    let edits: Vec<Edit> = members.iter().rev().map(edit).collect();
    // One search for each edit took 38 s of optimized code.
    let began = Instant::now();
    let edited = text::apply(&document.to_string(), &edits).unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let expected = members.iter().filter(|(name, _)| name.ends_with('7'));
    let expected = Value::Object(
        expected
            .map(|(name, value)| (format!("new {name}"), value.clone()))
            .collect(),
    );
    assert_eq!(serde_json::from_str::<Value>(&edited).unwrap(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_and_tree_become_the_same_document(document in json(), seed: u64, edits in edits()) {
        let spelled = spell(&document, seed, None);
        let mut tree = document;
        let mut list = vec![];
        let (mut failed, mut changed) = (false, false);
        for (choices, op) in edits {
            let edit = Edit { path: path(&tree, &choices), op };
            match value::apply(&mut tree, &edit) {
                Ok(change) => {
                    changed |= change;
                    list.push(edit);
                }
                Err(_) => {
                    // Alone it fails in the text too; what follows goes on without it.
                    let mut until = list.clone();
                    until.push(edit);
                    prop_assert!(text::apply(&spelled, &until).is_err(), "{} {:?}", spelled, until);
                    failed = true;
                }
            }
        }
        let edited = text::apply(&spelled, &list);
        prop_assert!(edited.is_ok(), "{} {:?} {:?} {}", spelled, list, edited, failed);
        let edited = edited.unwrap();
        prop_assert!(changed || edited.is_none(), "{} {:?} {:?}", spelled, list, edited);
        let read: Value = serde_json::from_str(edited.as_deref().unwrap_or(&spelled)).unwrap();
        prop_assert_eq!(read.to_string(), tree.to_string(), "{} {:?} {:?}", spelled, list, edited);
    }

    #[test]
    fn setting_touches_no_byte_outside_the_value(
        document in json(), seed: u64, choices in prop::collection::vec((0..5usize, step()), 1..5), new in json()
    ) {
        let place = path(&document, &choices);
        let spelled = spell(&document, seed, None);
        if value::get(&document, &place) == Some(&new) {
            prop_assert_eq!(text::apply(&spelled, &[Edit::set(place, new)]), Ok(None));
        } else if value::get(&document, &place).is_some() {
            let expected = spell(&document, seed, Some((&place, &new.to_string())));
            let edited = text::apply(&spelled, &[Edit::set(place, new)]).unwrap();
            prop_assert_eq!(edited.unwrap_or(spelled), expected);
        } else if let Ok(Some(edited)) = text::apply(&spelled, &[Edit::set(place, new)]) {
            prop_assert!(lacks_one_run(&spelled, &edited), "{} {}", spelled, edited);
        }
    }

    #[test]
    fn removing_cuts_one_run_of_bytes(
        document in json(), seed: u64, choices in prop::collection::vec((0..5usize, step()), 1..5)
    ) {
        let place = path(&document, &choices);
        let exists = value::get(&document, &place).is_some();
        let spelled = spell(&document, seed, None);
        let edited = text::apply(&spelled, &[Edit::remove(place)]).unwrap();
        prop_assert_eq!(edited.is_some(), exists);
        if let Some(edited) = edited {
            prop_assert!(lacks_one_run(&edited, &spelled), "{} {}", spelled, edited);
        }
    }

    #[test]
    fn text_that_is_no_json_is_an_error_and_never_a_panic(
        text in "[\\[\\]{}:,\"\\\\a1 ]{0,30}", choices in prop::collection::vec(step(), 0..4)
    ) {
        let result = text::apply(&text, &[Edit::set(choices.clone(), 1)]);
        prop_assert!(serde_json::from_str::<Value>(&text).is_ok() || result.is_err());
        let names: Vec<&str> = choices.iter().filter_map(|step| match step {
            Step::Key(name) => Some(name.as_str()),
            Step::Index(_) => None,
        }).collect();
        let _ = super::member::find(text.as_bytes(), &names);
        let _ = super::member::string(text.as_bytes(), &names);
    }

    #[test]
    fn a_member_found_in_the_text_is_the_one_in_the_tree(
        document in json(), seed: u64, names in prop::collection::vec(name(), 0..4)
    ) {
        let spelled = spell(&document, seed, None);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let expected = names.iter().try_fold(&document, |value, name| value.as_object()?.get(*name));
        let found = super::member::find(spelled.as_bytes(), &names);
        let read = found.map(|span| serde_json::from_slice::<Value>(span).unwrap());
        prop_assert_eq!(read.as_ref(), expected);
        let string = super::member::string(spelled.as_bytes(), &names);
        prop_assert_eq!(string.as_deref(), expected.and_then(|value| value.as_str()));
    }
}
