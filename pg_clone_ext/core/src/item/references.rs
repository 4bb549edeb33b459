//! References of items to items: which there are, and those among the items of a set rewritten to their clones.
//!
//! A reference stands where the subtype's rules say, as a bare handle; or anywhere in a text that is JSON itself.
//! Free text (descriptions, user metadata) may mention handles and is left alone.

use std::collections::HashMap;

use serde_json::Value;

use super::pointer;
use super::serialised;
use super::subtype::Subtype;
use crate::error::Result;

/// One reference in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'s> {
    /// JSON pointer to it.
    pub pointer: String,
    /// The handle that stands there.
    pub target: String,
    /// Subtypes that may stand there; empty: any.
    pub subtypes: &'s [String],
}

/// The references of a document to other items.
///
/// # Errors
/// 55000 where a path of the subtype's rules is not a JSONPath.
pub fn find<'s>(subtype: &'s Subtype, document: &Value) -> Result<Vec<Found<'s>>> {
    let mut found = Vec::new();
    for reference in subtype.references.iter().filter(|r| !r.own) {
        for pointer in pointer::find(document, &reference.path)? {
            if let Some(target) = document.pointer(&pointer).and_then(Value::as_str) {
                found.push(Found {
                    target: target.to_string(),
                    pointer,
                    subtypes: &reference.subtypes,
                });
            }
        }
    }
    Ok(found)
}

/// Rewrites the references to items of the set (old handle → new handle). Returns how many values changed.
///
/// # Errors
/// 55000 where a path of the subtype's rules is not a JSONPath.
pub fn rewrite(subtype: &Subtype, document: &mut Value, map: &HashMap<String, String>) -> Result<usize> {
    let mut changed = 0;
    for path in subtype.references.iter().map(|r| &r.path) {
        for pointer in pointer::find(document, path)? {
            if let Some(Value::String(id)) = document.pointer_mut(&pointer)
                && let Some(new) = map.get(id.as_str())
            {
                id.clone_from(new);
                changed += 1;
            }
        }
    }
    for path in &subtype.embedded {
        for pointer in pointer::find(document, path)? {
            if let Some(Value::String(text)) = document.pointer_mut(&pointer)
                && let Some(new) = serialised::rewrite(text, map)
            {
                *text = new;
                changed += 1;
            }
        }
    }
    Ok(changed)
}

/// The documents that `jsonb @>` finds in the items of a subtype which name one of these ids.
pub fn needles(subtype: &Subtype, ids: &[String]) -> Vec<Value> {
    let paths = subtype.references.iter().filter(|r| !r.own);
    paths
        .flat_map(|r| ids.iter().filter_map(|id| pointer::containing(&r.path, id)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run() -> Subtype {
        Subtype::from_row(
            json!({"name": "MODEL_RUN", "category": "ACTIVITY", "cloneable": "set", "versionable": false,
            "json_schema": {}, "default_access": [], "item_roles": [], "embedded": ["$.prov"],
            "references": [{"path": "$.record.inputs[*].dataset_id", "subtypes": ["DATASET"]},
                           {"path": "$.record.study_id", "subtypes": ["STUDY"]},
                           {"path": "$.meta.identifier", "own": true}]}),
        )
        .unwrap()
    }

    fn document() -> Value {
        json!({"record": {"inputs": [{"dataset_id": "h/1"}, {"dataset_id": "h/2"}], "study_id": "h/3",
                          "description": "h/1"},
               "meta": {"identifier": "h/9"}, "prov": "{\"h/1\": 0}", "user_metadata": {"see": "h/1"}})
    }

    #[test]
    fn finds_references_to_others_with_the_wanted_subtypes() {
        let (run, document) = (run(), document());
        let found = find(&run, &document).unwrap();
        let all: Vec<_> = found
            .iter()
            .map(|f| (f.pointer.as_str(), f.target.as_str(), f.subtypes))
            .collect();
        let (dataset, study) = (&["DATASET".to_string()][..], &["STUDY".to_string()][..]);
        assert_eq!(
            all,
            [
                ("/record/inputs/0/dataset_id", "h/1", dataset),
                ("/record/inputs/1/dataset_id", "h/2", dataset),
                ("/record/study_id", "h/3", study)
            ]
        );
    }

    #[test]
    fn rewrites_within_the_set_and_leaves_free_text_alone() {
        let mut document = document();
        let map = HashMap::from([
            ("h/1".to_string(), "h/1001".to_string()),
            ("h/9".into(), "h/1009".into()),
        ]);
        assert_eq!(rewrite(&run(), &mut document, &map), Ok(3));
        assert_eq!(
            document,
            json!({"record": {"inputs": [{"dataset_id": "h/1001"}, {"dataset_id": "h/2"}], "study_id": "h/3",
                              "description": "h/1"},
                   "meta": {"identifier": "h/1009"}, "prov": "{\"h/1001\": 0}", "user_metadata": {"see": "h/1"}})
        );
    }

    #[test]
    fn needles_cover_every_path_and_id() {
        let needles = needles(&run(), &["a".to_string(), "b".to_string()]);
        assert_eq!(needles.len(), 4);
        assert!(needles.contains(&json!({"record": {"inputs": [{"dataset_id": "b"}]}})));
    }
}
