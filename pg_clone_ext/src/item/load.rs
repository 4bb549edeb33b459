//! Checks each entry of an export before loading: form, rules of the subtype, references.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use pg_clone_core::error::{Code, Result};
use pg_clone_core::item::form::draft;
use pg_clone_core::item::limits;
use pg_clone_core::item::references;
use pg_clone_core::item::validation::normalize::normalize;
use pg_clone_core::item::validation::validate::{Rules, problems};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::query;
use super::store::ItemStore;
use crate::error::internal;
use crate::pg::session::settings_guard::ReadingSettings;

/// Members of a payload that are not content.
const RECORD: [&str; 11] = [
    "id",
    "owner_username",
    "created_timestamp",
    "updated_timestamp",
    "item_category",
    "item_subtype",
    "record_type",
    "workflow_links",
    "versioning_info",
    "history",
    "universal_partition_key",
];

/// The status of each entry: `new`, `present`, `dangling` or `invalid`, with its problems.
///
/// # Errors
/// 22023 if the store does not exist.
pub fn check_entries(store: &str, entries: &str) -> Result<Value> {
    let _settings = ReadingSettings::new();
    let store = ItemStore::resolve(Some(store), None)?;
    let entries: Vec<&RawValue> = serde_json::from_str(entries).map_err(internal)?;
    let entries: Vec<Value> = entries.into_iter().map(read).collect();
    let id = |entry: &Value| {
        entry
            .pointer("/item_payload/id")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let mut times: HashMap<String, usize> = HashMap::new();
    let mut named = BTreeSet::new();
    for entry in &entries {
        if let Some(id) = id(entry) {
            *times.entry(id).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    for entry in &entries {
        pgrx::check_for_interrupts!();
        let checked = check(&store, entry, &times)?;
        named.extend(checked.names.iter().cloned());
        found.push(checked);
    }
    named.extend(times.keys().cloned());
    let there = there(&store, &named)?;
    let report = entries
        .iter()
        .zip(found)
        .enumerate()
        .map(|(n, (entry, checked))| {
            let id = id(entry);
            let missing: Vec<&String> = checked
                .names
                .iter()
                .filter(|name| !there.contains(*name) && !times.contains_key(*name))
                .collect();
            let (status, problem) = match (&checked.problem, &id) {
                (Some(problem), _) => ("invalid", Some(problem.clone())),
                (None, Some(id)) if there.contains(id) => ("present", None),
                _ if missing.is_empty() => ("new", None),
                _ => {
                    let list: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
                    ("dangling", Some(format!("no item {}", list.join(", "))))
                }
            };
            json!({"entry": n + 1, "id": id, "status": status, "problem": problem})
        });
    Ok(report.collect())
}

/// The member of an entry that says why it cannot be read.
const UNREADABLE: &str = "\0unreadable";

/// Reads an entry. One that is nested too deeply has only its id, so that the others can be checked.
fn read(entry: &RawValue) -> Value {
    serde_json::from_str(entry.get()).unwrap_or_else(|_| {
        #[derive(Deserialize, Default)]
        struct Named {
            id: Option<String>,
        }
        let named: Named = serde_json::from_str(entry.get()).unwrap_or_default();
        json!({UNREADABLE: true, "item_payload": {"id": named.id}})
    })
}

/// Which of these items the store has.
fn there(store: &ItemStore, ids: &BTreeSet<String>) -> Result<HashSet<String>> {
    let sql = format!(
        "SELECT i.id FROM {} i WHERE i.id OPERATOR(pg_catalog.=) ANY ($1)",
        store.table("item")
    );
    let mut found = HashSet::new();
    query::rows(
        &sql,
        &[ids.iter().cloned().collect::<Vec<_>>().into()],
        &mut |row| {
            found.extend(row.text(1)?);
            Ok(())
        },
    )?;
    Ok(found)
}

#[derive(Default)]
struct Checked {
    problem: Option<String>,
    names: BTreeSet<String>,
}

fn check(store: &ItemStore, entry: &Value, times: &HashMap<String, usize>) -> Result<Checked> {
    let problem = |text: String| {
        Ok(Checked {
            problem: Some(text),
            names: BTreeSet::new(),
        })
    };
    if entry.get(UNREADABLE).is_some() {
        return problem(format!(
            "the entry is nested too deeply: an item has at most {} levels",
            limits::DEPTH
        ));
    }
    let Some(payload) = entry.get("item_payload").and_then(Value::as_object) else {
        return problem("item_payload is missing".into());
    };
    if let Some(wrong) = shape(entry, payload, times) {
        return problem(wrong);
    }
    let name = payload
        .get("item_subtype")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let subtype = match store.subtype(name) {
        Ok(subtype) => subtype,
        Err(error) if matches!(error.code, Code::BadArgument | Code::StoreChanged) => {
            return problem(error.message);
        }
        Err(error) => return Err(error),
    };
    let category = payload.get("item_category").and_then(Value::as_str);
    if category != Some(subtype.category.as_str()) {
        return problem(format!(
            "item_category is {}, not {}",
            shown(payload.get("item_category")),
            subtype.category
        ));
    }
    if payload.get("record_type").is_some_and(|kind| kind == "SEED_ITEM") {
        return Ok(Checked::default());
    }
    let mut content = payload.clone();
    content.retain(|field, _| !RECORD.contains(&field.as_str()));
    let whole = Value::Object(content);
    if let Err(error) = limits::check_depth("the item", limits::depth(&whole)) {
        return problem(error.message);
    }
    let names = references::targets(&subtype, &whole)
        .into_iter()
        .map(Cow::into_owned)
        .collect();
    let variant = subtype.variant(subtype.variant_of(&whole)?);
    let content = match whole {
        Value::Object(content) => content,
        _ => Map::new(),
    };
    let mut drafted = draft::draft(&subtype, variant, content);
    normalize(subtype.schema(variant), &mut drafted.form);
    // Derived fields are not part of the form; references are checked for all entries together.
    let rules = Rules {
        subtype: &subtype,
        variant,
        known: &HashSet::new(),
    };
    let mut found = problems(&rules, &drafted.form, &Default::default())?;
    found.retain(|p| p.code != "no_item" && !drafted.changes.iter().any(|change| change.path == p.path));
    let lines: Vec<String> = found
        .iter()
        .map(|p| format!("{} {}", p.path, p.message))
        .collect();
    Ok(Checked {
        problem: (!lines.is_empty()).then(|| lines.join("; ")),
        names,
    })
}

/// Problems of the members that every entry has.
fn shape(entry: &Value, payload: &Map<String, Value>, times: &HashMap<String, usize>) -> Option<String> {
    let text = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let number = |value: Option<&Value>| value.is_none_or(|value| value.is_null() || value.is_i64());
    let Some(id) = text(payload.get("id")) else {
        return Some("item_payload has no id".into());
    };
    if entry.get("id").is_some_and(|other| *other != id) {
        return Some("two different ids".into());
    }
    if times.get(&id).is_some_and(|times| *times > 1) {
        return Some(format!("id {id} is given twice"));
    }
    if text(payload.get("item_subtype")).is_none() {
        return Some("item_payload has no item_subtype".into());
    }
    let access = entry.pointer("/auth_payload/access_settings");
    let missing_or = |value: Option<&Value>, right: fn(&Value) -> bool| {
        value.is_none_or(|value| value.is_null() || right(value))
    };
    let list = |value: Option<&Value>| missing_or(value, Value::is_array);
    let object = |value: Option<&Value>| missing_or(value, Value::is_object);
    if !object(access) {
        return Some("access_settings is no object".into());
    }
    let owner = access.and_then(|access| access.get("owner"));
    if text(payload.get("owner_username")).is_none() && text(owner).is_none() {
        return Some("no owner".into());
    }
    for (name, value) in [
        ("owner_username", payload.get("owner_username")),
        ("owner", owner),
    ] {
        if !missing_or(value, Value::is_string) {
            return Some(format!("{name} is {}, not a text", shown(value)));
        }
    }
    if !payload.get("created_timestamp").is_some_and(Value::is_i64)
        || !number(payload.get("updated_timestamp"))
    {
        return Some(format!(
            "created_timestamp is {}, not seconds since 1970",
            shown(payload.get("created_timestamp"))
        ));
    }
    let kind = payload
        .get("record_type")
        .and_then(Value::as_str)
        .unwrap_or("COMPLETE_ITEM");
    if !["COMPLETE_ITEM", "SEED_ITEM"].contains(&kind)
        || !missing_or(payload.get("record_type"), Value::is_string)
    {
        return Some(format!("record_type is {}", shown(payload.get("record_type"))));
    }
    if kind == "COMPLETE_ITEM" && text(payload.get("display_name")).is_none() {
        return Some("item_payload has no display_name".into());
    }
    if !list(payload.get("history")) {
        return Some("history is no list".into());
    }
    for name in ["user_metadata", "workflow_links", "versioning_info"] {
        if !object(payload.get(name)) {
            return Some(format!("{name} is no object"));
        }
    }
    let settings = |name: &str| access.and_then(|access| access.get(name));
    if !missing_or(settings("general"), texts) || !missing_or(settings("groups"), lists_of_texts) {
        return Some(
            "access_settings has no list of texts general or no object groups of lists of texts".into(),
        );
    }
    let lock = entry.pointer("/lock_payload/lock_information");
    if !list(lock.and_then(|lock| lock.get("history")))
        || !missing_or(lock.and_then(|lock| lock.get("locked")), Value::is_boolean)
    {
        return Some("lock_information has no truth value locked or no list history".into());
    }
    let mut entries = HashSet::new();
    for (n, revision) in payload
        .get("history")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let id = revision
            .get("id")
            .and_then(Value::as_i64)
            .filter(|id| i32::try_from(*id).is_ok_and(|id| id >= 0));
        let whole = ["reason", "username"]
            .iter()
            .all(|name| text(revision.get(*name)).is_some())
            && revision.get("timestamp").is_some_and(Value::is_i64)
            && revision.get("item").is_some_and(Value::is_object);
        if !whole || !id.is_some_and(|id| entries.insert(id)) {
            return Some(format!(
                "history/{n} has no id of its own, timestamp, reason, username or item"
            ));
        }
    }
    None
}

fn texts(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_string))
}

fn lists_of_texts(value: &Value) -> bool {
    value.as_object().is_some_and(|groups| groups.values().all(texts))
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(
        || "missing".to_owned(),
        |value| value.to_string().chars().take(60).collect(),
    )
}
