//! The values of a column, in the layout that zstd compresses best.

use zstd::bulk::Compressor;

use super::Bytes;
use super::lengths::bytes;

/// One value after the other.
const PLAIN: u8 = 0;
/// The first bytes of all values, then the second ones, and so on.
const PLANES: u8 = 1;
/// As [`PLANES`], of the differences of neighbouring numbers.
const DIFFERENCES: u8 = 2;

/// Longer values always have the layout `PLAIN`.
const LONGEST: usize = 64;
/// Bytes of a column on which the layouts are tried.
const SAMPLE: usize = 1 << 15;

/// Writes the values; `plain` has them one after the other.
pub(super) fn put(out: &mut Vec<u8>, plain: &[u8], lengths: &[u32], trial: &mut Compressor<'_>) {
    match best(plain, lengths, trial) {
        DIFFERENCES => {
            out.push(DIFFERENCES);
            let mut differences = plain.to_vec();
            differ(&mut differences, lengths);
            planes(out, &differences, lengths);
        }
        PLANES => {
            out.push(PLANES);
            planes(out, plain, lengths);
        }
        _ => {
            out.push(PLAIN);
            out.extend_from_slice(plain);
        }
    }
}

/// Reads the values of these lengths, one after the other.
pub(super) fn take(input: &mut Bytes<'_>, lengths: &[u32]) -> Option<Vec<u8>> {
    let form = input.byte()?;
    let size = lengths.iter().map(|length| bytes(*length)).sum();
    let given = input.take(size)?;
    match form {
        PLAIN => Some(given.to_vec()),
        PLANES => values_of(given, lengths),
        DIFFERENCES => {
            width(lengths)?;
            let mut values = values_of(given, lengths)?;
            add_up(&mut values, lengths);
            Some(values)
        }
        _ => None,
    }
}

/// The layout that zstd compresses best; tried on the first values.
fn best(plain: &[u8], lengths: &[u32], trial: &mut Compressor<'_>) -> u8 {
    let longest = lengths.iter().map(|length| bytes(*length)).max().unwrap_or(0);
    if longest > LONGEST || plain.len() < 2 * longest {
        return PLAIN;
    }
    let mut size = 0;
    let count = lengths
        .iter()
        .take_while(|length| {
            size += bytes(**length);
            size <= SAMPLE
        })
        .count();
    let lengths = &lengths[..count];
    let plain = &plain[..lengths.iter().map(|length| bytes(*length)).sum()];
    let mut smallest = (
        trial.compress(plain).map_or(usize::MAX, |bytes| bytes.len()),
        PLAIN,
    );
    let mut candidate = |form: u8, values: &[u8]| {
        let mut transposed = Vec::with_capacity(values.len());
        planes(&mut transposed, values, lengths);
        let size = trial
            .compress(&transposed)
            .map_or(usize::MAX, |bytes| bytes.len());
        smallest = smallest.min((size, form));
    };
    candidate(PLANES, plain);
    if width(lengths).is_some() {
        let mut differences = plain.to_vec();
        differ(&mut differences, lengths);
        candidate(DIFFERENCES, &differences);
    }
    smallest.1
}

/// The common size of all values that are not NULL, if they may be numbers.
fn width(lengths: &[u32]) -> Option<usize> {
    let mut present = lengths.iter().filter(|length| **length > 0);
    let first = bytes(*present.next()?);
    let equal = present.all(|length| bytes(*length) == first);
    (equal && matches!(first, 2 | 4 | 8)).then_some(first)
}

/// The bytes of the values, by their position in the value.
fn planes(out: &mut Vec<u8>, plain: &[u8], lengths: &[u32]) {
    let longest = lengths.iter().map(|length| bytes(*length)).max().unwrap_or(0);
    for place in 0..longest {
        let mut at = 0;
        for length in lengths {
            let length = bytes(*length);
            if place < length {
                out.push(plain[at + place]);
            }
            at += length;
        }
    }
}

/// The inverse of [`planes`]; `None` if the values are too long for it.
fn values_of(planes: &[u8], lengths: &[u32]) -> Option<Vec<u8>> {
    let longest = lengths.iter().map(|length| bytes(*length)).max().unwrap_or(0);
    if longest > LONGEST {
        return None;
    }
    let mut values = vec![0; planes.len()];
    let mut next = planes.iter();
    for place in 0..longest {
        let mut at = 0;
        for length in lengths {
            let length = bytes(*length);
            if place < length {
                values[at + place] = *next.next()?;
            }
            at += length;
        }
    }
    Some(values)
}

/// The number in the bytes, big-endian, up to eight.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn put_number(bytes: &mut [u8], number: u64) {
    let all = number.to_be_bytes();
    let from = all.len() - bytes.len();
    bytes.copy_from_slice(&all[from..]);
}

/// Replaces each number by its difference to the previous one; small differences of either sign become small numbers.
fn differ(values: &mut [u8], lengths: &[u32]) {
    let Some(width) = width(lengths) else { return };
    let unused = 64 - 8 * width as u32;
    let mut before = 0u64;
    for value in values.chunks_exact_mut(width) {
        let own = number(value);
        // As a signed number of this width.
        let difference = (own.wrapping_sub(before) << unused) as i64 >> unused;
        put_number(value, ((difference << 1) ^ (difference >> 63)) as u64);
        before = own;
    }
}

/// The inverse of [`differ`].
fn add_up(values: &mut [u8], lengths: &[u32]) {
    let Some(width) = width(lengths) else { return };
    let mut before = 0u64;
    for value in values.chunks_exact_mut(width) {
        let coded = number(value);
        let difference = (coded >> 1) ^ (coded & 1).wrapping_neg();
        before = before.wrapping_add(difference);
        put_number(value, before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(values: &[&[u8]], form: u8) -> Option<Vec<u8>> {
        let lengths: Vec<u32> = values.iter().map(|value| value.len() as u32 + 1).collect();
        let mut plain = values.concat();
        if form == DIFFERENCES {
            differ(&mut plain, &lengths);
        }
        let mut out = vec![form];
        planes(&mut out, &plain, &lengths);
        take(&mut Bytes(&out), &lengths)
    }

    #[test]
    fn numbers_of_every_width_come_back_from_their_differences() {
        let extremes = [i64::MIN, -1, 0, 1, i64::MAX, i64::MIN, 7, -7];
        for width in [2, 4, 8] {
            let values: Vec<Vec<u8>> = extremes
                .iter()
                .map(|value| value.to_be_bytes()[8 - width..].to_vec())
                .collect();
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            assert_eq!(back(&values, DIFFERENCES), Some(values.concat()), "{width}");
        }
    }

    #[test]
    fn values_of_different_lengths_come_back_from_their_planes() {
        let values: [&[u8]; 5] = [b"abc", b"", b"d", b"efghij", b"k"];
        assert_eq!(back(&values, PLANES), Some(values.concat()));
        assert_eq!(back(&[b"abc".as_slice(), b"d"], DIFFERENCES), None);
        assert_eq!(back(&[[0; 65].as_slice()], PLANES), None, "too long");
    }

    #[test]
    fn numbers_that_grow_are_written_as_their_differences() {
        let mut trial = Compressor::new(1).unwrap();
        let plain: Vec<u8> = (0..1000u64).flat_map(|n| (n * 1_000_003).to_be_bytes()).collect();
        assert_eq!(best(&plain, &vec![9; 1000], &mut trial), DIFFERENCES);
        let text = "the same words again and again ".repeat(100);
        assert_eq!(best(text.as_bytes(), &[text.len() as u32 + 1], &mut trial), PLAIN);
    }
}
