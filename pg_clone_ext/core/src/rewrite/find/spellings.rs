//! Ids of the source in base64. They are not rewritten, as what is written so is content like that of a file, or signed;
//! verification tells of them.

use super::collect_hits;
use crate::ids::IdMap;

/// Characters of the shortest base64 text that holds an id.
const SHORTEST: usize = 48;

/// The number of ids of the source in `string` that stand in base64.
pub(in crate::rewrite) fn in_base64(ids: &IdMap, string: &[u8]) -> u64 {
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
        ] {
            assert_eq!(count(text), 1, "{text}");
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
