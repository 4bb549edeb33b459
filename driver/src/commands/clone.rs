//! `pgclone clone`: plan, clone, files, verification.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::Context;
use crate::args::CloneArgs;
use crate::cloning::clone_project;
use crate::failure::{Outcome, UsageContext};
use crate::output::{self, thousands};
use crate::request::CloneRequest;
use crate::run_report::RunReport;
use crate::session::Session;
use crate::sql::{self, number, text};
use crate::verification::Verification;

/// The JSON document of a clone.
#[derive(Serialize)]
struct Result_<'a> {
    project: &'a Value,
    #[serde(flatten)]
    report: &'a RunReport,
    verification: Option<&'a Verification>,
}

pub(super) async fn run(context: &mut Context, args: &CloneArgs) -> Result<Outcome> {
    let request = CloneRequest::try_from(args).or_usage()?;
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    if args.dry_run {
        return plan(context, &session, &schema, &request).await;
    }
    if args.background {
        return start(context, &session, &schema, &request).await;
    }

    let cloned = clone_project(&session, &target, &schema, &request, &mut context.progress).await?;
    let report = RunReport::read(&session, cloned.run).await?;
    let verification = if args.verify {
        context.progress.phase("verifying");
        let store = request.store.as_deref();
        let found = Verification::run(&session, &schema, report.target_project(), store).await?;
        context.progress.finish();
        Some(found)
    } else {
        None
    };

    report.print(&mut context.output);
    if let Some(verification) = &verification {
        verification.print(&mut context.output);
    }
    context.output.document(&Result_ {
        project: &cloned.project,
        report: &report,
        verification: verification.as_ref(),
    });
    Ok(match verification {
        Some(verification) if !verification.is_ok() => Outcome::Failed,
        _ => Outcome::Done,
    })
}

/// `--dry-run`: what the clone would do, table by table.
async fn plan(
    context: &mut Context,
    session: &Session,
    schema: &str,
    request: &CloneRequest,
) -> Result<Outcome> {
    context.progress.phase("planning");
    let statement = format!("SELECT pg_catalog.to_jsonb(p) FROM {} p", sql::plan_call(schema));
    let tables = session.json(&statement, &sql::clone_parameters(request)).await?;
    context.progress.finish();
    context.output.table(
        &[
            "table",
            "type",
            "role",
            "path",
            ">rows in source",
            ">rows to clone",
            ">size",
            ">dangling",
            "why",
        ],
        tables.iter().map(|row| {
            let count = |name: &str| thousands(number(row, name));
            vec![
                text(row, "relation").to_owned(),
                text(row, "resource_type").to_owned(),
                text(row, "role").to_owned(),
                text(row, "path").to_owned(),
                count("source_rows"),
                count("rows"),
                output::bytes(number(row, "bytes")),
                count("dangling"),
                text(row, "why").to_owned(),
            ]
        }),
    );
    let sum = |name: &str| tables.iter().map(|row| number(row, name)).sum::<i64>();
    context.output.line(format!(
        "{} rows, {}, {} dangling references; nothing was written",
        thousands(sum("rows")),
        output::bytes(sum("bytes")),
        thousands(sum("dangling"))
    ));
    context.output.document(&json!({"plan": tables}));
    Ok(Outcome::Done)
}

/// `--background`: a job for a worker.
async fn start(
    context: &mut Context,
    session: &Session,
    schema: &str,
    request: &CloneRequest,
) -> Result<Outcome> {
    let statement = format!("SELECT {}", sql::start_call(schema));
    let job: i64 = session
        .query_one(&statement, &sql::clone_parameters(request))
        .await?
        .try_get(0)?;
    context
        .output
        .line(format!("Job {job} is queued; a worker (pgclone worker) runs it"));
    context.output.document(&json!({"job": job}));
    Ok(Outcome::Done)
}
