//! What a text or a document says beside its keys: a clone says the same.

use std::hash::{DefaultHasher, Hasher};

/// The hexadecimal digits of a UUID.
const DIGITS_OF_UUID: usize = 32;

/// What a value says without its keys.
pub struct BesideKeys {
    /// A hash of it.
    pub hash: u64,
    /// Whether there is something that may be a key.
    pub has_keys: bool,
}

/// Of these bytes. Left out are UUIDs with the letters and digits at their sides, and numbers: all if `numbers`, else those behind a slash.
pub fn beside_keys(bytes: &[u8], numbers: bool) -> BesideKeys {
    let mut hasher = DefaultHasher::new();
    let mut has_keys = false;
    let (mut at, mut from) = (0, 0);
    while at < bytes.len() {
        let of_uuid = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
        let run = bytes[at..].iter().take_while(|byte| of_uuid(byte)).count();
        if run == 0 {
            at += 1;
            continue;
        }
        let digits = bytes[at..at + run].iter().filter(|byte| **byte != b'-').count();
        let key = match () {
            () if digits >= DIGITS_OF_UUID => run,
            () if numbers || at > 0 && bytes[at - 1] == b'/' => {
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
