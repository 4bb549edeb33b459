//! `pg_clone jobs`: lists clones that were queued for a worker.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Context;
use crate::args::JobsArgs;
use crate::cloning::calls::{number, text};
use crate::failure::Exit;

const JOBS: &str = "SELECT pg_catalog.to_jsonb(j) FROM clone.job j ORDER BY j.id DESC LIMIT $1";

pub(super) async fn run(context: &mut Context, args: &JobsArgs) -> Result<Exit> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    if let Some(job) = args.cancel {
        let statement = format!("SELECT {schema}.project_clone_cancel($1::bigint)");
        let row = session
            .query_one(&statement, &[&job])
            .await
            .with_context(|| format!("cannot cancel job {job}"))?;
        let state: Option<String> = row.try_get(0)?;
        context
            .output
            .line(format!("Job {job}: {}", state.as_deref().unwrap_or("unknown")));
        context.output.document(&json!({"job": job, "state": state}));
        return Ok(Exit::Done);
    }
    let jobs = session.json(JOBS, &[&i64::from(args.limit)]).await?;
    context.output.table(
        &[
            ">job",
            "state",
            "source",
            "by",
            "queued",
            ">run",
            "progress or error",
        ],
        jobs.iter().map(|job| {
            let run = number(job, "run_id");
            let progress = text(job, "progress");
            vec![
                number(job, "id").to_string(),
                text(job, "state").to_owned(),
                text(job, "source_project").to_owned(),
                text(job, "queued_by").to_owned(),
                text(job, "queued_at").to_owned(),
                if run == 0 { String::new() } else { run.to_string() },
                if progress.is_empty() {
                    text(job, "error")
                } else {
                    progress
                }
                .to_owned(),
            ]
        }),
    );
    context.output.document(&json!({"jobs": jobs}));
    Ok(Exit::Done)
}
