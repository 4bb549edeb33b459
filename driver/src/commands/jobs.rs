//! `pgclone jobs`: the clones that were queued for a worker.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Context;
use crate::args::JobsArgs;
use crate::failure::Outcome;
use crate::sql::{number, text};

const JOBS: &str = "SELECT pg_catalog.to_jsonb(j) FROM clone.job j ORDER BY j.id DESC LIMIT $1";

pub(super) async fn run(context: &mut Context, args: &JobsArgs) -> Result<Outcome> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    if let Some(job) = args.cancel {
        let statement = format!(
            "SELECT pg_catalog.to_jsonb(c.*) FROM {schema}.project_clone_cancel($1::bigint) AS c(result)"
        );
        let answer = session
            .json(&statement, &[&job])
            .await
            .with_context(|| format!("cannot cancel job {job}"))?;
        let answer = answer.into_iter().next().unwrap_or_default();
        context.output.line(format!("Job {job}: {}", answer["result"]));
        context
            .output
            .document(&json!({"job": job, "cancelled": answer["result"]}));
        return Ok(Outcome::Done);
    }
    let jobs = session.json(JOBS, &[&i64::from(args.limit)]).await?;
    context.output.table(
        &[">job", "state", "source", ">run", "queued", "error"],
        jobs.iter().map(|job| {
            let run = number(job, "run_id");
            vec![
                number(job, "id").to_string(),
                text(job, "state").to_owned(),
                text(job, "source_project").to_owned(),
                if run == 0 { String::new() } else { run.to_string() },
                text(job, "queued_at").to_owned(),
                text(job, "error").to_owned(),
            ]
        }),
    );
    context.output.document(&json!({"jobs": jobs}));
    Ok(Outcome::Done)
}
