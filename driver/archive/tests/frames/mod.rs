//! Splits and builds archives as `docs/moving.md` describes the format, without the crate.

use sha2::{Digest, Sha256};

const START: &[u8] = b"PGCLONE\n\x00\x02";

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub table: u32,
    pub raw: u32,
    pub digest: [u8; 32],
    pub stored: Vec<u8>,
}

impl Frame {
    /// A frame with this content and no digest yet.
    pub fn of(kind: u8, table: u32, content: &[u8]) -> Self {
        Frame {
            kind,
            table,
            raw: u32::try_from(content.len()).unwrap(),
            digest: [0; 32],
            stored: zstd::bulk::compress(content, 1).unwrap(),
        }
    }

    fn fields(&self) -> Vec<u8> {
        let mut fields = vec![self.kind];
        fields.extend_from_slice(&self.table.to_be_bytes());
        fields.extend_from_slice(&self.raw.to_be_bytes());
        fields.extend_from_slice(&u32::try_from(self.stored.len()).unwrap().to_be_bytes());
        fields
    }
}

/// The frames of an archive.
pub fn frames_of(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut rest = &bytes[START.len()..];
    while !rest.is_empty() {
        let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap());
        let length = usize::try_from(number(9)).unwrap();
        frames.push(Frame {
            kind: rest[0],
            table: number(1),
            raw: number(5),
            digest: rest[13..45].try_into().unwrap(),
            stored: rest[45..45 + length].to_vec(),
        });
        rest = &rest[45 + length..];
    }
    frames
}

/// The frames as an archive, with their digests unchanged.
pub fn archive_of(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = START.to_vec();
    for frame in frames {
        bytes.extend_from_slice(&frame.fields());
        bytes.extend_from_slice(&frame.digest);
        bytes.extend_from_slice(&frame.stored);
    }
    bytes
}

/// The frames as an archive, with correct digests.
pub fn sealed(frames: &[Frame]) -> Vec<u8> {
    let mut chain: [u8; 32] = Sha256::digest(START).into();
    let frames: Vec<Frame> = frames
        .iter()
        .map(|frame| {
            let mut digest = Sha256::new();
            digest.update(chain);
            digest.update(frame.fields());
            digest.update(&frame.stored);
            chain = digest.finalize().into();
            Frame {
                digest: chain,
                ..frame.clone()
            }
        })
        .collect();
    archive_of(&frames)
}
