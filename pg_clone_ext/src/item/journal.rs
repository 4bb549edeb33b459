//! Records a clone of items: the run, the source of each item, the files to copy. It uses the rights of the extension's owner,
//! so that callers need no privileges on schema `clone`.

use pg_clone_core::error::Result;
use serde_json::{Value, json};

use super::store::ItemStore;
use super::{Call, query};
use crate::pg::privileges::AsExtensionOwner;
use crate::records::blob_queue;
use crate::records::runs::{self, ItemRun};

/// Maximum number of ids in a run's arguments; clone.item_origin has all of them.
const NAMED: usize = 1_000;
/// Maximum bytes of edits in a run's arguments.
const EDITS: usize = 100_000;

/// One clone of a run.
pub struct Origin {
    /// The clone.
    pub item: String,
    /// Its source.
    pub source: String,
    /// The source's name.
    pub name: Option<String>,
    /// Its subtype.
    pub subtype: String,
    /// Key prefixes of the source's and the clone's files, if they are copied.
    pub files: Option<(String, String)>,
}

/// A finished clone of items.
pub struct Done<'a> {
    /// The call.
    pub call: &'a Call<'a>,
    /// The actor.
    pub actor: &'a str,
    /// History entry that was cloned.
    pub revision: Option<i32>,
    /// Name of the first clone.
    pub name: Option<&'a str>,
    /// The clones, in order.
    pub origins: &'a [Origin],
    /// Number of activity items written.
    pub activities: usize,
    /// Texts in which references were rewritten.
    pub rewritten: usize,
    /// Bytes of the documents.
    pub bytes: usize,
    /// What the operator must do.
    pub todo: &'a [String],
}

/// Writes the records; returns the run's number.
pub fn record(store: &ItemStore, done: &Done) -> Result<i64> {
    let written = done.origins.len() + done.activities;
    let files: Vec<Value> = done.origins.iter().filter_map(file).collect();
    let run = runs::insert_item(&ItemRun {
        store: &store.name,
        source: summary(done.origins.iter().map(|origin| origin.source.as_str())),
        target: summary(done.origins.iter().map(|origin| origin.item.as_str())),
        name: done.name,
        arguments: arguments(done),
        items: written,
        rows: written * 4,
        bytes: done.bytes,
        rewritten: done.rewritten,
        blobs: files.len(),
        todo: json!(done.todo),
    })?;
    record_origins(store, run, done.actor, done.revision, done.origins)?;
    blob_queue::queue_copies(&store.name, run, &files, None, None)?;
    Ok(run)
}

/// A file to copy, as the queue takes it.
fn file(origin: &Origin) -> Option<Value> {
    let (from, to) = origin.files.as_ref()?;
    Some(json!({
        "resource_type": origin.subtype, "source_id": origin.source, "target_id": origin.item,
        "source_key": from, "target_key": to,
    }))
}

/// Records the sources of the clones of a run.
pub fn record_origins(
    store: &ItemStore,
    run: i64,
    actor: &str,
    revision: Option<i32>,
    origins: &[Origin],
) -> Result<()> {
    let texts = |text: &dyn Fn(&Origin) -> Option<String>| origins.iter().map(text).collect::<Vec<_>>();
    let arguments = [
        store.name.as_str().into(),
        run.into(),
        actor.into(),
        texts(&|origin| Some(origin.item.clone())).into(),
        texts(&|origin| Some(origin.source.clone())).into(),
        texts(&|origin| origin.name.clone()).into(),
        revision.into(),
    ];
    let _owner = AsExtensionOwner::new();
    // A refresh uses the same handles again.
    query::write(
        "INSERT INTO clone.item_origin AS o (store, item, source, source_name, revision, run_id, cloned_by) \
         SELECT $1, u.item, u.source, u.name, $7, $2, $3 \
         FROM ROWS FROM (pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6)) u (item, source, name) \
         ON CONFLICT ON CONSTRAINT item_origin_pkey DO UPDATE SET source = EXCLUDED.source, source_name = EXCLUDED.source_name, \
         revision = EXCLUDED.revision, run_id = EXCLUDED.run_id, cloned_at = EXCLUDED.cloned_at, cloned_by = EXCLUDED.cloned_by",
        &arguments,
    )?;
    Ok(())
}

/// The first id, and the number of others.
fn summary<'i>(ids: impl Iterator<Item = &'i str>) -> String {
    let ids: Vec<&str> = ids.collect();
    match ids.as_slice() {
        [] => String::new(),
        [first] => (*first).to_owned(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}

fn arguments(done: &Done) -> Value {
    let ids: Vec<&String> = done.call.ids.iter().take(NAMED).collect();
    let edits = match done.call.edits.len() > EDITS {
        true => Value::Null,
        false => serde_json::from_str(&done.call.edits).unwrap_or_default(),
    };
    let options: Value = serde_json::from_str(&done.call.options).unwrap_or_default();
    json!({"item_ids": ids, "edits": edits, "options": options, "actor": done.actor})
}
