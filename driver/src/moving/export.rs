//! Writes a project into an archive.

use std::io::Write;

use anyhow::{Context as _, Result};
use clone_archive::{FileEntry, Manifest, Totals, Writer};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::copy_rows::RowCounter;
use super::source::Snapshot;
use super::tables::TableRows;
use super::{shared_rows, tables};
use crate::blobs::{AllowedLocations, EachFile, FilesOfProject, Location};
use crate::failure::Hinted;
use crate::interrupt::Interrupt;
use crate::progress::{Count, Progress, Unit};

/// Parameters of an export.
pub struct Export<'e> {
    /// Id of the project.
    pub project: &'e str,
    /// The store that holds it; needed if several stores have a project with this id.
    pub store: Option<&'e str>,
    /// Options of `project_clone` that select rows.
    pub options: &'e Value,
    /// If given, the project's files are exported too.
    pub files: Option<ExportFiles<'e>>,
}

/// Location of the files of an export.
pub struct ExportFiles<'e> {
    /// Location of the files, if not the one in the store's options.
    pub from: Option<Location>,
    /// Locations that the database may name.
    pub allowed: &'e AllowedLocations,
}

/// Writes a project to `output`: its rows, and its files if requested. Memory does not depend on the size.
///
/// # Errors
/// Those of the server and of the output; the project does not exist. A reader detects that the archive is incomplete.
pub async fn export_project(
    source: &Snapshot,
    export: &Export<'_>,
    output: impl Write,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<Totals> {
    let work = async {
        let session = source.session();
        let tables = tables::tables_of_project(session, export.project, export.store, export.options).await?;
        let expected = source.expected_rows(&tables).await?;
        let manifest = manifest(source, export, &tables, &expected).await?;
        let mut writer = Writer::new(output, &manifest)?;
        progress.phase("exporting");
        write_rows(source, &tables, &expected, &mut writer, progress).await?;
        if let Some(files) = &export.files {
            let files = FilesOfProject {
                project: export.project,
                store: &manifest.store,
                all_versions: export
                    .options
                    .get("history")
                    .is_some_and(|history| history == "full"),
                from: files.from.as_ref(),
                allowed: files.allowed,
            };
            progress.phase("exporting files");
            let mut sink = IntoArchive {
                writer: &mut writer,
                progress,
                count: Count::default(),
            };
            files.each(session.client(), &mut sink).await?;
        }
        Ok(tokio::task::block_in_place(|| writer.finish())?)
    };
    let totals = interrupt.or(work).await;
    progress.finish();
    totals.with_context(|| format!("cannot export the project {:?}", export.project))
}

async fn manifest(
    source: &Snapshot,
    export: &Export<'_>,
    tables: &[TableRows],
    expected: &[u64],
) -> Result<Manifest> {
    let session = source.session();
    let relations: Vec<String> = tables.iter().map(|table| table.relation.clone()).collect();
    let known = tables::on_server(session, &relations).await?;
    let mut described = tables::described(tables, &known);
    for (table, expected) in described.iter_mut().zip(expected) {
        table.expected_rows = Some(*expected);
    }
    let keys = shared_rows::keys(session, tables).await?;
    let shared = shared_rows::read(session, tables, &keys).await?;
    let origin = session
        .query_one(include_str!("sql/origin.sql"), &[&export.store])
        .await
        .context("cannot tell which store holds the project")?;
    Ok(Manifest {
        created_at: origin.try_get(0)?,
        created_by: origin.try_get(1)?,
        server_version: origin.try_get(2)?,
        extension_version: origin.try_get(3)?,
        store: origin.try_get(4)?,
        preset: origin.try_get(5)?,
        blobs: origin.try_get(6)?,
        project: export.project.to_owned(),
        fingerprint: Manifest::fingerprint_of(&described),
        tables: described,
        with_files: export.files.is_some(),
        shared,
    })
}

async fn write_rows(
    source: &Snapshot,
    tables: &[TableRows],
    expected: &[u64],
    writer: &mut Writer<impl Write>,
    progress: &mut Progress,
) -> Result<()> {
    let mut count = Count {
        estimated: true,
        ..Count::default()
    };
    let mut done = 0;
    for (number, table) in (0u32..).zip(tables) {
        let mut stream = source.rows(table).await?;
        count.subject.clone_from(&table.relation);
        let later: u64 = expected[number as usize..].iter().sum();
        let mut copied = RowCounter::default();
        while let Some(part) = stream
            .try_next()
            .await
            .with_context(|| format!("cannot read {}", table.relation))?
        {
            copied.add(&part);
            count.bytes += part.len() as u64;
            tokio::task::block_in_place(|| writer.rows(number, &part))?;
            count.done = done + copied.rows();
            count.total = Some(count.done.max(done + later));
            progress.count(Unit::Rows, &count);
        }
        writer.rows_written(number, copied.rows());
        done += copied.rows();
    }
    if done == 0 {
        return Err(Hinted::new(
            "the project does not exist",
            "Check the id, and name the store with --store where there are several.",
        )
        .into());
    }
    Ok(())
}

/// Writes files into an archive.
struct IntoArchive<'a, W: Write> {
    writer: &'a mut Writer<W>,
    progress: &'a mut Progress,
    count: Count,
}

impl<W: Write> EachFile for IntoArchive<'_, W> {
    fn begin(&mut self, key: &str, size: u64, content_type: Option<&str>) -> Result<()> {
        self.count.done += 1;
        key.clone_into(&mut self.count.subject);
        Ok(self.writer.file(&FileEntry {
            key: key.to_owned(),
            size,
            content_type: content_type.map(str::to_owned),
        })?)
    }

    fn content(&mut self, bytes: &[u8]) -> Result<()> {
        self.count.bytes += bytes.len() as u64;
        self.progress.count(Unit::Files, &self.count);
        Ok(self.writer.file_content(bytes)?)
    }
}
