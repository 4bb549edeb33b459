//! SQL functions on items of a registry.

use pg_clone_core::error::{Error, Result};
use pg_clone_core::item::limits;
use pg_clone_core::item::options::nearest;
use pgrx::default;
use pgrx::prelude::*;
use serde_json::Value;

use crate::entry::entry;
use crate::item::{self, Call};
use crate::pg::value::json_text::{JsonText, PlainJson};

/// Clones an item of a registry and returns the new one.
///
/// `edits` is a JSON merge patch (RFC 7396), a JSON patch (RFC 6902), or with the option `form` the whole form. `options`: `files` (also
/// queue the files), `access` (`default` or `keep`), `from_history` (id of a history entry), `title` (pattern with `%s`), `dry_run`,
/// `create_activity`, `form`, `etag` (of the draft), `idempotency_key`. Not allowed: 42501; no such item: P0002; a wrong argument, or an
/// item that would not be valid: 22023; the item has changed since the draft: 55000.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
fn item_clone(
    item_id: Option<&str>,
    edits: default!(Option<JsonText>, "'{}'"),
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
    options: default!(Option<JsonText>, "'{}'"),
) -> Option<JsonText> {
    let clones = entry(|_| item::clone_items(&one(item_id, edits, actor, store, options)?));
    clones.into_iter().next().map(JsonText)
}

/// `item_clone` with its arguments as members of a JSON object. With `item_ids` instead of `item_id` it is the same as `items_clone` and
/// returns an array.
#[pg_extern(volatile, parallel_unsafe, name = "item_clone", requires = ["target_schema"])]
fn item_clone_of_jsonb(params: Option<JsonText>) -> Option<JsonText> {
    let (clones, together) = entry(|_| {
        let given = Params::read(params)?;
        Ok((item::clone_items(&given.call())?, given.together))
    });
    match together {
        true => Some(JsonText(format!("[{}]", clones.join(",")))),
        false => clones.into_iter().next().map(JsonText),
    }
}

/// `item_clone` with its arguments as members of a JSON object. With `item_ids` instead of `item_id` it is the same as `items_clone` and
/// returns an array.
#[pg_extern(volatile, parallel_unsafe, name = "item_clone", requires = ["target_schema"])]
fn item_clone_of_json(params: Option<PlainJson>) -> Option<JsonText> {
    let params = entry(|_| Ok(params.map(|PlainJson(text)| JsonText(text))));
    item_clone_of_jsonb(params)
}

/// Clones items as a set: references among them become references to the clones. `edits` has a member for each source id, `*` for all. `options` as for
/// `item_clone`, and `include`: subtypes whose items are included if an item of the set references them or has them as members.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
fn items_clone(
    item_ids: Option<Vec<Option<String>>>,
    edits: default!(Option<JsonText>, "'{}'"),
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
    options: default!(Option<JsonText>, "'{}'"),
) -> SetOfIterator<'static, JsonText> {
    let clones = entry(|_| item::clone_items(&several(item_ids, edits, actor, store, options)?));
    SetOfIterator::new(clones.into_iter().map(JsonText))
}

/// The form of a clone of an item, with the edits applied: what can be edited, what was reset, what must be
/// filled in, what differs from the source. Writes nothing.
#[pg_extern(stable, parallel_unsafe, requires = ["target_schema"])]
fn item_clone_draft(
    item_id: Option<&str>,
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
    edits: default!(Option<JsonText>, "'{}'"),
    options: default!(Option<JsonText>, "'{}'"),
) -> JsonText {
    JsonText(entry(|_| item::draft(&one(item_id, edits, actor, store, options)?)).to_string())
}

/// Checks a clone of an item: `{"valid", "problems": [{"path", "code", "message"}], "etag"}`. Writes nothing.
#[pg_extern(stable, parallel_unsafe, requires = ["target_schema"])]
fn item_clone_check(
    item_id: Option<&str>,
    edits: default!(Option<JsonText>, "'{}'"),
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
    options: default!(Option<JsonText>, "'{}'"),
) -> JsonText {
    JsonText(entry(|_| item::check_clone(&one(item_id, edits, actor, store, options)?)).to_string())
}

/// Checks a clone of items as a set: as `item_clone_check`, each problem with its `item`. Writes nothing.
#[pg_extern(stable, parallel_unsafe, requires = ["target_schema"])]
fn items_clone_check(
    item_ids: Option<Vec<Option<String>>>,
    edits: default!(Option<JsonText>, "'{}'"),
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
    options: default!(Option<JsonText>, "'{}'"),
) -> JsonText {
    JsonText(entry(|_| item::check_clone(&several(item_ids, edits, actor, store, options)?)).to_string())
}

/// Whether the actor may clone an item; for user interfaces with a clone button.
#[pg_extern(stable, parallel_unsafe, requires = ["target_schema"])]
fn item_can_clone(
    item_id: Option<&str>,
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
) -> bool {
    entry(|_| item::can_clone(given("item_id", item_id)?, actor, store))
}

fn given<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::bad_argument(format!("{name} is NULL")).hint("Name the items to clone."))
}

fn text(value: Option<JsonText>) -> String {
    value.map_or_else(|| "null".to_owned(), |JsonText(text)| text)
}

fn one<'a>(
    item_id: Option<&str>,
    edits: Option<JsonText>,
    actor: Option<&'a str>,
    store: Option<&'a str>,
    options: Option<JsonText>,
) -> Result<Call<'a>> {
    Ok(Call {
        ids: vec![given("item_id", item_id)?.to_owned()],
        edits: text(edits),
        actor,
        store,
        options: text(options),
        together: false,
    })
}

fn several<'a>(
    item_ids: Option<Vec<Option<String>>>,
    edits: Option<JsonText>,
    actor: Option<&'a str>,
    store: Option<&'a str>,
    options: Option<JsonText>,
) -> Result<Call<'a>> {
    let ids: Option<Vec<String>> = given("item_ids", item_ids)?.into_iter().collect();
    Ok(Call {
        ids: given("an element of item_ids", ids)?,
        edits: text(edits),
        actor,
        store,
        options: text(options),
        together: true,
    })
}

/// The arguments of a call as members of one object.
struct Params {
    ids: Vec<String>,
    edits: String,
    actor: Option<String>,
    store: Option<String>,
    options: String,
    together: bool,
}

impl Params {
    /// Reads them.
    fn read(params: Option<JsonText>) -> Result<Self> {
        let names = ["item_id", "item_ids", "edits", "actor", "store", "options"];
        let Value::Object(mut members) = limits::parse("params", &text(params))? else {
            return Err(Error::bad_argument("params must be a JSON object")
                .hint(format!("Its members are {}.", names.join(", "))));
        };
        if let Some(unknown) = members.keys().find(|name| !names.contains(&name.as_str())) {
            let near =
                nearest(unknown, &names).map_or_else(String::new, |near| format!("Did you mean {near}? "));
            return Err(
                Error::bad_argument(format!("unknown member \"{unknown}\" of params"))
                    .hint(format!("{near}Members are {}.", names.join(", "))),
            );
        }
        let texts = |value: Value| match value {
            Value::String(text) => Some(vec![text]),
            Value::Array(list) => list
                .into_iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        let items = if members.contains_key("item_ids") {
            "item_ids"
        } else {
            "item_id"
        };
        if items == "item_ids" && members.contains_key("item_id") {
            return Err(Error::bad_argument("params has both item_id and item_ids").hint("Give one of them."));
        }
        let ids = match members.remove(items) {
            None | Some(Value::Null) => None,
            Some(value) => Some(texts(value.clone()).ok_or_else(|| {
                Error::bad_argument(format!("invalid value {value} for member \"{items}\" of params"))
                    .hint("Give an id as a JSON string, or an array of ids.")
            })?),
        };
        let mut optional = |name: &str| match members.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(
                Error::bad_argument(format!("member \"{name}\" of params is not a text"))
                    .hint("Give a JSON string, or leave the member out."),
            ),
        };
        let (actor, store) = (optional("actor")?, optional("store")?);
        let mut json = |name: &str| members.remove(name).unwrap_or_default().to_string();
        Ok(Params {
            ids: given(&format!("member \"{items}\" of params"), ids)?,
            edits: json("edits"),
            actor,
            store,
            options: json("options"),
            together: items == "item_ids",
        })
    }

    fn call(&self) -> Call<'_> {
        Call {
            ids: self.ids.clone(),
            edits: self.edits.clone(),
            actor: self.actor.as_deref(),
            store: self.store.as_deref(),
            options: self.options.clone(),
            together: self.together,
        }
    }
}

/// Subtypes of a registry that a user may clone.
#[pg_schema]
mod clone {
    use crate::entry::entry;
    use pgrx::prelude::*;

    /// The subtypes of a registry, and whether the actor may clone items of them: `cloneable` is alone, set (only together with other
    /// items) or never.
    #[pg_extern(stable, parallel_unsafe)]
    #[allow(clippy::type_complexity, reason = "the columns of the result")]
    fn registry_cloneable(
        actor: default!(Option<&str>, "NULL"),
        store: default!(Option<&str>, "NULL"),
    ) -> TableIterator<
        'static,
        (
            name!(subtype, String),
            name!(category, String),
            name!(title, Option<String>),
            name!(cloneable, String),
            name!(allowed, bool),
            name!(reason, Option<String>),
        ),
    > {
        let found = entry(|_| crate::item::cloneable(actor, store));
        TableIterator::new(found.into_iter().map(|row| {
            (
                row.subtype,
                row.category,
                row.title,
                row.cloneable.to_owned(),
                row.allowed,
                row.reason,
            )
        }))
    }
}

/// Functions that only the extension calls.
#[pg_schema]
mod clone_internal {
    use crate::entry::entry;
    use crate::pg::value::json_text::JsonText;
    use pgrx::prelude::*;
    use serde_json::Value;

    fn read(arguments: &JsonText) -> Value {
        serde_json::from_str(&arguments.0).unwrap_or_default()
    }

    /// The check hook of registries: raises 42501 if the actor may not clone the selected items of a collection.
    #[pg_extern(stable, parallel_unsafe)]
    fn registry_may_clone(store: &str, arguments: JsonText) {
        entry(|_| crate::item::may_clone_collection(store, &read(&arguments)));
    }

    /// The finish hook of registries: writes the content of the items of a cloned collection; returns tasks for the operator.
    #[pg_extern(volatile, parallel_unsafe)]
    fn registry_finish_items(store: &str, run: i64, arguments: JsonText) -> JsonText {
        let todo = entry(|_| crate::item::finish_collection(store, run, &read(&arguments)));
        JsonText(serde_json::json!(todo).to_string())
    }

    /// The rows of a registry's table of subtypes as a JSON array, read with the rights of the table's owner.
    #[pg_extern(volatile, parallel_unsafe)]
    fn registry_subtypes(relation: pg_sys::Oid) -> JsonText {
        entry(|_| crate::item::subtypes(relation).map(JsonText))
    }

    /// The user on whose behalf this session works: the setting `pg_clone.actor` if it can be trusted, otherwise the database user.
    #[pg_extern(stable, parallel_unsafe)]
    fn registry_actor() -> String {
        entry(|_| Ok(crate::settings::actor().unwrap_or_else(crate::pg::privileges::current_user)))
    }

    /// The name of a function with its schema and argument type, read from an option; error 22023 for anything else.
    #[pg_extern(immutable, parallel_unsafe)]
    fn registry_function(name: &str) -> String {
        let found = entry(|_| pg_clone_core::item::generator::Generator::parse(name));
        format!(
            "{}({})",
            found.function,
            if found.takes_subtype { "text" } else { "" }
        )
    }

    /// The result that loading would have for each entry of an export: entry, id, status, problem.
    #[pg_extern(stable, parallel_unsafe)]
    fn registry_check_entries(store: &str, entries: JsonText) -> JsonText {
        JsonText(entry(|_| crate::item::check_entries(store, &entries.0)).to_string())
    }
}
