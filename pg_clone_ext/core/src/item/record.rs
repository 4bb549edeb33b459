//! The new item: the finished form with a new handle, owner, timestamp, first history entry, and the other fields that are
//! reset.

use serde_json::{Map, Value, json};

use super::form::draft;
use super::options::{AccessOption, Options};
use super::permission::Access;
use super::references;
use super::references::provenance::{Naming, Others};
use super::references::serialised::Handles;
use super::subtype::Subtype;
use crate::error::Result;

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

/// The actor, the time, and the location of files.
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

/// A valid form, and what else the new item takes from its source.
#[derive(Debug)]
pub struct ItemInput<'a> {
    /// The rules of its subtype.
    pub subtype: &'a Subtype,
    /// The source's handle.
    pub source: &'a str,
    /// Name of the bucket of the source's files.
    pub bucket: Option<&'a str>,
    /// The source's access settings.
    pub access: &'a Access,
    /// The collection that the new item belongs to.
    pub collection_id: Option<&'a str>,
    /// The form; references still refer to the sources.
    pub form: Value,
}

/// A new item: the columns of the store's tables. Documents are kept as text, the input format of the server.
#[derive(Debug, Clone, PartialEq)]
pub struct NewItem {
    /// Its handle.
    pub id: String,
    /// The source's handle; none for an activity.
    pub cloned_from: Option<String>,
    /// The collection.
    pub collection_id: Option<String>,
    /// The actor.
    pub owner_username: String,
    /// Seconds since 1970, UTC: when it was created and updated.
    pub timestamp: i64,
    /// E.g. ENTITY.
    pub item_category: String,
    /// Its subtype.
    pub item_subtype: String,
    /// Whether it has versions; then it is the first one.
    pub versioned: bool,
    /// Name shown.
    pub display_name: Option<String>,
    /// Map of texts, as JSON.
    pub user_metadata: Option<String>,
    /// The rest of the fields, a JSON object.
    pub domain_info: String,
    /// Key prefix of its files.
    pub files: Option<String>,
    /// Access settings.
    pub access: Access,
}

impl NewItem {
    /// Builds the item: provenance and references for the handles of the set, derived and system fields, the location of files.
    /// Returns how many references were rewritten, too.
    ///
    /// # Errors
    /// 22023 and 55000 as [`Subtype::location`] and [`Provenance::document`](super::references::provenance::Provenance::document).
    pub fn build(
        input: ItemInput,
        handle: &str,
        handles: &Handles,
        others: &Others,
        making: &Making,
    ) -> Result<(Self, usize)> {
        let ItemInput {
            subtype,
            source,
            bucket,
            access: source_access,
            collection_id,
            mut form,
        } = input;
        let provenance = match &subtype.provenance {
            Some(rules) => {
                let document = rules.document(
                    handle,
                    &form,
                    &Naming {
                        content_of: &|value| others.get(&*references::named(subtype, value)),
                        renamed: &|value| renamed(subtype, value, handles),
                    },
                )?;
                Some((rules.field.clone(), Value::String(document.to_string())))
            }
            None => None,
        };
        let rewritten = references::rewrite(subtype, &mut form, handles)?;
        draft::derive(subtype, &mut form);
        let mut content = match form {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        for (field, system) in subtype.system_fields.iter().filter(|(_, s)| !s.initial.is_null()) {
            content.insert(field.clone(), system.initial.clone());
        }
        content.extend(provenance);
        let bucket = making.files.bucket.as_deref().or(bucket).unwrap_or_default();
        let place = subtype.location(handle, bucket, &making.files.prefix)?;
        let mut files = None;
        if let (Some(storage), Some(place)) = (&subtype.storage, place) {
            files = place.get(&storage.key).and_then(Value::as_str).map(str::to_owned);
            content.insert(storage.field.clone(), Value::Object(place));
        }
        let display_name = content
            .shift_remove("display_name")
            .and_then(|v| v.as_str().map(String::from));
        let user_metadata = content.shift_remove("user_metadata").filter(|v| !v.is_null());
        let item = NewItem {
            id: handle.to_string(),
            cloned_from: Some(source.to_owned()),
            collection_id: collection_id.map(str::to_owned),
            owner_username: making.actor.to_string(),
            timestamp: making.now,
            item_category: subtype.category.clone(),
            item_subtype: subtype.name.clone(),
            versioned: subtype.versionable,
            display_name,
            user_metadata: user_metadata.map(|metadata| metadata.to_string()),
            domain_info: Value::Object(content).to_string(),
            files,
            access: access(subtype, source_access, making),
        };
        Ok((item, rewritten))
    }

    /// The activity that records the creation of this item, owned by the same user.
    pub fn creation(&self, subtype: &Subtype, handle: &str) -> Self {
        NewItem {
            id: handle.to_string(),
            cloned_from: None,
            item_category: subtype.category.clone(),
            item_subtype: subtype.name.clone(),
            versioned: false,
            display_name: Some(format!("Create activity for item {}", self.id)),
            user_metadata: None,
            domain_info: json!({"created_item_id": self.id}).to_string(),
            files: None,
            access: Access {
                owner: self.owner_username.clone(),
                general: subtype.default_access.clone(),
                groups: Default::default(),
            },
            ..self.clone()
        }
    }

    /// The whole content, as the history keeps it: a JSON object.
    pub fn content(&self) -> String {
        let mut text = String::with_capacity(self.domain_info.len() + 100);
        text.push('{');
        if let Some(name) = &self.display_name {
            member(&mut text, "display_name", &Value::from(name.as_str()).to_string());
        }
        if let Some(metadata) = &self.user_metadata {
            member(&mut text, "user_metadata", metadata);
        }
        let rest = self.domain_info.strip_prefix('{').unwrap_or("}");
        if rest != "}" && text.len() > 1 {
            text.push(',');
        }
        text.push_str(rest);
        text
    }

    /// The item as the registry's fetch shows it, a JSON object: all fields on one level, history inside.
    pub fn payload(&self) -> String {
        let content = self.content();
        let quoted = |text: &str| Value::from(text).to_string();
        let mut text = String::with_capacity(2 * content.len() + 500);
        text.push('{');
        member(&mut text, "id", &quoted(&self.id));
        if let Some(source) = &self.cloned_from {
            member(&mut text, "cloned_from", &quoted(source));
        }
        member(&mut text, "owner_username", &quoted(&self.owner_username));
        member(&mut text, "created_timestamp", &self.timestamp.to_string());
        member(&mut text, "updated_timestamp", &self.timestamp.to_string());
        member(&mut text, "item_category", &quoted(&self.item_category));
        member(&mut text, "item_subtype", &quoted(&self.item_subtype));
        member(&mut text, "record_type", "\"COMPLETE_ITEM\"");
        member(
            &mut text,
            "versioning_info",
            if self.versioned { FIRST_VERSION } else { "null" },
        );
        member(&mut text, "workflow_links", "null");
        let entry = format!(
            "[{{\"id\":0,\"timestamp\":{},\"reason\":\"{FIRST_REASON}\",\"username\":{},\"item\":{content}}}]",
            self.timestamp,
            quoted(&self.owner_username)
        );
        member(&mut text, "history", &entry);
        let rest = content.strip_prefix('{').unwrap_or("}");
        if rest != "}" {
            text.push(',');
        }
        text.push_str(rest);
        text
    }
}

/// Versioning of the first version of its own line.
pub const FIRST_VERSION: &str = r#"{"previous_version":null,"version":1,"next_version":null}"#;

fn member(text: &mut String, name: &str, value: &str) {
    if text.len() > 1 {
        text.push(',');
    }
    text.push('"');
    text.push_str(name);
    text.push_str("\":");
    text.push_str(value);
}

/// The handle of the clone in the same spelling, if the source is in the set.
fn renamed(subtype: &Subtype, value: &str, handles: &Handles) -> String {
    references::renamed(subtype, value, handles).unwrap_or_else(|| value.to_owned())
}

fn access(subtype: &Subtype, source: &Access, making: &Making) -> Access {
    let owner = making.actor.to_string();
    match making.options.access {
        AccessOption::Default => Access {
            owner,
            general: subtype.default_access.clone(),
            groups: Default::default(),
        },
        AccessOption::Keep => Access {
            owner,
            general: source.general.clone(),
            groups: source.groups.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> Subtype {
        Subtype::from_row(json!({"name": "DATASET", "category": "ENTITY", "cloneable": "alone", "versionable": true,
            "json_schema": {}, "default_access": ["metadata-read", "dataset-data-read"], "item_roles": [],
            "derived": [{"field": "display_name", "from": "/info/name"}],
            "references": [{"path": "$.info.of", "prefixes": ["hdl:"]}],
            "provenance": {"field": "prov", "namespace": "n", "mark": "m", "nodes": {"self": {"category": "ENTITY", "subtype": "DATASET"},
                "of": {"path": "$.info.of", "category": "ENTITY", "subtype": "MODEL"}}, "links": [{"from": "self", "relation": "wasDerivedFrom", "to": "of"}]},
            "system_fields": {"s3": {"reason": "r"}, "release_status": {"initial": "NOT_RELEASED", "reason": "r"}},
            "storage": {"field": "s3", "key": "path", "bucket": "bucket_name", "template":
                {"bucket_name": "{bucket}", "path": "{prefix}{slug}/", "s3_uri": "s3://{bucket}/{prefix}{slug}/"}}}))
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
        let access: Access = serde_json::from_value(
            json!({"owner": "peter", "general": ["admin"], "groups": {"g": ["metadata-read"]}}),
        )
        .unwrap();
        let subtype = dataset();
        let input = ItemInput {
            subtype: &subtype,
            source: "10378.1/1",
            bucket: Some("b"),
            access: &access,
            collection_id: Some("reef"),
            form: json!({"info": {"name": "Reef", "zero": 0, "of": "hdl:10378.1/2"}, "user_metadata": {"k": ""}}),
        };
        let handles = Handles::new([("10378.1/2".to_string(), "10378.1/78".to_string())]);
        let (item, rewritten) =
            NewItem::build(input, "10378.1/77", &handles, &Others::new(), &making).unwrap();
        assert_eq!(rewritten, 1);
        item
    }

    fn json_of(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn everything_that_must_start_afresh_does() {
        let item = build(Options::default());
        assert_eq!(
            (item.owner_username.as_str(), item.timestamp),
            ("eve", 1_700_000_000)
        );
        assert_eq!(item.display_name.as_deref(), Some("Reef"));
        let mut domain = json_of(&item.domain_info);
        let prov = json_of(
            domain
                .as_object_mut()
                .unwrap()
                .shift_remove("prov")
                .unwrap()
                .as_str()
                .unwrap(),
        );
        assert_eq!(
            prov["wasDerivedFrom"]["_:id1"],
            json!({"prov:generatedEntity": "10378.1/77", "prov:usedEntity": "hdl:10378.1/78"})
        );
        assert_eq!(
            domain,
            json!({"info": {"name": "Reef", "zero": 0, "of": "hdl:10378.1/78"}, "release_status": "NOT_RELEASED",
                   "s3": {"bucket_name": "b", "path": "datasets/10378-1-77/",
                          "s3_uri": "s3://b/datasets/10378-1-77/"}})
        );
        assert_eq!(
            (item.collection_id.as_deref(), item.files.as_deref()),
            (Some("reef"), Some("datasets/10378-1-77/"))
        );
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
        let payload = json_of(&build(Options::default()).payload());
        assert_eq!(payload["history"].as_array().map(Vec::len), Some(1));
        let entry = &payload["history"][0];
        assert_eq!(
            (&entry["reason"], &entry["id"]),
            (&json!(FIRST_REASON), &json!(0))
        );
        assert_eq!(entry["item"]["display_name"], "Reef");
        assert_eq!(entry["item"]["s3"]["path"], "datasets/10378-1-77/");
        assert_eq!(entry["item"]["user_metadata"], json!({"k": ""}));
        assert_eq!(
            (&payload["id"], &payload["cloned_from"]),
            (&json!("10378.1/77"), &json!("10378.1/1"))
        );
        assert_eq!(
            payload["versioning_info"],
            json!({"previous_version": null, "version": 1, "next_version": null})
        );
        assert_eq!(payload["info"]["zero"], 0);
    }

    #[test]
    fn texts_with_quotes_and_items_without_fields_are_json() {
        let mut item = build(Options::default());
        item.display_name = Some("a \"b\" \\".into());
        item.domain_info = "{}".into();
        assert_eq!(json_of(&item.content())["display_name"], "a \"b\" \\");
        item.display_name = None;
        item.user_metadata = None;
        assert_eq!(item.content(), "{}");
        assert_eq!(json_of(&item.payload())["history"][0]["item"], json!({}));
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
        assert_eq!(activity.domain_info, r#"{"created_item_id":"10378.1/77"}"#);
        assert!(!activity.versioned && activity.cloned_from.is_none());
    }
}
