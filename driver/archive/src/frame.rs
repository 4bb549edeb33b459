//! Layout and checksums of frames.

use std::io::{Read, Write};

use sha2::{Digest, Sha256};

use crate::ArchiveError;

/// The first bytes of every archive.
pub const MAGIC: [u8; 8] = *b"PGCLONE\n";
/// The version of the format that this crate writes and reads.
pub const FORMAT_VERSION: u16 = 2;
/// Maximum payload of a frame in bytes, compressed, not compressed, or as rows; it limits the memory of a reader.
pub const MAX_FRAME_BYTES: usize = 4 << 20;

const HEADER_BYTES: usize = 45;
const DIGEST_BYTES: usize = 32;

/// Kind of a frame's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A part of the manifest (JSON).
    Manifest,
    /// A part of a table's rows in COPY's binary format.
    Rows,
    /// A part of a table's rows, stored by column.
    Columns,
    /// Key, size and content type of a file, as JSON.
    File,
    /// A part of the file's content.
    FileContent,
    /// The totals, as JSON; the last frame.
    End,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Kind::Manifest => b'M',
            Kind::Rows => b'R',
            Kind::Columns => b'T',
            Kind::File => b'F',
            Kind::FileContent => b'C',
            Kind::End => b'E',
        }
    }

    fn of(code: u8) -> Option<Self> {
        [
            Kind::Manifest,
            Kind::Rows,
            Kind::Columns,
            Kind::File,
            Kind::FileContent,
            Kind::End,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
    }
}

/// A frame without its payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Number of the table of the rows; 0 in other frames.
    pub(crate) table: u32,
    /// Size of the uncompressed payload in bytes.
    pub(crate) raw: u32,
    /// Size of the payload in the archive in bytes.
    pub(crate) stored: u32,
}

/// The digest of the previous frame; with it the checksum covers the order of frames.
pub(crate) struct Chain([u8; DIGEST_BYTES]);

impl Chain {
    pub(crate) fn new() -> Self {
        let mut digest = Sha256::new();
        digest.update(MAGIC);
        digest.update(FORMAT_VERSION.to_be_bytes());
        Chain(digest.finalize().into())
    }

    fn next(&self, header: &Header, payload: &[u8]) -> [u8; DIGEST_BYTES] {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update(fields(header));
        digest.update(payload);
        digest.finalize().into()
    }
}

fn fields(header: &Header) -> [u8; HEADER_BYTES - DIGEST_BYTES] {
    let mut bytes = [0; HEADER_BYTES - DIGEST_BYTES];
    bytes[0] = header.kind.code();
    bytes[1..5].copy_from_slice(&header.table.to_be_bytes());
    bytes[5..9].copy_from_slice(&header.raw.to_be_bytes());
    bytes[9..13].copy_from_slice(&header.stored.to_be_bytes());
    bytes
}

/// Writes a frame.
pub(crate) fn write(
    output: &mut impl Write,
    chain: &mut Chain,
    header: &Header,
    payload: &[u8],
) -> Result<(), ArchiveError> {
    let digest = chain.next(header, payload);
    output.write_all(&fields(header))?;
    output.write_all(&digest)?;
    output.write_all(payload)?;
    chain.0 = digest;
    Ok(())
}

/// Reads the next frame into `payload`; `frame` is its number, for errors.
pub(crate) fn read(
    input: &mut impl Read,
    chain: &mut Chain,
    frame: u64,
    payload: &mut Vec<u8>,
) -> Result<Header, ArchiveError> {
    let damaged = |what: &str| ArchiveError::Damaged {
        frame,
        what: what.to_owned(),
    };
    let mut bytes = [0; HEADER_BYTES];
    exactly(input, &mut bytes, frame)?;
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let header = Header {
        kind: Kind::of(bytes[0]).ok_or_else(|| damaged("its kind is unknown"))?,
        table: number(1),
        raw: number(5),
        stored: number(9),
    };
    if header.raw as usize > MAX_FRAME_BYTES || header.stored as usize > MAX_FRAME_BYTES {
        return Err(damaged("it is larger than frames may be"));
    }
    payload.clear();
    payload.resize(header.stored as usize, 0);
    exactly(input, payload, frame)?;
    let digest = chain.next(&header, payload);
    if digest != bytes[HEADER_BYTES - DIGEST_BYTES..] {
        return Err(damaged("its checksum is wrong"));
    }
    chain.0 = digest;
    Ok(header)
}

/// Fills the buffer; the end of the input is [`ArchiveError::Truncated`].
pub(crate) fn exactly(input: &mut impl Read, buffer: &mut [u8], frame: u64) -> Result<(), ArchiveError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ArchiveError::Truncated { frame },
        _ => error.into(),
    })
}
