//! Rows are written column by column, whatever they are and however they come; damaged columns are refused.

#![allow(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

mod frames;

use clone_archive::{ArchiveError, Item, Manifest, Reader, Table, Writer};
use frames::{Frame, frames_of, sealed};
use proptest::prelude::*;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

type Rows = Vec<Vec<Option<Vec<u8>>>>;

/// What COPY gives for the rows.
fn copied(rows: &Rows) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for row in rows {
        bytes.extend_from_slice(&i16::try_from(row.len()).unwrap().to_be_bytes());
        for value in row {
            match value {
                None => bytes.extend_from_slice(&(-1i32).to_be_bytes()),
                Some(value) => {
                    bytes.extend_from_slice(&i32::try_from(value.len()).unwrap().to_be_bytes());
                    bytes.extend_from_slice(value);
                }
            }
        }
    }
    bytes.extend_from_slice(&(-1i16).to_be_bytes());
    bytes
}

fn written(tables: &[Vec<u8>], part: usize) -> Vec<u8> {
    let described: Vec<Table> = (0..tables.len())
        .map(|number| Table {
            name: format!("app.t{number}"),
            columns: Vec::new(),
            expected_rows: None,
        })
        .collect();
    let manifest = Manifest {
        fingerprint: Manifest::fingerprint_of(&described),
        tables: described,
        ..Manifest::default()
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &manifest).unwrap();
    for (number, content) in (0..).zip(tables) {
        for part in content.chunks(part) {
            writer.rows(number, part).unwrap();
        }
    }
    writer.finish().unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut reader = Reader::new(bytes)?;
    let mut tables = vec![Vec::new(); reader.manifest().tables.len()];
    while let Some(item) = reader.next_item()? {
        if let Item::Rows(table, part) = item {
            tables[table as usize].extend_from_slice(part);
        }
    }
    Ok(tables)
}

fn kinds(bytes: &[u8]) -> String {
    frames_of(bytes).iter().map(|frame| frame.kind as char).collect()
}

/// Values of one column: numbers that grow or not, texts, ids, some NULL.
fn column(rows: usize) -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_be_bytes().to_vec()),
        any::<i32>().prop_map(|number| number.to_be_bytes().to_vec()),
        any::<i16>().prop_map(|number| number.to_be_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..100),
        Just(Vec::new()),
    ];
    let one_width = (
        prop::sample::select(vec![0usize, 1, 2, 4, 8, 16, 64, 65]),
        any::<u64>(),
        any::<bool>(),
    )
        .prop_map(move |(width, seed, step)| {
            (0..rows as u64)
                .map(|row| {
                    let number = if step {
                        seed.wrapping_add(row * 3)
                    } else {
                        seed.wrapping_mul(row * row + 7)
                    };
                    let bytes = number.to_be_bytes().repeat(9);
                    Some(bytes[bytes.len() - width..].to_vec())
                })
                .collect()
        });
    prop_oneof![
        prop::collection::vec(prop::option::weighted(0.9, value), rows),
        one_width
    ]
}

fn rows() -> impl Strategy<Value = Rows> {
    (1usize..30, 1usize..6)
        .prop_flat_map(|(rows, width)| prop::collection::vec(column(rows), width))
        .prop_map(|columns| {
            (0..columns[0].len())
                .map(|row| columns.iter().map(|column| column[row].clone()).collect())
                .collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_come_back_as_they_were(tables in prop::collection::vec(rows(), 1..3), part in 1usize..2000) {
        let tables: Vec<Vec<u8>> = tables.iter().map(copied).collect();
        let bytes = written(&tables, part);
        prop_assert_eq!(kinds(&bytes), format!("M{}E", "T".repeat(tables.len())));
        prop_assert_eq!(read(&bytes).unwrap(), tables);
    }

    #[test]
    fn bytes_that_are_no_rows_come_back_too(rows in rows(), cut in any::<prop::sample::Index>(), rest in prop::collection::vec(any::<u8>(), 0..200), part in 1usize..500) {
        let mut bytes = copied(&rows);
        bytes.truncate(cut.index(bytes.len()));
        bytes.extend_from_slice(&rest);
        prop_assert_eq!(read(&written(std::slice::from_ref(&bytes), part)).unwrap(), [bytes]);
    }

    #[test]
    fn damaged_columns_are_refused_or_no_larger_than_a_frame(rows in rows(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut frames = frames_of(&written(&[copied(&rows)], 1000));
        let mut columns = zstd::bulk::decompress(&frames[1].stored, 4 << 20).unwrap();
        for (at, byte) in &changes {
            let at = at.index(columns.len());
            columns[at] = *byte;
        }
        frames[1] = Frame::of(b'T', 0, &columns);
        if let Ok(tables) = read(&sealed(&frames)) {
            prop_assert!(tables[0].len() <= 4 << 20);
        }
    }
}

#[test]
fn large_tables_and_rows_larger_than_a_block_come_back() {
    let mut rows: Rows = (0..60_000u64)
        .map(|row| vec![Some(row.to_be_bytes().to_vec()), Some(vec![7; 100]), None])
        .collect();
    rows[20_000][1] = Some(vec![1; 9 << 20]);
    rows[20_001][1] = Some(vec![2; 3 << 20]);
    let table = copied(&rows);
    let bytes = written(std::slice::from_ref(&table), 70_001);
    let kinds = kinds(&bytes);
    assert!(
        kinds.contains("TR") && kinds.contains("RT"),
        "columns around the large row: {kinds}"
    );
    assert_eq!(read(&bytes).unwrap(), [table]);
}

#[test]
fn columns_that_would_be_more_rows_than_fit_are_refused_before_memory_is_taken() {
    let mut frames = frames_of(&written(&[copied(&vec![vec![None]])], 1000));
    for (size, rows, width) in [
        (u32::MAX, 1u32, 1u32),
        (4 << 20, u32::MAX, 1),
        (4 << 20, 1, u32::MAX),
        (4 << 20, u32::MAX, u32::MAX),
        (6, 0, 0),
        (6, 0, u32::MAX),
        (100, u32::MAX, 0),
    ] {
        let mut columns = Vec::new();
        for number in [size, rows, width, 0, 0] {
            columns.extend_from_slice(&number.to_be_bytes());
        }
        columns.extend_from_slice(&[0, 0, 0, 0, 0, 0]);
        frames[1] = Frame::of(b'T', 0, &columns);
        let error = read(&sealed(&frames)).unwrap_err().to_string();
        assert_eq!(
            error,
            "frame 1 of the archive is damaged: its columns are not those of rows"
        );
    }
}

#[test]
fn rows_of_numbers_take_a_third_of_what_they_take_row_by_row() {
    let rows: Rows = (0..20_000i64)
        .map(|n| {
            let numbers = [n, 2, n * 7 % 500, n * 31 % 10_000, n / 3];
            numbers
                .iter()
                .map(|number| Some(number.to_be_bytes().to_vec()))
                .collect()
        })
        .collect();
    let table = copied(&rows);
    let by_rows = zstd::bulk::compress(&table, 3).unwrap().len();
    let bytes = written(&[table], 10_000).len();
    assert!(bytes * 3 < by_rows, "{bytes} of {by_rows}");
}
