//! What a form needs to know before a clone is made: the draft, what is wrong with the edits so far, whether the actor may at all.

use std::collections::BTreeSet;

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::permission::{self, Actor};
use pg_clone_core::item::references;
use pg_clone_core::item::set::{self, Prepared};
use pg_clone_core::item::source::Source;
use pg_clone_core::item::subtype::Cloneable;
use serde_json::{Value, json};

use super::store::ItemStore;
use super::{Call, Opened, actor, gather, query, valid_forms};
use crate::pg::session::settings_guard::ReadingSettings;

/// The draft of an item: nothing is written, reading is enough.
///
/// # Errors
/// As [`clone_items`](super::clone_items).
pub fn draft(call: &Call) -> Result<Value> {
    let _settings = ReadingSettings::new();
    let opened = call.open()?;
    permission::require_read_level(&opened.actor)?;
    let mut shown = Value::Null;
    opened.reading(true, true).sources(&opened.ids, &mut |source| {
        let prepared = prepare(&opened, &source)?;
        let named: BTreeSet<&str> = references::targets(&prepared.subtype, &prepared.form)
            .into_iter()
            .collect();
        let targets = gather::targets(&opened.store, &opened.actor, &named)?;
        shown = prepared.show(&source, &targets)?;
        Ok(())
    })?;
    Ok(shown)
}

fn prepare(opened: &Opened, source: &Source) -> Result<Prepared> {
    let subtype = opened.store.subtype(&source.item_subtype)?;
    let interrupt = || {
        pgrx::check_for_interrupts!();
    };
    set::prepare(&subtype, source, &opened.options, &opened.edits, &interrupt)
}

/// What is wrong with a clone, as JSON: `valid`, and `problems` with path, code and message. Errors that concern the call as a
/// whole are problems too, with an empty path and their SQLSTATE as code.
///
/// # Errors
/// Only what is no answer to the user: 55000 where the store's rules are broken, XX000.
pub fn check_clone(call: &Call) -> Result<Value> {
    let _settings = ReadingSettings::new();
    let answer = |problems: Vec<Value>, etag: Option<String>| json!({"valid": problems.is_empty(), "problems": problems, "etag": etag});
    match problems(call) {
        Ok((problems, etag)) => Ok(answer(problems, etag)),
        Err(error)
            if matches!(
                error.code,
                Code::Internal | Code::StoreChanged | Code::OutOfMemory
            ) =>
        {
            Err(error)
        }
        Err(error) => Ok(answer(vec![of_call(&error)], None)),
    }
}

fn of_call(error: &Error) -> Value {
    json!({"path": "", "code": error.code.sqlstate(), "message": error.message, "detail": error.detail, "hint": error.hint})
}

fn problems(call: &Call) -> Result<(Vec<Value>, Option<String>)> {
    let opened = call.open()?;
    permission::require_write_level(&opened.actor)?;
    let mut found = Vec::new();
    let mut etag = None;
    opened
        .reading(call.together, false)
        .sources(&opened.ids, &mut |source| {
            let prepared = prepare(&opened, &source)?;
            let named: BTreeSet<&str> = references::targets(&prepared.subtype, &prepared.form)
                .into_iter()
                .collect();
            let targets = gather::targets(&opened.store, &opened.actor, &named)?;
            for problem in prepared.problems(&targets)? {
                found.push(json!(problem));
            }
            etag = Some(prepared.etag);
            Ok(())
        })?;
    if found.is_empty() {
        // What only shows when everything else is right: the link to a person, the role on files, a set of one.
        valid_forms(&opened, call.together)?;
    }
    Ok((found, etag))
}

/// Whether the actor may clone an item, alone.
///
/// # Errors
/// Only what is no answer: 22023 for a wrong store, 42501 for an actor who is not the caller's to name, 55000.
pub fn can_clone(item: &str, actor: Option<&str>, store: Option<&str>) -> Result<bool> {
    let _settings = ReadingSettings::new();
    let call = Call {
        ids: vec![item.to_owned()],
        edits: "null".into(),
        actor,
        store,
        options: "null".into(),
        together: false,
    };
    let opened = call.open()?;
    let allowed = || -> Result<()> {
        permission::require_write_level(&opened.actor)?;
        opened.reading(false, false).sources(&opened.ids, &mut |source| {
            let subtype = opened.store.subtype(&source.item_subtype)?;
            match opened.store.requires_person_link() {
                true => permission::require_person_link(&opened.actor, &subtype),
                false => Ok(()),
            }
        })
    };
    match allowed() {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.code, Code::NotAllowed | Code::NotFound | Code::BadArgument) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// What a subtype allows an actor.
pub struct Allowed {
    /// Its name.
    pub subtype: String,
    /// Its category.
    pub category: String,
    /// Its title.
    pub title: Option<String>,
    /// `alone`, `set` or `never`.
    pub cloneable: &'static str,
    /// Whether the actor may.
    pub allowed: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// What of a registry the actor may clone, by subtype.
///
/// # Errors
/// 22023, 42501 and 55000 as [`can_clone`].
pub fn cloneable(given: Option<&str>, store: Option<&str>) -> Result<Vec<Allowed>> {
    let _settings = ReadingSettings::new();
    let store = ItemStore::resolve(store, None)?;
    let actor = actor::load(&store, given)?;
    let mut names = Vec::new();
    let sql = format!(
        "SELECT s.name::pg_catalog.text FROM {} s ORDER BY s.name::pg_catalog.text",
        store.table("subtype")
    );
    query::rows(&sql, &[], &mut |row| {
        names.push(row.string(1)?);
        Ok(())
    })?;
    names.iter().map(|name| allowed(&store, &actor, name)).collect()
}

fn allowed(store: &ItemStore, actor: &Actor, name: &str) -> Result<Allowed> {
    let subtype = match store.subtype(name) {
        Ok(subtype) => subtype,
        // One row that cannot be read does not hide the others.
        Err(error) if error.code == Code::StoreChanged => {
            return Ok(Allowed {
                subtype: name.to_owned(),
                category: String::new(),
                title: None,
                cloneable: "never",
                allowed: false,
                reason: Some(error.message),
            });
        }
        Err(error) => return Err(error),
    };
    let may = || {
        permission::require_write_level(actor)?;
        match store.requires_person_link() {
            true => permission::require_person_link(actor, &subtype),
            false => Ok(()),
        }
    };
    let (word, reason) = match subtype.cloneable {
        Cloneable::Never => ("never", Some("the registry itself makes such items".to_owned())),
        Cloneable::Alone => ("alone", may().err().map(|error| error.message)),
        Cloneable::Set => ("set", may().err().map(|error| error.message)),
    };
    Ok(Allowed {
        subtype: subtype.name.clone(),
        category: subtype.category.clone(),
        title: subtype.title.clone(),
        cloneable: word,
        allowed: reason.is_none(),
        reason,
    })
}
