//! A source item as the shell reads it: its row, its access settings, and the history entry asked for.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::permission::Access;
use super::subtype::Subtype;
use crate::error::{Code, Error, Result};

/// An item to clone. The fields are the columns of the store's tables.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Source {
    /// Its handle.
    pub id: String,
    /// Its subtype.
    pub item_subtype: String,
    /// The collection it belongs to.
    #[serde(default)]
    pub collection_id: Option<String>,
    /// Name shown; NULL only for seeds.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Map of texts.
    #[serde(default)]
    pub user_metadata: Option<Value>,
    /// The rest of the subtype's fields; NULL only for seeds.
    #[serde(default)]
    pub domain_info: Option<Map<String, Value>>,
    /// Access settings; without a row only a registry admin has a role.
    #[serde(default)]
    pub access: Access,
    /// Content of the history entry asked for.
    #[serde(default)]
    pub revision: Option<Map<String, Value>>,
    /// A handle without content yet.
    #[serde(default)]
    pub seed: bool,
    /// Ids of the history entries there are.
    #[serde(default)]
    pub revisions: Vec<i32>,
}

impl Source {
    /// The content to clone, all fields on one level: the latest, or that of a history entry.
    ///
    /// # Errors
    /// 22023 if the item has no such history entry.
    pub fn content(&self, from_history: Option<i32>) -> Result<Map<String, Value>> {
        if let Some(n) = from_history {
            return self.revision.clone().ok_or_else(|| {
                let known: Vec<String> = self.revisions.iter().map(ToString::to_string).collect();
                Error::bad_argument(format!("item {} has no history entry {n}", self.id)).hint(
                    if known.is_empty() {
                        "It has no history.".to_string()
                    } else {
                        format!("Its entries are: {}.", known.join(", "))
                    },
                )
            });
        }
        let mut content = Map::new();
        if let Some(name) = &self.display_name {
            content.insert("display_name".into(), name.clone().into());
        }
        if let Some(metadata) = &self.user_metadata {
            content.insert("user_metadata".into(), metadata.clone());
        }
        content.extend(self.domain_info.clone().unwrap_or_default());
        Ok(content)
    }

    /// Requires that the source's files are at the location derived from its handle: many users can write
    /// a document, and it must not refer to the files of others. Returns the key prefix; `None` if the item has no files.
    ///
    /// # Errors
    /// 42501 if they are elsewhere; 55000 as [`Subtype::location`].
    pub fn own_files(&self, subtype: &Subtype, bucket: Option<&str>, prefix: &str) -> Result<Option<String>> {
        let Some(storage) = &subtype.storage else {
            return Ok(None);
        };
        let (given_bucket, Some(key)) = self.location(storage) else {
            return Ok(None);
        };
        let own = subtype.location(&self.id, bucket.or(given_bucket).unwrap_or_default(), prefix)?;
        let own = own.unwrap_or_default();
        let same = |name: &str, given: Option<&str>| own.get(name).and_then(Value::as_str) == given;
        if same(&storage.key, Some(key)) && (bucket.is_none() || same(&storage.bucket, given_bucket)) {
            return Ok(Some(key.to_owned()));
        }
        Err(Error::new(
            Code::NotAllowed,
            format!(
                "the files of item {} are not below the path of the item: {key}",
                self.id
            ),
        )
        .hint(format!(
            "Files are copied from {} only; leave out the option \"files\".",
            own.get(&storage.key).and_then(Value::as_str).unwrap_or_default()
        )))
    }

    /// The source's files: bucket and key prefix, if its subtype has files and the item has a location.
    pub fn location(&self, storage: &super::subtype::Storage) -> (Option<&str>, Option<&str>) {
        let place = self.domain_info.as_ref().and_then(|d| d.get(&storage.field));
        let text = |key: &str| place.and_then(|p| p.get(key)).and_then(Value::as_str);
        (text(&storage.bucket), text(&storage.key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source(row: Value) -> Source {
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn the_content_is_on_one_level() {
        let s = source(json!({"id": "h", "item_subtype": "MODEL", "display_name": "M",
            "user_metadata": {"k": ""}, "domain_info": {"name": "m"}}));
        let flat = json!({"display_name": "M", "user_metadata": {"k": ""}, "name": "m"});
        assert_eq!(Value::from(s.content(None).unwrap()), flat);
    }

    #[test]
    fn a_seed_has_no_content() {
        let s =
            source(json!({"id": "h", "item_subtype": "MODEL", "display_name": null, "domain_info": null}));
        assert!(s.content(None).unwrap().is_empty());
    }

    #[test]
    fn files_are_taken_from_the_items_own_place_only() {
        let subtype = Subtype::from_row(json!({"name": "D", "category": "ENTITY", "cloneable": "alone", "versionable": true, "json_schema": {},
            "default_access": [], "item_roles": [], "storage": {"field": "s3", "key": "path", "bucket": "b",
                "template": {"b": "{bucket}", "path": "{prefix}{slug}/"}}}))
        .unwrap();
        let at = |path: &str, bucket: &str| {
            let row = json!({"id": "10.1/7", "item_subtype": "D", "domain_info": {"s3": {"path": path, "b": bucket}}});
            source(row).own_files(&subtype, Some("mine"), "data/")
        };
        assert_eq!(at("data/10-1-7/", "mine"), Ok(Some("data/10-1-7/".into())));
        for (path, bucket) in [
            ("payroll/", "mine"),
            ("data/10-1-7/../8/", "mine"),
            ("data/10-1-7", "mine"),
            ("", "mine"),
            ("data/10-1-7/", "other"),
        ] {
            assert_eq!(
                at(path, bucket).unwrap_err().code,
                Code::NotAllowed,
                "{path} {bucket}"
            );
        }
        let without = source(json!({"id": "10.1/7", "item_subtype": "D", "domain_info": {}}));
        assert_eq!(without.own_files(&subtype, None, "data/"), Ok(None));
    }

    #[test]
    fn a_missing_history_entry_names_those_there_are() {
        let s = source(json!({"id": "h", "item_subtype": "MODEL", "revisions": [2, 1, 0]}));
        let error = s.content(Some(7)).unwrap_err();
        assert_eq!(
            (error.code.sqlstate(), error.hint.as_str()),
            ("22023", "Its entries are: 2, 1, 0.")
        );
    }
}
