//! Writes new items into the store's tables, with the caller's rights: item, access settings, lock, history.

use pg_clone_core::error::Result;
use pg_clone_core::item::record::{FIRST_REASON, NewItem};
use pgrx::JsonB;
use serde_json::Value;

use super::query;
use super::store::ItemStore;
use crate::error::internal;

/// Writes items. A handle that is taken is an error of the server (23505), and leaves nothing.
pub fn items(store: &ItemStore, items: &[NewItem]) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let rows: Value = serde_json::to_value(items).map_err(internal)?;
    let rows = || JsonB(rows.clone());
    // jsonb_populate_recordset reads each field by the column's own type, enums too.
    query::run(
        &format!(
            "INSERT INTO {item} (id, collection_id, owner_username, created_timestamp, updated_timestamp, item_category, \
             item_subtype, record_type, versioning_info, display_name, user_metadata, domain_info) \
             SELECT r.id, r.collection_id, r.owner_username, r.created_timestamp, r.updated_timestamp, r.item_category, \
             r.item_subtype, r.record_type, NULLIF(r.versioning_info, 'null'), r.display_name, NULLIF(r.user_metadata, 'null'), \
             r.domain_info FROM pg_catalog.jsonb_populate_recordset(NULL::{item}, $1) r",
            item = store.table("item")
        ),
        &[rows().into()],
    )?;
    query::run(
        &format!(
            "INSERT INTO {auth} (id, owner, general, groups) SELECT e.value OPERATOR(pg_catalog.->>) 'id', a.owner, a.general, a.groups \
             FROM pg_catalog.jsonb_array_elements($1) e, pg_catalog.jsonb_populate_record(NULL::{auth}, \
             e.value OPERATOR(pg_catalog.->) 'access') a",
            auth = store.table("item_auth")
        ),
        &[rows().into()],
    )?;
    query::run(
        &format!(
            "INSERT INTO {} (id) SELECT e.value OPERATOR(pg_catalog.->>) 'id' FROM pg_catalog.jsonb_array_elements($1) e",
            store.table("item_lock")
        ),
        &[rows().into()],
    )?;
    query::run(
        &format!(
            "INSERT INTO {} (item_id, id, \"timestamp\", reason, username, item) \
             SELECT r.id, 0, r.created_timestamp, $2, r.owner_username, r.content \
             FROM pg_catalog.jsonb_to_recordset($1) r (id text, created_timestamp bigint, owner_username text, content jsonb)",
            store.table("item_history")
        ),
        &[rows().into(), FIRST_REASON.into()],
    )
}
