//! Places in a document: JSON pointers (RFC 6901) made of steps, set and removed; JSONPaths (RFC 9535) looked up.

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::error::{Code, Error, Result};

/// One step of a pointer, escaped as RFC 6901 asks.
pub fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// The first step of a pointer, unescaped; `None` for the pointer to the whole document.
pub fn first_step(pointer: &str) -> Option<String> {
    let step = pointer.strip_prefix('/')?.split('/').next()?;
    Some(step.replace("~1", "/").replace("~0", "~"))
}

/// Splits a pointer into its parent and its last step, unescaped.
fn split(pointer: &str) -> Option<(&str, String)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

/// Puts a value where the parent is an object; returns whether it did, and what stood there.
pub fn set(document: &mut Value, pointer: &str, value: Value) -> Option<Option<Value>> {
    let (parent, last) = split(pointer)?;
    let object = document.pointer_mut(parent)?.as_object_mut()?;
    Some(object.insert(last, value))
}

/// Removes a member of an object; returns what stood there. The order of the others stays.
pub fn remove(document: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, last) = split(pointer)?;
    document.pointer_mut(parent)?.as_object_mut()?.shift_remove(&last)
}

/// The pointers of all places that a JSONPath finds in a document.
///
/// # Errors
/// 55000 where the path, which is data of the store, is not a JSONPath.
pub fn find(document: &Value, path: &str) -> Result<Vec<String>> {
    let parsed = JsonPath::parse(path).map_err(|e| {
        Error::new(Code::StoreChanged, format!("\"{path}\" is not a JSONPath: {e}"))
            .hint("see the comments on the store's table subtype")
    })?;
    Ok(parsed
        .query_located(document)
        .locations()
        .map(|l| l.to_json_pointer())
        .collect())
}

/// The smallest document that `jsonb @>` finds wherever `id` stands at a path of names and `[*]`.
/// `None` for other kinds of path.
pub fn containing(path: &str, id: &str) -> Option<Value> {
    let mut document = Value::String(id.to_string());
    for step in path.strip_prefix("$.")?.split('.').rev() {
        let name = match step.strip_suffix("[*]") {
            Some(name) => {
                document = Value::Array(vec![document]);
                name
            }
            None => step,
        };
        if name.is_empty() || name.contains(['[', ']', '*', '?', '\'', '"']) {
            return None;
        }
        document = Value::Object([(name.to_string(), document)].into_iter().collect());
    }
    Some(document)
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
        assert_eq!(
            find(&d, "$.record.inputs[*].dataset_id").unwrap(),
            ["/record/inputs/0/dataset_id", "/record/inputs/2/dataset_id"]
        );
        assert_eq!(find(&d, "not a path").unwrap_err().code, Code::StoreChanged);
    }

    #[test]
    fn containment_follows_names_and_arrays() {
        assert_eq!(
            containing("$.record.inputs[*].dataset_id", "h"),
            Some(json!({"record": {"inputs": [{"dataset_id": "h"}]}}))
        );
        assert_eq!(containing("$..dataset_id", "h"), None);
        assert_eq!(containing("$['@graph'][*].identifier", "h"), None);
    }

    #[test]
    fn steps_are_escaped_and_back() {
        assert_eq!(escape("a/b~c"), "a~1b~0c");
        assert_eq!(first_step("/a~1b~0c/d").as_deref(), Some("a/b~c"));
        assert_eq!(first_step(""), None);
    }
}
