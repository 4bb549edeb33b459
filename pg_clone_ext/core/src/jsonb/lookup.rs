//! Reads one string of a payload by its path, without a tree; used for the version of every document.

use super::decode::Container;
use super::layout::{CONTAINER, STRING};

/// The string at a path of object keys; `None` where there is none, or the payload is malformed.
pub fn string_at<'a>(payload: &'a [u8], path: &[impl AsRef<str>]) -> Option<&'a [u8]> {
    let (last, way) = path.split_last()?;
    let mut container = Container::read(payload, 0, payload.len()).ok()?;
    for key in way {
        let (kind, start, end) = member(payload, &container, key.as_ref().as_bytes())?;
        if kind != CONTAINER {
            return None;
        }
        container = Container::read(payload, super::layout::aligned(start), end).ok()?;
    }
    let (kind, start, end) = member(payload, &container, last.as_ref().as_bytes())?;
    if kind == STRING {
        payload.get(start..end)
    } else {
        None
    }
}

/// Kind and place of a member's value. Entries are added up from the first: documents have few members at each level.
fn member(payload: &[u8], container: &Container, key: &[u8]) -> Option<(u32, usize, usize)> {
    if !container.is_object {
        return None;
    }
    let members = container.children / 2;
    let mut found = None;
    let mut start = container.data;
    for index in 0..container.children {
        let child = container.child(payload, index, start).ok()?;
        if index < members {
            if found.is_none() && payload.get(child.start..child.end)? == key {
                found = Some(index + members);
            }
        } else if Some(index) == found {
            return Some((child.kind, child.start, child.end));
        } else if found.is_none() {
            return None;
        }
        start = child.end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonb::from_value;
    use serde_json::json;

    #[test]
    fn finds_what_the_tree_has_and_nothing_else() {
        let wide: serde_json::Map<_, _> = (0..100)
            .map(|i| (format!("k{i}"), json!({"n": i, "s": format!("v{i}")})))
            .collect();
        let payload =
            from_value(&json!({"a": 1.5, "meta": {"versionId": "v", "n": 1}, "wide": wide, "list": ["x"]}))
                .unwrap();
        let at = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            string_at(&payload, path.as_slice()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
        };
        assert_eq!(at(&["meta", "versionId"]).as_deref(), Some("v"));
        assert_eq!(at(&["wide", "k77", "s"]).as_deref(), Some("v77"));
        for path in [
            &["meta", "n"][..],
            &["meta"],
            &["list", "0"],
            &["a", "b"],
            &["none"],
            &[],
        ] {
            assert_eq!(at(path), None, "{path:?}");
        }
    }

    #[test]
    fn malformed_payloads_have_nothing() {
        let payload = from_value(&json!({"meta": {"versionId": "v"}})).unwrap();
        for cut in 0..payload.len() {
            string_at(&payload[..cut], &["meta".to_owned(), "versionId".to_owned()]);
        }
    }
}
