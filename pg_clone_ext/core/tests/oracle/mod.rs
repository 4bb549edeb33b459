//! The rewriter again, naively: a tree, regular expressions, one string at a time. What it says is what the fast one
//! must do.

use pg_clone_core::ids::{Id, uuid_text};
use pg_clone_core::rewrite::Dangling;
use regex::Regex;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

const UUID: &str =
    "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32}";

fn regex(pattern: &str) -> Regex {
    Regex::new(&pattern.replace("UUID", UUID)).unwrap()
}

static ID: LazyLock<Regex> = LazyLock::new(|| regex("(?:UUID)"));
static HISTORY: LazyLock<Regex> = LazyLock::new(|| regex(r"^(/_history/)([A-Za-z0-9.-]+)"));
static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
    let url = r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s?#"'<>|,;()]*?/"#;
    let history = r"(?:/_history/[A-Za-z0-9.-]{0,63}[A-Za-z0-9-])?";
    regex(&format!(
        r"^(?:(?i:urn:uuid:)|{url}|(?:[A-Z][A-Za-z]+/)?)(UUID){history}(?:#\S*)?$"
    ))
});

/// Source id → the clone's id, or `None` where it is left.
pub type Map = HashMap<Id, Option<Id>>;

#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub struct KeyStatistics {
    pub rewritten: u64,
    pub dangling: u64,
    pub unversioned: u64,
    pub dropped: u64,
}

pub struct Oracle<'a> {
    pub map: &'a Map,
    pub dangling: Dangling,
    pub key_statistics: KeyStatistics,
}

impl Oracle<'_> {
    /// The rewritten document; `None` when it is a dangling reference as a whole.
    pub fn value(&mut self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::String(text) => {
                let new = self.string(text);
                let is_left = |found: &str| self.map.get(&id(found)) == Some(&None);
                // The first id that ends a reference: one behind it is its version.
                let whole = WHOLE
                    .captures(text)
                    .and_then(|found| found.get(1))
                    .is_some_and(|found| {
                        is_left(found.as_str()) && !text[..found.start()].ends_with("/_history/")
                    });
                if whole && matches!(self.dangling, Dangling::Null | Dangling::Remove) {
                    self.key_statistics.dropped += 1;
                    return None;
                }
                Value::String(new)
            }
            Value::Array(elements) => elements
                .iter()
                .filter_map(|element| self.member(element))
                .collect(),
            Value::Object(members) => {
                let mut new = serde_json::Map::new();
                for (key, value) in members {
                    let key = self.string(key);
                    if let Some(value) = self.member(value) {
                        new.insert(key, value);
                    }
                }
                Value::Object(new)
            }
            other => other.clone(),
        })
    }

    fn member(&mut self, value: &Value) -> Option<Value> {
        let new = self.value(value);
        if self.dangling == Dangling::Remove {
            new
        } else {
            Some(new.unwrap_or(Value::Null))
        }
    }

    fn string(&mut self, text: &str) -> String {
        let mut out = String::new();
        let (mut copied, mut from) = (0, 0);
        while let Some(found) = ID.find_at(text, from) {
            let after = &text[found.end()..];
            let target = self.map.get(&id(found.as_str()));
            let Some(target) = target else {
                from = found.start() + 1;
                continue;
            };
            from = found.end();
            let version = version(after);
            let version_target = version.and_then(|version| match ID.find(version) {
                Some(found) if found.as_str() == version => self.map.get(&id(version)),
                _ => None,
            });
            let end = version.map(|version| found.end() + "/_history/".len() + version.len());
            match target {
                None => {
                    self.key_statistics.dangling += 1;
                    if let (Some(end), Some(None)) = (end, version_target) {
                        from = end;
                    }
                }
                Some(new) => {
                    self.key_statistics.rewritten += 1;
                    out.push_str(&text[copied..found.start()]);
                    let new = match found.as_str().contains('-') {
                        true => uuid_text::to_string(new),
                        false => uuid_text::to_string(new).replace('-', ""),
                    };
                    let is_upper = !found.as_str().contains(|c: char| c.is_ascii_lowercase())
                        && found.as_str().contains(|c: char| c.is_ascii_uppercase());
                    out.push_str(&if is_upper { new.to_uppercase() } else { new });
                    if let (Some(end), None | Some(None)) = (end, version_target) {
                        self.key_statistics.unversioned += 1;
                        from = end;
                    }
                    copied = from;
                }
            }
        }
        out + &text[copied..]
    }
}

fn id(text: &str) -> Id {
    uuid_text::parse_plain(text.replace('-', "").as_bytes()).unwrap()
}

/// The version named at the beginning.
fn version(after: &str) -> Option<&str> {
    let found = HISTORY.captures(after)?;
    let rest = &after[found[0].len()..];
    let version = found.get(2).unwrap().as_str().trim_end_matches('.');
    let fits = !version.is_empty() && version.len() <= 64;
    (fits && !rest.starts_with('_')).then_some(version)
}
