//! Text ids (`bot-1`, `10378.1/1696289`) in a string: where they count, and where they end.
//!
//! A text id may look like any word, so it counts only behind the name of its type (`Bot/bot-1`) and in fields that
//! are declared to hold ids ([`super::IdPaths`]).

use super::boundary::{Encoding, open_after, open_before};
use super::dangling::is_type_name;
use crate::ids::{MappedText, TextIdMap};

/// A text id of the source in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextHit<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Never `Unknown`.
    pub(super) mapped: MappedText<'a>,
}

/// The ids in `Type/<id>` forms, in order.
pub(super) fn typed<'a>(texts: &'a TextIdMap, string: &[u8]) -> Vec<TextHit<'a>> {
    let mut found = Vec::new();
    let mut done = 0;
    for slash in memchr::memchr_iter(b'/', string) {
        if slash < done {
            continue;
        }
        let letters = string[done..slash]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let name = &string[slash - letters..slash];
        if !is_type_name(name) || !opens_type(&string[..slash - letters]) {
            continue;
        }
        if let Some(hit) = longest_id(texts, name, string, slash + 1) {
            done = hit.end;
            found.push(hit);
        }
    }
    found
}

/// The ids anywhere in a string that is declared to embed ids, in order.
///
/// An id is not preceded by a letter or digit, nor by a dot, dash or underscore that joins it to one; and not
/// followed by either, or by a slash and more: `10378.1/16962` is not in `10378.1/16962891`, `10378.1/16962-b` or
/// `10378.1/16962/3`. A slash before is fine (`http://hdl.handle.net/10378.1/16962`). Of two that begin at
/// the same place the longer one counts.
pub(super) fn embedded<'a>(texts: &'a TextIdMap, string: &[u8]) -> Vec<TextHit<'a>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < string.len() {
        let begins = is_id_byte(string[start]) && opens_embedded(&string[..start]);
        let hit = if begins {
            embedded_at(texts, string, start)
        } else {
            None
        };
        match hit {
            Some(hit) => {
                start = hit.end;
                found.push(hit);
            }
            None => start += 1,
        }
    }
    found
}

/// The longest known id at `start` that ends where a reference may.
fn longest_id<'a>(texts: &'a TextIdMap, name: &[u8], string: &[u8], start: usize) -> Option<TextHit<'a>> {
    let limit = string.len().min(start + texts.longest());
    let run = string[start..limit]
        .iter()
        .position(|byte| ends_reference(*byte) && *byte != b'/');
    let mut end = run.map_or(limit, |run| start + run);
    loop {
        let closed = string.get(end).is_none_or(|byte| ends_reference(*byte));
        if closed && end > start {
            let mapped = texts.lookup_typed(name, &string[start..end]);
            if mapped != MappedText::Unknown {
                return Some(TextHit { start, end, mapped });
            }
        }
        end = start + memchr::memrchr(b'/', &string[start..end])?;
    }
}

fn embedded_at<'a>(texts: &'a TextIdMap, string: &[u8], start: usize) -> Option<TextHit<'a>> {
    let limit = string.len().min(start + texts.longest());
    let run = string[start..limit]
        .iter()
        .take_while(|byte| is_id_byte(**byte) || is_joint(**byte))
        .count();
    (start + 1..=start + run)
        .rev()
        .filter(|end| closes_embedded(&string[*end..]))
        .find_map(|end| match texts.lookup(b"", &string[start..end]) {
            MappedText::Unknown => None,
            mapped => Some(TextHit { start, end, mapped }),
        })
}

/// What may follow the id of a `Type/<id>`.
fn ends_reference(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"/?#|&\"'<>,;)\\".contains(&byte)
}

fn opens_type(before: &[u8]) -> bool {
    open_before(before, Encoding::Json) && !matches!(before.last(), Some(b'.' | b'-' | b'_'))
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Bytes inside an id that join its parts.
fn is_joint(byte: u8) -> bool {
    matches!(byte, b'.' | b'-' | b'_' | b'/' | b':')
}

fn opens_embedded(before: &[u8]) -> bool {
    // The string may be a serialised document itself, with escapes.
    if !open_before(before, Encoding::Json) {
        return false;
    }
    match before {
        [head @ .., b'.' | b'-' | b'_'] => open_before(head, Encoding::Json),
        _ => true,
    }
}

fn closes_embedded(after: &[u8]) -> bool {
    match after {
        [b'.' | b'-' | b'_' | b'/', rest @ ..] => open_after(rest, Encoding::Json) || rest.is_empty(),
        _ => open_after(after, Encoding::Json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> TextIdMap {
        let mut map = TextIdMap::new(usize::MAX);
        map.insert_typed("Bot", "bot-1", "bot-9").unwrap();
        map.insert("10378.1/1696289", "10378.1/20").unwrap();
        map.insert("10378.1/1696289/5", "10378.1/25").unwrap();
        map.insert("bare", "new").unwrap();
        map
    }

    fn spans(hits: &[TextHit<'_>]) -> Vec<(usize, usize)> {
        hits.iter().map(|hit| (hit.start, hit.end)).collect()
    }

    #[test]
    fn a_typed_id_ends_at_a_separator() {
        let map = map();
        for text in [
            "Bot/bot-1",
            "Bot/bot-1/$execute",
            "Bot/bot-1?x",
            "Bot/bot-1|2",
            "Bot/bot-1)",
            "Bot/bot-1\"}",
            "Bot/bot-1#a",
        ] {
            assert_eq!(spans(&typed(&map, text.as_bytes())), [(4, 9)], "{text}");
        }
        for text in [
            "Bot/bot-12",
            "Bot/bot-1.",
            "Bot/bot-1x",
            "Robot/bot-1x",
            "Bot/",
            "bot-1",
            "bot/bot-1",
            "Task/bot-1",
            "xBot/bot-1",
            "my-Bot/bot-1",
            "B/bot-1",
        ] {
            assert_eq!(spans(&typed(&map, text.as_bytes())), [], "{text}");
        }
    }

    #[test]
    fn a_typed_id_may_contain_a_slash_and_the_longest_counts() {
        let map = map();
        let text = b"https://x/Dataset/10378.1/1696289, Dataset/10378.1/1696289/5 Dataset/10378.1/1696289/6";
        assert_eq!(spans(&typed(&map, text)), [(18, 33), (43, 60), (69, 84)]);
    }

    #[test]
    fn several_typed_ids_in_one_string() {
        let map = map();
        assert_eq!(
            spans(&typed(&map, b"Bot/bot-1,Bot/bot-1 /Bot/bot-1")),
            [(4, 9), (14, 19), (25, 30)]
        );
    }

    #[test]
    fn embedded_ids_stand_alone() {
        let map = map();
        for (text, expected) in [
            ("10378.1/1696289", vec![(0, 15)]),
            ("\"10378.1/1696289\": 1", vec![(1, 16)]),
            ("http://hdl.handle.net/10378.1/1696289", vec![(22, 37)]),
            ("model_run/10378.1/1696289.", vec![(10, 25)]),
            ("\\n10378.1/1696289\\\"", vec![(2, 17)]),
            ("default:10378.1/1696289/", vec![(8, 23)]),
            ("10378.1/1696289/5", vec![(0, 17)]),
            ("10378.1/16962891", vec![]),
            ("10378.1/1696289/6", vec![]),
            ("10378.1/1696289-b", vec![]),
            ("10378.1/1696289.5", vec![]),
            ("110378.1/1696289", vec![]),
            ("9.10378.1/1696289", vec![]),
            ("x_bare bare", vec![(7, 11)]),
            ("barebare", vec![]),
            ("bébare", vec![]),
        ] {
            assert_eq!(spans(&embedded(&map, text.as_bytes())), expected, "{text}");
        }
    }
}
