//! `pg_clone cache`: deletes stale keys from an application's cache.

use anyhow::Result;
use serde_json::json;

use super::Context;
use crate::args::CacheAction;
use crate::cache::{self, CacheFlush, FlushRequest};
use crate::failure::{Exit, Hinted};

pub(super) async fn run(context: &mut Context, action: &CacheAction) -> Result<Exit> {
    let CacheAction::Flush {
        run,
        cache,
        again_after,
    } = action;
    let target = context.target()?;
    let session = context.session(&target).await?;
    session.extension_schema().await?;
    let request = FlushRequest {
        run: *run,
        cache: cache.clone(),
        again_after: *again_after,
        allowed: context.allowed.clone(),
    };
    let mut flush = CacheFlush::new(&session, request);
    if !flush.is_allowed().await? {
        return Err(Hinted::new(
            "permission denied for table clone.cache_invalidation",
            "SELECT clone.allow('<role>') lets a role see and flush what it deleted itself.",
        )
        .into());
    }
    context.progress.phase("deleting stale keys");
    let interrupt = context.interrupt.clone();
    let result = flush.both(&interrupt).await;
    context.progress.finish();
    result?;
    let flushed = flush.flushed();
    cache::print(flushed, &mut context.output);
    context.output.document(&json!({"cache": flushed}));
    if flushed.without_cache.is_empty() {
        if flushed.keys == 0 && flushed.keys_again == 0 {
            context.output.line("No key of a cache is stale");
        }
        return Ok(Exit::Done);
    }
    Err(cache::no_cache(&flushed.without_cache))
}
