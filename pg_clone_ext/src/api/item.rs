//! SQL functions on items of a registry.

use pgrx::prelude::*;
use pgrx::{JsonB, default};
use serde_json::Value;

use crate::entry::entry;
use crate::item::{self, Call};

/// Clones an item of a registry and returns the new one.
///
/// `edits` is a JSON merge patch (RFC 7396) or a JSON patch (RFC 6902) of the draft. `options`: `files` (also queue the
/// files), `access` (`default` or `keep`), `from_history` (id of a history entry), `title` (pattern with `%s`), `dry_run`, `bring`
/// (subtypes that come along), `create_activity`. Not allowed: 42501; no such item: P0002; a wrong argument, or an item
/// that would not be valid: 22023.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
fn item_clone(
    item_id: Option<&str>,
    edits: default!(Option<JsonB>, "'{}'"),
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
    options: default!(Option<JsonB>, "'{}'"),
) -> JsonB {
    JsonB(entry(|_| {
        let id = given("item_id", item_id)?;
        let call = Call {
            ids: vec![id.to_string()],
            edits: json(edits),
            actor,
            store,
            options: json(options),
            together: false,
        };
        Ok(item::clone_items(&call)?
            .into_iter()
            .next()
            .unwrap_or(Value::Null))
    }))
}

/// The form that a clone of an item starts with: what can be edited, what was reset, what must be filled in. Writes nothing.
#[pg_extern(stable, parallel_unsafe, requires = ["target_schema"])]
fn item_clone_draft(
    item_id: Option<&str>,
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
) -> JsonB {
    JsonB(entry(|_| item::draft(given("item_id", item_id)?, actor, store)))
}

/// Clones items as a set: references among them name the clones. `edits` go by source id, `*` for all.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
fn items_clone(
    item_ids: Option<Vec<String>>,
    edits: default!(Option<JsonB>, "'{}'"),
    actor: default!(Option<&str>, "NULL"),
    store: default!(Option<&str>, "NULL"),
    options: default!(Option<JsonB>, "'{}'"),
) -> SetOfIterator<'static, JsonB> {
    let items = entry(|_| {
        let call = Call {
            ids: given("item_ids", item_ids)?,
            edits: json(edits),
            actor,
            store,
            options: json(options),
            together: true,
        };
        item::clone_items(&call)
    });
    SetOfIterator::new(items.into_iter().map(JsonB))
}

fn json(value: Option<JsonB>) -> Value {
    value.map_or(Value::Null, |JsonB(value)| value)
}

fn given<T>(name: &str, value: Option<T>) -> pg_clone_core::error::Result<T> {
    value.ok_or_else(|| pg_clone_core::error::Error::bad_argument(format!("{name} is NULL")))
}

/// Functions that only the extension calls.
#[pg_schema]
mod clone_internal {
    use pgrx::prelude::*;

    /// Raises 42501 unless the actor may clone every item of a collection: the check hook of registries.
    #[pg_extern(stable, parallel_unsafe)]
    fn registry_may_clone(store: &str, collection: &str) {
        crate::entry::entry(|_| crate::item::may_clone_collection(store, collection));
    }
}
