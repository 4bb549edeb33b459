//! For forms, before a clone is made: the draft, the problems of the edits so far, whether the actor may clone.

use std::borrow::Cow;
use std::collections::BTreeSet;

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::permission::{self, Actor};
use pg_clone_core::item::references;
use pg_clone_core::item::set::{self, Prepared};
use pg_clone_core::item::source::Source;
use pg_clone_core::item::subtype::Cloneable;
use serde_json::{Value, json};

use super::store::ItemStore;
use super::{Call, Opened, actor, query, reading, valid_forms};
use crate::pg::session::settings_guard::ReadingSettings;

/// Maximum number of items of the same name that a warning checks.
const SAME_NAME: usize = 10;

/// The draft of an item. Writes nothing; needs only permission to read.
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
        let named: BTreeSet<Cow<str>> = references::targets(&prepared.subtype, &prepared.form)
            .into_iter()
            .collect();
        let targets = reading::targets(&opened.store, &opened.actor, &named, &reading::NewHandles::new())?;
        shown = prepared.show(&source, &targets)?;
        shown["warnings"] = same_name(&opened, &prepared)?.into();
        Ok(())
    })?;
    Ok(shown)
}

/// A warning if items of the same subtype that the actor may read already have the name of the clone.
fn same_name(opened: &Opened, prepared: &Prepared) -> Result<Vec<Value>> {
    let Some((path, name)) = prepared.display_name() else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT i.id FROM {} i WHERE i.item_subtype::pg_catalog.text OPERATOR(pg_catalog.=) $1 \
         AND i.display_name OPERATOR(pg_catalog.=) $2 ORDER BY i.id LIMIT {SAME_NAME}",
        opened.store.table("item")
    );
    let mut found = Vec::new();
    let arguments = [prepared.subtype.name.as_str().into(), name.into()];
    query::rows(&sql, &arguments, &mut |row| {
        found.push(row.string(1)?);
        Ok(())
    })?;
    let ids: BTreeSet<Cow<str>> = found.into_iter().map(Cow::Owned).collect();
    let targets = reading::targets(&opened.store, &opened.actor, &ids, &reading::NewHandles::new())?;
    let visible: Vec<&str> = ids
        .iter()
        .map(|id| &**id)
        .filter(|id| targets.get(*id).is_some_and(|target| target.visible))
        .collect();
    let (items, have) = match visible.len() {
        0 => return Ok(Vec::new()),
        1 => ("item", "has"),
        _ => ("items", "have"),
    };
    let message = format!("{items} {} {have} this name already", visible.join(", "));
    Ok(vec![
        json!({"path": path, "code": "same_name", "message": message}),
    ])
}

fn prepare(opened: &Opened, source: &Source) -> Result<Prepared> {
    let subtype = opened.store.subtype(&source.item_subtype)?;
    let interrupt = || {
        pgrx::check_for_interrupts!();
    };
    set::prepare(&subtype, source, &opened.options, &opened.edits, &interrupt)
}

/// The result of a check.
#[derive(Default)]
struct Answer {
    problems: Vec<Value>,
    warnings: Vec<Value>,
    etag: Option<String>,
}

impl Answer {
    fn json(self) -> Value {
        json!({"valid": self.problems.is_empty(), "problems": self.problems, "warnings": self.warnings, "etag": self.etag})
    }
}

/// Checks a clone and returns JSON: `valid`, and `problems` and `warnings` with path, code and message, in a set each with its
/// `item`. Errors of the call as a whole are problems too, with an empty path and their SQLSTATE as code.
///
/// # Errors
/// 55000 if the store's rules are not valid, 53200 if the forms need too much memory, XX000.
pub fn check_clone(call: &Call) -> Result<Value> {
    let _settings = ReadingSettings::new();
    match answer(call) {
        Ok(answer) => Ok(answer.json()),
        Err(error)
            if matches!(
                error.code,
                Code::Internal | Code::StoreChanged | Code::OutOfMemory
            ) =>
        {
            Err(error)
        }
        Err(error) => Ok(Answer {
            problems: vec![of_call(&error)],
            ..Answer::default()
        }
        .json()),
    }
}

fn of_call(error: &Error) -> Value {
    json!({"path": "", "code": error.code.sqlstate(), "message": error.message, "detail": error.detail, "hint": error.hint})
}

fn answer(call: &Call) -> Result<Answer> {
    let opened = call.open()?;
    opened.require_author()?;
    let mut answer = Answer::default();
    let of = |source: &Source, mut said: Value| {
        if call.together {
            said["item"] = source.id.as_str().into();
        }
        said
    };
    opened
        .reading(call.together, false)
        .sources(&opened.ids, &mut |source| {
            let prepared = prepare(&opened, &source)?;
            let named: BTreeSet<Cow<str>> = references::targets(&prepared.subtype, &prepared.form)
                .into_iter()
                .collect();
            let targets =
                reading::targets(&opened.store, &opened.actor, &named, &reading::NewHandles::new())?;
            let problems = prepared.problems(&targets)?;
            answer
                .problems
                .extend(problems.iter().map(|problem| of(&source, json!(problem))));
            let warnings = same_name(&opened, &prepared)?;
            answer
                .warnings
                .extend(warnings.into_iter().map(|warning| of(&source, warning)));
            if opened.ids.len() == 1 {
                answer.etag = Some(prepared.etag(&source)?);
            }
            Ok(())
        })?;
    if answer.problems.is_empty() {
        // Checks that come last: the link to a person, the role for files, a set of one.
        valid_forms(&opened, call.together)?;
    }
    Ok(answer)
}

/// Whether the actor may clone an item, alone.
///
/// # Errors
/// 22023 for a wrong store, 42501 if the caller may not act for the actor, 55000 if the rules are not valid.
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
        opened.require_author()?;
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

/// Whether an actor may clone items of a subtype.
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

/// Whether the actor may clone, for each subtype of a registry.
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
        // A row that cannot be read does not hide the others.
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
        actor::require_author(store, actor)?;
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
