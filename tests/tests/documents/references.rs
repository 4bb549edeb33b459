//! Every form of reference.

use super::pairs::{add, ids};
use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};
use serde_json::Value;

/// An id of the source in lower and upper case, one that is not cloned, and one of nobody.
const OLD: &str = PATIENT;

const LEFT: &str = "22222222-2222-4222-8222-0000000000ff";

const OTHER: &str = "99999999-2222-4222-8222-000000000001";

#[tokio::test]
async fn every_form_of_reference_follows_the_clone_on_both_paths() {
    let db = with_observations(1).await;
    let version = db
        .text(&format!(
            "SELECT content #>> '{{meta,versionId}}' FROM documents.resource WHERE id = '{OLD}'"
        ))
        .await;
    add(&db, LEFT, "Left", "{}").await;
    // Form of a string, and what must become of it; N is the new id, V the new version.
    let upper = OLD.to_uppercase();
    let forms = [
        (format!("Patient/{OLD}"), "Patient/N"),
        (
            format!("Patient/{OLD}/_history/{version}"),
            "Patient/N/_history/V",
        ),
        (format!("Patient/{OLD}/_history/{OTHER}"), "Patient/N"),
        (format!("Patient/{OLD}/_history/1"), "Patient/N"),
        (
            format!("https://fhir.example/r4/Patient/{OLD}"),
            "https://fhir.example/r4/Patient/N",
        ),
        (
            format!("https://fhir.example/r4/Patient/{OLD}/_history/{OTHER}?x=1#y"),
            "https://fhir.example/r4/Patient/N?x=1#y",
        ),
        (format!("urn:uuid:{OLD}"), "urn:uuid:N"),
        (format!("URN:UUID:{upper}"), "URN:UUID:^N"),
        (format!("Binary/{OLD}"), "Binary/N"),
        (format!("Patient/{OLD}#part"), "Patient/N#part"),
        (
            format!("Observation?subject=Patient/{OLD}&code=x"),
            "Observation?subject=Patient/N&code=x",
        ),
        (
            format!("Observation?subject=Patient%2F{OLD}"),
            "Observation?subject=Patient%2FN",
        ),
        (
            format!("Observation?subject={OLD},{OLD}"),
            "Observation?subject=N,N",
        ),
        (
            format!("<a href=\"Patient/{OLD}\">a</a><img src='Binary/{OLD}'/>"),
            "<a href=\"Patient/N\">a</a><img src='Binary/N'/>",
        ),
        (OLD.to_owned(), "N"),
        (upper.clone(), "^N"),
        (format!("{{{OLD}}}"), "{N}"),
        (format!("({OLD})[{OLD}]"), "(N)[N]"),
        (format!("{OLD}-{OLD}"), "N-N"),
        (format!("{OLD}_{OLD}"), "N_N"),
        (format!("\"{OLD}\"\n\t\\{OLD}\\"), "\"N\"\n\t\\N\\"),
        (format!("😀{OLD}😀"), "😀N😀"),
        (format!("“{OLD}”"), "“N”"),
        (
            format!("owner.reference = 'Practitioner/{OLD}'"),
            "owner.reference = 'Practitioner/N'",
        ),
        (format!("Questionnaire/{OLD}|1.0"), "Questionnaire/N|1.0"),
        (format!("Project/{PROJECT}"), "Project/P"),
        // Words touch it, in any script.
        (format!("x{OLD}"), "xN"),
        (format!("é{OLD}"), "éN"),
        (format!("{OLD}é"), "Né"),
        (format!("日{OLD}本"), "日N本"),
        (format!("患者{OLD}の記録"), "患者Nの記録"),
        (format!("ผู้ป่วย{OLD}ครับ"), "ผู้ป่วยNครับ"),
        (format!("المريض{OLD}في"), "المريضNفي"),
        (format!("пациент {OLD}а"), "пациент Nа"),
        (format!("siehe {OLD}s"), "siehe Ns"),
        (format!("{OLD}{OLD}"), "NN"),
        (format!("Widget%252F{OLD}"), "Widget%252FN"),
        // In a serialised document, with an escape inside.
        (
            format!("{{\"ref\": \"{}\\u002d{}\"}}", &OLD[..8], &OLD[9..]),
            "{\"ref\": \"N\"}",
        ),
        (format!("{OLD}9"), "N9"),
        (format!("{OLD}abc"), "Nabc"),
        (format!("12{OLD}"), "12N"),
        // Not an id, or not ours.
        (format!("Patient/{OTHER}"), "-"),
        (format!("Left/{LEFT}"), "-"),
        (OLD[..35].to_owned(), "-"),
        (format!("{}g", &OLD[..35]), "-"),
        (String::new(), "-"),
        ("-".repeat(200), "-"),
    ];
    let strings: serde_json::Map<String, Value> = forms
        .iter()
        .enumerate()
        .map(|(n, (form, _))| (format!("f{n:02}"), Value::String(form.clone())))
        .collect();
    let document = serde_json::json!({"mark": "forms", "nested": [{"deep": [strings]}], "number": 12345678901234567890.5, "null": null});
    add(
        &db,
        "33333333-3333-4333-8333-333333333333",
        "Forms",
        &document.to_string(),
    )
    .await;
    // Ids as keys of objects, several that swap their order, keys of equal length.
    let keyed = serde_json::json!({"mark": "keys", OLD: 1, format!("Patient/{OLD}"): {"a": OLD}, OTHER: 2, LEFT: 3, upper.clone(): 4, "22222222-2222-4222-8222-000000000000": 5});
    add(
        &db,
        "33333333-3333-4333-8333-333333333334",
        "Keys",
        &keyed.to_string(),
    )
    .await;
    // A scalar of every kind, big and small containers around ids.
    let long = serde_json::json!({"mark": "long", "many": (0..500).map(|n| serde_json::json!({"n": n, "ref": format!("Patient/{OLD}"), "pad": "x".repeat(n)})).collect::<Vec<_>>()});
    add(
        &db,
        "33333333-3333-4333-8333-333333333335",
        "Long",
        &long.to_string(),
    )
    .await;

    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db
            .clone_project(&format!("'{PROJECT}', exclude_ids => '{{{LEFT}}}'"))
            .await;
        let ids = ids(&db, &clone).await;
        let new = &ids.new[OLD];
        let of = async |mark: &str| {
            db.json(&format!("SELECT content FROM documents.resource WHERE project_id = '{clone}' AND content->>'mark' = '{mark}'")).await
        };
        let found = of("forms").await;
        for (n, (form, expected)) in forms.iter().enumerate() {
            let expected = match *expected {
                "-" => form.clone(),
                other => other
                    .replace("^N", &new.to_uppercase())
                    .replace('N', new)
                    .replace("/V", &format!("/{}", ids.new[&version]))
                    .replace("Project/P", &format!("Project/{clone}"))
                    .replace(
                        '=',
                        if form.contains('?') || form.contains("href") || form.contains("owner") {
                            "="
                        } else {
                            OLD
                        },
                    ),
            };
            let expected = if form.starts_with("URN") {
                format!("URN:UUID:{}", new.to_uppercase())
            } else {
                expected
            };
            assert_eq!(
                found["nested"][0]["deep"][0][format!("f{n:02}")],
                expected,
                "{form} (bulk {bulk})"
            );
        }
        for (mark, source) in [("forms", &document), ("keys", &keyed), ("long", &long)] {
            let found = of(mark).await;
            if mark != "forms" {
                assert_eq!(found, ids.rewrite_document(source), "{mark} (bulk {bulk})");
            }
            // The server can work with it: it is the jsonb that it would have made itself.
            assert_eq!(
                db.text(&format!(
                    "SELECT bool_and(content = content::text::jsonb AND md5(content::text) = md5(content::text::jsonb::text) AND pg_column_size(content || '{{}}') = pg_column_size(content::text::jsonb || '{{}}'))
                     FROM documents.resource WHERE project_id = '{clone}' AND content->>'mark' = '{mark}'"
                ))
                .await,
                "t",
                "{mark}"
            );
        }
        let keys = of("keys").await;
        assert_eq!(keys[new.as_str()], 1, "found by its key");
        assert_eq!(
            db.text(&format!("SELECT content ? '{new}' AND content @> '{{\"{OTHER}\": 2}}' FROM documents.resource WHERE project_id = '{clone}' AND content->>'mark' = 'keys'")).await,
            "t"
        );
        assert_eq!(
            db.number("SELECT dangling FROM clone.run ORDER BY id DESC LIMIT 1")
                .await,
            2,
            "one string, one key"
        );
    }
}

#[tokio::test]
async fn a_clone_whose_documents_lost_references_is_not_made_when_it_is_to_be_verified() {
    let db = with_observations(3).await;
    let verified = format!("'{PROJECT}', options => '{{\"verify\": true, \"triggers\": \"fire\"}}'");
    db.clone_project(&verified).await;
    db.run("CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.content := NEW.content - ''subject''; RETURN NEW; END'; CREATE TRIGGER lose BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION lose()")
        .await;
    let failure = db.fails(&format!("SELECT project_clone({verified})")).await;
    assert!(
        failure.code == "55000"
            && failure
                .message
                .contains("UUIDs name the same rows as in the source, documents.resource.content"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_clone_whose_documents_reference_others_of_the_same_type_is_not_made_when_it_is_to_be_verified() {
    let db = with_observations(3).await;
    add(&db, LEFT, "Other", "{}").await;
    db.run(&format!("UPDATE documents.resource SET content = content || jsonb_build_object('seen', jsonb_build_array('Patient/{PATIENT}', 'Patient/{LEFT}')) WHERE resource_type = 'Observation'"))
        .await;
    let verified = format!("'{PROJECT}', options => '{{\"verify\": true, \"triggers\": \"fire\"}}'");
    db.run("CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER change BEFORE INSERT ON documents.resource FOR EACH ROW WHEN (NEW.content->>'value' = '1') EXECUTE FUNCTION change()")
        .await;
    db.clone_project(&verified).await;
    for change in [
        "jsonb_set(NEW.content, ''{subject,reference}'', NEW.content->''seen''->1)",
        "jsonb_set(NEW.content, ''{seen}'', jsonb_build_array(NEW.content->''seen''->1, NEW.content->''seen''->0))",
    ] {
        db.run(&format!("CREATE OR REPLACE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.content := {change}; RETURN NEW; END'"))
            .await;
        let failure = db.fails(&format!("SELECT project_clone({verified})")).await;
        assert!(
            failure.code == "55000"
                && failure.message.contains(
                    "UUIDs name the same rows as in the source, documents.resource.content: expected"
                )
                && failure.message.ends_with("not the same ones"),
            "{change}: {failure:?}"
        );
    }
}
