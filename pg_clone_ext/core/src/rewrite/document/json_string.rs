//! The strings of a JSON text: decoding and encoding.
//!
//! A lone surrogate (`\ud800`), which JSON text allows and Unicode does not, is kept as the three bytes that UTF-8
//! would give it if it were a character.

use crate::rewrite::find::boundary::hex_unit;
use std::borrow::Cow;

/// Decodes a string from the bytes between its quotes; `None` if an escape is malformed.
pub(in crate::rewrite) fn unescape(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(first) = memchr::memchr(b'\\', raw) else {
        return Some(Cow::Borrowed(raw));
    };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'\\' {
            out.push(*byte);
            rest = after;
            continue;
        }
        let (escape, after) = after.split_first()?;
        rest = after;
        match escape {
            b'"' | b'\\' | b'/' => out.push(*escape),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let unit = hex_unit(rest.get(..4)?)?;
                rest = &rest[4..];
                match low_half(unit, rest) {
                    Some(code) => {
                        rest = &rest[6..];
                        push_code(&mut out, code);
                    }
                    None => push_code(&mut out, unit),
                }
            }
            _ => return None,
        }
    }
    Some(Cow::Owned(out))
}

/// Writes a string with its quotes.
pub(in crate::rewrite) fn write(string: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = string;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            0xed => match after {
                [second @ 0xa0..=0xbf, third @ 0x80..=0xbf, more @ ..] => {
                    let unit = 0xd000 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
                    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                    rest = more;
                }
                _ => out.push(*byte),
            },
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

/// The character of a surrogate pair: `unit` is the high half, the escape at the beginning of `rest` the low half.
fn low_half(unit: u32, rest: &[u8]) -> Option<u32> {
    let high = unit.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    let low = hex_unit(rest.strip_prefix(b"\\u")?.get(..4)?)?;
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some(0x10000 + (high << 10) + low)
}

fn push_code(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        // A lone surrogate.
        None => out.extend([
            0xe0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_serde_json() {
        for raw in [
            r"plain",
            r"\n\t\r\b\f\/\\\u00e9",
            r"\ud83d\ude00",
            "é日😀",
            r"\u0000\u001f",
            r#"\"q\""#,
        ] {
            let quoted = format!("\"{raw}\"");
            let expected: String = serde_json::from_str(&quoted).unwrap();
            let bytes = unescape(raw.as_bytes()).unwrap();
            assert_eq!(bytes.as_ref(), expected.as_bytes());
            let mut written = Vec::new();
            write(&bytes, &mut written);
            assert_eq!(
                String::from_utf8(written).unwrap(),
                serde_json::to_string(&expected).unwrap()
            );
        }
    }

    #[test]
    fn lone_surrogates_survive() {
        for raw in [r"\ud800", r"a\udfffb", r"\ud800\n", r"\udc00\ud800"] {
            let mut written = Vec::new();
            write(&unescape(raw.as_bytes()).unwrap(), &mut written);
            assert_eq!(written, format!("\"{raw}\"").as_bytes());
        }
    }

    #[test]
    fn malformed_escapes_are_noticed() {
        for raw in [r"\", r"\x", r"\u12", r"\u12g4"] {
            assert_eq!(unescape(raw.as_bytes()), None, "{raw}");
        }
    }
}
