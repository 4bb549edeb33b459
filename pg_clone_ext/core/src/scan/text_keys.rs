//! The search for generated text keys in bytes: cuid, ulid, nanoid, prefixed keys and others that do not occur by chance.

use foldhash::quality::FixedState;
use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::BuildHasher;

/// A shorter key may be a word.
const SHORTEST: usize = 10;
/// A run of letters and digits of this length is not a word if a letter follows a digit in it,
const RUN: usize = 8;
/// and a run of this length in any order.
const LONG_RUN: usize = 16;
/// Letters alone are not a word either if they are so many: one of 2,000 cuids has no digit.
const LONG_LETTERS: usize = 24;
/// Letters alone are not a word if upper and lower case change this often.
const CHANGES: usize = 3;
/// Number of letters and digits that a run appends to names, after a dash or an underscore.
const ENDING: usize = 10;
/// A number of so many digits is not one that occurs by chance.
const LONG_NUMBER: usize = 12;
/// Maximum number of different key lengths; generators produce fewer.
const LENGTHS: usize = 64;

/// A set of text keys; the case of ASCII letters is ignored.
#[derive(Debug, Default)]
pub struct TextKeys {
    /// 64-bit hashes of the keys in lower case, which need less memory than the keys. A collision only adds a false finding.
    hashes: HashSet<u64>,
    /// Their lengths in bytes, ascending.
    lengths: Vec<usize>,
    buffer: Vec<u8>,
}

impl TextKeys {
    /// Whether a key comes from a generator: it is long, and mixes letters and digits, or upper and lower case.
    pub fn is_distinctive(key: &str) -> bool {
        key.len() >= SHORTEST
            && key
                .as_bytes()
                .split(|byte| !byte.is_ascii_alphanumeric())
                .any(|run| {
                    let mixed = run.iter().any(u8::is_ascii_digit) && run.iter().any(u8::is_ascii_alphabetic);
                    let letter_follows = run
                        .windows(2)
                        .any(|pair| pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic());
                    run.len() >= LONG_LETTERS && !run.iter().all(u8::is_ascii_digit)
                        || is_jumble(run)
                        || mixed && (run.len() >= LONG_RUN || run.len() >= RUN && letter_follows)
                })
    }

    /// Whether a key is a number from a generator, such as a snowflake.
    pub fn is_long_number(key: &str) -> bool {
        key.len() >= LONG_NUMBER && !key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Adds a key, if it is distinctive or a long number. Keys of more than 64 different lengths are ignored.
    pub fn insert(&mut self, key: &str) {
        if !Self::is_distinctive(key) && !Self::is_long_number(key) {
            return;
        }
        if let Err(place) = self.lengths.binary_search(&key.len()) {
            if self.lengths.len() == LENGTHS {
                return;
            }
            self.lengths.insert(place, key.len());
        }
        let hash = self.hash(key.as_bytes());
        self.hashes.insert(hash);
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        let hash = self.hash(key.as_bytes());
        self.hashes.remove(&hash);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The first of them in `text` without an ASCII letter or digit next to it.
    pub fn find<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let shortest = *self.lengths.first()?;
        let word = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
        for start in 0..(text.len() + 1).saturating_sub(shortest) {
            if start > 0 && word(start - 1) {
                continue;
            }
            for place in 0..self.lengths.len() {
                let end = start + self.lengths[place];
                let Some(candidate) = text.get(start..end) else {
                    break;
                };
                // With the suffix that a run appends to names it is a key of the clone.
                if word(end) || has_ending(&text[end..]) {
                    continue;
                }
                let hash = self.hash(candidate);
                if self.hashes.contains(&hash) {
                    return Some(candidate);
                }
            }
        }
        None
    }

    fn hash(&mut self, key: &[u8]) -> u64 {
        self.buffer.clear();
        self.buffer.extend(key.iter().map(u8::to_ascii_lowercase));
        FixedState::default().hash_one(&self.buffer)
    }
}

/// Letters in which upper and lower case change again and again: `fbfJHSPpUQD`.
fn is_jumble(run: &[u8]) -> bool {
    let changes = run
        .windows(2)
        .filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase());
    let capitals = |pair: &[u8]| pair.iter().all(u8::is_ascii_uppercase);
    run.len() >= SHORTEST
        && run.iter().all(u8::is_ascii_alphabetic)
        && run.windows(2).any(capitals)
        && changes.count() >= CHANGES
}

fn has_ending(rest: &[u8]) -> bool {
    let [b'-' | b'_', ending @ ..] = rest else {
        return false;
    };
    let all = |letter: fn(&u8) -> bool| {
        ending[..ENDING]
            .iter()
            .all(|byte| byte.is_ascii_digit() || letter(byte))
    };
    ending.len() >= ENDING
        && (all(u8::is_ascii_lowercase) || all(u8::is_ascii_uppercase))
        && !ending.get(ENDING).is_some_and(u8::is_ascii_alphanumeric)
}

/// The text with JSON escapes of ASCII characters (`\\u0061`) decoded, and escapes of control characters replaced by blanks. An escaped letter
/// would hide a key, and the letter of an escape would be next to one.
pub fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..at]);
        let (byte, length) = match &rest[at + 1..] {
            [b'b' | b'f' | b'n' | b'r' | b't', ..] => (b' ', 2),
            [b'u', b'0', b'0', high, low, ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) if high < 8 => (high * 16 + low, 6),
                _ => (b'\\', 1),
            },
            _ => (b'\\', 1),
        };
        plain.push(byte);
        rest = &rest[at + length..];
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 8] = [
        "cmabxqzrtpwhsnvkdlfgyjeou",
        "fbfJHSPpUQD",
        "clh3am8hi0000356tdfk5hsgu",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "V1StGXR8_Z5jdHi6B-myT",
        "cus_NffrFeUfNV2Hib",
        "5f2b8c1e9d3a4b6c7d8e9f0a",
        "acct-000000000000000000a1",
    ];

    #[test]
    fn keys_of_generators_are_told_from_names() {
        for key in KEYS {
            assert!(TextKeys::is_distinctive(key), "{key}");
        }
        for name in [
            "INV-2026-0001",
            "backupScheduleName",
            "HTTPServer",
            "my-product-2024",
            "administrators",
            "key1",
            "2026-11-26 04:00:00",
            "C-1",
            "",
        ] {
            assert!(!TextKeys::is_distinctive(name), "{name}");
        }
    }

    #[test]
    fn numbers_of_generators_are_keys_of_their_own_kind() {
        let mut keys = TextKeys::default();
        for key in ["1180000000000000000", "123456789012"] {
            assert!(
                TextKeys::is_long_number(key) && !TextKeys::is_distinctive(key),
                "{key}"
            );
            keys.insert(key);
            assert!(keys.find(format!("<#{key}>").as_bytes()).is_some(), "{key}");
            assert!(keys.find(format!("{key}0").as_bytes()).is_none(), "{key}");
        }
        for key in ["12345678901", "000000000012", "1234567890.12", ""] {
            assert!(!TextKeys::is_long_number(key), "{key}");
        }
    }

    #[test]
    fn a_key_is_found_wherever_no_letter_or_digit_stands_beside_it() {
        let mut keys = TextKeys::default();
        KEYS.iter().for_each(|key| keys.insert(key));
        for key in KEYS {
            for text in [
                key.to_owned(),
                format!("/p/{key}/edit"),
                format!("{{\"lead\": \"{key}\"}}"),
                format!("前{key}后"),
                format!("file_{key}.png"),
                format!("{}:{}", "x".repeat(70), key.to_uppercase()),
            ] {
                let found = keys.find(text.as_bytes()).map(|found| found.to_ascii_lowercase());
                assert_eq!(found, Some(key.to_ascii_lowercase().into_bytes()), "{text}");
            }
            for text in [
                format!("{key}0"),
                format!("a{key}"),
                key[1..].to_owned(),
                key[..key.len() - 1].to_owned(),
            ] {
                assert_eq!(keys.find(text.as_bytes()), None, "{text}");
            }
        }
        for text in [
            r#"{"a": "\u0063lh3am8hi0000356tdfk5hsgu"}"#,
            r#"{"a": "line\nclh3am8hi0000356tdfk5hsgu\n"}"#,
            r#"{"a": "\/p\/clh3am8hi0000356tdfk5hsgu"}"#,
        ] {
            assert!(keys.find(&unescaped(text.as_bytes())).is_some(), "{text}");
        }
        assert_eq!(keys.find(b"fbfJHSPpUQD-9u83i0jrs9, x"), None);
        assert_eq!(keys.find(b"fbfJHSPpUQD_9U83I0JRS9"), None);
        assert!(keys.find(b"fbfJHSPpUQD-9u83I0jrs9").is_some());
        assert!(keys.find(b"fbfJHSPpUQD-9u83i0jrs9x").is_some());
        keys.remove(KEYS[0]);
        assert_eq!(keys.find(KEYS[0].as_bytes()), None);
        assert_eq!(TextKeys::default().find(b"anything at all"), None);
        for text in [r"\", r"a\u00", r"\u00zz", r"\u00e9 \\ \x"] {
            assert_eq!(unescaped(text.as_bytes()), text.as_bytes(), "{text}");
        }
    }
}
