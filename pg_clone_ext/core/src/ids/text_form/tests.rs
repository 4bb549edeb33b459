use super::*;

fn counter() -> impl FnMut(&mut [u8]) {
    let mut next = 7u8;
    move |buffer: &mut [u8]| {
        for byte in buffer {
            next = next.wrapping_mul(5).wrapping_add(113);
            *byte = next;
        }
    }
}

fn again(keys: &[&str]) -> Vec<String> {
    let form = TextForm::of(keys.iter().copied());
    let mut random = counter();
    keys.iter().map(|key| form.make(key, None, &mut random)).collect()
}

#[test]
fn a_new_key_has_the_form_of_the_old_one() {
    for keys in [
        &["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ"][..],
        &["0ujsswThIGTUYm2K8FjOOfXtY1K", "0ujtsYcgvSTl8PAuAdqWYSMnLOv"],
        &["cjld2cjxh0000qzrmn831i7rn", "cjld2cyuq0000t3rmniod1foy"],
        &["tz4a98xxat96iws9zmbrgj3a", "pfh0haxfpzowht3oi213cqos"],
        &["V1StGXR8_Z5jdHi6B-myT", "4f90d13a42e8c3b1aaaaa"],
        &["cus_NffrFeUfNV2Hib", "cus_9s6XKzkNRiz8i3"],
        &["sk_live_4eC39HqLyjWDarjtT1zd", "sk_live_26PHem9AhJZvU623DfE1"],
        &["9e107d9d372bb6826bd81d3542a419d6"],
        &["1234567890123456789"],
    ] {
        let new = again(keys);
        for (old, new) in keys.iter().zip(&new) {
            assert_eq!(old.len(), new.len(), "{old} {new}");
            assert_ne!(old, new);
            let class = |key: &str| {
                key.bytes()
                    .map(|b| if b == b'_' { 'u' } else { 'x' })
                    .collect::<String>()
            };
            if old.starts_with("cus_") || old.starts_with("sk_") {
                assert_eq!(class(old), class(new));
            }
        }
        assert_eq!(
            TextForm::of(new.iter().map(String::as_str)),
            TextForm::of(keys.iter().copied()),
            "{new:?}"
        );
    }
}

#[test]
fn keys_that_begin_with_a_time_stay_in_order() {
    for keys in [
        [
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEMTSV4RRFFQ69G5FAV",
            "01BX5ZZKBKACTAV9WEVGEMMVRZ",
        ],
        [
            "0ujsswThIGTUYm2K8FjOOfXtY1K",
            "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
            "0ujzPyRiIAffKhBux4PvQdDqMHY",
        ],
        [
            "cjld2cjxh0000qzrmn831i7rn",
            "cjld2cjxh0001qzrmn831i7rn",
            "cjld2cyuq0000t3rmniod1foy",
        ],
    ] {
        let new = again(&keys);
        assert!(new.is_sorted(), "{new:?}");
        let half = keys[0].len() / 2;
        assert!(
            keys.iter().zip(&new).all(|(old, new)| old[half..] != new[half..]),
            "{new:?}"
        );
    }
}

#[test]
fn names_stay_readable_and_fit() {
    assert_eq!(TextForm::of(["red", "green"].into_iter()), TextForm::Name);
    assert_eq!(
        TextForm::of(["administrator", "superintendent"].into_iter()),
        TextForm::Name
    );
    let new = TextForm::Name.make("green", None, &mut counter());
    assert!(new.starts_with("green-") && new.len() == 16, "{new}");
    let new = TextForm::Name.make("green", Some(12), &mut counter());
    assert!(new.starts_with("g-") && new.len() == 12, "{new}");
    let new = TextForm::Name.make("green", Some(4), &mut counter());
    assert_eq!(new.len(), 4);
    let new = TextForm::Name.make("MAIN_MENU", None, &mut counter());
    assert!(
        new.starts_with("MAIN_MENU_") && new.to_uppercase() == new,
        "{new}"
    );
}

#[test]
fn scrambled_text_keeps_its_shape() {
    let new = scramble("AB-12 xy", &mut counter());
    let shape = |text: &str| {
        text.chars()
            .map(|c| match c {
                '0'..='9' => '0',
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                c => c,
            })
            .collect::<String>()
    };
    assert_eq!(shape(&new), "AA-00 aa");
    assert_ne!(new, "AB-12 xy");
    // An article's number, and a digest.
    assert_eq!(shape(&scramble("9780000007919", &mut counter())), "0".repeat(13));
    let digest = scramble("0f3a99b1", &mut counter());
    assert!(within(digest.as_bytes(), HEX), "{digest}");
    // char(n) has spaces at the end.
    let padded = scramble("0f3a99b1  ", &mut counter());
    assert!(
        padded.ends_with("  ") && within(padded.trim_end().as_bytes(), HEX),
        "{padded}"
    );
    for hex in ["0F3A99B1C2D3", "0f3a-99b1-c2d3", "00:1B:44:11:3A:B7"] {
        let new = scramble(hex, &mut counter());
        assert_eq!(shape(&new), shape(hex));
        assert!(
            new != hex
                && new
                    .bytes()
                    .all(|b| b.is_ascii_hexdigit() || b == b'-' || b == b':'),
            "{new}"
        );
    }
}

#[test]
fn scrambled_base64_can_be_read() {
    for (base64, kept) in [
        ("r4lh1n/56/QZnf5MN/8p/Q==", "Q=="),
        ("aGVsbG8gd29ybGQgMTI=", "I="),
    ] {
        let new = scramble(base64, &mut counter());
        assert!(new.ends_with(kept) && new != base64, "{new}");
    }
}

#[test]
fn a_scrambled_uuid_is_one() {
    for (start, uuid, end) in [
        ("", "550e8400-e29b-41d4-a716-446655440000", ""),
        ("", "ABCDEFAB-E29B-71D4-8716-446655440000", ""),
        ("", "abcdefab-e29b-11d4-b716-446655440000", "    "),
        ("{", "550E8400-E29B-41D4-A716-446655440000", "}"),
        ("urn:uuid:", "550e8400-e29b-41d4-a716-446655440000", ""),
        ("user_", "deadbeef-e29b-41d4-a716-446655440000", ""),
    ] {
        let source = format!("{start}{uuid}{end}");
        let new = scramble(&source, &mut counter());
        let inner = new
            .strip_prefix(start)
            .and_then(|new| new.strip_suffix(end))
            .unwrap();
        assert!(is_uuid(&inner.chars().collect::<Vec<_>>()), "{new}");
        assert_eq!((&inner[14..15], &inner[19..20]), (&uuid[14..15], &uuid[19..20]));
        assert_ne!(inner[..8], uuid[..8]);
        let upper = uuid.bytes().any(|b| b.is_ascii_uppercase());
        assert!(
            inner.bytes().all(|b| if upper {
                !b.is_ascii_lowercase()
            } else {
                !b.is_ascii_uppercase()
            }),
            "{new}"
        );
        assert_eq!(random_bits(&source), 120);
    }
}

#[test]
fn a_scrambled_text_begins_as_generated_ones_do() {
    for (prefix, rest) in [
        ("cus_", "NffrFeUfNV2Hib"),
        ("phc_", "3af8cbb18534b889dce2cf40b9e4d2a1"),
        ("sk_live_", "4eC39HqLyjWDarjtT1zd"),
        ("glpat-", "Ab12Cd34Ef56Gh78Ij90"),
        ("R", "100007921"),
        ("INV", "0000012345"),
    ] {
        let new = scramble(&format!("{prefix}{rest}"), &mut counter());
        assert!(new.starts_with(prefix) && !new.ends_with(rest), "{new}");
        assert_eq!(new.len(), prefix.len() + rest.len());
    }
    // There would be too few.
    for short in ["US_1", "a_7", "R12"] {
        assert_eq!(kept_prefix(&short.chars().collect::<Vec<_>>()), 0, "{short}");
    }
    // A number is one of as many digits.
    let number = scramble("9223372036854775807", &mut counter());
    assert!(number.len() == 19 && number.parse::<i64>().is_ok(), "{number}");
}

#[test]
fn new_keys_are_valid_in_the_form_of_the_old_ones() {
    use super::generated::Generated;
    for (keys, form) in [
        (
            &[
                "prod_01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "prod_01BX5ZZKBKACTAV9WEVGEMMVRZ",
            ][..],
            Generated::Ulid,
        ),
        (
            &["01arz3ndektsv4rrffq69g5fav", "01bx5zzkbkactav9wevgemmvrz"],
            Generated::LowerUlid,
        ),
        (
            &[
                "user_01h455vb4pex5vsknk084sn02q",
                "post_01h455vb4pex5vsknk084sn02r",
            ],
            Generated::TypeId,
        ),
        (
            &[
                "evt-0ujsswThIGTUYm2K8FjOOfXtY1K",
                "evt-0ujtsYcgvSTl8PAuAdqWYSMnLOv",
            ],
            Generated::Ksuid,
        ),
        (
            &["inv:cjld2cjxh0000qzrmn831i7rn", "inv:cjld2cyuq0000t3rmniod1foy"],
            Generated::Cuid,
        ),
        (
            &[
                "doc_018bcfe5-6be8-7c4c-a423-8a0b923820dc",
                "doc_018bcfe5-6be9-7c4c-a423-8a0b923820dc",
            ],
            Generated::Uuid,
        ),
        (&["550E8400-E29B-41D4-A716-446655440000"], Generated::Uuid),
        (
            &[
                "018bcfe56be87c4ca4238a0b923820dc",
                "018bcfe56be97c4ca4238a0b923820dc",
            ],
            Generated::UuidDigits,
        ),
        (
            &["507f1f77bcf86cd799439011", "507f1f78bcf86cd799439012"],
            Generated::ObjectId,
        ),
        (&["9m4e2mr0ui3e8a215n4g", "b50vl5e54p1000fo3gh0"], Generated::Xid),
        (
            &["-JhLeOlGIEjaIOFHR0xd", "-JhQ76OEK_848CkIFhAq"],
            Generated::PushId,
        ),
        (&["1174109845192704001", "1174109849387008002"], Generated::Number),
    ] {
        assert_eq!(TextForm::of(keys.iter().copied()), TextForm::Generated(form));
        let new = make_in_order(&TextForm::Generated(form), keys, None, &mut counter());
        for (old, new) in keys.iter().zip(&new) {
            assert_ne!(old, new);
            assert_eq!(old.len(), new.len());
            assert!(form.find(new).is_some(), "{new}");
        }
        let prefix = |key: &str| key.find(['_', ':']).map(|end| key[..end].to_owned());
        assert_eq!(prefix(keys[0]), prefix(&new[0]));
        assert!(
            new.is_sorted() == keys.is_sorted() || form == Generated::TypeId,
            "{new:?}"
        );
    }
    // Hexadecimal digits in capitals, and letters that are not taken for others, stay such.
    for (key, alphabet) in [("9E107D9D372BB6826B", HEX_UPPER), ("ord_7ZK4M2QXV90T", CROCKFORD)] {
        let new = again(&[key]);
        let rest = new[0].strip_prefix("ord_").unwrap_or(&new[0]);
        assert!(within(rest.as_bytes(), alphabet), "{new:?}");
    }
}

#[test]
fn keys_of_the_same_time_stay_in_order() {
    let keys: Vec<String> = (100..200)
        .map(|n| format!("ord_01ARZ3NDEKTSV4RRFFQ69G5{n}"))
        .chain((100..200).map(|n| format!("ord_01BX5ZZKBKACTAV9WEVGEMM{n}")))
        .collect();
    let mut sources: Vec<&str> = keys.iter().map(String::as_str).collect();
    sources.swap(3, 150);
    let form = TextForm::of(sources.iter().copied());
    let new = make_in_order(&form, &sources, None, &mut counter());
    let mut pairs: Vec<(&&str, &String)> = sources.iter().zip(&new).collect();
    pairs.sort_unstable();
    assert!(pairs.iter().map(|(_, new)| *new).is_sorted());
    // Numbers of which few digits are random are not those of another row.
    let numbers: Vec<String> = (0..1000).map(|n| format!("117410984519270{n:04}")).collect();
    let sources: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let mut next = 0u64;
    let mut random = move |buffer: &mut [u8]| {
        for byte in buffer {
            next = next
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = next.to_be_bytes()[0];
        }
    };
    let new = make_in_order(
        &TextForm::of(sources.iter().copied()),
        &sources,
        None,
        &mut random,
    );
    let all: HashSet<&str> = new.iter().map(String::as_str).chain(sources).collect();
    assert_eq!(all.len(), 2000);
    assert!(new.is_sorted());
}

#[test]
fn a_scrambled_text_with_a_time_stays_valid() {
    for (source, kept) in [
        ("pub_01ARZ3NDEKTSV4RRFFQ69G5FAV", 14),
        ("user_01h455vb4pex5vsknk084sn02q", 16),
        ("inv_cjld2cjxh0000qzrmn831i7rn", 17),
    ] {
        let new = scramble(source, &mut counter());
        assert!(new[..kept] == source[..kept] && new != source, "{new}");
        assert!(!new[4..].contains(['i', 'I', 'l', 'L', 'o', 'O', 'U']) || source.starts_with("inv"));
    }
}
