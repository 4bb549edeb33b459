//! Documents: every reference follows the clone, whatever its form; everything else is untouched to the byte.

use std::collections::BTreeMap;

use crate::pairs::{Pair, ids, pairs, rows_of};
use pg_clone_tests::medplum_source::{PROJECT, cloned, source_with_additions};
use serde_json::Value;

/// Documents of these types are edited by rules; their own tests say how.
const EDITED: [&str; 5] = [
    "Project",
    "ProjectMembership",
    "ClientApplication",
    "User",
    "Subscription",
];

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn documents_are_the_sources_with_new_ids_and_else_equal_to_the_byte() {
    let (db, _) = cloned().await;
    let ids = ids(&db).await;
    let mut kept = 0;
    for pair in pairs(&db)
        .await
        .iter()
        .filter(|pair| !EDITED.contains(&pair.resource_type.as_str()))
    {
        let (source, clone) = pair.contents();
        let document: Value = serde_json::from_str(source).unwrap();
        let expected = ids.rewrite_document(&document);
        if ids.paths_naming(&expected).is_empty() {
            assert_eq!(clone, ids.rewrite(source), "{}", pair.resource_type);
        } else {
            kept += 1;
            assert_eq!(
                serde_json::from_str::<Value>(clone).unwrap(),
                expected,
                "{}",
                pair.resource_type
            );
        }
    }
    assert_eq!(kept, 3, "documents with an id in a hashed string");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn no_value_anywhere_names_the_sources_copy_of_a_cloned_resource() {
    let (db, clone) = cloned().await;
    let ids = ids(&db).await;
    // Where ids stay on purpose: relation, path or column, how often.
    let mut kept: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (relation, mut row) in rows_of(&db, &clone).await {
        rows += 1;
        if let Some(document) = row
            .get("content")
            .and_then(Value::as_str)
            .map(serde_json::from_str::<Value>)
        {
            row["content"] = document.unwrap();
        }
        for path in ids.paths_naming(&row) {
            // A logical reference's column says what its document says.
            let hashed = path.starts_with("__")
                || (relation == "Basic" && matches!(path.as_str(), "patient" | "subject"))
                || ["identifier.value", "meta.tag.code"]
                    .iter()
                    .any(|end| path.ends_with(end));
            if hashed {
                *kept.entry((relation.clone(), path)).or_default() += 1;
            } else {
                wrong.push(format!("{relation} {path}"));
            }
        }
    }
    assert!(rows > 40_000, "{rows} rows");
    assert_eq!(wrong, Vec::<String>::new());
    let kept: Vec<_> = kept
        .iter()
        .map(|((relation, path), count)| (relation.as_str(), path.as_str(), *count))
        .collect();
    assert_eq!(
        kept,
        [
            ("Basic", "___tagSort", 1),
            ("Basic", "__identifierSort", 1),
            ("Basic", "__patientIdentifierSort", 1),
            ("Basic", "__subjectIdentifierSort", 1),
            ("Basic", "content.identifier.value", 2),
            ("Basic", "content.meta.tag.code", 1),
            ("Basic", "content.subject.identifier.value", 1),
            ("Basic", "patient", 1),
            ("Basic", "subject", 1),
            ("Basic_History", "content.identifier.value", 2),
            ("Basic_History", "content.meta.tag.code", 1),
            ("Basic_History", "content.subject.identifier.value", 1),
        ]
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn nothing_of_the_clone_names_the_source_project_or_its_resources_that_are_not_cloned() {
    let (db, clone) = cloned().await;
    let left: Vec<String> = db
        .list(&format!(
            r#"SELECT id FROM "AuditEvent" WHERE "projectId" = '{PROJECT}' UNION ALL
               SELECT id FROM "AsyncJob" WHERE "projectId" = '{PROJECT}' UNION ALL
               SELECT id FROM "UserSecurityRequest" WHERE "projectId" = '{PROJECT}' UNION ALL SELECT '{PROJECT}'"#
        ))
        .await;
    assert_eq!(left.len(), 35);
    for (relation, row) in rows_of(&db, &clone).await {
        let text = row.to_string();
        for id in &left {
            assert!(!text.contains(id.as_str()), "{relation} names {id}: {text}");
        }
    }
    assert_eq!(db.number("SELECT dangling FROM clone.run").await, 0);
}

/// One probe resource of each kind of reference is in the source; their new documents, by eye.
#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn each_form_of_reference_follows_the_clone() {
    let (db, _) = cloned().await;
    let probes = db
        .rows(
            r#"SELECT s.content, c.content FROM test.map m JOIN "Basic" s ON s.id = m.old JOIN "Basic" c ON c.id = m.new
               WHERE s.content LIKE '%773d0adb-ce39-4944-9b4b-292fd22077cd%'"#,
        )
        .await;
    let new = db
        .text("SELECT new FROM test.map WHERE old = '773d0adb-ce39-4944-9b4b-292fd22077cd'")
        .await;
    let version = db
        .text("SELECT new_version FROM test.map WHERE old = '773d0adb-ce39-4944-9b4b-292fd22077cd'")
        .await;
    let all: String = probes.iter().map(|row| row[1].as_deref().unwrap()).collect();
    for form in [
        format!(r#""reference":"Patient/{new}""#),
        format!(r#""reference":"Patient/{new}/_history/{version}""#),
        format!(r#""reference":"http://localhost:8103/fhir/R4/Patient/{new}""#),
        format!(r#""reference":"Patient/{new}#"#),
        format!(r#""reference":"urn:uuid:{new}""#),
        format!(r#""valueUri":"Patient/{new}""#),
        format!(r#""valueString":"see Patient/{new}""#),
        format!(r#""valueId":"{new}""#),
        format!(r#""valueUuid":"urn:uuid:{new}""#),
        format!(r#"<a href=\"Patient/{new}\">"#),
        format!(r#""source":"Patient/{new}""#),
        format!(r#""id":"{new}""#),
        r#""value":"773d0adb-ce39-4944-9b4b-292fd22077cd""#.to_owned(),
        r#""code":"773d0adb-ce39-4944-9b4b-292fd22077cd""#.to_owned(),
    ] {
        assert!(all.contains(&form), "{form}");
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_reference_to_the_current_version_names_the_clones_version() {
    let (db, _) = cloned().await;
    let ids = ids(&db).await;
    let mut versioned = 0;
    for Pair { source, clone, .. } in pairs(&db).await {
        let (source, clone) = (
            source["content"].as_str().unwrap(),
            clone["content"].as_str().unwrap(),
        );
        for (at, mark) in source.match_indices("/_history/") {
            let version = &source[at + mark.len()..at + mark.len() + 36];
            let new = &ids.new[version];
            assert!(clone.contains(&format!("/_history/{new}")), "{clone}");
            assert!(!clone.contains(version), "{clone}");
            versioned += 1;
        }
    }
    assert!(versioned > 50, "{versioned} references to a version");
    assert_eq!(db.number("SELECT kept FROM clone.run").await, 0);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_version_that_is_not_cloned_leaves_the_reference() {
    let db = source_with_additions().await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    db.run(&format!("SELECT test.pair('{PROJECT}', '{clone}')")).await;
    let ids = ids(&db).await;
    let target = db
        .rows(
            r#"SELECT c.content::json #>> '{target,0,reference}', r.target FROM "Provenance" c JOIN test.map m ON m.new = c.id, unnest(c.target) AS r (target)
               WHERE m.old = 'aaaaaaaa-0000-4000-8000-000000000009'"#
        )
        .await;
    let expected = format!("Patient/{}", ids.new["e7752962-19f0-40d6-aa5b-afef3d655610"]);
    assert_eq!(target, [[Some(expected.clone()), Some(expected)]]);
    // Document, column and history row.
    assert_eq!(db.number("SELECT kept FROM clone.run").await, 3);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn meta_is_the_clones_own() {
    let (db, clone) = cloned().await;
    for Pair {
        resource_type,
        source,
        clone: row,
    } in pairs(&db).await
    {
        let document: Value = serde_json::from_str(row["content"].as_str().unwrap()).unwrap();
        let meta = &document["meta"];
        assert_eq!(document["resourceType"], resource_type);
        assert_eq!(document["id"], row["id"]);
        assert_eq!(meta["project"], clone);
        assert_eq!(row["projectId"], clone);
        assert_eq!(row["lastUpdated"], source["lastUpdated"]);
        assert_eq!(meta["compartment"][0]["reference"], format!("Project/{clone}"));
        if resource_type != "Binary" {
            let named: Vec<Value> = meta["compartment"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| {
                    entry["reference"]
                        .as_str()
                        .unwrap()
                        .split('/')
                        .nth(1)
                        .unwrap()
                        .into()
                })
                .collect();
            assert_eq!(row["compartments"], Value::Array(named), "{resource_type}");
        }
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn ids_in_odd_places_follow_the_clone() {
    let db = source_with_additions().await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    db.run(&format!("SELECT test.pair('{PROJECT}', '{clone}')")).await;
    let ids = ids(&db).await;
    let row = db
        .rows(
            r#"SELECT s.content, c.content FROM test.map m JOIN "Basic" s ON s.id = m.old JOIN "Basic" c ON c.id = m.new
               WHERE m.old = 'aaaaaaaa-0000-4000-8000-000000000008'"#,
        )
        .await
        .remove(0);
    let [source, found] = row.try_into().unwrap();
    let (source, found): (Value, Value) = (
        serde_json::from_str(&source.unwrap()).unwrap(),
        serde_json::from_str(&found.unwrap()).unwrap(),
    );
    assert_eq!(found, ids.rewrite_document(&source));
    let new = &ids.new["773d0adb-ce39-4944-9b4b-292fd22077cd"];
    let text = found.to_string();
    for form in [
        format!("Patient/{}\"", new.to_uppercase()),
        format!("x{new} and {new}9"),
        format!("é{new} and {new}é"),
        format!("😀{new}😀"),
        format!("Patient%2F{new}&encounter=Encounter/aaaaaaaa"),
        format!("\"{new}_{new}\""),
        format!(r#"line\n{new}\t\"{new}\"\\{new}"#),
        format!("\"{new}\":\"an id as key\""),
    ] {
        assert!(text.contains(&form), "{form} in {text}");
    }
}
