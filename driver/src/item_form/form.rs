//! The form: schema and values.

use serde_json::{Map, Value};

use super::labels::steps;

/// The form.
#[derive(Debug, Clone)]
pub struct Form {
    /// The JSON Schema.
    pub schema: Value,
    /// How the fields are shown.
    pub ui: Value,
    /// The values.
    pub value: Value,
}

impl Form {
    /// The form of a draft.
    pub fn of(draft: &Value) -> Self {
        let member = |name: &str| draft.get(name).cloned().unwrap_or_default();
        Self {
            schema: member("json_schema"),
            ui: member("ui_schema"),
            value: member("item"),
        }
    }
}

/// Sets or removes the value at a path; creates missing objects on the path.
pub fn set(value: &mut Value, path: &str, filled: Option<Value>) {
    let steps: Vec<String> = steps(path).collect();
    let Some((last, parents)) = steps.split_last() else {
        if let Some(filled) = filled {
            *value = filled;
        }
        return;
    };
    let mut at = value;
    for step in parents {
        if let Value::Array(elements) = at {
            let Some(element) = step.parse().ok().and_then(|index: usize| elements.get_mut(index)) else {
                return;
            };
            at = element;
            continue;
        }
        if filled.is_none() && at.get(step).is_none() {
            return;
        }
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(members) = at else { return };
        at = members.entry(step.clone()).or_insert(Value::Null);
    }
    match (at, filled) {
        (Value::Array(elements), filled) => {
            let Ok(index) = last.parse::<usize>() else { return };
            match (elements.get_mut(index), filled) {
                (Some(element), Some(filled)) => *element = filled,
                (Some(_), None) => {
                    elements.remove(index);
                }
                (None, Some(filled)) => elements.push(filled),
                (None, None) => {}
            }
        }
        (Value::Object(members), Some(filled)) => {
            members.insert(last.clone(), filled);
        }
        (Value::Object(members), None) => {
            members.remove(last);
        }
        (other, Some(filled)) => {
            let mut members = Map::new();
            members.insert(last.clone(), filled);
            *other = Value::Object(members);
        }
        (_, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_put_and_taken_away_anywhere() {
        let mut value = json!({"a": [1, {"b": 2}], "c": null});
        set(&mut value, "/a/1/b", Some(json!(3)));
        set(&mut value, "/a/0", None);
        set(&mut value, "/a/5", Some(json!("last")));
        set(&mut value, "/c/d/e", Some(json!(true)));
        set(&mut value, "/none/at/all", None);
        assert_eq!(value, json!({"a": [{"b": 3}, "last"], "c": {"d": {"e": true}}}));
        set(&mut value, "", Some(json!({})));
        assert_eq!(value, json!({}));
    }
}
