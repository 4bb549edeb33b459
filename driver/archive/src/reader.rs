//! Reading an archive.

use std::io::Read;

use serde::de::DeserializeOwned;

use crate::columns;
use crate::frame::{self, Chain, FORMAT_VERSION, Header, Kind, MAGIC, MAX_FRAME_BYTES};
use crate::{ArchiveError, FileEntry, Manifest, TableTotals, Totals};

/// The next part of an archive.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'r> {
    /// Bytes of a table's rows, in COPY's binary format: its number in the manifest, the bytes.
    Rows(u32, &'r [u8]),
    /// A file begins.
    File(FileEntry),
    /// Bytes of that file.
    FileContent(&'r [u8]),
    /// The end, with the totals.
    End(Totals),
}

/// Reads an archive from a stream, frame by frame. Memory is bounded by the manifest and five frames.
pub struct Reader<R: Read> {
    input: R,
    chain: Chain,
    frames: u64,
    stored: Vec<u8>,
    raw: Vec<u8>,
    /// The rows of a frame of columns.
    rows: Vec<u8>,
    manifest: Manifest,
    /// The next frame, whose header was read with the manifest.
    pending: Option<Header>,
    seen: Totals,
    last_table: u32,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the manifest.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn new(mut input: R) -> Result<Self, ArchiveError> {
        let mut start = [0; MAGIC.len() + 2];
        frame::exactly(&mut input, &mut start, 0).map_err(|error| match error {
            ArchiveError::Truncated { .. } => ArchiveError::NotAnArchive,
            other => other,
        })?;
        if start[..MAGIC.len()] != MAGIC {
            return Err(ArchiveError::NotAnArchive);
        }
        let found = u16::from_be_bytes([start[MAGIC.len()], start[MAGIC.len() + 1]]);
        if found != FORMAT_VERSION {
            return Err(ArchiveError::Version {
                found,
                known: FORMAT_VERSION,
            });
        }
        let mut reader = Reader {
            input,
            chain: Chain::new(),
            frames: 0,
            stored: Vec::new(),
            raw: Vec::new(),
            rows: Vec::new(),
            manifest: Manifest::default(),
            pending: None,
            seen: Totals::default(),
            last_table: 0,
            ended: false,
        };
        reader.read_manifest()?;
        Ok(reader)
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The next part; `None` after the end.
    ///
    /// # Errors
    /// [`ArchiveError`]: the caller must stop reading and discard what it has read.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, ArchiveError> {
        if self.ended {
            return Ok(None);
        }
        let header = match self.pending.take() {
            Some(header) => header,
            None => self.read_frame()?,
        };
        match header.kind {
            Kind::Rows => {
                self.take_rows(header.table, self.raw.len())?;
                Ok(Some(Item::Rows(header.table, &self.raw)))
            }
            Kind::Columns => {
                if columns::rows_of(&self.raw, MAX_FRAME_BYTES, &mut self.rows).is_none() {
                    return Err(self.damaged("its columns are not those of rows"));
                }
                self.take_rows(header.table, self.rows.len())?;
                Ok(Some(Item::Rows(header.table, &self.rows)))
            }
            Kind::File => {
                self.seen.files += 1;
                let entry = self.parse()?;
                Ok(Some(Item::File(entry)))
            }
            Kind::FileContent => {
                if self.seen.files == 0 {
                    return Err(self.damaged("the content of a file comes before the file"));
                }
                self.seen.file_bytes += self.raw.len() as u64;
                Ok(Some(Item::FileContent(&self.raw)))
            }
            Kind::End => {
                let totals = self.check_end()?;
                self.ended = true;
                Ok(Some(Item::End(totals)))
            }
            Kind::Manifest => Err(self.damaged("a manifest is not the first frame")),
        }
    }

    fn read_manifest(&mut self) -> Result<(), ArchiveError> {
        let mut text = Vec::new();
        loop {
            let header = self.read_frame()?;
            if header.kind != Kind::Manifest {
                self.pending = Some(header);
                break;
            }
            text.extend_from_slice(&self.raw);
            if !Manifest::may_be_read(&text) {
                return Err(self.damaged("the manifest is too large"));
            }
        }
        self.manifest = serde_json::from_slice(&text)
            .map_err(|error| self.damaged(&format!("the manifest cannot be read: {error}")))?;
        if self.manifest.fingerprint != Manifest::fingerprint_of(&self.manifest.tables) {
            return Err(self.damaged("the manifest's fingerprint does not fit its tables"));
        }
        self.seen.tables = vec![TableTotals::default(); self.manifest.tables.len()];
        Ok(())
    }

    fn read_frame(&mut self) -> Result<Header, ArchiveError> {
        let header = frame::read(&mut self.input, &mut self.chain, self.frames, &mut self.stored)?;
        self.raw.clear();
        // One byte more than the header says: a larger payload is detected without more memory.
        self.raw.reserve_exact(header.raw as usize + 1);
        let decompressed = zstd::bulk::Decompressor::new()?.decompress_to_buffer(&self.stored, &mut self.raw);
        match decompressed {
            Ok(bytes) if bytes == header.raw as usize => {}
            Ok(_) => return Err(self.damaged("its size is not the one in its header")),
            Err(error) => return Err(self.damaged(&format!("it cannot be decompressed: {error}"))),
        }
        self.frames += 1;
        Ok(header)
    }

    fn take_rows(&mut self, table: u32, bytes: usize) -> Result<(), ArchiveError> {
        if table < self.last_table || self.seen.files > 0 {
            return Err(self.damaged("the rows of a table are out of order"));
        }
        let Some(totals) = self.seen.tables.get_mut(table as usize) else {
            return Err(self.damaged("the manifest has no such table"));
        };
        totals.bytes += bytes as u64;
        self.last_table = table;
        Ok(())
    }

    fn check_end(&mut self) -> Result<Totals, ArchiveError> {
        let totals: Totals = self.parse()?;
        let bytes = |totals: &Totals| totals.tables.iter().map(|table| table.bytes).collect::<Vec<_>>();
        if bytes(&totals) != bytes(&self.seen)
            || (totals.files, totals.file_bytes) != (self.seen.files, self.seen.file_bytes)
        {
            return Err(self.damaged("the totals are not those of the archive"));
        }
        let mut beyond = [0];
        if self.input.read(&mut beyond)? != 0 {
            return Err(self.damaged("something follows the end"));
        }
        Ok(totals)
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, ArchiveError> {
        serde_json::from_slice(&self.raw).map_err(|error| self.damaged(&error.to_string()))
    }

    fn damaged(&self, what: &str) -> ArchiveError {
        ArchiveError::Damaged {
            frame: self.frames.saturating_sub(1),
            what: what.to_owned(),
        }
    }
}
