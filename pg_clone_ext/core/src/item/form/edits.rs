//! Edits of a draft: a JSON merge patch (RFC 7396) or a JSON patch (RFC 6902), and which fields they may not touch.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use json_patch::{Patch, PatchOperation};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::item::form::draft::{self, forbidden};
use crate::item::limits::{self, Interrupt};
use crate::item::pointer;
use crate::item::subtype::Subtype;

/// Edits of one draft.
#[derive(Debug, Clone, PartialEq)]
pub enum Edits {
    /// RFC 7396: an object laid over the draft; null removes.
    Merge(Value),
    /// RFC 6902: an array of operations.
    Patch(Patch),
    /// The whole form: fields that are not in it are removed.
    Form(Value),
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
                Error::bad_argument(format!("edits are not a valid JSON patch: {e}")).hint(
                    r#"An array is read as RFC 6902, e.g. [{"op": "replace", "path": "/name", "value": "x"}]."#,
                )
            }),
            _ => Err(Error::bad_argument("edits must be a JSON object or array")
                .hint("An object is a JSON merge patch (RFC 7396), an array a JSON patch (RFC 6902).")),
        }
    }

    /// Reads a whole form; `null` does not change the draft.
    ///
    /// # Errors
    /// 22023 for anything but an object.
    pub fn form(given: &Value) -> Result<Self> {
        match given {
            Value::Null => Edits::parse(given),
            _ => draft::replace(&mut Value::Null, given).map(|()| Edits::Form(given.clone())),
        }
    }

    /// The top-level fields that the edits name.
    fn fields(&self) -> BTreeSet<String> {
        match self {
            Edits::Merge(patch) | Edits::Form(patch) => patch
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
    /// 22023 if they change fields that users cannot set (all are listed), if an operation does not apply, if the
    /// result is not an object, and if it exceeds the [limits].
    pub fn apply(&self, subtype: &Subtype, form: &mut Value, interrupt: Interrupt) -> Result<()> {
        refuse_forbidden(subtype, self.fields())?;
        match self {
            Edits::Merge(patch) => json_patch::merge(form, patch),
            Edits::Form(whole) => draft::replace(form, whole)?,
            Edits::Patch(patch) => operate(patch, form, interrupt)?,
        }
        interrupt();
        limits::check_size("the edited document", limits::size(form))?;
        limits::check_depth("the edited document", limits::depth(form))?;
        let Value::Object(result) = form else {
            return Err(
                Error::bad_argument("edits turn the draft into something that is not a JSON object")
                    .hint("An operation with the path \"\" replaces the whole draft; give it an object."),
            );
        };
        // An operation on the whole document ("path": "") names no field, but can add any.
        refuse_forbidden(subtype, result.keys().cloned().collect())
    }
}

/// Applies the operations one by one and measures the growth: operations that copy the document into itself double it each time.
fn operate(patch: &Patch, form: &mut Value, interrupt: Interrupt) -> Result<()> {
    let mut copied = limits::size(form);
    for (index, operation) in patch.iter().enumerate() {
        interrupt();
        let (path, added) = match operation {
            PatchOperation::Add(o) => (o.path.as_str(), Some(&o.value)),
            PatchOperation::Replace(o) => (o.path.as_str(), Some(&o.value)),
            PatchOperation::Copy(o) => (o.path.as_str(), form.pointer(o.from.as_str())),
            PatchOperation::Move(o) => (o.path.as_str(), form.pointer(o.from.as_str())),
            PatchOperation::Test(_) | PatchOperation::Remove(_) => ("", None),
        };
        if let Some(added) = added {
            copied += limits::size(added);
            limits::check_depth("the edited document", pointer::steps(path) + limits::depth(added))?;
            if copied > limits::COPIED {
                return Err(Error::bad_argument(format!(
                    "operation {} of the edits would copy more than {} bytes, all operations together",
                    index + 1,
                    limits::COPIED
                ))
                .hint("Put large content into a file, not into the item."));
            }
        }
        json_patch::patch(form, std::slice::from_ref(operation)).map_err(|e| {
            Error::bad_argument(format!(
                "operation {} of the edits does not apply: {e}",
                index + 1
            ))
            .hint("item_clone_draft shows the draft that edits apply to.")
        })?;
    }
    Ok(())
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
            .hint("item_clone_draft shows the fields that can be edited."),
    )
}

/// Edits of a set: an object by source id; `*` stands for every item and is applied first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SetEdits {
    all: Option<Edits>,
    each: BTreeMap<String, Edits>,
}

impl SetEdits {
    /// Edits of a single item.
    pub fn of_one(edits: Edits) -> Self {
        SetEdits {
            all: Some(edits),
            each: BTreeMap::new(),
        }
    }

    /// Reads the edits of a set.
    ///
    /// # Errors
    /// 22023 if a value is not an edit.
    pub fn parse(given: &Value, form: bool) -> Result<Self> {
        let read = if form { Edits::form } else { Edits::parse };
        let map = match given {
            Value::Null => return Ok(SetEdits::default()),
            Value::Object(map) => map,
            _ => return Err(Error::bad_argument("edits of a set must be a JSON object").hint(SHAPE)),
        };
        let mut edits = SetEdits::default();
        for (key, value) in map {
            if key == "*" {
                edits.all = Some(read(value)?);
            } else {
                let edit = read(value).map_err(|error| error.hint(SHAPE))?;
                edits.each.insert(key.clone(), edit);
            }
        }
        Ok(edits)
    }

    /// Refuses edits of items that are not in the set.
    ///
    /// # Errors
    /// 22023 for a key that is neither `*` nor the id of one.
    pub fn check_ids<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Result<()> {
        if self.each.is_empty() {
            return Ok(());
        }
        let ids: HashSet<&str> = ids.into_iter().collect();
        match self.each.keys().find(|key| !ids.contains(key.as_str())) {
            None => Ok(()),
            Some(key) => {
                Err(Error::bad_argument(format!("edits name \"{key}\", which is not in the set")).hint(SHAPE))
            }
        }
    }

    /// Applies the edits of one item.
    ///
    /// # Errors
    /// As [`Edits::apply`].
    pub fn apply(&self, id: &str, subtype: &Subtype, form: &mut Value, interrupt: Interrupt) -> Result<()> {
        for edits in self.all.iter().chain(self.each.get(id)) {
            edits.apply(subtype, form, interrupt)?;
        }
        Ok(())
    }
}

const SHAPE: &str = r#"Edits of a set go by source id, "*" for all: {"10378.1/1": {"name": "x"}, "*": {"user_metadata": null}}."#;

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
        Edits::parse(&edits)?.apply(&subtype(), &mut form, &limits::never)?;
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
    fn a_whole_form_takes_away_what_is_not_in_it() {
        let mut form = json!({"name": "m", "note": "n"});
        let whole = Edits::form(&json!({"name": "x"})).unwrap();
        whole.apply(&subtype(), &mut form, &limits::never).unwrap();
        assert_eq!(form, json!({"name": "x"}));
        assert!(Edits::form(&json!([])).is_err());
        let record = Edits::form(&json!({"id": "x"})).unwrap();
        assert!(record.apply(&subtype(), &mut form, &limits::never).is_err());
    }

    #[test]
    fn copies_that_double_the_document_end_at_the_limit() {
        let double = json!({"op": "copy", "from": "/tmp", "path": "/tmp/-"});
        let edits = Value::Array(vec![double; 60]);
        let steps = std::cell::Cell::new(0);
        let mut form = json!({"tmp": ["x".repeat(100)]});
        let began = std::time::Instant::now();
        let refused = Edits::parse(&edits)
            .unwrap()
            .apply(&subtype(), &mut form, &|| steps.set(steps.get() + 1));
        let error = refused.unwrap_err();
        assert_eq!(error.code.sqlstate(), "22023");
        assert!(
            error.message.contains("would copy more than") || error.message.contains("nested deeper"),
            "{error}"
        );
        assert!(limits::size(&form) <= limits::COPIED);
        assert!((10..60).contains(&steps.get()), "asked {} times", steps.get());
        assert!(began.elapsed() < std::time::Duration::from_secs(20));
    }

    #[test]
    fn operations_that_nest_ever_deeper_end_at_the_limit() {
        let mut path = String::new();
        let mut operations = Vec::new();
        for _ in 0..200 {
            path.push_str("/a");
            operations.push(json!({"op": "add", "path": path, "value": {}}));
        }
        let error = apply(Value::Array(operations), json!({})).unwrap_err();
        assert!(error.message.contains("nested deeper than 100 levels"), "{error}");
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
        let ids = ["a", "b"];
        let edits = SetEdits::parse(&json!({"a": {"name": "A"}, "*": {"name": "all"}}), false).unwrap();
        assert!(edits.check_ids(ids).is_ok());
        let mut forms = [json!({}), json!({})];
        for (id, form) in ids.iter().zip(&mut forms) {
            edits.apply(id, &subtype(), form, &limits::never).unwrap();
        }
        assert_eq!(forms, [json!({"name": "A"}), json!({"name": "all"})]);
        let unknown = SetEdits::parse(&json!({"name": {}}), false).unwrap();
        let unknown = unknown.check_ids(ids).unwrap_err();
        assert!(unknown.message.contains("\"name\""), "{unknown}");
        assert!(SetEdits::parse(&json!([]), false).is_err());
    }
}
