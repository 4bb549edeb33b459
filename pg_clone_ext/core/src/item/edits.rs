//! Edits of a draft: a JSON merge patch (RFC 7396) or a JSON patch (RFC 6902), and which fields they may not touch.

use std::collections::{BTreeMap, BTreeSet};

use json_patch::{Patch, PatchOperation};
use serde_json::Value;

use super::draft::forbidden;
use super::pointer;
use super::subtype::Subtype;
use crate::error::{Error, Result};

/// Edits of one draft.
#[derive(Debug, Clone, PartialEq)]
pub enum Edits {
    /// RFC 7396: an object laid over the draft; null removes.
    Merge(Value),
    /// RFC 6902: an array of operations.
    Patch(Patch),
}

impl Edits {
    /// Reads edits: an object is a merge patch, an array a patch, `null` nothing.
    ///
    /// # Errors
    /// 22023 for anything else, or an array that is not a patch.
    pub fn parse(given: &Value) -> Result<Self> {
        match given {
            Value::Null => Ok(Edits::Merge(Value::Object(serde_json::Map::new()))),
            Value::Object(_) => Ok(Edits::Merge(given.clone())),
            Value::Array(_) => serde_json::from_value(given.clone()).map(Edits::Patch).map_err(|e| {
                Error::bad_argument(format!("edits are not a JSON patch: {e}")).hint(
                    r#"an array is read as RFC 6902, e.g. [{"op": "replace", "path": "/name", "value": "x"}]"#,
                )
            }),
            _ => Err(Error::bad_argument("edits must be a JSON object or array")
                .hint("an object is a JSON merge patch (RFC 7396), an array a JSON patch (RFC 6902)")),
        }
    }

    /// The top-level fields that the edits name.
    fn fields(&self) -> BTreeSet<String> {
        match self {
            Edits::Merge(patch) => patch
                .as_object()
                .map(|o| o.keys().cloned().collect())
                .unwrap_or_default(),
            Edits::Patch(patch) => patch
                .iter()
                .flat_map(pointers)
                .filter_map(|p| pointer::first_step(&p))
                .collect(),
        }
    }

    /// Applies the edits to a draft.
    ///
    /// # Errors
    /// 22023 where they touch fields that are not the user's (all are named), where an operation does not apply,
    /// and where the result is not an object.
    pub fn apply(&self, subtype: &Subtype, form: &mut Value) -> Result<()> {
        refuse_forbidden(subtype, self.fields())?;
        match self {
            Edits::Merge(patch) => json_patch::merge(form, patch),
            Edits::Patch(patch) => json_patch::patch(form, patch).map_err(|e| {
                Error::bad_argument(format!("edits do not apply to the draft: {e}"))
                    .hint("item_clone_draft shows the draft that edits apply to")
            })?,
        }
        let Value::Object(result) = form else {
            return Err(Error::bad_argument(
                "edits turn the draft into something that is not a JSON object",
            ));
        };
        // An operation on the whole document ("path": "") names no field, yet may bring any.
        refuse_forbidden(subtype, result.keys().cloned().collect())
    }
}

/// Every place that an operation reads or writes.
fn pointers(operation: &PatchOperation) -> Vec<String> {
    match operation {
        PatchOperation::Add(o) => vec![o.path.to_string()],
        PatchOperation::Remove(o) => vec![o.path.to_string()],
        PatchOperation::Replace(o) => vec![o.path.to_string()],
        PatchOperation::Test(o) => vec![o.path.to_string()],
        PatchOperation::Move(o) => vec![o.path.to_string(), o.from.to_string()],
        PatchOperation::Copy(o) => vec![o.path.to_string(), o.from.to_string()],
    }
}

fn refuse_forbidden(subtype: &Subtype, fields: BTreeSet<String>) -> Result<()> {
    let refused: Vec<(String, String)> = fields
        .into_iter()
        .filter_map(|f| forbidden(subtype, &f).map(|why| (f, why)))
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = refused.iter().map(|(f, _)| f.as_str()).collect();
    let reasons: Vec<String> = refused.iter().map(|(f, why)| format!("/{f}: {why}")).collect();
    Err(
        Error::bad_argument(format!("edits may not change {}", names.join(", ")))
            .detail(reasons.join("\n"))
            .hint("item_clone_draft shows the fields that can be edited"),
    )
}

/// Edits of a set: an object by source id; `*` stands for every item and is applied first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SetEdits {
    all: Option<Edits>,
    each: BTreeMap<String, Edits>,
}

impl SetEdits {
    /// The same edits of the only item there is.
    pub fn of_one(edits: Edits) -> Self {
        SetEdits {
            all: Some(edits),
            each: BTreeMap::new(),
        }
    }

    /// Reads the edits of a set.
    ///
    /// # Errors
    /// 22023 where a key is neither `*` nor an item of the set, or a value is no edit.
    pub fn parse(given: &Value, ids: &[String]) -> Result<Self> {
        let map = match given {
            Value::Null => return Ok(SetEdits::default()),
            Value::Object(map) => map,
            _ => return Err(Error::bad_argument("edits of a set must be a JSON object").hint(SHAPE)),
        };
        let mut edits = SetEdits::default();
        for (key, value) in map {
            if key == "*" {
                edits.all = Some(Edits::parse(value)?);
            } else if ids.contains(key) {
                edits.each.insert(key.clone(), Edits::parse(value)?);
            } else {
                return Err(
                    Error::bad_argument(format!("edits name \"{key}\", which is not in the set")).hint(SHAPE),
                );
            }
        }
        Ok(edits)
    }

    /// Applies what concerns one item.
    ///
    /// # Errors
    /// As [`Edits::apply`].
    pub fn apply(&self, id: &str, subtype: &Subtype, form: &mut Value) -> Result<()> {
        for edits in self.all.iter().chain(self.each.get(id)) {
            edits.apply(subtype, form)?;
        }
        Ok(())
    }
}

const SHAPE: &str = r#"edits of a set go by source id, "*" for all: {"10378.1/1": {"name": "x"}, "*": {"user_metadata": null}}"#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn subtype() -> Subtype {
        Subtype::from_row(
            json!({"name": "MODEL", "category": "ENTITY", "cloneable": "alone", "versionable": true,
            "json_schema": {}, "default_access": [], "item_roles": [],
            "system_fields": {"s3": {"reason": "new place"}},
            "derived": [{"field": "uri", "from": "/info/uri"}]}),
        )
        .unwrap()
    }

    fn apply(edits: Value, form: Value) -> Result<Value> {
        let mut form = form;
        Edits::parse(&edits)?.apply(&subtype(), &mut form)?;
        Ok(form)
    }

    #[test]
    fn an_object_is_a_merge_patch() {
        let form = json!({"name": "m", "info": {"a": 1, "b": 2}});
        let edited = apply(json!({"name": "n", "info": {"a": null, "c": false}}), form);
        assert_eq!(edited, Ok(json!({"name": "n", "info": {"b": 2, "c": false}})));
    }

    #[test]
    fn an_array_is_a_patch() {
        let edits = json!([{"op": "test", "path": "/name", "value": "m"},
            {"op": "add", "path": "/tags/-", "value": ""}, {"op": "remove", "path": "/old"}]);
        let edited = apply(edits, json!({"name": "m", "tags": ["a"], "old": 0}));
        assert_eq!(edited, Ok(json!({"name": "m", "tags": ["a", ""]})));
    }

    #[test]
    fn null_edits_change_nothing() {
        assert_eq!(apply(Value::Null, json!({"name": ""})), Ok(json!({"name": ""})));
    }

    #[test]
    fn every_forbidden_field_is_named_at_once() {
        let error = apply(
            json!({"id": "x", "history": [], "s3": {}, "uri": "u", "name": "ok"}),
            json!({}),
        )
        .unwrap_err();
        assert_eq!(error.code.sqlstate(), "22023");
        assert_eq!(error.message, "edits may not change history, id, s3, uri");
        assert!(
            error.detail.contains("/uri: follows from /info/uri"),
            "{}",
            error.detail
        );
    }

    #[test]
    fn a_patch_cannot_reach_forbidden_fields_either() {
        for edits in [
            json!([{"op": "add", "path": "/owner_username", "value": "eve"}]),
            json!([{"op": "move", "from": "/s3/path", "path": "/name"}]),
            json!([{"op": "copy", "from": "/name", "path": "/id"}]),
            json!([{"op": "replace", "path": "", "value": {"id": "x"}}]),
        ] {
            let error = apply(edits.clone(), json!({"name": "m"})).unwrap_err();
            assert!(
                error.message.starts_with("edits may not change"),
                "{edits}: {error}"
            );
        }
    }

    #[test]
    fn what_is_no_edit_is_refused() {
        for bad in [json!("x"), json!(1), json!([{"op": "boil"}]), json!([1])] {
            assert_eq!(Edits::parse(&bad).unwrap_err().code.sqlstate(), "22023", "{bad}");
        }
        for bad in [
            json!([{"op": "remove", "path": "/absent"}]),
            json!([{"op": "replace", "path": "", "value": 1}]),
        ] {
            assert_eq!(
                apply(bad.clone(), json!({"name": "m"}))
                    .unwrap_err()
                    .code
                    .sqlstate(),
                "22023",
                "{bad}"
            );
        }
    }

    #[test]
    fn edits_of_a_set_go_by_id_after_those_of_all() {
        let ids = ["a".to_string(), "b".to_string()];
        let edits = SetEdits::parse(&json!({"a": {"name": "A"}, "*": {"name": "all"}}), &ids).unwrap();
        let mut forms = [json!({}), json!({})];
        for (id, form) in ids.iter().zip(&mut forms) {
            edits.apply(id, &subtype(), form).unwrap();
        }
        assert_eq!(forms, [json!({"name": "A"}), json!({"name": "all"})]);
        let unknown = SetEdits::parse(&json!({"name": "x"}), &ids).unwrap_err();
        assert!(unknown.message.contains("\"name\""), "{unknown}");
        assert!(SetEdits::parse(&json!([]), &ids).is_err());
    }
}
