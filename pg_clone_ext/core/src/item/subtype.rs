//! The rules of a subtype: one row of the store's table `subtype`, read as data. A new subtype is a row, not code.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Code, Error, Result};

/// Whether items of a subtype can be cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloneable {
    /// One by one, and within a set.
    Alone,
    /// Only together with others, by `items_clone`.
    Set,
    /// Never: the system makes them.
    Never,
}

/// What a field that belongs to the system starts with in a clone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SystemField {
    /// The first value; null where the field is absent at first.
    #[serde(default)]
    pub initial: Value,
    /// Why it is not the user's, shown in errors and drafts.
    pub reason: String,
}

/// A change of the draft before the user sees it. Paths are JSON pointers (RFC 6901); a change is made only where
/// the parent of the path exists.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Reset {
    /// The value becomes this one.
    Set {
        /// Where.
        path: String,
        /// The value.
        value: Value,
        /// Why, shown in the draft.
        reason: String,
    },
    /// The value goes.
    Remove {
        /// Where.
        path: String,
        /// Why, shown in the draft.
        reason: String,
    },
    /// The value is filled in where there is none: with `value`, or with what stands at `from`.
    Default {
        /// Where.
        path: String,
        /// The value.
        #[serde(default)]
        value: Value,
        /// Pointer to the value to use instead.
        #[serde(default)]
        from: Option<String>,
        /// Only where something stands at one of these; empty: always.
        #[serde(default)]
        if_present: Vec<String>,
        /// Why, shown in the draft.
        reason: String,
    },
}

/// A top-level field computed from another part of the document whenever an item is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Derived {
    /// The field.
    pub field: String,
    /// Pointer to where its value comes from.
    pub from: String,
}

/// Where a document names other items.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reference {
    /// RFC 9535 JSONPath of names and `[*]`.
    pub path: String,
    /// Subtypes that may stand there; empty: any.
    #[serde(default)]
    pub subtypes: Vec<String>,
    /// The document's own id stands there, not another item's.
    #[serde(default)]
    pub own: bool,
}

/// A rule between values, which JSON Schema cannot say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Check {
    /// The values at all these paths together hold no value twice.
    Unique {
        /// RFC 9535 JSONPaths.
        paths: Vec<String>,
    },
    /// The values at these paths, where present, are in ascending order (dates as ISO 8601 texts, numbers).
    Ascending {
        /// RFC 9535 JSONPaths, each of one value.
        paths: Vec<String>,
    },
}

/// Where the files of an item are: a field of the document, composed from the item's handle.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Storage {
    /// Top-level field that holds the location, e.g. `s3`.
    pub field: String,
    /// Key within it that holds the key prefix of the files, e.g. `path`.
    pub key: String,
    /// Key within it that holds the bucket, e.g. `bucket_name`.
    pub bucket: String,
    /// Texts of the new location, with `{bucket}`, `{prefix}` and `{slug}`: the handle with `.` and `/` as `-`.
    pub template: BTreeMap<String, String>,
}

/// The rules of one subtype.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Subtype {
    /// Its name, e.g. `DATASET`.
    pub name: String,
    /// ACTIVITY, AGENT or ENTITY.
    pub category: String,
    /// Whether it can be cloned.
    pub cloneable: Cloneable,
    /// Whether its items have versions.
    pub versionable: bool,
    /// Whether its author must be linked to a person of the registry, where the store asks for that.
    #[serde(default)]
    pub person_link: bool,
    /// JSON Schema of the editable part of a document.
    pub json_schema: Value,
    /// Changes of the draft, in order.
    #[serde(default)]
    pub resets: Vec<Reset>,
    /// Fields computed from others.
    #[serde(default)]
    pub derived: Vec<Derived>,
    /// Where other items are named.
    #[serde(default, rename = "references")]
    pub references: Vec<Reference>,
    /// JSONPaths of texts that are JSON themselves and name items anywhere.
    #[serde(default)]
    pub embedded: Vec<String>,
    /// Pointers to the texts that a title pattern changes.
    #[serde(default)]
    pub title_paths: Vec<String>,
    /// Fields that are not the user's.
    #[serde(default)]
    pub system_fields: BTreeMap<String, SystemField>,
    /// Rules between values.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// General item roles of a new item.
    pub default_access: Vec<String>,
    /// Item roles that exist for this subtype.
    pub item_roles: Vec<String>,
    /// Where its files are; none: it has no files.
    #[serde(default)]
    pub storage: Option<Storage>,
}

impl Subtype {
    /// Reads a row of the store's table `subtype` (as `to_jsonb` gives it).
    ///
    /// # Errors
    /// 55000 where the row is not of the expected shape.
    pub fn from_row(row: Value) -> Result<Self> {
        let name = row.get("name").and_then(Value::as_str).unwrap_or("?").to_string();
        serde_json::from_value(without_nulls(row)).map_err(|e| {
            Error::new(
                Code::StoreChanged,
                format!("the rules of subtype {name} cannot be read: {e}"),
            )
            .hint("compare the row with the comments on the columns of the store's table subtype")
        })
    }
}

/// SQL NULLs in a row mean "not given", which serde takes from absence.
fn without_nulls(row: Value) -> Value {
    match row {
        Value::Object(map) => map.into_iter().filter(|(_, v)| !v.is_null()).collect(),
        other => other,
    }
}
