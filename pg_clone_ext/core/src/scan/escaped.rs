//! Escapes of JSON inside UUIDs.

use std::borrow::Cow;

/// The bytes behind the backslash of an escape of an ASCII character: `u0063`.
const LENGTH: usize = 5;

/// A text with the escapes of hexadecimal digits and dashes decoded (`\u0063` is c), however many backslashes they have: they are those of a
/// JSON text, or of one within a string of it.
#[must_use]
pub fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    let mut plain: Option<Vec<u8>> = None;
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = memchr::memchr(b'\\', &text[at..]) {
        let start = at + found;
        let slashes = text[start..].iter().take_while(|byte| **byte == b'\\').count();
        at = start + slashes;
        let Some(byte) = escaped(&text[at..]) else {
            continue;
        };
        let plain = plain.get_or_insert_default();
        plain.extend_from_slice(&text[copied..start]);
        plain.push(byte);
        at += LENGTH;
        copied = at;
    }
    match plain {
        None => Cow::Borrowed(text),
        Some(mut plain) => {
            plain.extend_from_slice(&text[copied..]);
            Cow::Owned(plain)
        }
    }
}

/// The digit or dash of `u00XX` at the beginning.
fn escaped(text: &[u8]) -> Option<u8> {
    let digits = text.get(..LENGTH)?.strip_prefix(b"u00")?;
    let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (byte == b'-' || byte.is_ascii_hexdigit()).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_digits_and_dashes_are_decoded() {
        for (text, plain) in [
            (r"a\u0030\\u002db\n", r"a0-b\n"),
            (r"\u0063\u0031600000", "c1600000"),
            (r"\\\\u0046", "F"),
            (r"\u00e9 \u0022 \u007 \u00+1 \", r"\u00e9 \u0022 \u007 \u00+1 \"),
            ("without", "without"),
        ] {
            assert_eq!(decoded(text.as_bytes()), plain.as_bytes(), "{text}");
        }
    }
}
