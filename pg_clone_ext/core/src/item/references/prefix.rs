//! Texts that precede ids in references: `https://hdl.handle.net/10378.1/7` names item `10378.1/7`, and where ids are stored with a
//! scheme, `https://doi.org/10.1/x` and `10.1/x` may name item `doi:10.1/x`.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use super::serialised::Handles;

/// A text that may stand in a reference in place of the beginning of an id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    /// The text in a reference; empty: nothing.
    pub prefix: String,
    /// The beginning of the id that it replaces; empty: the text precedes the whole id.
    pub id_prefix: String,
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str =
            "a prefix is a text, or {\"prefix\": text in a reference, \"id_prefix\": text in the id}";
        match Value::deserialize(deserializer)? {
            Value::String(prefix) => Ok(Prefix {
                prefix,
                id_prefix: String::new(),
            }),
            Value::Object(mut members) => {
                let mut text = |name: &str| match members.remove(name) {
                    Some(Value::String(text)) => Ok(text),
                    _ => Err(D::Error::custom(EXPECTED)),
                };
                let (prefix, id_prefix) = (text("prefix")?, text("id_prefix")?);
                match members.is_empty() {
                    true => Ok(Prefix { prefix, id_prefix }),
                    false => Err(D::Error::custom(EXPECTED)),
                }
            }
            _ => Err(D::Error::custom(EXPECTED)),
        }
    }
}

/// How a value spells an id.
fn spelling<'p>(prefixes: &'p [Prefix], value: &str) -> Option<&'p Prefix> {
    let longest = prefixes
        .iter()
        .filter(|p| !p.prefix.is_empty() && value.starts_with(p.prefix.as_str()))
        .max_by_key(|p| p.prefix.len());
    // An id as it is stored: nothing is replaced.
    let whole = prefixes
        .iter()
        .filter(|p| !p.id_prefix.is_empty() && value.starts_with(p.id_prefix.as_str()))
        .map(|p| p.id_prefix.len())
        .max();
    match (longest, whole) {
        (Some(found), Some(whole)) if whole > found.prefix.len() => None,
        (Some(found), _) => Some(found),
        (None, Some(_)) => None,
        (None, None) => prefixes
            .iter()
            .find(|p| p.prefix.is_empty() && !p.id_prefix.is_empty()),
    }
}

/// The id that a value names.
pub fn id_of<'v>(prefixes: &[Prefix], value: &'v str) -> Cow<'v, str> {
    let Some(found) = spelling(prefixes, value) else {
        return Cow::Borrowed(value);
    };
    let rest = value.get(found.prefix.len()..).unwrap_or(value);
    match found.id_prefix.is_empty() {
        true => Cow::Borrowed(rest),
        false => Cow::Owned(format!("{}{rest}", found.id_prefix)),
    }
}

/// The value that names the clone in the same spelling; `None` if the item is not in the set. A handle that the spelling cannot
/// express is written as it is.
pub fn renamed(prefixes: &[Prefix], value: &str, handles: &Handles) -> Option<String> {
    let new = handles.get(&id_of(prefixes, value))?;
    let Some(found) = spelling(prefixes, value) else {
        return Some(new.to_owned());
    };
    let spelled = new
        .strip_prefix(found.id_prefix.as_str())
        .map(|rest| format!("{}{rest}", found.prefix));
    Some(spelled.unwrap_or_else(|| new.to_owned()))
}

/// Every value that names an item.
pub fn spellings<'s>(prefixes: &'s [Prefix], id: &'s str) -> impl Iterator<Item = Cow<'s, str>> {
    let others = prefixes.iter().filter_map(move |p| {
        let rest = id.strip_prefix(p.id_prefix.as_str())?;
        Some(Cow::Owned(format!("{}{rest}", p.prefix)))
    });
    std::iter::once(Cow::Borrowed(id)).chain(others)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(prefixes: Value) -> Vec<Prefix> {
        serde_json::from_value(prefixes).unwrap()
    }

    fn after(prefixes: &[Prefix], value: &str) -> Option<String> {
        let pairs = [
            ("doi:10.1/x", "doi:10.1/y"),
            ("10.2/x", "10.2/y"),
            ("doi:10.3/x", "hdl:1"),
        ];
        let handles = Handles::new(pairs.map(|(old, new)| (old.to_owned(), new.to_owned())));
        renamed(prefixes, value, &handles)
    }

    #[test]
    fn ids_with_a_scheme_are_named_by_address_by_scheme_and_without() {
        let doi = read(
            json!([{"prefix": "https://doi.org/", "id_prefix": "doi:"}, {"prefix": "", "id_prefix": "doi:"}]),
        );
        for (value, clone) in [
            ("doi:10.1/x", Some("doi:10.1/y")),
            ("https://doi.org/10.1/x", Some("https://doi.org/10.1/y")),
            ("10.1/x", Some("10.1/y")),
            // The new handle has another scheme.
            ("https://doi.org/10.3/x", Some("hdl:1")),
            ("https://doi.org/doi:10.1/x", None),
            ("https://example.org/10.1/x", None),
            ("doi:10.1/x/1", None),
            ("", None),
        ] {
            assert_eq!(after(&doi, value).as_deref(), clone, "{value}");
        }
        assert_eq!(
            spellings(&doi, "doi:10.1/x").collect::<Vec<_>>(),
            ["doi:10.1/x", "https://doi.org/10.1/x", "10.1/x"]
        );
        assert_eq!(spellings(&doi, "other").collect::<Vec<_>>(), ["other"]);
    }

    #[test]
    fn bare_ids_are_named_with_a_scheme() {
        let bare = read(json!(["doi:", "https://doi.org/", "https://doi.org/doi:"]));
        for value in [
            "10.2/",
            "doi:10.2/",
            "https://doi.org/10.2/",
            "https://doi.org/doi:10.2/",
        ] {
            assert_eq!(
                after(&bare, &format!("{value}x")),
                Some(format!("{value}y")),
                "{value}"
            );
        }
    }

    #[test]
    fn what_is_no_prefix_is_an_error() {
        for wrong in [
            json!([7]),
            json!([{"prefix": "a"}]),
            json!([{"prefix": "a", "id_prefix": 1}]),
            json!([{"prefix": "a", "id_prefix": "b", "more": 1}]),
        ] {
            let error = serde_json::from_value::<Vec<Prefix>>(wrong.clone()).unwrap_err();
            assert!(error.to_string().contains("id_prefix"), "{wrong}: {error}");
        }
    }
}
