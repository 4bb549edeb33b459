//! `pg_clone worker`: runs queued clones, deletes expired clones, copies queued files.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::Context;
use crate::args::WorkerArgs;
use crate::cache;
use crate::cloning::calls::text;
use crate::connect::session::Session;
use crate::failure::Exit;
use crate::file_copying::{FileRequest, copy_files, print_summary, summary_json};
use crate::interrupt::Interrupted;

/// The job's state after an attempt, and its error.
const JOB: &str = "SELECT pg_catalog.to_jsonb(j) FROM clone.job j WHERE j.id = $1";

/// Whether the role may delete expired clones; otherwise another worker does it.
const MAY_EXPIRE: &str = "SELECT pg_catalog.has_function_privilege('clone.expire(text)', 'EXECUTE')";

const EXPIRE: &str = "SELECT pg_catalog.to_jsonb(e) FROM clone.expire() e";

pub(super) async fn run(context: &mut Context, args: &WorkerArgs) -> Result<Exit> {
    let files = FileRequest::from_places(&args.blobs, &context.allowed)?;
    let target = context.target()?;
    target.check_session().await?;
    let mut session = context.session(&target).await?;
    session.extension_schema().await?;
    let interrupt = context.interrupt.clone();
    let mut worked = Worked::default();
    let worked_off = loop {
        // A watching worker keeps running after a lost session or a restart of the server; the attempt counts.
        if let Err(error) = worked.queue(context, &session).await {
            if !args.watch || error.is::<Interrupted>() {
                return Err(error);
            }
            context
                .output
                .line(format!("Jobs: {error:#}; going on in {} s", args.interval));
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(args.interval)) => {}
                () = interrupt.wait() => break None,
            }
            match context.session(&target).await {
                Ok(fresh) => session = fresh,
                Err(error) if error.is::<Interrupted>() => return Err(error),
                Err(error) => context.output.line(format!("Jobs: {error:#}")),
            }
            continue;
        }
        let summary = copy_files(&target, &files, &interrupt, &mut context.progress).await?;
        if summary.done > 0 {
            print_summary(&summary, &mut context.output);
        }
        // The second deletion of these keys follows in a later round.
        cache::flush_due(
            &session,
            !args.watch,
            &context.allowed,
            &interrupt,
            &mut context.output,
        )
        .await;
        if !args.watch {
            break Some(summary);
        }
        // A watching worker that stops here has no unfinished work.
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.interval)) => {}
            () = interrupt.wait() => break None,
        }
    };
    let files = worked_off.as_ref().map(summary_json);
    context
        .output
        .document(&json!({"jobs": worked.jobs, "expired": worked.expired, "files": files}));
    Ok(if worked_off.is_none_or(|summary| summary.is_complete()) {
        Exit::Done
    } else {
        Exit::BlobsIncomplete
    })
}

/// Counts of a worker.
#[derive(Default)]
struct Worked {
    jobs: Vec<i64>,
    expired: Vec<Value>,
}

impl Worked {
    /// Runs due jobs, one transaction each, and deletes expired clones.
    async fn queue(&mut self, context: &mut Context, session: &Session) -> Result<()> {
        while let Some(job) = next_job(session).await? {
            self.jobs.push(job);
            for state in session.json(JOB, &[&job]).await? {
                let error = text(&state, "error");
                let because = if error.is_empty() {
                    String::new()
                } else {
                    format!(": {error}")
                };
                context
                    .output
                    .line(format!("Job {job}: {}{because}", text(&state, "state")));
            }
        }
        if !session.query_one(MAY_EXPIRE, &[]).await?.try_get::<_, bool>(0)? {
            return Ok(());
        }
        session.begin().await?;
        let expired = session.json(EXPIRE, &[]).await;
        for clone in session.end(expired).await? {
            context.output.line(format!(
                "Expired: {} of store {}",
                text(&clone, "project"),
                text(&clone, "store")
            ));
            self.expired.push(clone);
        }
        Ok(())
    }
}

/// Runs the oldest due job; `None` if there is none.
async fn next_job(session: &Session) -> Result<Option<i64>> {
    session.begin().await?;
    let result = session.query_one("SELECT clone.run_next_job()", &[]).await;
    let row = session.end(result).await?;
    Ok(row.try_get(0)?)
}
