//! `pg_clone copy` and `pg_clone import`.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clone_archive::Reader;
use serde_json::{Value, json};

use super::Context;
use super::archive::open;
use super::clone::plan::{print_plan, total};
use crate::args::BlobPlaces;
use crate::args::moving::{CopyArgs, Engine, ImportArgs};
use crate::args::request::CloneRequest;
use crate::blobs::UnpackedFiles;
use crate::cloning::report::RunReport;
use crate::connect::session::Session;
use crate::connect::{ProcessEnvironment, Target};
use crate::failure::{Committed, Exit, Usage, UsageContext};
use crate::file_copying::{FileRequest, copy_files, print_summary, summary_json};
use crate::moving::{self, ArchiveSource, Destination, Difference, Planned, Snapshot, Source, Unpacking};

/// Whether a store that may be meant has files, and where they are.
const FILES: &str = "SELECT s.options ->> 'blobs', COALESCE(s.options ->> 'blob_prefix_in_bucket', '') FROM clone.store s \
     WHERE ($1::text IS NULL OR s.name = $1) AND EXISTS (SELECT FROM clone.store_relation r WHERE r.store = s.name AND r.blob_key IS NOT NULL)";

pub(super) async fn copy(context: &mut Context, args: &CopyArgs) -> Result<Exit> {
    let request = args.new.request(&args.project, &args.blobs).or_usage()?;
    let from = Target::resolve_with(Some(&args.from), &[], &ProcessEnvironment)
        .context("--from")
        .or_usage()?;
    let to = match &args.to {
        Some(dsn) => Target::resolve_with(Some(dsn), &[], &ProcessEnvironment)
            .context("--to")
            .or_usage()?,
        None => context.target()?,
    };
    if args.engine == Engine::Local {
        return super::moving_locally::copy(context, args, request, &from, &to).await;
    }
    let session = context.session(&to).await?;
    let schema = session.extension_schema().await?;
    if wants_files(&request) && request.options.get("blobs_from").is_none() {
        let known = files_of_store(&session, request.store.as_deref()).await;
        if known.is_some_and(|(blobs, _)| blobs.is_some()) {
            return Err(where_are_the_files("of the source", None).into());
        }
    }
    let source = Snapshot::open(&from, &context.interrupt, args.snapshot.as_deref()).await?;
    let interrupt = context.interrupt.clone();
    let move_to = Move {
        destination: Destination {
            session: &session,
            target: &to,
            rows_for: &session,
            schema: &schema,
            request: &request,
            interrupt: &interrupt,
        },
        engine: args.engine,
        dry_run: args.new.dry_run,
        places: &args.blobs,
        blobs_later: args.blobs_later,
    };
    move_to.run(context, source).await
}

pub(super) async fn import(context: &mut Context, args: &ImportArgs) -> Result<Exit> {
    let archive = open(&args.file)?;
    let mut request = args
        .new
        .request(&archive.manifest().project, &args.blobs)
        .or_usage()?;
    request
        .store
        .get_or_insert_with(|| archive.manifest().store.clone());
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    let files = files_of_archive(&archive, args, &mut request, &session).await?;
    let source = ArchiveSource::new(archive, files);
    let interrupt = context.interrupt.clone();
    let move_to = Move {
        destination: Destination {
            session: &session,
            target: &target,
            rows_for: &session,
            schema: &schema,
            request: &request,
            interrupt: &interrupt,
        },
        engine: Engine::Extension,
        dry_run: args.new.dry_run,
        places: &args.blobs,
        blobs_later: args.blobs_later,
    };
    move_to.run(context, source).await
}

/// A move with both ends open.
pub(super) struct Move<'m> {
    pub(super) destination: Destination<'m>,
    pub(super) engine: Engine,
    pub(super) dry_run: bool,
    pub(super) places: &'m BlobPlaces,
    pub(super) blobs_later: bool,
}

impl Move<'_> {
    /// Moves the project and copies its files, or shows what would be done.
    pub(super) async fn run(&self, context: &mut Context, mut source: impl Source) -> Result<Exit> {
        let destination = &self.destination;
        let progress = &mut context.progress;
        if self.dry_run {
            let planned = moving::plan_move(&mut source, destination, progress).await?;
            return Ok(print_planned(context, &planned));
        }
        let moved = match self.engine {
            Engine::Extension => moving::move_project(&mut source, destination, progress).await?,
            Engine::Local => moving::move_locally(&mut source, destination, progress).await?,
        };
        let finish = Finish {
            session: destination.session,
            target: destination.target,
            places: self.places,
            blobs_later: self.blobs_later,
            run: moved.run,
        };
        let read = (moved.read.rows(), moved.read.bytes);
        finish
            .run(context, moved.project, read, source.into_files())
            .await
    }
}

fn wants_files(request: &CloneRequest) -> bool {
    request.options.get("blobs") != Some(&Value::from("none"))
}

/// Location of the store's files, and the prefix that its keys lose in a directory; `None` for a store without files, or if the role may not read it.
async fn files_of_store(session: &Session, store: Option<&str>) -> Option<(Option<String>, String)> {
    let rows = session.query(FILES, &[&store]).await.ok()?;
    let row = rows.first()?;
    Some((row.try_get(0).ok()?, row.try_get(1).ok()?))
}

fn where_are_the_files(of: &str, said: Option<&str>) -> Usage {
    let said = said.map_or_else(String::new, |said| format!(" (they were in {said})"));
    Usage(anyhow::anyhow!(
        "the location of the files {of} is not known{said}: specify --blobs-from, or --no-blobs"
    ))
}

/// Prepares to unpack the files of an archive. The clone records the directory as the place that they are copied from.
async fn files_of_archive<R: Read>(
    archive: &Reader<R>,
    args: &ImportArgs,
    request: &mut CloneRequest,
    session: &Session,
) -> Result<Option<Unpacking>> {
    if !wants_files(request) || args.new.dry_run {
        return Ok(None);
    }
    let Some((blobs, prefix)) = files_of_store(session, request.store.as_deref()).await else {
        return Ok(None);
    };
    let manifest = archive.manifest();
    if !manifest.with_files {
        if blobs.is_some() && request.options.get("blobs_from").is_none() {
            return Err(where_are_the_files("of the archive", manifest.blobs.as_deref()).into());
        }
        return Ok(None);
    }
    let directory = match (&args.files_dir, args.file.as_str()) {
        (Some(directory), _) => directory.clone(),
        (None, "-") => {
            return Err(Usage(anyhow::anyhow!(
                "the archive has files: specify --files-dir, a directory to unpack them"
            ))
            .into());
        }
        (None, file) => PathBuf::from(format!("{file}.files")),
    };
    let files = UnpackedFiles::create(&directory, &prefix)?;
    if let Value::Object(options) = &mut request.options {
        options.insert("blobs_from".to_owned(), files.location().url().into());
    }
    Ok(Some(Unpacking::into_directory(files)))
}

/// What `--dry-run` found.
fn print_planned(context: &mut Context, planned: &Planned) -> Exit {
    let Planned {
        plan,
        differences,
        read,
    } = planned;
    for Difference { difference, .. } in differences {
        context.output.line(format!("different: {difference}"));
    }
    print_plan(context, plan);
    context.output.line(format!(
        "{}; {} rows were read; nothing was written",
        total(plan),
        super::archive::count(read.rows())
    ));
    context.output.document(&json!({
        "plan": plan, "differences": differences, "rows_read": read.rows(), "bytes_read": read.bytes,
    }));
    Exit::Done
}

/// What follows the committed clone: its report, its files.
struct Finish<'f> {
    session: &'f Session,
    target: &'f Target,
    places: &'f BlobPlaces,
    blobs_later: bool,
    run: i64,
}

impl Finish<'_> {
    async fn run(
        &self,
        context: &mut Context,
        project: Value,
        (rows, bytes): (u64, u64),
        unpacked: Option<Unpacking>,
    ) -> Result<Exit> {
        let run = self.run;
        let mut result = json!({"project": project, "run_id": run, "rows_read": rows, "bytes_read": bytes});
        let outcome = self.report(context, &mut result, unpacked).await;
        context.output.document(&result);
        outcome.map_err(|error| Committed { run }.context_of(error))
    }

    async fn report(
        &self,
        context: &mut Context,
        result: &mut Value,
        mut unpacked: Option<Unpacking>,
    ) -> Result<Exit> {
        // The queue names them.
        if let Some(unpacked) = &mut unpacked {
            unpacked.files().keep();
        }
        let report = RunReport::read(self.session, self.run).await?;
        report.print(&mut context.output);
        result["report"] = serde_json::to_value(&report)?;
        if self.blobs_later {
            report.print_blobs(&mut context.output);
            return Ok(Exit::Done);
        }
        let mut outcome = Exit::Done;
        if report.unfinished_files() > 0 {
            let files = FileRequest {
                run: Some(self.run),
                ..FileRequest::from_places(self.places, &context.allowed)?
            };
            let interrupt = context.interrupt.clone();
            let summary = copy_files(self.target, &files, &interrupt, &mut context.progress).await?;
            print_summary(&summary, &mut context.output);
            result["files"] = summary_json(&summary);
            if !summary.is_complete() {
                outcome = Exit::BlobsIncomplete;
            }
        }
        if let (Exit::Done, Some(unpacked)) = (outcome, &mut unpacked) {
            unpacked.files().remove();
        }
        Ok(outcome)
    }
}
