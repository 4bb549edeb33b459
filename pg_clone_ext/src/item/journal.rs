//! Records what was done: the run, where each item came from, the files to copy. With the rights of the extension's owner,
//! so that a caller needs none on our bookkeeping.

use pg_clone_core::error::Result;
use pg_clone_core::item::options::Options;
use pg_clone_core::item::record::NewItem;
use pg_clone_core::item::set::Prepared;
use pgrx::JsonB;
use serde_json::{Value, json};

use super::store::ItemStore;
use super::{Call, query};
use crate::error::internal;
use crate::pg::privileges::{AsExtensionOwner, current_user};

/// What was done.
pub struct Done<'a> {
    /// The call.
    pub call: &'a Call<'a>,
    /// For whom.
    pub actor: &'a str,
    /// Its options.
    pub options: &'a Options,
    /// The sources.
    pub prepared: &'a [Prepared<'a>],
    /// Their clones, in the same order.
    pub items: &'a [NewItem],
    /// How many activities were written besides.
    pub activities: usize,
    /// Texts in which references were rewritten.
    pub rewritten: usize,
}

/// Writes the records.
pub fn record(store: &ItemStore, done: &Done) -> Result<()> {
    let caller = current_user();
    let _owner = AsExtensionOwner::new();
    let files = if done.options.files {
        files(done)
    } else {
        Vec::new()
    };
    let run = run(store, done, &caller, files.len())?;
    let origins: Vec<Value> = done
        .prepared
        .iter()
        .zip(done.items)
        .map(|(p, item)| json!({"item": item.id, "source": p.source.id, "name": p.source.display_name}))
        .collect();
    query::run(
        "INSERT INTO clone.item_origin (store, item, source, source_name, revision, run_id, cloned_by) \
         SELECT $1, o.item, o.source, o.name, $2, $3, $4 \
         FROM pg_catalog.jsonb_to_recordset($5) o (item text, source text, name text)",
        &[
            store.name.as_str().into(),
            done.options.from_history.into(),
            run.into(),
            done.actor.into(),
            JsonB(origins.into()).into(),
        ],
    )?;
    if files.is_empty() {
        return Ok(());
    }
    query::run(
        "INSERT INTO clone.blob_copy (run_id, store, operation, resource_type, source_id, target_id, source_key, target_key) \
         SELECT $1, $2, 'copy', f.subtype, f.source_id, f.target_id, f.source_key, f.target_key FROM pg_catalog.jsonb_to_recordset($3) \
         f (subtype text, source_id text, target_id text, source_key text, target_key text)",
        &[run.into(), store.name.as_str().into(), JsonB(files.into()).into()],
    )?;
    query::run(
        "SELECT pg_catalog.pg_notify('clone_blob_copy', $1::pg_catalog.text)",
        &[run.into()],
    )
}

/// The files to copy: everything under the source's key prefix goes under the clone's. Both end in a slash, which is how
/// the queue says "all files under it".
fn files(done: &Done) -> Vec<Value> {
    let pairs = done.prepared.iter().zip(done.items);
    let rows = pairs.filter_map(|(p, item)| {
        let storage = p.subtype.storage.as_ref()?;
        let (_, from) = p.source.location(storage);
        let to = item
            .domain_info
            .get(&storage.field)?
            .get(&storage.key)?
            .as_str()?;
        Some(
            json!({"subtype": p.subtype.name, "source_id": p.source.id, "target_id": item.id,
                    "source_key": from?, "target_key": to}),
        )
    });
    rows.collect()
}

fn run(store: &ItemStore, done: &Done, caller: &str, files: usize) -> Result<i64> {
    let sources: Vec<&str> = done.prepared.iter().map(|p| p.source.id.as_str()).collect();
    let targets: Vec<&str> = done.items.iter().map(|i| i.id.as_str()).collect();
    let bytes: usize = done.items.iter().map(|i| i.content.to_string().len()).sum();
    let written = done.items.len() + done.activities;
    let todo: Vec<String> = done
        .prepared
        .iter()
        .zip(done.items)
        .filter(|(p, _)| p.subtype.storage.is_some() && !done.options.files)
        .map(|(_, item)| format!("{}: upload the files, none were copied", item.id))
        .collect();
    let arguments = json!({"item_ids": done.call.ids, "edits": done.call.edits, "options": done.call.options, "actor": done.actor});
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let run = pgrx::Spi::get_one_with_args::<i64>(
        "INSERT INTO clone.run (store, kind, source_project, target_project, name, arguments, run_by, session_by, started_at, \
         finished_at, resources, rows, bytes, rewritten, blobs, todo) \
         VALUES ($1, 'item', $2, $3, $4, $5, $6, session_user, pg_catalog.statement_timestamp(), pg_catalog.clock_timestamp(), \
         $7, $8, $9, $10, $11, $12) RETURNING id",
        &[
            store.name.as_str().into(),
            sources.join(", ").into(),
            targets.join(", ").into(),
            done.items.first().and_then(|i| i.display_name.clone()).into(),
            JsonB(arguments).into(),
            caller.into(),
            count(written).into(),
            count(written * 4).into(),
            count(bytes).into(),
            count(done.rewritten).into(),
            count(files).into(),
            JsonB(todo.into()).into(),
        ],
    );
    run.map(Option::unwrap_or_default).map_err(internal)
}
