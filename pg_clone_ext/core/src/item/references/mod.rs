//! References between items: finds them, and rewrites those among the items of a set to their clones.
//!
//! The subtype's rules list the places of references. A reference is a handle, also after one of the prefixes in the rules.
//! In a text that contains JSON it can be anywhere. Free text (descriptions, user metadata) may mention handles and is not changed.

pub mod prefix;
pub mod provenance;
pub mod serialised;

use std::borrow::Cow;

use serde_json::Value;

use self::serialised::Handles;
use crate::error::Result;
use crate::item::subtype::{Reference, Subtype};

/// One reference in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'s> {
    /// JSON pointer to it.
    pub pointer: String,
    /// The handle, without a prefix.
    pub target: String,
    /// Allowed subtypes; empty: any.
    pub subtypes: &'s [String],
    /// Whether it may also refer to something outside of the registry.
    pub external: bool,
}

/// The references of a document to other items.
///
/// # Errors
/// 54001 for a path that finds too many.
pub fn find<'s>(subtype: &'s Subtype, document: &Value) -> Result<Vec<Found<'s>>> {
    let mut found = Vec::new();
    for reference in subtype.references.iter().filter(|r| !r.own) {
        for pointer in reference.path.find(document)? {
            if let Some(value) = document.pointer(&pointer).and_then(Value::as_str) {
                found.push(Found {
                    target: prefix::id_of(&reference.prefixes, value).into_owned(),
                    pointer,
                    subtypes: &reference.subtypes,
                    external: reference.external,
                });
            }
        }
    }
    Ok(found)
}

/// The handles of the other items that a document references, possibly with duplicates.
pub fn targets<'v>(subtype: &Subtype, document: &'v Value) -> Vec<Cow<'v, str>> {
    let others = subtype.references.iter().filter(|r| !r.own);
    others
        .flat_map(|reference| {
            reference
                .path
                .strings(document)
                .map(|value| prefix::id_of(&reference.prefixes, value))
        })
        .collect()
}

/// The id that a value names at any of the places of a subtype.
pub fn named<'v>(subtype: &Subtype, value: &'v str) -> Cow<'v, str> {
    let ids = subtype.references.iter();
    let mut ids = ids.map(|reference| prefix::id_of(&reference.prefixes, value));
    ids.find(|id| *id != value).unwrap_or(Cow::Borrowed(value))
}

/// The value that names the clone in the same spelling, at any of the places of a subtype; `None` if the item is not in the set.
pub fn renamed(subtype: &Subtype, value: &str, handles: &Handles) -> Option<String> {
    let plain = handles.get(value).map(str::to_owned);
    let spelled = || {
        let mut references = subtype.references.iter();
        references.find_map(|reference| prefix::renamed(&reference.prefixes, value, handles))
    };
    plain.or_else(spelled)
}

/// Rewrites the references to items of the set. Returns how many values changed.
///
/// # Errors
/// As [`find`].
pub fn rewrite(subtype: &Subtype, document: &mut Value, handles: &Handles) -> Result<usize> {
    let mut changed = 0;
    for reference in &subtype.references {
        for pointer in reference.path.find(document)? {
            if let Some(Value::String(value)) = document.pointer_mut(&pointer)
                && let Some(new) = prefix::renamed(&reference.prefixes, value, handles)
            {
                *value = new;
                changed += 1;
            }
        }
    }
    for path in &subtype.embedded {
        for pointer in path.find(document)? {
            if let Some(Value::String(text)) = document.pointer_mut(&pointer)
                && let Some(new) =
                    serialised::rewrite(text, handles, &|value| renamed(subtype, value, handles))
            {
                *text = new;
                changed += 1;
            }
        }
    }
    Ok(changed)
}

/// Which references of a subtype a search follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Only those by which an item is a member of another.
    Members,
    /// All.
    Any,
}

/// Documents for `jsonb @>` that find the items of a subtype with a reference to one of these items (handle, subtype).
pub fn needles(subtype: &Subtype, items: &[(&str, &str)], naming: Naming) -> Vec<Value> {
    let fits = |reference: &Reference, of: &str| {
        !reference.own
            && (naming == Naming::Any || reference.member)
            && (reference.subtypes.is_empty() || reference.subtypes.iter().any(|name| name == of))
    };
    let mut needles = Vec::new();
    for reference in &subtype.references {
        for (id, _) in items.iter().filter(|(_, of)| fits(reference, of)) {
            let values = prefix::spellings(&reference.prefixes, id);
            needles.extend(values.filter_map(|value| reference.path.containing(&value)));
        }
    }
    needles
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run() -> Subtype {
        Subtype::from_row(
            json!({"name": "MODEL_RUN", "category": "ACTIVITY", "cloneable": "set", "versionable": false,
            "json_schema": {}, "default_access": [], "item_roles": [], "embedded": ["$.prov"],
            "references": [{"path": "$.record.inputs[*].dataset_id", "subtypes": ["DATASET"], "prefixes": ["https://hdl.handle.net/", "hdl:"]},
                           {"path": "$.record.study_id", "subtypes": ["STUDY"], "member": true},
                           {"path": "$.meta.identifier", "own": true}]}),
        )
        .unwrap()
    }

    fn document() -> Value {
        json!({"record": {"inputs": [{"dataset_id": "h/1"}, {"dataset_id": "hdl:h/2"}], "study_id": "h/3",
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
        assert_eq!(targets(&run, &document), ["h/1", "h/2", "h/3"]);
    }

    #[test]
    fn rewrites_within_the_set_keeps_prefixes_and_leaves_free_text_alone() {
        let mut document = document();
        let pairs = [("h/1", "h/1001"), ("h/2", "h/1002"), ("h/9", "h/1009")];
        let handles = Handles::new(pairs.map(|(old, new)| (old.to_string(), new.to_string())));
        assert_eq!(rewrite(&run(), &mut document, &handles).unwrap(), 4);
        assert_eq!(
            document,
            json!({"record": {"inputs": [{"dataset_id": "h/1001"}, {"dataset_id": "hdl:h/1002"}], "study_id": "h/3",
                              "description": "h/1"},
                   "meta": {"identifier": "h/1009"}, "prov": "{\"h/1001\": 0}", "user_metadata": {"see": "h/1"}})
        );
    }

    #[test]
    fn needles_are_only_made_where_the_subtype_may_stand() {
        let items = [("a", "DATASET"), ("b", "STUDY"), ("c", "PERSON")];
        let all = needles(&run(), &items, Naming::Any);
        assert_eq!(all.len(), 4, "{all:?}");
        assert!(all.contains(&json!({"record": {"inputs": [{"dataset_id": "https://hdl.handle.net/a"}]}})));
        assert_eq!(
            needles(&run(), &items, Naming::Members),
            [json!({"record": {"study_id": "b"}})]
        );
    }
}
