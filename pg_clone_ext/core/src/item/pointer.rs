//! Places in a document: JSON pointers (RFC 6901) to set and remove members, and JSONPaths (RFC 9535) to find values.

use std::fmt;

use crate::depth::DepthError;
use crate::edit::Step;
use crate::error::Result;
use crate::json_path::JsonPath;
use jsonptr::{Pointer, PointerBuf, Token};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The pointer to a member of the document.
pub fn of_field(field: &str) -> String {
    PointerBuf::from_tokens([field]).to_string()
}

/// The pointer to a member of the value at another pointer.
pub fn child(parent: &str, field: &str) -> String {
    format!("{parent}{}", of_field(field))
}

/// Appends a step to a pointer.
pub fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    match step.contains(['~', '/']) {
        true => pointer.push_str(&step.replace('~', "~0").replace('/', "~1")),
        false => pointer.push_str(step),
    }
}

/// The pointer to a place.
fn of_steps(place: &[Step]) -> String {
    PointerBuf::from_tokens(place.iter().map(|step| match step {
        Step::Key(name) => Token::from(name.as_str()),
        Step::Index(index) => Token::from(*index),
    }))
    .to_string()
}

/// The first step of a pointer, unescaped; `None` for the pointer to the whole document.
pub fn first_step(pointer: &str) -> Option<String> {
    let first = Pointer::parse(pointer).ok()?.first()?;
    Some(first.decoded().into_owned())
}

/// Whether a text is a JSON pointer to something inside the document.
pub fn is_to_member(text: &str) -> bool {
    Pointer::parse(text).is_ok_and(|pointer| !pointer.is_root())
}

/// How many steps a pointer has.
pub fn steps(pointer: &str) -> usize {
    Pointer::parse(pointer).map_or(0, Pointer::count)
}

/// Sets a member if the parent is an object; returns whether it did, and the old value.
pub fn set(document: &mut Value, pointer: &str, value: Value) -> Option<Option<Value>> {
    let (parent, last) = Pointer::parse(pointer).ok()?.split_back()?;
    let object = parent.resolve_mut(document).ok()?.as_object_mut()?;
    Some(object.insert(last.decoded().into_owned(), value))
}

/// Removes a member of an object; returns its value. The order of the others does not change.
pub fn remove(document: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, last) = Pointer::parse(pointer).ok()?.split_back()?;
    let object = parent.resolve_mut(document).ok()?.as_object_mut()?;
    object.shift_remove(last.decoded().as_ref())
}

/// A JSONPath, parsed once.
#[derive(Clone)]
pub struct Path {
    text: String,
    parsed: JsonPath,
}

impl Path {
    /// Parses a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        match JsonPath::parse(text) {
            Ok(parsed) => Ok(Path {
                text: text.to_owned(),
                parsed,
            }),
            Err(error) => Err(format!(
                "\"{text}\" is not a JSONPath: {} at character {}",
                error.message,
                text.bytes()
                    .take(error.position)
                    .filter(|byte| !(0x80..0xc0).contains(byte))
                    .count()
                    + 1
            )),
        }
    }

    /// The pointers of all places that it finds in a document.
    ///
    /// # Errors
    /// 54001 for too many.
    pub fn find(&self, document: &Value) -> Result<Vec<String>> {
        let places = self.parsed.places(document).map_err(DepthError::error)?;
        Ok(places.iter().map(|place| of_steps(place)).collect())
    }

    /// The strings that it finds in a document.
    pub fn strings<'v>(&self, document: &'v Value) -> impl Iterator<Item = &'v str> {
        let mut found = Vec::new();
        self.parsed
            .each(document, &mut |value| found.extend(value.as_str()));
        found.into_iter()
    }

    /// The smallest document for which `jsonb @>` finds all documents with `value` at this path, if the path has only names and `[*]`.
    pub fn containing(&self, value: &str) -> Option<Value> {
        let mut document = Value::String(value.to_string());
        for step in self.parsed.names()?.into_iter().rev() {
            document = match step {
                None => Value::Array(vec![document]),
                Some(name) => Value::Object([(name.to_string(), document)].into_iter().collect()),
            };
        }
        Some(document)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Path::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sets_only_where_the_parent_exists() {
        let mut d = json!({"a": {"x": 1}});
        assert_eq!(set(&mut d, "/a/y", json!(0)), Some(None));
        assert_eq!(set(&mut d, "/a/x", json!(false)), Some(Some(json!(1))));
        assert_eq!(set(&mut d, "/b/x", json!(2)), None);
        assert_eq!(d, json!({"a": {"x": false, "y": 0}}));
    }

    #[test]
    fn removing_keeps_the_order_of_the_rest() {
        let mut d = json!({"a": 1, "b": 2, "c": 3, "d": 4});
        assert_eq!(remove(&mut d, "/b"), Some(json!(2)));
        assert_eq!(d.to_string(), r#"{"a":1,"c":3,"d":4}"#);
    }

    #[test]
    fn finds_every_place_of_a_path() {
        let d = json!({"record": {"inputs": [{"dataset_id": "x"}, {}, {"dataset_id": "y"}]}});
        let path = Path::parse("$.record.inputs[*].dataset_id").unwrap();
        assert_eq!(
            path.find(&d).unwrap(),
            ["/record/inputs/0/dataset_id", "/record/inputs/2/dataset_id"]
        );
        assert_eq!(path.strings(&d).collect::<Vec<_>>(), ["x", "y"]);
        assert!(Path::parse("not a path").unwrap_err().contains("\"not a path\""));
    }

    #[test]
    fn containment_follows_names_and_arrays() {
        let containing = |path: &str| Path::parse(path).unwrap().containing("h");
        assert_eq!(
            containing("$.record.inputs[*].dataset_id"),
            Some(json!({"record": {"inputs": [{"dataset_id": "h"}]}}))
        );
        assert_eq!(containing("$..dataset_id"), None);
        assert_eq!(
            containing("$['@graph'][*].identifier"),
            Some(json!({"@graph": [{"identifier": "h"}]}))
        );
    }

    #[test]
    fn steps_are_escaped_and_back() {
        assert_eq!(of_field("a/b~c"), "/a~1b~0c");
        assert_eq!(child("/x", "a/b"), "/x/a~1b");
        let mut pushed = "/x".to_owned();
        push(&mut pushed, "a/b~c");
        assert_eq!(pushed, child("/x", "a/b~c"));
        assert_eq!(first_step("/a~1b~0c/d").as_deref(), Some("a/b~c"));
        assert!(is_to_member("/a~1b/0") && is_to_member("/"));
        for wrong in ["", "a", "$.a", "/a~2", "a/b"] {
            assert!(!is_to_member(wrong), "{wrong}");
        }
        assert_eq!((first_step(""), steps(""), steps("/a/b")), (None, 0, 2));
    }
}
