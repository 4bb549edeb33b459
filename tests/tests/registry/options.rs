//! The options of a clone.

use serde_json::{Value, json};

use super::fixture::*;

fn approved(more: Value) -> Value {
    let mut edits = json!({"collection_format": {"approvals": {"ethics_access": {"obtained": true}}}});
    edits
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    edits
}

#[tokio::test]
async fn files_are_queued_with_the_clone() {
    let reg = with_items().await;
    reg.run("LISTEN clone_blob_copy").await;
    let clone = reg
        .clone_item(DATASET, approved(json!({})), "ada", json!({"files": true}))
        .await
        .unwrap();
    let queued = reg
        .json("SELECT jsonb_agg(jsonb_build_array(operation, resource_type, source_id, target_id, source_key, target_key, state)) FROM clone.blob_copy")
        .await;
    assert_eq!(
        queued,
        json!([[
            "copy",
            "DATASET",
            DATASET,
            clone["id"],
            "datasets/10378-1-106/",
            clone["s3"]["path"],
            "pending"
        ]])
    );
    assert_eq!(reg.json("SELECT blobs FROM clone.run").await, 1);
    reg.clone_item(MODEL, Value::Null, "ada", json!({"files": true}))
        .await
        .unwrap();
    assert_eq!(
        reg.json("SELECT count(*) FROM clone.blob_copy").await,
        1,
        "a model has no files"
    );
}

#[tokio::test]
async fn access_can_be_kept_but_the_owner_is_the_actor() {
    let reg = with_items().await;
    let clone = reg
        .clone_item(DATASET, approved(json!({})), "bob", json!({"access": "keep"}))
        .await
        .unwrap();
    let access = reg
        .json(&format!(
            "SELECT to_jsonb(a) - 'id' FROM reg.item_auth a WHERE id = '{}'",
            id(&clone)
        ))
        .await;
    let groups = json!({"g1": ["metadata-read", "metadata-write"]});
    assert_eq!(
        access,
        json!({"owner": "bob", "general": ["metadata-read", "admin"], "groups": groups})
    );
}

#[tokio::test]
async fn an_older_revision_can_be_cloned() {
    let reg = with_items().await;
    let clone = reg
        .clone_item(MODEL, Value::Null, "ada", json!({"from_history": 0}))
        .await
        .unwrap();
    assert_eq!(
        (&clone["name"], &clone["display_name"]),
        (&json!("eReefs before"), &json!("eReefs old"))
    );
    assert_eq!(clone.get("user_metadata"), None);
    assert_eq!(clone["history"].as_array().unwrap().len(), 1);
    let revision = format!(
        "SELECT revision FROM clone.item_origin WHERE item = '{}'",
        id(&clone)
    );
    assert_eq!(reg.json(&revision).await, 0);
    let missing = reg
        .clone_item(MODEL, Value::Null, "ada", json!({"from_history": 5}))
        .await
        .unwrap_err();
    assert_eq!(
        (missing.code.as_str(), missing.hint.as_str()),
        ("22023", "Its entries are: 1, 0.")
    );
}

/// An old revision names the place of files of its time: a clone must not point there.
#[tokio::test]
async fn an_older_revision_does_not_leak_its_storage_path() {
    let reg = with_items().await;
    let clone = reg
        .clone_item(DATASET, approved(json!({})), "ada", json!({"from_history": 0}))
        .await
        .unwrap();
    assert_ne!(clone["s3"]["path"], "datasets/10378-1-106/");
    assert_eq!(clone["release_status"], "NOT_RELEASED");
}

#[tokio::test]
async fn the_title_follows_a_pattern() {
    let reg = with_items().await;
    let title = json!({"title": "Copy of %s"});
    let model = reg
        .clone_item(MODEL, Value::Null, "ada", title.clone())
        .await
        .unwrap();
    assert_eq!(
        (&model["name"], &model["display_name"]),
        (&json!("Copy of eReefs"), &json!("Copy of eReefs"))
    );
    let study = reg
        .clone_item(STUDY, json!({"title": "Mine"}), "ada", title.clone())
        .await
        .unwrap();
    assert_eq!(
        (&study["title"], &study["display_name"]),
        (&json!("Mine"), &json!("Copy of Study of the reef"))
    );
    let dataset = reg
        .clone_item(DATASET, approved(json!({})), "ada", title)
        .await
        .unwrap();
    assert_eq!(dataset["display_name"], "Copy of Reef 2023");
    assert_eq!(
        dataset["collection_format"]["dataset_info"]["name"],
        "Copy of Reef 2023"
    );
}

#[tokio::test]
async fn a_dry_run_shows_the_item_and_writes_nothing() {
    let reg = with_items().await;
    let state = "SELECT jsonb_build_array((SELECT count(*) FROM reg.item), (SELECT count(*) FROM clone.run), \
                 (SELECT last_value FROM reg.handle_number))";
    let before = reg.json(state).await;
    let shown = reg
        .clone_item(MODEL, json!({"name": "x"}), "ada", json!({"dry_run": true}))
        .await
        .unwrap();
    assert_eq!(
        (&shown["name"], &shown["id"], &shown["owner_username"]),
        (&json!("x"), &json!("dry-run/1"), &json!("ada"))
    );
    let set = reg
        .clone_set(&[WORKFLOW, MODEL], Value::Null, json!({"dry_run": true}))
        .await
        .unwrap();
    assert_eq!(set[0]["software_id"], "dry-run/2");
    assert_eq!(reg.json(state).await, before);
    let invalid = reg
        .clone_item(PERSON, Value::Null, "ada", json!({"dry_run": true}))
        .await
        .unwrap_err();
    assert_eq!(invalid.code, "22023");
}

#[tokio::test]
async fn the_creation_can_be_recorded_as_an_activity() {
    let reg = with_items().await;
    let option = json!({"create_activity": true});
    let clone = reg
        .clone_item(MODEL, Value::Null, "bob", option.clone())
        .await
        .unwrap();
    let sql = "SELECT jsonb_agg(jsonb_build_array(owner_username, domain_info)) FROM reg.item \
               WHERE item_subtype = 'CREATE' AND id <> '10378.1/110'";
    assert_eq!(
        reg.json(sql).await,
        json!([["bob", {"created_item_id": clone["id"]}]])
    );
    reg.clone_item(ORGANISATION, Value::Null, "bob", option)
        .await
        .unwrap();
    assert_eq!(
        reg.json(sql).await.as_array().unwrap().len(),
        1,
        "organisations have no versions"
    );
}

#[tokio::test]
async fn unknown_options_are_errors() {
    let reg = with_items().await;
    for options in [
        json!({"file": true}),
        json!({"files": "yes"}),
        json!({"title": "no place"}),
        json!([]),
    ] {
        let refused = reg
            .clone_item(MODEL, Value::Null, "ada", options.clone())
            .await
            .unwrap_err();
        assert_eq!(refused.code, "22023", "{options}");
    }
}

#[tokio::test]
async fn the_origin_survives_the_source() {
    let reg = with_items().await;
    let clone = reg.cloned(MODEL).await;
    reg.run("DELETE FROM reg.item WHERE id = '10378.1/102'").await;
    let origin = format!(
        "SELECT to_jsonb(o) FROM clone.item_origin o WHERE item = '{}'",
        id(&clone)
    );
    let origin = reg.json(&origin).await;
    assert_eq!(
        (&origin["source"], &origin["source_name"], &origin["cloned_by"]),
        (&json!(MODEL), &json!("eReefs"), &json!("ada"))
    );
    assert_eq!(origin["store"], "reg");
}

#[tokio::test]
async fn an_etag_is_that_of_one_item() {
    let reg = with_items().await;
    let draft = reg
        .call("SELECT item_clone_draft($1, 'ada')", &[&MODEL])
        .await
        .unwrap();
    let etag = json!({"etag": draft["etag"]});
    let refused = reg
        .clone_set(&[MODEL, ORGANISATION], Value::Null, etag.clone())
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        (
            "22023",
            "option \"etag\" is that of one item, and there are several"
        )
    );
    assert!(refused.hint.contains("one by one"), "{}", refused.hint);
    let checked = reg
        .call(
            "SELECT items_clone_check($1, actor => 'ada', options => $2)",
            &[&vec![MODEL, ORGANISATION], &etag],
        )
        .await
        .unwrap();
    assert_eq!(
        (&checked["valid"], &checked["problems"][0]["code"]),
        (&json!(false), &json!("22023"))
    );
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 13);
    // The same item twice is one item.
    let set = reg.clone_set(&[MODEL, MODEL], Value::Null, etag).await.unwrap();
    assert_eq!(set.len(), 1);
}

#[tokio::test]
async fn options_of_the_store_are_changed_if_they_are_right() {
    let reg = with_items().await;
    for (options, said) in [
        (
            r#"{"handle_prefix": "20.1"}"#,
            "option \"handle_prefix\" of store \"reg\" cannot be changed",
        ),
        (
            r#"{"handle_prefix": null}"#,
            "option \"handle_prefix\" of store \"reg\" cannot be changed",
        ),
        (
            r#"{"id_generator": "1 + 1"}"#,
            "id_generator does not name a function: 1 + 1",
        ),
        (
            r#"{"id_generator": "reg.nothing()"}"#,
            "id_generator does not name a function: reg.nothing()",
        ),
        (
            r#"{"id_generator": "pg_catalog.pg_ls_waldir()"}"#,
            "id_generator \"pg_catalog\".\"pg_ls_waldir\"() does not return one handle for each call",
        ),
        (
            r#"{"id_generator": 7}"#,
            "invalid value 7 for option \"id_generator\"",
        ),
        (
            r#"{"person_link": "yes"}"#,
            "invalid value \"yes\" for store option \"person_link\"",
        ),
        (
            r#"{"person_link": true}"#,
            "invalid value true for store option \"person_link\"",
        ),
        (
            r#"{"grant_to": "app"}"#,
            "invalid value \"app\" for option \"grant_to\"",
        ),
        (r#"{"email": 1}"#, "invalid value 1 for store option \"email\""),
        (
            r#"{"dataset_path": 7}"#,
            "invalid value 7 for option \"dataset_path\"",
        ),
        (
            r#"{"bucket": ["b"]}"#,
            "invalid value [\"b\"] for option \"bucket\"",
        ),
        (
            r#"{"schema": "other"}"#,
            "option \"schema\" of store \"reg\" cannot be changed",
        ),
        (r#"{"grant_to": ["nobody"]}"#, "there is no role \"nobody\""),
        (r#"{"handle": "x"}"#, "unknown store option \"handle\""),
    ] {
        let refused = reg
            .failure(&format!("SELECT clone.store_alter('reg', '{options}')"))
            .await;
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("22023", said),
            "{options}"
        );
        assert!(refused.hint.ends_with(['.', ';']), "{options}: {}", refused.hint);
    }
    reg.run("CREATE FUNCTION reg.own(subtype text) RETURNS text LANGUAGE sql AS $$ SELECT '10378.1/' || lower(subtype) $$")
        .await;
    let altered = reg
        .json(r#"SELECT clone.store_alter('reg', '{"handle_prefix": "10378.1", "id_generator": "reg.own(text)", "person_link": "require"}')"#)
        .await;
    assert_eq!(
        (&altered["id_generator"], &altered["person_link"]),
        (&json!("reg.own(text)"), &json!("require"))
    );
    let refused = reg
        .clone_item(MODEL, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "42501", "ada is linked to no person");
    reg.run(r#"SELECT clone.store_alter('reg', '{"person_link": null}')"#)
        .await;
    assert_eq!(id(&reg.cloned(MODEL).await), "10378.1/model");
    // Roles that are named get the privileges.
    reg.run(r#"REVOKE ALL ON reg.item FROM app; SELECT clone.store_alter('reg', '{"grant_to": ["app"]}')"#)
        .await;
    let may = "SELECT has_table_privilege('app', 'reg.item', 'INSERT')";
    assert_eq!(reg.json(may).await, true);
    reg.run(
        r#"SELECT clone.store_create('bare', 'registry', '{"handle_prefix": "20.1", "grant_to": null}')"#,
    )
    .await;
}
