//! Rules of subtypes: what has no effect is refused where it is written, and what is written has its effect everywhere.

use serde_json::{Value, json};

use super::fixture::*;

#[tokio::test]
async fn rules_without_effect_are_refused_where_they_are_written() {
    let reg = with_items().await;
    for (change, message, hint) in [
        (
            "title_paths = '{display_name}'",
            "subtype \"MODEL\": title_paths is \"display_name\", which is not a JSON pointer",
            "A JSON pointer has a slash before each name: \"/display_name\".",
        ),
        (
            "title_paths = '{/display_name,\"\"}'",
            "subtype \"MODEL\": title_paths is \"\", which is not a JSON pointer",
            "A JSON pointer has a slash before each name, e.g. \"/dataset_info/name\".",
        ),
        (
            r#"derived = '[{"field": "display_name", "from": "$.info.name"}]'"#,
            "subtype \"MODEL\": derived.from is \"$.info.name\", which is not a JSON pointer",
            "A JSON pointer has a slash before each name: \"/info/name\".",
        ),
        (
            r#"derived = '[{"field": "display_name"}]'"#,
            "subtype \"MODEL\": derived.from is missing, which is not a JSON pointer",
            "A JSON pointer has a slash before each name, e.g. \"/dataset_info/name\".",
        ),
        (
            r#"resets = '[{"op": "remove", "path": "name~", "reason": "r"}]'"#,
            "subtype \"MODEL\": resets.path is \"name~\", which is not a JSON pointer",
            "A JSON pointer has a slash before each name: \"/name~\".",
        ),
        (
            r#"resets = '[{"op": "default", "path": "/a", "if_present": ["b"], "reason": "r"}]'"#,
            "subtype \"MODEL\": resets.if_present is \"b\", which is not a JSON pointer",
            "A JSON pointer has a slash before each name: \"/b\".",
        ),
        (
            r#""references" = '[{"path": "$..software_id"}]'"#,
            "subtype \"MODEL\": references.path is \"$..software_id\", which is not a JSONPath of names and [*]",
            "References are at places such as $.authors[*].id or $['see also'][*].",
        ),
        (
            "item_roles = '{metadata-read,metadata-wirte}'",
            "subtype \"MODEL\": unknown item role \"metadata-wirte\"",
            "Did you mean \"metadata-write\"? Item roles: metadata-read, metadata-write, admin, dataset-data-read, dataset-data-write.",
        ),
        (
            "default_access = '{dataset-data-read}'",
            "subtype \"MODEL\": default_access has the role \"dataset-data-read\", which the subtype does not have",
            "Its item_roles: metadata-read, metadata-write, admin.",
        ),
    ] {
        let sql = format!("UPDATE reg.subtype SET {change} WHERE name = 'MODEL'");
        let refused = reg.failure(&sql).await;
        assert_eq!(
            (
                refused.code.as_str(),
                refused.message.as_str(),
                refused.hint.as_str()
            ),
            ("22023", message, hint),
            "{change}"
        );
        // Rows that were there before the trigger are refused by the next change of the store, and by the next clone.
        reg.run(&format!(
            "BEGIN; ALTER TABLE reg.subtype DISABLE TRIGGER USER; {sql}; ALTER TABLE reg.subtype ENABLE TRIGGER USER"
        ))
        .await;
        for call in [
            "SELECT clone.store_alter('reg', '{\"email\": null}')",
            "SELECT clone.store_refresh('reg')",
            "DO $$ BEGIN PERFORM clone.store_drop('reg'); PERFORM clone.store_create('more', 'registry', '{\"schema\": \"reg\"}'); END $$",
        ] {
            reg.run("SAVEPOINT s").await;
            let refused = reg.failure(call).await;
            assert_eq!(
                (refused.code.as_str(), refused.message.as_str()),
                ("22023", message),
                "{call}"
            );
            reg.run("ROLLBACK TO s").await;
        }
        if message.contains("pointer") {
            let refused = reg
                .failure("SELECT item_clone('10378.1/102', actor => 'ada')")
                .await;
            assert_eq!(refused.code, "55000", "{}", refused.message);
        }
        reg.run("ROLLBACK").await;
    }
    // A storage with a role of its own.
    reg.run(
        r#"UPDATE reg.subtype SET item_roles = item_roles || '{download}', storage = jsonb_set(storage, '{role}', '"download"') WHERE name = 'DATASET'"#,
    )
    .await;
}

#[tokio::test]
async fn the_schema_of_a_registry_is_its_own() {
    let reg = empty().await;
    for (schema, said) in [
        ("", "invalid value \"\" for store option \"schema\""),
        (
            "pg_catalog",
            "invalid value \"pg_catalog\" for store option \"schema\"",
        ),
        (
            "information_schema",
            "invalid value \"information_schema\" for store option \"schema\"",
        ),
        (
            "reg",
            "the tables in schema \"reg\" already belong to registry \"reg\"",
        ),
    ] {
        let refused = reg
            .failure(&format!(
                "SELECT clone.store_create('two', 'registry', '{{\"handle_prefix\": \"20.1\", \"schema\": \"{schema}\"}}')"
            ))
            .await;
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("22023", said),
            "{schema}"
        );
        assert!(!refused.hint.is_empty());
    }
}

/// Names that need quotes in a path: references there are followed in both directions, and before a deletion.
#[tokio::test]
async fn references_under_names_with_spaces_are_found() {
    let reg = with_items().await;
    reg.run(&format!(
        r#"UPDATE reg.subtype SET "references" = '[{{"path": "$[''see also''][*].id", "external": true}}]',
             json_schema = jsonb_set(json_schema, '{{properties,see also}}', '{{}}') WHERE name = 'ORGANISATION';
           UPDATE reg.item SET domain_info = domain_info || '{{"see also": [{{"id": "{MODEL}"}}]}}' WHERE id = '{ORGANISATION}'"#
    ))
    .await;
    let set = reg
        .clone_set(
            &[MODEL],
            Value::Null,
            json!({"dry_run": true, "include": {"naming": ["ORGANISATION"]}}),
        )
        .await
        .unwrap();
    assert_eq!(
        set.last().unwrap()["see also"],
        json!([{"id": id(&set[0])}]),
        "{set:?}"
    );
    let new = reg.json("SELECT project_clone('reef', 'Two')->>'id'").await;
    let new = new.as_str().unwrap();
    reg.run(&format!(
        "UPDATE reg.item i SET domain_info = i.domain_info || jsonb_build_object('see also', jsonb_build_array(jsonb_build_object('id', o.item)))
         FROM clone.item_origin o WHERE i.id = '{ORGANISATION}' AND o.source = '{MODEL}'"
    ))
    .await;
    let refused = reg.failure(&format!("SELECT project_delete('{new}')")).await;
    assert_eq!(refused.code, "23503", "{}", refused.message);
    assert!(
        refused.detail.contains(&format!("{ORGANISATION} names")),
        "{}",
        refused.detail
    );
}
