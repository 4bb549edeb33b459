//! Keys at a JSONPath of a document, and the edits that replace them.

use crate::depth::DepthError;
use crate::edit::value::apply;
use crate::edit::{Edit, EditOp, Step, value};
use crate::error::Error;
use crate::interrupt;
use crate::json_path::JsonPath;
use serde_json::{Number, Value};
use std::collections::{HashMap, HashSet};

/// What stands in the place of a key in a masked document.
pub const MASKED: &str = "\u{1}key";

/// Digits of the largest 64-bit integer.
const DIGITS: usize = 19;

/// A JSONPath (RFC 9535). With a `~` at its end it means the names of the members it finds, not their values.
pub struct DocumentPath {
    path: JsonPath,
    names: bool,
}

impl DocumentPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (path, names) = match text.strip_suffix('~') {
            Some(path) => (path, true),
            None => (text, false),
        };
        JsonPath::parse(path)
            .map(|path| DocumentPath { path, names })
            .map_err(|error| error.message)
    }

    /// Reads the path of a declared reference of a column.
    ///
    /// # Errors
    /// 22023: somebody wrote it into the catalog, because clone.store_reference() refuses it.
    pub fn of_column(column: &str, text: &str) -> crate::error::Result<Self> {
        Self::parse(text).map_err(|error| {
            Error::bad_argument(format!(
                "the path \"{text}\" of column {column} cannot be read: {error}"
            ))
            .hint("Correct it in clone.store_reference: it is a JSONPath as RFC 9535 defines it, such as $.patient.id.")
        })
    }

    /// Calls `each` with the text of every key at this path: strings, numbers, or names of members.
    ///
    /// # Errors
    /// [`DepthError::TooManyPlaces`].
    pub fn each_key(&self, document: &Value, each: &mut dyn FnMut(&str)) -> Result<(), DepthError> {
        let mut places = self.path.places(document)?;
        interrupt::sort_by(&mut places, Ord::cmp);
        for place in places {
            interrupt::check();
            match (self.names, place.last(), value::get(document, &place)) {
                (true, Some(Step::Key(name)), _) => each(name),
                (false, _, Some(Value::String(text))) => each(text),
                (false, _, Some(Value::Number(number))) => each(&number_text(number)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The keys at this path, the last in the document first, so that renaming a member does not move the others.
    ///
    /// # Errors
    /// [`DepthError::TooManyPlaces`].
    pub fn keys(&self, document: &Value) -> Result<Vec<KeyAt>, DepthError> {
        let mut places = self.path.places(document)?;
        interrupt::sort_by(&mut places, |a, b| b.cmp(a));
        let mut steps = interrupt::Steps::default();
        Ok(places
            .into_iter()
            .filter_map(|place| {
                steps.step();
                self.key(document, place)
            })
            .collect())
    }

    /// Puts [`MASKED`] in the place of every key at this path. Names of members stay different.
    ///
    /// # Errors
    /// [`DepthError::TooManyPlaces`].
    pub fn mask(&self, document: &mut Value) -> Result<(), DepthError> {
        for (number, key) in self.keys(document)?.into_iter().enumerate() {
            let edit = match key.kind {
                Kind::Name => Edit::rename(key.place, format!("{MASKED}{number}")),
                Kind::Text | Kind::Number => Edit::set(key.place, MASKED),
            };
            // A member that a name of this path led to has another name now.
            drop(apply(document, &edit));
        }
        Ok(())
    }

    fn key(&self, document: &Value, place: Vec<Step>) -> Option<KeyAt> {
        let (text, kind) = if self.names {
            match place.last()? {
                Step::Key(name) => (name.clone(), Kind::Name),
                Step::Index(_) => return None,
            }
        } else {
            match value::get(document, &place)? {
                Value::String(text) => (text.clone(), Kind::Text),
                Value::Number(number) => (number_text(number), Kind::Number),
                _ => return None,
            }
        };
        Some(KeyAt { place, text, kind })
    }
}

/// A number as a key spells it: `2` for `2.0` and `2e0`, which are the same number.
fn number_text(number: &Number) -> String {
    let text = number.to_string();
    whole_number(&text).unwrap_or(text)
}

/// The digits of a decimal number that is whole and fits a 64-bit integer.
fn whole_number(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let exponent: usize = exponent.parse().ok().filter(|zeros| *zeros < DIGITS)?;
    let zeros = exponent.checked_sub(fraction.len())?;
    let number: i64 = format!("{sign}{whole}{fraction}{}", "0".repeat(zeros))
        .parse()
        .ok()?;
    Some(number.to_string())
}

/// The names of the members of each object in which a member's name is a key.
pub type Members = HashMap<Vec<Step>, HashSet<String>>;

/// Adds the names of the members of those objects.
pub fn members_beside(document: &Value, keys: &[KeyAt], members: &mut Members) {
    for key in keys {
        let (Kind::Name, Some((_, parent))) = (&key.kind, key.place.split_last()) else {
            continue;
        };
        if !members.contains_key(parent)
            && let Some(object) = value::get(document, parent).and_then(Value::as_object)
        {
            members.insert(parent.to_vec(), object.keys().cloned().collect());
        }
    }
}

/// A name that two members of one object would have after these edits of names.
pub fn name_of_two<'e>(edits: &'e [Edit], members: &Members) -> Option<&'e str> {
    let mut given: HashSet<(&[Step], &str)> = HashSet::new();
    edits.iter().find_map(|edit| {
        let (EditOp::Rename(new), Some((Step::Key(old), parent))) = (&edit.op, edit.path.split_last()) else {
            return None;
        };
        let taken = new != old && members.get(parent).is_some_and(|names| names.contains(new));
        (taken || !given.insert((parent, new))).then_some(new.as_str())
    })
}

/// A key in a document.
pub struct KeyAt {
    place: Vec<Step>,
    /// Its text.
    pub text: String,
    kind: Kind,
}

enum Kind {
    Name,
    Text,
    Number,
}

impl KeyAt {
    /// The edit that replaces it. A number remains a number if its new value is one.
    pub fn becomes(self, new: String) -> Edit {
        match self.kind {
            Kind::Name => Edit::rename(self.place, new),
            Kind::Text => Edit::set(self.place, new),
            Kind::Number => {
                let new = new.parse().map_or(Value::String(new), Value::Number);
                Edit::set(self.place, new)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_numbers_are_one_key() {
        for (text, key) in [
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("7.0", Some("7")),
            ("7.00e0", Some("7")),
            ("7e2", Some("700")),
            ("0.7E+1", Some("7")),
            ("-0", Some("0")),
            ("7.5", None),
            ("70e-1", None),
            ("1e400", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(whole_number(text).as_deref(), key, "{text}");
        }
    }

    fn edited(path: &str, mut document: Value) -> Value {
        for key in DocumentPath::parse(path).unwrap().keys(&document).unwrap() {
            if key.text != "7" {
                let new = format!("{}0", key.text);
                apply(&mut document, &key.becomes(new)).unwrap();
            }
        }
        document
    }

    #[test]
    fn numbers_stay_numbers_and_texts_texts() {
        assert_eq!(
            edited(
                "$.items[*].id",
                json!({"id": 1, "items": [{"id": 1}, {"id": "2"}, {"id": 7}, {"id": null}]})
            ),
            json!({"id": 1, "items": [{"id": 10}, {"id": "20"}, {"id": 7}, {"id": null}]})
        );
    }

    #[test]
    fn a_tilde_means_the_names_of_members() {
        assert_eq!(
            edited("$.by.*~", json!({"by": {"1": "left", "7": "x"}, "1": 1})),
            json!({"by": {"10": "left", "7": "x"}, "1": 1})
        );
        assert!(DocumentPath::parse("by[").is_err());
    }

    #[test]
    fn masked_keys_are_all_the_same() {
        let masked = |path: &str, mut document: Value| {
            DocumentPath::parse(path).unwrap().mask(&mut document).unwrap();
            document
        };
        assert_eq!(
            masked(
                "$.all[*].u",
                json!({"all": [{"u": 1}, {"u": "2"}, {"u": null}], "u": 3})
            ),
            json!({"all": [{"u": MASKED}, {"u": MASKED}, {"u": null}], "u": 3})
        );
        let names = masked("$.by.*~", json!({"by": {"1": "left", "7": "x"}, "1": 1}));
        let by = names["by"].as_object().unwrap();
        assert!(
            by.len() == 2 && by.keys().all(|name| name.starts_with(MASKED)),
            "{names}"
        );
        assert_eq!(names["1"], 1);
    }
}
