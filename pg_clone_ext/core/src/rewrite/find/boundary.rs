//! Whether an id found in bytes is one: a UUID that does not begin within an escape, a text id with nothing of its kind beside it.

/// The encoding of a string in the searched bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) enum Encoding {
    /// The string itself.
    Plain,
    /// Inside a JSON text, where a character may be an escape (`\n`, `\u00e9`, `\/`).
    Json,
}

/// Whether the first digit of an id after `before` belongs to an escape of a JSON text: `\b1234567-…`, `\u12345678-…`.
#[inline]
pub(in crate::rewrite) fn begins_in_escape(before: &[u8], encoding: Encoding) -> bool {
    match (encoding, before.last()) {
        (Encoding::Plain, _) | (_, None) => false,
        (Encoding::Json, Some(b'\\')) => is_escaping(before),
        (Encoding::Json, Some(byte)) => {
            (*byte == b'u' || byte.is_ascii_hexdigit()) && is_in_unicode_escape(before)
        }
    }
}

/// Whether the bytes end inside a `\uXXXX`, so that what follows belongs to it.
fn is_in_unicode_escape(before: &[u8]) -> bool {
    (2..=5).any(|back| {
        let Some(at) = before.len().checked_sub(back) else {
            return false;
        };
        before[at..].starts_with(b"\\u") && is_escaping(&before[..=at])
    })
}

/// Whether a text id whose first byte is `edge` may begin after `before`.
///
/// Not after a letter or digit that could be part of the same word: for an ASCII id one of the Latin script, otherwise any.
pub(in crate::rewrite) fn opens_text_id(before: &[u8], edge: u8) -> bool {
    let Some(&last) = before.last() else { return true };
    match last {
        b'\\' => trailing_backslashes(before).is_multiple_of(2),
        _ if last.is_ascii_alphanumeric() => ends_percent_escape(before) || ends_open_escape(before),
        0x80.. => !last_char(before).is_some_and(|c| joins(c, edge)),
        _ => true,
    }
}

/// Whether a text id whose last byte is `edge` may end before `after`.
pub(in crate::rewrite) fn closes_text_id(after: &[u8], edge: u8) -> bool {
    match after.first() {
        None => true,
        Some(b'\\') if after.get(1) == Some(&b'u') => {
            !first_escaped_char(after).is_some_and(|c| joins(c, edge))
        }
        Some(byte) if byte.is_ascii() => !byte.is_ascii_alphanumeric(),
        Some(_) => !first_char(after).is_some_and(|c| joins(c, edge)),
    }
}

fn joins(neighbour: char, edge: u8) -> bool {
    let is_latin = matches!(neighbour, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    neighbour.is_alphanumeric() && (is_latin || !edge.is_ascii())
}

/// `%2F` and the like, of an ASCII character that is no letter or digit.
fn ends_percent_escape(before: &[u8]) -> bool {
    let Some([b'%', high, low]) = before.last_chunk::<3>() else {
        return false;
    };
    match (hex_value(*high), hex_value(*low)) {
        (Some(high), Some(low)) if high < 8 => !((high << 4 | low) as u8).is_ascii_alphanumeric(),
        _ => false,
    }
}

/// A JSON escape that ends in a letter or digit and stands for a character that is none.
fn ends_open_escape(before: &[u8]) -> bool {
    if let [head @ .., b'b' | b'f' | b'n' | b'r' | b't'] = before
        && is_escaping(head)
    {
        return true;
    }
    last_escaped_char(before).is_some_and(|character| !character.is_some_and(char::is_alphanumeric))
}

/// The character of the `\uXXXX` (or pair of them) at the end; `Some(None)` for half a pair.
fn last_escaped_char(bytes: &[u8]) -> Option<Option<char>> {
    let (head, unit) = split_last_unicode_escape(bytes)?;
    let code = match unit {
        // The low half of a pair: the character is in both.
        0xdc00..0xe000 => match split_last_unicode_escape(head) {
            Some((_, high @ 0xd800..0xdc00)) => 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
            _ => return Some(None),
        },
        _ => unit,
    };
    Some(char::from_u32(code))
}

/// Splits a `\uXXXX` off the end.
fn split_last_unicode_escape(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let (head, escape) = bytes.split_last_chunk::<6>()?;
    if escape[..2] != *b"\\u" || !is_escaping(&bytes[..bytes.len() - 5]) {
        return None;
    }
    Some((head, hex_unit(&escape[2..])?))
}

/// The character of the `\uXXXX` (or pair of them) at the beginning.
fn first_escaped_char(bytes: &[u8]) -> Option<char> {
    let unit = hex_unit(bytes.get(2..6)?)?;
    let code = match unit {
        0xd800..0xdc00 if bytes.get(6..8) == Some(b"\\u") => {
            let low = hex_unit(bytes.get(8..12)?)?;
            0x10000 + ((unit - 0xd800) << 10) + low.checked_sub(0xdc00).filter(|low| *low < 0x400)?
        }
        _ => unit,
    };
    char::from_u32(code)
}

/// The number in four hexadecimal digits.
pub(in crate::rewrite) fn hex_unit(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |unit, digit| Some(unit << 4 | hex_value(*digit)?))
}

fn hex_value(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

/// Whether the last byte is a backslash that begins an escape (and is not itself escaped).
fn is_escaping(bytes: &[u8]) -> bool {
    !trailing_backslashes(bytes).is_multiple_of(2)
}

fn trailing_backslashes(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|byte| **byte == b'\\').count()
}

/// The character whose UTF-8 form ends the bytes.
fn last_char(bytes: &[u8]) -> Option<char> {
    let tail = &bytes[bytes.len().saturating_sub(4)..];
    let lead = tail.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
    std::str::from_utf8(&tail[lead..]).ok()?.chars().next_back()
}

/// The character whose UTF-8 form begins the bytes.
pub(in crate::rewrite) fn first_char(bytes: &[u8]) -> Option<char> {
    let head = &bytes[..bytes.len().min(4)];
    let end = head
        .iter()
        .skip(1)
        .position(|byte| byte & 0xc0 != 0x80)
        .map_or(head.len(), |at| at + 1);
    std::str::from_utf8(&head[..end]).ok()?.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_whose_first_digit_belongs_to_an_escape_is_none() {
        let begins = |text: &str| {
            let within = |encoding| begins_in_escape(text.as_bytes(), encoding);
            (within(Encoding::Plain), within(Encoding::Json))
        };
        for text in [r"\", r"\\\", r"\u", r"\u1", r"\u12", r"\u123", r"a\\\u00e"] {
            assert_eq!(begins(text), (false, true), "{text}");
        }
        for text in [
            "", r"\\", r"\\u1", r"\u1234", r"\u1234a", "u1", "7", "/", "é", r"\nabc", "%2F",
        ] {
            assert_eq!(begins(text), (false, false), "{text}");
        }
        assert!(!begins_in_escape(b"\xe9", Encoding::Json));
    }

    #[test]
    fn a_text_id_is_closed_by_letters_of_its_own_script() {
        for text in ["x", "7", "é", "n", r"\u00e9", "%41"] {
            assert!(!opens_text_id(text.as_bytes(), b'b'), "{text}");
        }
        for text in [
            "",
            "/",
            "日",
            "患者",
            "а",
            "😀",
            r"\n",
            r"\u002f",
            r"\ud83d\ude00",
            "%2F",
        ] {
            assert!(opens_text_id(text.as_bytes(), b'b'), "{text}");
        }
        assert!(!opens_text_id("日".as_bytes(), "本".as_bytes()[0]));
        assert!(closes_text_id("の".as_bytes(), b'1') && !closes_text_id("語".as_bytes(), 0xac));
        assert!(!closes_text_id("é".as_bytes(), b'1') && !closes_text_id(r"\u00e9".as_bytes(), b'1'));
    }
}
