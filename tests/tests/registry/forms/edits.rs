//! Edits in the same call, and the draft that they apply to.

use serde_json::{Value, json};

use crate::fixture::*;

#[tokio::test]
async fn a_merge_patch_and_a_json_patch_give_the_same_clone() {
    let reg = with_items().await;
    let merge = json!({"name": "eReefs 4", "user_metadata": {"k": "v", "see": null}});
    let patch = json!([{"op": "replace", "path": "/name", "value": "eReefs 4"},
        {"op": "test", "path": "/user_metadata/k", "value": ""},
        {"op": "replace", "path": "/user_metadata/k", "value": "v"}, {"op": "remove", "path": "/user_metadata/see"}]);
    let mut clones = Vec::new();
    for edits in [merge, patch] {
        let clone = reg.clone_item(MODEL, edits, "ada", Value::Null).await.unwrap();
        clones.push((
            clone["name"].clone(),
            clone["user_metadata"].clone(),
            clone["history"][0]["item"].clone(),
        ));
    }
    assert_eq!(clones[0], clones[1]);
    assert_eq!(clones[0].1, json!({"k": "v"}));
}

#[tokio::test]
async fn forbidden_fields_are_named_all_at_once() {
    let reg = with_items().await;
    let edits = json!({"id": "10378.1/1", "owner_username": "eve", "history": [], "versioning_info": {"version": 9},
                       "s3": {}, "release_status": "RELEASED", "display_name": "x"});
    let refused = reg
        .clone_item(DATASET, edits, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "22023");
    let named =
        "edits may not change display_name, history, id, owner_username, release_status, s3, versioning_info";
    assert_eq!(refused.message, named);
    assert!(
        refused
            .detail
            .contains("/display_name: follows from /collection_format/dataset_info/name")
    );
    for path in [
        "/id",
        "/owner_username",
        "/access_settings/owner",
        "/lock_information",
    ] {
        let edits = json!([{"op": "add", "path": path, "value": "x"}]);
        let refused = reg
            .clone_item(MODEL, edits, "ada", Value::Null)
            .await
            .unwrap_err();
        assert!(
            refused.message.starts_with("edits may not change"),
            "{path}: {}",
            refused.message
        );
    }
}

#[tokio::test]
async fn what_is_no_edit_is_refused() {
    let reg = with_items().await;
    for edits in [
        json!("name"),
        json!(1),
        json!([{"op": "boil"}]),
        json!([{"op": "remove", "path": "/absent"}]),
    ] {
        let refused = reg
            .clone_item(MODEL, edits.clone(), "ada", Value::Null)
            .await
            .unwrap_err();
        assert_eq!(refused.code, "22023", "{edits}");
    }
}

#[tokio::test]
async fn the_draft_shows_the_form_and_writes_nothing() {
    let reg = with_items().await;
    let before = reg.json("SELECT count(*) FROM reg.item").await;
    let draft = reg
        .call("SELECT item_clone_draft($1, 'eve')", &[&DATASET])
        .await
        .unwrap();
    assert_eq!(draft["source"], DATASET);
    assert_eq!(draft["item_subtype"], "DATASET");
    assert_eq!(
        draft["item"]["collection_format"]["approvals"]["ethics_access"],
        json!({"relevant": true, "obtained": false})
    );
    for field in [
        "id",
        "history",
        "s3",
        "release_status",
        "display_name",
        "owner_username",
    ] {
        assert_eq!(draft["item"].get(field), None, "{field}");
        assert!(draft["forbidden"][field].is_string(), "{field}");
    }
    let paths = |list: &Value| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|c| c["path"].as_str().unwrap().to_string())
            .collect()
    };
    let reset = paths(&draft["reset"]);
    for path in [
        "/s3",
        "/release_status",
        "/release_history",
        "/collection_format/approvals/ethics_access/obtained",
        "/collection_format/dataset_info/version",
    ] {
        assert!(reset.contains(&path.to_string()), "{path} is not in {reset:?}");
    }
    assert_eq!(
        paths(&draft["required"]),
        ["/collection_format/approvals/ethics_access/obtained"]
    );
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, before);
    assert_eq!(reg.json("SELECT count(*) FROM clone.run").await, 0);
}

#[tokio::test]
async fn an_edited_draft_goes_back_as_edits() {
    let reg = with_items().await;
    let mut form = reg
        .call("SELECT item_clone_draft($1, 'ada')", &[&PERSON])
        .await
        .unwrap()["item"]
        .clone();
    form["first_name"] = json!("Grace");
    form["ethics_approved"] = json!(true);
    let clone = reg.clone_item(PERSON, form, "ada", Value::Null).await.unwrap();
    assert_eq!(
        (&clone["first_name"], &clone["last_name"]),
        (&json!("Grace"), &json!("L"))
    );
}

#[tokio::test]
async fn a_draft_of_a_run_is_possible_and_one_of_an_activity_of_the_system_is_not() {
    let reg = with_items().await;
    let draft = reg
        .call("SELECT item_clone_draft($1, 'ada')", &[&RUN_1])
        .await
        .unwrap();
    assert_eq!(draft["required"], json!([]));
    let refused = reg.failure("SELECT item_clone_draft('10378.1/110', 'ada')").await;
    assert_eq!(refused.code, "22023");
}
