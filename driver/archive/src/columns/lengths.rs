//! The lengths of a column's values. Each is written as one more than it is, 0 is NULL.

use super::{Bytes, put_number};

const ALL_EQUAL: u8 = 0;
const LISTED: u8 = 1;

/// Writes the lengths: a common one once, otherwise each, with the four bytes of the numbers in four planes.
pub(super) fn put(out: &mut Vec<u8>, lengths: &[u32]) -> Option<()> {
    let first = *lengths.first()?;
    if lengths.iter().all(|length| *length == first) {
        out.push(ALL_EQUAL);
        return put_number(out, first as usize);
    }
    out.push(LISTED);
    for shift in [24, 16, 8, 0] {
        out.extend(lengths.iter().map(|length| (length >> shift) as u8));
    }
    Some(())
}

/// Reads the lengths of `rows` values.
pub(super) fn take(input: &mut Bytes<'_>, rows: usize) -> Option<Vec<u32>> {
    match input.byte()? {
        ALL_EQUAL => {
            let length = u32::try_from(input.number()?).ok()?;
            Some(vec![length; rows])
        }
        LISTED => {
            let mut lengths = vec![0u32; rows];
            for _ in 0..4 {
                let plane = input.take(rows)?;
                for (length, byte) in lengths.iter_mut().zip(plane) {
                    *length = *length << 8 | u32::from(*byte);
                }
            }
            Some(lengths)
        }
        _ => None,
    }
}

/// Bytes of a value with this length.
pub(super) fn bytes(length: u32) -> usize {
    length.saturating_sub(1) as usize
}
