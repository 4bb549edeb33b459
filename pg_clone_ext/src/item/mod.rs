//! Cloning items of a registry: reads rows, lets the core decide, writes rows. See `pg_clone_core::item`.

mod actor;
mod at_source;
mod check;
mod collection;
mod dangling;
mod forms;
mod journal;
mod load;
mod reading;
mod requests;
mod show;
mod store;
mod subtypes;
mod write;

use std::collections::{HashMap, HashSet};

use pg_clone_core::error::{Error, Result};
use pg_clone_core::item::form::edits::{Edits, SetEdits};
use pg_clone_core::item::limits;
use pg_clone_core::item::options::Options;
use pg_clone_core::item::permission::Actor;
use pg_clone_core::item::record::{ItemInput, Making, NewItem};
use pg_clone_core::item::references::serialised::Handles;
use pg_clone_core::item::subtype::Cloneable;
use serde_json::Value;

pub use at_source::references_at_source;
pub use check::may_clone_collection;
pub use collection::finish_collection;
pub use dangling::check_references;
pub use load::check_entries;
pub use show::{can_clone, check_clone, cloneable, draft};
pub use subtypes::rows as subtypes;

use crate::pg::session::settings_guard::ReadingSettings;
use crate::prepared as query;
use crate::run::nested_runs::OpenRun;
use forms::{Form, Forms};
use journal::Origin;
use reading::Reading;
use store::ItemStore;
use write::Rows;

/// The arguments of the SQL functions. Edits and options are unparsed JSON.
#[derive(Debug)]
pub struct Call<'a> {
    /// Source items.
    pub ids: Vec<String>,
    /// Edits: of the item, or by id of the set.
    pub edits: String,
    /// Actor, if the call names one.
    pub actor: Option<&'a str>,
    /// Store, if the call names one.
    pub store: Option<&'a str>,
    /// Options.
    pub options: String,
    /// Whether the items are a set.
    pub together: bool,
}

/// A call with parsed arguments, its store and its actor.
struct Opened {
    store: ItemStore,
    actor: Actor,
    options: Options,
    edits: SetEdits,
    ids: Vec<String>,
}

impl Call<'_> {
    /// Reads the arguments and finds store and actor.
    ///
    /// # Errors
    /// 22023 for wrong arguments, 42501 if the caller may not act for the actor.
    fn open(&self) -> Result<Opened> {
        let options = Options::parse(&limits::parse("options", &self.options)?)?;
        if !self.together && !options.include.is_empty() {
            return Err(Error::bad_argument("option \"include\" needs a set of items")
                .hint("Use items_clone(ARRAY[...])."));
        }
        let edits = limits::parse("edits", &self.edits)?;
        let edits = match (self.together, options.form) {
            (true, form) => SetEdits::parse(&edits, form)?,
            (false, true) => SetEdits::of_one(Edits::form(&edits)?),
            (false, false) => SetEdits::of_one(Edits::parse(&edits)?),
        };
        let mut seen = HashSet::new();
        let ids: Vec<String> = self
            .ids
            .iter()
            .filter(|id| seen.insert(id.as_str()))
            .cloned()
            .collect();
        if options.etag.is_some() && ids.len() > 1 {
            return Err(
                Error::bad_argument("option \"etag\" is that of one item, and there are several")
                    .hint("Leave it out, or clone the items one by one."),
            );
        }
        let store = ItemStore::resolve(self.store, ids.first().map(String::as_str))?;
        let actor = actor::load(&store, self.actor)?;
        Ok(Opened {
            store,
            actor,
            options,
            edits,
            ids,
        })
    }
}

impl Opened {
    fn require_author(&self) -> Result<()> {
        actor::require_author(&self.store, &self.actor)
    }

    fn reading(&self, together: bool, revisions: bool) -> Reading<'_> {
        Reading {
            store: &self.store,
            actor: &self.actor,
            options: &self.options,
            together,
            revisions,
        }
    }
}

/// Clones items. Returns the new ones as JSON, in the order of the ids, then the included ones.
///
/// # Errors
/// 42501, P0002, 22023 as documented for `item_clone`; 53200 over the memory limit; 55000 if the store's rules are not valid
/// or the source does not match the draft's etag.
pub fn clone_items(call: &Call) -> Result<Vec<String>> {
    let _open = OpenRun::begin("item_clone")?;
    let _settings = ReadingSettings::new();
    let opened = call.open()?;
    opened.require_author()?;
    let key = opened
        .options
        .idempotency_key
        .as_deref()
        .filter(|_| !opened.options.dry_run);
    if let Some(key) = key
        && let requests::Request::Made(items) = requests::begin(&opened.store, &opened.actor, key, call)?
    {
        return requests::items_now(&opened.store, &opened.actor, &items);
    }
    let forms = valid_forms(&opened, call.together)?;
    let handles = handles(&opened.store, &forms.valid, opened.options.dry_run)?;
    let others = forms.others()?;
    let files = opened.store.files();
    let making = Making {
        actor: &opened.actor.name,
        now: query::now()?,
        files: &files,
        options: &opened.options,
    };
    let map = forms.handles(&handles);
    let written = write_items(&opened.store, forms.valid, &handles, &map, &others, &making, None)?;
    if opened.options.dry_run || written.payloads.is_empty() {
        return Ok(written.payloads);
    }
    let todo: Vec<String> = written
        .without_files
        .iter()
        .map(|id| format!("{id}: upload the files, none were copied"))
        .collect();
    let run = journal::record(
        &opened.store,
        &journal::Done {
            call,
            actor: &opened.actor.name,
            revision: opened.options.from_history,
            name: written.name.as_deref(),
            origins: &written.origins,
            activities: written.activities,
            rewritten: written.rewritten,
            bytes: written.bytes,
            todo: &todo,
        },
    )?;
    if let Some(key) = key {
        requests::end(&opened.store, &opened.actor, key, run, &handles)?;
    }
    Ok(written.payloads)
}

/// The forms of all sources of a call, every one valid.
fn valid_forms(opened: &Opened, together: bool) -> Result<Forms<'_>> {
    let mut forms = Forms::new(&opened.store, &opened.actor, &opened.options, &opened.edits);
    opened
        .reading(together, false)
        .sources(&opened.ids, &mut |source| {
            forms.add(source, &mut |_, _, _, _| false)
        })?;
    forms.finish(&mut |_, _, _, _| false)?;
    if let [only] = forms.valid.as_slice()
        && only.subtype.cloneable == Cloneable::Set
    {
        return Err(Error::bad_argument(format!(
            "item {} is a {}, which cannot be cloned alone",
            only.source, only.subtype.name
        ))
        .hint("Clone it together with the items that it belongs to, such as its study, or name some in the option \"include\"."));
    }
    Ok(forms)
}

/// New handles. They are generated only after everything is known to be valid, because a generator may be an external service that cannot take one
/// back. A dry run uses placeholders.
fn handles(store: &ItemStore, forms: &[Form], dry_run: bool) -> Result<Vec<String>> {
    if dry_run {
        return Ok((1..=forms.len()).map(|n| format!("dry-run/{n}")).collect());
    }
    let subtypes: Vec<&str> = forms.iter().map(|form| form.subtype.name.as_str()).collect();
    store.new_handles(&subtypes)
}

/// What was written.
#[derive(Default)]
struct Written {
    payloads: Vec<String>,
    origins: Vec<Origin>,
    without_files: Vec<String>,
    name: Option<String>,
    activities: usize,
    rewritten: usize,
    bytes: usize,
}

/// Builds and writes the new items; `map` maps references to the clones.
fn write_items(
    store: &ItemStore,
    mut forms: Vec<Form>,
    handles: &[String],
    map: &Handles,
    others: &HashMap<String, Value>,
    making: &Making,
    collection: Option<(&str, Rows)>,
) -> Result<Written> {
    let mut written = Written::default();
    let rows = collection.map_or(Rows::New, |(_, rows)| rows);
    for (forms, handles) in forms.chunks_mut(write::BATCH).zip(handles.chunks(write::BATCH)) {
        let mut items = Vec::with_capacity(forms.len());
        for (form, handle) in forms.iter_mut().zip(handles) {
            pgrx::check_for_interrupts!();
            let content = form.take()?;
            let input = ItemInput {
                subtype: &form.subtype,
                source: &form.source,
                bucket: form.bucket.as_deref(),
                access: &form.access,
                collection_id: collection.map(|(id, _)| id).or(form.collection.as_deref()),
                form: content,
            };
            let (item, rewritten) = NewItem::build(input, handle, map, others, making)?;
            written.rewritten += rewritten;
            written.note(form, &item);
            items.push(item);
        }
        if collection.is_none() {
            written.payloads.extend(items.iter().map(NewItem::payload));
        }
        if !making.options.dry_run {
            write::items(store, &items, rows)?;
            written.activities += write_activities(store, &items, forms, making.options)?;
        }
    }
    Ok(written)
}

impl Written {
    fn note(&mut self, form: &Form, item: &NewItem) {
        self.bytes += item.domain_info.len();
        if self.origins.is_empty() {
            self.name.clone_from(&item.display_name);
        }
        let files = form.files.clone().zip(item.files.clone());
        if form.subtype.storage.is_some() && files.is_none() {
            self.without_files.push(item.id.clone());
        }
        self.origins.push(Origin {
            item: item.id.clone(),
            source: form.source.clone(),
            name: form.name.clone(),
            subtype: form.subtype.name.clone(),
            files,
        });
    }
}

/// Writes one activity CREATE per new item of a subtype with versions, if the option is set. Returns their number.
fn write_activities(
    store: &ItemStore,
    items: &[NewItem],
    forms: &[Form],
    options: &Options,
) -> Result<usize> {
    if !options.create_activity {
        return Ok(0);
    }
    let create = store.subtype("CREATE")?;
    let versioned: Vec<&NewItem> = items
        .iter()
        .zip(forms)
        .filter(|(_, form)| form.subtype.versionable)
        .map(|(item, _)| item)
        .collect();
    let handles = store.new_handles(&vec![create.name.as_str(); versioned.len()])?;
    let activities: Vec<NewItem> = versioned
        .into_iter()
        .zip(&handles)
        .map(|(item, handle)| item.creation(&create, handle))
        .collect();
    write::items(store, &activities, Rows::New)?;
    Ok(activities.len())
}
