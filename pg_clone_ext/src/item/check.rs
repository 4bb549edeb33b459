//! Whether the actor may clone a whole collection: asked by the store's check hook before `project_clone` reads anything.

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::permission::{Access, Actor, item_roles, require_fetch, require_write_level};
use serde::Deserialize;

use super::store::ItemStore;
use super::{actor, query};
use crate::error::internal;
use crate::pg::settings_guard::ReadingSettings;

#[derive(Deserialize)]
struct Row {
    id: String,
    item_subtype: String,
    access: Access,
}

/// Asks for registry write and metadata-read on every item of the collection.
///
/// # Errors
/// 42501; it names the items whose existence may show and counts the others.
pub fn may_clone_collection(store: &str, collection: &str) -> Result<()> {
    let _settings = ReadingSettings::new();
    let store = ItemStore::resolve(Some(store), None)?;
    let actor = actor::load(&store, None)?;
    require_write_level(&actor)?;
    let sql = format!(
        "SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', i.id, 'item_subtype', i.item_subtype, 'access', \
         COALESCE((SELECT pg_catalog.jsonb_build_object('owner', a.owner, 'general', pg_catalog.to_jsonb(a.general), 'groups', a.groups) \
         FROM {} a WHERE a.id OPERATOR(pg_catalog.=) i.id), '{{\"owner\": \"\"}}'))), '[]') \
         FROM {} i WHERE i.collection_id OPERATOR(pg_catalog.=) $1",
        store.table("item_auth"),
        store.table("item")
    );
    let rows: Vec<Row> =
        serde_json::from_value(query::json(&sql, &[collection.into()])?).map_err(internal)?;
    refuse(&actor, &store, rows)
}

fn refuse(actor: &Actor, store: &ItemStore, rows: Vec<Row>) -> Result<()> {
    let mut named = Vec::new();
    let mut hidden = 0;
    for row in rows {
        let subtype = store.subtype(&row.item_subtype)?;
        if require_fetch(actor, &row.id, &row.access, &subtype.item_roles).is_ok() {
            continue;
        }
        match item_roles(actor, &row.access, &subtype.item_roles).is_empty() {
            true => hidden += 1,
            false => named.push(row.id),
        }
    }
    if named.is_empty() && hidden == 0 {
        return Ok(());
    }
    Err(Error::new(
        Code::NotAllowed,
        format!("\"{}\" may not read all items of the collection", actor.name),
    )
    .detail(match named.is_empty() {
        true => format!("{hidden} items are not readable"),
        false => format!("not readable: {}; and {hidden} more", named.join(", ")),
    })
    .hint("clone the readable ones: items_clone(ARRAY[...]), or ask for metadata-read"))
}
