//! Malicious archives: they are rejected, with limited memory and without a panic.

#![allow(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

mod frames;
mod manifests;

use clone_archive::{ArchiveError, FileEntry, Item, Manifest, Reader, Table, Writer};
use frames::{Frame, archive_of, frames_of, sealed};
use manifests::manifest_of;
use proptest::prelude::*;

fn manifest() -> Manifest {
    let tables = vec![
        Table {
            name: "app.a".to_owned(),
            columns: Vec::new(),
            expected_rows: None,
        },
        Table {
            name: "app.b".to_owned(),
            columns: Vec::new(),
            expected_rows: Some(3),
        },
    ];
    manifest_of(tables)
}

fn honest() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &manifest()).unwrap();
    for table in 0..2 {
        writer
            .rows(table, &vec![u8::try_from(table).unwrap(); 20_000])
            .unwrap();
        writer.rows_written(table, 1);
    }
    for key in ["x", "y"] {
        let entry = FileEntry {
            key: key.to_owned(),
            size: 10,
            content_type: None,
        };
        writer.file(&entry).unwrap();
        writer.file_content(b"0123456789").unwrap();
    }
    writer.finish().unwrap();
    bytes
}

/// Reads a whole archive; returns the number of bytes of rows and files.
fn read(bytes: &[u8]) -> Result<u64, ArchiveError> {
    let mut reader = Reader::new(bytes)?;
    let mut size = 0;
    while let Some(item) = reader.next_item()? {
        match item {
            Item::Rows(_, part) | Item::FileContent(part) => size += part.len() as u64,
            Item::File(_) | Item::End(_) => {}
        }
    }
    Ok(size)
}

/// Changes of an archive by an attacker who computes the digests again.
#[derive(Debug, Clone)]
enum Change {
    Drop(usize),
    Repeat(usize),
    Swap(usize, usize),
    Kind(usize, u8),
    Table(usize, u32),
    Raw(usize, u32),
    Stored(usize, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0usize..16;
    prop_oneof![
        at.clone().prop_map(Change::Drop),
        at.clone().prop_map(Change::Repeat),
        (at.clone(), at.clone()).prop_map(|(a, b)| Change::Swap(a, b)),
        (at.clone(), prop::sample::select(b"MRTFCEx\0".to_vec())).prop_map(|(a, b)| Change::Kind(a, b)),
        (at.clone(), any::<u32>()).prop_map(|(a, b)| Change::Table(a, b)),
        (at.clone(), any::<u32>()).prop_map(|(a, b)| Change::Raw(a, b)),
        (at, prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(a, b)| Change::Stored(a, b)),
    ]
}

fn apply(frames: &mut Vec<Frame>, change: &Change) {
    let count = frames.len();
    if count == 0 {
        return;
    }
    match change {
        Change::Drop(at) => drop(frames.remove(at % count)),
        Change::Repeat(at) => frames.insert(at % count, frames[at % count].clone()),
        Change::Swap(a, b) => frames.swap(a % count, b % count),
        Change::Kind(at, kind) => frames[at % count].kind = *kind,
        Change::Table(at, table) => frames[at % count].table = *table,
        Change::Raw(at, raw) => frames[at % count].raw = *raw,
        Change::Stored(at, stored) => frames[at % count].stored.clone_from(stored),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn frames_that_are_changed_without_their_checksums_are_refused(changes in prop::collection::vec(change(), 1..4)) {
        let bytes = honest();
        let honest_frames = frames_of(&bytes);
        let mut frames = honest_frames.clone();
        for change in &changes {
            apply(&mut frames, change);
        }
        let mixed = archive_of(&frames);
        if mixed != bytes {
            prop_assert!(read(&mixed).is_err());
        }
    }

    #[test]
    fn frames_that_are_changed_with_their_checksums_never_crash_the_reader(changes in prop::collection::vec(change(), 1..6)) {
        let mut frames = frames_of(&honest());
        for change in &changes {
            apply(&mut frames, change);
        }
        // Either it is rejected, or it is not larger than a valid archive could be.
        if let Ok(size) = read(&sealed(&frames)) {
            prop_assert!(size <= 16 * (4 << 20));
        }
    }

    #[test]
    fn an_archive_that_is_cut_anywhere_is_incomplete(at in 10usize..10_000) {
        let bytes = honest();
        let at = at % bytes.len();
        prop_assert!(read(&bytes[..at]).is_err());
    }
}

#[test]
fn the_frames_of_an_honest_archive_are_as_documented() {
    let bytes = honest();
    let frames = frames_of(&bytes);
    let kinds: String = frames.iter().map(|frame| frame.kind as char).collect();
    assert_eq!(kinds, "MRRFCFCE");
    assert_eq!(sealed(&frames), bytes);
}

#[test]
fn sizes_that_no_frame_has_are_refused_before_memory_is_taken() {
    for raw in [5 << 20, u32::MAX] {
        let mut frames = frames_of(&honest());
        frames[1].raw = raw;
        let error = read(&sealed(&frames)).unwrap_err().to_string();
        assert_eq!(
            error,
            "frame 1 of the archive is damaged: it is larger than frames may be"
        );
    }
}

#[test]
fn a_manifest_of_many_short_parts_is_refused() {
    let mut frames = frames_of(&honest());
    let text = format!("{{\"shared\":[{}]}}", "[],".repeat(1_000_000));
    frames[0] = Frame::of(b'M', 0, text.as_bytes());
    assert!(
        read(&sealed(&frames))
            .unwrap_err()
            .to_string()
            .contains("too large")
    );
    // In many frames it is no smaller.
    let one = Frame::of(b'M', 0, &vec![b' '; 3 << 20]);
    let error = read(&sealed(&vec![one; 40])).unwrap_err().to_string();
    assert_eq!(
        error,
        "frame 1 of the archive is damaged: the manifest is too large"
    );
}

#[test]
fn a_manifest_that_readers_would_refuse_is_not_written() {
    let mut large = manifest();
    large.shared = vec![clone_archive::SharedRows {
        relation: "app.a".to_owned(),
        column: "x".to_owned(),
        natural: Vec::new(),
        rows: vec![vec![None]; 300_000],
    }];
    assert!(matches!(
        Writer::new(Vec::new(), &large),
        Err(ArchiveError::ManifestTooLarge)
    ));
}
