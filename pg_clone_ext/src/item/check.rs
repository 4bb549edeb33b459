//! Checks whether the actor may clone a collection; called by the store's check hook before `project_clone` reads anything.

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::permission::{Actor, item_roles, may_fetch};
use serde_json::Value;

use super::reading::access;
use super::store::ItemStore;
use super::{actor, query};
use crate::pg::session::settings_guard::ReadingSettings;

/// Maximum number of ids in a message.
const NAMED: usize = 20;

/// Requires registry write, and metadata-read on every selected item of the collection.
///
/// # Errors
/// 42501, with the ids of items whose existence the actor may know and the number of others. 22023 for an option that a registry does not have.
pub fn may_clone_collection(store: &str, arguments: &Value) -> Result<()> {
    let _settings = ReadingSettings::new();
    let store = ItemStore::resolve(Some(store), None)?;
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let actor = actor::load(&store, text("owner"))?;
    actor::require_author(&store, &actor)?;
    if let Some(dangling) = arguments.pointer("/options/dangling").and_then(Value::as_str)
        && dangling == "null"
    {
        return Err(
            Error::bad_argument("option \"dangling\" cannot be \"null\" for a registry")
                .hint("Use keep, the default, or error."),
        );
    }
    require_writable(&store)?;
    let list = |name: &str| -> Option<Vec<String>> {
        let list = arguments.get(name)?.as_array()?;
        let texts: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        (!texts.is_empty()).then_some(texts)
    };
    let sql = format!(
        "SELECT i.id, i.item_subtype::pg_catalog.text, a.owner, pg_catalog.to_jsonb(a.general), a.groups \
         FROM {} i LEFT JOIN {} a ON a.id OPERATOR(pg_catalog.=) i.id JOIN {} s ON s.name::pg_catalog.text OPERATOR(pg_catalog.=) i.item_subtype::pg_catalog.text \
         WHERE i.collection_id OPERATOR(pg_catalog.=) $1 AND s.cloneable OPERATOR(pg_catalog.<>) 'never' \
         AND ($2 IS NULL OR i.item_subtype::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($2)) \
         AND ($3 IS NULL OR i.id OPERATOR(pg_catalog.=) ANY ($3)) AND ($4 IS NULL OR i.id OPERATOR(pg_catalog.<>) ALL ($4))",
        store.table("item"),
        store.table("item_auth"),
        store.table("subtype")
    );
    let mut refused = Refused::default();
    query::rows(
        &sql,
        &[
            text("source_project").unwrap_or_default().into(),
            list("resource_types").into(),
            list("include_ids").into(),
            list("exclude_ids").into(),
        ],
        &mut |row| {
            let subtype = store.subtype(&row.string(2)?)?;
            let access = access(row, 3)?;
            match may_fetch(&actor, &access, &subtype.item_roles) {
                true => {}
                false if item_roles(&actor, &access, &subtype.item_roles).is_empty() => refused.hidden += 1,
                false => refused.named.push(row.string(1)?),
            }
            Ok(())
        },
    )?;
    refused.raise(&actor)
}

/// Requires that a collection can be inserted: over the views of an application it often cannot.
fn require_writable(store: &ItemStore) -> Result<()> {
    const CLOSED: &str = "SELECT (c.relkind OPERATOR(pg_catalog.=) 'v') AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t \
         WHERE (t.tgrelid OPERATOR(pg_catalog.=) c.oid) AND ((t.tgtype OPERATOR(pg_catalog.&) 68::pg_catalog.int2) OPERATOR(pg_catalog.=) 68)) \
         AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE (a.attrelid OPERATOR(pg_catalog.=) c.oid) AND (a.attnum OPERATOR(pg_catalog.>) 0) \
         AND NOT pg_catalog.pg_column_is_updatable(c.oid, a.attnum, false)) \
         FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid";
    let collection = store.table("collection");
    if !query::truth(CLOSED, &[collection.as_str().into()])? {
        return Ok(());
    }
    Err(
        Error::bad_argument(format!("the view {collection} takes no new collection")).hint(
            "Create an INSTEAD OF INSERT trigger on it, or clone the items alone: items_clone(ARRAY[...]).",
        ),
    )
}

#[derive(Default)]
struct Refused {
    named: Vec<String>,
    hidden: usize,
}

impl Refused {
    fn raise(self, actor: &Actor) -> Result<()> {
        if self.named.is_empty() && self.hidden == 0 {
            return Ok(());
        }
        let shown: Vec<&str> = self.named.iter().take(NAMED).map(String::as_str).collect();
        let more = self.named.len() - shown.len() + self.hidden;
        Err(Error::new(
            Code::NotAllowed,
            format!("\"{}\" may not read all items of the collection", actor.name),
        )
        .detail(match shown.is_empty() {
            true => format!("Items that are not readable: {more}."),
            false if more == 0 => format!("Not readable: {}.", shown.join(", ")),
            false => format!("Not readable: {}, and {more} more.", shown.join(", ")),
        })
        .hint("Leave them out by exclude_ids, clone the readable ones by items_clone(ARRAY[...]), or ask for metadata-read."))
    }
}
