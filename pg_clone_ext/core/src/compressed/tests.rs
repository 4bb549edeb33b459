use super::CompressedError::Damaged;
use super::Method;
use proptest::prelude::*;

/// A pglz stream by the format's description alone: greedy, with the longest earlier copy within reach.
fn pglz(raw: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let (mut control, mut items, mut at) = (0, 8, 0);
    while at < raw.len() {
        if items == 8 {
            control = out.len();
            out.push(0);
            items = 0;
        }
        let length_at = |distance: usize| {
            (0..273.min(raw.len() - at))
                .take_while(|n| raw[at + n] == raw[at + n - distance])
                .count()
        };
        let best = (1..=at.min(4095)).max_by_key(|distance| length_at(*distance));
        match best.map(|distance| (distance, length_at(distance))) {
            Some((distance, length)) if length >= 3 => {
                out[control] |= 1 << items;
                let high = ((distance >> 8) << 4) as u8;
                if length >= 18 {
                    out.extend([high | 15, distance as u8, (length - 18) as u8]);
                } else {
                    out.extend([high | (length - 3) as u8, distance as u8]);
                }
                at += length;
            }
            _ => {
                out.push(raw[at]);
                at += 1;
            }
        }
        items += 1;
    }
    out
}

fn stream(method: Method, raw: &[u8]) -> Vec<u8> {
    match method {
        Method::Pglz => pglz(raw),
        Method::Lz4 => lz4_flex::block::compress(raw),
    }
}

/// The new stream, checked by a decompressor that is not ours for LZ4.
fn alike(method: Method, raw: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let old = stream(method, raw);
    let mut out = Vec::new();
    let made = method
        .compress_alike(&old, new, &mut out)
        .expect("a whole stream");
    if !made {
        return None;
    }
    let mut back = Vec::new();
    method
        .decompress(&out, new.len(), &mut back)
        .expect("a whole stream");
    assert!(back == new, "the new stream holds other bytes");
    Some(out)
}

const METHODS: [Method; 2] = [Method::Pglz, Method::Lz4];

fn document(ids: &[u128]) -> Vec<u8> {
    let entries: Vec<String> = ids
        .iter()
        .map(|id| {
            let id = crate::ids::uuid_text::to_string(&id.to_be_bytes());
            format!(
                r#"{{"subject":{{"reference":"Patient/{id}"}},"note":"seen and noted by {id}","value":1.50}}"#
            )
        })
        .collect();
    format!("[{}]", entries.join(",")).into_bytes()
}

#[test]
fn what_was_not_changed_is_taken_over_byte_by_byte() {
    let raw = document(&[7, 8, 7, 9, 7]);
    for method in METHODS {
        assert_eq!(
            alike(method, &raw, &raw),
            Some(stream(method, &raw)),
            "{method:?}"
        );
    }
}

#[test]
fn other_ids_give_a_stream_of_nearly_the_same_length() {
    let many: Vec<u128> = (0..200).map(|n| n * 0x1234_5678_9abc_def1_0123).collect();
    let new: Vec<u128> = many.iter().map(|id| id ^ (0xabcd << 90 | 0x7777)).collect();
    let (raw, new) = (document(&many), document(&new));
    for method in METHODS {
        let old = stream(method, &raw).len();
        let made = alike(method, &raw, &new).expect("small enough").len();
        assert!(made <= old + old / 8, "{method:?}: {made} bytes after {old}");
        assert!(made < raw.len() / 2, "{method:?}: {made} bytes of {}", raw.len());
    }
}

#[test]
fn bytes_that_have_nothing_in_common_are_left_to_a_real_compression() {
    let raw = document(&[1; 50]);
    let new: Vec<u8> = (0..raw.len() as u64)
        .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8)
        .collect();
    for method in METHODS {
        assert_eq!(alike(method, &raw, &new), None, "{method:?}");
    }
}

#[test]
fn damage_is_told() {
    let raw = document(&[1, 2, 3, 1, 2, 3]);
    for method in METHODS {
        let whole = stream(method, &raw);
        let mut out = Vec::new();
        for length in 0..whole.len() {
            let cut = &whole[..length];
            assert_eq!(
                method.decompress(cut, raw.len(), &mut out),
                Err(Damaged),
                "{method:?} {length}"
            );
            let alike = method.compress_alike(cut, &raw, &mut out);
            assert_eq!(alike, Err(Damaged), "{method:?} {length}");
        }
        assert_eq!(
            method.decompress(&[0xFF; 64], 1000, &mut out),
            Err(Damaged),
            "{method:?}"
        );
        assert_eq!(
            method.compress_alike(&[0xFF; 64], &raw, &mut out),
            Err(Damaged),
            "{method:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_change_is_carried_over(
        words in prop::collection::vec(prop::sample::select(vec!["abcd", "bcda", "abcabcabc", "x", "0123456789", "yy"]), 0..300),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        lz4 in any::<bool>(),
    ) {
        let raw = words.concat().into_bytes();
        let mut new = raw.clone();
        for (place, byte) in changes {
            if !new.is_empty() {
                let place = place.index(new.len());
                new[place] = byte;
            }
        }
        let _ = alike(if lz4 { Method::Lz4 } else { Method::Pglz }, &raw, &new);
    }

    #[test]
    fn any_bytes_are_a_stream_or_damaged(stream in prop::collection::vec(any::<u8>(), 0..200), length in 0usize..400) {
        for method in METHODS {
            let mut raw = Vec::new();
            let decompressed = method.decompress(&stream, length, &mut raw);
            if decompressed.is_ok() {
                let mut out = Vec::new();
                if method.compress_alike(&stream, &raw, &mut out) == Ok(true) {
                    let mut back = Vec::new();
                    prop_assert_eq!(method.decompress(&out, length, &mut back), Ok(()));
                    prop_assert_eq!(&back, &raw);
                }
            }
        }
    }
}
