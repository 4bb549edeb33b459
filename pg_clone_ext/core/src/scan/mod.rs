//! The search for UUIDs in bytes: every position with four dashes at the distances of a UUID.
//!
//! The search compares only the dashes, for a block of positions at a time, in a form that the compiler can vectorise.
//! The caller checks the digits.

mod escaped;
pub mod text_keys;
mod without_dashes;

pub use escaped::decoded;
pub use without_dashes::{WithoutDashes, without_dashes};

use crate::ids::{Id, uuid_text};
use crate::interrupt;

/// Offsets of the second to fourth dash from the first.
const SECOND: usize = 5;
const THIRD: usize = 10;
const FOURTH: usize = 15;
/// Bytes of a UUID before its first dash.
const HEAD: usize = 8;
/// Minimum distance of the first dashes of two UUIDs: the last group of one can be
/// the beginning of the next.
const NEXT: usize = 28;
/// Number of positions compared at once; if there is a match, parts of them are compared.
const BLOCK: usize = 64;
const PART: usize = 16;
/// Bytes between two questions whether the statement was cancelled.
const ASK_AFTER: usize = 1 << 20;

/// The UUIDs in some bytes, in order, each with the offset of its first byte. Boundaries are
/// not checked here. Overlapping UUIDs (possible only in raw bytes of several strings) are all returned.
pub struct Uuids<'a> {
    bytes: &'a [u8],
    /// The earliest position of the next first dash.
    dash: usize,
}

/// The UUIDs in `bytes`.
#[inline]
pub fn uuids(bytes: &[u8]) -> Uuids<'_> {
    Uuids { bytes, dash: HEAD }
}

impl Iterator for Uuids<'_> {
    type Item = (usize, Id);

    #[inline]
    fn next(&mut self) -> Option<(usize, Id)> {
        while let Some(dash) = next_dashes(self.bytes, self.dash) {
            let at = dash - HEAD;
            self.dash = dash + 1;
            if let Some(id) = self
                .bytes
                .get(at..at + uuid_text::LEN)
                .and_then(uuid_text::parse_slice)
            {
                self.dash = dash + NEXT;
                return Some((at, id));
            }
        }
        None
    }
}

/// The first position from `from` on with dashes at 0, 5, 10 and 15.
#[inline]
fn next_dashes(bytes: &[u8], mut from: usize) -> Option<usize> {
    while let Some(any) = block_has_dashes::<BLOCK>(bytes, from) {
        if any {
            let parts = (from..from + BLOCK).step_by(PART);
            let part = parts
                .clone()
                .find(|at| block_has_dashes::<PART>(bytes, *at) == Some(true));
            let at = part.and_then(|part| (part..part + PART).find(|at| has_dashes(bytes, *at)));
            if at.is_some() {
                return at;
            }
        }
        from += BLOCK;
        if from % ASK_AFTER < BLOCK {
            interrupt::check();
        }
    }
    (from..bytes.len().saturating_sub(FOURTH)).find(|at| has_dashes(bytes, *at))
}

/// Whether any of the N positions from `from` on has the dashes; `None` if there are fewer bytes. The loop has no
/// branch, so that it can be vectorised.
#[inline]
fn block_has_dashes<const N: usize>(bytes: &[u8], from: usize) -> Option<bool> {
    let block = |offset: usize| bytes.get(from + offset..)?.first_chunk::<N>();
    // The last one is there only if all are.
    let (fourth, third, second, first) = (block(FOURTH)?, block(THIRD)?, block(SECOND)?, block(0)?);
    let mut any = 0;
    for at in 0..N {
        let four = (first[at] ^ b'-') | (second[at] ^ b'-') | (third[at] ^ b'-') | (fourth[at] ^ b'-');
        any |= u8::from(four == 0);
    }
    Some(any != 0)
}

#[inline]
fn has_dashes(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b'-' && bytes[at + SECOND] == b'-' && bytes[at + THIRD] == b'-' && bytes[at + FOURTH] == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &[u8] = b"0197a3c4-0f5e-7abc-8def-0123456789AB";

    #[test]
    fn finds_a_uuid_at_every_position_and_length() {
        for before in 0..200 {
            for after in [0, 1, 15, 16, 70] {
                let bytes = [&vec![b'-'; before][..], UUID, &vec![b'-'; after][..]].concat();
                let found: Vec<usize> = uuids(&bytes).map(|(at, _)| at).collect();
                assert_eq!(found, [before], "{before} bytes before, {after} after");
            }
        }
    }

    #[test]
    fn finds_neighbours_and_ignores_fragments() {
        let bytes = [UUID, UUID, &UUID[1..], b"/", UUID, &UUID[..35]].concat();
        let found: Vec<usize> = uuids(&bytes).map(|(at, _)| at).collect();
        // The third has lost its first digit, but the second's last digit takes its place.
        assert_eq!(found, [0, 36, 71, 108]);
    }

    #[test]
    fn reports_overlapping_candidates() {
        // The last group of the first is the beginning of the second.
        let bytes = b"0197a3c4-0f5e-7abc-8def-abcd12345678-0f5e-7abc-8def-0123456789ab";
        assert_eq!(uuids(bytes).map(|(at, _)| at).collect::<Vec<_>>(), [0, 28]);
    }
}
