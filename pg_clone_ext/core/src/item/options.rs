//! The options of a clone of items, read from JSON. Unknown keys are errors, so that a misspelt option is not ignored.

use serde_json::{Map, Value};

use super::limits;
use crate::error::{Error, Result};

/// Access settings of the clone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccessOption {
    /// The defaults of the subtype.
    #[default]
    Default,
    /// The source's general and group roles; the owner is always the actor.
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
    /// Subtypes whose items are included.
    pub include: Include,
    /// Write an activity CREATE for each new item of a subtype that has versions.
    pub create_activity: bool,
    /// The edits are the whole form: fields that are not in it are removed.
    pub form: bool,
    /// The etag of the draft: the clone is refused if the source or its rules have changed since.
    pub etag: Option<String>,
    /// A key for this call: a second call with the same key returns the items of the first.
    pub idempotency_key: Option<String>,
}

/// Subtypes whose items are included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Include {
    /// Items that an item of the set references, directly or indirectly.
    pub named: Vec<String>,
    /// Items that are members of an item of the call.
    pub members: Vec<String>,
    /// Items that reference an item of the call.
    pub naming: Vec<String>,
}

impl Include {
    /// Whether nothing is included.
    pub fn is_empty(&self) -> bool {
        self.subtypes().next().is_none()
    }

    /// All subtypes that may be included.
    pub fn subtypes(&self) -> impl Iterator<Item = &String> {
        self.named.iter().chain(&self.members).chain(&self.naming)
    }

    fn parse(key: &str, value: &Value) -> Result<Self> {
        const EXPECTED: &str =
            "an array of subtypes, or an object of such arrays under named, members, naming";
        let Value::Object(parts) = value else {
            let named = texts(value).ok_or_else(|| wrong(key, value, EXPECTED))?;
            return Ok(Include {
                members: named.clone(),
                named,
                naming: Vec::new(),
            });
        };
        let mut include = Include::default();
        for (part, list) in parts {
            let list = texts(list).ok_or_else(|| wrong(key, value, EXPECTED))?;
            match part.as_str() {
                "named" => include.named = list,
                "members" => include.members = list,
                "naming" => include.naming = list,
                _ => return Err(wrong(key, value, EXPECTED)),
            }
        }
        Ok(include)
    }
}

const NAMES: [&str; 10] = [
    "files",
    "access",
    "from_history",
    "title",
    "dry_run",
    "include",
    "create_activity",
    "form",
    "etag",
    "idempotency_key",
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
            _ => {
                return Err(
                    Error::bad_argument(format!("options must be a JSON object, not {given}"))
                        .hint(format!("Options are: {}.", NAMES.join(", "))),
                );
            }
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
                    let fits = |p: &&str| p.len() <= limits::TITLE && p.matches("%s").count() == 1;
                    let pattern = value.as_str().filter(fits);
                    let expected = "a text with one %s, at most 1,000 bytes long";
                    let pattern = pattern.ok_or_else(|| wrong(key, value, expected))?;
                    options.title = Some(pattern.to_string());
                }
                "include" => options.include = Include::parse(key, value)?,
                "form" => options.form = boolean(key, value)?,
                "etag" => options.etag = Some(name(key, value)?),
                "idempotency_key" => options.idempotency_key = Some(name(key, value)?),
                _ => {
                    let nearest = nearest(key, &NAMES)
                        .map_or_else(String::new, |name| format!("Did you mean {name}? "));
                    return Err(Error::bad_argument(format!("unknown option \"{key}\""))
                        .hint(format!("{nearest}Options are: {}.", NAMES.join(", "))));
                }
            }
        }
        Ok(options)
    }
}

fn wrong(key: &str, value: &Value, expected: &str) -> Error {
    let mut shown = value.to_string();
    if let Some((end, _)) = shown.char_indices().nth(60) {
        shown.replace_range(end.., "...");
    }
    Error::bad_argument(format!("invalid value {shown} for option \"{key}\""))
        .hint(format!("{key} takes {expected}."))
}

fn boolean(key: &str, value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| wrong(key, value, "true or false"))
}

fn name(key: &str, value: &Value) -> Result<String> {
    let fits = |text: &&str| (1..=200).contains(&text.len());
    let text = value.as_str().filter(fits);
    text.map(str::to_owned)
        .ok_or_else(|| wrong(key, value, "a text of 1 to 200 bytes"))
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()
        .and_then(|a| a.iter().map(|v| v.as_str().map(String::from)).collect())
}

/// The name that differs from the given one in at most two letters, added, left out or exchanged.
pub fn nearest<'n>(given: &str, names: &[&'n str]) -> Option<&'n str> {
    let near = |name: &&'n str| (distance(given, name), *name);
    let (distance, name) = names
        .iter()
        .filter(|name| name.len().abs_diff(given.len()) <= 2)
        .map(near)
        .min()?;
    (distance <= 2).then_some(name)
}

fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, y) in b.chars().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_option() {
        let options = Options::parse(&json!({
            "files": true, "access": "keep", "from_history": 0, "title": "Copy of %s", "dry_run": true,
            "include": ["MODEL_RUN"], "create_activity": true, "form": true, "etag": "e", "idempotency_key": "k"
        }));
        let expected = Options {
            files: true,
            access: AccessOption::Keep,
            from_history: Some(0),
            title: Some("Copy of %s".into()),
            dry_run: true,
            include: Include {
                named: vec!["MODEL_RUN".into()],
                members: vec!["MODEL_RUN".into()],
                naming: vec![],
            },
            create_activity: true,
            form: true,
            etag: Some("e".into()),
            idempotency_key: Some("k".into()),
        };
        assert_eq!(options, Ok(expected));
        assert_eq!(Options::parse(&Value::Null), Ok(Options::default()));
    }

    #[test]
    fn an_unknown_option_is_an_error_that_lists_the_known_ones() {
        let error = Options::parse(&json!({"file": true})).unwrap_err();
        assert_eq!(error.code.sqlstate(), "22023");
        assert!(
            error
                .hint
                .starts_with("Did you mean files? Options are: files, access"),
            "{}",
            error.hint
        );
        assert_eq!(nearest("idempotence_key", &NAMES), Some("idempotency_key"));
        assert_eq!(nearest("colour", &NAMES), None);
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
            json!({"include": "MODEL_RUN"}),
            json!({"include": {"up": []}}),
            json!({"title": format!("%s{}", "x".repeat(1000))}),
            json!({"etag": ""}),
            json!({"idempotency_key": 7}),
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
