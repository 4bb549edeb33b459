//! Runs one clone in one transaction and shows its progress.

use anyhow::{Context, Result};
use serde_json::Value;
use watch::{Watched, watch_clone};

use crate::args::request::CloneRequest;
use crate::connect::Target;
use crate::connect::session::Session;
use crate::progress::Progress;

/// A committed clone.
#[derive(Clone, Debug)]
pub struct Cloned {
    /// Number of its run.
    pub run: i64,
    /// The new project's document.
    pub project: Value,
}

/// Clones as `request` says, and commits. After an error or an interrupt nothing is changed.
///
/// # Errors
/// Those of `project_clone`, and an interrupt.
pub async fn clone_project(
    session: &Session,
    target: &Target,
    schema: &str,
    request: &CloneRequest,
    progress: &mut Progress,
) -> Result<Cloned> {
    progress.phase("cloning");
    session.begin().await?;
    let work = run(session, schema, request);
    let result = if progress.is_shown() {
        match session.pid().await {
            Ok(pid) => {
                let watched = Watched {
                    target,
                    schema,
                    request,
                    pid,
                    planned: None,
                };
                tokio::select! {
                    result = work => result,
                    never = watch_clone(watched, progress) => match never {},
                }
            }
            Err(error) => Err(error),
        }
    } else {
        work.await
    };
    let result = session.end(result).await;
    progress.finish();
    result.with_context(|| format!("cannot clone the project {:?}", request.source))
}

async fn run(session: &Session, schema: &str, request: &CloneRequest) -> Result<Cloned> {
    let statement = format!("SELECT {}", calls::clone_call(schema));
    let project = session
        .json(&statement, &calls::clone_parameters(request))
        .await?;
    let run = session
        .query_one("SELECT clone.last_run()", &[])
        .await?
        .try_get(0)?;
    Ok(Cloned {
        run,
        project: project.into_iter().next().unwrap_or_default(),
    })
}

pub(crate) mod calls;
pub(crate) mod report;
pub(crate) mod verification;
pub(crate) mod watch;
