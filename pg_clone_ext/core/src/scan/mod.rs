//! The search for UUIDs in bytes: every place whose four dashes stand where a UUID has them.
//!
//! The search looks at the dashes only, a block of positions at a time, in a form the compiler turns into vector
//! instructions; whoever asks checks the digits.

use crate::ids::{Id, uuid_text};

/// Offsets of the second to fourth dash from the first.
const SECOND: usize = 5;
const THIRD: usize = 10;
const FOURTH: usize = 15;
/// Bytes of a UUID before its first dash.
const HEAD: usize = 8;
/// Positions compared at once.
const BLOCK: usize = 64;
const WINDOW: usize = BLOCK + FOURTH;

/// The UUIDs in some bytes, in order, each with the offset of its first byte. Whether an id stands at a proper
/// boundary is not judged here. UUIDs that overlap (which only raw bytes of several strings can have) are all reported.
pub struct Uuids<'a> {
    bytes: &'a [u8],
    /// Where the next first dash may be.
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
            self.dash = dash + 1;
            let at = dash - HEAD;
            if let Some(id) = self
                .bytes
                .get(at..at + uuid_text::LEN)
                .and_then(uuid_text::parse_slice)
            {
                return Some((at, id));
            }
        }
        None
    }
}

/// The first position from `from` on with dashes at 0, 5, 10 and 15.
#[inline]
fn next_dashes(bytes: &[u8], mut from: usize) -> Option<usize> {
    while let Some(window) = bytes.get(from..).and_then(|rest| rest.first_chunk::<WINDOW>()) {
        if block_has_dashes(window) {
            let found = (0..BLOCK).find(|&at| has_dashes(window, at));
            if let Some(at) = found {
                return Some(from + at);
            }
        }
        from += BLOCK;
    }
    let rest = bytes.get(from..)?;
    (0..rest.len().saturating_sub(FOURTH))
        .find(|&at| has_dashes(rest, at))
        .map(|at| from + at)
}

/// Whether any position of a block has the dashes. No branch in the loop: that is what lets it be vectorised.
#[inline]
fn block_has_dashes(window: &[u8; WINDOW]) -> bool {
    let mut any = 0;
    for at in 0..BLOCK {
        let four = (window[at] ^ b'-')
            | (window[at + SECOND] ^ b'-')
            | (window[at + THIRD] ^ b'-')
            | (window[at + FOURTH] ^ b'-');
        any |= u8::from(four == 0);
    }
    any != 0
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
