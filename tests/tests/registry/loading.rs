//! Creating a registry and loading an export into it.

use serde_json::{Value, json};

use super::fixture::*;

#[tokio::test]
async fn an_export_fills_items_access_locks_history_and_users() {
    let reg = with_items().await;
    let counts = "SELECT jsonb_build_array((SELECT count(*) FROM reg.item), (SELECT count(*) FROM reg.item_auth), \
                  (SELECT count(*) FROM reg.item_lock), (SELECT count(*) FROM reg.item_history), (SELECT count(*) FROM reg.user_group))";
    assert_eq!(reg.json(counts).await, json!([13, 13, 13, 13, 1]));
    assert_eq!(
        reg.json("SELECT count(*) FROM reg.item WHERE collection_id = 'reef'")
            .await,
        13
    );
    assert_eq!(
        reg.json("SELECT locked FROM reg.item_lock WHERE id = '10378.1/106'")
            .await,
        true
    );
    let roles = "SELECT jsonb_agg(role ORDER BY role) FROM reg.user_role WHERE username = 'ada'";
    assert_eq!(reg.json(roles).await, json!(["registry-read", "registry-write"]));
}

#[tokio::test]
async fn what_was_loaded_comes_out_as_it_went_in() {
    let reg = with_items().await;
    let bundle: Value = serde_json::from_str(ITEMS).unwrap();
    for entry in bundle["items"].as_array().unwrap() {
        let given = entry["item_payload"].as_object().unwrap();
        let stored = reg.item(given["id"].as_str().unwrap()).await;
        for (field, value) in given {
            // Compared as the server compares numbers: 1.50 is stored with its digits.
            let same = reg
                .call("SELECT to_jsonb($1::jsonb = $2::jsonb)", &[value, &stored[field]])
                .await
                .unwrap();
            assert_eq!(same, true, "{} {field}", given["id"]);
        }
    }
}

#[tokio::test]
async fn loading_again_changes_nothing() {
    let reg = with_items().await;
    reg.run("UPDATE reg.item SET display_name = 'mine' WHERE id = '10378.1/102'")
        .await;
    let items: Value = serde_json::from_str(ITEMS).unwrap();
    let loaded: i32 = reg
        .client
        .query_one("SELECT clone.registry_load($1)", &[&items])
        .await
        .unwrap()
        .get(0);
    assert_eq!(loaded, 0);
    assert_eq!(reg.item(MODEL).await["display_name"], "mine");
}

#[tokio::test]
async fn what_is_no_export_is_refused_whole() {
    let reg = empty().await;
    for (bundle, detail) in [
        ("{}", ""),
        ("7", ""),
        (
            r#"{"items": [{"item_payload": {}}, {"id": "a", "item_payload": {"id": "b"}}]}"#,
            "entry 1: item_payload has no id\nentry 2: two different ids",
        ),
        (
            r#"[{"item_payload": {"id": "a", "item_subtype": "MODEL"}}]"#,
            "entry 1: no owner",
        ),
    ] {
        let refused = reg
            .failure(&format!("SELECT clone.registry_load('{bundle}')"))
            .await;
        assert_eq!(
            (refused.code.as_str(), refused.detail.as_str()),
            ("22023", detail),
            "{bundle}"
        );
    }
    assert_eq!(reg.json("SELECT clone.registry_load('{\"items\": []}')").await, 0);
}

#[tokio::test]
async fn a_store_is_meant_by_name_by_being_the_only_one_or_by_holding_the_item() {
    let reg = with_items().await;
    reg.run("SELECT clone.store_create('other', 'registry', '{\"schema\": \"second\", \"handle_prefix\": \"20.1\"}')").await;
    let item = r#"[{"item_payload": {"id": "20.1/7", "item_subtype": "ORGANISATION", "item_category": "AGENT", "owner_username": "ada",
        "created_timestamp": 1, "display_name": "O", "name": "O"}}]"#;
    assert_eq!(
        reg.failure(&format!("SELECT clone.registry_load('{item}')"))
            .await
            .code,
        "22023"
    );
    reg.run(&format!("SELECT clone.registry_load('{item}', 'other')"))
        .await;
    assert_eq!(
        reg.json("item_clone('20.1/7', actor => 'ada')->>'id'").await,
        "20.1/8"
    );
    assert_eq!(
        reg.json("item_clone('10378.1/102', actor => 'ada')->>'id'").await,
        "10378.1/113"
    );
    let unknown = reg.failure("SELECT item_clone('20.1/7', store => 'third')").await;
    assert_eq!(
        (unknown.code.as_str(), unknown.hint.as_str()),
        ("22023", "Registries: other, reg.")
    );
    let nowhere = reg.failure("SELECT item_clone('20.1/99')").await;
    assert_eq!(nowhere.code, "22023");
}

#[tokio::test]
async fn a_renamed_schema_is_still_the_store() {
    let reg = with_items().await;
    reg.run(
        "ALTER SCHEMA reg RENAME TO \"The Reef\"; UPDATE clone.store SET options = options - 'id_generator'",
    )
    .await;
    let failed = reg
        .clone_item(MODEL, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    // PostgreSQL 15 misses the schema, later versions the sequence in it.
    assert!(
        ["3F000", "42P01"].contains(&failed.code.as_str()),
        "the generator names the old schema in its body: {}",
        failed.code
    );
    let draft = reg
        .call("SELECT item_clone_draft($1, 'ada')", &[&MODEL])
        .await
        .unwrap();
    assert_eq!(draft["item"]["name"], "eReefs");
}

#[tokio::test]
async fn describing_the_store_again_keeps_its_rules() {
    let reg = with_items().await;
    reg.run(
        "UPDATE reg.subtype SET cloneable = 'never' WHERE name = 'STUDY'; SELECT clone.store_refresh('reg')",
    )
    .await;
    assert_eq!(
        reg.clone_item(STUDY, Value::Null, "ada", Value::Null)
            .await
            .unwrap_err()
            .code,
        "22023"
    );
}

#[tokio::test]
async fn without_a_registry_the_hint_says_how_to_make_one() {
    let reg = empty().await;
    reg.run("SELECT clone.store_drop('reg')").await;
    let refused = reg.failure("SELECT item_clone('10378.1/102')").await;
    assert_eq!(refused.code, "22023");
    assert!(refused.hint.contains("clone.store_create"), "{}", refused.hint);
}

#[tokio::test]
async fn a_malformed_history_is_an_error_of_its_entry() {
    let reg = empty().await;
    let right = json!({"id": 0, "timestamp": 1, "reason": "made", "username": "ada", "item": {}});
    let with = |member: &str, value: Value| {
        let mut wrong = right.clone();
        wrong[member] = value;
        json!([wrong])
    };
    let wrong = "history/0 has no id of its own, timestamp, reason, username or item";
    for (history, said) in [
        (json!(7), "history is no list"),
        (json!({}), "history is no list"),
        (json!([7]), wrong),
        (json!([null]), wrong),
        (json!([{}]), wrong),
        (with("id", json!("0")), wrong),
        (with("id", json!(-1)), wrong),
        (with("id", json!(1e30)), wrong),
        (with("id", json!(0.5)), wrong),
        (with("timestamp", json!("today")), wrong),
        (with("timestamp", json!(1e30)), wrong),
        (with("timestamp", Value::Null), wrong),
        (with("reason", json!("")), wrong),
        (with("username", json!(["ada"])), wrong),
        (with("item", json!("{}")), wrong),
        (
            json!([right, right]),
            "history/1 has no id of its own, timestamp, reason, username or item",
        ),
    ] {
        let bundle = json!([{"item_payload": {"id": "10378.1/1", "item_category": "AGENT", "item_subtype": "ORGANISATION",
            "owner_username": "ada", "created_timestamp": 1, "display_name": "O", "name": "O", "history": history}}]);
        let checked = reg
            .call(
                "SELECT to_jsonb(c) FROM clone.registry_load_check($1) c",
                &[&bundle],
            )
            .await
            .unwrap();
        assert_eq!(
            (&checked["status"], &checked["problem"]),
            (&json!("invalid"), &json!(said)),
            "{history}"
        );
        let refused = reg
            .call("SELECT to_jsonb(clone.registry_load($1))", &[&bundle])
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.detail),
            ("22023", format!("entry 1: {said}")),
            "{history}"
        );
    }
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 0);
}

#[tokio::test]
async fn json_that_is_nested_too_deeply_is_refused_by_its_entry_or_argument() {
    let reg = with_items().await;
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for kind in ["json", "jsonb"] {
        for member in ["edits", "options", "actor"] {
            let refused = reg
                .failure(&format!(
                    "SELECT item_clone('{{\"item_id\": \"{MODEL}\", \"{member}\": {}}}'::{kind})",
                    deep(5_000)
                ))
                .await;
            assert_eq!(refused.code, "22023", "{kind} {member} {}", refused.message);
            assert_eq!(refused.hint, "params takes JSON of at most 100 levels.", "{kind}");
        }
    }
    let entry = |n: u32, value: &str| {
        format!(
            r#"{{"id": "10378.1/90{n}", "item_payload": {{"id": "10378.1/90{n}", "item_category": "AGENT", "item_subtype": "ORGANISATION",
            "owner_username": "ada", "created_timestamp": 1, "display_name": "O", "name": "O{n}", "more": {value}}}}}"#
        )
    };
    for levels in [99, 110, 130, 5_000] {
        let bundle = format!(
            r#"[{}, {}]"#,
            entry(1, &deep(levels)),
            entry(2, "1").replace(", \"more\": 1", "")
        );
        let checked = reg
            .json(&format!("SELECT jsonb_agg(jsonb_build_array(id, status, problem ~ 'nested' AND problem ~ '100 levels')) FROM clone.registry_load_check('{bundle}')"))
            .await;
        assert_eq!(
            checked,
            match levels {
                99 => json!([["10378.1/901", "new", null], ["10378.1/902", "new", null]]),
                _ => json!([["10378.1/901", "invalid", true], ["10378.1/902", "new", null]]),
            },
            "{levels}"
        );
        if levels == 99 {
            continue;
        }
        let refused = reg
            .failure(&format!("SELECT clone.registry_load('{bundle}')"))
            .await;
        assert_eq!(refused.code, "22023");
        assert!(refused.detail.starts_with("entry 1: "), "{}", refused.detail);
    }
    for wrong in [deep(5_000), "\"yes\"".to_owned(), "1".to_owned()] {
        let call = format!("SELECT clone.registry_load('[]', options => '{{\"partial\": {wrong}}}')");
        let error = reg.client.query(&call, &[]).await.map_err(Failure::of);
        let refused = error.err().unwrap();
        assert_eq!(refused.code, "22023", "{}", refused.message);
        assert!(refused.hint.contains("true or false"), "{}", refused.hint);
    }
}

#[tokio::test]
async fn members_of_the_wrong_type_are_errors_of_their_entry() {
    let reg = with_items().await;
    let settings = "access_settings has no list of texts general or no object groups of lists of texts";
    for (payload, access, said) in [
        (
            json!({"owner_username": 7}),
            json!({"owner": "ada"}),
            "owner_username is 7, not a text",
        ),
        (
            json!({}),
            json!({"owner": ["ada"]}),
            "owner is [\"ada\"], not a text",
        ),
        (json!({"record_type": 7}), json!({}), "record_type is 7"),
        (
            json!({"workflow_links": "x"}),
            json!({}),
            "workflow_links is no object",
        ),
        (
            json!({"versioning_info": []}),
            json!({}),
            "versioning_info is no object",
        ),
        (json!({}), json!({"general": [1]}), settings),
        (json!({}), json!({"general": [null]}), settings),
        (json!({}), json!({"groups": {"g1": "metadata-read"}}), settings),
        (json!({}), json!({"groups": {"g1": [1]}}), settings),
        (json!({}), json!([]), "access_settings is no object"),
    ] {
        let mut item = json!({"id": "10378.1/901", "item_category": "AGENT", "item_subtype": "ORGANISATION",
            "owner_username": "ada", "created_timestamp": 1, "display_name": "O", "name": "O"});
        item.as_object_mut()
            .unwrap()
            .extend(payload.as_object().unwrap().clone());
        let bundle = json!([{"item_payload": item, "auth_payload": {"access_settings": access}}]);
        let refused = reg
            .call("SELECT to_jsonb(clone.registry_load($1))", &[&bundle])
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.detail),
            ("22023", format!("entry 1: {said}")),
            "{bundle}"
        );
    }
    let refused = reg
        .failure("SELECT clone.registry_load('{\"items\": [], \"collection\": 7}')")
        .await;
    assert_eq!(refused.code, "22023", "{}", refused.message);
}

#[tokio::test]
async fn access_settings_that_cannot_be_read_are_said_with_their_item() {
    let reg = with_items().await;
    for change in [
        r#"groups = '{"g1": "metadata-read"}'"#,
        r#"groups = '{"g1": [1]}'"#,
        "general = '{NULL}'",
    ] {
        reg.run(&format!(
            "BEGIN; UPDATE reg.item_auth SET {change} WHERE id = '{MODEL}'"
        ))
        .await;
        let refused = reg
            .clone_item(MODEL, Value::Null, "ada", Value::Null)
            .await
            .unwrap_err();
        assert_eq!(refused.code, "55000", "{}", refused.message);
        assert!(
            refused
                .message
                .starts_with(&format!("the access settings of item {MODEL} cannot be read")),
            "{}",
            refused.message
        );
        assert!(refused.hint.contains("item_auth"), "{}", refused.hint);
        reg.run("ROLLBACK").await;
    }
}
