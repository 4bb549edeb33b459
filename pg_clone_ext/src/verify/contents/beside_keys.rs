//! What a text or a document says beside its keys: a clone says the same.

use pg_clone_core::rules::MASKED;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The hexadecimal digits of a UUID.
const DIGITS_OF_UUID: usize = 32;

/// What a value says without its keys.
pub struct BesideKeys {
    /// A hash of it.
    pub hash: u64,
    /// Whether there is something that may be a key.
    pub has_keys: bool,
}

/// The numbers and texts that may be keys.
#[derive(Clone, Copy, PartialEq)]
pub enum Keys {
    /// Numbers behind a slash, as in `Person/17`.
    BehindSlash,
    /// Numbers anywhere.
    Numbers,
    /// Every text of a document: a whole text may be the key of a row.
    Texts,
}

/// Of these bytes. Left out are UUIDs with the letters and digits at their sides, and the other keys.
pub fn beside_keys(bytes: &[u8], keys: Keys) -> BesideKeys {
    let numbers = keys == Keys::Numbers;
    let mut hasher = DefaultHasher::new();
    let mut has_keys = false;
    let (mut at, mut from) = (0, 0);
    while at < bytes.len() {
        let of_uuid = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
        let behind_slash = at > 0 && bytes[at - 1] == b'/';
        let run = bytes[at..].iter().take_while(|byte| of_uuid(byte)).count();
        if run == 0 {
            at += 1;
            continue;
        }
        let digits = bytes[at..at + run].iter().filter(|byte| **byte != b'-').count();
        let key = match () {
            () if digits >= DIGITS_OF_UUID => run,
            () if numbers || behind_slash => {
                let before = bytes[at..at + run]
                    .iter()
                    .take_while(|byte| !byte.is_ascii_digit())
                    .count();
                if before > 0 {
                    at += if numbers { before } else { run };
                    continue;
                }
                bytes[at..at + run]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count()
            }
            () => {
                at += run;
                continue;
            }
        };
        hasher.write(&bytes[from..at]);
        hasher.write_u8(b'#');
        has_keys = true;
        at += key;
        from = at;
    }
    hasher.write(&bytes[from..]);
    BesideKeys {
        hash: hasher.finish(),
        has_keys,
    }
}

/// Of a document in which declared keys are masked. The order of members is left out: their names may be keys.
pub fn beside_keys_of_document(document: &Value, keys: Keys) -> BesideKeys {
    let mut hasher = DefaultHasher::new();
    let has_keys = match document {
        Value::Object(members) => {
            let mut has_keys = false;
            let mut sum = members.len() as u64;
            for (name, value) in members {
                let name = match name.starts_with(MASKED) {
                    true => MASKED,
                    false => name,
                };
                let (name, value) = (
                    beside_keys(name.as_bytes(), keys),
                    beside_keys_of_document(value, keys),
                );
                has_keys |= name.has_keys || value.has_keys;
                let mut member = DefaultHasher::new();
                (name.hash, value.hash).hash(&mut member);
                sum = sum.wrapping_add(member.finish());
            }
            ('{', sum).hash(&mut hasher);
            has_keys
        }
        Value::Array(items) => {
            let mut has_keys = false;
            ('[', items.len()).hash(&mut hasher);
            for item in items {
                let item = beside_keys_of_document(item, keys);
                has_keys |= item.has_keys;
                hasher.write_u64(item.hash);
            }
            has_keys
        }
        Value::String(_) if keys == Keys::Texts => {
            hasher.write_u8(b'"');
            true
        }
        Value::String(text) => {
            let text = beside_keys(text.as_bytes(), keys);
            ('"', text.hash).hash(&mut hasher);
            text.has_keys
        }
        Value::Number(number) => {
            ('0', number.to_string()).hash(&mut hasher);
            false
        }
        Value::Bool(_) | Value::Null => {
            document.as_bool().hash(&mut hasher);
            false
        }
    };
    BesideKeys {
        hash: hasher.finish(),
        has_keys,
    }
}
