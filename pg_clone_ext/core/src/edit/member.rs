//! Reading one member of a JSON document held as text, without building a tree.

use super::scan::{self, Items};
use std::borrow::Cow;

/// The text of the member at `path` (names of nested objects), without the white space around it.
///
/// Of several members with one name the last counts, as in `jsonb` and JavaScript; so the whole object is read.
/// `None` when there is no such member or the text is malformed on the way; the rest is not validated.
pub fn find<'a>(document: &'a [u8], path: &[&str]) -> Option<&'a [u8]> {
    let start = scan::white(document, 0);
    let (mut from, mut to) = match path.is_empty() {
        true => (start, scan::value(document, start)?),
        false => (start, document.len()),
    };
    for name in path {
        let mut items = Items::new(&document[..to], from)?;
        let mut found = None;
        for item in &mut items {
            if scan::spells(&document[item.start..item.name_end], name) {
                found = Some(item);
            }
        }
        items.close()?;
        let item = found?;
        (from, to) = (item.value, item.end);
    }
    document.get(from..to)
}

/// The string at `path`; `None` when there is none, or something else than a string.
pub fn string<'a>(document: &'a [u8], path: &[&str]) -> Option<Cow<'a, str>> {
    let quoted = find(document, path)?;
    let inner = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice(quoted).ok().map(Cow::Owned)
}
