//! `pg_clone store`: manages stores.

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Context;
use crate::args::request::key_values;
use crate::args::store::StoreAction;
use crate::cloning::calls::{number, text};
use crate::failure::{Exit, UsageContext};

const STORES: &str = "SELECT pg_catalog.to_jsonb(s) || pg_catalog.jsonb_build_object('tables', \
     (SELECT pg_catalog.count(*) FROM clone.store_relation r WHERE r.store = s.name)) \
     FROM clone.store s ORDER BY s.name";

pub(super) async fn run(context: &mut Context, action: &StoreAction) -> Result<Exit> {
    // Wrong usage is reported before connecting.
    let options = match action {
        StoreAction::Create { options, .. } | StoreAction::Alter { options, .. } => {
            Value::Object(key_values("--option", options).or_usage()?)
        }
        _ => Value::Null,
    };
    let target = context.target()?;
    let session = context.session(&target).await?;
    session.extension_schema().await?;
    match action {
        StoreAction::Create { name, preset, .. } => {
            let statement = "SELECT clone.store_create($1::text, $2::text, $3::jsonb)";
            session
                .query(statement, &[name, preset, &options])
                .await
                .with_context(|| format!("cannot create the store {name:?}"))?;
            context
                .output
                .line(format!("Store {name} ({preset}) is registered"));
            context.output.document(&json!({"store": name, "preset": preset}));
        }
        StoreAction::List => {
            let stores = session.json(STORES, &[]).await?;
            context.output.table(
                &["store", "preset", ">tables", "files", "created by"],
                stores.iter().map(|store| {
                    let blobs = store
                        .pointer("/options/blobs")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    vec![
                        text(store, "name").to_owned(),
                        text(store, "preset").to_owned(),
                        number(store, "tables").to_string(),
                        crate::output::redact::redact(blobs),
                        text(store, "created_by").to_owned(),
                    ]
                }),
            );
            context.output.document(&json!({"stores": stores}));
        }
        StoreAction::Alter { name, .. } => {
            let statement = "SELECT clone.store_alter($1::text, $2::jsonb)";
            let changed = session
                .json(statement, &[name, &options])
                .await
                .with_context(|| format!("cannot change the store {name:?}"))?;
            let changed = changed.into_iter().next().unwrap_or_default();
            for (option, value) in changed.as_object().into_iter().flatten() {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let value = crate::output::redact::redact(&value);
                context.output.line(format!("  {option}: {value}"));
            }
            context
                .output
                .document(&json!({"store": name, "options": changed}));
        }
        StoreAction::Drop { name, yes, force } => {
            let question = format!("Forget the store {name}, its description and its rules?");
            context.confirm(*yes, &question).await?;
            session
                .query(
                    "SELECT clone.store_drop($1::text, force => $2::boolean)",
                    &[name, force],
                )
                .await
                .with_context(|| format!("cannot drop the store {name:?}"))?;
            context
                .output
                .line(format!("Store {name} is dropped; its tables are unchanged"));
            context.output.document(&json!({"dropped": name}));
        }
        StoreAction::Discover { .. }
        | StoreAction::Check { .. }
        | StoreAction::Export { .. }
        | StoreAction::Import { .. }
        | StoreAction::Diff { .. } => {
            return super::store::description::run(context, &session, action).await;
        }
        StoreAction::Load { file, store } => {
            let bundle = read_bundle(file)?;
            let statement = "SELECT clone.registry_load($1::jsonb, store => $2::text)::bigint";
            let row = session
                .query_one(statement, &[&bundle, store])
                .await
                .with_context(|| format!("cannot load {}", file.display()))?;
            let items: i64 = row.try_get(0)?;
            context.output.line(format!("{items} items loaded"));
            context.output.document(&json!({"items": items}));
        }
    }
    Ok(Exit::Done)
}

fn read_bundle(file: &Path) -> Result<Value> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

mod description;
