//! Handles inside a text that is JSON itself, such as a serialised PROV-JSON document: found in its string literals,
//! keys and values alike, and replaced there. Everything else is kept byte for byte, also white space and escapes.

use std::collections::HashMap;

/// The handles of a set and those of their clones.
#[derive(Debug, Clone, Default)]
pub struct Handles {
    map: HashMap<String, String>,
    longest: usize,
}

impl Handles {
    /// From pairs of the source's handle and the clone's.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let map: HashMap<String, String> = pairs.into_iter().collect();
        let longest = map.keys().map(String::len).max().unwrap_or_default();
        Handles { map, longest }
    }

    /// The clone of an item of the set.
    pub fn get(&self, source: &str) -> Option<&str> {
        self.map.get(source).map(String::as_str)
    }
}

/// Replaces the handles in a text of JSON; `None` where nothing changes, or the text is not JSON. `renamed` knows the spellings of
/// whole values.
pub fn rewrite(text: &str, map: &Handles, renamed: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) = text.get(at..)?.find('"').map(|n| at + n) {
        let end = literal_end(text.as_bytes(), start)?;
        let literal = text.get(start..end)?;
        let value: String = serde_json::from_str(literal).ok()?;
        if let Some(new) = replace(&value, map, renamed) {
            out.push_str(text.get(copied..start)?);
            out.push_str(&serde_json::to_string(&new).ok()?);
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(text.get(copied..)?);
    Some(out)
}

/// The byte after the closing quote of the literal that starts at `start`.
fn literal_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// A string that is a handle, alone or behind a prefix without white space: `model_run/<handle>`, `p:<handle>`,
/// `http://hdl.handle.net/<handle>`. Prose that mentions a handle is not a reference.
fn replace(value: &str, map: &Handles, renamed: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    if let Some(new) = map.get(value) {
        return Some(new.to_owned());
    }
    if value.contains(char::is_whitespace) {
        return None;
    }
    if let Some(new) = renamed(value) {
        return Some(new);
    }
    // Only the last bytes, up to the length of the longest handle, are looked up: a long value costs no more than a short one.
    let mut from = value.len().saturating_sub(map.longest + 1);
    while !value.is_char_boundary(from) {
        from += 1;
    }
    let end = value.get(from..)?;
    end.match_indices(['/', ':']).find_map(|(n, _)| {
        let (prefix, rest) = value.split_at_checked(from + n + 1)?;
        map.get(rest).map(|new| format!("{prefix}{new}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(text: &str, map: &Handles) -> Option<String> {
        super::rewrite(text, map, &|_| None)
    }

    fn map() -> Handles {
        Handles::new([("10378.1/16".to_string(), "10378.1/9000001".to_string())])
    }

    #[test]
    fn a_long_value_full_of_separators_takes_no_longer() {
        let text = format!("[\"{}10378.1/16\"]", "/ä:".repeat(1_000_000));
        let began = std::time::Instant::now();
        assert!(rewrite(&text, &map()).unwrap().ends_with("/ä:10378.1/9000001\"]"));
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn keys_values_and_qualified_names_change_and_the_rest_stays() {
        let text = r#"{"prefix": {"default": "http://hdl.handle.net/"},  "activity": {"10378.1/16": {"model_run/10378.1/16": true}},
 "used": {"_:id1": {"prov:activity": "10378.1/16", "u": "http://hdl.handle.net/10378.1/16", "é": "\u00e9"}}}"#;
        let expected = text.replace("10378.1/16", "10378.1/9000001");
        assert_eq!(rewrite(text, &map()).as_deref(), Some(expected.as_str()));
    }

    #[test]
    fn a_longer_handle_is_another_handle() {
        assert_eq!(
            rewrite(
                r#"{"a": "10378.1/169", "b": "110378.1/16", "c": "10378.1/16/x"}"#,
                &map()
            ),
            None
        );
    }

    #[test]
    fn prose_stays() {
        assert_eq!(rewrite(r#"{"prov:label": "made from 10378.1/16"}"#, &map()), None);
    }

    #[test]
    fn what_is_not_json_stays() {
        assert_eq!(rewrite("Blank prov document 10378.1/16", &map()), None);
        assert_eq!(rewrite(r#"{"a": "10378.1/16""#, &map()), None);
    }

    #[test]
    fn escaped_literals_are_read_and_written_as_json() {
        let text = r#"{"a\"\\": "10378.1\/16"}"#;
        assert_eq!(
            rewrite(text, &map()).as_deref(),
            Some(r#"{"a\"\\": "10378.1/9000001"}"#)
        );
    }
}
