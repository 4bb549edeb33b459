//! The options of a call of `project_clone`: the argument `options`.

use crate::error::{Error, Result, shown};
use crate::ids::IdVersion;
use crate::nearest::did_you_mean;
use crate::rewrite::Dangling;
use serde_json::Value;
use std::collections::BTreeMap;

/// Which versions of a resource are cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// One version, the first of the clone.
    #[default]
    Current,
    /// No history row at all.
    None,
    /// Every version, deleted resources too.
    Full,
    /// Every row with every column unchanged: a project that keeps its ids.
    AsIs,
}

impl History {
    /// Whether rows that are not live, and all versions, belong to the clone.
    pub fn is_complete(self) -> bool {
        matches!(self, History::Full | History::AsIs)
    }
}

/// The `options` argument.
#[derive(Debug, Clone)]
pub struct Options {
    /// What happens to references that would dangle.
    pub dangling: Dangling,
    /// Which versions are cloned.
    pub history: History,
    /// New ids: time-ordered or random.
    pub id_version: IdVersion,
    /// Whether files are queued for copying.
    pub blobs: bool,
    /// Location of the source's files; None: the location to which a run copied them, otherwise the store's option `blobs`.
    pub blobs_from: Option<String>,
    /// Location of the clone's files; None: the store's option `blobs`.
    pub blobs_to: Option<String>,
    /// Memory limit of the id map in bytes; None: the setting `pg_clone.max_memory`.
    pub max_memory: Option<u64>,
    /// An earlier clone that this one replaces.
    pub replace: Option<String>,
    /// When the clone expires, as an interval from now.
    pub expires_in: Option<String>,
    /// Relations from which the rows of the source are read, by table of the store; empty: the tables themselves.
    pub source_tables: BTreeMap<String, String>,
    /// The rows come from another database and keep their ids.
    pub keep_ids: bool,
    /// Replace a clone even if rows that do not belong only to it would be deleted, changed, or would dangle.
    pub include_others: bool,
    /// The new project's id, as text; None: a new one.
    pub target: Option<String>,
    /// Values of columns in this clone, by `table.column` or `column` of the project's table.
    pub values: BTreeMap<String, String>,
    /// User triggers of the tables do not fire.
    pub skip_triggers: bool,
    /// The call says that they fire: the clone may have rows that they add.
    pub fire_triggers: bool,
    /// The clone is verified before the call ends.
    pub verify: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            dangling: Dangling::Keep,
            history: History::Current,
            id_version: IdVersion::V7,
            blobs: true,
            blobs_from: None,
            blobs_to: None,
            max_memory: None,
            replace: None,
            expires_in: None,
            source_tables: BTreeMap::new(),
            keep_ids: false,
            include_others: false,
            target: None,
            values: BTreeMap::new(),
            skip_triggers: false,
            fire_triggers: false,
            verify: false,
        }
    }
}

const OPTIONS: [&str; 16] = [
    "dangling",
    "history",
    "id_version",
    "blobs",
    "blobs_from",
    "blobs_to",
    "max_memory",
    "replace",
    "expires_in",
    "target",
    "values",
    "triggers",
    "verify",
    "others",
    "source_tables",
    "keep_ids",
];

const VALID: &str = "Valid options: dangling (keep, null, error), history (current, none, full), id_version (7, 4), \
                     blobs (copy, none), blobs_from and blobs_to (e.g. \"s3://bucket/prefix\"), max_memory (e.g. \"500MB\"), replace (a project id), expires_in (an interval), \
                     target (the new project's id), values ({\"table.column\": \"text\"}), triggers (fire, skip), verify (true, false), others (refuse, include: rows of the source that belong to another project too, and rows of others that depend on the clone to be replaced), \
                     source_tables (an object), keep_ids (true, false).";

impl Options {
    /// Reads the JSON object; an unknown key or value is an error (22023) whose hint lists the valid ones.
    pub fn parse(json: &Value) -> Result<Self> {
        let Value::Object(members) = json else {
            return Err(Error::bad_argument(format!(
                "options must be a JSON object, not {}",
                shown(&json.to_string())
            ))
            .hint(VALID));
        };
        let mut options = Options::default();
        for (key, value) in members {
            let bad = || {
                Error::bad_argument(format!(
                    "invalid value {} for option \"{key}\"",
                    shown(&value.to_string())
                ))
                .hint(VALID)
            };
            let text = value.as_str();
            match key.as_str() {
                "dangling" => {
                    options.dangling = match text.ok_or_else(bad)? {
                        "keep" => Dangling::Keep,
                        "null" => Dangling::Null,
                        "error" => Dangling::Error,
                        _ => return Err(bad()),
                    }
                }
                "history" => {
                    options.history = match text.ok_or_else(bad)? {
                        "current" => History::Current,
                        "none" => History::None,
                        "full" => History::Full,
                        _ => return Err(bad()),
                    }
                }
                "id_version" => {
                    options.id_version = match (value.as_u64(), text) {
                        (Some(7), _) | (_, Some("7")) => IdVersion::V7,
                        (Some(4), _) | (_, Some("4")) => IdVersion::V4,
                        _ => return Err(bad()),
                    }
                }
                "blobs" => {
                    options.blobs = match text.ok_or_else(bad)? {
                        "copy" => true,
                        "none" => false,
                        _ => return Err(bad()),
                    }
                }
                "blobs_from" => options.blobs_from = location(value).ok_or_else(bad)?,
                "blobs_to" => options.blobs_to = location(value).ok_or_else(bad)?,
                "max_memory" => options.max_memory = Some(bytes(value).ok_or_else(bad)?),
                "replace" => options.replace = optional_text(value).ok_or_else(bad)?,
                "others" => {
                    options.include_others = match text.ok_or_else(bad)? {
                        "refuse" => false,
                        "include" => true,
                        _ => return Err(bad()),
                    }
                }
                "target" => options.target = optional_text(value).ok_or_else(bad)?,
                "values" => options.values = texts(value).ok_or_else(bad)?,
                "triggers" => {
                    let word = text.ok_or_else(bad)?;
                    (options.fire_triggers, options.skip_triggers) = match word {
                        "fire" => (true, false),
                        "skip" => (false, true),
                        _ => return Err(bad()),
                    }
                }
                "verify" => options.verify = value.as_bool().ok_or_else(bad)?,
                "expires_in" => options.expires_in = optional_text(value).ok_or_else(bad)?,
                "source_tables" => {
                    options.source_tables = serde_json::from_value(value.clone()).map_err(|_| bad())?;
                }
                "keep_ids" => options.keep_ids = value.as_bool().ok_or_else(bad)?,
                _ => {
                    return Err(Error::bad_argument(format!("unknown option \"{}\"", shown(key)))
                        .hint(format!("{}{VALID}", did_you_mean(key, OPTIONS))));
                }
            }
        }
        if options.keep_ids {
            if options.source_tables.is_empty() {
                return Err(Error::bad_argument("option \"keep_ids\" needs option \"source_tables\"").hint(
                    "Inside one database a clone must have new ids; `pg_clone copy --keep-ids` sets both options.",
                ));
            }
            options.history = History::AsIs;
        }
        Ok(options)
    }
}

/// An object whose members are texts, numbers or booleans.
fn texts(value: &Value) -> Option<BTreeMap<String, String>> {
    value
        .as_object()?
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => Some((name.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Some((name.clone(), value.to_string())),
            _ => None,
        })
        .collect()
}

fn optional_text(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) if !text.is_empty() => Some(Some(text.clone())),
        _ => None,
    }
}

/// A location of files, with the schemes of `Location` in the driver.
fn location(value: &Value) -> Option<Option<String>> {
    const SCHEMES: [&str; 6] = ["file:/", "s3:", "azblob:", "azure:", "gs:", "gcs:"];
    match optional_text(value)? {
        Some(text) if !SCHEMES.iter().any(|scheme| text.starts_with(scheme)) => None,
        read => Some(read),
    }
}

/// A number of bytes, or a number with a unit as PostgreSQL's settings write it (kB, MB, GB, TB).
fn bytes(value: &Value) -> Option<u64> {
    if let Some(number) = value.as_u64() {
        return Some(number);
    }
    let text = value.as_str()?.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let unit = match text.get(digits..)?.trim() {
        "" | "B" => 1,
        "kB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_options_and_values_are_errors_with_the_valid_list() {
        for bad in [
            json!({"dangle": "keep"}),
            json!({"dangling": "maybe"}),
            json!({"id_version": 5}),
            json!([]),
        ] {
            let error = Options::parse(&bad).unwrap_err();
            assert_eq!(error.code.sqlstate(), "22023");
            assert!(error.hint.contains("history"), "{}", error.hint);
        }
    }

    #[test]
    fn budgets_take_units() {
        assert_eq!(
            Options::parse(&json!({"max_memory": "500MB"}))
                .unwrap()
                .max_memory,
            Some(500 << 20)
        );
        assert_eq!(
            Options::parse(&json!({"max_memory": 7})).unwrap().max_memory,
            Some(7)
        );
        assert!(Options::parse(&json!({"max_memory": "7 parsecs"})).is_err());
        let options = Options::parse(&json!({"blobs_to": "s3://staging/x"})).unwrap();
        assert_eq!(options.blobs_to.as_deref(), Some("s3://staging/x"));
        assert!(Options::parse(&json!({"blobs_to": "staging"})).is_err());
        assert!(Options::parse(&json!({"blobs_from": 1})).is_err());
    }
}
