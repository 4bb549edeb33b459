//! Whether an id found in bytes stands alone: no letter or digit of any script directly before or after it.

/// How the characters of a string stand in the bytes that are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// The string itself.
    Plain,
    /// Inside a JSON text, where a character may be an escape (`\n`, `\u00e9`, `\/`).
    Json,
}

/// Whether the id at `start..end` has no letter or digit as a neighbour.
///
/// In JSON text an escape counts as the character it stands for. A percent escape before the id (`Patient%2F<id>`)
/// does too. Bytes that are not UTF-8 count as no letter.
#[inline]
pub(super) fn stands_alone(bytes: &[u8], start: usize, end: usize, encoding: Encoding) -> bool {
    open_before(&bytes[..start], encoding) && open_after(&bytes[end..], encoding)
}

/// Whether an id may begin after `before`.
#[inline]
pub(super) fn open_before(before: &[u8], encoding: Encoding) -> bool {
    let Some(&last) = before.last() else { return true };
    match last {
        b'\\' if encoding == Encoding::Json => trailing_backslashes(before).is_multiple_of(2),
        _ if last.is_ascii_alphanumeric() => {
            ends_percent_escape(before) || (encoding == Encoding::Json && ends_open_escape(before))
        }
        0x80.. => !last_char(before).is_some_and(char::is_alphanumeric),
        _ => true,
    }
}

/// Whether an id may end before `after`.
#[inline]
pub(super) fn open_after(after: &[u8], encoding: Encoding) -> bool {
    match after.first() {
        None => true,
        Some(b'\\') if encoding == Encoding::Json && after.get(1) == Some(&b'u') => {
            !first_escaped_char(after).is_some_and(char::is_alphanumeric)
        }
        Some(byte) if byte.is_ascii() => !byte.is_ascii_alphanumeric(),
        Some(_) => !first_char(after).is_some_and(char::is_alphanumeric),
    }
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
    let Some((head, unit)) = split_last_unicode_escape(before) else {
        return false;
    };
    let code = match unit {
        // The low half of a pair: the character is in both.
        0xdc00..0xe000 => match split_last_unicode_escape(head) {
            Some((_, high @ 0xd800..0xdc00)) => 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
            _ => return true,
        },
        _ => unit,
    };
    !char::from_u32(code).is_some_and(char::is_alphanumeric)
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
pub(super) fn hex_unit(digits: &[u8]) -> Option<u32> {
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
pub(super) fn first_char(bytes: &[u8]) -> Option<char> {
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

    fn before(text: &str) -> (bool, bool) {
        (
            open_before(text.as_bytes(), Encoding::Plain),
            open_before(text.as_bytes(), Encoding::Json),
        )
    }

    fn after(text: &str) -> (bool, bool) {
        (
            open_after(text.as_bytes(), Encoding::Plain),
            open_after(text.as_bytes(), Encoding::Json),
        )
    }

    #[test]
    fn letters_and_digits_of_any_script_close() {
        for text in ["x", "7", "é", "日", "٣", "a😀é", "𝒳"] {
            assert_eq!(before(text), (false, false), "before {text}");
        }
        for text in ["x", "7", "é", "日本", "٣", "𝒳"] {
            assert_eq!(after(text), (false, false), "after {text}");
        }
        for text in ["", "/", "-", "_", " ", "\"", "“", "😀", "»"] {
            assert_eq!(before(text), (true, true), "before {text}");
            assert_eq!(after(text), (true, true), "after {text}");
        }
    }

    #[test]
    fn an_escape_before_is_the_character_it_stands_for() {
        assert_eq!(before(r"\n"), (false, true));
        assert_eq!(before(r"\t"), (false, true));
        assert_eq!(before(r"\\n"), (false, false), "a backslash and the letter n");
        assert_eq!(before(r"\\\n"), (false, true));
        assert_eq!(before(r"\u00e9"), (false, false), "é");
        assert_eq!(before(r"\u002F"), (false, true), "a slash");
        assert_eq!(before(r"\\u002F"), (false, false), "no escape");
        assert_eq!(before(r"\ud83d\ude00"), (false, true), "an emoji");
        assert_eq!(before(r"\ud835\udcb3"), (false, false), "a mathematical letter");
        assert_eq!(before(r"\ude00"), (false, true), "half a pair");
        assert_eq!(before(r"\/"), (true, true));
    }

    #[test]
    fn an_id_whose_first_digit_belongs_to_an_escape_is_none() {
        // `\b1234567-…`: the b is the escape's.
        assert_eq!(before(r"\"), (true, false));
        assert_eq!(before(r"\\"), (true, true));
        // `\u12345678-…`
        assert_eq!(before(r"\u"), (false, false));
    }

    #[test]
    fn an_escape_after_is_the_character_it_stands_for() {
        assert_eq!(after(r"\n"), (true, true));
        assert_eq!(after(r"\u00e9"), (true, false));
        assert_eq!(after(r"\u002f"), (true, true));
        assert_eq!(after(r"\ud835\udcb3"), (true, false));
        assert_eq!(after(r"\ud83d\ude00"), (true, true));
        assert_eq!(after(r"\u00"), (true, true), "cut off");
    }

    #[test]
    fn a_percent_escape_of_a_separator_opens() {
        assert_eq!(before("Patient%2F"), (true, true));
        assert_eq!(before("%3d"), (true, true));
        assert_eq!(before("%41"), (false, false), "the letter A");
        assert_eq!(before("%c3%a9"), (false, false));
        assert_eq!(before("2F"), (false, false));
    }

    #[test]
    fn bytes_that_are_no_utf8_open() {
        assert!(open_before(b"\xe9", Encoding::Plain));
        assert!(open_after(b"\xe9-", Encoding::Plain));
        assert!(open_before(b"\x80\x80\x80\x80\x80", Encoding::Plain));
    }
}
