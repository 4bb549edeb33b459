//! Ids with a `\u` escape inside (`2000000\u0030-…`): the search for dashes and digits does not find them.
//!
//! Very few documents have escapes of characters that need none, so all others cost only one search for such an escape.

use crate::ids::IdMap;

/// The beginning of such an escape.
const PREFIX: &[u8] = b"\\u00";

/// Whether there is an escape of a character that ids, types, versions and percent escapes are made of. It may be the
/// text of one, behind an escaped backslash.
#[inline]
pub(in crate::rewrite) fn has_escape(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\\', bytes).any(|at| {
        bytes[at..].starts_with(PREFIX)
            && escaped(&bytes[at..]).is_some_and(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'%' | b'/')
            })
    })
}

/// The ASCII character of the `\u00XX` at the beginning.
fn escaped(bytes: &[u8]) -> Option<u8> {
    let digits = bytes.get(PREFIX.len()..PREFIX.len() + 2)?;
    let code = super::boundary::hex_unit(digits)?;
    u8::try_from(code).ok().filter(u8::is_ascii)
}

/// The string with the escapes inside ids of the source decoded; `None` when there is no such id.
///
/// The escapes are those of a JSON text inside the string, however many backslashes they have.
pub(in crate::rewrite) fn decode_ids(ids: &IdMap, string: &[u8]) -> Option<Vec<u8>> {
    let (plain, origins) = decode(string);
    let mut out: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut hits = Vec::new();
    super::collect_hits(ids, &plain, &mut hits);
    for super::Hit { at, len, .. } in hits {
        let (start, end) = (origins[at], origins[at + len]);
        if end - start == len || start < copied {
            continue;
        }
        let out = out.get_or_insert_default();
        out.extend_from_slice(&string[copied..start]);
        out.extend_from_slice(&plain[at..at + len]);
        copied = end;
    }
    out.map(|mut out| {
        out.extend_from_slice(&string[copied..]);
        out
    })
}

/// The string with the escapes of dashes and hexadecimal digits decoded, and where each of its bytes began.
fn decode(string: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut plain, mut origins) = (
        Vec::with_capacity(string.len()),
        Vec::with_capacity(string.len() + 1),
    );
    let mut at = 0;
    while let Some(&byte) = string.get(at) {
        let slashes = string[at..].iter().take_while(|byte| **byte == b'\\').count();
        let digit = match slashes {
            0 => None,
            _ => {
                escaped(&string[at + slashes - 1..]).filter(|byte| *byte == b'-' || byte.is_ascii_hexdigit())
            }
        };
        let is_escape = string[at..]
            .get(slashes..)
            .is_some_and(|rest| rest.starts_with(b"u00"));
        origins.push(at);
        match digit {
            Some(digit) if is_escape => {
                plain.push(digit);
                at += slashes + 5;
            }
            _ => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    origins.push(at);
    (plain, origins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escapes_of_id_characters_count() {
        for text in [r"\u0030", r"x\u002d", r"\\u0061", r"\u00e9\u0046", r"\u005f"] {
            assert!(has_escape(text.as_bytes()), "{text}");
        }
        for text in ["", r"\u00e9", r"\u0022", r"\u003c", r"\u00", r"u0030", r"\u000a"] {
            assert!(!has_escape(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn bytes_know_where_they_began() {
        let (plain, origins) = decode(br"a\u0030\\u002db\n");
        assert_eq!(plain, br"a0-b\n");
        assert_eq!(origins, [0, 1, 7, 14, 15, 16, 17]);
    }
}
