//! `pg_clone item`: clones an item of a registry, or shows its prefilled form. A terminal asks for the form's values.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Context;
use crate::args::ItemArgs;
use crate::args::request::ItemRequest;
use crate::connect::session::Session;
use crate::failure::{Exit, UsageContext};
use crate::item_form::{self, Walk};
use crate::output::printable::escape_json;

pub(super) async fn run(context: &mut Context, args: &ItemArgs) -> Result<Exit> {
    let request = ItemRequest::try_from(args).or_usage()?;
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    if item_form::is_there() && context.output.is_text() && !args.draft && !args.yes {
        return filled_in(context, args, &request, &session, &schema).await;
    }
    session.begin().await?;
    let found = if args.draft {
        let statement =
            format!("SELECT {schema}.item_clone_draft($1::text, actor => $2::text, store => $3::text)");
        session
            .json(&statement, &[&request.item, &args.actor, &args.store])
            .await
    } else {
        let statement = format!(
            "SELECT {schema}.item_clone($1::text, edits => $2::jsonb, actor => $3::text, store => $4::text, \
             options => $5::jsonb)"
        );
        session
            .json(
                &statement,
                &[
                    &request.item,
                    &request.edits,
                    &args.actor,
                    &args.store,
                    &request.options,
                ],
            )
            .await
    };
    let found = session
        .end(found)
        .await
        .with_context(|| format!("cannot clone the item {:?}", request.item))?;
    let item = found.into_iter().next().unwrap_or_default();
    // Text output shows the item as JSON too.
    for line in escape_json(&serde_json::to_string_pretty(&item)?).lines() {
        context.output.line(line);
    }
    context.output.document(&item);
    Ok(Exit::Done)
}

/// Clones the item after the user has filled in the form on the terminal.
async fn filled_in(
    context: &mut Context,
    args: &ItemArgs,
    request: &ItemRequest,
    session: &Session,
    schema: &str,
) -> Result<Exit> {
    let walk = Walk {
        session,
        interrupt: &context.interrupt,
        schema,
        item: &request.item,
        edits: &request.edits,
        actor: &args.actor,
        store: &args.store,
        options: &request.options,
    };
    let item = item_form::walk(&walk)
        .await
        .with_context(|| format!("cannot clone the item {:?}", request.item))?;
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
    let (id, name) = (text("id"), text("display_name"));
    let dry_run = request.options.get("dry_run") == Some(&Value::Bool(true));
    context.output.line(match dry_run {
        true => format!("Item {} would be cloned: {name}", request.item),
        false => format!("Item {} is cloned to {id}: {name}", request.item),
    });
    Ok(Exit::Done)
}
