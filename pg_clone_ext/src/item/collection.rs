//! The items of a cloned collection: the rows are there, under their new handles; each gets what `items_clone` would have
//! written, by the same code and the same rows of table subtype.

use std::collections::HashMap;

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::form::edits::SetEdits;
use pg_clone_core::item::options::Options;
use pg_clone_core::item::record::Making;
use serde_json::Value;

use super::forms::Forms;
use super::gather::Reading;
use super::store::ItemStore;
use super::{actor, journal, query, write, write_items};
use crate::pg::session::privileges::AsExtensionOwner;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::records::runs;

/// Things to do that are listed one by one.
const LISTED: usize = 1_000;

/// Writes the content of the items of a cloned collection. Returns what is to be done by hand: consents that are given anew,
/// files.
///
/// # Errors
/// 42501, 22023 and 55000 as [`clone_items`](super::clone_items).
pub fn finish_collection(store: &str, run: i64, arguments: &Value) -> Result<Vec<String>> {
    let _settings = ReadingSettings::new();
    let store = ItemStore::resolve(Some(store), None)?;
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let actor = actor::load(&store, text("owner"))?;
    actor::require_author(&store, &actor)?;
    let target = text("target_project").unwrap_or_default();
    let pairs = pairs(&store, run, target)?;
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
    let mut todo = Vec::new();
    let mut seeds: HashMap<String, Vec<String>> = HashMap::new();
    // What was reset for the clone cannot be filled in here: it is left to be done, and the item is cloned all the same.
    let mut excuse = |source: &str,
                      subtype: &pg_clone_core::item::subtype::Subtype,
                      prepared: &pg_clone_core::item::set::Prepared,
                      problem: &pg_clone_core::item::validation::validate::Problem| {
        let Some(change) = prepared.changes.iter().find(|change| change.path == problem.path) else {
            return false;
        };
        let item = new.get(source).copied().unwrap_or(source);
        todo.push(format!(
            "{} {item}, {}: {}",
            subtype.name, problem.path, change.reason
        ));
        true
    };
    reading.sources(&sources, &mut |source| match source.seed {
        true => {
            if let Some(item) = new.get(source.id.as_str()) {
                seeds
                    .entry(source.item_subtype)
                    .or_default()
                    .push((*item).to_owned());
            }
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
    for (subtype, ids) in &seeds {
        write::seeds(&store, ids, &actor.name, making.now, &*store.subtype(subtype)?)?;
    }
    let written = write_items(&store, forms.valid, &handles, &others, &making, Some(target))?;
    journal::record_origins(&store, run, &actor.name, None, &written.origins)?;
    let items = pairs.len();
    let counts = [
        (store.table("item_auth"), items),
        (store.table("item_lock"), items),
        (store.table("item_history"), written.origins.len()),
    ];
    runs::correct_counts(run, &counts)?;
    if text("owner").is_some() {
        let sql = format!(
            "UPDATE {} c SET owner_username = $2 WHERE c.id OPERATOR(pg_catalog.=) $1",
            store.table("collection")
        );
        query::write(&sql, &[target.into(), actor.name.as_str().into()])?;
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

/// Handles of the sources and of their clones, in the order of the new handles.
fn pairs(store: &ItemStore, run: i64, target: &str) -> Result<Vec<(String, String)>> {
    let mut known = HashMap::new();
    {
        let _owner = AsExtensionOwner::new();
        query::rows(
            "SELECT i.source_id, i.target_id FROM clone.run_identity i WHERE i.run_id OPERATOR(pg_catalog.=) $1",
            &[run.into()],
            &mut |row| {
                known.insert(row.string(2)?, row.string(1)?);
                Ok(())
            },
        )?;
    }
    let sql = format!(
        "SELECT i.id FROM {} i WHERE i.collection_id OPERATOR(pg_catalog.=) $1 ORDER BY i.id",
        store.table("item")
    );
    let mut pairs = Vec::with_capacity(known.len());
    query::rows(&sql, &[target.into()], &mut |row| {
        let item = row.string(1)?;
        let source = known.remove(&item).ok_or_else(|| {
            Error::new(
                Code::StoreChanged,
                format!("item {item} of the new collection has no source"),
            )
            .hint("Describe the registry again: SELECT clone.store_refresh(...).")
        })?;
        pairs.push((source, item));
        Ok(())
    })?;
    Ok(pairs)
}
