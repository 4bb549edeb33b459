//! The expected values of a clone, computed by a simple independent algorithm: character by character, without code of the
//! extension.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Length of a UUID's text.
const LEN: usize = 36;

/// The map from ids of the source to ids of the clone.
#[derive(Debug, Default)]
pub struct Ids {
    /// Resources and their versions, in lower case.
    pub new: HashMap<String, String>,
}

impl Ids {
    /// Every id of the source in a text, replaced by the clone's.
    /// A `/_history/<version>` after an id is removed if that version was not cloned.
    pub fn rewrite(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            match uuid_at(rest).and_then(|id| Some((id, self.new.get(&id.to_lowercase())?))) {
                Some((id, new)) => {
                    let upper = id.chars().any(|c| c.is_ascii_uppercase());
                    out.push_str(&if upper { new.to_uppercase() } else { new.clone() });
                    rest = &rest[LEN..];
                    if let Some(version) = rest.strip_prefix("/_history/").and_then(uuid_at)
                        && !self.new.contains_key(&version.to_lowercase())
                    {
                        rest = &rest["/_history/".len() + LEN..];
                    }
                }
                _ => {
                    out.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        out
    }

    /// A document of the clone. Strings that the server hashes into token columns stay.
    pub fn rewrite_document(&self, document: &Value) -> Value {
        self.rewrite_member(document, "", "")
    }

    fn rewrite_member(&self, value: &Value, owner: &str, key: &str) -> Value {
        match value {
            Value::String(text) if is_hashed(owner, key) => Value::String(text.clone()),
            Value::String(text) => Value::String(self.rewrite(text)),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.rewrite_member(item, owner, key))
                    .collect(),
            ),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| (self.rewrite(name), self.rewrite_member(member, key, name)))
                    .collect::<Map<String, Value>>(),
            ),
            other => other.clone(),
        }
    }

    /// Ids of the source in a text, in lower case, at a boundary or not.
    pub fn named_in<'t>(&self, text: &'t str) -> Vec<&'t str> {
        text.char_indices()
            .filter_map(|(at, _)| uuid_at(&text[at..]))
            .filter(|id| self.new.contains_key(&id.to_lowercase()))
            .collect()
    }

    /// Paths of the strings in a value that name a source id: `identifier.value`, without array indexes.
    pub fn paths_naming(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_paths(value, "", &mut found);
        found
    }

    fn collect_paths(&self, value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::String(text) if !self.named_in(text).is_empty() => {
                found.push(path.trim_start_matches('.').to_owned())
            }
            Value::Array(items) => items
                .iter()
                .for_each(|item| self.collect_paths(item, path, found)),
            Value::Object(members) => {
                for (name, member) in members {
                    if !self.named_in(name).is_empty() {
                        found.push(format!("{path}.(key)"));
                    }
                    self.collect_paths(member, &format!("{path}.{name}"), found);
                }
            }
            _ => {}
        }
    }
}

/// Whether the server derives something from the string under `key` of the object under `owner`: a hash, an order, a row
/// of a table of its own.
fn is_hashed(owner: &str, key: &str) -> bool {
    let is_identifier = owner == "identifier" || owner.ends_with("Identifier");
    let is_coding = matches!(owner, "coding" | "tag" | "security" | "class") || owner.ends_with("Coding");
    match key {
        "value" => is_identifier || owner == "telecom",
        "system" => is_identifier || is_coding,
        "code" | "display" => is_coding || owner == "concept",
        "text" => !matches!(owner, "" | "note" | "item" | "dosageInstruction"),
        "family" | "given" => owner == "name",
        "city" | "line" => owner == "address",
        _ => false,
    }
}

/// The UUID at the beginning of a text.
fn uuid_at(text: &str) -> Option<&str> {
    let id = text.get(..LEN)?;
    let ok = id.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    ok.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "35f1dbf7-3a18-485a-8785-1890ae507703";
    const NEW: &str = "01900000-0000-7000-8000-00000000000a";

    fn ids() -> Ids {
        Ids {
            new: HashMap::from([(OLD.to_owned(), NEW.to_owned())]),
        }
    }

    #[test]
    fn ids_that_are_whole_are_rewritten() {
        assert_eq!(
            ids().rewrite(&format!("a Patient/{OLD}#x é{OLD} x{OLD} {OLD}0 7{OLD}")),
            format!("a Patient/{NEW}#x é{NEW} x{NEW} {NEW}0 7{NEW}")
        );
        assert_eq!(ids().rewrite(&OLD.to_uppercase()), NEW.to_uppercase());
    }

    #[test]
    fn a_version_that_is_not_known_goes_away() {
        let other = "99999999-3a18-485a-8785-1890ae507703";
        assert_eq!(
            ids().rewrite(&format!("P/{OLD}/_history/{other}|x")),
            format!("P/{NEW}|x")
        );
        assert_eq!(
            ids().rewrite(&format!("P/{OLD}/_history/{OLD}")),
            format!("P/{NEW}/_history/{NEW}")
        );
    }
}
