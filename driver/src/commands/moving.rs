//! `pg_clone copy`, `pg_clone export`, `pg_clone import` and `pg_clone show FILE`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clone_archive::{Item, Manifest, Reader, Totals};
use serde_json::{Value, json};

use super::Context;
use crate::args::BlobPlaces;
use crate::args::moving::{CopyArgs, ExportArgs, ImportArgs};
use crate::cloning::report::RunReport;
use crate::connect::session::Session;
use crate::connect::{ProcessEnvironment, Target};
use crate::failure::{Committed, Outcome, UsageContext};
use crate::file_copying::{FileRequest, copy_files, print_summary, summary_json};
use crate::moving::{self, Destination, Export, Moved, Snapshot};
use crate::output::{bytes, thousands};

pub(super) async fn copy(context: &mut Context, args: &CopyArgs) -> Result<Outcome> {
    let request = args.new.request(&args.project)?;
    let resolve = |dsn: &str| Target::resolve_with(Some(dsn), &[], &ProcessEnvironment).or_usage();
    let from = resolve(&args.from).context("--from")?;
    let to = match &args.to {
        Some(dsn) => resolve(dsn).context("--to")?,
        None => context.target()?,
    };
    let session = context.session(&to).await?;
    let schema = session.extension_schema().await?;
    let source = Snapshot::open(&from, &context.interrupt, args.snapshot.as_deref()).await?;
    let interrupt = context.interrupt.clone();
    let destination = Destination {
        session: &session,
        schema: &schema,
        request: &request,
        interrupt: &interrupt,
    };
    let moved = moving::copy_project(&source, &destination, &mut context.progress).await?;
    drop(source);
    finish(context, &session, &to, moved, &args.blobs, args.blobs_later).await
}

pub(super) async fn export(context: &mut Context, args: &ExportArgs) -> Result<Outcome> {
    let target = context.target()?;
    let source = Snapshot::open(&target, &context.interrupt, args.snapshot.as_deref()).await?;
    let options = if args.full_history {
        json!({"history": "full"})
    } else {
        json!({})
    };
    let export = Export {
        project: &args.project,
        store: args.store.as_deref(),
        options: &options,
    };
    let interrupt = context.interrupt.clone();
    let totals = if args.file == "-" {
        let output = BufWriter::new(std::io::stdout().lock());
        moving::export_project(&source, &export, output, &interrupt, &mut context.progress).await?
    } else {
        let file = NewFile::create(Path::new(&args.file))?;
        let output = BufWriter::new(&file.file);
        let totals =
            moving::export_project(&source, &export, output, &interrupt, &mut context.progress).await?;
        file.keep()?;
        totals
    };
    let rows: u64 = totals.tables.iter().map(|table| table.rows).sum();
    if args.file != "-" {
        let size = std::fs::metadata(&args.file).map_or(0, |metadata| metadata.len());
        context.output.line(format!(
            "{} rows of project {} are in {} ({})",
            count(rows),
            args.project,
            args.file,
            bytes(i64::try_from(size).unwrap_or(i64::MAX))
        ));
        context
            .output
            .document(&json!({"project": args.project, "file": args.file, "rows": rows, "bytes": size}));
    }
    Ok(Outcome::Done)
}

pub(super) async fn import(context: &mut Context, args: &ImportArgs) -> Result<Outcome> {
    let mut archive = open(&args.file)?;
    let mut request = args.new.request(&archive.manifest().project.clone())?;
    request
        .store
        .get_or_insert_with(|| archive.manifest().store.clone());
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    let interrupt = context.interrupt.clone();
    let destination = Destination {
        session: &session,
        schema: &schema,
        request: &request,
        interrupt: &interrupt,
    };
    let moved = moving::import_archive(&mut archive, &destination, &mut context.progress).await?;
    finish(context, &session, &target, moved, &args.blobs, args.blobs_later).await
}

/// Shows what an archive says of itself, after a check of all its checksums.
pub(super) fn show(context: &mut Context, file: &str) -> Result<Outcome> {
    let mut archive = open(file)?;
    let manifest = archive.manifest().clone();
    let totals = loop {
        match archive
            .next_item()
            .with_context(|| format!("cannot read {file}"))?
        {
            Some(Item::End(totals)) => break totals,
            Some(_) => {}
            None => anyhow::bail!("{file} has no end"),
        }
    };
    print(context, &manifest, &totals);
    context
        .output
        .document(&json!({"manifest": manifest, "totals": totals}));
    Ok(Outcome::Done)
}

fn print(context: &mut Context, manifest: &Manifest, totals: &Totals) {
    let output = &mut context.output;
    output.line(format!(
        "Project {} of store {} (preset {}), exported {} by {}, PostgreSQL {}, pg_clone_ext {}",
        manifest.project,
        manifest.store,
        manifest.preset,
        manifest.created_at,
        manifest.created_by,
        manifest.server_version,
        manifest.extension_version.as_deref().unwrap_or("none")
    ));
    let rows = manifest
        .tables
        .iter()
        .zip(&totals.tables)
        .filter(|(_, counts)| counts.rows > 0);
    output.table(
        &["table", ">rows", ">size"],
        rows.map(|(table, counts)| {
            vec![
                table.name.clone(),
                count(counts.rows),
                bytes(i64::try_from(counts.bytes).unwrap_or(i64::MAX)),
            ]
        }),
    );
}

fn count(number: u64) -> String {
    thousands(i64::try_from(number).unwrap_or(i64::MAX))
}

fn open(file: &str) -> Result<Reader<Box<dyn Read>>> {
    let input: Box<dyn Read> = if file == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(BufReader::new(
            File::open(file).with_context(|| format!("cannot open {file}"))?,
        ))
    };
    Reader::new(input).with_context(|| format!("cannot read {file}"))
}

/// What follows the committed clone: its report, its files.
async fn finish(
    context: &mut Context,
    session: &Session,
    target: &Target,
    moved: Moved,
    places: &BlobPlaces,
    blobs_later: bool,
) -> Result<Outcome> {
    let mut result = json!({"project": moved.project, "run_id": moved.run, "rows_read": moved.rows, "bytes_read": moved.bytes});
    let outcome = report(context, session, target, &moved, places, blobs_later, &mut result).await;
    context.output.document(&result);
    outcome.map_err(|error| error.context(Committed { run: moved.run }))
}

async fn report(
    context: &mut Context,
    session: &Session,
    target: &Target,
    moved: &Moved,
    places: &BlobPlaces,
    blobs_later: bool,
    result: &mut Value,
) -> Result<Outcome> {
    let report = RunReport::read(session, moved.run).await?;
    report.print(&mut context.output);
    result["report"] = serde_json::to_value(&report)?;
    if blobs_later {
        report.print_blobs(&mut context.output);
        return Ok(Outcome::Done);
    }
    if report.unfinished_files() == 0 {
        return Ok(Outcome::Done);
    }
    let files = FileRequest {
        run: Some(moved.run),
        ..FileRequest::from_places(places, &context.allowed)?
    };
    let interrupt = context.interrupt.clone();
    let summary = copy_files(target, &files, &interrupt, &mut context.progress).await?;
    print_summary(&summary, &mut context.output);
    result["files"] = summary_json(&summary);
    Ok(if summary.is_complete() {
        Outcome::Done
    } else {
        Outcome::BlobsIncomplete
    })
}

/// A file that gets its name when it is complete.
struct NewFile {
    file: File,
    temporary: PathBuf,
    name: PathBuf,
    kept: bool,
}

impl NewFile {
    fn create(name: &Path) -> Result<Self> {
        let mut temporary = name.as_os_str().to_owned();
        temporary.push(format!(".{}.tmp", std::process::id()));
        let temporary = PathBuf::from(temporary);
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(&temporary)
            .with_context(|| format!("cannot create {}", temporary.display()))?;
        Ok(Self {
            file,
            temporary,
            name: name.to_owned(),
            kept: false,
        })
    }

    fn keep(mut self) -> Result<()> {
        self.file.flush()?;
        self.file.sync_all()?;
        std::fs::rename(&self.temporary, &self.name)
            .with_context(|| format!("cannot write {}", self.name.display()))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // What is incomplete is of no use; that it cannot be removed changes nothing.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
