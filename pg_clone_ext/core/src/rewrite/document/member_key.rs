//! Finds the key of a position in a JSON text without reading the text from its beginning.

/// The key (escaped bytes) of the member whose string value contains the byte at `at`; empty if the string is not the
/// value of a member (but an element of an array, or a key), `None` if this cannot be determined.
pub(in crate::rewrite) fn member_key(text: &[u8], at: usize) -> Option<&[u8]> {
    let open = opening_quote(text, at)?;
    let colon = last_solid(text, open)?;
    if text[colon] != b':' {
        return Some(b"");
    }
    let close = last_solid(text, colon)?;
    if text[close] != b'"' {
        return None;
    }
    let start = opening_quote(text, close)?;
    text.get(start + 1..close)
}

/// The nearest quote before `at` that is not escaped: inside a string, its beginning.
fn opening_quote(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    loop {
        let quote = memchr::memrchr(b'"', text.get(..end)?)?;
        let backslashes = text[..quote]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if backslashes % 2 == 0 {
            return Some(quote);
        }
        end = quote;
    }
}

/// The nearest place before `at` that is not white space.
fn last_solid(text: &[u8], at: usize) -> Option<usize> {
    text[..at]
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_from_inside_the_value() {
        let text = br#"{"a\"b": 1, "value" : "say \"X\" now", "list": ["X2"], "X3": 0}"#;
        let at = |needle: &[u8]| text.windows(needle.len()).position(|w| w == needle).unwrap();
        assert_eq!(member_key(text, at(b"X\\")), Some(&b"value"[..]));
        assert_eq!(member_key(text, at(b"X2")), Some(&b""[..]));
        assert_eq!(member_key(text, at(b"X3")), Some(&b""[..]));
        assert_eq!(member_key(b"X", 0), None);
    }
}
