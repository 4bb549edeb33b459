//! References that would dangle after items are deleted: from other items, links of users to people, reviewers.

use std::collections::HashSet;

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::references::{self, Naming};
use pg_clone_core::plan::Store;
use serde_json::{Value, json};

use super::query;
use super::store::ItemStore;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::pg::value::json_text::JsonText;

/// Maximum number of references in a message.
const NAMED: usize = 20;
/// Number of items per query.
const BATCH: usize = 500;

/// References from outside to items of a collection: `{"relation", "id", "names"}`. Items for which `stays` is true keep
/// their handle.
///
/// # Errors
/// 55000 where the rules of a subtype cannot be read.
pub fn dangling_after(store: &str, collection: &str, stays: &dyn Fn(&str) -> bool) -> Result<Vec<Value>> {
    let _settings = ReadingSettings::new();
    let store = ItemStore::resolve(Some(store), None)?;
    let mut going: Vec<(String, String)> = Vec::new();
    let sql = format!(
        "SELECT i.id, i.item_subtype::pg_catalog.text FROM {} i WHERE i.collection_id OPERATOR(pg_catalog.=) $1",
        store.table("item")
    );
    query::rows(&sql, &[collection.into()], &mut |row| {
        let id = row.string(1)?;
        if !stays(&id) {
            going.push((id, row.string(2)?));
        }
        Ok(())
    })?;
    let mut found = in_documents(&store, collection, &going)?;
    let ids: Vec<String> = going.into_iter().map(|(id, _)| id).collect();
    for (relation, key, column) in [
        ("username_person_link", "username", "person_id"),
        ("dataset_reviewer", "id", "id"),
    ] {
        let sql = format!(
            "SELECT t.{key}, t.{column} FROM {} t WHERE t.{column} OPERATOR(pg_catalog.=) ANY ($1) ORDER BY 1",
            store.table(relation)
        );
        query::rows(&sql, &[ids.clone().into()], &mut |row| {
            found.push(
                json!({"relation": store.table(relation), "id": row.string(1)?, "names": row.string(2)?}),
            );
            Ok(())
        })?;
    }
    Ok(found)
}

/// Items outside of the collection whose documents reference deleted items, at the places that the rules define.
fn in_documents(store: &ItemStore, collection: &str, going: &[(String, String)]) -> Result<Vec<Value>> {
    let mut names = Vec::new();
    query::rows(
        &format!(
            "SELECT s.name::pg_catalog.text FROM {} s ORDER BY 1",
            store.table("subtype")
        ),
        &[],
        &mut |row| {
            names.push(row.string(1)?);
            Ok(())
        },
    )?;
    let ids: HashSet<&str> = going.iter().map(|(id, _)| id.as_str()).collect();
    let sql = format!(
        "SELECT DISTINCT i.id, i.domain_info FROM pg_catalog.jsonb_array_elements($1) n \
         JOIN {} i ON i.domain_info OPERATOR(pg_catalog.@>) n \
         WHERE i.item_subtype::pg_catalog.text OPERATOR(pg_catalog.=) $2 \
         AND (i.collection_id OPERATOR(pg_catalog.=) $3) IS NOT TRUE ORDER BY 1",
        store.table("item")
    );
    let mut found = Vec::new();
    for name in &names {
        let subtype = store.subtype(name)?;
        if subtype.references.iter().all(|reference| reference.own) {
            continue;
        }
        for batch in going.chunks(BATCH) {
            let items: Vec<(&str, &str)> = batch.iter().map(|(id, of)| (id.as_str(), of.as_str())).collect();
            let needles = references::needles(&subtype, &items, Naming::Any);
            if needles.is_empty() {
                continue;
            }
            let arguments = [
                JsonText(Value::Array(needles).to_string()).into(),
                name.as_str().into(),
                collection.into(),
            ];
            query::rows(&sql, &arguments, &mut |row| {
                let item = row.string(1)?;
                let document: Value = row
                    .json(2)?
                    .and_then(|text| serde_json::from_str(&text).ok())
                    .unwrap_or_default();
                for target in references::targets(&subtype, &document) {
                    if ids.contains(&*target) {
                        found.push(json!({"relation": store.table("item"), "id": item, "names": target}));
                    }
                }
                Ok(())
            })?;
        }
    }
    Ok(found)
}

/// The same check for a deletion or a refresh: an error if anything would dangle, unless the call overrides it.
///
/// # Errors
/// 23503 if something would dangle, 55000 as above.
pub fn check_references(
    store: &Store,
    collection: &str,
    go_on: bool,
    stays: &dyn Fn(&str) -> bool,
) -> Result<Vec<Value>> {
    if store.preset != "registry" {
        return Ok(Vec::new());
    }
    let found = dangling_after(&store.name, collection, stays)?;
    if !go_on {
        require_none(collection, &found)?;
    }
    Ok(found)
}

/// Raises 23503 if something would dangle.
fn require_none(collection: &str, found: &[Value]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let text = |place: &Value, name: &str| {
        place
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut lines: Vec<String> = found
        .iter()
        .take(NAMED)
        .map(|place| {
            format!(
                "{} {} names {}",
                text(place, "relation"),
                text(place, "id"),
                text(place, "names")
            )
        })
        .collect();
    if found.len() > NAMED {
        lines.push(format!("and {} more", found.len() - NAMED));
    }
    Err(Error::new(
        Code::Dangling,
        format!(
            "{} references from outside name items of collection \"{collection}\"",
            found.len()
        ),
    )
    .detail(lines.join("\n"))
    .hint("Change them first, or give options => '{\"others\": \"include\"}' to leave them dangling."))
}
