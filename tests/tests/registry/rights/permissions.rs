//! Permissions on items.

use serde_json::{Value, json};

use crate::fixture::*;

/// The SQLSTATE of a clone of the model by a user, `None` where it succeeds.
async fn outcome(reg: &Registry, item: &str, actor: &str) -> Option<String> {
    let edits = match item {
        DATASET => json!({"collection_format": {"approvals": {"ethics_access": {"obtained": true}}}}),
        _ => Value::Null,
    };
    reg.clone_item(item, edits, actor, Value::Null)
        .await
        .err()
        .map(|refused| refused.code)
}

async fn access(reg: &Registry, item: &str, general: &str, groups: &str) {
    reg.run(&format!(
        "UPDATE reg.item_auth SET general = '{general}', groups = '{groups}' WHERE id = '{item}'"
    ))
    .await;
}

#[tokio::test]
async fn writing_needs_the_read_and_the_write_role() {
    let reg = with_items().await;
    reg.run("INSERT INTO reg.user_role VALUES ('writer', 'registry-write'), ('chief', 'registry-admin')")
        .await;
    assert_eq!(outcome(&reg, MODEL, "bob").await, None);
    for actor in ["eve", "mallory", "writer", "chief"] {
        assert_eq!(
            outcome(&reg, MODEL, actor).await.as_deref(),
            Some("42501"),
            "{actor}"
        );
    }
    let refused = reg
        .clone_item(MODEL, Value::Null, "eve", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(refused.message, "\"eve\" may not write to the registry");
    assert_eq!(refused.detail, "Missing registry roles: registry-write.");
}

#[tokio::test]
async fn who_may_not_write_learns_nothing_of_what_exists() {
    let reg = with_items().await;
    let (real, unknown) = (
        reg.clone_item(MODEL, Value::Null, "eve", Value::Null)
            .await
            .unwrap_err(),
        reg.clone_item("10378.1/9999", Value::Null, "eve", Value::Null)
            .await
            .unwrap_err(),
    );
    assert_eq!((real.code, real.message), (unknown.code, unknown.message));
}

#[tokio::test]
async fn an_unknown_item_is_p0002() {
    let reg = with_items().await;
    let missing = reg
        .clone_item("10378.1/9999", Value::Null, "bob", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        (missing.code.as_str(), missing.message.as_str()),
        ("P0002", "no item 10378.1/9999")
    );
    let address = reg
        .clone_item(
            "https://hdl.handle.net/10378.1/102",
            Value::Null,
            "bob",
            Value::Null,
        )
        .await
        .unwrap_err();
    assert_eq!(address.code, "P0002");
    assert!(address.hint.contains("bare handle"), "{}", address.hint);
}

#[tokio::test]
async fn an_item_on_which_the_actor_has_no_role_looks_unknown() {
    let reg = with_items().await;
    access(&reg, MODEL, "{}", "{}").await;
    let hidden = reg
        .clone_item(MODEL, Value::Null, "bob", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        (hidden.code.as_str(), hidden.message.as_str()),
        ("P0002", "no item 10378.1/102")
    );
    let draft = reg
        .call("SELECT item_clone_draft($1, 'bob')", &[&MODEL])
        .await
        .unwrap_err();
    assert_eq!(draft.code, "P0002");
    let set = reg
        .call("SELECT items_clone(ARRAY[$1::text], actor => 'bob')", &[&MODEL])
        .await
        .unwrap_err();
    assert_eq!(set.code, "P0002");
}

/// The answer to a repeated call is the item as it is now: whoever lost the right to read it gets none.
#[tokio::test]
async fn a_repeated_call_shows_no_item_that_the_actor_may_not_read_any_more() {
    let reg = with_items().await;
    let options = json!({"idempotency_key": "k"});
    let made = reg
        .clone_item(MODEL, Value::Null, "bob", options.clone())
        .await
        .unwrap();
    let id = made["id"].as_str().unwrap();
    let again = reg
        .clone_item(MODEL, Value::Null, "bob", options.clone())
        .await
        .unwrap();
    assert_eq!(again["id"], made["id"]);
    reg.run(&format!(
        "UPDATE reg.item_auth SET owner = 'ada', general = '{{}}', groups = '{{}}' WHERE id = '{id}'"
    ))
    .await;
    let hidden = reg
        .clone_item(MODEL, Value::Null, "bob", options.clone())
        .await
        .unwrap_err();
    assert_eq!(
        (hidden.code.as_str(), hidden.message.clone()),
        ("P0002", format!("no item {id}"))
    );
    reg.run(&format!(
        "DELETE FROM reg.item_auth WHERE id = '{id}'; DELETE FROM reg.item WHERE id = '{id}'"
    ))
    .await;
    let gone = reg
        .clone_item(MODEL, Value::Null, "bob", options)
        .await
        .unwrap_err();
    assert_eq!(
        (gone.code, gone.message, gone.detail, gone.hint),
        (hidden.code, hidden.message, hidden.detail, hidden.hint)
    );
}

#[tokio::test]
async fn owner_admin_general_roles_and_groups_each_suffice() {
    let reg = with_items().await;
    access(&reg, MODEL, "{}", "{}").await;
    assert_eq!(outcome(&reg, MODEL, "ada").await, None, "owner");
    assert_eq!(outcome(&reg, MODEL, "root").await, None, "registry admin");
    assert_eq!(
        outcome(&reg, MODEL, "bob").await.as_deref(),
        Some("P0002"),
        "nobody"
    );
    for role in ["metadata-read", "metadata-write", "admin"] {
        access(&reg, MODEL, &format!("{{{role}}}"), "{}").await;
        assert_eq!(outcome(&reg, MODEL, "bob").await, None, "general {role}");
        access(&reg, MODEL, "{}", &format!(r#"{{"g1": ["{role}"]}}"#)).await;
        assert_eq!(outcome(&reg, MODEL, "bob").await, None, "group {role}");
        access(&reg, MODEL, "{}", &format!(r#"{{"g2": ["{role}"]}}"#)).await;
        assert_eq!(
            outcome(&reg, MODEL, "bob").await.as_deref(),
            Some("P0002"),
            "another group's {role}"
        );
    }
}

#[tokio::test]
async fn reading_the_data_is_not_enough() {
    let reg = with_items().await;
    for role in ["dataset-data-read", "dataset-data-write"] {
        access(&reg, DATASET, &format!("{{{role}}}"), "{}").await;
        let refused = reg
            .clone_item(DATASET, Value::Null, "bob", Value::Null)
            .await
            .unwrap_err();
        assert_eq!(refused.code, "42501", "{role}");
        assert_eq!(refused.detail, format!("Roles on the item: {role}."));
    }
    access(
        &reg,
        DATASET,
        "{dataset-data-read}",
        r#"{"g1": ["metadata-read"]}"#,
    )
    .await;
    assert_eq!(outcome(&reg, DATASET, "bob").await, None);
}

#[tokio::test]
async fn a_role_that_the_subtype_does_not_know_has_no_effect() {
    let reg = with_items().await;
    access(&reg, MODEL, "{dataset-data-read}", "{}").await;
    assert_eq!(outcome(&reg, MODEL, "bob").await.as_deref(), Some("P0002"));
}

#[tokio::test]
async fn an_item_without_access_settings_is_the_admins() {
    let reg = with_items().await;
    reg.run("DELETE FROM reg.item_auth WHERE id = '10378.1/102'")
        .await;
    assert_eq!(outcome(&reg, MODEL, "ada").await.as_deref(), Some("P0002"));
    assert_eq!(outcome(&reg, MODEL, "root").await, None);
}

#[tokio::test]
async fn a_draft_needs_reading_only() {
    let reg = with_items().await;
    assert!(
        reg.call("SELECT item_clone_draft($1, 'eve')", &[&MODEL])
            .await
            .is_ok()
    );
    let refused = reg
        .call("SELECT item_clone_draft($1, 'mallory')", &[&MODEL])
        .await
        .unwrap_err();
    assert_eq!(refused.message, "\"mallory\" may not read the registry");
}

#[tokio::test]
async fn a_store_may_ask_for_a_link_to_a_person() {
    let reg = with_items().await;
    reg.run("UPDATE clone.store SET options = options || '{\"person_link\": \"require\"}'")
        .await;
    for item in [MODEL, WORKFLOW, INPUT_TEMPLATE, DATASET, STUDY] {
        assert_eq!(
            outcome(&reg, item, "bob").await.as_deref(),
            Some("42501"),
            "{item}"
        );
    }
    assert_eq!(outcome(&reg, ORGANISATION, "bob").await, None);
    reg.run("INSERT INTO reg.username_person_link VALUES ('bob', '10378.1/101')")
        .await;
    for item in [MODEL, WORKFLOW, INPUT_TEMPLATE, DATASET, STUDY] {
        assert_eq!(outcome(&reg, item, "bob").await, None, "{item}");
    }
}

#[tokio::test]
async fn a_store_may_ask_for_an_e_mail_address() {
    let reg = with_items().await;
    assert_eq!(outcome(&reg, STUDY, "bob").await, None);
    reg.run("UPDATE clone.store SET options = options || '{\"email\": \"require\"}'")
        .await;
    assert_eq!(outcome(&reg, STUDY, "bob").await.as_deref(), Some("42501"));
    let refused = reg
        .clone_item(STUDY, Value::Null, "bob", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(refused.message, "\"bob\" has no e-mail address");
    assert_eq!(
        reg.json("SELECT item_can_clone('10378.1/107', 'bob')").await,
        json!(false)
    );
    let reason = "SELECT reason FROM clone.registry_cloneable('bob') WHERE subtype = 'STUDY'";
    assert_eq!(reg.json(reason).await, json!("\"bob\" has no e-mail address"));
    let collection = reg
        .failure("SELECT project_clone('reef', 'Two', owner => 'bob')")
        .await;
    assert_eq!(collection.message, refused.message);
    // In a group of users, or as the person that the user is.
    reg.run("UPDATE reg.group_user SET email = 'bob@example.org' WHERE username = 'bob'")
        .await;
    assert_eq!(outcome(&reg, STUDY, "bob").await, None);
    reg.run("UPDATE reg.group_user SET email = NULL; INSERT INTO reg.username_person_link VALUES ('bob', '10378.1/101')")
        .await;
    assert_eq!(outcome(&reg, STUDY, "bob").await, None);
    let wrong = reg
        .failure(
            "SELECT clone.store_create('r2', 'registry', '{\"handle_prefix\": \"1\", \"email\": \"yes\"}')",
        )
        .await;
    assert_eq!(
        (wrong.code.as_str(), wrong.message.as_str()),
        ("22023", "invalid value \"yes\" for store option \"email\"")
    );
}

#[tokio::test]
async fn every_item_of_a_set_must_be_readable() {
    let reg = with_items().await;
    access(&reg, STUDY, "{}", "{}").await;
    let sql = "SELECT items_clone($1, actor => 'bob')";
    let refused = reg.call(sql, &[&vec![MODEL, STUDY]]).await.unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("P0002", "no item 10378.1/107")
    );
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 13);
}
