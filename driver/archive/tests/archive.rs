//! Archives are read as they were written; changed archives are rejected.

#![allow(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

mod manifests;

use clone_archive::{ArchiveError, Column, FileEntry, Item, Manifest, Reader, Table, Totals, Writer};
use manifests::manifest_of;
use proptest::prelude::*;

fn manifest(tables: usize) -> Manifest {
    let tables: Vec<Table> = (0..tables)
        .map(|number| Table {
            name: format!("app.t{number}"),
            columns: vec![Column {
                name: "id".to_owned(),
                type_name: "uuid".to_owned(),
                not_null: true,
            }],
            expected_rows: None,
        })
        .collect();
    manifest_of(tables)
}

/// An archive of these rows by table and these files.
fn written(rows: &[Vec<u8>], files: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &manifest(rows.len())).unwrap();
    for (table, content) in rows.iter().enumerate() {
        let table = u32::try_from(table).unwrap();
        for part in content.chunks(1000) {
            writer.rows(table, part).unwrap();
        }
        writer.rows_written(table, 1);
    }
    for (number, content) in files.iter().enumerate() {
        let entry = FileEntry {
            key: format!("k{number}"),
            size: content.len() as u64,
            content_type: None,
        };
        writer.file(&entry).unwrap();
        writer.file_content(content).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

/// The contents of tables, or of files.
type Contents = Vec<Vec<u8>>;

/// Rows by table, files, totals.
fn read(bytes: &[u8]) -> Result<(Contents, Contents, Totals), ArchiveError> {
    let mut reader = Reader::new(bytes)?;
    let mut rows = vec![Vec::new(); reader.manifest().tables.len()];
    let mut files: Vec<Vec<u8>> = Vec::new();
    loop {
        match reader.next_item()? {
            Some(Item::Rows(table, part)) => rows[table as usize].extend_from_slice(part),
            Some(Item::File(_)) => files.push(Vec::new()),
            Some(Item::FileContent(part)) => files.last_mut().unwrap().extend_from_slice(part),
            Some(Item::End(totals)) => {
                assert_eq!(reader.next_item()?, None);
                return Ok((rows, files, totals));
            }
            None => panic!("no end"),
        }
    }
}

#[test]
fn blocks_larger_than_a_frame_come_back_whole() {
    let large: Vec<u8> = (0..3_500_000u32).map(|n| (n % 251) as u8).collect();
    let bytes = written(&[large.clone(), Vec::new()], std::slice::from_ref(&large));
    let (rows, files, totals) = read(&bytes).unwrap();
    assert_eq!(rows, [large.clone(), Vec::new()]);
    assert_eq!(files, [large]);
    assert_eq!((totals.files, totals.tables[0].bytes), (1, 3_500_000));
}

#[test]
fn every_shorter_archive_is_incomplete() {
    let bytes = written(&[vec![1; 300], vec![2; 300]], &[vec![3; 50]]);
    for length in 0..bytes.len() {
        match read(&bytes[..length]) {
            Err(ArchiveError::Truncated { .. } | ArchiveError::NotAnArchive) => {}
            other => panic!("{length} of {}: {other:?}", bytes.len()),
        }
    }
}

#[test]
fn every_changed_bit_is_found() {
    let bytes = written(&[vec![1; 300], vec![2; 300]], &[vec![3; 50]]);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(read(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn frames_that_change_places_or_follow_the_end_are_found() {
    let one = written(&[vec![1; 300], vec![2; 300]], &[]);
    let other = written(&[vec![1; 300], vec![9; 300]], &[]);
    assert_eq!(one.len(), other.len());
    // The beginning of one archive with the rest of another that has the same layout.
    let mut mixtures = 0;
    for cut in 0..one.len() {
        let mixed = [&one[..cut], &other[cut..]].concat();
        if mixed != one && mixed != other {
            assert!(read(&mixed).is_err(), "cut at {cut}");
            mixtures += 1;
        }
    }
    assert!(mixtures > 0);
    let mut longer = one.clone();
    longer.push(0);
    assert!(matches!(read(&longer), Err(ArchiveError::Damaged { .. })));
}

#[test]
fn another_version_is_named() {
    let mut bytes = written(&[vec![1]], &[]);
    bytes[9] = 7;
    assert_eq!(
        read(&bytes).unwrap_err().to_string(),
        "the archive has format version 7, and this program reads version 2"
    );
}

#[test]
fn a_frame_that_decompresses_to_more_than_it_says_is_refused_in_bounded_memory() {
    // A frame of one gigabyte of zeros, with a header and a checksum that fit it.
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
    let mut bytes = b"PGCLONE\n\x00\x02".to_vec();
    use sha2::{Digest, Sha256};
    let chain = Sha256::digest(&bytes);
    let mut fields = vec![b'M'];
    fields.extend_from_slice(&0u32.to_be_bytes());
    fields.extend_from_slice(&100u32.to_be_bytes());
    fields.extend_from_slice(&u32::try_from(bomb.len()).unwrap().to_be_bytes());
    let mut digest = Sha256::new();
    digest.update(chain);
    digest.update(&fields);
    digest.update(&bomb);
    bytes.extend_from_slice(&fields);
    bytes.extend_from_slice(&digest.finalize());
    bytes.extend_from_slice(&bomb);
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.starts_with("frame 0 of the archive is damaged"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_what_is_read(
        rows in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 1..5),
        files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..3),
    ) {
        let (read_rows, read_files, _) = read(&written(&rows, &files)).unwrap();
        prop_assert_eq!(read_rows, rows);
        prop_assert_eq!(read_files, files);
    }

    #[test]
    fn nothing_crashes_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes);
        let mut after_start = b"PGCLONE\n\x00\x02".to_vec();
        after_start.extend_from_slice(&bytes);
        let _ = read(&after_start);
    }
}
