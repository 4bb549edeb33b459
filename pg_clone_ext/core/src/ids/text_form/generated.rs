//! Forms of generated keys of which some characters say something: when the key was made, the version of a UUID.

use super::{BASE62, CROCKFORD, DIGITS, HEX, LOWER, NANOID, UPPER, draw, text, within};
use std::ops::Range;

const LOWER_CROCKFORD: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
const BASE32HEX: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
/// What may stand between a prefix and the key behind it: `prod_`, `urn:uuid:`, `orders/`.
const BEHIND_PREFIX: &[u8] = b"_-:./~#|";
/// Longer texts before a key are not its prefix.
const LONGEST_PREFIX: usize = 40;
/// Random digits at the end of a long number: 19 digits begin with the time in steps of two seconds, as their last 22 bits are no time.
const END_OF_NUMBER: usize = 10;
/// Numbers with as many digits as those that begin with a time in milliseconds.
const DIGITS_OF_NUMBER: Range<usize> = 17..20;
/// The first four bytes of keys that were made from 2004 to 2046, in seconds.
const SECONDS: Range<u32> = 0x4000_0000..0x9000_0000;

/// A form of generated keys, perhaps behind a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// 26 characters of Crockford's base 32: ten of the time, of which the first is at most 7, and sixteen random ones.
    Ulid,
    /// The same in lower case.
    LowerUlid,
    /// A UUID of version 7 in this alphabet.
    TypeId,
    /// 27 characters of base 62: four bytes of seconds, sixteen random ones.
    Ksuid,
    /// A c and 24 letters or digits: eight of the time, four of a counter, four of the machine, eight random ones.
    Cuid,
    /// A UUID in any case. Versions 6 and 7 begin with the time.
    Uuid,
    /// A UUID without dashes.
    UuidDigits,
    /// 24 hexadecimal digits: eight of the seconds, sixteen of the machine and a counter.
    ObjectId,
    /// 20 characters of base 32 with the extended hex alphabet: four bytes of seconds, eight others. The last has one bit.
    Xid,
    /// 20 characters after each other in ASCII, eight of them the time.
    PushId,
    /// A number with the time in its upper bits.
    Number,
}

/// A text in such a form.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    form: Generated,
    prefix: &'a str,
    key: &'a str,
}

impl Generated {
    /// The narrow forms first: a UUID in base 32 is a ULID, too.
    pub const ALL: [Generated; 11] = [
        Generated::TypeId,
        Generated::Ulid,
        Generated::LowerUlid,
        Generated::Ksuid,
        Generated::Cuid,
        Generated::Uuid,
        Generated::UuidDigits,
        Generated::ObjectId,
        Generated::Xid,
        Generated::PushId,
        Generated::Number,
    ];

    /// The key in a text of this form.
    pub fn find(self, whole: &str) -> Option<Found<'_>> {
        if !whole.is_ascii() {
            return None;
        }
        let length = match self {
            Generated::Ulid | Generated::LowerUlid | Generated::TypeId => 26,
            Generated::Ksuid => 27,
            Generated::Cuid => 25,
            Generated::Uuid => 36,
            Generated::UuidDigits => 32,
            Generated::ObjectId => 24,
            Generated::Xid | Generated::PushId => 20,
            Generated::Number => whole.bytes().rev().take_while(u8::is_ascii_digit).count(),
        };
        let (prefix, key) = whole.split_at(whole.len().checked_sub(length)?);
        (self.has_form(key.as_bytes()) && is_prefix(prefix.as_bytes())).then_some(Found {
            form: self,
            prefix,
            key,
        })
    }

    fn has_form(self, key: &[u8]) -> bool {
        let at = |place: usize| key.get(place).copied().unwrap_or_default();
        let digits = || key.iter().filter(|byte| byte.is_ascii_digit()).count();
        match self {
            Generated::Ulid => within(key, CROCKFORD) && at(0) <= b'7',
            Generated::LowerUlid => within(key, LOWER_CROCKFORD) && at(0) <= b'7',
            Generated::TypeId => {
                Generated::LowerUlid.has_form(key)
                    && matches!(at(10), b'e' | b'f')
                    && matches!(at(13), b'8' | b'9' | b'a' | b'b' | b'r' | b's' | b't' | b'v')
            }
            Generated::Ksuid => within(key, BASE62),
            Generated::Cuid => within(key, LOWER) && at(0) == b'c' && digits() > 0,
            Generated::Uuid => key.iter().enumerate().all(|(place, byte)| match place {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            }),
            Generated::UuidDigits => {
                (within(key, HEX) || within(key, &UPPER[..16]))
                    && matches!(at(12), b'1'..=b'8')
                    && matches!(at(16), b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
            }
            Generated::ObjectId => {
                let seconds = std::str::from_utf8(&key[..8])
                    .ok()
                    .and_then(|time| u32::from_str_radix(time, 16).ok());
                within(key, HEX) && seconds.is_some_and(|seconds| SECONDS.contains(&seconds))
            }
            Generated::Xid => {
                within(key, BASE32HEX)
                    && matches!(at(19), b'0' | b'g')
                    && !within(key, HEX)
                    && key.iter().any(u8::is_ascii_digit)
            }
            Generated::PushId => within(key, NANOID) && at(0) == b'-',
            Generated::Number => DIGITS_OF_NUMBER.contains(&key.len()) && at(0) != b'0',
        }
    }

    /// Whether so few characters are random that two new keys can be the same.
    pub fn is_dense(self) -> bool {
        self == Generated::Number
    }
}

impl Found<'_> {
    /// The characters of which a new key has one in each place; none: that of the source stays.
    pub fn places(&self) -> Vec<Option<&'static [u8]>> {
        let upper = self.key.bytes().any(|byte| byte.is_ascii_uppercase());
        let hex: &'static [u8] = if upper { &UPPER[..16] } else { HEX };
        // The version stands behind the time.
        let version = |place: usize, time: usize| match self.key.as_bytes().get(place) {
            Some(b'7') => time,
            Some(b'6') => time + (time - place),
            _ => 0,
        };
        let (time, kept, alphabet): (usize, &[usize], &'static [u8]) = match self.form {
            Generated::Ulid => (10, &[], CROCKFORD),
            Generated::LowerUlid => (10, &[], LOWER_CROCKFORD),
            // The version and the variant are in these characters.
            Generated::TypeId => (11, &[13], LOWER_CROCKFORD),
            // The time has 32 bits, six characters 35.
            Generated::Ksuid => (6, &[], BASE62),
            Generated::Cuid => (13, &[], LOWER),
            Generated::Uuid => (version(14, 13), &[8, 13, 14, 18, 19, 23], hex),
            Generated::UuidDigits => (version(12, 12), &[12, 16], hex),
            Generated::ObjectId => (8, &[], HEX),
            Generated::Xid => (7, &[19], BASE32HEX),
            Generated::PushId => (8, &[], NANOID),
            Generated::Number => (self.key.len() - END_OF_NUMBER, &[], DIGITS),
        };
        let mut places = vec![None; self.prefix.len()];
        places.extend(
            (0..self.key.len()).map(|place| (place >= time && !kept.contains(&place)).then_some(alphabet)),
        );
        places
    }

    /// A new key with this time.
    pub fn make(&self, random: &mut dyn FnMut(&mut [u8])) -> String {
        let source = self.prefix.bytes().chain(self.key.bytes());
        let new = source.zip(self.places()).map(|(byte, alphabet)| match alphabet {
            Some(alphabet) => draw(1, alphabet, random).first().copied().unwrap_or(byte),
            None => byte,
        });
        text(new.collect())
    }
}

/// Whether a key may follow: nothing, or words with a separator behind them.
fn is_prefix(prefix: &[u8]) -> bool {
    match (prefix.first(), prefix.last()) {
        (Some(first), Some(last)) => {
            first.is_ascii_alphabetic()
                && BEHIND_PREFIX.contains(last)
                && prefix.len() <= LONGEST_PREFIX
                && prefix
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || BEHIND_PREFIX.contains(byte))
        }
        _ => true,
    }
}
