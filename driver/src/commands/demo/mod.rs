//! `pg_clone demo`: a private cluster, a sample project, its clone, its files, a verification.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Context;
use super::demo::document_diff::document_diff;
use super::demo::sample::Sample;
use super::demo::store::{create_store, telling_document};
use crate::args::DemoArgs;
use crate::args::request::CloneRequest;
use crate::cloning::clone_project;
use crate::cloning::report::RunReport;
use crate::cloning::verification::Verification;
use crate::connect::Target;
use crate::connect::session::Session;
use crate::failure::Exit;
use crate::file_copying::{FileRequest, copy_files, print_summary, summary_json};
use crate::interrupt::{Interrupted, begin_clean_up};
use crate::output::{seconds, thousands};
use throwaway_cluster::{Cluster, ClusterConfig};

const DATABASE: &str = "postgres";

pub(super) async fn run(context: &mut Context, args: &DemoArgs) -> Result<Exit> {
    begin_clean_up();
    context.progress.phase("starting a private PostgreSQL");
    // On a thread of its own, because initdb takes time; an interrupt drops the cluster that it returns.
    let starting = tokio::task::spawn_blocking(|| {
        Cluster::start(ClusterConfig::default().setting("shared_buffers", "256MB"))
    });
    let interrupt = context.interrupt.clone();
    let gone = |_| Interrupted::with_state("the private cluster is removed");
    let cluster = tokio::select! {
        started = starting => started.context("the start of the cluster was interrupted")??,
        () = interrupt.wait() => return Err(gone(()).into()),
    };
    let outcome = tokio::select! {
        outcome = show(context, args, &cluster) => outcome?,
        () = interrupt.wait() => return Err(gone(()).into()),
    };
    if args.keep {
        say_how_to_connect(context, cluster);
    }
    Ok(outcome)
}

async fn show(context: &mut Context, args: &DemoArgs, cluster: &Cluster) -> Result<Exit> {
    let target = Target::plain(
        cluster.connection(DATABASE),
        &format!("the private cluster in {}", cluster.directory().display()),
    )?;
    let session = Session::open(&target, &context.interrupt, false).await?;
    let files = cluster.make_directory("files")?;
    create_store(&session, &files, cluster.installation().major).await?;
    let schema = session.extension_schema().await?;
    context.output.line(format!(
        "PostgreSQL {} in {}, {}",
        cluster.installation().major,
        cluster.directory().display(),
        if args.keep {
            "which stays when this ends"
        } else {
            "removed when this ends"
        }
    ));

    context.progress.phase("generating a sample project");
    let start = Instant::now();
    let sample = Sample::generate(&session, args.resources, &files).await?;
    cluster.give_away(&files)?;
    context.progress.finish();
    context.output.line(format!(
        "Sample project {:?}: {} resources of {} types, {} files, made in {}",
        sample.name,
        thousands(sample.resources),
        sample.types,
        sample.files,
        seconds(start.elapsed().as_secs_f64())
    ));

    let mut request = CloneRequest::of_project(&sample.project);
    request.name = Some(format!("{} (training)", sample.name));
    context.output.line(format!(
        "SELECT {schema}.project_clone('{}', name => '{}');",
        sample.project,
        request.name.as_deref().unwrap_or_default()
    ));
    let cloned = clone_project(&session, &target, &schema, &request, &mut context.progress).await?;
    let file_request = FileRequest {
        run: Some(cloned.run),
        ..FileRequest::default()
    };
    let copied = copy_files(
        &target,
        &file_request,
        &context.interrupt.clone(),
        &mut context.progress,
    )
    .await?;
    let report = RunReport::read(&session, cloned.run).await?;
    report.print(&mut context.output);
    print_summary(&copied, &mut context.output);

    let before = telling_document(&session, &sample.project).await?;
    let after = telling_document(&session, report.target_project()).await?;
    context.output.line("");
    context.output.line("One document, before (-) and after (+):");
    context.output.styled(&document_diff(&before, &after));

    context.progress.phase("verifying");
    let mut verification =
        Verification::run(&session, &schema, report.target_project(), None, false, None).await?;
    verification
        .add_files(&session, &target, None, &context.allowed)
        .await?;
    context.progress.finish();
    context.output.line("");
    verification.print(&mut context.output);
    context.output.document(&json!({
        "project": cloned.project, "report": report, "files": summary_json(&copied),
        "document": {"before": before, "after": after}, "verification": verification,
        "cluster": args.keep.then(|| cluster.dsn(DATABASE)),
    }));
    Ok(match (verification.is_ok(), copied.is_complete()) {
        (false, _) => Exit::Failed,
        (true, false) => Exit::BlobsIncomplete,
        (true, true) => Exit::Done,
    })
}

/// `--keep`: the cluster keeps running; prints how to connect and how to stop it.
fn say_how_to_connect(context: &mut Context, cluster: Cluster) {
    let dsn = cluster.dsn(DATABASE);
    let psql = cluster.installation().program("psql");
    let stop = cluster.stop_command();
    cluster.keep();
    context.output.line("");
    context.output.line("The cluster keeps running.");
    context
        .output
        .line(format!("  connect: {} '{dsn}'", psql.display()));
    context
        .output
        .line(format!("           pg_clone runs --dbname '{dsn}'"));
    context.output.line(format!("  stop:    {stop}"));
}

mod document_diff;
mod sample;
mod store;
