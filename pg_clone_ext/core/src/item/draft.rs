//! The draft: what the user may edit, prefilled from the source, with what starts afresh taken out or reset.

use serde::Serialize;
use serde_json::{Map, Value};

use super::pointer;
use super::subtype::{Reset, Subtype};

/// Fields of every item that are the system's, with the reason.
pub const RECORD_FIELDS: [(&str, &str); 14] = [
    ("id", "a new handle is minted"),
    ("owner_username", "the owner is who clones"),
    ("created_timestamp", "the time of cloning"),
    ("updated_timestamp", "the time of cloning"),
    ("item_category", "follows from the subtype"),
    ("item_subtype", "a clone is of its source's subtype"),
    ("record_type", "a clone is complete"),
    ("workflow_links", "the source's jobs are not the clone's"),
    ("versioning_info", "a clone is the first version of its own line"),
    ("history", "a clone has one entry of its own"),
    ("universal_partition_key", "kept by the store"),
    (
        "access_settings",
        "the defaults of the subtype, or options.access",
    ),
    ("lock_information", "a clone is unlocked"),
    ("collection_id", "the source's collection"),
];

/// One thing that is not as in the source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// JSON pointer.
    pub path: String,
    /// What the source says; absent where it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// What the draft says; absent where the system fills it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub becomes: Option<Value>,
    /// Why.
    pub reason: String,
}

/// The prefilled form.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The editable fields.
    pub form: Value,
    /// What was reset.
    pub changes: Vec<Change>,
}

/// Why a top-level field is not the user's; `None` for one that is.
pub fn forbidden(subtype: &Subtype, field: &str) -> Option<String> {
    if let Some((_, reason)) = RECORD_FIELDS.iter().find(|(name, _)| *name == field) {
        return Some((*reason).to_string());
    }
    if let Some(system) = subtype.system_fields.get(field) {
        return Some(system.reason.clone());
    }
    let derived = subtype.derived.iter().find(|d| d.field == field)?;
    Some(format!("follows from {}", derived.from))
}

/// Makes the draft from the content of a source. Values are carried over as they are, `false`, `0` and `""` too.
pub fn draft(subtype: &Subtype, content: Map<String, Value>) -> Draft {
    let mut form = Map::new();
    let mut changes = Vec::new();
    for (field, value) in content {
        match subtype.system_fields.get(&field) {
            Some(system) => changes.push(Change {
                path: format!("/{}", pointer::escape(&field)),
                was: Some(value),
                becomes: (!system.initial.is_null()).then(|| system.initial.clone()),
                reason: system.reason.clone(),
            }),
            None if forbidden(subtype, &field).is_some() => {}
            None => {
                form.insert(field, value);
            }
        }
    }
    let mut form = Value::Object(form);
    for reset in &subtype.resets {
        changes.extend(apply(reset, &mut form));
    }
    Draft { form, changes }
}

/// Applies one reset; returns the change, if there is one.
fn apply(reset: &Reset, form: &mut Value) -> Option<Change> {
    let (path, was, becomes, reason) = match reset {
        Reset::Set { path, value, reason } => {
            let was = pointer::set(form, path, value.clone())?;
            (path, was, Some(value.clone()), reason)
        }
        Reset::Remove { path, reason } => (path, Some(pointer::remove(form, path)?), None, reason),
        Reset::Default {
            path,
            value,
            from,
            if_present,
            reason,
        } => {
            let wanted = if_present.is_empty() || if_present.iter().any(|p| form.pointer(p).is_some());
            if !wanted || form.pointer(path).is_some() {
                return None;
            }
            let value = match from {
                Some(from) => form.pointer(from)?.clone(),
                None => value.clone(),
            };
            pointer::set(form, path, value.clone())?;
            (path, None, Some(value), reason)
        }
    };
    (was != becomes).then(|| Change {
        path: path.clone(),
        was,
        becomes,
        reason: reason.clone(),
    })
}

/// Puts the source's title into a pattern (`%s`), wherever the subtype says that a title stands.
pub fn retitle(subtype: &Subtype, pattern: &str, form: &mut Value) {
    for path in &subtype.title_paths {
        if let Some(Value::String(title)) = form.pointer_mut(path) {
            *title = pattern.replacen("%s", title, 1);
        }
    }
}

/// Computes the fields that follow from others; one whose origin is absent is absent too.
pub fn derive(subtype: &Subtype, form: &mut Value) {
    for derived in &subtype.derived {
        let path = format!("/{}", pointer::escape(&derived.field));
        match form.pointer(&derived.from).cloned() {
            Some(value) if !value.is_null() => {
                pointer::set(form, &path, value);
            }
            _ => {
                pointer::remove(form, &path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn subtype(rules: Value) -> Subtype {
        let mut row = json!({"name": "DATASET", "category": "ENTITY", "cloneable": "alone", "versionable": true,
            "json_schema": {}, "default_access": ["metadata-read"], "item_roles": ["metadata-read"]});
        row.as_object_mut()
            .unwrap()
            .extend(rules.as_object().unwrap().clone());
        Subtype::from_row(row).unwrap()
    }

    fn make(rules: Value, content: Value) -> Draft {
        draft(&subtype(rules), content.as_object().unwrap().clone())
    }

    #[test]
    fn falsy_values_survive() {
        let content = json!({"a": false, "b": 0, "c": "", "d": null, "e": [], "f": ["", null], "g": {}});
        assert_eq!(make(json!({}), content.clone()).form, content);
    }

    #[test]
    fn system_fields_leave_the_form_and_are_reported() {
        let rules =
            json!({"system_fields": {"s3": {"reason": "new"}, "status": {"initial": "NO", "reason": "r"}}});
        let d = make(
            rules,
            json!({"s3": {"path": "p"}, "status": "RELEASED", "name": "n"}),
        );
        assert_eq!(d.form, json!({"name": "n"}));
        assert_eq!(d.changes[0].was, Some(json!({"path": "p"})));
        assert_eq!(d.changes[1].becomes, Some(json!("NO")));
    }

    #[test]
    fn record_fields_inside_a_revision_never_reach_the_form() {
        let d = make(
            json!({}),
            json!({"id": "h", "owner_username": "x", "history": [], "name": "n"}),
        );
        assert_eq!(d.form, json!({"name": "n"}));
    }

    #[test]
    fn a_consent_is_reset_only_where_its_parent_exists() {
        let rules = json!({"resets": [{"op": "set", "path": "/approvals/ethics/obtained", "value": false, "reason": "r"}]});
        let d = make(
            rules.clone(),
            json!({"approvals": {"ethics": {"relevant": true, "obtained": true}}}),
        );
        assert_eq!(
            d.form["approvals"]["ethics"],
            json!({"relevant": true, "obtained": false})
        );
        assert_eq!(d.changes.len(), 1);
        assert_eq!(
            make(rules.clone(), json!({"name": "n"})).form,
            json!({"name": "n"})
        );
        let unchanged = make(rules, json!({"approvals": {"ethics": {"obtained": false}}}));
        assert!(unchanged.changes.is_empty());
    }

    #[test]
    fn defaults_fill_only_what_is_absent() {
        let rules = json!({"resets": [
            {"op": "default", "path": "/info/reposited", "value": false, "if_present": ["/info/uri"], "reason": "r"},
            {"op": "default", "path": "/info/reposited", "value": true, "reason": "r"},
            {"op": "default", "path": "/info/name", "from": "/display_name", "reason": "r"}]});
        let with_uri = make(
            rules.clone(),
            json!({"info": {"uri": "u", "name": "mine"}, "display_name": "d"}),
        );
        assert_eq!(
            with_uri.form["info"],
            json!({"uri": "u", "name": "mine", "reposited": false})
        );
        let bare = make(rules.clone(), json!({"info": {}, "display_name": "d"}));
        assert_eq!(bare.form["info"], json!({"reposited": true, "name": "d"}));
        let given = make(rules, json!({"info": {"reposited": false}}));
        assert_eq!(given.form["info"], json!({"reposited": false}));
    }

    #[test]
    fn titles_and_derived_fields_follow() {
        let s = subtype(json!({"title_paths": ["/info/name", "/absent"],
            "derived": [{"field": "display_name", "from": "/info/name"}, {"field": "uri", "from": "/info/uri"}]}));
        let mut form = json!({"info": {"name": "Reef"}, "uri": "old"});
        retitle(&s, "Copy of %s", &mut form);
        derive(&s, &mut form);
        assert_eq!(
            form,
            json!({"info": {"name": "Copy of Reef"}, "display_name": "Copy of Reef"})
        );
        assert_eq!(
            forbidden(&s, "display_name").as_deref(),
            Some("follows from /info/name")
        );
    }
}
