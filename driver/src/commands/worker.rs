//! `pgclone worker`: runs queued clones, then copies the files they queued.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::Context;
use crate::args::WorkerArgs;
use crate::failure::Outcome;
use crate::session::Session;

pub(super) async fn run(context: &mut Context, args: &WorkerArgs) -> Result<Outcome> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    session.extension_schema().await?;
    let mut jobs = 0_u64;
    loop {
        while let Some(job) = next_job(&session).await? {
            jobs += 1;
            context.output.line(format!("Job {job} ended"));
        }
        if !args.watch {
            break;
        }
        // A watching worker that is told to stop has nothing half done.
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.interval)) => {}
            () = context.interrupt.wait() => break,
        }
    }
    context.output.document(&json!({"jobs": jobs}));
    Ok(Outcome::Done)
}

/// Runs the oldest queued job; `None` when nothing waits.
async fn next_job(session: &Session) -> Result<Option<i64>> {
    session.begin().await?;
    let result = session
        .query_one("SELECT clone.run_next_job()::bigint", &[])
        .await;
    let row = session.end(result).await?;
    Ok(row.try_get(0)?)
}
