//! The options of a clone of items, read from JSON. Unknown keys are errors: a misspelt option must not pass in silence.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Access settings of the clone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccessOption {
    /// The defaults of the subtype.
    #[default]
    Default,
    /// The source's general and group roles; the owner is the actor all the same.
    Keep,
}

/// The options, resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Queue the source's files for copying.
    pub files: bool,
    /// Access settings.
    pub access: AccessOption,
    /// Clone the content of this history entry instead of the latest.
    pub from_history: Option<i32>,
    /// Pattern for the title, `%s` being the source's.
    pub title: Option<String>,
    /// Write nothing; the result is the item that would be written.
    pub dry_run: bool,
    /// Subtypes whose items come along where they name, or are named by, an item of the set.
    pub bring: Vec<String>,
    /// Write an activity CREATE for each new item of a subtype that has versions.
    pub create_activity: bool,
}

const NAMES: [&str; 7] = [
    "files",
    "access",
    "from_history",
    "title",
    "dry_run",
    "bring",
    "create_activity",
];

impl Options {
    /// Reads the options. `null` means none.
    ///
    /// # Errors
    /// 22023 for an unknown key or a value of the wrong kind.
    pub fn parse(given: &Value) -> Result<Self> {
        let empty = Map::new();
        let map = match given {
            Value::Null => &empty,
            Value::Object(map) => map,
            _ => return Err(Error::bad_argument("options must be a JSON object")),
        };
        let mut options = Options::default();
        for (key, value) in map {
            match key.as_str() {
                "files" => options.files = boolean(key, value)?,
                "dry_run" => options.dry_run = boolean(key, value)?,
                "create_activity" => options.create_activity = boolean(key, value)?,
                "access" => {
                    options.access = match value.as_str() {
                        Some("keep") => AccessOption::Keep,
                        Some("default") => AccessOption::Default,
                        _ => return Err(wrong(key, value, "\"default\" or \"keep\"")),
                    }
                }
                "from_history" => {
                    let n = value
                        .as_i64()
                        .and_then(|n| i32::try_from(n).ok())
                        .filter(|n| *n >= 0);
                    options.from_history =
                        Some(n.ok_or_else(|| wrong(key, value, "the id of a history entry"))?);
                }
                "title" => {
                    let pattern = value.as_str().filter(|p| p.matches("%s").count() == 1);
                    let pattern = pattern.ok_or_else(|| wrong(key, value, "a text with one %s"))?;
                    options.title = Some(pattern.to_string());
                }
                "bring" => options.bring = texts(key, value)?,
                _ => {
                    return Err(Error::bad_argument(format!("unknown option \"{key}\""))
                        .hint(format!("options are: {}", NAMES.join(", "))));
                }
            }
        }
        Ok(options)
    }
}

fn wrong(key: &str, value: &Value, expected: &str) -> Error {
    Error::bad_argument(format!("option \"{key}\" is {value}")).hint(format!("{key} takes {expected}"))
}

fn boolean(key: &str, value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| wrong(key, value, "true or false"))
}

fn texts(key: &str, value: &Value) -> Result<Vec<String>> {
    let list = value
        .as_array()
        .and_then(|a| a.iter().map(|v| v.as_str().map(String::from)).collect());
    list.ok_or_else(|| wrong(key, value, "an array of texts"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_option() {
        let options = Options::parse(&json!({
            "files": true, "access": "keep", "from_history": 0, "title": "Copy of %s", "dry_run": true,
            "bring": ["MODEL_RUN"], "create_activity": true
        }));
        let expected = Options {
            files: true,
            access: AccessOption::Keep,
            from_history: Some(0),
            title: Some("Copy of %s".into()),
            dry_run: true,
            bring: vec!["MODEL_RUN".into()],
            create_activity: true,
        };
        assert_eq!(options, Ok(expected));
        assert_eq!(Options::parse(&Value::Null), Ok(Options::default()));
    }

    #[test]
    fn an_unknown_option_is_an_error_that_lists_the_known_ones() {
        let error = Options::parse(&json!({"file": true})).unwrap_err();
        assert_eq!(error.code.sqlstate(), "22023");
        assert!(error.hint.contains("files, access"), "{}", error.hint);
    }

    #[test]
    fn values_of_the_wrong_kind_are_errors() {
        for bad in [
            json!({"files": "yes"}),
            json!({"access": "copy"}),
            json!({"from_history": -1}),
            json!({"from_history": "1"}),
            json!({"title": "Copy"}),
            json!({"title": "%s%s"}),
            json!({"bring": "MODEL_RUN"}),
            json!(["files"]),
        ] {
            assert_eq!(
                Options::parse(&bad).unwrap_err().code.sqlstate(),
                "22023",
                "{bad}"
            );
        }
    }
}
