//! Writes items into the store's tables, with the caller's rights: item, access settings, lock, history, in one statement.

use pg_clone_core::error::Result;
use pg_clone_core::item::record::{FIRST_REASON, FIRST_VERSION, NewItem};
use pg_clone_core::item::subtype::Subtype;
use pg_clone_core::plan::quote;

use super::query;
use super::store::ItemStore;
use crate::pg::memory::Memory;

/// Items that one statement writes.
pub const BATCH: usize = 1_000;

/// How the row in table item is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// It is inserted.
    New,
    /// A clone of the collection has inserted it; it is updated.
    Copied,
}

const INSERT: &str = "INSERT INTO {item} (id, collection_id, owner_username, created_timestamp, updated_timestamp, item_category, \
     item_subtype, record_type, versioning_info, display_name, user_metadata, domain_info) \
     SELECT r.id, r.collection_id, r.owner, r.at, r.at, r.category, r.subtype, 'COMPLETE_ITEM', r.version, r.name, r.metadata, r.domain FROM r RETURNING id";

const UPDATE: &str = "UPDATE {item} i SET owner_username = r.owner, created_timestamp = r.at, updated_timestamp = r.at, \
     item_category = r.category, versioning_info = r.version, workflow_links = NULL, display_name = r.name, \
     user_metadata = r.metadata, domain_info = r.domain FROM r WHERE i.id OPERATOR(pg_catalog.=) r.id RETURNING i.id";

// Dependent rows are written after the item, so that triggers of views see it.
const AROUND: &str = "WITH r AS (SELECT u.id, u.collection_id, u.category, u.subtype, u.name, u.metadata::pg_catalog.jsonb AS metadata, \
     u.domain::pg_catalog.jsonb AS domain, u.general::pg_catalog.text[] AS general, \
     u.groups::pg_catalog.jsonb AS groups, CASE WHEN u.versioned THEN $11::pg_catalog.jsonb END AS version, $12::pg_catalog.text AS owner, \
     $13::pg_catalog.int8 AS at FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8), pg_catalog.unnest($9), pg_catalog.unnest($10)) \
     AS u (id, collection_id, category, subtype, name, metadata, domain, general, groups, versioned)), \
     i AS ({rows}), \
     a AS (INSERT INTO {item_auth} (id, owner, general, groups) SELECT r.id, r.owner, r.general, r.groups FROM r WHERE r.id OPERATOR(pg_catalog.=) ANY (SELECT i.id FROM i){auth}), \
     l AS (INSERT INTO {item_lock} (id) SELECT r.id FROM r WHERE r.id OPERATOR(pg_catalog.=) ANY (SELECT i.id FROM i){lock}) \
     INSERT INTO {item_history} (item_id, id, \"timestamp\", reason, username, item) \
     SELECT r.id, 0, r.at, $14, r.owner, r.domain OPERATOR(pg_catalog.||) CASE \
     WHEN r.name IS NOT NULL AND r.metadata IS NOT NULL THEN pg_catalog.jsonb_build_object('display_name', r.name, 'user_metadata', r.metadata) \
     WHEN r.name IS NOT NULL THEN pg_catalog.jsonb_build_object('display_name', r.name) \
     WHEN r.metadata IS NOT NULL THEN pg_catalog.jsonb_build_object('user_metadata', r.metadata) ELSE '{}' END FROM r WHERE r.id OPERATOR(pg_catalog.=) ANY (SELECT i.id FROM i)";

/// In a copied collection these rows already exist.
const OVER_AUTH: &str = " ON CONFLICT (id) DO UPDATE SET owner = EXCLUDED.owner, general = EXCLUDED.general, groups = EXCLUDED.groups";
const OVER_LOCK: &str = " ON CONFLICT (id) DO NOTHING";

/// Deletes the revisions that were copied with the rows: a clone has its own first revision.
fn without_history(store: &ItemStore, ids: &[String]) -> Result<()> {
    let sql = format!(
        "DELETE FROM {} h WHERE h.item_id OPERATOR(pg_catalog.=) ANY ($1)",
        store.table("item_history")
    );
    query::write(&sql, &[ids.to_vec().into()])?;
    Ok(())
}

/// Writes items with the same owner and time. A handle that is in use is an error of the server (23505).
pub fn items(store: &ItemStore, items: &[NewItem], rows: Rows) -> Result<()> {
    // The arguments of the statements would stay in memory until the end of the call.
    Memory::new(c"pg_clone items").within(|| write(store, items, rows))
}

fn write(store: &ItemStore, items: &[NewItem], rows: Rows) -> Result<()> {
    let Some(first) = items.first() else { return Ok(()) };
    let mut sql = match rows {
        Rows::New => AROUND
            .replace("{rows}", INSERT)
            .replace("{auth}", "")
            .replace("{lock}", ""),
        Rows::Copied => {
            without_history(
                store,
                &items.iter().map(|item| item.id.clone()).collect::<Vec<_>>(),
            )?;
            let sql = AROUND.replace("{rows}", UPDATE);
            sql.replace("{auth}", OVER_AUTH).replace("{lock}", OVER_LOCK)
        }
    };
    for name in ["item_auth", "item_lock", "item_history", "item"] {
        sql = sql.replace(&format!("{{{name}}}"), &store.table(name));
    }
    let texts = |text: &dyn Fn(&NewItem) -> String| items.iter().map(text).collect::<Vec<String>>();
    let options =
        |text: &dyn Fn(&NewItem) -> Option<String>| items.iter().map(text).collect::<Vec<Option<String>>>();
    let groups = |item: &NewItem| match item.access.groups.is_empty() {
        true => "{}".to_owned(),
        false => serde_json::to_string(&item.access.groups).unwrap_or_default(),
    };
    let arguments = [
        texts(&|item| item.id.clone()).into(),
        options(&|item| item.collection_id.clone()).into(),
        texts(&|item| item.item_category.clone()).into(),
        texts(&|item| item.item_subtype.clone()).into(),
        options(&|item| item.display_name.clone()).into(),
        options(&|item| item.user_metadata.clone()).into(),
        texts(&|item| item.domain_info.clone()).into(),
        texts(&|item| quote::text_array(&item.access.general)).into(),
        texts(&groups).into(),
        items
            .iter()
            .map(|item| item.versioned)
            .collect::<Vec<bool>>()
            .into(),
        FIRST_VERSION.into(),
        first.owner_username.as_str().into(),
        first.timestamp.into(),
        FIRST_REASON.into(),
    ];
    query::write(&sql, &arguments)?;
    Ok(())
}

/// A seed of a cloned collection: a handle without content.
pub struct Seed {
    /// The source's handle.
    pub source: String,
    /// The clone's.
    pub item: String,
    /// Its partial content, with mapped references.
    pub domain_info: Option<String>,
}

const INSERT_SEEDS: &str = "INSERT INTO {item} (id, collection_id, owner_username, created_timestamp, updated_timestamp, item_category, \
     item_subtype, record_type, versioning_info, display_name, user_metadata, domain_info) \
     SELECT u.item, $7, $2, $3, $3, s.item_category, s.item_subtype, s.record_type, $5::pg_catalog.jsonb, s.display_name, s.user_metadata, \
     u.domain::pg_catalog.jsonb FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($6), pg_catalog.unnest($8)) AS u (item, source, domain) \
     JOIN {source} s ON s.id OPERATOR(pg_catalog.=) u.source RETURNING id";

const UPDATE_SEEDS: &str = "UPDATE {item} i SET owner_username = $2, created_timestamp = $3, updated_timestamp = $3, workflow_links = NULL, \
     versioning_info = $5::pg_catalog.jsonb, domain_info = u.domain::pg_catalog.jsonb \
     FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($6), pg_catalog.unnest($8)) AS u (item, source, domain) \
     WHERE i.id OPERATOR(pg_catalog.=) u.item AND i.collection_id OPERATOR(pg_catalog.=) $7 RETURNING i.id";

/// Writes the seeds of a cloned collection, all of one subtype. They have no content yet, and so no history.
pub fn seeds(
    store: &ItemStore,
    seeds: &[Seed],
    owner: &str,
    now: i64,
    subtype: &Subtype,
    (collection, rows): (&str, Rows),
) -> Result<()> {
    let (items, over_auth, over_lock) = match rows {
        Rows::New => (INSERT_SEEDS, "", ""),
        Rows::Copied => (UPDATE_SEEDS, OVER_AUTH, OVER_LOCK),
    };
    let items = items
        .replace("{item}", &store.table("item"))
        .replace("{source}", &store.source("item"));
    let sql = format!(
        "WITH i AS ({items}), a AS (INSERT INTO {} (id, owner, general) SELECT i.id, $2, $4 FROM i{over_auth}) \
         INSERT INTO {} (id) SELECT i.id FROM i{over_lock}",
        store.table("item_auth"),
        store.table("item_lock")
    );
    let version = subtype.versionable.then_some(FIRST_VERSION);
    for seeds in seeds.chunks(BATCH) {
        let texts =
            |text: &dyn Fn(&Seed) -> &String| seeds.iter().map(text).cloned().collect::<Vec<String>>();
        query::write(
            &sql,
            &[
                texts(&|seed| &seed.item).into(),
                owner.into(),
                now.into(),
                subtype.default_access.clone().into(),
                version.into(),
                texts(&|seed| &seed.source).into(),
                collection.into(),
                seeds
                    .iter()
                    .map(|seed| seed.domain_info.clone())
                    .collect::<Vec<Option<String>>>()
                    .into(),
            ],
        )?;
    }
    Ok(())
}
