//! Writing an archive.

use std::io::Write;

use crate::frame::{self, Chain, FORMAT_VERSION, Header, Kind, MAGIC};
use crate::{ArchiveError, FileEntry, Manifest, TableTotals, Totals};

/// Bytes that are compressed together. One MiB compresses as well as more (zstd's window at level 3 is 2 MiB), and a reader
/// needs no more memory than two of them.
const BLOCK_BYTES: usize = 1 << 20;
const LEVEL: i32 = 3;

/// Writes an archive to a stream. Memory is bounded by two blocks.
pub struct Writer<W: Write> {
    output: W,
    chain: Chain,
    block: Vec<u8>,
    kind: Kind,
    table: u32,
    totals: Totals,
}

impl<W: Write> Writer<W> {
    /// Begins an archive with its manifest.
    ///
    /// # Errors
    /// Those of the output; [`ArchiveError::ManifestTooLarge`].
    pub fn new(mut output: W, manifest: &Manifest) -> Result<Self, ArchiveError> {
        let text = json(manifest)?;
        if !Manifest::may_be_read(&text) {
            return Err(ArchiveError::ManifestTooLarge);
        }
        output.write_all(&MAGIC)?;
        output.write_all(&FORMAT_VERSION.to_be_bytes())?;
        let mut writer = Writer {
            output,
            chain: Chain::new(),
            block: Vec::with_capacity(BLOCK_BYTES),
            kind: Kind::Manifest,
            table: 0,
            totals: Totals {
                tables: vec![TableTotals::default(); manifest.tables.len()],
                ..Totals::default()
            },
        };
        writer.add(&text)?;
        writer.flush_block()?;
        Ok(writer)
    }

    /// Adds bytes of a table's rows, in COPY's binary form. Tables come in the manifest's order.
    ///
    /// # Errors
    /// Those of the output; [`ArchiveError::Damaged`] when the order is not kept.
    pub fn rows(&mut self, table: u32, bytes: &[u8]) -> Result<(), ArchiveError> {
        let known = (table as usize) < self.totals.tables.len();
        let in_order = match self.kind {
            Kind::Manifest => true,
            Kind::Rows => table >= self.table,
            Kind::File | Kind::FileContent | Kind::End => false,
        };
        if !known || !in_order {
            return Err(ArchiveError::Damaged {
                frame: 0,
                what: format!("the rows of table {table} are written out of order"),
            });
        }
        self.switch(Kind::Rows, table)?;
        self.totals.tables[table as usize].bytes += bytes.len() as u64;
        self.add(bytes)
    }

    /// Says how many rows a table has.
    pub fn rows_written(&mut self, table: u32, rows: u64) {
        if let Some(totals) = self.totals.tables.get_mut(table as usize) {
            totals.rows = rows;
        }
    }

    /// Begins a file; its content follows by [`Writer::file_content`].
    ///
    /// # Errors
    /// Those of the output.
    pub fn file(&mut self, entry: &FileEntry) -> Result<(), ArchiveError> {
        self.flush_block()?;
        self.kind = Kind::File;
        self.table = 0;
        self.add(&json(entry)?)?;
        self.flush_block()?;
        self.kind = Kind::FileContent;
        self.totals.files += 1;
        Ok(())
    }

    /// Adds bytes of the file that was begun last.
    ///
    /// # Errors
    /// Those of the output.
    pub fn file_content(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.totals.file_bytes += bytes.len() as u64;
        self.add(bytes)
    }

    /// Ends the archive and returns what was written.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> Result<Totals, ArchiveError> {
        self.flush_block()?;
        self.kind = Kind::End;
        self.table = 0;
        let totals = json(&self.totals)?;
        self.add(&totals)?;
        self.flush_block()?;
        self.output.flush()?;
        Ok(self.totals)
    }

    fn switch(&mut self, kind: Kind, table: u32) -> Result<(), ArchiveError> {
        if (self.kind, self.table) != (kind, table) {
            self.flush_block()?;
            (self.kind, self.table) = (kind, table);
        }
        Ok(())
    }

    fn add(&mut self, mut bytes: &[u8]) -> Result<(), ArchiveError> {
        while !bytes.is_empty() {
            let room = BLOCK_BYTES - self.block.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK_BYTES {
                self.flush_block()?;
            }
        }
        Ok(())
    }

    fn flush_block(&mut self) -> Result<(), ArchiveError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let stored = zstd::bulk::compress(&self.block, LEVEL)?;
        let length = |bytes: &[u8]| {
            u32::try_from(bytes.len()).map_err(|_| ArchiveError::Damaged {
                frame: 0,
                what: "a block is too large".to_owned(),
            })
        };
        let header = Header {
            kind: self.kind,
            table: self.table,
            raw: length(&self.block)?,
            stored: length(&stored)?,
        };
        frame::write(&mut self.output, &mut self.chain, &header, &stored)?;
        self.block.clear();
        Ok(())
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, ArchiveError> {
    serde_json::to_vec(value).map_err(|error| ArchiveError::Io(error.into()))
}
