//! Calls with the option `idempotency_key`: executed once, however often they are sent.

use pg_clone_core::error::{Error, Result};
use pg_clone_core::item::permission::{self, Actor};
use pg_clone_core::plan::quote;

use super::store::ItemStore;
use super::{Call, query, reading};
use crate::pg::privileges::AsExtensionOwner;
use std::borrow::Cow;

/// The state of a call with a key.
pub enum Request {
    /// It is the first with its key; others with the same key wait until it has ended.
    First,
    /// It was executed before, with these items as the result.
    Made(Vec<String>),
}

/// Reserves the key for this call.
///
/// # Errors
/// 22023 if the key was used for another call.
pub fn begin(store: &ItemStore, actor: &Actor, key: &str, call: &Call) -> Result<Request> {
    // The answer to a repeated call is read from there.
    let payload = store.table("item_payload");
    let sql = format!(
        "SELECT pg_catalog.to_regclass({})::pg_catalog.text",
        quote::literal(&payload)
    );
    if crate::pg::query::text(&sql)?.is_none() {
        return Err(Error::bad_argument(format!(
            "option \"idempotency_key\" needs the relation {payload}, which does not exist"
        ))
        .hint("Create a view of that name with columns id and payload, the whole item, or leave the option out."));
    }
    let content = format!("{:?} {} {} {}", call.ids, call.edits, call.options, call.together);
    let _owner = AsExtensionOwner::new();
    let first = query::write(
        "INSERT INTO clone.item_request (store, actor, key, request) VALUES ($1, $2, $3, pg_catalog.md5($4)) \
         ON CONFLICT ON CONSTRAINT item_request_pkey DO NOTHING RETURNING 1::pg_catalog.int8",
        &[
            store.name.as_str().into(),
            actor.name.as_str().into(),
            key.into(),
            content.as_str().into(),
        ],
    )?;
    if first.is_some() {
        return Ok(Request::First);
    }
    let mut same = false;
    let mut items = Vec::new();
    query::rows(
        "SELECT r.request OPERATOR(pg_catalog.=) pg_catalog.md5($4), u.item FROM clone.item_request r \
         LEFT JOIN pg_catalog.unnest(r.items) WITH ORDINALITY u (item, n) ON true \
         WHERE r.store OPERATOR(pg_catalog.=) $1 AND r.actor OPERATOR(pg_catalog.=) $2 AND r.key OPERATOR(pg_catalog.=) $3 ORDER BY u.n",
        &[
            store.name.as_str().into(),
            actor.name.as_str().into(),
            key.into(),
            content.as_str().into(),
        ],
        &mut |row| {
            same = row.truth(1)?;
            items.extend(row.text(2)?);
            Ok(())
        },
    )?;
    match same {
        true => Ok(Request::Made(items)),
        false => Err(
            Error::bad_argument(format!("idempotency key \"{}\" was used for another call", pg_clone_core::error::shown(key))).hint(
                "Use a new key for each call. A repeated call with the same key needs the same items, edits and options.",
            ),
        ),
    }
}

/// Records the result of the call.
pub fn end(store: &ItemStore, actor: &Actor, key: &str, run: i64, items: &[String]) -> Result<()> {
    let _owner = AsExtensionOwner::new();
    query::write(
        "UPDATE clone.item_request r SET run_id = $4, items = $5 WHERE r.store OPERATOR(pg_catalog.=) $1 \
         AND r.actor OPERATOR(pg_catalog.=) $2 AND r.key OPERATOR(pg_catalog.=) $3",
        &[
            store.name.as_str().into(),
            actor.name.as_str().into(),
            key.into(),
            run.into(),
            items.to_vec().into(),
        ],
    )?;
    Ok(())
}

/// The items of an earlier call in their current state, for an actor who may still read them.
///
/// # Errors
/// P0002 for an item that was deleted since, or that the actor may not see any more.
pub fn items_now(store: &ItemStore, actor: &Actor, ids: &[String]) -> Result<Vec<String>> {
    let wanted = ids.iter().map(|id| Cow::Borrowed(id.as_str())).collect();
    let targets = reading::targets(store, actor, &wanted, &reading::NewHandles::new())?;
    if let Some(gone) = ids
        .iter()
        .find(|id| !targets.get(*id).is_some_and(|target| target.visible))
    {
        return Err(permission::unknown_item(gone)
            .detail("An earlier call with this idempotency key has made it.")
            .hint("Use a new key for another clone."));
    }
    let sql = format!(
        "SELECT p.payload FROM pg_catalog.unnest($1) WITH ORDINALITY u (id, n) JOIN {} p ON p.id OPERATOR(pg_catalog.=) u.id ORDER BY u.n",
        store.table("item_payload")
    );
    let mut found = Vec::new();
    query::stream(&sql, &[ids.to_vec().into()], &mut |row| {
        found.extend(row.json(1)?);
        Ok(())
    })?;
    Ok(found)
}
