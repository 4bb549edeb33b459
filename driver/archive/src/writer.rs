//! Writing an archive.

use std::io::Write;

use zstd::bulk::Compressor;

use crate::columns::{self, Places, RowEnds, Stretch};
use crate::frame::{self, Chain, FORMAT_VERSION, Header, Kind, MAGIC, MAX_FRAME_BYTES};
use crate::{ArchiveError, FileEntry, Manifest, TableTotals, Totals};

/// Bytes that are compressed together. As columns they may take a little more, and must still fit into a frame.
const BLOCK_BYTES: usize = MAX_FRAME_BYTES - (64 << 10);
const LEVEL: i32 = 3;
/// The level at which forms of columns are compared.
const TRIAL_LEVEL: i32 = 1;

/// Writes an archive to a stream. Memory is bounded by five blocks.
pub struct Writer<W: Write> {
    output: W,
    chain: Chain,
    block: Vec<u8>,
    /// Where rows end in the table that is being written, and where in the block the first and the last one may begin.
    ends: RowEnds,
    places: Places,
    columns: Vec<u8>,
    /// The compressed block.
    stored: Vec<u8>,
    compressor: Compressor<'static>,
    trial: Compressor<'static>,
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
            // Buffers of their final size: those that grew step by step left free pieces behind, and an export beside busy processes took 69 MB instead of 61.
            block: Vec::with_capacity(BLOCK_BYTES),
            ends: RowEnds::new(),
            places: None,
            columns: Vec::with_capacity(MAX_FRAME_BYTES),
            stored: Vec::with_capacity(zstd::zstd_safe::compress_bound(MAX_FRAME_BYTES)),
            compressor: Compressor::new(LEVEL)?,
            trial: Compressor::new(TRIAL_LEVEL)?,
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

    /// Adds bytes of a table's rows, in COPY's binary format. Tables must come in the manifest's order.
    ///
    /// # Errors
    /// Those of the output; [`ArchiveError::Damaged`] for a table out of order.
    pub fn rows(&mut self, table: u32, bytes: &[u8]) -> Result<(), ArchiveError> {
        let known = (table as usize) < self.totals.tables.len();
        let in_order = match self.kind {
            Kind::Manifest => true,
            Kind::Rows | Kind::Columns => table >= self.table,
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

    /// Sets the number of rows of a table.
    pub fn rows_written(&mut self, table: u32, rows: u64) {
        if let Some(totals) = self.totals.tables.get_mut(table as usize) {
            totals.rows = rows;
        }
    }

    /// Begins a file; [`Writer::file_content`] adds its content.
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

    /// Ends the archive and returns its totals.
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
            self.ends = RowEnds::new();
        }
        Ok(())
    }

    fn add(&mut self, mut bytes: &[u8]) -> Result<(), ArchiveError> {
        while !bytes.is_empty() {
            let room = BLOCK_BYTES - self.block.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            if self.kind == Kind::Rows {
                self.note_ends(now);
            }
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK_BYTES {
                self.make_room()?;
            }
        }
        Ok(())
    }

    fn note_ends(&mut self, coming: &[u8]) {
        if let Some((first, last)) = self.ends.pass(coming) {
            let begin = self.block.len();
            let first = self.places.map_or(begin + first, |(known, _)| known);
            self.places = Some((first, begin + last));
        }
    }

    /// Writes the complete rows of a full block, or else all of it.
    fn make_room(&mut self) -> Result<(), ArchiveError> {
        let Some((first, last)) = self.places.filter(|(first, last)| first < last) else {
            return self.flush_block();
        };
        let block = std::mem::take(&mut self.block);
        let stretch = Stretch {
            before: &block[..first],
            rows: &block[first..last],
            after: &[],
        };
        let written = self.write_rows(&block[..last], &stretch);
        self.block = block;
        self.block.drain(..last);
        self.places = Some((0, 0));
        written
    }

    fn flush_block(&mut self) -> Result<(), ArchiveError> {
        let block = std::mem::take(&mut self.block);
        let written = match self.places.take() {
            _ if block.is_empty() => Ok(()),
            Some((first, last)) if first < last => {
                let stretch = Stretch {
                    before: &block[..first],
                    rows: &block[first..last],
                    after: &block[last..],
                };
                self.write_rows(&block, &stretch)
            }
            _ => self.write_frame(self.kind, &block),
        };
        self.block = block;
        self.block.clear();
        written
    }

    /// Writes rows by column, or unchanged.
    fn write_rows(&mut self, bytes: &[u8], stretch: &Stretch<'_>) -> Result<(), ArchiveError> {
        let mut columns = std::mem::take(&mut self.columns);
        columns.clear();
        let transposed = columns::columns_of(stretch, &mut self.trial, &mut columns);
        let written = match transposed {
            Some(()) if columns.len() <= MAX_FRAME_BYTES => self.write_frame(Kind::Columns, &columns),
            _ => self.write_frame(Kind::Rows, bytes),
        };
        self.columns = columns;
        written
    }

    fn write_frame(&mut self, kind: Kind, payload: &[u8]) -> Result<(), ArchiveError> {
        self.stored.clear();
        self.stored
            .reserve(zstd::zstd_safe::compress_bound(payload.len()));
        self.compressor.compress_to_buffer(payload, &mut self.stored)?;
        let length = |bytes: &[u8]| {
            u32::try_from(bytes.len()).map_err(|_| ArchiveError::Damaged {
                frame: 0,
                what: "a block is too large".to_owned(),
            })
        };
        let header = Header {
            kind,
            table: self.table,
            raw: length(payload)?,
            stored: length(&self.stored)?,
        };
        frame::write(&mut self.output, &mut self.chain, &header, &self.stored)
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, ArchiveError> {
    serde_json::to_vec(value).map_err(|error| ArchiveError::Io(error.into()))
}
