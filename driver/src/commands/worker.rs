//! `pgclone worker`: runs queued clones, then copies the files they queued.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::Context;
use crate::args::WorkerArgs;
use crate::failure::Outcome;
use crate::file_copying::{FileRequest, copy_files, print_summary, summary_json};
use crate::session::Session;

pub(super) async fn run(context: &mut Context, args: &WorkerArgs) -> Result<Outcome> {
    let files = FileRequest::from_places(&args.blobs)?;
    let target = context.target()?;
    let session = context.session(&target).await?;
    session.extension_schema().await?;
    let interrupt = context.interrupt.clone();
    let mut jobs = 0_u64;
    loop {
        while let Some(job) = next_job(&session).await? {
            jobs += 1;
            context.output.line(format!("Job {job} ended"));
        }
        let summary = copy_files(&target, &files, &interrupt, &mut context.progress).await?;
        if summary.done > 0 {
            print_summary(&summary, &mut context.output);
        }
        if !args.watch {
            context
                .output
                .document(&json!({"jobs": jobs, "files": summary_json(&summary)}));
            return Ok(if summary.is_complete() {
                Outcome::Done
            } else {
                Outcome::BlobsIncomplete
            });
        }
        // A watching worker that is told to stop has nothing half done.
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.interval)) => {}
            () = interrupt.wait() => {
                context.output.document(&json!({"jobs": jobs}));
                return Ok(Outcome::Done);
            }
        }
    }
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
