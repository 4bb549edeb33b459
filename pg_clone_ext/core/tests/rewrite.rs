//! What the rewriter does with references, one behaviour a test. See `fixture` for the names of ids.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, in its helpers too"
)]

mod fixture;

use fixture::Fixture;
use pg_clone_core::depth::MAX_LEVELS;
use pg_clone_core::jsonb;
use pg_clone_core::rewrite::{Dangling, Outcome, RewriteError, UuidOutcome};
use serde_json::{Value, json};

#[test]
fn every_form_of_a_reference_follows_the_clone() {
    let fixture = Fixture::new();
    for form in [
        "<0>",
        "Patient/<0>",
        "urn:uuid:<0>",
        "https://example.org/fhir/R4/Patient/<0>",
        "Observation?subject=Patient/<0>&code=1",
        "Observation?subject=Patient%2F<0>",
        "<div><a href=\"Patient/<0>\">x</a> (<0>)</div>",
        "Questionnaire/<0>|1.0",
        "Patient/<0>#part",
        "<0>,<0>",
        "Patient/<0>/_history/<v0>",
    ] {
        let after = form.replace("<0>", "<0'>").replace("<v0>", "<v0'>");
        fixture.assert_plain(form, &after);
        let (before, after) = (json!([form]).to_string(), json!([after]).to_string());
        fixture.assert_json(Dangling::Keep, &before, &after);
    }
}

#[test]
fn the_ids_of_others_stay() {
    let fixture = Fixture::new();
    for text in ["<other>", "1<other>", "<other>ab", "a0a0a0a0-a0a0"] {
        fixture.assert_plain(text, text);
        let json = json!([text]).to_string();
        fixture.assert_json(Dangling::Keep, &json, &json);
    }
}

#[test]
fn an_id_without_dashes_is_replaced_in_the_same_form() {
    let fixture = Fixture::new();
    let (old, new) = (
        fixture.written("<0>").replace('-', ""),
        fixture.written("<0'>").replace('-', ""),
    );
    for form in [
        "<>",
        "/files/<>.png",
        "%2F<>",
        "<><>",
        "<0> <>",
        "<>/<0>",
        "ab<>",
        "<>0",
        "<>-<>",
    ] {
        for upper in [false, true] {
            let case = |text: &str| {
                if upper {
                    text.to_uppercase()
                } else {
                    text.to_owned()
                }
            };
            let before = form.replace("<>", &case(&old));
            let after = form.replace("<>", &case(&new)).replace("<0>", "<0'>");
            fixture.assert_plain(&before, &after);
            let (before, after) = (json!({"a": [before], before: 1}), json!({"a": [after], after: 1}));
            fixture.assert_json(Dangling::Keep, &before.to_string(), &after.to_string());
        }
    }
}

#[test]
fn words_of_any_script_digits_and_other_ids_may_touch_an_id() {
    let fixture = Fixture::new();
    for text in [
        "請參考病人<0>的紀錄",
        "患者<0>の記録",
        "ผู้ป่วย<0>ครับ",
        "환자<0>의",
        "пациент <0>а",
        "المريض<0>في",
        "é<0>é",
        "siehe <0>s",
        "widget<0>",
        "page<0>",
        "<0><0>",
        "Widget%252F<0>",
        "<0>-<other>x<0>",
        "<0>7",
        "<0>abc",
        "7<0>",
        "%41<0>",
        "0<0>0",
        "<other><0>",
        "<0><other>",
    ] {
        let after = text.replace("<0>", "<0'>");
        fixture.assert_plain(text, &after);
        fixture.assert_json(
            Dangling::Keep,
            &json!([text]).to_string(),
            &json!([after]).to_string(),
        );
        // As an encoder writes it that knows ASCII only.
        let ascii = |text: &str| -> String {
            let escape = |c: char| match c.is_ascii() {
                true => c.to_string(),
                false => format!("\\u{:04x}", u32::from(c)),
            };
            format!("[\"{}\"]", text.chars().map(escape).collect::<String>())
        };
        fixture.assert_json(Dangling::Keep, &ascii(text), &ascii(&after));
    }
}

#[test]
fn an_escape_inside_an_id_does_not_hide_it() {
    let fixture = Fixture::new();
    let id = fixture.written("<0>");
    let (head, digit, tail) = (&id[..20], u32::from(id.as_bytes()[20]), &id[21..]);
    for backslashes in ["\\", "\\\\", "\\\\\\\\"] {
        let hidden = format!("Patient/{head}{backslashes}u{digit:04X}{tail}");
        let mut text = format!("{{\"a\": \"{hidden} x\", \"b\": 1.50}}").into_bytes();
        let Ok(Outcome::Rebuilt(new)) = fixture.rewriter(Dangling::Keep).json_text(&mut text) else {
            panic!("{hidden} is not rewritten");
        };
        let new = String::from_utf8(new).unwrap();
        assert_eq!(new, fixture.written("{\"a\": \"Patient/<0'> x\", \"b\": 1.50}"));
    }
    // A serialised document inside a jsonb string, and a text value.
    let hidden = format!("{{\"r\":\"Patient/{head}\\u{digit:04x}{tail}\",\"n\":\"\\u0041\"}}");
    let shown = fixture.written("{\"r\":\"Patient/<0'>\",\"n\":\"\\u0041\"}");
    assert_eq!(fixture.plain(&hidden, Dangling::Keep), Some(shown.clone()));
    let mut payload = jsonb::from_value(&json!([hidden])).unwrap();
    let Ok(Outcome::Rebuilt(new)) = fixture.rewriter(Dangling::Keep).jsonb(&mut payload) else {
        panic!("{hidden} is not rewritten");
    };
    assert_eq!(jsonb::to_value(&new).unwrap(), json!([shown]));
}

#[test]
fn an_escape_elsewhere_changes_nothing() {
    let fixture = Fixture::new();
    for text in [r#"["\u0041 \\u0030"]"#, r#"["<other>\u0030"]"#] {
        fixture.assert_json(Dangling::Keep, text, text);
    }
}

#[test]
fn upper_case_stays_upper_case() {
    let fixture = Fixture::new();
    let before = fixture.written("Patient/<0>").to_uppercase();
    let after = fixture.written("Patient/<0'>").to_uppercase();
    assert_eq!(fixture.plain(&before, Dangling::Keep), Some(after));
}

#[test]
fn an_older_version_is_dropped_and_the_current_one_mapped() {
    let fixture = Fixture::new();
    for (before, after) in [
        ("Patient/<0>/_history/<v0>", "Patient/<0'>/_history/<v0'>"),
        ("Patient/<0>/_history/<other>", "Patient/<0'>"),
        ("Patient/<0>/_history/<left>#x", "Patient/<0'>#x"),
        ("Patient/<0>/_history/3", "Patient/<0'>"),
        ("see Patient/<0>/_history/3.", "see Patient/<0'>."),
        ("Patient/<0>/_history", "Patient/<0'>/_history"),
        ("Patient/<other>/_history/3", "Patient/<other>/_history/3"),
    ] {
        fixture.assert_plain(before, after);
        fixture.assert_json(
            Dangling::Keep,
            &format!(r#"{{"r": "{before}"}}"#),
            &format!(r#"{{"r": "{after}"}}"#),
        );
    }
    let mut rewriter = fixture.rewriter(Dangling::Keep);
    rewriter
        .plain_text(&mut fixture.written("Patient/<0>/_history/3").into_bytes())
        .unwrap();
    assert_eq!(
        (rewriter.counts().rewritten, rewriter.counts().unversioned),
        (1, 1)
    );
}

#[test]
fn json_text_keeps_every_byte_around_a_rewritten_string() {
    let fixture = Fixture::new();
    let before = "{ \"a\" :\t[1.50, 100,\"\\u00e9\\/<0>\\n<0>\"] ,\r\n\"<0>\":null, \"d\":1, \"d\":2}";
    fixture.assert_json(Dangling::Keep, before, &before.replace("<0>", "<0'>"));
    // Where one string changes its length, the others still keep theirs.
    let before = "{ \"a\" :\t[1.50,\"\\u00e9\\/<left>\" ,\"<0>\\/_history\\/3\"] }";
    let after = "{ \"a\" :\t[1.50,\"\\u00e9\\/<left>\" ,\"<0'>\"] }";
    fixture.assert_json(Dangling::Keep, before, after);
}

#[test]
fn escapes_beside_an_id_are_the_characters_they_stand_for() {
    let fixture = Fixture::new();
    fixture.assert_json(
        Dangling::Keep,
        r#"["\n<0>\t<0>\"<0>\\"]"#,
        r#"["\n<0'>\t<0'>\"<0'>\\"]"#,
    );
    fixture.assert_json(
        Dangling::Keep,
        r#"["\u00e9<0>", "<0>\u00e9", "\\n<0>", "\nab<0>"]"#,
        r#"["\u00e9<0'>", "<0'>\u00e9", "\\n<0'>", "\nab<0'>"]"#,
    );
    fixture.assert_json(
        Dangling::Keep,
        r#"["\u002f<0>\u002f", "\u002f"]"#,
        r#"["/<0'>/", "\u002f"]"#,
    );
}

#[test]
fn ids_in_keys_are_mapped_and_jsonb_keys_are_sorted_again() {
    let fixture = Fixture::new();
    let before = r#"{"<0>": 1, "zz": {"Patient/<0>/_history/3": "<0>"}, "<other>": 2}"#;
    let after = r#"{"<0'>": 1, "zz": {"Patient/<0'>": "<0'>"}, "<other>": 2}"#;
    fixture.assert_json(Dangling::Keep, before, after);
}

#[test]
fn of_two_keys_that_become_one_the_later_stays() {
    let mut fixture = Fixture::new();
    fixture.ids.insert_as(fixture.known[0], fixture.known[3]).unwrap();
    let value: Value =
        serde_json::from_str(&fixture.written(r#"{"<0>": "first", "<other>": "later"}"#)).unwrap();
    let mut payload = jsonb::from_value(&value).unwrap();
    let mut rewriter = fixture.rewriter(Dangling::Keep);
    let Ok(Outcome::Rebuilt(new)) = rewriter.jsonb(&mut payload) else {
        panic!("a key changes")
    };
    assert_eq!(
        jsonb::to_value(&new).unwrap().to_string(),
        fixture.written(r#"{"<other>":"later"}"#)
    );
    assert_eq!(rewriter.counts().key_collisions, 1);
}

#[test]
fn a_hit_across_two_strings_of_jsonb_is_none() {
    let fixture = Fixture::new();
    let id = fixture.written("<0>");
    for cut in 1..36 {
        let value = json!([id[..cut], id[cut..], 12345]);
        let mut payload = jsonb::from_value(&value).unwrap();
        assert!(
            payload.windows(36).any(|bytes| bytes == id.as_bytes()),
            "the strings lie side by side"
        );
        assert_eq!(
            fixture.rewriter(Dangling::Keep).jsonb(&mut payload),
            Ok(Outcome::Unchanged)
        );
    }
    // Neighbours in the bytes are no neighbours in the document.
    let mut payload = jsonb::from_value(&json!(["9", id, "7"])).unwrap();
    assert_eq!(
        fixture.rewriter(Dangling::Keep).jsonb(&mut payload),
        Ok(Outcome::InPlace)
    );
    assert_eq!(
        jsonb::to_value(&payload).unwrap(),
        json!(["9", fixture.written("<0'>"), "7"])
    );
}

#[test]
fn uuid_values_are_mapped() {
    let fixture = Fixture::new();
    let mut rewriter = fixture.rewriter(Dangling::Keep);
    assert_eq!(
        rewriter.uuid(&fixture.known[0]),
        UuidOutcome::Mapped(fixture.known[4])
    );
    assert_eq!(rewriter.uuid(&fixture.known[3]), UuidOutcome::Unchanged);
}

#[test]
fn malformed_documents_are_errors_on_the_path_that_reads_them() {
    let fixture = Fixture::new();
    for text in [
        "{\"a\" \"<0>/_history/3\"}",
        "[\"<0>/_history/3\"",
        "[\"<0>/_history/3\" 1]",
        "[\"<0>/_history/3\"]]",
        "[\"\\x <0>/_history/3\"]",
        "{1: \"<0>/_history/3\"}",
        "[,\"<0>/_history/3\"]",
    ] {
        let mut bytes = fixture.written(text).into_bytes();
        let result = fixture.rewriter(Dangling::Keep).json_text(&mut bytes);
        assert!(
            matches!(result, Err(RewriteError::Json { .. })),
            "{text}: {result:?}"
        );
    }
    let payload = jsonb::from_value(&json!([fixture.written("<0>")])).unwrap();
    for flags in [0u32, 0x2000_0001, 0x6000_0001, 0x4fff_ffff] {
        let mut bytes = payload.clone();
        bytes[..4].copy_from_slice(&flags.to_ne_bytes());
        let result = fixture.rewriter(Dangling::Keep).jsonb(&mut bytes);
        assert!(
            matches!(result, Err(RewriteError::Jsonb(_)) | Ok(Outcome::Unchanged)),
            "{flags:x}: {result:?}"
        );
    }
}

#[test]
fn deep_documents_are_changed_in_place_without_a_deep_stack() {
    let fixture = Fixture::new();
    let innermost = jsonb::from_value(&json!([fixture.written("<0>")])).unwrap();
    let mut payload = Vec::new();
    for around in (0..100_000u32).rev() {
        let len = around * 8 + innermost.len() as u32;
        payload.extend(0x4000_0001u32.to_ne_bytes());
        payload.extend((0xd000_0000 | len).to_ne_bytes());
    }
    payload.extend(innermost);
    assert_eq!(
        fixture.rewriter(Dangling::Keep).jsonb(&mut payload),
        Ok(Outcome::InPlace)
    );
    let written = |levels: usize| {
        let text = format!("{}\"<0>/_history/3\"{}", "[".repeat(levels), "]".repeat(levels));
        fixture.written(&text).into_bytes()
    };
    assert!(matches!(
        fixture
            .rewriter(Dangling::Keep)
            .json_text(&mut written(MAX_LEVELS)),
        Ok(Outcome::Rebuilt(_))
    ));
    assert!(matches!(
        fixture
            .rewriter(Dangling::Keep)
            .json_text(&mut written(MAX_LEVELS + 1)),
        Err(RewriteError::Depth(_))
    ));
}
