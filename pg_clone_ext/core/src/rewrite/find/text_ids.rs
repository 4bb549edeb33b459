//! Text ids (`bot-1`, `10378.1/1696289`) in a string: where they are recognized, and where they end.
//!
//! A text id may look like any word, so it is recognized only after the name of its type (`Bot/bot-1`) and in fields that
//! are declared to hold ids ([`crate::rewrite::IdPaths`]). A letter of another script next to an ASCII id is not part of it.

use super::boundary::{closes_text_id, opens_text_id};
use crate::ids::{MappedText, TextIdMap};
use crate::rewrite::dangling::is_type_name;

/// A text id of the source in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) struct TextHit<'a> {
    pub(in crate::rewrite) start: usize,
    pub(in crate::rewrite) end: usize,
    /// Never `Unknown`.
    pub(in crate::rewrite) mapped: MappedText<'a>,
}

/// The ids in `Type/<id>` forms, in order.
pub(in crate::rewrite) fn typed<'a>(texts: &'a TextIdMap, string: &[u8]) -> Vec<TextHit<'a>> {
    let mut found = Vec::new();
    let mut done = 0;
    for slash in memchr::memchr_iter(b'/', string) {
        if slash < done {
            continue;
        }
        let Some(name) = type_before(texts, &string[done..slash], &string[..slash]) else {
            continue;
        };
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
/// the same place the longer one is taken.
pub(in crate::rewrite) fn embedded<'a>(texts: &'a TextIdMap, string: &[u8]) -> Vec<TextHit<'a>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < string.len() {
        let begins = is_id_byte(string[start]) && opens_embedded(&string[..start], string[start]);
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

/// The ids that are found anywhere, in order: no ASCII letter or digit is next to them. Of two that begin at the same
/// place the longer one is taken.
pub(in crate::rewrite) fn anywhere<'a>(texts: &'a TextIdMap, string: &[u8]) -> Vec<TextHit<'a>> {
    let mut found = Vec::new();
    let lengths = texts.lengths_anywhere();
    let Some(shortest) = lengths.first() else {
        return found;
    };
    let is_word = |at: usize| string.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let mut start = 0;
    while start + shortest <= string.len() {
        let ends = || lengths.iter().rev().map(|length| start + length);
        let hit = if start > 0 && is_word(start - 1) {
            None
        } else {
            ends()
                .filter(|end| *end <= string.len() && !is_word(*end))
                .find_map(|end| match texts.lookup(b"", &string[start..end]) {
                    MappedText::Unknown => None,
                    mapped => Some(TextHit { start, end, mapped }),
                })
        };
        start = hit.map_or(start + 1, |hit| hit.end);
        found.extend(hit);
    }
    found
}

/// The name of a type at the end of `before`: one that has ids, or one that looks like a type. `since` is the part
/// after the previous reference.
fn type_before<'s>(texts: &TextIdMap, since: &'s [u8], before: &'s [u8]) -> Option<&'s [u8]> {
    let tail = |is_in: fn(&u8) -> bool| {
        let length = since.iter().rev().take_while(|byte| is_in(byte)).count();
        let (head, name) = before.split_at(before.len() - length);
        let opens = name.first().is_some_and(|first| opens_type(head, *first));
        opens.then_some(name)
    };
    let known = tail(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    known
        .filter(|name| texts.knows_type(name))
        .or_else(|| tail(u8::is_ascii_alphabetic).filter(|name| is_type_name(name)))
}

/// The longest known id at `start` that ends where a reference may.
fn longest_id<'a>(texts: &'a TextIdMap, name: &[u8], string: &[u8], start: usize) -> Option<TextHit<'a>> {
    let limit = string.len().min(start + texts.longest());
    let run = string[start..limit]
        .iter()
        .position(|byte| ends_reference(*byte) && *byte != b'/');
    let last = run.map_or(limit, |run| start + run);
    (start + 1..=last)
        .rev()
        .filter(|end| closes_reference(string, *end))
        .find_map(|end| match texts.lookup_typed(name, &string[start..end]) {
            MappedText::Unknown => None,
            mapped => Some(TextHit { start, end, mapped }),
        })
}

fn embedded_at<'a>(texts: &'a TextIdMap, string: &[u8], start: usize) -> Option<TextHit<'a>> {
    let limit = string.len().min(start + texts.longest());
    let run = string[start..limit]
        .iter()
        .take_while(|byte| is_id_byte(**byte) || is_joint(**byte))
        .count();
    (start + 1..=start + run)
        .rev()
        .filter(|end| closes_embedded(&string[*end..], string[end - 1]))
        .find_map(|end| match texts.lookup(b"", &string[start..end]) {
            MappedText::Unknown => None,
            mapped => Some(TextHit { start, end, mapped }),
        })
}

/// What may follow the id of a `Type/<id>`.
fn ends_reference(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"/?#|&\"'<>,;)\\".contains(&byte)
}

/// Whether the id of a `Type/<id>` may end at `end`.
fn closes_reference(string: &[u8], end: usize) -> bool {
    match string.get(end) {
        Some(0x80..) => string[end - 1].is_ascii() && closes_text_id(&string[end..], string[end - 1]),
        next => next.is_none_or(|byte| ends_reference(*byte)),
    }
}

fn opens_type(before: &[u8], edge: u8) -> bool {
    opens_text_id(before, edge) && !matches!(before.last(), Some(b'.' | b'-' | b'_'))
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Bytes inside an id that join its parts.
fn is_joint(byte: u8) -> bool {
    matches!(byte, b'.' | b'-' | b'_' | b'/' | b':')
}

fn opens_embedded(before: &[u8], edge: u8) -> bool {
    if !opens_text_id(before, edge) {
        return false;
    }
    match before {
        [head @ .., b'.' | b'-' | b'_'] => opens_text_id(head, edge),
        _ => true,
    }
}

fn closes_embedded(after: &[u8], edge: u8) -> bool {
    match after {
        [b'.' | b'-' | b'_' | b'/', rest @ ..] => rest.is_empty() || closes_text_id(rest, edge),
        _ => closes_text_id(after, edge),
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
    fn a_type_that_has_ids_may_be_written_in_any_way() {
        let mut map = map();
        map.insert_typed("order_item", "a1", "b1").unwrap();
        for text in ["order_item/a1", "x/order_item/a1?b", "参照order_item/a1の"] {
            assert_eq!(typed(&map, text.as_bytes()).len(), 1, "{text}");
        }
        for text in ["item/a1", "my_order_item/a1", "order_item/a12", "order_item/a1é"] {
            assert_eq!(spans(&typed(&map, text.as_bytes())), [], "{text}");
        }
        assert_eq!(spans(&typed(&map, "Bot/bot-1の".as_bytes())), [(4, 9)]);
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
    fn ids_that_count_anywhere_are_found_between_other_characters_than_letters_and_digits() {
        let mut map = map();
        map.insert_anywhere("clh3am8hi0000356tdfk5hsgu", Some("x"))
            .unwrap();
        map.insert_anywhere("clh3am8hi0000356tdfk5hsgu-2", Some("y"))
            .unwrap();
        map.insert_anywhere("V1StGXR8_Z5jdHi6B-myT", None).unwrap();
        for (text, expected) in [
            ("clh3am8hi0000356tdfk5hsgu", vec![(0, 25)]),
            ("a_clh3am8hi0000356tdfk5hsgu.png", vec![(2, 27)]),
            ("/clh3am8hi0000356tdfk5hsgu-2/", vec![(1, 28)]),
            ("clh3am8hi0000356tdfk5hsgu-21", vec![(0, 25)]),
            (
                "前clh3am8hi0000356tdfk5hsgu后V1StGXR8_Z5jdHi6B-myT",
                vec![(3, 28), (31, 52)],
            ),
            ("xclh3am8hi0000356tdfk5hsgu clh3am8hi0000356tdfk5hsguz", vec![]),
            ("bare 10378.1/1696289", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(spans(&anywhere(&map, text.as_bytes())), expected, "{text}");
        }
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
            ("参照bareの", vec![(6, 10)]),
            ("баре10378.1/1696289а", vec![(8, 23)]),
        ] {
            assert_eq!(spans(&embedded(&map, text.as_bytes())), expected, "{text}");
        }
    }
}
