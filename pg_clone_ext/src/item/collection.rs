//! The items of a cloned collection. Their new handles are known. Each item gets the same content as from `items_clone`, by the same
//! code and the same rows of table subtype. If the tables have additional columns, the clone has already copied the rows.

use std::collections::HashMap;

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::form::edits::SetEdits;
use pg_clone_core::item::options::Options;
use pg_clone_core::item::record::Making;
use pg_clone_core::item::references;
use pg_clone_core::item::references::serialised::Handles;
use pg_clone_core::item::source::Source;
use pg_clone_core::item::subtype::Subtype;
use pg_clone_core::plan::quote;
use serde_json::Value;

use super::forms::Forms;
use super::reading::Reading;
use super::store::ItemStore;
use super::write::{Rows, Seed};
use super::{actor, journal, query, write, write_items};
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::records::runs;

/// Maximum number of tasks that are listed separately.
const LISTED: usize = 1_000;

/// Writes the content of the items of a cloned collection. Returns tasks for the operator: consents that must be given again,
/// files.
///
/// # Errors
/// 42501, 22023 and 55000 as [`clone_items`](super::clone_items).
pub fn finish_collection(store: &str, run: i64, arguments: &Value) -> Result<Vec<String>> {
    let _settings = ReadingSettings::new();
    if arguments.pointer("/options/keep_ids") == Some(&Value::Bool(true)) {
        return Ok(Vec::new());
    }
    let mut store = ItemStore::resolve(Some(store), None)?;
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let actor = actor::load(&store, text("owner"))?;
    actor::require_author(&store, &actor)?;
    if let Some(sources) = arguments.get("sources").and_then(Value::as_object) {
        store.read_from(sources);
    }
    let target = text("target_project").unwrap_or_default();
    let rows = match arguments.get("left_to_finish") {
        Some(Value::Bool(true)) => Rows::New,
        _ => Rows::Copied,
    };
    let pairs = pairs(&store, run, text("source_project").unwrap_or_default())?;
    let sources: Vec<String> = pairs.iter().map(|(source, _)| source.clone()).collect();
    let new: HashMap<&str, &str> = pairs
        .iter()
        .map(|(source, item)| (source.as_str(), item.as_str()))
        .collect();
    let (options, edits) = (Options::default(), SetEdits::default());
    let reading = Reading {
        store: &store,
        actor: &actor,
        options: &options,
        together: true,
        revisions: false,
    };
    let mut forms = Forms::new(&store, &actor, &options, &edits);
    if rows == Rows::New {
        forms.new_handles = pairs
            .iter()
            .map(|(source, item)| (item.clone(), source.clone()))
            .collect();
    }
    let mut todo = Vec::new();
    let map = Handles::new(pairs.iter().cloned());
    let mut seeds: HashMap<String, Vec<Seed>> = HashMap::new();
    // Reset fields cannot be filled in here: they become tasks, and the item is cloned nevertheless.
    let mut excuse = |source: &str,
                      subtype: &pg_clone_core::item::subtype::Subtype,
                      prepared: &pg_clone_core::item::set::Prepared,
                      problem: &pg_clone_core::item::validation::validate::Problem| {
        let changed = prepared.changes.iter().find(|change| change.path == problem.path);
        // Also where the source itself still waits for the value.
        let reason = changed.map(|change| change.reason.as_str());
        let Some(reason) = reason.or_else(|| subtype.reset_reason(&problem.path)) else {
            return false;
        };
        let item = new.get(source).copied().unwrap_or(source);
        todo.push(format!("{} {item}, {}: {reason}", subtype.name, problem.path));
        true
    };
    reading.sources(&sources, &mut |source| match source.seed {
        true => {
            let subtype = store.subtype(&source.item_subtype)?;
            let seed = seed(&subtype, &source, &map)?;
            seeds.entry(source.item_subtype).or_default().push(seed);
            Ok(())
        }
        false => forms.add(source, &mut excuse),
    })?;
    forms.finish(&mut excuse)?;
    let files = store.files();
    let making = Making {
        actor: &actor.name,
        now: query::now()?,
        files: &files,
        options: &options,
    };
    let others = forms.others()?;
    let handles: Vec<String> = forms
        .valid
        .iter()
        .map(|form| {
            new.get(form.source.as_str())
                .copied()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    let whole = (target, rows);
    for (subtype, seeds) in &seeds {
        let subtype = store.subtype(subtype)?;
        write::seeds(&store, seeds, &actor.name, making.now, &subtype, whole)?;
    }
    let written = write_items(&store, forms.valid, &handles, &map, &others, &making, Some(whole))?;
    journal::record_origins(&store, run, &actor.name, None, &written.origins)?;
    let items = pairs.len();
    let counts = [
        (store.table("item_auth"), items),
        (store.table("item_lock"), items),
        (store.table("item_history"), written.origins.len()),
    ];
    runs::correct_counts(run, &counts)?;
    if text("owner").is_some() {
        own(&store, target, &actor.name)?;
    }
    todo.extend(
        written
            .without_files
            .iter()
            .map(|id| format!("{id}: upload the files, none were copied")),
    );
    let more = todo.len().saturating_sub(LISTED);
    todo.truncate(LISTED);
    todo.extend((more > 0).then(|| format!("and {more} more")));
    Ok(todo)
}

/// Makes the actor the owner of the collection. Collections that are a view without a column for it have no owner.
fn own(store: &ItemStore, collection: &str, actor: &str) -> Result<()> {
    let table = store.table("collection");
    let writable = query::truth(
        "SELECT pg_catalog.pg_column_is_updatable(a.attrelid, a.attnum, true) FROM pg_catalog.pg_attribute a \
         WHERE (a.attrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid) AND (a.attname OPERATOR(pg_catalog.=) 'owner_username')",
        &[table.as_str().into()],
    )?;
    if writable {
        let sql = format!("UPDATE {table} c SET owner_username = $2 WHERE c.id OPERATOR(pg_catalog.=) $1");
        query::write(&sql, &[collection.into(), actor.into()])?;
    }
    Ok(())
}

fn seed(subtype: &Subtype, source: &Source, map: &Handles) -> Result<Seed> {
    let content = source.domain_info.clone().map(|content| {
        let mut content = Value::Object(content);
        references::rewrite(subtype, &mut content, map)?;
        Ok(content.to_string())
    });
    Ok(Seed {
        source: source.id.clone(),
        item: map.get(&source.id).unwrap_or_default().to_owned(),
        domain_info: content.transpose()?,
    })
}

/// Handles of the items of a collection and of their clones, in the order of the new handles. There must be one for each item that
/// the run has counted; otherwise the store's list of subtypes does not match its table (55000).
fn pairs(store: &ItemStore, run: i64, collection: &str) -> Result<Vec<(String, String)>> {
    let (mut known, counted) = recorded(store, run)?;
    let sql = format!(
        "SELECT i.id FROM {} i WHERE i.collection_id OPERATOR(pg_catalog.=) $1",
        store.source("item")
    );
    let mut pairs = Vec::with_capacity(known.len());
    query::rows(&sql, &[collection.into()], &mut |row| {
        let source = row.string(1)?;
        if let Some(item) = known.remove(&source) {
            pairs.push((source, item));
        }
        Ok(())
    })?;
    if pairs.len().to_string() != counted {
        return Err(Error::new(
            Code::StoreChanged,
            format!(
                "{counted} items are to be cloned, and new handles are known for {}",
                pairs.len()
            ),
        )
        .detail("The description of the registry has not all subtypes of its table subtype, or items were deleted meanwhile.")
        .hint(format!(
            "Describe it again: SELECT clone.store_refresh({}); and try again.",
            quote::literal(&store.name)
        )));
    }
    pairs.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(pairs)
}

/// The recorded new handles by the source's handles, and the number of items that the run has counted.
fn recorded(store: &ItemStore, run: i64) -> Result<(HashMap<String, String>, String)> {
    let mut known = HashMap::new();
    let _owner = AsExtensionOwner::new();
    query::rows(
        "SELECT i.source_id, i.target_id FROM clone.run_identity i WHERE i.run_id OPERATOR(pg_catalog.=) $1",
        &[run.into()],
        &mut |row| {
            known.insert(row.string(1)?, row.string(2)?);
            Ok(())
        },
    )?;
    let counted = query::text(
        "SELECT pg_catalog.sum(t.rows)::pg_catalog.text FROM clone.run_table t WHERE t.run_id OPERATOR(pg_catalog.=) $1 \
         AND pg_catalog.to_regclass(t.relation)::pg_catalog.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2)::pg_catalog.oid",
        &[run.into(), store.table("item").into()],
    )?;
    Ok((known, counted.unwrap_or_else(|| "0".to_owned())))
}
