//! New text keys of the same form as those of the source: cuid, ulid, KSUID, nanoid, hex, `prefix_…`, or a name.

mod generated;

use generated::Generated;
use std::collections::HashSet;

/// Minimum number of random characters of a key, so that two keys of a run do not collide.
const RANDOM: usize = 10;
const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const HEX_UPPER: &[u8] = b"0123456789ABCDEF";
const LOWER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const NANOID: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";
const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The form of a table's text keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextForm {
    /// With a time or other characters that mean something.
    Generated(Generated),
    /// This prefix, then as many random characters of this alphabet as the source's key has.
    Random {
        /// What every key begins with.
        prefix: String,
        /// The characters behind it.
        alphabet: &'static [u8],
    },
    /// Chosen by people: the source's key with random characters appended.
    Name,
}

impl TextForm {
    /// The form that all these keys have.
    pub fn of<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> TextForm {
        if keys.clone().next().is_none() {
            return TextForm::Name;
        }
        // Of random hexadecimal digits, a few keys may look so by chance: they lose a part of their random digits.
        if let Some(form) = Generated::ALL
            .into_iter()
            .find(|form| keys.clone().all(|key| form.find(key).is_some()))
        {
            return TextForm::Generated(form);
        }
        let prefix = common_prefix(keys.clone());
        let rest = |key: &'a str| key.as_bytes().get(prefix.len()..).unwrap_or_default();
        if keys.clone().any(|key| rest(key).len() < RANDOM) {
            return TextForm::Name;
        }
        for alphabet in [DIGITS, HEX, HEX_UPPER, CROCKFORD, LOWER, UPPER, BASE62, NANOID] {
            // Keys of letters only are words that somebody chose.
            let has_digit = keys.clone().any(|key| rest(key).iter().any(u8::is_ascii_digit));
            if has_digit && keys.clone().all(|key| within(rest(key), alphabet)) {
                // Names with dashes are not nanoids.
                let dashed = alphabet == NANOID && keys.clone().any(|key| rest(key).len() != 21);
                if !dashed {
                    return TextForm::Random { prefix, alphabet };
                }
            }
        }
        TextForm::Name
    }

    /// Whether a name that people chose leaves room for something of it in its new key, of at most so many characters.
    pub fn keeps_name(longest: Option<usize>) -> bool {
        longest.is_none_or(|longest| longest > RANDOM + 1)
    }

    /// A new key for a key of the source. `random` fills a buffer with unpredictable bytes, `longest` is the maximum number of characters of
    /// the column. Keys that begin with a time keep it: rows that are ordered by their keys stay in order.
    pub fn make(&self, source: &str, longest: Option<usize>, random: &mut dyn FnMut(&mut [u8])) -> String {
        match self {
            TextForm::Generated(form) => match form.find(source) {
                Some(found) => found.make(random),
                None => TextForm::Name.make(source, longest, random),
            },
            TextForm::Random { prefix, alphabet } => {
                let count = source.len().saturating_sub(prefix.len()).max(RANDOM);
                let mut key = prefix.clone().into_bytes();
                let mut drawn = draw(count, alphabet, random);
                // A cuid2 begins with a letter; a number keeps its number of digits.
                if let (Some(first), Some(was)) = (drawn.first_mut(), source.as_bytes().get(prefix.len())) {
                    while alphabet.contains(was)
                        && (was.is_ascii_alphabetic() && !first.is_ascii_alphabetic()
                            || *alphabet == DIGITS && *was != b'0' && *first == b'0')
                    {
                        *first = draw(1, alphabet, random).first().copied().unwrap_or(*was);
                    }
                }
                key.extend(drawn);
                text(key)
            }
            TextForm::Name => {
                let (sign, alphabet) = appended_to(source);
                let ending = text(draw(RANDOM, alphabet, random));
                let room = longest.unwrap_or(usize::MAX).saturating_sub(RANDOM + 1);
                let kept: String = source.chars().take(room).collect();
                let whole = if kept.is_empty() {
                    ending
                } else {
                    format!("{kept}{sign}{ending}")
                };
                whole.chars().take(longest.unwrap_or(usize::MAX)).collect()
            }
        }
    }
}

/// What is appended to a name, and the sign before it, so that a CHECK on its letters allows the new one, too: capitals behind capitals, and
/// the sign that the name has.
fn appended_to(name: &str) -> (char, &'static [u8]) {
    let sign = name.chars().rev().find(|char| matches!(char, '-' | '_'));
    let capitals = name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase);
    (sign.unwrap_or('-'), if capitals { UPPER } else { LOWER })
}

/// New keys for keys of the source, in their order: as [`TextForm::make`], and keys of the same time stay in order, too.
pub fn make_in_order(
    form: &TextForm,
    sources: &[&str],
    longest: Option<usize>,
    random: &mut dyn FnMut(&mut [u8]),
) -> Vec<String> {
    let TextForm::Generated(generated) = form else {
        return sources
            .iter()
            .map(|source| form.make(source, longest, random))
            .collect();
    };
    let mut taken: HashSet<String> = match generated.is_dense() {
        true => sources.iter().map(|source| (*source).to_owned()).collect(),
        false => HashSet::new(),
    };
    let mut made: Vec<String> = sources
        .iter()
        .map(|source| {
            let mut new = form.make(source, longest, random);
            for _ in 0..ATTEMPTS {
                if !generated.is_dense() || taken.insert(new.clone()) {
                    break;
                }
                new = form.make(source, longest, random);
            }
            new
        })
        .collect();
    // What stays of the keys is the same among all of them, so that the n-th new one begins with the time of the n-th old one.
    made.sort_unstable();
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_unstable_by_key(|place| sources[*place]);
    let mut new = vec![String::new(); sources.len()];
    for (place, key) in order.into_iter().zip(made) {
        new[place] = key;
    }
    new
}

/// Attempts to find a key that no row of the run has.
const ATTEMPTS: usize = 100;

/// Texts with fewer random bits may meet: of 100,000 with more, two are the same in one of 200,000 runs.
pub const ENOUGH_BITS: u32 = 50;

/// Where the digits of a UUID stay: dashes, the version, the variant.
const KEPT_IN_UUID: [usize; 6] = [8, 13, 14, 18, 19, 23];

/// Forms of values that are no keys and keep their time: other letters would make them invalid.
const WITH_TIME: [Generated; 5] = [
    Generated::TypeId,
    Generated::Ulid,
    Generated::LowerUlid,
    Generated::Ksuid,
    Generated::Cuid,
];

/// The characters of which a random text has one in this place; none: that of the source stays.
type Place = Option<&'static [u8]>;

/// Replaces letters and digits by random ones of the same kind; keeps everything else, and what a generated text begins with (`cus_`). UUIDs
/// stay UUIDs of their version, hexadecimal digits stay such.
pub fn scramble(source: &str, random: &mut dyn FnMut(&mut [u8])) -> String {
    source
        .chars()
        .zip(places(source))
        .map(|(c, place)| match place {
            Some(alphabet) => draw(1, alphabet, random).first().map_or(c, |b| char::from(*b)),
            None => c,
        })
        .collect()
}

/// The bits of a scrambled text, rounded down.
pub fn random_bits(source: &str) -> u32 {
    bits(&places(source))
}

fn bits(places: &[Place]) -> u32 {
    places
        .iter()
        .flatten()
        .map(|alphabet| alphabet.len().ilog2())
        .sum()
}

fn places(source: &str) -> Vec<Place> {
    // `char(n)` has spaces at the end.
    let text: Vec<char> = source.trim_end().chars().collect();
    if let Some(found) = WITH_TIME.iter().find_map(|form| form.find(source.trim_end())) {
        let mut out = found.places();
        out.resize(source.chars().count(), None);
        return out;
    }
    let kept = kept_prefix(&text);
    let mut out = vec![None; kept];
    out.extend(places_behind_prefix(&text[kept..]));
    out.resize(source.chars().count(), None);
    out
}

fn places_behind_prefix(text: &[char]) -> Vec<Place> {
    let hex = is_hex(text);
    // A digest: its letters are digits.
    let digest = hex && text.iter().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    // Digits alone are a number: of an article, a telephone. It keeps their count, also if 19 of them are a bigint.
    let number = text.len() >= 6 && text.iter().all(char::is_ascii_digit);
    let mut out: Vec<Place> = text
        .iter()
        .enumerate()
        .map(|(at, c)| match *c {
            _ if digest => Some(HEX),
            '1'..='9' if number && at == 0 => Some(&DIGITS[1..9]),
            '0'..='9' => Some(DIGITS),
            'a'..='f' if hex => Some(&HEX[10..]),
            'A'..='F' if hex => Some(&UPPER[10..16]),
            'a'..='z' => Some(&LOWER[10..]),
            'A'..='Z' => Some(&UPPER[10..]),
            _ => None,
        })
        .collect();
    // Base64: of the last character before the padding, some bits are none of the value's.
    if text.last() == Some(&'=')
        && let Some(at) = text.iter().rposition(|c| *c != '=')
    {
        out[at] = None;
    }
    let mut start = 0;
    while start + 36 <= text.len() {
        let end = start + 36;
        let alone = (start == 0 || !text[start - 1].is_ascii_alphanumeric())
            && !text.get(end).is_some_and(char::is_ascii_alphanumeric);
        if !(alone && is_uuid(&text[start..end])) {
            start += 1;
            continue;
        }
        let upper = text[start..end].iter().any(char::is_ascii_uppercase);
        let digits: &'static [u8] = if upper { &UPPER[..16] } else { HEX };
        for (at, place) in out[start..end].iter_mut().enumerate() {
            *place = (!KEPT_IN_UUID.contains(&at)).then_some(digits);
        }
        start = end;
    }
    out
}

/// Whether this is a UUID with dashes, in any case.
fn is_uuid(text: &[char]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => *c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// Whether these are hexadecimal digits of one case, at least eight, perhaps in groups. Digits alone are none.
fn is_hex(text: &[char]) -> bool {
    text.iter().filter(|c| c.is_ascii_hexdigit()).count() >= 8
        && text.iter().any(char::is_ascii_lowercase) != text.iter().any(char::is_ascii_uppercase)
        && text
            .iter()
            .all(|c| c.is_ascii_hexdigit() || matches!(*c, '-' | ':'))
}

/// The length of what a generated text begins with: `cus_`, `sk_live_`, `urn:uuid:` before enough random characters, the letters before a
/// long number (R100007921).
fn kept_prefix(text: &[char]) -> usize {
    let letters = |from: usize| {
        text[from..]
            .iter()
            .take_while(|c| c.is_ascii_alphabetic())
            .count()
    };
    let first = letters(0);
    let rest = &text[first..];
    if (1..=10).contains(&first) && rest.len() >= 9 && rest.iter().all(char::is_ascii_digit) {
        return first;
    }
    let separator = rest.first().copied();
    if first == 0
        || !matches!(separator, Some('_' | '-' | ':'))
        || is_hex(text)
        || text.get(..36).is_some_and(is_uuid)
    {
        return 0;
    }
    let one_word = first + 1;
    let two_words = one_word + letters(one_word) + 1;
    let is_word = two_words > one_word + 1
        && text.get(two_words - 1).copied() == separator
        && text[one_word..two_words - 1].iter().all(char::is_ascii_lowercase);
    [is_word.then_some(two_words), Some(one_word)]
        .into_iter()
        .flatten()
        .find(|end| bits(&places_behind_prefix(&text[*end..])) >= ENOUGH_BITS)
        .unwrap_or(0)
}

fn within(text: &[u8], alphabet: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| alphabet.contains(byte))
}

/// What all keys begin with, up to a `_`.
fn common_prefix<'a>(mut keys: impl Iterator<Item = &'a str>) -> String {
    let Some(first) = keys.next() else {
        return String::new();
    };
    let Some(end) = first.find('_').map(|at| at + 1) else {
        return String::new();
    };
    let end = match first[end..].find('_') {
        Some(more) if first[end..end + more].bytes().all(|b| b.is_ascii_lowercase()) => end + more + 1,
        _ => end,
    };
    let prefix = &first[..end];
    if keys.all(|key| key.starts_with(prefix)) && prefix.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
    {
        prefix.to_owned()
    } else {
        String::new()
    }
}

/// Random characters, evenly distributed.
fn draw(count: usize, alphabet: &[u8], random: &mut dyn FnMut(&mut [u8])) -> Vec<u8> {
    let limit = 256 - 256 % alphabet.len();
    let mut out = Vec::with_capacity(count);
    let mut buffer = [0; 32];
    while out.len() < count {
        random(&mut buffer);
        let fair = buffer
            .iter()
            .map(|byte| usize::from(*byte))
            .filter(|byte| *byte < limit);
        out.extend(
            fair.take(count - out.len())
                .map(|byte| alphabet[byte % alphabet.len()]),
        );
    }
    out
}

fn text(bytes: Vec<u8>) -> String {
    bytes.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests;
