//! Ids of the source in base64. They are not rewritten, as what is written so is content like that of a file, or signed;
//! verification tells of them.

use super::collect_hits;
use crate::ids::{IdMap, uuid_text};
use crate::scan;

/// Characters of the shortest base64 text that holds an id.
const SHORTEST: usize = 48;

/// Whether `bytes`, a string or JSON text of several, may hold base64 as long as an id. An escaped line break is taken for base64.
///
/// Looks at every 48th byte only, and backward from there while it sees such characters: most strings are shorter.
pub(in crate::rewrite) fn may_hold_base64(bytes: &[u8]) -> bool {
    let other = |byte: &u8| sextet(*byte).is_none() && !matches!(byte, b'\n' | b'\r' | b'\\');
    let mut from = 0;
    while let Some(window) = bytes.get(from..from + SHORTEST) {
        if let Some(at) = window.iter().rposition(other) {
            from += at + 1;
            continue;
        }
        let rest = &bytes[from..];
        let run = &rest[..rest.iter().position(other).unwrap_or(rest.len())];
        if without_uuids(run).any(|part| part.len() >= SHORTEST) {
            return true;
        }
        from += run.len();
    }
    false
}

/// The parts of a text beside its UUIDs: references such as `Practitioner/<id>` have the characters and the length of base64.
fn without_uuids(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    let ends = scan::uuids(text).map(|(at, _)| (at, at + uuid_text::LEN));
    ends.chain([(text.len(), text.len())]).map(move |(at, end)| {
        let part = text.get(from..at).unwrap_or_default();
        from = end;
        part
    })
}

/// The number of ids of the source in `string` that stand in base64.
pub(in crate::rewrite) fn in_base64(ids: &IdMap, string: &[u8]) -> u64 {
    if !may_hold_base64(string) {
        return 0;
    }
    without_uuids(string).map(|part| in_part(ids, part)).sum()
}

fn in_part(ids: &IdMap, string: &[u8]) -> u64 {
    let mut found = 0;
    let mut run: Vec<u8> = Vec::new();
    for byte in string.iter().chain(b" ") {
        match sextet(*byte) {
            Some(sextet) => run.push(sextet),
            // Base64 is often written in lines.
            None if matches!(byte, b'\n' | b'\r') => {}
            None => {
                if run.len() >= SHORTEST {
                    // It may follow other text of the same characters.
                    found += (0..4).map(|skip| in_sextets(ids, &run[skip..])).sum::<u64>();
                }
                run.clear();
            }
        }
    }
    found
}

fn in_sextets(ids: &IdMap, sextets: &[u8]) -> u64 {
    let mut bytes = Vec::with_capacity(sextets.len() / 4 * 3 + 2);
    for four in sextets.chunks(4) {
        let bits = four
            .iter()
            .fold(0u32, |bits, sextet| bits << 6 | u32::from(*sextet))
            << (6 * (4 - four.len()));
        let [_, decoded @ ..] = bits.to_be_bytes();
        bytes.extend_from_slice(&decoded[..four.len() * 3 / 4]);
    }
    let mut hits = Vec::new();
    collect_hits(ids, &bytes, &mut hits);
    hits.len() as u64
}

/// The value of a character of base64, in either alphabet.
fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{IdVersion, NewIds, uuid_text};

    const ID: &str = "c15abcde-0000-4000-8000-00000000000a";

    fn count(text: &str) -> u64 {
        let mut ids = IdMap::new(NewIds::new(IdVersion::V4, 0, [1; 16]), usize::MAX);
        ids.insert_not_cloned(uuid_text::parse_slice(ID.as_bytes()).unwrap())
            .unwrap();
        in_base64(&ids, text.replace("<id>", ID).as_bytes())
    }

    #[test]
    fn ids_in_base64_are_counted() {
        for text in [
            "V2lkZ2V0L2MxNWFiY2RlLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwYQ==",
            "data:text/plain;base64,V2lkZ2V0L2MxNWFiY2RlLTAwMDAtNDAwMC04MDAw\nLTAwMDAwMDAwMDAwYQ==",
            "/x/V2lkZ2V0L2MxNWFiY2RlLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwYQ",
            "/<id>/<id>V2lkZ2V0L2MxNWFiY2RlLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwYQ",
        ] {
            assert_eq!(count(text), 1, "{text}");
            let json = serde_json::to_vec(&text.replace("<id>", ID)).unwrap();
            assert!(may_hold_base64(&json), "{text}");
        }
    }

    #[test]
    fn a_run_is_seen_at_every_place() {
        for before in 0..100 {
            let text = format!("{}{}.", ".".repeat(before), "a".repeat(SHORTEST));
            assert!(may_hold_base64(text.as_bytes()), "{text}");
            assert!(!may_hold_base64(text.replacen('a', "", 1).as_bytes()), "{text}");
        }
    }

    #[test]
    fn references_are_no_base64() {
        for text in [
            format!("Practitioner/{ID}"),
            format!("/Patient/{ID}/_history/{ID}{ID}"),
        ] {
            assert!(!may_hold_base64(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn rewritten_spellings_and_other_text_are_not() {
        for text in [
            "",
            "<id>",
            "<id><id>",
            "1<id>",
            "Patient/<id>/$everything",
            "患者<id>の",
            "%252F<id>",
            "c15abcde00004000800000000000000a",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
    }
}
