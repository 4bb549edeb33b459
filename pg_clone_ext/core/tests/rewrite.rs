//! What the rewriter does, one behaviour a test. `<0>` stands for the id of the first source resource, `<v0>` for its
//! current version, `<left>` for one that is not cloned, `<other>` for one of another project; `<0'>`, `<v0'>` for the
//! clone's.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, in its helpers too"
)]

use pg_clone_core::ids::{Id, IdMap, IdVersion, NewIds, TextIdMap, uuid_text};
use pg_clone_core::jsonb;
use pg_clone_core::rewrite::{
    Dangling, IdField, IdPaths, Outcome, RewriteError, Rewriter, TextIdOutcome, UuidOutcome,
};
use serde_json::{Value, json};

const NAMES: [&str; 6] = ["<0>", "<v0>", "<left>", "<other>", "<0'>", "<v0'>"];

struct Fixture {
    ids: IdMap,
    texts: TextIdMap,
    known: [Id; 6],
}

impl Fixture {
    fn new() -> Self {
        let mut ids = IdMap::new(
            NewIds::new(IdVersion::V7, 1_700_000_000_000, [0xee; 16]),
            usize::MAX,
        );
        let source = |n: u8| [0xa0 + n; 16];
        let (id, version) = (source(0), source(1));
        let new = (
            ids.insert_cloned(id).unwrap(),
            ids.insert_cloned(version).unwrap(),
        );
        ids.insert_left(source(2)).unwrap();
        let known = [id, version, source(2), source(3), new.0, new.1];
        Fixture {
            ids,
            texts: TextIdMap::new(usize::MAX),
            known,
        }
    }

    /// The same, in a store with text ids.
    fn with_text_ids() -> Self {
        let mut fixture = Self::new();
        let texts = &mut fixture.texts;
        texts.insert_typed("Bot", "bot-1", "bot-1001").unwrap();
        texts.insert_left_typed("Bot", "bot-2").unwrap();
        texts.insert("10378.1/1696289", "10378.1/9").unwrap();
        texts.insert_left("10378.1/7").unwrap();
        fixture
    }

    fn written(&self, text: &str) -> String {
        NAMES
            .iter()
            .zip(&self.known)
            .fold(text.to_owned(), |text, (name, id)| {
                let id = uuid_text::to_string(id);
                text.replace(name, &id)
            })
    }

    fn rewriter(&self, dangling: Dangling) -> Rewriter<'_> {
        Rewriter::new(&self.ids, &self.texts, dangling)
    }

    /// The text after a rewrite as plain text; `None` when the column becomes NULL.
    fn plain(&self, text: &str, dangling: Dangling) -> Option<String> {
        let mut bytes = self.written(text).into_bytes();
        match self.rewriter(dangling).plain_text(&mut bytes).unwrap() {
            Outcome::Null => None,
            Outcome::Rebuilt(new) => Some(String::from_utf8(new).unwrap()),
            Outcome::Unchanged | Outcome::InPlace => Some(String::from_utf8(bytes).unwrap()),
        }
    }

    /// The document after a rewrite as text; checks that `jsonb` gives the same.
    fn json<'a>(&self, text: &str, rewriter: impl Fn() -> Rewriter<'a>) -> String {
        let text = self.written(text);
        let mut bytes = text.clone().into_bytes();
        let after = match rewriter().json_text(&mut bytes).unwrap() {
            Outcome::Rebuilt(new) => new,
            Outcome::Null => panic!("a document cannot vanish"),
            Outcome::Unchanged | Outcome::InPlace => bytes,
        };
        let after = String::from_utf8(after).unwrap();
        let mut payload = jsonb::from_value(&serde_json::from_str(&text).unwrap()).unwrap();
        if let Outcome::Rebuilt(new) = rewriter().jsonb(&mut payload).unwrap() {
            payload = new;
        }
        assert_eq!(
            jsonb::to_value(&payload).unwrap(),
            serde_json::from_str::<Value>(&after).unwrap()
        );
        after
    }

    #[track_caller]
    fn assert_plain(&self, before: &str, after: &str) {
        assert_eq!(self.plain(before, Dangling::Keep), Some(self.written(after)));
    }

    #[track_caller]
    fn assert_json(&self, dangling: Dangling, before: &str, after: &str) {
        assert_eq!(self.json(before, || self.rewriter(dangling)), self.written(after));
    }
}

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
fn an_id_in_a_longer_run_or_of_another_project_stays() {
    let fixture = Fixture::new();
    for text in [
        "x<0>",
        "<0>7",
        "é<0>",
        "<0>日",
        "<0>-<other>x<0>",
        "<other>",
        "0<0>0",
    ] {
        let expected = if text.starts_with("<0>-") {
            "<0'>-<other>x<0>"
        } else {
            text
        };
        fixture.assert_plain(text, expected);
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
        r#"["\u00e9<0>", "<0>\u00e9", "\\n<0>"]"#,
        r#"["\u00e9<0>", "<0>\u00e9", "\\n<0>"]"#,
    );
    fixture.assert_json(
        Dangling::Keep,
        r#"["\u002f<0>\u002f"]"#,
        r#"["\u002f<0'>\u002f"]"#,
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
    let mut payload = jsonb::from_value(&json!(["x", id, "7"])).unwrap();
    assert_eq!(
        fixture.rewriter(Dangling::Keep).jsonb(&mut payload),
        Ok(Outcome::InPlace)
    );
    assert_eq!(
        jsonb::to_value(&payload).unwrap(),
        json!(["x", fixture.written("<0'>"), "7"])
    );
}

#[test]
fn a_dangling_reference_is_kept_nulled_or_removed() {
    let fixture = Fixture::new();
    let before = r#"{"a": "Patient/<left>", "b": ["<left>", "Patient/<0>", "urn:uuid:<left>"], "c": {"d": "see <left>"}}"#;
    let kept = before.replace("<0>", "<0'>");
    fixture.assert_json(Dangling::Keep, before, &kept);
    let nulled = r#"{"a": null, "b": [null, "Patient/<0'>", null], "c": {"d": "see <left>"}}"#;
    fixture.assert_json(Dangling::Null, before, nulled);
    let removed = r#"{ "b": [ "Patient/<0'>"], "c": {"d": "see <left>"}}"#;
    fixture.assert_json(Dangling::Remove, before, removed);
    assert_eq!(fixture.plain("Patient/<left>", Dangling::Null), None);
    assert_eq!(fixture.plain("Patient/<left>", Dangling::Remove), None);
    assert_eq!(
        fixture.plain("see <left>", Dangling::Null),
        Some(fixture.written("see <left>"))
    );
}

#[test]
fn removing_leaves_valid_json_whichever_items_go() {
    let fixture = Fixture::new();
    for kept in 0..16u32 {
        let item = |k: u32| {
            if kept >> k & 1 == 1 {
                k.to_string()
            } else {
                "\"<left>\"".to_owned()
            }
        };
        let items: Vec<String> = (0..4).map(item).collect();
        let members: Vec<String> = items
            .iter()
            .enumerate()
            .map(|(k, item)| format!("\"{k}\" : {item}"))
            .collect();
        let text = format!("[[ {} ],{{{}}}]", items.join(" ,\n"), members.join(", "));
        let expected: Vec<u32> = (0..4).filter(|k| kept >> k & 1 == 1).collect();
        let after: Value =
            serde_json::from_str(&fixture.json(&text, || fixture.rewriter(Dangling::Remove))).unwrap();
        assert_eq!(after[0], json!(expected));
        assert_eq!(after[1].as_object().unwrap().len(), expected.len());
    }
    fixture.assert_json(Dangling::Remove, "\"<left>\"", "null");
}

#[test]
fn dangling_references_are_counted_by_target() {
    let fixture = Fixture::new();
    let mut rewriter = fixture.rewriter(Dangling::Keep);
    let text = r#"{"<left>": "Patient/<left>/_history/<left>", "b": "x<left>", "c": "<left> <0>"}"#;
    rewriter
        .json_text(&mut fixture.written(text).into_bytes())
        .unwrap();
    assert_eq!(rewriter.uuid(&fixture.known[2]), UuidOutcome::Dangling);
    assert_eq!(
        rewriter.counts().dangling,
        4,
        "a reference with its version is one"
    );
    assert_eq!(
        rewriter.dangling_targets().list(),
        [(fixture.written("<left>"), 4)]
    );
    assert_eq!(rewriter.take_counts().rewritten, 1);
    assert_eq!(rewriter.counts().dangling, 0);
}

#[test]
fn under_error_the_first_dangling_reference_is_named_and_nothing_changes() {
    let fixture = Fixture::new();
    let text = fixture.written(r#"{"a": "<0>", "b": "see <left> there"}"#);
    let mut bytes = text.clone().into_bytes();
    let mut rewriter = fixture.rewriter(Dangling::Error);
    let expected = RewriteError::Dangling {
        id: fixture.written("<left>"),
        context: fixture.written("see <left> there"),
    };
    assert_eq!(rewriter.json_text(&mut bytes), Err(expected.clone()));
    assert_eq!(bytes, text.as_bytes());
    let payload = jsonb::from_value(&serde_json::from_str(&text).unwrap()).unwrap();
    let mut bytes = payload.clone();
    assert_eq!(rewriter.jsonb(&mut bytes), Err(expected));
    assert_eq!(bytes, payload);
    assert_eq!(rewriter.counts().rewritten, 0);
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
fn touches_says_no_only_where_nothing_would_happen() {
    let fixture = Fixture::new();
    let rewriter = fixture.rewriter(Dangling::Keep);
    assert!(rewriter.touches(fixture.written("..<0>..").as_bytes()));
    assert!(rewriter.touches(fixture.written("..<left>..").as_bytes()));
    assert!(!rewriter.touches(fixture.written("..<other>..").as_bytes()));
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
    let text = format!("{}\"<0>/_history/3\"{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut bytes = fixture.written(&text).into_bytes();
    assert!(matches!(
        fixture.rewriter(Dangling::Keep).json_text(&mut bytes),
        Ok(Outcome::Rebuilt(_))
    ));
}

#[test]
fn text_ids_count_behind_their_type_and_never_in_free_text() {
    let fixture = Fixture::with_text_ids();
    for (before, after) in [
        ("Bot/bot-1", "Bot/bot-1001"),
        ("https://x/Bot/bot-1/$execute", "https://x/Bot/bot-1001/$execute"),
        ("Bot/bot-1/_history/3", "Bot/bot-1001"),
        ("Bot/bot-1 and Patient/<0>", "Bot/bot-1001 and Patient/<0'>"),
        ("bot-1", "bot-1"),
        ("Task/bot-1", "Task/bot-1"),
        ("Bot/bot-12", "Bot/bot-12"),
        (
            "ask bot-1 about 10378.1/1696289",
            "ask bot-1 about 10378.1/1696289",
        ),
    ] {
        fixture.assert_plain(before, after);
        fixture.assert_json(
            Dangling::Keep,
            &json!({"a": before}).to_string(),
            &json!({"a": after}).to_string(),
        );
    }
    assert_eq!(fixture.plain("Bot/bot-2", Dangling::Null), None);
    let rewriter = fixture.rewriter(Dangling::Keep);
    assert_eq!(
        rewriter.text_id("10378.1/1696289"),
        TextIdOutcome::Mapped("10378.1/9")
    );
    assert_eq!(
        rewriter.text_id_of("Bot", "bot-1"),
        TextIdOutcome::Mapped("bot-1001")
    );
    assert_eq!(rewriter.text_id("bot-1"), TextIdOutcome::Unchanged);
    assert_eq!(rewriter.text_id("10378.1/7"), TextIdOutcome::Dangling);
}

#[test]
fn declared_fields_hold_text_ids() {
    let fixture = Fixture::with_text_ids();
    let paths = IdPaths::new()
        .with("record.inputs[].dataset_id", IdField::Whole)
        .unwrap()
        .with("prov", IdField::Embedded)
        .unwrap();
    let before = r#"{"record": {"inputs": [{"dataset_id": "10378.1/1696289"}, {"dataset_id": "10378.1/7"}, {"dataset_id": "x"}], "note": "10378.1/1696289"},"prov": "{\"model_run/10378.1/1696289\": \"10378.1/16962891\"}"}"#;
    let after = r#"{"record": {"inputs": [{"dataset_id": "10378.1/9"}, {"dataset_id": null}, {"dataset_id": "x"}], "note": "10378.1/1696289"},"prov": "{\"model_run/10378.1/9\": \"10378.1/16962891\"}"}"#;
    let rewriter = || fixture.rewriter(Dangling::Null).with_id_paths(&paths);
    assert_eq!(fixture.json(before, rewriter), after);
}

#[test]
fn a_version_that_holds_other_ids_is_dropped_as_a_whole() {
    // Found by fuzzing: what is cut away overlapped with what would have been replaced inside it.
    let fixture = Fixture::with_text_ids();
    fixture.assert_plain("Bot/bot-1/_history/x-<0>", "Bot/bot-1001");
    fixture.assert_plain(
        "Bot/bot-1/_history/<0>-x/_history/3, Bot/bot-1",
        "Bot/bot-1001/_history/3, Bot/bot-1001",
    );
    let paths = IdPaths::new().with("a", IdField::Embedded).unwrap();
    let rewriter = || fixture.rewriter(Dangling::Keep).with_id_paths(&paths);
    let before = r#"{"a":"10378.1/1696289/_history/x-<0>"}"#;
    assert_eq!(fixture.json(before, rewriter), r#"{"a":"10378.1/9"}"#);
}

#[test]
fn the_key_of_a_removed_member_is_counted_on_either_path() {
    let fixture = Fixture::new();
    let text = fixture.written(r#"{"<0>": "<left>"}"#);
    let mut rewriter = fixture.rewriter(Dangling::Remove);
    rewriter.json_text(&mut text.clone().into_bytes()).unwrap();
    let on_text = rewriter.take_counts();
    rewriter
        .jsonb(&mut jsonb::from_value(&serde_json::from_str(&text).unwrap()).unwrap())
        .unwrap();
    assert_eq!(rewriter.take_counts(), on_text);
}
