//! The draft: the fields that the user may edit, prefilled from the source, with fields of the system removed or reset.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::item::pointer;
use crate::item::subtype::{Reset, Subtype, Variant};
use crate::item::validation::schema::Place;

/// Fields of every item that only the system sets, with the reason.
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

/// A difference from the source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// JSON pointer.
    pub path: String,
    /// The value in the source; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// The value in the draft; absent if the system sets it.
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

/// Why users cannot set a top-level field; `None` if they can.
pub fn forbidden(subtype: &Subtype, field: &str) -> Option<String> {
    if let Some((_, reason)) = RECORD_FIELDS.iter().find(|(name, _)| *name == field) {
        return Some((*reason).to_string());
    }
    if let Some(system) = subtype.system_fields.get(field) {
        return Some(system.reason.clone());
    }
    if subtype
        .provenance
        .as_ref()
        .is_some_and(|prov| prov.field == field)
    {
        return Some("made from the record whenever an item is written".to_string());
    }
    let derived = subtype.derived.iter().find(|d| d.field == field)?;
    Some(format!("follows from {}", derived.from))
}

/// The top-level fields that users cannot set, with the reason.
pub fn forbidden_fields(subtype: &Subtype) -> Map<String, Value> {
    let fields = RECORD_FIELDS
        .iter()
        .map(|(field, _)| *field)
        .chain(subtype.system_fields.keys().map(String::as_str))
        .chain(subtype.provenance.iter().map(|prov| prov.field.as_str()))
        .chain(subtype.derived.iter().map(|d| d.field.as_str()));
    fields
        .filter_map(|field| Some((field.to_string(), forbidden(subtype, field)?.into())))
        .collect()
}

/// Makes the draft from the content of a source. Values of members that the schema knows are copied, also `false`, `0` and `""`.
/// Members that it does not know, and optional ones that are empty although it does not allow that, are left out.
pub fn draft(subtype: &Subtype, variant: Option<&Variant>, content: Map<String, Value>) -> Draft {
    let mut form = Map::new();
    let mut changes = Vec::new();
    for (field, value) in content {
        match subtype.system_fields.get(&field) {
            Some(system) => changes.push(Change {
                path: pointer::of_field(&field),
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
    prune(
        &Place::root(subtype.schema(variant)),
        &mut String::new(),
        &mut form,
        &mut changes,
    );
    Draft { form, changes }
}

/// Removes members that the schema does not know, and optional ones whose value is a null or an empty text that it does not
/// allow. `path` is the pointer to the value; it is as before afterwards.
fn prune(place: &Place, path: &mut String, value: &mut Value, changes: &mut Vec<Change>) {
    let parent = path.len();
    match value {
        Value::Object(members) => members.retain(|name, member| {
            let known = place.member(name);
            let reason = match &known {
                None if place.forbids(name) => Some("not a field any more"),
                Some(at) if !place.requires(name) => empty(at, member),
                _ => None,
            };
            pointer::push(path, name);
            match (reason, known) {
                (Some(reason), _) => changes.extend((!member.is_null()).then(|| Change {
                    path: path.clone(),
                    was: Some(member.take()),
                    becomes: None,
                    reason: reason.to_string(),
                })),
                (None, Some(at)) => prune(&at, path, member, changes),
                (None, None) => {}
            }
            path.truncate(parent);
            reason.is_none()
        }),
        Value::Array(elements) => {
            if let Some(at) = place.element() {
                for (index, element) in elements.iter_mut().enumerate() {
                    pointer::push(path, &index.to_string());
                    prune(&at, path, element, changes);
                    path.truncate(parent);
                }
            }
        }
        _ => {}
    }
}

fn empty(place: &Place, value: &Value) -> Option<&'static str> {
    let not_taken = match value {
        Value::Null => place.keyword("type").is_some() && !place.is("null"),
        Value::String(text) => text.is_empty() && place.keyword("minLength").is_some_and(|least| *least != 0),
        _ => false,
    };
    not_taken.then_some("empty")
}

/// Applies one reset; returns the change, if there is one.
fn apply(reset: &Reset, form: &mut Value) -> Option<Change> {
    let (path, was, becomes, reason) = match reset {
        Reset::Set {
            path,
            value,
            was,
            reason,
        } => {
            if was.is_some() && form.pointer(path) != was.as_ref() {
                return None;
            }
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

/// Puts the source's title into a pattern (`%s`), in all title fields of the subtype.
pub fn retitle(subtype: &Subtype, pattern: &str, form: &mut Value) {
    for path in &subtype.title_paths {
        if let Some(Value::String(title)) = form.pointer_mut(path) {
            *title = pattern.replacen("%s", title, 1);
        }
    }
}

/// Replaces the form by another one: fields that it does not have are removed.
///
/// # Errors
/// 22023 where it is not an object.
pub fn replace(form: &mut Value, given: &Value) -> Result<()> {
    if !given.is_object() {
        return Err(Error::bad_argument("a form must be a JSON object")
            .hint("With the option \"form\" the edits are the whole form as item_clone_draft shows it under \"item\"."));
    }
    form.clone_from(given);
    Ok(())
}

/// Computes the derived fields; a field whose origin is absent is absent too.
pub fn derive(subtype: &Subtype, form: &mut Value) {
    for derived in &subtype.derived {
        let path = pointer::of_field(&derived.field);
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
        draft(&subtype(rules), None, content.as_object().unwrap().clone())
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
    fn a_reset_can_wait_for_a_value() {
        let rules = json!({"resets": [{"op": "set", "path": "/status", "value": "COMPLETE", "was": "LODGED", "reason": "r"}]});
        let status = |status: &str| make(rules.clone(), json!({"status": status})).form["status"].clone();
        assert_eq!(
            (status("LODGED"), status("INCOMPLETE")),
            (json!("COMPLETE"), json!("INCOMPLETE"))
        );
    }

    #[test]
    fn members_that_the_schema_does_not_know_are_left_out_and_reported() {
        let rules = json!({"json_schema": {"additionalProperties": false, "required": ["must"], "properties": {"must": {"type": "string", "minLength": 1},
            "list": {"items": {"additionalProperties": false, "properties": {"a": {}}}}, "note": {"type": "string", "minLength": 1},
            "free": {}, "open": {"type": "object"}}}});
        let d = make(
            rules,
            json!({"must": "", "old": {"x": 1}, "list": [{"a": 1, "b": 2}], "note": "", "free": "", "open": {"any": null}}),
        );
        assert_eq!(
            d.form,
            json!({"must": "", "list": [{"a": 1}], "free": "", "open": {"any": null}})
        );
        let paths: Vec<&str> = d.changes.iter().map(|c| c.path.as_str()).collect();
        assert_eq!(paths, ["/old", "/list/0/b", "/note"]);
        assert_eq!(d.changes[0].reason, "not a field any more");
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
