//! `pg_clone delete`: a project that a run made, and its files.

use anyhow::{Context as _, Result};

use super::Context;
use crate::args::DeleteArgs;
use crate::connect::Target;
use crate::failure::Outcome;
use crate::file_copying::{FileRequest, copy_files, print_summary};
use crate::request::delete_options;
use crate::session::Session;

const QUEUED: &str = "SELECT COALESCE(pg_catalog.array_agg(DISTINCT b.run_id), '{}') FROM clone.blob_copy b \
     JOIN clone.run r ON r.id = b.run_id WHERE r.target_project = $1 AND b.operation = 'delete' \
     AND b.state IN ('pending', 'running')";

pub(super) async fn run(context: &mut Context, args: &DeleteArgs) -> Result<Outcome> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    if !args.dry_run && !args.blobs_later {
        target.check_session().await?;
    }
    context.progress.phase("deleting");
    session.begin().await?;
    let statement =
        format!("SELECT {schema}.project_delete($1::text, store => $2::text, options => $3::jsonb)");
    let options = delete_options(args);
    let deleted = session
        .json(&statement, &[&args.project, &args.store, &options])
        .await;
    let deleted = session.end(deleted).await;
    let deleted = deleted.with_context(|| format!("cannot delete the project {:?}", args.project))?;
    context.progress.finish();

    let result = deleted.into_iter().next().unwrap_or_default();
    let verb = if args.dry_run {
        "would be deleted"
    } else {
        "deleted"
    };
    context.output.line(format!("Project {} {verb}", args.project));
    for (name, value) in result.as_object().into_iter().flatten() {
        context.output.line(format!(
            "  {name}: {}",
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        ));
    }
    context.output.document(&result);
    if args.dry_run || args.blobs_later {
        return Ok(Outcome::Done);
    }
    delete_files(context, &target, &session, &args.project).await
}

/// Deleting a project queues the deletion of its files.
async fn delete_files(
    context: &mut Context,
    target: &Target,
    session: &Session,
    project: &str,
) -> Result<Outcome> {
    let row = session.query_one(QUEUED, &[&project]).await?;
    let mut complete = true;
    for run in row.try_get::<_, Vec<i64>>(0)? {
        let request = FileRequest {
            run: Some(run),
            allowed: context.allowed.clone(),
            ..FileRequest::default()
        };
        let interrupt = context.interrupt.clone();
        let summary = copy_files(target, &request, &interrupt, &mut context.progress).await?;
        print_summary(&summary, &mut context.output);
        complete &= summary.is_complete();
    }
    Ok(if complete {
        Outcome::Done
    } else {
        Outcome::BlobsIncomplete
    })
}
