//! `pg_clone blobs`: processes the queue of files, shows it, retries failed files.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Context;
use crate::args::BlobsAction;
use crate::blobs::{self, Backoff, Status};
use crate::cache;
use crate::failure::Exit;
use crate::file_copying::{FileRequest, copy_files, print_summary, summary_json};
use crate::interrupt::Interrupted;
use crate::output::{self, thousands};

/// Maximum number of files with errors that are listed.
const ERRORS_SHOWN: i64 = 20;

pub(super) async fn run(context: &mut Context, action: &BlobsAction) -> Result<Exit> {
    match action {
        BlobsAction::Run {
            places,
            concurrency,
            run,
            watch,
            attempts,
            first_wait,
            no_sync,
        } => {
            let request = FileRequest {
                run: *run,
                concurrency: Some(usize::from(*concurrency)),
                watch: *watch,
                no_sync: *no_sync,
                backoff: Backoff {
                    attempts: *attempts,
                    first: *first_wait,
                    ..Backoff::default()
                },
                ..FileRequest::from_places(places, &context.allowed)?
            };
            copy(context, &request).await
        }
        BlobsAction::Status { run } => status(context, *run).await,
        BlobsAction::Retry { run, permanent } => retry(context, *run, *permanent).await,
    }
}

async fn copy(context: &mut Context, request: &FileRequest) -> Result<Exit> {
    let target = context.target()?;
    context.session(&target).await?.check_extension().await?;
    let interrupt = context.interrupt.clone();
    let summary = copy_files(&target, request, &interrupt, &mut context.progress).await?;
    print_summary(&summary, &mut context.output);
    if !summary.stopped {
        let session = context.session(&target).await?;
        cache::flush_due(&session, true, &context.allowed, &interrupt, &mut context.output).await;
    }
    context.output.document(&summary_json(&summary));
    // A watching worker ends only by a signal.
    if summary.stopped && !request.watch && !summary.is_complete() {
        return Err(
            Interrupted::with_state("files that were copied stay; the others wait in the queue").into(),
        );
    }
    Ok(if summary.is_complete() || request.watch {
        Exit::Done
    } else {
        Exit::BlobsIncomplete
    })
}

async fn status(context: &mut Context, run: Option<i64>) -> Result<Exit> {
    let target = context.target()?;
    context.session(&target).await?.check_extension().await?;
    let pool = target.pool(1)?;
    let interrupt = context.interrupt.clone();
    let status = interrupt
        .or(blobs::status(&pool, run, ERRORS_SHOWN))
        .await
        .context("cannot read the queue of files")?;
    context.output.table(
        &[
            ">run",
            "store",
            "operation",
            ">total",
            ">done",
            ">pending",
            ">running",
            ">failed",
            ">cancelled",
            ">size",
        ],
        status.runs.iter().map(|run| {
            vec![
                run.run.to_string(),
                run.store.clone(),
                run.operation.clone(),
                thousands(run.total),
                thousands(run.done),
                thousands(run.pending),
                thousands(run.running),
                thousands(run.failed),
                thousands(run.cancelled),
                output::bytes(run.bytes),
            ]
        }),
    );
    for error in &status.errors {
        context.output.line(format!(
            "  {} {} → {}: {} ({} attempts, {})",
            error.store, error.source_key, error.target_key, error.error, error.attempts, error.state
        ));
    }
    context.output.document(&status_json(&status));
    let incomplete = status
        .runs
        .iter()
        .any(|run| run.pending + run.running + run.failed > 0);
    Ok(if incomplete {
        Exit::BlobsIncomplete
    } else {
        Exit::Done
    })
}

fn status_json(status: &Status) -> Value {
    let runs: Vec<Value> = status
        .runs
        .iter()
        .map(|run| {
            json!({
                "run": run.run, "store": run.store, "operation": run.operation, "total": run.total,
                "pending": run.pending, "running": run.running, "done": run.done, "failed": run.failed,
                "failed_for_good": run.failed_for_good, "cancelled": run.cancelled, "bytes": run.bytes,
            })
        })
        .collect();
    let errors: Vec<Value> = status
        .errors
        .iter()
        .map(|file| {
            json!({
                "id": file.id, "run": file.run, "store": file.store, "source_key": file.source_key,
                "target_key": file.target_key, "state": file.state, "attempts": file.attempts,
                "permanent": file.permanent, "error": file.error,
            })
        })
        .collect();
    json!({"runs": runs, "errors": errors})
}

async fn retry(context: &mut Context, run: Option<i64>, permanent: bool) -> Result<Exit> {
    let target = context.target()?;
    context.session(&target).await?.check_extension().await?;
    let pool = target.pool(1)?;
    let interrupt = context.interrupt.clone();
    let files = interrupt
        .or(blobs::retry(&pool, run, permanent))
        .await
        .context("cannot change the queue of files")?;
    let files = i64::try_from(files).unwrap_or(i64::MAX);
    context.output.line(format!(
        "{} files are due again; copy them with: pg_clone blobs run",
        thousands(files)
    ));
    context.output.document(&json!({"files": files}));
    Ok(Exit::Done)
}
