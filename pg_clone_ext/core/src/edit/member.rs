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
    scan::name(
        quoted
            .strip_suffix(b"\"")
            .filter(|open| open.starts_with(b"\""))
            .and(Some(quoted))?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#" {"contained":[{"meta":{"versionId":"inner"}}], "n": 1.50 ,
        "text":"\"meta\":{\"versionId\":\"quoted\"}","meta" : { "versionId" : "v\u0031" ,"tag":[{}, "]"]}, "e":"a\\"} "#;

    fn found(path: &[&str]) -> Option<&'static str> {
        find(DOCUMENT.as_bytes(), path).map(|span| std::str::from_utf8(span).unwrap())
    }

    #[test]
    fn only_the_document_s_own_member_is_found() {
        assert_eq!(found(&["meta", "versionId"]), Some(r#""v\u0031""#));
        assert_eq!(
            string(DOCUMENT.as_bytes(), &["meta", "versionId"]).as_deref(),
            Some("v1")
        );
        assert_eq!(found(&["n"]), Some("1.50"));
        assert_eq!(found(&["meta", "tag"]), Some(r#"[{}, "]"]"#));
    }

    #[test]
    fn what_is_not_there_is_none() {
        assert_eq!(found(&["versionId"]), None);
        assert_eq!(found(&["contained", "meta"]), None);
        assert_eq!(found(&["n", "x"]), None);
        assert_eq!(string(DOCUMENT.as_bytes(), &["n"]), None);
    }

    #[test]
    fn a_plain_string_is_borrowed() {
        assert!(matches!(
            string(br#"{"a":"b"}"#, &["a"]),
            Some(Cow::Borrowed("b"))
        ));
    }

    #[test]
    fn the_last_of_several_members_counts() {
        assert_eq!(string(br#"{"a":"1","a":"2"}"#, &["a"]).as_deref(), Some("2"));
    }

    #[test]
    fn malformed_text_is_none() {
        for text in [
            "",
            "{",
            r#"{"a""#,
            r#"{"a":"#,
            r#"{"a":"b"#,
            r#"{"a":[}"#,
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            "[1]",
        ] {
            assert_eq!(find(text.as_bytes(), &["a"]), None, "{text}");
        }
    }
}
