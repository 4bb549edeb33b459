//! Checks the boundaries of a found id: it must not be part of a longer run of hexadecimal digits or of an escape.

/// The encoding of a string in the searched bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) enum Encoding {
    /// The string itself.
    Plain,
    /// Inside a JSON text, where a character may be an escape (`\n`, `\u00e9`, `\/`).
    Json,
}

/// Whether an id may begin after `before`.
///
/// Words may touch an id, in any script (`患者<id>の記録`, `widget<id>`), because 122 bits do not match by chance. Only
/// next to hexadecimal digits it is part of a longer value. A percent escape before it
/// counts as the character that it represents, however often it is escaped (`%2F<id>`, `%252F<id>`).
#[inline]
pub(in crate::rewrite) fn begins_alone(before: &[u8], encoding: Encoding) -> bool {
    match before.last() {
        None => true,
        Some(b'\\') => encoding == Encoding::Plain || !is_escaping(before),
        Some(byte) if !byte.is_ascii_alphanumeric() => true,
        Some(_) => begins_behind_digits(before, encoding),
    }
}

/// Whether an id may begin after `before`, which ends in an ASCII letter or digit.
fn begins_behind_digits(before: &[u8], encoding: Encoding) -> bool {
    if encoding == Encoding::Json && is_in_unicode_escape(before) {
        return false;
    }
    let mut rest = before;
    let mut run = 0;
    loop {
        if encoding == Encoding::Json
            && let Some(character) = last_escaped_char(rest)
        {
            return run == 0 || character.is_some_and(char::is_alphanumeric);
        }
        match rest.split_last() {
            Some((byte, head)) if byte.is_ascii_hexdigit() => {
                rest = head;
                run += 1;
            }
            Some((byte, _)) if byte.is_ascii_alphabetic() => {
                let is_escape = encoding == Encoding::Json && is_escaping(&rest[..rest.len() - 1]);
                return run == 0 || !is_escape;
            }
            Some((b'%', _)) => return is_percent_escape(&before[rest.len()..]),
            // `\b` and `\f`, here or in a document inside the string.
            Some((b'\\', _)) if matches!(before[rest.len()], b'b' | b'f') => return run == 1,
            Some((0x80.., _)) => return run == 0 || last_char(rest).is_some_and(char::is_alphanumeric),
            _ => return run == 0,
        }
    }
}

/// Whether an id may end before `after`.
#[inline]
pub(in crate::rewrite) fn ends_alone(after: &[u8], encoding: Encoding) -> bool {
    let run = after.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if run == 0 {
        return true;
    }
    let rest = &after[run..];
    match rest.first() {
        Some(byte) if byte.is_ascii_alphabetic() => true,
        Some(0x80..) => first_char(rest).is_some_and(char::is_alphanumeric),
        Some(b'\\') if encoding == Encoding::Json && rest.get(1) == Some(&b'u') => {
            first_escaped_char(rest).is_some_and(char::is_alphanumeric)
        }
        _ => false,
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

/// Whether digits after a percent sign are the escape of a character that is not a hexadecimal digit, escaped any
/// number of times: `2F`, `252F`.
fn is_percent_escape(mut digits: &[u8]) -> bool {
    while digits.len() > 2 {
        match digits.strip_prefix(b"25") {
            Some(rest) => digits = rest,
            None => return false,
        }
    }
    let [high, low] = digits else { return false };
    match (hex_value(*high), hex_value(*low)) {
        (Some(high), Some(low)) => !((high << 4 | low) as u8).is_ascii_hexdigit(),
        _ => false,
    }
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

    fn before(text: &str) -> (bool, bool) {
        (
            begins_alone(text.as_bytes(), Encoding::Plain),
            begins_alone(text.as_bytes(), Encoding::Json),
        )
    }

    fn after(text: &str) -> (bool, bool) {
        (
            ends_alone(text.as_bytes(), Encoding::Plain),
            ends_alone(text.as_bytes(), Encoding::Json),
        )
    }

    #[test]
    fn hexadecimal_digits_alone_close() {
        for text in [
            "7", "a", "00F", "/abc", "-9", "😀a", "%2Fa", "%41", "%2541", "2F%61", "\\\\ab",
        ] {
            assert_eq!(before(text), (false, false), "before {text}");
        }
        for text in ["7", "a", "00F/", "abc-", "9😀", "1\\n"] {
            assert_eq!(after(text), (false, false), "after {text}");
        }
    }

    #[test]
    fn words_of_any_script_and_separators_open() {
        for text in [
            "",
            "/",
            "-",
            "_",
            " ",
            "\"",
            "“",
            "😀",
            "»",
            "x",
            "é",
            "日",
            "٣",
            "𝒳",
            "患者",
            "ผู้ป่วย",
            "widget",
            "page",
            "sha1",
            "éa",
            "日7",
            "%2F",
            "%3d",
            "%c3%a9",
            "%252F",
            "%25252f",
            "\\b",
            "\\f",
            "\\n",
        ] {
            assert_eq!(before(text), (true, true), "before {text}");
        }
        for text in [
            "",
            "/",
            "-",
            "_",
            "x",
            "é",
            "日本",
            "の記録",
            "ครับ",
            "age",
            "1st",
            "s",
            "a日",
            "%2F",
            "\\n",
        ] {
            assert_eq!(after(text), (true, true), "after {text}");
        }
    }

    #[test]
    fn an_escape_is_the_character_it_stands_for() {
        assert_eq!(before(r"\\n"), (true, true), "a backslash and the letter n");
        assert_eq!(before(r"\nabc"), (true, false), "a line end and digits");
        assert_eq!(before(r"\u00e9"), (true, true));
        assert_eq!(before(r"\u00e9abc"), (true, true), "é");
        assert_eq!(
            before(r"\u000babc"),
            (true, false),
            "a control character and digits"
        );
        assert_eq!(before(r"\u0022"), (true, true));
        assert_eq!(after(r"abc\u00e9"), (false, true));
        assert_eq!(after(r"abc\u0022"), (false, false));
        assert_eq!(after(r"\u00"), (true, true), "cut off");
    }

    #[test]
    fn an_id_whose_first_digit_belongs_to_an_escape_is_none() {
        // `\b1234567-…`: the b is the escape's.
        assert_eq!(before(r"\"), (true, false));
        assert_eq!(before(r"\\"), (true, true));
        // `\u12345678-…`
        for text in [r"\u", r"\u1", r"\u12", r"\u123"] {
            assert!(!before(text).1, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_open() {
        assert!(begins_alone(b"\xe9", Encoding::Plain));
        assert!(ends_alone(b"\xe9-", Encoding::Plain));
        assert!(begins_alone(b"\x80\x80\x80\x80\x80", Encoding::Plain));
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
