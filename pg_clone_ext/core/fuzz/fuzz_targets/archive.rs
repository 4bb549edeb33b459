//! Archives: any bytes are refused or read within bounded memory. Bytes as they are, and as frames whose checksums fit, so that what lies behind
//! the checksums is reached too.
#![no_main]

use clone_archive::{Item, MAX_FRAME_BYTES, Reader};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const START: &[u8] = b"PGCLONE\n\x00\x02";

fn read(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes) else {
        return;
    };
    let tables = reader.manifest().tables.len();
    let mut last = 0;
    while let Ok(Some(item)) = reader.next_item() {
        match item {
            Item::Rows(table, part) => {
                assert!((table as usize) < tables && table >= last && part.len() <= MAX_FRAME_BYTES);
                last = table;
            }
            Item::FileContent(part) => assert!(part.len() <= MAX_FRAME_BYTES),
            Item::File(_) => {}
            Item::End(totals) => assert_eq!(totals.tables.len(), tables),
        }
    }
}

/// Frames from the input: kind, table, how the size is wrong, length, content; with checksums that fit.
fn sealed(mut input: &[u8]) -> Vec<u8> {
    let mut bytes = START.to_vec();
    let mut chain: [u8; 32] = Sha256::digest(START).into();
    while let Some((&[kind, table, wrong, low, high], rest)) = input.split_first_chunk::<5>() {
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        input = rest;
        // Odd: the content stands for a compressed one, damaged or not.
        let stored = if wrong & 1 == 1 {
            content.to_vec()
        } else {
            zstd::bulk::compress(content, 1).unwrap_or_default()
        };
        let raw = (content.len() as u32).wrapping_add(u32::from(wrong >> 1).wrapping_mul(4_000_037));
        let mut fields = vec![kind];
        fields.extend_from_slice(&u32::from(table).to_be_bytes());
        fields.extend_from_slice(&raw.to_be_bytes());
        fields.extend_from_slice(&(stored.len() as u32).to_be_bytes());
        let mut digest = Sha256::new();
        digest.update(chain);
        digest.update(&fields);
        digest.update(&stored);
        chain = digest.finalize().into();
        bytes.extend_from_slice(&fields);
        bytes.extend_from_slice(&chain);
        bytes.extend_from_slice(&stored);
    }
    bytes
}

fuzz_target!(|input: &[u8]| {
    read(input);
    read(&sealed(input));
});
