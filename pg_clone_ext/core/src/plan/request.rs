//! The arguments of `project_clone`, checked before any data is read. Its options are in `call_options.rs`.

use super::call_options::Options;
use crate::error::{Error, Result, shown};
use crate::nearest::did_you_mean;
use serde_json::Value;

const PARAMETERS: [&str; 7] = [
    "name",
    "resourceTypes",
    "includeIds",
    "excludeIds",
    "owner",
    "store",
    "options",
];

/// All arguments of a clone.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Id of the project to clone, as given.
    pub source_project: String,
    /// Name of the new project.
    pub name: Option<String>,
    /// Types to clone; empty: all.
    pub resource_types: Vec<String>,
    /// Ids to clone; empty: all.
    pub include_ids: Vec<String>,
    /// Ids not to clone.
    pub exclude_ids: Vec<String>,
    /// New owner as a reference, e.g. `User/<id>`.
    pub owner: Option<String>,
    /// Store to look in.
    pub store: Option<String>,
    /// The rest.
    pub options: Options,
    /// The options as given, for the record.
    pub options_json: Value,
}

impl Request {
    /// Whether the call restricts what is cloned.
    pub fn filtered(&self) -> bool {
        !self.resource_types.is_empty() || !self.include_ids.is_empty() || !self.exclude_ids.is_empty()
    }

    /// Checks what can be checked without data (22023).
    pub fn check(&self) -> Result<()> {
        if let Some(owner) = self.owner.as_deref().filter(|owner| is_malformed_owner(owner)) {
            return Err(
                Error::bad_argument(format!("malformed owner \"{}\"", shown(owner)))
                    .hint("An owner is a reference, e.g. User/35f1dbf7-3a18-485a-8785-1890ae507703."),
            );
        }
        if self.source_project.trim().is_empty() {
            return Err(Error::bad_argument("the source project is missing")
                .hint("Give the id of the project to clone as the first argument."));
        }
        if let Some(name) = &self.name {
            if matches!(serde_json::from_str::<Value>(name), Ok(Value::Object(_))) {
                return Err(Error::bad_argument(format!(
                    "the name of a project cannot be a JSON object: {name}"
                ))
                .hint("To pass parameters as JSON, cast them: project_clone('<id>', '{…}'::jsonb)."));
            }
            if name.trim().is_empty() {
                return Err(Error::bad_argument("the name of the new project is empty")
                    .hint("Leave name out (NULL) to keep the source's name."));
            }
        }
        Ok(())
    }

    /// Reads the parameters object of `project_clone(source, params jsonb)`. Unknown members and values of another type are an error (22023).
    pub fn from_params(source_project: &str, params: &Value) -> Result<Self> {
        const KEYS: &str =
            "Valid parameters: name, resourceTypes, includeIds, excludeIds, owner, store, options.";
        let Value::Object(members) = params else {
            return Err(
                Error::bad_argument(format!("parameters must be a JSON object, not {params}")).hint(KEYS),
            );
        };
        let mut request = Request {
            source_project: source_project.to_owned(),
            options_json: Value::Object(serde_json::Map::new()),
            ..Request::default()
        };
        for (key, value) in members {
            let bad = || {
                Error::bad_argument(format!(
                    "invalid value {} for parameter \"{key}\"",
                    shown(&value.to_string())
                ))
                .hint(KEYS)
            };
            let text = |value: &Value| match value {
                Value::Null => Some(None),
                Value::String(text) => Some(Some(text.clone())),
                _ => None,
            };
            let list = |value: &Value| match value {
                Value::Null => Some(Vec::new()),
                Value::Array(items) => items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect(),
                _ => None,
            };
            match key.as_str() {
                "name" => request.name = text(value).ok_or_else(bad)?,
                "owner" => request.owner = text(value).ok_or_else(bad)?,
                "store" => request.store = text(value).ok_or_else(bad)?,
                "resourceTypes" => request.resource_types = list(value).ok_or_else(bad)?,
                "includeIds" => request.include_ids = list(value).ok_or_else(bad)?,
                "excludeIds" => request.exclude_ids = list(value).ok_or_else(bad)?,
                "options" => {
                    request.options = Options::parse(value)?;
                    request.options_json = value.clone();
                }
                _ => {
                    return Err(
                        Error::bad_argument(format!("unknown parameter \"{}\"", shown(key)))
                            .hint(format!("{}{KEYS}", did_you_mean(key, PARAMETERS))),
                    );
                }
            }
        }
        Ok(request)
    }
}

/// Whether an owner is blank, or begins like a reference (`User/`) but is not one. Other checks are left to the column.
fn is_malformed_owner(owner: &str) -> bool {
    let Some((kind, id)) = owner.split_once('/') else {
        return owner.trim().is_empty();
    };
    let is_type =
        kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.chars().all(|c| c.is_ascii_alphanumeric());
    let is_id = (1..=64).contains(&id.len())
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    is_type && !is_id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_object_as_name_is_refused_with_the_cast() {
        let request = Request {
            source_project: "p".into(),
            name: Some("{\"name\":\"x\"}".into()),
            ..Request::default()
        };
        assert!(request.check().unwrap_err().hint.contains("::jsonb"));
    }
}
