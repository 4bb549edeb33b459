//! The new item: the finished form with a handle, an owner, a time, a first history entry, and everything else that
//! starts afresh.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::draft;
use super::options::{AccessOption, Options};
use super::permission::Access;
use super::source::Source;
use super::subtype::{Storage, Subtype};

/// Reason of the only history entry of a clone, as the registry's own create writes it.
pub const FIRST_REASON: &str = "Initial record creation";

/// Where the store keeps files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Bucket of new items; `None`: the source's.
    pub bucket: Option<String>,
    /// Prefix of keys, with a slash at its end.
    pub prefix: String,
}

/// For whom and when, and where files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making<'a> {
    /// The actor's name.
    pub actor: &'a str,
    /// Seconds since 1970, UTC.
    pub now: i64,
    /// Where the store keeps files.
    pub files: &'a Files,
    /// The options of the call.
    pub options: &'a Options,
}

/// A new item: the columns of the store's tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewItem {
    /// Its handle.
    pub id: String,
    /// The collection, the source's.
    pub collection_id: Option<String>,
    /// The actor.
    pub owner_username: String,
    /// Seconds since 1970, UTC.
    pub created_timestamp: i64,
    /// Seconds since 1970, UTC.
    pub updated_timestamp: i64,
    /// ACTIVITY, AGENT or ENTITY.
    pub item_category: String,
    /// Its subtype.
    pub item_subtype: String,
    /// Always COMPLETE_ITEM.
    pub record_type: &'static str,
    /// First version of its own line; null for subtypes without versions.
    pub versioning_info: Value,
    /// Name shown.
    pub display_name: Option<String>,
    /// Map of texts.
    pub user_metadata: Option<Value>,
    /// The rest of the fields.
    pub domain_info: Value,
    /// The whole content as the history keeps it.
    pub content: Value,
    /// Access settings.
    pub access: Access,
}

impl NewItem {
    /// Builds the item from a form that is valid and whose references are rewritten.
    pub fn build(subtype: &Subtype, source: &Source, form: Value, handle: &str, making: &Making) -> Self {
        let mut content = form;
        draft::derive(subtype, &mut content);
        let mut content = match content {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        for (field, system) in subtype.system_fields.iter().filter(|(_, s)| !s.initial.is_null()) {
            content.insert(field.clone(), system.initial.clone());
        }
        if let Some(storage) = &subtype.storage {
            content.insert(
                storage.field.clone(),
                location(storage, source, handle, making.files),
            );
        }
        let mut domain = content.clone();
        let display_name = domain
            .shift_remove("display_name")
            .and_then(|v| v.as_str().map(String::from));
        let user_metadata = domain.shift_remove("user_metadata").filter(|v| !v.is_null());
        NewItem {
            id: handle.to_string(),
            collection_id: source.collection_id.clone(),
            owner_username: making.actor.to_string(),
            created_timestamp: making.now,
            updated_timestamp: making.now,
            item_category: subtype.category.clone(),
            item_subtype: subtype.name.clone(),
            record_type: "COMPLETE_ITEM",
            versioning_info: if subtype.versionable {
                first_version()
            } else {
                Value::Null
            },
            display_name,
            user_metadata,
            domain_info: Value::Object(domain),
            content: Value::Object(content),
            access: access(subtype, source, making),
        }
    }

    /// The activity that records the creation of this item, owned by the same user.
    pub fn creation(&self, subtype: &Subtype, handle: &str) -> Self {
        let name = format!("Create activity for item {}", self.id);
        let content = json!({"display_name": name, "created_item_id": self.id});
        NewItem {
            id: handle.to_string(),
            item_category: subtype.category.clone(),
            item_subtype: subtype.name.clone(),
            versioning_info: Value::Null,
            display_name: Some(name),
            user_metadata: None,
            domain_info: json!({"created_item_id": self.id}),
            content,
            access: Access {
                owner: self.owner_username.clone(),
                general: subtype.default_access.clone(),
                groups: Default::default(),
            },
            ..self.clone()
        }
    }

    /// The item as the registry's fetch shows it: all fields on one level, history inside.
    pub fn payload(&self) -> Value {
        let mut payload = Map::new();
        let mut put = |key: &str, value: Value| payload.insert(key.to_string(), value);
        put("id", self.id.clone().into());
        put("owner_username", self.owner_username.clone().into());
        put("created_timestamp", self.created_timestamp.into());
        put("updated_timestamp", self.updated_timestamp.into());
        put("item_category", self.item_category.clone().into());
        put("item_subtype", self.item_subtype.clone().into());
        put("record_type", self.record_type.into());
        put("versioning_info", self.versioning_info.clone());
        put("workflow_links", Value::Null);
        put("history", json!([self.first_entry()]));
        if let Value::Object(content) = &self.content {
            payload.extend(content.clone());
        }
        Value::Object(payload)
    }

    /// The history entry that a new item has.
    pub fn first_entry(&self) -> Value {
        json!({
            "id": 0,
            "timestamp": self.created_timestamp,
            "reason": FIRST_REASON,
            "username": self.owner_username,
            "item": self.content,
        })
    }
}

fn first_version() -> Value {
    json!({"previous_version": null, "version": 1, "next_version": null})
}

fn access(subtype: &Subtype, source: &Source, making: &Making) -> Access {
    let owner = making.actor.to_string();
    match making.options.access {
        AccessOption::Default => Access {
            owner,
            general: subtype.default_access.clone(),
            groups: Default::default(),
        },
        AccessOption::Keep => Access {
            owner,
            general: source.access.general.clone(),
            groups: source.access.groups.clone(),
        },
    }
}

/// The location of the new item's files: made of its own handle, so never the source's.
fn location(storage: &Storage, source: &Source, handle: &str, files: &Files) -> Value {
    let (bucket, _) = source.location(storage);
    let bucket = files.bucket.as_deref().or(bucket).unwrap_or_default();
    let slug = handle.replace(['.', '/'], "-");
    let fill = |text: &String| {
        text.replace("{bucket}", bucket)
            .replace("{prefix}", &files.prefix)
            .replace("{slug}", &slug)
    };
    storage
        .template
        .iter()
        .map(|(key, text)| (key.clone(), Value::from(fill(text))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> Subtype {
        Subtype::from_row(json!({"name": "DATASET", "category": "ENTITY", "cloneable": "alone", "versionable": true,
            "json_schema": {}, "default_access": ["metadata-read", "dataset-data-read"], "item_roles": [],
            "derived": [{"field": "display_name", "from": "/info/name"}],
            "system_fields": {"s3": {"reason": "r"}, "release_status": {"initial": "NOT_RELEASED", "reason": "r"}},
            "storage": {"field": "s3", "key": "path", "bucket": "bucket_name", "template":
                {"bucket_name": "{bucket}", "path": "{prefix}{slug}/", "s3_uri": "s3://{bucket}/{prefix}{slug}/"}}}))
        .unwrap()
    }

    fn source() -> Source {
        serde_json::from_value(
            json!({"id": "10378.1/1", "item_subtype": "DATASET", "collection_id": "reef",
            "display_name": "Old", "domain_info": {"s3": {"bucket_name": "b", "path": "datasets/10378-1-1/"}},
            "access": {"owner": "peter", "general": ["admin"], "groups": {"g": ["metadata-read"]}}}),
        )
        .unwrap()
    }

    fn build(options: Options) -> NewItem {
        let files = Files {
            bucket: None,
            prefix: "datasets/".into(),
        };
        let making = Making {
            actor: "eve",
            now: 1_700_000_000,
            files: &files,
            options: &options,
        };
        let form = json!({"info": {"name": "Reef", "zero": 0}, "user_metadata": {"k": ""}});
        NewItem::build(&dataset(), &source(), form, "10378.1/77", &making)
    }

    #[test]
    fn everything_that_must_start_afresh_does() {
        let item = build(Options::default());
        assert_eq!(item.owner_username, "eve");
        assert_eq!(
            (item.created_timestamp, item.updated_timestamp),
            (1_700_000_000, 1_700_000_000)
        );
        assert_eq!(
            item.versioning_info,
            json!({"previous_version": null, "version": 1, "next_version": null})
        );
        assert_eq!(item.display_name.as_deref(), Some("Reef"));
        assert_eq!(
            item.domain_info,
            json!({"info": {"name": "Reef", "zero": 0}, "release_status": "NOT_RELEASED",
                   "s3": {"bucket_name": "b", "path": "datasets/10378-1-77/",
                          "s3_uri": "s3://b/datasets/10378-1-77/"}})
        );
        assert_eq!(item.collection_id.as_deref(), Some("reef"));
    }

    #[test]
    fn access_is_the_default_or_kept_but_the_owner_is_always_the_actor() {
        let default = build(Options::default()).access;
        assert_eq!((default.owner.as_str(), default.groups.len()), ("eve", 0));
        assert_eq!(default.general, ["metadata-read", "dataset-data-read"]);
        let kept = build(Options {
            access: AccessOption::Keep,
            ..Options::default()
        })
        .access;
        assert_eq!(
            (kept.owner.as_str(), kept.general.as_slice()),
            ("eve", &["admin".to_string()][..])
        );
        assert_eq!(kept.groups.len(), 1);
    }

    #[test]
    fn the_history_has_one_entry_with_the_whole_content() {
        let item = build(Options::default());
        let payload = item.payload();
        assert_eq!(payload["history"].as_array().map(Vec::len), Some(1));
        let entry = &payload["history"][0];
        assert_eq!(entry["reason"], FIRST_REASON);
        assert_eq!(entry["item"]["display_name"], "Reef");
        assert_eq!(entry["item"]["s3"]["path"], "datasets/10378-1-77/");
        assert_eq!(entry["item"]["user_metadata"], json!({"k": ""}));
        assert_eq!(payload["id"], "10378.1/77");
        assert_eq!(payload["info"]["zero"], 0);
    }

    #[test]
    fn the_creation_is_an_item_of_its_own() {
        let create = Subtype::from_row(
            json!({"name": "CREATE", "category": "ACTIVITY", "cloneable": "never",
            "versionable": false, "json_schema": {}, "default_access": ["metadata-read"], "item_roles": []}),
        )
        .unwrap();
        let activity = build(Options::default()).creation(&create, "10378.1/78");
        assert_eq!(
            (activity.id.as_str(), activity.item_subtype.as_str()),
            ("10378.1/78", "CREATE")
        );
        assert_eq!(activity.domain_info, json!({"created_item_id": "10378.1/77"}));
        assert_eq!(activity.versioning_info, Value::Null);
    }
}
