//! Search columns: reference columns follow the documents, token columns stay as they are; derived rows follow too.

use std::collections::HashMap;

use crate::pairs::{ids, pairs};
use pg_clone_tests::medplum_source::{PROJECT, cloned, data};
use serde_json::Value;

/// Columns that rules set: their own tests say to what.
const RULED: [(&str, &str); 4] = [
    ("Project", "name"),
    ("Project", "owner"),
    ("ClientApplication", "name"),
    ("Subscription", "status"),
];

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn every_column_is_the_sources_under_the_id_map_and_token_columns_are_equal() {
    let (db, clone) = cloned().await;
    let ids = ids(&db).await;
    let rewrite = |value: &Value| match value {
        // A logical reference: the document keeps its identifier, which is hashed, and so does the column.
        Value::String(text) if text.starts_with("identifier:") => value.clone(),
        Value::String(text) => Value::String(ids.rewrite(text)),
        other => other.clone(),
    };
    let (mut tokens, mut rewritten) = (0, 0);
    for pair in pairs(&db).await {
        for (column, source) in pair.source.as_object().unwrap() {
            if column == "content" || RULED.contains(&(pair.resource_type.as_str(), column)) {
                continue;
            }
            let found = &pair.clone[column];
            let expected = match source {
                _ if column == "projectId" => Value::String(clone.clone()),
                value if column.starts_with("__") => {
                    tokens += usize::from(!value.is_null());
                    value.clone()
                }
                Value::Array(items) => Value::Array(items.iter().map(rewrite).collect()),
                value => rewrite(value),
            };
            rewritten += usize::from(expected != *source);
            assert_eq!(*found, expected, "{}.{column}", pair.resource_type);
        }
    }
    assert!(
        tokens > 10_000 && rewritten > 30_000,
        "{tokens} token values, {rewritten} rewritten values"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn reference_columns_hold_strings_of_the_document() {
    let (db, _) = cloned().await;
    let table = std::fs::read_to_string(data().join("reference_columns.tsv")).unwrap();
    let mut columns: HashMap<&str, Vec<&str>> = HashMap::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        columns.entry(fields[0]).or_default().push(fields[1]);
    }
    let mut checked = 0;
    for pair in pairs(&db).await {
        let content = pair.contents().1;
        for column in columns.get(pair.resource_type.as_str()).into_iter().flatten() {
            let value = &pair.clone[*column];
            for text in value
                .as_array()
                .unwrap_or(&vec![value.clone()])
                .iter()
                .filter_map(Value::as_str)
            {
                // Logical references stand as identifier:<system>|<value>; compositions name their nested resource.
                if text.starts_with("identifier:") || pair.resource_type == "Bundle" {
                    continue;
                }
                let quoted = Value::String(text.to_owned()).to_string();
                assert!(
                    content.contains(&quoted),
                    "{}.{column} is {text}: {content}",
                    pair.resource_type
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 15_000, "{checked} values");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn token_columns_hold_the_hashes_of_the_documents_identifiers_and_tags() {
    let (db, _) = cloned().await;
    // How the product hashes, by an example of its own.
    assert_eq!(
        db.text(r"SELECT test.token(E'http://clinic.example/mrn\x01MRN00060')")
            .await,
        "df803713-2276-54da-b8d8-a82699b3adcf"
    );
    for (column, tokens) in [("__identifier", "identifier"), ("___tag", "meta,tag")] {
        for (name, member) in [("Basic", "value"), ("Patient", "value")]
            .map(|(name, member)| (name, if column == "___tag" { "code" } else { member }))
        {
            let missing = db
                .number(&format!(
                    r#"SELECT count(*) FROM "{name}" r JOIN test.map m ON m.new = r.id
                       CROSS JOIN LATERAL jsonb_array_elements(
                           CASE jsonb_typeof(r.content::jsonb #> '{{{tokens}}}') WHEN 'array' THEN r.content::jsonb #> '{{{tokens}}}'
                                WHEN 'object' THEN jsonb_build_array(r.content::jsonb #> '{{{tokens}}}') ELSE '[]' END) AS t
                       WHERE NOT test.token(E'\x01' || (t->>'{member}')) = ANY (r.{column})"#
                ))
                .await;
            assert_eq!(missing, 0, "{name}.{column}");
        }
    }
    let logical = db
        .number(
            r#"SELECT count(*) FROM "Basic" r JOIN test.map m ON r.id IN (m.old, m.new)
               WHERE r.content::jsonb #>> '{subject,identifier,value}' IS NOT NULL
                 AND test.token(E'subject:identifier\x01\x01' || (r.content::jsonb #>> '{subject,identifier,value}')) = ANY (r."__sharedTokens")"#,
        )
        .await;
    assert_eq!(
        logical, 4,
        "the source's and the clone's two logical references are found by the same identifier"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn reference_rows_are_the_sources_under_the_id_map() {
    let (db, clone) = cloned().await;
    let compare = |kind: &str| {
        format!(
            r"WITH source AS (
                  SELECT s.relation, s.row_json FROM test.rows_of('{PROJECT}') s WHERE s.relation LIKE '%\_References'
              ), expected AS (
                  SELECT s.relation, r.new, COALESCE(t.new, (s.row_json->>'targetId')::uuid) AS target, s.row_json->>'code' AS code
                  FROM source s JOIN test.map r ON r.old = (s.row_json->>'resourceId')::uuid
                  LEFT JOIN test.map t ON t.old = (s.row_json->>'targetId')::uuid
              ), found AS (
                  SELECT c.relation, (c.row_json->>'resourceId')::uuid, (c.row_json->>'targetId')::uuid, c.row_json->>'code'
                  FROM test.rows_of('{clone}') c WHERE c.relation LIKE '%\_References'
              ) {kind}"
        )
    };
    assert_eq!(
        db.number(&compare(
            "SELECT count(*) FROM (SELECT * FROM expected EXCEPT ALL SELECT * FROM found) d"
        ))
        .await,
        0
    );
    assert_eq!(
        db.number(&compare(
            "SELECT count(*) FROM (SELECT * FROM found EXCEPT ALL SELECT * FROM expected) d"
        ))
        .await,
        0
    );
    // 27,321 in the source, less those of AuditEvent (146), AsyncJob and UserSecurityRequest.
    let found = db.number(&compare("SELECT count(*) FROM found")).await;
    let left = db
        .number(&format!(
            r#"SELECT sum(n) FROM (SELECT count(*) AS n FROM test.rows_of('{PROJECT}') WHERE relation IN
               ('AuditEvent_References', 'AsyncJob_References', 'UserSecurityRequest_References')) x"#
        ))
        .await;
    assert_eq!(found + left, 27_321);
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn names_and_addresses_are_found_for_the_clones_people() {
    let (db, clone) = cloned().await;
    for (table, columns) in [
        ("HumanName", "name, given, family"),
        ("Address", r#"address, city, country, "postalCode", state, use"#),
    ] {
        let columns_of = |select: &str, id: &str| {
            format!(
                r#"SELECT {select}, {columns} FROM "{table}" l JOIN test.map m ON m.{id} = l."resourceId""#
            )
        };
        let (source, clone_rows) = (columns_of("m.new", "old"), columns_of("m.new", "new"));
        for (a, b) in [(&source, &clone_rows), (&clone_rows, &source)] {
            assert_eq!(
                db.number(&format!("SELECT count(*) FROM ({a} EXCEPT ALL {b}) d"))
                    .await,
                0,
                "{table}"
            );
        }
        let rows = db
            .number(&format!(
                "SELECT count(*) FROM test.rows_of('{clone}') WHERE relation = '{table}'"
            ))
            .await;
        assert!(rows >= 300, "{rows} rows in {table}");
    }
}
