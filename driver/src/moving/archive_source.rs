//! An archive as the source of rows.

use std::io::Read;

use anyhow::{Result, anyhow, bail};
use bytes::Bytes;
use clone_archive::{Item, Reader};

use super::clone_rows::{Destination, Prepared, RowsRead, Source, prepare_import};
use super::copy_rows::RowCounter;
use super::files::Unpacking;
use super::staging::{Filling, Staging};
use crate::progress::{Count, Progress, Unit};

/// An archive whose manifest has been read.
pub struct ArchiveSource<R: Read> {
    archive: Reader<R>,
    files: Option<Unpacking>,
}

impl<R: Read> ArchiveSource<R> {
    /// A source from an archive whose manifest has been read. Its files are unpacked if `files` is given, else skipped.
    pub fn new(archive: Reader<R>, files: Option<Unpacking>) -> Self {
        Self { archive, files }
    }
}

/// A table that is being filled.
struct Current {
    number: usize,
    filling: Filling,
    rows: RowCounter,
}

impl<R: Read> Source for ArchiveSource<R> {
    async fn prepare(&mut self, to: &Destination<'_>) -> Result<Prepared> {
        prepare_import(self.archive.manifest(), to).await
    }

    async fn stage(
        &mut self,
        prepared: &Prepared,
        staging: &Staging<'_>,
        progress: &mut Progress,
    ) -> Result<RowsRead> {
        progress.phase("reading the archive");
        let expected: u64 = self
            .archive
            .manifest()
            .tables
            .iter()
            .filter_map(|table| table.expected_rows)
            .sum();
        let mut count = Count {
            estimated: true,
            ..Count::default()
        };
        let mut current: Option<Current> = None;
        let mut rows = vec![0; prepared.tables.len()];
        loop {
            let item = tokio::task::block_in_place(|| self.archive.next_item())?
                .ok_or_else(|| anyhow!("the archive has no end"))?;
            if !matches!(item, Item::Rows(..))
                && let Some(before) = current.take()
            {
                rows[before.number] = before.filling.finish().await?;
            }
            match item {
                Item::Rows(number, part) => {
                    let number = number as usize;
                    let part = Bytes::copy_from_slice(part);
                    if current.as_ref().is_none_or(|current| current.number != number) {
                        if let Some(before) = current.take() {
                            rows[before.number] = before.filling.finish().await?;
                        }
                        let table = &prepared.tables[number];
                        count.subject.clone_from(&table.relation);
                        current = Some(Current {
                            number,
                            filling: staging.fill(number, &table.columns).await?,
                            rows: RowCounter::default(),
                        });
                    }
                    if let Some(current) = &mut current {
                        current.rows.add(&part);
                        count.bytes += part.len() as u64;
                        count.done = rows.iter().sum::<u64>() + current.rows.rows();
                        current.filling.add(part).await?;
                    }
                    count.total = Some(expected.max(count.done)).filter(|_| expected > 0);
                    progress.count(Unit::Rows, &count);
                }
                Item::File(entry) => {
                    if let Some(files) = &mut self.files {
                        tokio::task::block_in_place(|| files.begin(entry))?;
                    }
                }
                Item::FileContent(part) => {
                    if let Some(files) = &mut self.files {
                        tokio::task::block_in_place(|| files.add(part))?;
                        progress.count(Unit::Files, &files.count());
                    }
                }
                Item::End(totals) => {
                    if !totals
                        .tables
                        .iter()
                        .map(|table| table.rows)
                        .eq(rows.iter().copied())
                    {
                        bail!("the number of rows in the archive differs from its totals");
                    }
                    if let Some(files) = &mut self.files {
                        tokio::task::block_in_place(|| files.end())?;
                    }
                    return Ok(RowsRead {
                        tables: prepared
                            .tables
                            .iter()
                            .map(|table| table.relation.clone())
                            .zip(rows)
                            .collect(),
                        bytes: count.bytes,
                    });
                }
            }
        }
    }

    async fn give_up(&self) {}

    fn into_files(self) -> Option<Unpacking> {
        self.files
    }
}
