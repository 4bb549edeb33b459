//! Records what was done: the run, where each item came from, the files to copy. With the rights of the extension's owner,
//! so that a caller needs none on our bookkeeping.

use pg_clone_core::error::{Code, Error, Result};
use serde_json::{Value, json};

use super::store::ItemStore;
use super::{Call, query};
use crate::pg::session::privileges::{AsExtensionOwner, current_user};
use crate::pg::value::json_text::JsonText;

/// Ids and handles that a run's arguments name; of a larger set the rest stands in clone.item_origin.
const NAMED: usize = 1_000;
/// Bytes of edits that a run's arguments keep.
const EDITS: usize = 100_000;

/// One clone of a run.
pub struct Origin {
    /// The clone.
    pub item: String,
    /// Where it came from.
    pub source: String,
    /// The source's name.
    pub name: Option<String>,
    /// Its subtype.
    pub subtype: String,
    /// Key prefixes of the source's and the clone's files, where they are to be copied.
    pub files: Option<(String, String)>,
}

/// What was done.
pub struct Done<'a> {
    /// The call.
    pub call: &'a Call<'a>,
    /// For whom.
    pub actor: &'a str,
    /// History entry that was cloned.
    pub revision: Option<i32>,
    /// Name of the first clone.
    pub name: Option<&'a str>,
    /// The clones, in order.
    pub origins: &'a [Origin],
    /// Items written besides.
    pub activities: usize,
    /// Texts in which references were rewritten.
    pub rewritten: usize,
    /// Bytes of the documents.
    pub bytes: usize,
    /// What the operator must do.
    pub todo: &'a [String],
}

const RECORD: &str = "WITH r AS (INSERT INTO clone.run (store, kind, source_project, target_project, name, arguments, run_by, session_by, \
     started_at, finished_at, resources, rows, bytes, rewritten, blobs, todo) \
     VALUES ($1, 'item', $2, $3, $4, $5, $6, session_user, pg_catalog.statement_timestamp(), pg_catalog.clock_timestamp(), \
     $7, $8, $9, $10, $11, $12) RETURNING id), \
     o AS (INSERT INTO clone.item_origin (store, item, source, source_name, revision, run_id, cloned_by) \
     SELECT $1, u.item, u.source, u.name, $13, r.id, $14 FROM r, ROWS FROM (pg_catalog.unnest($15), pg_catalog.unnest($16), pg_catalog.unnest($17)) u (item, source, name)), \
     f AS (INSERT INTO clone.blob_copy (run_id, store, operation, resource_type, source_id, target_id, source_key, target_key) \
     SELECT r.id, $1, 'copy', u.subtype, u.source, u.item, u.source_key, u.target_key \
     FROM r, ROWS FROM (pg_catalog.unnest($16), pg_catalog.unnest($15), pg_catalog.unnest($18), pg_catalog.unnest($19), pg_catalog.unnest($20)) u (source, item, subtype, source_key, target_key) \
     WHERE u.source_key IS NOT NULL) SELECT r.id FROM r";

/// Writes the records; returns the run's number.
pub fn record(store: &ItemStore, done: &Done) -> Result<i64> {
    let caller = current_user();
    let written = done.origins.len() + done.activities;
    let files = done
        .origins
        .iter()
        .filter(|origin| origin.files.is_some())
        .count();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let texts = |text: &dyn Fn(&Origin) -> Option<String>| done.origins.iter().map(text).collect::<Vec<_>>();
    let _owner = AsExtensionOwner::new();
    let run = query::write(
        RECORD,
        &[
            store.name.as_str().into(),
            summary(done.origins.iter().map(|origin| origin.source.as_str())).into(),
            summary(done.origins.iter().map(|origin| origin.item.as_str())).into(),
            done.name.into(),
            JsonText(arguments(done).to_string()).into(),
            caller.into(),
            count(written).into(),
            count(written * 4).into(),
            count(done.bytes).into(),
            count(done.rewritten).into(),
            count(files).into(),
            JsonText(json!(done.todo).to_string()).into(),
            done.revision.into(),
            done.actor.into(),
            texts(&|origin| Some(origin.item.clone())).into(),
            texts(&|origin| Some(origin.source.clone())).into(),
            texts(&|origin| origin.name.clone()).into(),
            texts(&|origin| Some(origin.subtype.clone())).into(),
            texts(&|origin| origin.files.as_ref().map(|(from, _)| from.clone())).into(),
            texts(&|origin| origin.files.as_ref().map(|(_, to)| to.clone())).into(),
        ],
    )?;
    let run = run.ok_or_else(|| Error::new(Code::Internal, "the run was not recorded"))?;
    if files > 0 {
        query::write(
            "SELECT 1::pg_catalog.int8 FROM pg_catalog.pg_notify('clone_blob_copy', $1::pg_catalog.text)",
            &[run.into()],
        )?;
    }
    Ok(run)
}

/// The clones of a collection, whose run is there already.
pub fn record_origins(store: &ItemStore, run: i64, actor: &str, origins: &[Origin]) -> Result<()> {
    let texts = |text: &dyn Fn(&Origin) -> Option<String>| origins.iter().map(text).collect::<Vec<_>>();
    let arguments = [
        store.name.as_str().into(),
        run.into(),
        actor.into(),
        texts(&|origin| Some(origin.item.clone())).into(),
        texts(&|origin| Some(origin.source.clone())).into(),
        texts(&|origin| origin.name.clone()).into(),
    ];
    let _owner = AsExtensionOwner::new();
    // A refresh gives the same handles again.
    query::write(
        "INSERT INTO clone.item_origin AS o (store, item, source, source_name, run_id, cloned_by) \
         SELECT $1, u.item, u.source, u.name, $2, $3 FROM ROWS FROM (pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6)) u (item, source, name) \
         ON CONFLICT ON CONSTRAINT item_origin_pkey DO UPDATE SET source = EXCLUDED.source, source_name = EXCLUDED.source_name, \
         revision = NULL, run_id = EXCLUDED.run_id, cloned_at = EXCLUDED.cloned_at, cloned_by = EXCLUDED.cloned_by",
        &arguments,
    )?;
    Ok(())
}

/// What the run wrote into tables whose rows are not those of the source, one by one: verification counts them.
pub fn correct_counts(run: i64, counts: &[(String, usize)]) -> Result<()> {
    let _owner = AsExtensionOwner::new();
    for (relation, rows) in counts {
        query::write(
            "UPDATE clone.run_table t SET rows = $3 WHERE t.run_id OPERATOR(pg_catalog.=) $1 \
             AND pg_catalog.to_regclass(t.relation)::pg_catalog.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2)::pg_catalog.oid",
            &[
                run.into(),
                relation.as_str().into(),
                i64::try_from(*rows).unwrap_or(i64::MAX).into(),
            ],
        )?;
    }
    Ok(())
}

/// The first id, and how many more there are.
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
