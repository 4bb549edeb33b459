//! Reads items: the sources of a call with what comes along, and what is known of the items that documents name.

use std::collections::{BTreeMap, BTreeSet};

use pg_clone_core::error::Result;
use pg_clone_core::item::options::Options;
use pg_clone_core::item::permission::{Actor, require_fetch, unknown_item};
use pg_clone_core::item::source::Source;
use pg_clone_core::item::subtype::Cloneable;
use pg_clone_core::item::validate::Target;
use pg_clone_core::item::{references, set};
use pgrx::JsonB;
use serde_json::Value;

use super::query;
use super::store::ItemStore;
use crate::error::internal;

/// The source items, in the order of their ids, then those that come along; the actor may clone all of them.
///
/// # Errors
/// P0002 and 42501 as [`require_fetch`], 22023 for a subtype that cannot be cloned.
pub fn sources(
    store: &ItemStore,
    actor: &Actor,
    ids: &[String],
    options: &Options,
    together: bool,
) -> Result<Vec<Source>> {
    for name in &options.bring {
        store.subtype(name)?;
    }
    let mut read = read(store, ids, options.from_history)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let source = read.remove(id).ok_or_else(|| unknown_item(id))?;
        let subtype = store.subtype(&source.item_subtype)?;
        require_fetch(actor, id, &source.access, &subtype.item_roles)?;
        set::require_cloneable(subtype, id, together)?;
        found.push(source);
    }
    let mut from = 0;
    while from < found.len() && !options.bring.is_empty() {
        let next = found.len();
        let more = brought(store, &found, from, options)?;
        // What the actor may not read does not come along: not even its existence may show.
        for source in more {
            let subtype = store.subtype(&source.item_subtype)?;
            let readable = require_fetch(actor, &source.id, &source.access, &subtype.item_roles).is_ok();
            if readable && subtype.cloneable != Cloneable::Never {
                found.push(source);
            }
        }
        from = next;
    }
    Ok(found)
}

/// Items of the wanted subtypes that name, or are named by, the items from `from` on, and are not there yet.
fn brought(store: &ItemStore, found: &[Source], from: usize, options: &Options) -> Result<Vec<Source>> {
    let known: BTreeSet<&str> = found.iter().map(|s| s.id.as_str()).collect();
    let fresh = found.get(from..).unwrap_or_default();
    let mut ids = BTreeSet::new();
    for source in fresh {
        let document = Value::Object(source.content(None)?);
        ids.extend(
            references::find(store.subtype(&source.item_subtype)?, &document)?
                .into_iter()
                .map(|f| f.target),
        );
    }
    let fresh: Vec<String> = fresh.iter().map(|s| s.id.clone()).collect();
    let sql = format!(
        "SELECT COALESCE(pg_catalog.jsonb_agg(DISTINCT i.id), '[]') FROM pg_catalog.jsonb_array_elements($1) n \
         JOIN {} i ON i.domain_info OPERATOR(pg_catalog.@>) n WHERE i.item_subtype::pg_catalog.text OPERATOR(pg_catalog.=) $2",
        store.table("item")
    );
    for name in &options.bring {
        let needles = Value::Array(references::needles(store.subtype(name)?, &fresh));
        let naming = query::json(&sql, &[JsonB(needles).into(), name.as_str().into()])?;
        ids.extend(serde_json::from_value::<Vec<String>>(naming).map_err(internal)?);
    }
    let ids: Vec<String> = ids
        .into_iter()
        .filter(|id| !known.contains(id.as_str()))
        .collect();
    let mut sources: Vec<Source> = read(store, &ids, options.from_history)?.into_values().collect();
    sources.retain(|s| options.bring.contains(&s.item_subtype));
    Ok(sources)
}

/// Items with their access settings, by id; unknown ids are absent.
fn read(store: &ItemStore, ids: &[String], revision: Option<i32>) -> Result<BTreeMap<String, Source>> {
    let sql = format!(
        "SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(\
         'id', i.id, 'item_subtype', i.item_subtype, 'collection_id', i.collection_id, 'display_name', i.display_name, \
         'user_metadata', i.user_metadata, 'domain_info', i.domain_info, \
         'access', COALESCE((SELECT pg_catalog.jsonb_build_object('owner', a.owner, 'general', pg_catalog.to_jsonb(a.general), \
             'groups', a.groups) FROM {auth} a WHERE a.id OPERATOR(pg_catalog.=) i.id), '{{\"owner\": \"\"}}'), \
         'revision', (SELECT h.item FROM {history} h WHERE h.item_id OPERATOR(pg_catalog.=) i.id \
             AND h.id OPERATOR(pg_catalog.=) $2), \
         'revisions', CASE WHEN $2 IS NULL THEN '[]' ELSE COALESCE((SELECT pg_catalog.jsonb_agg(h.id ORDER BY h.id DESC) \
             FROM {history} h WHERE h.item_id OPERATOR(pg_catalog.=) i.id), '[]') END)), '[]') \
         FROM {item} i WHERE i.id OPERATOR(pg_catalog.=) ANY ($1)",
        auth = store.table("item_auth"),
        history = store.table("item_history"),
        item = store.table("item"),
    );
    let rows = query::json(&sql, &[ids.to_vec().into(), revision.into()])?;
    let sources: Vec<Source> = serde_json::from_value(rows).map_err(internal)?;
    Ok(sources.into_iter().map(|s| (s.id.clone(), s)).collect())
}

/// What the store knows of items; unknown ids are absent.
pub fn targets(store: &ItemStore, ids: &[String]) -> Result<BTreeMap<String, Target>> {
    let sql = format!(
        "SELECT COALESCE(pg_catalog.jsonb_object_agg(i.id, pg_catalog.jsonb_build_array(i.item_subtype, \
         i.record_type::pg_catalog.text OPERATOR(pg_catalog.=) 'COMPLETE_ITEM')), '{{}}') \
         FROM {} i WHERE i.id OPERATOR(pg_catalog.=) ANY ($1)",
        store.table("item")
    );
    let rows = query::json(&sql, &[ids.to_vec().into()])?;
    let rows: BTreeMap<String, (String, bool)> = serde_json::from_value(rows).map_err(internal)?;
    Ok(rows
        .into_iter()
        .map(|(id, (subtype, complete))| (id, Target { subtype, complete }))
        .collect())
}
