//! The search for UUIDs that stand without dashes: 32 hexadecimal digits, also within longer runs of them.
//!
//! Few texts have such runs, so the search looks at every 32nd byte only, and backward from there while it sees digits.

use crate::ids::{Id, uuid_text};

/// A longer run is content rather than ids with something beside them: in it only every 32nd place is looked at, where the ids of a list stand
/// that a `jsonb` keeps without anything between them.
const LONGEST: usize = 512;

/// Every 32 hexadecimal digits in some bytes, in order, each with the offset of the first.
pub struct WithoutDashes<'a> {
    bytes: &'a [u8],
    /// The next digits of the run.
    at: usize,
    /// Where the run ends.
    end: usize,
    /// From one place to the next.
    step: usize,
}

/// The UUIDs without dashes that `bytes` may hold. In a run of more than 32 digits each 32 of them are one: only ids that are
/// known are meant, which are not met by accident.
#[inline]
pub fn without_dashes(bytes: &[u8]) -> WithoutDashes<'_> {
    WithoutDashes {
        bytes,
        at: 0,
        end: 0,
        step: 1,
    }
}

impl Iterator for WithoutDashes<'_> {
    type Item = (usize, Id);

    #[inline]
    fn next(&mut self) -> Option<(usize, Id)> {
        if self.at + uuid_text::PLAIN_LEN > self.end {
            (self.at, self.end) = next_run(self.bytes, self.end)?;
            let is_long = self.end - self.at > LONGEST;
            self.step = if is_long { uuid_text::PLAIN_LEN } else { 1 };
        }
        let at = self.at;
        self.at += self.step;
        let digits = self.bytes.get(at..at + uuid_text::PLAIN_LEN)?;
        Some((at, uuid_text::parse_plain(digits)?))
    }
}

/// The first run of at least 32 digits that begins at `from` or later.
#[inline]
fn next_run(bytes: &[u8], mut from: usize) -> Option<(usize, usize)> {
    loop {
        let window = bytes.get(from..from + uuid_text::PLAIN_LEN)?;
        match window.iter().rposition(|byte| !uuid_text::is_digit(*byte)) {
            Some(other) => from += other + 1,
            None => {
                let rest = &bytes[from + uuid_text::PLAIN_LEN..];
                let more = rest.iter().take_while(|byte| uuid_text::is_digit(**byte)).count();
                return Some((from, from + uuid_text::PLAIN_LEN + more));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "0197a3c40f5e7abc8def0123456789AB";

    fn places(text: &str) -> Vec<usize> {
        without_dashes(text.as_bytes()).map(|(at, _)| at).collect()
    }

    #[test]
    fn digits_are_found_at_every_position() {
        for before in 0..100 {
            for after in [0, 1, 31, 40] {
                let text = format!("{}{DIGITS}{}", "-".repeat(before), "x".repeat(after));
                assert_eq!(places(&text), [before]);
            }
        }
    }

    #[test]
    fn every_32_digits_of_a_longer_run_are_candidates() {
        assert_eq!(places(&format!("/2F{DIGITS}a/{DIGITS}")), [1, 2, 3, 4, 37]);
        assert_eq!(places(&DIGITS.repeat(2)).len(), 33);
    }

    #[test]
    fn a_long_run_is_looked_at_in_steps() {
        let text = format!("/{}", DIGITS.repeat(100));
        let expected: Vec<usize> = (0..100).map(|n| 1 + n * 32).collect();
        assert_eq!(places(&text), expected);
        assert_eq!(places(&"a".repeat(10_000_000)).len(), 10_000_000 / 32);
    }

    #[test]
    fn shorter_runs_and_uuids_with_dashes_are_none() {
        for text in ["", "x", &DIGITS[1..], "0197a3c4-0f5e-7abc-8def-0123456789ab"] {
            assert_eq!(places(text), [0usize; 0], "{text}");
        }
    }
}
