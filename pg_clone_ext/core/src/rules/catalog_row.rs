//! A rule as a row of the catalog: the name of the action and its value.

use super::{Action, Kind, Rule, RuleError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum number of random bytes of a regenerated value.
const MOST_BYTES: usize = 1024;

/// The columns of a catalog row; missing ones may be `null` or absent, except the value: `null` is a value.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleRow {
    resource_type: Option<String>,
    path: String,
    action: String,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    when: Option<String>,
    unless_cloned: Option<String>,
    if_given: Option<String>,
    columns: Option<Vec<String>>,
    todo: Option<String>,
}

/// A member that is there, also if it is `null`.
fn given<'de, D: serde::Deserializer<'de>>(member: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(member).map(Some)
}

impl Action {
    /// The action that a catalog row names: `remove`, `set`, `rename` or `regenerate`, with its value.
    ///
    /// # Errors
    /// [`RuleError::Row`] (22023) for an unknown action, or a wrong or missing value.
    pub fn from_parts(action: &str, value: Option<Value>) -> Result<Self, RuleError> {
        let wrong = |message: &str| Err(RuleError::Row(message.to_owned()));
        match (action, value) {
            ("remove", None) => Ok(Action::Remove),
            ("remove", Some(_)) => wrong("the action \"remove\" takes no value"),
            ("set", Some(value)) => Ok(Action::Set(value)),
            ("set", None) => wrong("the action \"set\" needs a value; \"remove\" takes a member away"),
            ("rename", Some(Value::String(name))) => Ok(Action::Rename(name)),
            ("rename", _) => wrong("the action \"rename\" needs the new name as its value, a JSON string"),
            ("regenerate", value) => match value.and_then(|value| serde_json::from_value(value).ok()) {
                Some(kind @ (Kind::Uuid | Kind::Hex(1..=MOST_BYTES))) => Ok(Action::Regenerate(kind)),
                _ => wrong(
                    "the action \"regenerate\" needs the value \"uuid\" or {\"hex\": <bytes, 1 to 1024>}",
                ),
            },
            _ => wrong(&format!(
                "unknown action \"{action}\"; valid are remove, set, rename, regenerate"
            )),
        }
    }

    /// The name and value that a catalog row has for this action.
    pub fn to_parts(&self) -> (&'static str, Option<Value>) {
        match self {
            Action::Remove => ("remove", None),
            Action::Set(value) => ("set", Some(value.clone())),
            Action::Rename(name) => ("rename", Some(Value::from(name.as_str()))),
            Action::Regenerate(Kind::Uuid) => ("regenerate", Some(Value::from("uuid"))),
            Action::Regenerate(Kind::Hex(bytes)) => ("regenerate", Some(serde_json::json!({ "hex": bytes }))),
        }
    }
}

impl Rule {
    /// A rule without conditions, columns or todo; set those as fields.
    pub fn new(resource_type: Option<&str>, path: impl Into<String>, action: Action) -> Self {
        Rule {
            resource_type: resource_type.map(str::to_owned),
            path: path.into(),
            action,
            when: None,
            unless_cloned: None,
            if_given: None,
            columns: vec![],
            todo: None,
        }
    }
}

impl TryFrom<RuleRow> for Rule {
    type Error = RuleError;

    fn try_from(row: RuleRow) -> Result<Self, RuleError> {
        let action = Action::from_parts(&row.action, row.value)
            .map_err(|error| RuleError::Row(format!("rule {}: {error}", row.path)))?;
        Ok(Rule {
            resource_type: row.resource_type,
            path: row.path,
            action,
            when: row.when,
            unless_cloned: row.unless_cloned,
            if_given: row.if_given,
            columns: row.columns.unwrap_or_default(),
            todo: row.todo,
        })
    }
}

impl From<Rule> for RuleRow {
    fn from(rule: Rule) -> Self {
        let (action, value) = rule.action.to_parts();
        RuleRow {
            resource_type: rule.resource_type,
            path: rule.path,
            action: action.to_owned(),
            value,
            when: rule.when,
            unless_cloned: rule.unless_cloned,
            if_given: rule.if_given,
            columns: Some(rule.columns),
            todo: rule.todo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(row: Value) -> Result<Rule, String> {
        serde_json::from_value(row).map_err(|error| error.to_string())
    }

    #[test]
    fn a_row_becomes_a_rule_and_back() {
        let row = json!({
            "resource_type": "ClientApplication", "path": "$.secret", "action": "regenerate",
            "value": {"hex": 32}, "when": null, "columns": ["a"], "todo": "new secret"
        });
        let rule = read(row).unwrap();
        assert_eq!(rule.action, Action::Regenerate(Kind::Hex(32)));
        assert_eq!(rule.columns, ["a"]);
        assert_eq!(read(serde_json::to_value(&rule).unwrap()).unwrap(), rule);
    }

    #[test]
    fn an_unknown_action_lists_the_valid_ones() {
        assert_eq!(
            read(json!({"path": "$.a", "action": "delete"})).unwrap_err(),
            "rule $.a: unknown action \"delete\"; valid are remove, set, rename, regenerate"
        );
    }

    #[test]
    fn an_action_with_an_unsuitable_value_is_an_error() {
        for (action, value) in [
            ("remove", json!(1)),
            ("remove", Value::Null),
            ("rename", json!(1)),
            ("regenerate", Value::Null),
            ("regenerate", json!("md5")),
            ("regenerate", json!({"hex": 0})),
        ] {
            let error = read(json!({"path": "$.a", "action": action, "value": value})).unwrap_err();
            assert!(
                error.starts_with(&format!("rule $.a: the action \"{action}\"")),
                "{error}"
            );
        }
    }

    #[test]
    fn null_is_a_value_to_set_and_a_missing_value_is_none() {
        let rule = read(json!({"path": "$.a", "action": "set", "value": null})).unwrap();
        assert_eq!(rule.action, Action::Set(Value::Null));
        assert_eq!(read(serde_json::to_value(&rule).unwrap()).unwrap(), rule);
        let error = read(json!({"path": "$.a", "action": "set"})).unwrap_err();
        assert!(error.contains("\"set\" needs a value"), "{error}");
        let removed = read(json!({"path": "$.a", "action": "remove"})).unwrap();
        assert_eq!(read(serde_json::to_value(&removed).unwrap()).unwrap(), removed);
    }

    #[test]
    fn an_unknown_column_of_the_row_is_an_error() {
        let error = read(json!({"path": "$.a", "action": "remove", "wen": "x"})).unwrap_err();
        assert!(error.contains("unknown field `wen`"), "{error}");
    }
}
