//! The `/_history/<version>` part that may follow an id.

use super::boundary::Encoding;
use crate::ids::{Id, uuid_text};

/// A version named behind an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rewrite) struct Version {
    /// Length in bytes of the whole part, from the first slash on.
    pub(in crate::rewrite) len: usize,
    /// The version, when it is a UUID, with dashes or without.
    pub(in crate::rewrite) id: Option<Id>,
    /// Offset of the version itself in the part; it ends where the part does.
    pub(in crate::rewrite) at: usize,
}

/// Longest version in bytes (the length of a FHIR id).
const LONGEST: usize = 64;

/// Reads a well-formed `/_history/<version>` at the beginning of `after`, the bytes behind an id.
///
/// A version is 1 to 64 letters, digits, dots and dashes; dots at the end do not belong to it.
#[inline]
pub(in crate::rewrite) fn version_after(after: &[u8], encoding: Encoding) -> Option<Version> {
    let rest = strip_slash(after, encoding)?.strip_prefix(b"_history")?;
    let rest = strip_slash(rest, encoding)?;
    let is_version = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let run = rest.iter().take_while(|byte| is_version(byte)).count();
    let dots = rest[..run].iter().rev().take_while(|byte| **byte == b'.').count();
    let version = &rest[..run - dots];
    let continues = rest.get(run) == Some(&b'_');
    if version.is_empty() || version.len() > LONGEST || continues {
        return None;
    }
    let at = after.len() - rest.len();
    Some(Version {
        len: at + version.len(),
        id: uuid_text::parse_either(version),
        at,
    })
}

fn strip_slash(bytes: &[u8], encoding: Encoding) -> Option<&[u8]> {
    match bytes {
        [b'/', rest @ ..] => Some(rest),
        [b'\\', b'/', rest @ ..] if encoding == Encoding::Json => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn len(text: &str) -> Option<usize> {
        version_after(text.as_bytes(), Encoding::Plain).map(|version| version.len)
    }

    #[test]
    fn a_version_is_an_id_with_dashes_and_without() {
        let id = |text: &str| version_after(text.as_bytes(), Encoding::Plain).unwrap().id;
        let with_dashes = id("/_history/0197a3c4-0f5e-7abc-8def-0123456789ab");
        assert!(with_dashes.is_some());
        assert_eq!(id("/_history/0197A3C40F5E7ABC8DEF0123456789AB#part"), with_dashes);
        assert_eq!(id("/_history/0197a3c40f5e7abc8def0123456789ab0"), None);
    }

    #[test]
    fn versions_are_uuids_numbers_and_ids() {
        let uuid = "/_history/0197a3c4-0f5e-7abc-8def-0123456789ab";
        let version = version_after(uuid.as_bytes(), Encoding::Plain).unwrap();
        assert_eq!((version.len, version.at), (46, 10));
        assert!(version.id.is_some());
        assert_eq!(len("/_history/3"), Some(11));
        assert_eq!(len("/_history/v1.2-x?y"), Some(16));
        assert_eq!(len("/_history/3. Then"), Some(11));
        assert_eq!(len("/_history/3#part"), Some(11));
        assert_eq!(len("/_history/3の記録"), Some(11));
    }

    #[test]
    fn anything_else_is_no_version() {
        for text in [
            "",
            "/",
            "/_history",
            "/_history/",
            "/_history/?",
            "/_history/..",
            "/_history/a_b",
        ] {
            assert_eq!(len(text), None, "{text}");
        }
        assert_eq!(len(&format!("/_history/{}", "a".repeat(64))), Some(74));
        assert_eq!(len(&format!("/_history/{}", "a".repeat(65))), None);
    }

    #[test]
    fn slashes_may_be_escaped_in_json_only() {
        let text = br"\/_history\/7";
        assert_eq!(version_after(text, Encoding::Json).unwrap().len, text.len());
        assert_eq!(version_after(text, Encoding::Plain), None);
        assert_eq!(version_after(br"/_history/7\n", Encoding::Json).unwrap().len, 11);
    }
}
