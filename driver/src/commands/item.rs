//! `pg_clone item`: one item of a registry, or its prefilled form.

use anyhow::{Context as _, Result};

use super::Context;
use crate::args::ItemArgs;
use crate::args::request::ItemRequest;
use crate::failure::{Outcome, UsageContext};

pub(super) async fn run(context: &mut Context, args: &ItemArgs) -> Result<Outcome> {
    let request = ItemRequest::try_from(args).or_usage()?;
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
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
    // An item is JSON for people, too.
    context.output.line(serde_json::to_string_pretty(&item)?);
    context.output.document(&item);
    Ok(Outcome::Done)
}
