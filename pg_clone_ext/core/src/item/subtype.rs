//! The rules of a subtype: one row of the store's table `subtype`, read as data. A new subtype is a row, not code.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Map, Value};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

use super::pointer::{self, Path};
use super::references::prefix::Prefix;
use super::references::provenance::Provenance;
use super::validation::formats;
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

/// The initial value of a system field in a clone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SystemField {
    /// The initial value; null if the field is absent initially.
    #[serde(default)]
    pub initial: Value,
    /// Why users cannot set it; shown in errors and drafts.
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
        /// Only if the value is this; absent: any value.
        #[serde(default)]
        was: Option<Value>,
        /// Why, shown in the draft.
        reason: String,
    },
    /// The value is removed.
    Remove {
        /// Where.
        path: String,
        /// Why, shown in the draft.
        reason: String,
    },
    /// A missing value is filled in: with `value`, or with the value at `from`.
    Default {
        /// Where.
        path: String,
        /// The value.
        #[serde(default)]
        value: Value,
        /// Pointer to the value to use instead.
        #[serde(default)]
        from: Option<String>,
        /// Only if one of these pointers has a value; empty: always.
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

/// A place in a document with references to other items.
#[derive(Debug, Clone, Deserialize)]
pub struct Reference {
    /// RFC 9535 JSONPath of names and `[*]`.
    pub path: Path,
    /// Allowed subtypes; empty: any.
    #[serde(default)]
    pub subtypes: Vec<String>,
    /// The value is the document's own id, not that of another item.
    #[serde(default)]
    pub own: bool,
    /// Prefixes that may precede the id, such as `https://hdl.handle.net/`, or replace its beginning; the id itself is always allowed.
    #[serde(default)]
    pub prefixes: Vec<Prefix>,
    /// The value may also refer to something outside of the registry, which is not checked.
    #[serde(default)]
    pub external: bool,
    /// Items with a reference here are members of the referenced item: they are included with it if `include` has their subtype.
    #[serde(default)]
    pub member: bool,
}

/// A check of several values, which JSON Schema cannot express.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Check {
    /// The values at all these paths together hold no value twice.
    Unique {
        /// RFC 9535 JSONPaths.
        paths: Vec<Path>,
    },
    /// The values at these paths, where present, are in ascending order (dates as ISO 8601 texts, numbers).
    Ascending {
        /// RFC 9535 JSONPaths, each of one value.
        paths: Vec<Path>,
    },
}

/// A variant: an older form of the subtype. Items that have it are valid by its schema.
#[derive(Debug, Deserialize)]
pub struct Variant {
    /// Its name, shown in the draft.
    pub name: String,
    /// JSON Schema that identifies the variant in the content of a source and in the edited form.
    pub when: Value,
    /// JSON Schema of the editable part of such a document.
    pub json_schema: Value,
    #[serde(skip)]
    compiled_when: Compiled,
    #[serde(skip)]
    compiled: Compiled,
}

/// A JSON Schema that is compiled when it is first needed.
#[derive(Default)]
struct Compiled(OnceLock<Validator>);

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.get().is_some() { "compiled" } else { "-" })
    }
}

impl Compiled {
    fn of(&self, subtype: &str, schema: &Value) -> Result<&Validator> {
        if let Some(validator) = self.0.get() {
            return Ok(validator);
        }
        let validator = formats::options().build(schema).map_err(|e| {
            Error::new(
                Code::StoreChanged,
                format!("the JSON Schema of subtype {subtype} is not valid: {e}"),
            )
            .hint("Correct json_schema in the store's table subtype.")
        })?;
        Ok(self.0.get_or_init(|| validator))
    }
}

/// Location of the files of an item: a field of the document, composed from the item's handle.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Storage {
    /// Top-level field that holds the location, e.g. `s3`.
    pub field: String,
    /// Key within it that holds the key prefix of the files, e.g. `path`.
    pub key: String,
    /// Key within it that holds the bucket, e.g. `bucket_name`.
    pub bucket: String,
    /// Item role that reading the files of an item needs.
    #[serde(default = "data_role")]
    pub role: String,
    /// Texts of the new location, with `{bucket}`, `{prefix}` and `{slug}`: the handle with `.` and `/` as `-`.
    pub template: BTreeMap<String, String>,
}

fn data_role() -> String {
    "dataset-data-read".to_owned()
}

/// The rules of one subtype.
#[derive(Debug, Deserialize)]
pub struct Subtype {
    /// Its name, e.g. `DATASET`.
    pub name: String,
    /// A row of the store's table `category`, e.g. ENTITY.
    pub category: String,
    /// Name shown to people.
    #[serde(default)]
    pub title: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it can be cloned.
    pub cloneable: Cloneable,
    /// Whether its items have versions.
    pub versionable: bool,
    /// Whether its author must be linked to a person of the registry, in stores that require this.
    #[serde(default)]
    pub person_link: bool,
    /// JSON Schema of the editable part of a document.
    pub json_schema: Value,
    /// How a form shows the fields (the ui:schema of react-jsonschema-form).
    #[serde(default)]
    pub ui_schema: Value,
    /// Variants; the first that matches is used.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Changes of the draft, in order.
    #[serde(default)]
    pub resets: Vec<Reset>,
    /// Fields computed from others.
    #[serde(default)]
    pub derived: Vec<Derived>,
    /// References to other items.
    #[serde(default, rename = "references")]
    pub references: Vec<Reference>,
    /// JSONPaths of texts that contain JSON with references to items.
    #[serde(default)]
    pub embedded: Vec<Path>,
    /// The PROV document that is generated when an item is written.
    #[serde(default)]
    pub provenance: Option<Provenance>,
    /// Pointers to the texts that a title pattern changes.
    #[serde(default)]
    pub title_paths: Vec<String>,
    /// Fields that users cannot set.
    #[serde(default)]
    pub system_fields: BTreeMap<String, SystemField>,
    /// Checks of several values.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// General item roles of a new item.
    pub default_access: Vec<String>,
    /// Item roles that exist for this subtype.
    pub item_roles: Vec<String>,
    /// Location of its files; none: it has no files.
    #[serde(default)]
    pub storage: Option<Storage>,
    #[serde(skip)]
    compiled: Compiled,
    #[serde(skip)]
    fingerprint: u128,
}

impl Subtype {
    /// Reads a row of the store's table `subtype` (as `to_jsonb` gives it).
    ///
    /// # Errors
    /// 55000 if the row does not have the expected form.
    pub fn from_row(row: Value) -> Result<Self> {
        let name = row.get("name").and_then(Value::as_str).unwrap_or("?").to_string();
        let mut hasher = SipHasher13::new();
        hasher.write(row.to_string().as_bytes());
        let mut subtype: Subtype = serde_json::from_value(without_nulls(row)).map_err(|e| {
            Error::new(
                Code::StoreChanged,
                format!("the rules of subtype {name} cannot be read: {e}"),
            )
            .hint("Compare the row with the comments on the columns of the store's table subtype.")
        })?;
        if let Some(wrong) = subtype.pointers().find(|text| !pointer::is_to_member(text)) {
            return Err(Error::new(
                Code::StoreChanged,
                format!("the rules of subtype {name} cannot be read: \"{wrong}\" is not a JSON pointer"),
            )
            .hint(
                "A JSON pointer has a slash before each name; correct the row in the store's table subtype.",
            ));
        }
        subtype.fingerprint = hasher.finish128().as_u128();
        Ok(subtype)
    }

    /// Every place in the rules that is a JSON pointer.
    fn pointers(&self) -> impl Iterator<Item = &str> {
        let resets = self.resets.iter().flat_map(|reset| match reset {
            Reset::Set { path, .. } | Reset::Remove { path, .. } => vec![path],
            Reset::Default {
                path,
                from,
                if_present,
                ..
            } => std::iter::once(path).chain(from).chain(if_present).collect(),
        });
        let nodes = self.provenance.iter().flat_map(|rules| rules.nodes.values());
        let texts = self.title_paths.iter().chain(resets);
        let texts = texts.chain(self.derived.iter().map(|derived| &derived.from));
        texts
            .chain(nodes.filter_map(|node| node.follow.as_ref()))
            .map(String::as_str)
    }

    /// Why a value is given anew in each clone, if the rules set it.
    pub fn reset_reason(&self, at: &str) -> Option<&str> {
        self.resets.iter().find_map(|reset| match reset {
            Reset::Set { path, reason, .. } | Reset::Remove { path, reason } if path == at => {
                Some(reason.as_str())
            }
            _ => None,
        })
    }

    /// A digest of the rules.
    pub fn fingerprint(&self) -> u128 {
        self.fingerprint
    }

    /// The variant of a source.
    ///
    /// # Errors
    /// 55000 if its schema is not valid.
    pub fn variant_of(&self, content: &Value) -> Result<Option<usize>> {
        for index in 0..self.variants.len() {
            if self.is_of(index, content)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// A variant by its index.
    pub fn variant(&self, index: Option<usize>) -> Option<&Variant> {
        self.variants.get(index?)
    }

    /// Whether a document has a variant.
    ///
    /// # Errors
    /// 55000 if its schema is not valid.
    pub fn is_of(&self, index: usize, document: &Value) -> Result<bool> {
        let Some(variant) = self.variants.get(index) else {
            return Ok(false);
        };
        let when = variant.compiled_when.of(&self.name, &variant.when)?;
        Ok(when.is_valid(document))
    }

    /// The schema of a variant, or the current one.
    pub fn schema<'s>(&'s self, variant: Option<&'s Variant>) -> &'s Value {
        variant.map_or(&self.json_schema, |variant| &variant.json_schema)
    }

    /// The schema, compiled once.
    ///
    /// # Errors
    /// 55000 if it is not valid.
    pub fn validator<'s>(&'s self, variant: Option<&'s Variant>) -> Result<&'s Validator> {
        match variant {
            Some(variant) => variant.compiled.of(&self.name, &variant.json_schema),
            None => self.compiled.of(&self.name, &self.json_schema),
        }
    }

    /// The location of the files of the item with this handle: the filled-in storage template.
    ///
    /// # Errors
    /// 55000 if a text becomes longer than [`limits::LOCATION`](super::limits::LOCATION) bytes.
    pub fn location(&self, handle: &str, bucket: &str, prefix: &str) -> Result<Option<Map<String, Value>>> {
        let Some(storage) = &self.storage else {
            return Ok(None);
        };
        let slug = handle.replace(['.', '/'], "-");
        let mut place = Map::new();
        for (key, text) in &storage.template {
            let parts = [
                ("{bucket}", bucket),
                ("{prefix}", prefix),
                ("{slug}", slug.as_str()),
            ];
            let longest = parts.iter().fold(text.len(), |bytes, (name, value)| {
                bytes + text.matches(name).count() * value.len()
            });
            if longest > super::limits::LOCATION {
                return Err(Error::new(
                    Code::StoreChanged,
                    format!("the path of the files of {handle} would be {longest} bytes long"),
                )
                .hint("Shorten storage.template in the store's table subtype."));
            }
            let filled = parts
                .iter()
                .fold(text.clone(), |text, (name, value)| text.replace(name, value));
            place.insert(key.clone(), filled.into());
        }
        Ok(Some(place))
    }
}

/// SQL NULLs in a row mean "not given"; serde expects absent members for that.
fn without_nulls(row: Value) -> Value {
    match row {
        Value::Object(map) => map.into_iter().filter(|(_, v)| !v.is_null()).collect(),
        other => other,
    }
}
