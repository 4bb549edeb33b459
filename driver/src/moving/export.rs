//! A project into an archive.

use std::io::Write;

use anyhow::{Context as _, Result};
use clone_archive::{Manifest, Totals, Writer};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::source::Snapshot;
use super::{shared_rows, tables};
use crate::failure::Hinted;
use crate::interrupt::Interrupt;
use crate::progress::{Count, Progress, Unit};

/// What is exported.
pub struct Export<'e> {
    /// Id of the project.
    pub project: &'e str,
    /// The store that holds it, where there are several.
    pub store: Option<&'e str>,
    /// Options of `project_clone` that say which rows are read.
    pub options: &'e Value,
}

/// Writes the rows of a project to `output`. Memory is bounded whatever the size.
///
/// # Errors
/// Those of the server and of the output; a project that is not there. What was written is not complete then, and a reader sees that.
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
        let relations: Vec<String> = tables.iter().map(|table| table.relation.clone()).collect();
        let columns = tables::columns(session, &relations).await?;
        let described = tables::described(&tables, &columns);
        let keys = shared_rows::keys(session, &tables).await?;
        let shared = shared_rows::read(session, &tables, &keys).await?;
        let origin = session
            .query_one(include_str!("sql/origin.sql"), &[&export.store])
            .await
            .context("cannot tell which store holds the project")?;
        let manifest = Manifest {
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
            with_files: false,
            shared,
        };
        let mut writer = Writer::new(output, &manifest)?;
        progress.phase("exporting");
        let mut count = Count::default();
        for (number, table) in (0u32..).zip(&tables) {
            let mut stream = source.rows(table).await?;
            count.subject.clone_from(&table.relation);
            let mut copied = RowCounter::default();
            while let Some(part) = stream
                .try_next()
                .await
                .with_context(|| format!("cannot read {}", table.relation))?
            {
                copied.add(&part);
                count.bytes += part.len() as u64;
                tokio::task::block_in_place(|| writer.rows(number, &part))?;
                count.done += copied.take();
                progress.count(Unit::Rows, &count);
            }
            writer.rows_written(number, copied.rows);
        }
        if count.done == 0 {
            return Err(Hinted::new(
                format!("project {:?} does not exist", export.project),
                "Check the id, and name the store with --store where there are several.",
            )
            .into());
        }
        Ok(tokio::task::block_in_place(|| writer.finish())?)
    };
    let totals = interrupt.or(work).await;
    progress.finish();
    totals.with_context(|| format!("cannot export the project {:?}", export.project))
}

/// Counts the rows in COPY's binary form. The server sends each row as one message, which the client library hands on as it is: the first comes with
/// the header, the last is the trailer alone.
#[derive(Default)]
struct RowCounter {
    rows: u64,
    taken: u64,
    begun: bool,
}

impl RowCounter {
    /// Bytes before the first row: signature, flags, length of the extension.
    const HEADER_BYTES: usize = 19;

    fn add(&mut self, part: &[u8]) {
        let rest = if self.begun {
            part
        } else {
            part.get(Self::HEADER_BYTES..).unwrap_or_default()
        };
        self.begun = true;
        // A row begins with the number of its columns; the trailer with -1.
        if rest.len() >= 2 && rest[..2] != [0xff, 0xff] {
            self.rows += 1;
        }
    }

    fn take(&mut self) -> u64 {
        let new = self.rows - self.taken;
        self.taken = self.rows;
        new
    }
}
