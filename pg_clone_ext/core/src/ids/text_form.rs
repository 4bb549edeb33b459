//! New text keys of the same form as those of the source: cuid, ulid, KSUID, nanoid, hex, `prefix_…`, or a name.

/// Minimum number of random characters of a key, so that two keys of a run do not collide.
const RANDOM: usize = 10;
const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const LOWER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const NANOID: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";
const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The form of a table's text keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextForm {
    /// 26 characters of Crockford's base 32, the first ten of them the time.
    Ulid,
    /// 27 characters of base 62: four bytes of seconds, sixteen random ones.
    Ksuid,
    /// A c and 24 letters or digits: eight of the time, four of a counter, four of the machine, eight random ones.
    Cuid,
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
        let all = |length: usize, alphabet: &[u8]| {
            keys.clone()
                .all(|key| key.len() == length && within(key.as_bytes(), alphabet))
        };
        if keys.clone().next().is_none() {
            return TextForm::Name;
        }
        if all(26, CROCKFORD) && keys.clone().all(|key| key.as_bytes().first() <= Some(&b'7')) {
            return TextForm::Ulid;
        }
        if all(27, BASE62) {
            return TextForm::Ksuid;
        }
        let digits = |key: &str| key.bytes().filter(u8::is_ascii_digit).count();
        if all(25, LOWER) && keys.clone().all(|key| key.starts_with('c') && digits(key) > 0) {
            return TextForm::Cuid;
        }
        let prefix = common_prefix(keys.clone());
        let rest = |key: &'a str| key.as_bytes().get(prefix.len()..).unwrap_or_default();
        if keys.clone().any(|key| rest(key).len() < RANDOM) {
            return TextForm::Name;
        }
        for alphabet in [DIGITS, HEX, LOWER, UPPER, BASE62, NANOID] {
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
            TextForm::Ulid => timed(source, 10, CROCKFORD, random),
            // The time has 32 bits, six characters 35.
            TextForm::Ksuid => timed(source, 6, BASE62, random),
            TextForm::Cuid => timed(source, 13, LOWER, random),
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
                let ending = text(draw(RANDOM, LOWER, random));
                let room = longest.unwrap_or(usize::MAX).saturating_sub(RANDOM + 1);
                let kept: String = source.chars().take(room).collect();
                let whole = if kept.is_empty() {
                    ending
                } else {
                    format!("{kept}-{ending}")
                };
                whole.chars().take(longest.unwrap_or(usize::MAX)).collect()
            }
        }
    }
}

/// Texts with fewer random bits may meet: of 100,000 with more, two are the same in one of 200,000 runs.
pub const ENOUGH_BITS: u32 = 50;

/// Where the digits of a UUID stay: dashes, the version, the variant.
const KEPT_IN_UUID: [usize; 6] = [8, 13, 14, 18, 19, 23];

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
    if text.last() == Some(&'=') {
        if let Some(at) = text.iter().rposition(|c| *c != '=') {
            out[at] = None;
        }
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

/// A key with the first characters of this one.
fn timed(source: &str, kept: usize, alphabet: &[u8], random: &mut dyn FnMut(&mut [u8])) -> String {
    let (time, rest) = source.split_at(kept.min(source.len()));
    time.to_owned() + &text(draw(rest.len(), alphabet, random))
}

fn text(bytes: Vec<u8>) -> String {
    bytes.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter() -> impl FnMut(&mut [u8]) {
        let mut next = 7u8;
        move |buffer: &mut [u8]| {
            for byte in buffer {
                next = next.wrapping_mul(5).wrapping_add(113);
                *byte = next;
            }
        }
    }

    fn again(keys: &[&str]) -> Vec<String> {
        let form = TextForm::of(keys.iter().copied());
        let mut random = counter();
        keys.iter().map(|key| form.make(key, None, &mut random)).collect()
    }

    #[test]
    fn a_new_key_has_the_form_of_the_old_one() {
        for keys in [
            &["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ"][..],
            &["0ujsswThIGTUYm2K8FjOOfXtY1K", "0ujtsYcgvSTl8PAuAdqWYSMnLOv"],
            &["cjld2cjxh0000qzrmn831i7rn", "cjld2cyuq0000t3rmniod1foy"],
            &["tz4a98xxat96iws9zmbrgj3a", "pfh0haxfpzowht3oi213cqos"],
            &["V1StGXR8_Z5jdHi6B-myT", "4f90d13a42e8c3b1aaaaa"],
            &["cus_NffrFeUfNV2Hib", "cus_9s6XKzkNRiz8i3"],
            &["sk_live_4eC39HqLyjWDarjtT1zd", "sk_live_26PHem9AhJZvU623DfE1"],
            &["9e107d9d372bb6826bd81d3542a419d6"],
            &["1234567890123456789"],
        ] {
            let new = again(keys);
            for (old, new) in keys.iter().zip(&new) {
                assert_eq!(old.len(), new.len(), "{old} {new}");
                assert_ne!(old, new);
                let class = |key: &str| {
                    key.bytes()
                        .map(|b| if b == b'_' { 'u' } else { 'x' })
                        .collect::<String>()
                };
                if old.starts_with("cus_") || old.starts_with("sk_") {
                    assert_eq!(class(old), class(new));
                }
            }
            assert_eq!(
                TextForm::of(new.iter().map(String::as_str)),
                TextForm::of(keys.iter().copied()),
                "{new:?}"
            );
        }
    }

    #[test]
    fn keys_that_begin_with_a_time_stay_in_order() {
        for keys in [
            [
                "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "01ARZ3NDEMTSV4RRFFQ69G5FAV",
                "01BX5ZZKBKACTAV9WEVGEMMVRZ",
            ],
            [
                "0ujsswThIGTUYm2K8FjOOfXtY1K",
                "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
                "0ujzPyRiIAffKhBux4PvQdDqMHY",
            ],
            [
                "cjld2cjxh0000qzrmn831i7rn",
                "cjld2cjxh0001qzrmn831i7rn",
                "cjld2cyuq0000t3rmniod1foy",
            ],
        ] {
            let new = again(&keys);
            assert!(new.is_sorted(), "{new:?}");
            let half = keys[0].len() / 2;
            assert!(
                keys.iter().zip(&new).all(|(old, new)| old[half..] != new[half..]),
                "{new:?}"
            );
        }
    }

    #[test]
    fn names_stay_readable_and_fit() {
        assert_eq!(TextForm::of(["red", "green"].into_iter()), TextForm::Name);
        assert_eq!(
            TextForm::of(["administrator", "superintendent"].into_iter()),
            TextForm::Name
        );
        let new = TextForm::Name.make("green", None, &mut counter());
        assert!(new.starts_with("green-") && new.len() == 16, "{new}");
        let new = TextForm::Name.make("green", Some(12), &mut counter());
        assert!(new.starts_with("g-") && new.len() == 12, "{new}");
        let new = TextForm::Name.make("green", Some(4), &mut counter());
        assert_eq!(new.len(), 4);
    }

    #[test]
    fn scrambled_text_keeps_its_shape() {
        let new = scramble("AB-12 xy", &mut counter());
        let shape = |text: &str| {
            text.chars()
                .map(|c| match c {
                    '0'..='9' => '0',
                    'a'..='z' => 'a',
                    'A'..='Z' => 'A',
                    c => c,
                })
                .collect::<String>()
        };
        assert_eq!(shape(&new), "AA-00 aa");
        assert_ne!(new, "AB-12 xy");
        // An article's number, and a digest.
        assert_eq!(shape(&scramble("9780000007919", &mut counter())), "0".repeat(13));
        let digest = scramble("0f3a99b1", &mut counter());
        assert!(within(digest.as_bytes(), HEX), "{digest}");
        // char(n) has spaces at the end.
        let padded = scramble("0f3a99b1  ", &mut counter());
        assert!(
            padded.ends_with("  ") && within(padded.trim_end().as_bytes(), HEX),
            "{padded}"
        );
        for hex in ["0F3A99B1C2D3", "0f3a-99b1-c2d3", "00:1B:44:11:3A:B7"] {
            let new = scramble(hex, &mut counter());
            assert_eq!(shape(&new), shape(hex));
            assert!(
                new != hex
                    && new
                        .bytes()
                        .all(|b| b.is_ascii_hexdigit() || b == b'-' || b == b':'),
                "{new}"
            );
        }
    }

    #[test]
    fn scrambled_base64_can_be_read() {
        for (base64, kept) in [
            ("r4lh1n/56/QZnf5MN/8p/Q==", "Q=="),
            ("aGVsbG8gd29ybGQgMTI=", "I="),
        ] {
            let new = scramble(base64, &mut counter());
            assert!(new.ends_with(kept) && new != base64, "{new}");
        }
    }

    #[test]
    fn a_scrambled_uuid_is_one() {
        for (start, uuid, end) in [
            ("", "550e8400-e29b-41d4-a716-446655440000", ""),
            ("", "ABCDEFAB-E29B-71D4-8716-446655440000", ""),
            ("", "abcdefab-e29b-11d4-b716-446655440000", "    "),
            ("{", "550E8400-E29B-41D4-A716-446655440000", "}"),
            ("urn:uuid:", "550e8400-e29b-41d4-a716-446655440000", ""),
            ("user_", "deadbeef-e29b-41d4-a716-446655440000", ""),
        ] {
            let source = format!("{start}{uuid}{end}");
            let new = scramble(&source, &mut counter());
            let inner = new
                .strip_prefix(start)
                .and_then(|new| new.strip_suffix(end))
                .unwrap();
            assert!(is_uuid(&inner.chars().collect::<Vec<_>>()), "{new}");
            assert_eq!((&inner[14..15], &inner[19..20]), (&uuid[14..15], &uuid[19..20]));
            assert_ne!(inner[..8], uuid[..8]);
            let upper = uuid.bytes().any(|b| b.is_ascii_uppercase());
            assert!(
                inner.bytes().all(|b| if upper {
                    !b.is_ascii_lowercase()
                } else {
                    !b.is_ascii_uppercase()
                }),
                "{new}"
            );
            assert_eq!(random_bits(&source), 120);
        }
    }

    #[test]
    fn a_scrambled_text_begins_as_generated_ones_do() {
        for (prefix, rest) in [
            ("cus_", "NffrFeUfNV2Hib"),
            ("phc_", "3af8cbb18534b889dce2cf40b9e4d2a1"),
            ("sk_live_", "4eC39HqLyjWDarjtT1zd"),
            ("glpat-", "Ab12Cd34Ef56Gh78Ij90"),
            ("R", "100007921"),
            ("INV", "0000012345"),
        ] {
            let new = scramble(&format!("{prefix}{rest}"), &mut counter());
            assert!(new.starts_with(prefix) && !new.ends_with(rest), "{new}");
            assert_eq!(new.len(), prefix.len() + rest.len());
        }
        // There would be too few.
        for short in ["US_1", "a_7", "R12"] {
            assert_eq!(kept_prefix(&short.chars().collect::<Vec<_>>()), 0, "{short}");
        }
        // A number is one of as many digits.
        let number = scramble("9223372036854775807", &mut counter());
        assert!(number.len() == 19 && number.parse::<i64>().is_ok(), "{number}");
    }
}
