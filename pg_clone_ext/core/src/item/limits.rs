//! Limits of the size and depth of documents. Every edit, pattern and template is measured while it is applied, so that
//! a short input cannot produce a huge output. Between two steps the caller can interrupt.

use serde_json::Value;

use crate::error::{Error, Result};

/// Bytes of JSON that one item may have, and that the edits of one call may have.
pub const DOCUMENT: usize = 16 << 20;
/// Bytes that the edits of one document may copy from place to place, all operations together.
pub const COPIED: usize = 4 * DOCUMENT;
/// Levels of nesting that a document may have.
pub const DEPTH: usize = 100;
/// Bytes of a title pattern.
pub const TITLE: usize = 1_000;
/// Bytes of a text made from a storage template.
pub const LOCATION: usize = 4_096;

/// Called between two steps; it does not return if the statement was cancelled.
pub type Interrupt<'a> = &'a dyn Fn();

/// For callers that cannot be interrupted: tests, and work that is bounded already.
pub fn never() {}

/// Approximate size of the value as JSON text in bytes; never less than its strings and numbers.
pub fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => {
            members
                .iter()
                .map(|(name, member)| name.len() + size(member) + 4)
                .sum::<usize>()
                + 2
        }
    }
}

/// Levels of arrays and objects; 0 for a plain value.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Refuses a number of bytes over the limit of a document (22023). `what` is the subject of the message.
pub fn check_size(what: &str, bytes: usize) -> Result<()> {
    if bytes <= DOCUMENT {
        return Ok(());
    }
    Err(
        Error::bad_argument(format!("{what} would be larger than {DOCUMENT} bytes"))
            .hint("Put large content into a file, not into the item."),
    )
}

/// Refuses levels over the limit of a document (22023).
pub fn check_depth(what: &str, levels: usize) -> Result<()> {
    if levels <= DEPTH {
        return Ok(());
    }
    Err(
        Error::bad_argument(format!("{what} would be nested deeper than {DEPTH} levels"))
            .hint("Flatten the document."),
    )
}

/// Reads JSON that a user gave.
///
/// # Errors
/// 22023 over [`DOCUMENT`] bytes, over [`DEPTH`] levels, or where it is not JSON. `what` names the argument.
pub fn parse(what: &str, text: &str) -> Result<Value> {
    check_size(what, text.len())?;
    let value = crate::depth::parse_shallow(text).map_err(|error| {
        Error::bad_argument(format!("{what} cannot be read: {error}"))
            .hint(format!("{what} takes JSON of at most {DEPTH} levels."))
    })?;
    check_depth(what, depth(&value))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn size_and_depth_grow_with_the_value() {
        let value = json!({"a": [1, "xyz", {"b": null}]});
        assert_eq!(depth(&value), 3);
        let text = value.to_string().len();
        assert!((text..text + 20).contains(&size(&value)), "{}", size(&value));
    }

    #[test]
    fn what_is_too_deep_or_too_long_or_no_json_is_refused() {
        let deep = format!("{}1{}", "[".repeat(101), "]".repeat(101));
        let far_too_deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let long = format!("\"{}\"", "x".repeat(DOCUMENT));
        for text in [deep.as_str(), &far_too_deep, &long, "{", "nil"] {
            let error = parse("edits", text).unwrap_err();
            assert_eq!(error.code.sqlstate(), "22023");
            assert!(error.message.starts_with("edits "), "{}", error.message);
        }
        assert_eq!(parse("edits", "[[1]]").unwrap(), json!([[1]]));
    }
}
