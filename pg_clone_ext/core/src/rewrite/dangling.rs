//! Dangling references: the policy, the targets that were found, and what is a whole reference.

use crate::ids::{Id, uuid_text};
use std::collections::HashMap;

/// The policy for a string value that as a whole is a reference to a resource that was not cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dangling {
    /// It is kept (as FHIR servers do).
    #[default]
    Keep,
    /// It becomes JSON `null`; a column becomes NULL.
    Null,
    /// The object member or array element is removed; a column becomes NULL.
    Remove,
    /// The rewrite fails, also for such an id inside other text.
    Error,
}

/// Maximum number of distinct targets that are stored.
const DISTINCT: usize = 1000;

/// The targets of dangling references, each with its number of occurrences. At most 1000 distinct ones
/// are stored; the total is exact.
#[derive(Debug, Clone, Default)]
pub struct DanglingTargets {
    uuids: HashMap<Id, u64>,
    texts: HashMap<String, u64>,
    total: u64,
    unlisted: u64,
}

impl DanglingTargets {
    /// Stored targets with their occurrences, in the order of the ids.
    pub fn list(&self) -> Vec<(String, u64)> {
        let uuids = self
            .uuids
            .iter()
            .map(|(id, count)| (uuid_text::to_string(id), *count));
        let mut list: Vec<_> = uuids
            .chain(self.texts.iter().map(|(id, count)| (id.clone(), *count)))
            .collect();
        list.sort();
        list
    }

    /// Stored UUID targets with their occurrences, in no order.
    pub fn uuids(&self) -> impl Iterator<Item = (&Id, u64)> {
        self.uuids.iter().map(|(id, count)| (id, *count))
    }

    /// All occurrences, of stored targets or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Occurrences whose target is not stored.
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Adds the targets of another rewriter.
    pub fn merge(&mut self, other: &DanglingTargets) {
        for (id, count) in &other.uuids {
            self.add_uuid(id, *count);
        }
        for (id, count) in &other.texts {
            self.add_text(id, *count);
        }
        self.total += other.unlisted;
        self.unlisted += other.unlisted;
    }

    pub(in crate::rewrite) fn add_uuid(&mut self, id: &Id, count: u64) {
        self.total += count;
        let room = self.uuids.len() + self.texts.len() < DISTINCT;
        match self.uuids.get_mut(id) {
            Some(known) => *known += count,
            None if room => {
                self.uuids.insert(*id, count);
            }
            None => self.unlisted += count,
        }
    }

    pub(in crate::rewrite) fn add_text(&mut self, id: &str, count: u64) {
        self.total += count;
        let room = self.uuids.len() + self.texts.len() < DISTINCT;
        match self.texts.get_mut(id) {
            Some(known) => *known += count,
            None if room => {
                self.texts.insert(id.to_owned(), count);
            }
            None => self.unlisted += count,
        }
    }
}

/// Whether `value` as a whole is a reference that ends in the id of `id_len` bytes at `at`, or in
/// that and a version: `<id>`, `Type/<id>`, `urn:uuid:<id>`, an absolute URL ending in one of those, with or
/// without `#fragment`.
pub(in crate::rewrite) fn is_whole_reference(value: &[u8], at: usize, id_len: usize) -> bool {
    is_whole_reference_to(value, at, id_len, is_type_name)
}

/// The same, where `is_type` knows the types.
pub(in crate::rewrite) fn is_whole_reference_to(
    value: &[u8],
    at: usize,
    id_len: usize,
    is_type: impl Fn(&[u8]) -> bool,
) -> bool {
    use super::find::boundary::Encoding;
    let (before, after) = (&value[..at], &value[at + id_len..]);
    let after = match super::find::history::version_after(after, Encoding::Plain) {
        Some(version) => &after[version.len..],
        None => after,
    };
    let ends = match after {
        [] => true,
        [b'#', fragment @ ..] => !fragment.iter().any(|byte| byte.is_ascii_whitespace()),
        _ => false,
    };
    ends && (before.is_empty()
        || before.eq_ignore_ascii_case(b"urn:uuid:")
        || before
            .strip_suffix(b"/")
            .is_some_and(|path| is_type(path) || is_url(path)))
}

/// Whether bytes are the name of a resource type: `[A-Z][A-Za-z]+`.
pub(in crate::rewrite) fn is_type_name(bytes: &[u8]) -> bool {
    bytes.len() > 1 && bytes[0].is_ascii_uppercase() && bytes.iter().all(u8::is_ascii_alphabetic)
}

/// Whether bytes are an absolute URL without query and fragment, `scheme://…`, and not one that a version completes.
fn is_url(bytes: &[u8]) -> bool {
    let Some(colon) = memchr::memmem::find(bytes, b"://") else {
        return false;
    };
    let (scheme, rest) = (&bytes[..colon], &bytes[colon + 3..]);
    let in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
    let in_path = |byte: &u8| !byte.is_ascii_whitespace() && !b"?#\"'<>|,;()".contains(byte);
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(in_scheme)
        && rest.iter().all(in_path)
        && !rest.ends_with(b"/_history")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0197a3c4-0f5e-7abc-8def-0123456789ab";

    fn whole(text: &str) -> bool {
        let text = text.replace("<id>", ID);
        is_whole_reference(text.as_bytes(), text.find(ID).unwrap(), ID.len())
    }

    #[test]
    fn the_forms_of_a_whole_reference() {
        for text in [
            "<id>",
            "Patient/<id>",
            "Patient/<id>/_history/3",
            "Patient/<id>#frag",
            "Patient/<id>/_history/<id>#frag",
            "urn:uuid:<id>",
            "URN:UUID:<id>",
            "https://host:80/fhir/R4/Patient/<id>",
            "https://host/<id>",
            "s3://bucket/a%20b/<id>",
        ] {
            assert!(whole(text), "{text}");
        }
    }

    #[test]
    fn other_text_around_an_id_is_no_whole_reference() {
        for text in [
            "see <id>",
            "Patient/<id> ",
            "Patient/<id>?x=1",
            "Observation?subject=Patient/<id>",
            "https://host/x?y=Patient/<id>",
            "Patient/<id>/$everything",
            "Patient/<id># a",
            "patient/<id>",
            "/Patient/<id>",
            "a b://x/<id>",
            "://x/<id>",
            "https://host/Patient/1/_history/<id>",
            "http://a b/<id>",
        ] {
            assert!(!whole(text), "{text}");
        }
    }

    #[test]
    fn remembers_a_thousand_and_counts_all() {
        let mut targets = DanglingTargets::default();
        for n in 0..1500u128 {
            targets.add_uuid(&n.to_be_bytes(), 1);
            targets.add_uuid(&0u128.to_be_bytes(), 1);
        }
        assert_eq!(targets.list().len(), 1000);
        assert_eq!((targets.total(), targets.unlisted()), (3000, 500));
        let mut merged = DanglingTargets::default();
        merged.add_text("bot-1", 2);
        merged.merge(&targets);
        assert_eq!(merged.total(), 3002);
        assert_eq!(merged.list().len(), 1000);
    }
}
