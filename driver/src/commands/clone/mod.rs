//! `pg_clone clone`: the clone, its files, its verification.

use anyhow::Result;
use serde_json::{Value, json};

use super::Context;
use crate::args::CloneArgs;
use crate::args::request::CloneRequest;
use crate::cache::AfterCommit;
use crate::cloning::calls;
use crate::cloning::clone_project;
use crate::cloning::report::RunReport;
use crate::cloning::verification::Verification;
use crate::connect::Target;
use crate::connect::session::Session;
use crate::failure::{Committed, Exit, UsageContext};
use crate::file_copying::{FileRequest, copy_files, print_summary, summary_json};

const HAS_FILES: &str = "SELECT EXISTS (SELECT FROM clone.store s WHERE ($1::text IS NULL OR s.name = $1) AND s.options ? 'blobs')";

pub(super) async fn run(context: &mut Context, args: &CloneArgs) -> Result<Exit> {
    let request = CloneRequest::try_from(args).or_usage()?;
    let files = FileRequest::from_places(&args.blobs, &context.allowed)?;
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    if args.dry_run {
        return plan::run(context, &session, &schema, &request).await;
    }
    if args.background {
        return start(context, &session, &schema, &request).await;
    }

    // Check before the clone that its files can be copied afterwards.
    if !args.new.no_blobs && !args.blobs_later && has_files(&session, args.store.as_deref()).await {
        target.check_session().await?;
    }
    let cloned = clone_project(&session, &target, &schema, &request, &mut context.progress).await?;
    // The clone is committed: after any further error its result is still printed, and the exit code is 3.
    let mut result = json!({"project": cloned.project, "run_id": cloned.run});
    let aftermath = Aftermath {
        args,
        session: &session,
        target: &target,
        schema: &schema,
        files: FileRequest {
            run: Some(cloned.run),
            ..files
        },
    };
    let outcome = aftermath.run(context, cloned.run, &mut result).await;
    context.output.document(&result);
    outcome.map_err(|error| Committed { run: cloned.run }.context_of(error))
}

/// Whether the store, or any store if none is given, has files. False if the role may not read the stores.
async fn has_files(session: &Session, store: Option<&str>) -> bool {
    let found = session.query_one(HAS_FILES, &[&store]).await;
    found.is_ok_and(|row| row.try_get(0).unwrap_or(false))
}

/// The steps after a committed clone.
struct Aftermath<'a> {
    args: &'a CloneArgs,
    session: &'a Session,
    target: &'a Target,
    schema: &'a str,
    files: FileRequest,
}

impl Aftermath<'_> {
    async fn run(self, context: &mut Context, run: i64, result: &mut Value) -> Result<Exit> {
        let report = RunReport::read(self.session, run).await?;
        report.print(&mut context.output);
        let cache = AfterCommit::begin(self.session, Some(run), &context.allowed).await;
        result["report"] = serde_json::to_value(&report)?;

        let mut outcome = Exit::Done;
        if self.args.blobs_later {
            report.print_blobs(&mut context.output);
        } else if report.unfinished_files() > 0 {
            let interrupt = context.interrupt.clone();
            let summary = copy_files(self.target, &self.files, &interrupt, &mut context.progress).await?;
            print_summary(&summary, &mut context.output);
            result["files"] = summary_json(&summary);
            if !summary.is_complete() {
                outcome = Exit::BlobsIncomplete;
            }
        }
        if self.args.verify && !context.interrupt.is_set() {
            context.progress.phase("verifying");
            let (project, store) = (report.target_project(), self.args.store.as_deref());
            let mut verification =
                Verification::run(self.session, self.schema, project, store, false, None).await?;
            if !self.args.new.no_blobs && !self.args.blobs_later {
                verification
                    .add_files(self.session, self.target, store, &context.allowed)
                    .await?;
            }
            context.progress.finish();
            verification.print(&mut context.output);
            result["verification"] = serde_json::to_value(&verification)?;
            if !verification.is_ok() {
                outcome = Exit::Failed;
            }
        }
        let interrupt = context.interrupt.clone();
        let (flushed, complete) = cache.finish(&interrupt, &mut context.output).await;
        result["cache"] = serde_json::to_value(flushed)?;
        if !complete && outcome == Exit::Done {
            outcome = Exit::BlobsIncomplete;
        }
        Ok(outcome)
    }
}

/// `--background`: a job for a worker.
async fn start(
    context: &mut Context,
    session: &Session,
    schema: &str,
    request: &CloneRequest,
) -> Result<Exit> {
    let statement = format!("SELECT {}", calls::start_call(schema));
    let job: i64 = session
        .query_one(&statement, &calls::clone_parameters(request))
        .await?
        .try_get(0)?;
    context
        .output
        .line(format!("Job {job} is queued; a worker (pg_clone worker) runs it"));
    context.output.document(&json!({"job": job}));
    Ok(Exit::Done)
}

pub(super) mod plan;
