//! Verification of a cloned collection: references of its items, in every spelling, that still name the sources of other items of it.

use std::collections::HashSet;

use pg_clone_core::error::Result;
use pg_clone_core::item::references;
use pg_clone_core::plan::Store;
use serde_json::Value;

use super::query;
use super::store::ItemStore;
use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;

/// References that name sources.
#[derive(Debug, Default)]
pub struct AtSource {
    /// Their number.
    pub count: usize,
    /// The first: item, place and value.
    pub first: Option<String>,
}

/// The references of a collection that name the source of an item in it; `None` for a store that is not a registry. `sample` limits
/// the number of items that are read.
///
/// # Errors
/// 55000 where the rules of a subtype cannot be read.
pub fn references_at_source(
    store: &Store,
    collection: &str,
    sample: Option<i64>,
) -> Result<Option<AtSource>> {
    if store.preset != "registry" {
        return Ok(None);
    }
    let store = ItemStore::resolve(Some(&store.name), None)?;
    let sources = sources(&store, collection)?;
    let sql = format!(
        "SELECT i.id, i.item_subtype::pg_catalog.text, i.domain_info FROM {} i WHERE i.collection_id OPERATOR(pg_catalog.=) $1 LIMIT $2",
        store.table("item")
    );
    let mut found = AtSource::default();
    query::stream(&sql, &[collection.into(), sample.into()], &mut |row| {
        pgrx::check_for_interrupts!();
        let (id, subtype) = (row.string(1)?, store.subtype(&row.string(2)?)?);
        let Some(text) = row.json(3)? else { return Ok(()) };
        let document: Value = serde_json::from_str(&text).map_err(internal)?;
        for reference in references::find(&subtype, &document)? {
            if sources.contains(&reference.target) {
                found.count += 1;
                let value = document.pointer(&reference.pointer).and_then(Value::as_str);
                found.first.get_or_insert_with(|| {
                    format!("{id} {} {}", reference.pointer, value.unwrap_or_default())
                });
            }
        }
        Ok(())
    })?;
    Ok(Some(found))
}

/// The sources of the items that runs of `project_clone` have written to the collection. Items that users have cloned into it may name any.
fn sources(store: &ItemStore, collection: &str) -> Result<HashSet<String>> {
    let mut items = HashSet::new();
    let sql = format!(
        "SELECT i.id FROM {} i WHERE i.collection_id OPERATOR(pg_catalog.=) $1",
        store.table("item")
    );
    query::rows(&sql, &[collection.into()], &mut |row| {
        items.insert(row.string(1)?);
        Ok(())
    })?;
    let mut sources = HashSet::new();
    let _owner = AsExtensionOwner::new();
    query::rows(
        "SELECT o.item, o.source FROM clone.item_origin o JOIN clone.run r ON r.id OPERATOR(pg_catalog.=) o.run_id \
         WHERE (o.store OPERATOR(pg_catalog.=) $1) AND (r.target_project OPERATOR(pg_catalog.=) $2)",
        &[store.name.as_str().into(), collection.into()],
        &mut |row| {
            if items.contains(&row.string(1)?) {
                sources.insert(row.string(2)?);
            }
            Ok(())
        },
    )?;
    Ok(sources)
}
