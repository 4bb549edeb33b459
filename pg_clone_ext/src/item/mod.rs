//! Cloning items of a registry: reads rows, lets the core decide, writes rows. See `pg_clone_core::item`.

mod actor;
mod check;
mod gather;
mod journal;
mod query;
mod store;
mod write;

use std::collections::{BTreeMap, HashMap};

use pg_clone_core::error::{Error, Result};
use pg_clone_core::item::edits::{Edits, SetEdits};
use pg_clone_core::item::options::Options;
use pg_clone_core::item::record::{Making, NewItem};
use pg_clone_core::item::set::{self, Prepared};
use pg_clone_core::item::validate::{Target, problems, refuse};
use pg_clone_core::item::{permission, references};
use serde_json::Value;

pub use check::may_clone_collection;

use crate::pg::settings_guard::ReadingSettings;
use store::ItemStore;

/// What the SQL functions take.
pub struct Call<'a> {
    /// Source items.
    pub ids: Vec<String>,
    /// Edits: of the item, or by id of the set.
    pub edits: Value,
    /// Actor, if the call names one.
    pub actor: Option<&'a str>,
    /// Store, if the call names one.
    pub store: Option<&'a str>,
    /// Options.
    pub options: Value,
    /// Whether the items are a set.
    pub together: bool,
}

/// Clones items. Returns the new ones, in the order of the ids, then those that came along.
///
/// # Errors
/// 42501, P0002, 22023 as the interface promises; 55000 where the store's rules are broken.
pub fn clone_items(call: &Call) -> Result<Vec<Value>> {
    let _settings = ReadingSettings::new();
    let options = Options::parse(&call.options)?;
    if !call.together && !options.bring.is_empty() {
        return Err(Error::bad_argument("option \"bring\" makes a set").hint("use items_clone(ARRAY[...])"));
    }
    let mut ids: Vec<String> = Vec::new();
    for id in &call.ids {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    let edits = match call.together {
        true => None,
        false => Some(SetEdits::of_one(Edits::parse(&call.edits)?)),
    };
    let store = ItemStore::resolve(call.store, ids.first().map(String::as_str))?;
    let actor = actor::load(&store, call.actor)?;
    permission::require_write_level(&actor)?;
    let sources = gather::sources(&store, &actor, &ids, &options, call.together)?;
    let edits = match edits {
        Some(edits) => edits,
        None => SetEdits::parse(
            &call.edits,
            &sources.iter().map(|s| s.id.clone()).collect::<Vec<_>>(),
        )?,
    };
    let mut prepared = Vec::with_capacity(sources.len());
    for source in &sources {
        let subtype = store.subtype(&source.item_subtype)?;
        if store.requires_person_link() {
            permission::require_person_link(&actor, subtype)?;
        }
        prepared.push(set::prepare(subtype, source, &options, &edits)?);
    }
    validate(&store, &prepared)?;

    let handles = handles(&store, &prepared, options.dry_run)?;
    let map: HashMap<String, String> = prepared
        .iter()
        .zip(&handles)
        .map(|(p, handle)| (p.source.id.clone(), handle.clone()))
        .collect();
    let files = store.files();
    let making = Making {
        actor: &actor.name,
        now: query::now()?,
        files: &files,
        options: &options,
    };
    let mut rewritten = 0;
    let mut items = Vec::with_capacity(prepared.len());
    for (p, handle) in prepared.iter().zip(&handles) {
        let mut form = p.form.clone();
        rewritten += references::rewrite(p.subtype, &mut form, &map)?;
        items.push(NewItem::build(p.subtype, p.source, form, handle, &making));
    }
    let clones: Vec<Value> = items.iter().map(NewItem::payload).collect();
    if options.dry_run || items.is_empty() {
        return Ok(clones);
    }
    let activities = activities(&store, &items, &prepared, &options)?;
    write::items(&store, &items)?;
    write::items(&store, &activities)?;
    journal::record(
        &store,
        &journal::Done {
            call,
            actor: &actor.name,
            options: &options,
            prepared: &prepared,
            items: &items,
            activities: activities.len(),
            rewritten,
        },
    )?;
    Ok(clones)
}

/// The draft of an item: nothing is written.
///
/// # Errors
/// As [`clone_items`]; reading is enough.
pub fn draft(id: &str, actor: Option<&str>, store: Option<&str>) -> Result<Value> {
    let _settings = ReadingSettings::new();
    let store = ItemStore::resolve(store, Some(id))?;
    let actor = actor::load(&store, actor)?;
    permission::require_read_level(&actor)?;
    let options = Options::default();
    let sources = gather::sources(&store, &actor, &[id.to_string()], &options, true)?;
    let Some(source) = sources.first() else {
        return Err(permission::unknown_item(id));
    };
    let prepared = set::prepare(
        store.subtype(&source.item_subtype)?,
        source,
        &options,
        &SetEdits::default(),
    )?;
    let targets = targets(&store, std::slice::from_ref(&prepared))?;
    prepared.show(&targets)
}

/// What the store knows of the items that the forms name.
fn targets(store: &ItemStore, prepared: &[Prepared]) -> Result<BTreeMap<String, Target>> {
    let mut named = Vec::new();
    for p in prepared {
        named.extend(
            references::find(p.subtype, &p.form)?
                .into_iter()
                .map(|f| f.target),
        );
    }
    named.sort_unstable();
    named.dedup();
    gather::targets(store, &named)
}

fn validate(store: &ItemStore, prepared: &[Prepared]) -> Result<()> {
    let targets = targets(store, prepared)?;
    let mut all = Vec::with_capacity(prepared.len());
    for p in prepared {
        all.push((p.source.id.clone(), problems(p.subtype, &p.form, &targets)?));
    }
    refuse(&all)
}

/// New handles, only after everything is known to be valid: a generator may be an outside service that cannot take one
/// back. A dry run shows stand-ins.
fn handles(store: &ItemStore, prepared: &[Prepared], dry_run: bool) -> Result<Vec<String>> {
    if dry_run {
        return Ok((1..=prepared.len()).map(|n| format!("dry-run/{n}")).collect());
    }
    store.id_generator(prepared.len())
}

/// One activity CREATE per new item of a subtype with versions, where that is asked for.
fn activities(
    store: &ItemStore,
    items: &[NewItem],
    prepared: &[Prepared],
    options: &Options,
) -> Result<Vec<NewItem>> {
    if !options.create_activity {
        return Ok(Vec::new());
    }
    let create = store.subtype("CREATE")?;
    let versioned: Vec<&NewItem> = items
        .iter()
        .zip(prepared)
        .filter(|(_, p)| p.subtype.versionable)
        .map(|(item, _)| item)
        .collect();
    let handles = store.id_generator(versioned.len())?;
    Ok(versioned
        .into_iter()
        .zip(&handles)
        .map(|(item, handle)| item.creation(create, handle))
        .collect())
}
