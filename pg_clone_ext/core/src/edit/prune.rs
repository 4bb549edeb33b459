//! Takes out what a removal left empty: FHIR JSON has no empty objects and arrays.

use super::{Edit, EditError, Step, text};
use serde_json::Value;

/// The document without its empty objects and arrays, and without those that become empty so; `None` if it has none.
/// The root stays even if empty.
///
/// # Errors
/// [`EditError::Malformed`] when the text is no JSON.
pub fn empties(document: &str) -> Result<Option<String>, EditError> {
    let value: Value = match serde_json::from_str(document) {
        Ok(value) => value,
        // Let the editor say where it is malformed.
        Err(_) => return text::apply(document, &[Edit::remove([Step::from("")])]),
    };
    let mut edits = Vec::new();
    collect(&value, &mut Vec::new(), &mut edits);
    // From the last to the first, so that an index still means the same element when its turn comes.
    edits.reverse();
    text::apply(document, &edits)
}

/// Whether the value goes away; the topmost of nested empty containers is the one that is removed.
fn collect(value: &Value, path: &mut Vec<Step>, edits: &mut Vec<Edit>) -> bool {
    let before = edits.len();
    let mut kept = 0;
    let mut visit = |step: Step, child: &Value, path: &mut Vec<Step>, edits: &mut Vec<Edit>| {
        path.push(step);
        if collect(child, path, edits) {
            edits.push(Edit::remove(path.iter().cloned()));
        } else {
            kept += 1;
        }
        path.pop();
    };
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(key, child)| visit(Step::from(key.as_str()), child, path, edits)),
        Value::Array(elements) => {
            elements
                .iter()
                .enumerate()
                .for_each(|(index, child)| visit(Step::from(index), child, path, edits));
        }
        _ => return false,
    }
    if kept == 0 && !path.is_empty() {
        edits.truncate(before);
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_empty_goes_with_its_parents() {
        let document = r#"{"a":{},"b":[{"c":{"d":[]}},{"e":1.0},{}],"f":{"g":null},"h":[[],[]]}"#;
        assert_eq!(
            empties(document).unwrap().as_deref(),
            Some(r#"{"b":[{"e":1.0}],"f":{"g":null}}"#)
        );
        assert_eq!(empties(r#"{"a":[1]}"#).unwrap(), None);
        assert_eq!(empties("{}").unwrap(), None);
        assert!(empties("{").is_err());
    }
}
