//! Which fields a clone takes from its source and which are new; which items can be cloned.

use serde_json::{Value, json};

use super::fixture::*;

#[tokio::test]
async fn the_handle_is_new_and_the_owner_and_times_are_the_actors_and_now() {
    let reg = with_items().await;
    let clone = reg
        .clone_item(MODEL, Value::Null, "bob", Value::Null)
        .await
        .unwrap();
    assert_eq!(id(&clone), "10378.1/113");
    assert_eq!(clone["owner_username"], "bob");
    let now = reg
        .json("SELECT date_part('epoch', now())::bigint")
        .await
        .as_i64()
        .unwrap();
    let age = now - clone["created_timestamp"].as_i64().unwrap();
    assert!((0..60).contains(&age), "{age}");
    assert_eq!(clone["created_timestamp"], clone["updated_timestamp"]);
    assert_eq!(clone["record_type"], "COMPLETE_ITEM");
    assert_eq!(
        (&clone["item_category"], &clone["item_subtype"]),
        (&json!("ENTITY"), &json!("MODEL"))
    );
}

#[tokio::test]
async fn what_is_returned_is_what_is_stored() {
    let reg = with_items().await;
    for item in [ORGANISATION, MODEL, INPUT_TEMPLATE, WORKFLOW, STUDY] {
        let mut clone = reg.cloned(item).await;
        assert_eq!(
            clone.as_object_mut().unwrap().remove("cloned_from"),
            Some(json!(item))
        );
        let mut stored = reg.item(id(&clone)).await;
        // NULL columns that a document of this subtype does not have.
        let stored = stored.as_object_mut().unwrap();
        stored.retain(|key, value| !value.is_null() || clone.get(key).is_some());
        assert_eq!(&clone, &json!(stored), "{item}");
    }
}

#[tokio::test]
async fn the_history_has_one_entry_of_the_actor() {
    let reg = with_items().await;
    let clone = reg
        .clone_item(MODEL, Value::Null, "bob", Value::Null)
        .await
        .unwrap();
    let history = clone["history"].as_array().unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0]["id"], 0);
    assert_eq!(history[0]["reason"], "Initial record creation");
    assert_eq!(history[0]["username"], "bob");
    assert_eq!(history[0]["timestamp"], clone["created_timestamp"]);
    assert_eq!(history[0]["item"]["display_name"], "eReefs");
    assert_eq!(history[0]["item"]["zero"], 0);
}

#[tokio::test]
async fn versioning_starts_again_where_there_are_versions() {
    let reg = with_items().await;
    let first = json!({"previous_version": null, "version": 1, "next_version": null});
    for item in [MODEL, INPUT_TEMPLATE, WORKFLOW] {
        assert_eq!(reg.cloned(item).await["versioning_info"], first, "{item}");
    }
    for item in [ORGANISATION, STUDY] {
        assert_eq!(reg.cloned(item).await["versioning_info"], Value::Null, "{item}");
    }
}

#[tokio::test]
async fn jobs_of_the_source_are_not_the_clones() {
    let reg = with_items().await;
    assert_eq!(
        reg.item(MODEL).await["workflow_links"]["create_activity_workflow_id"],
        "session-1"
    );
    assert_eq!(reg.cloned(MODEL).await["workflow_links"], Value::Null);
}

#[tokio::test]
async fn access_settings_are_the_defaults_never_the_sources() {
    let reg = with_items().await;
    let access = |id: String| {
        let reg = &reg;
        async move {
            reg.json(&format!(
                "SELECT to_jsonb(a) - 'id' FROM reg.item_auth a WHERE id = '{id}'"
            ))
            .await
        }
    };
    let model = reg
        .clone_item(MODEL, Value::Null, "bob", Value::Null)
        .await
        .unwrap();
    assert_eq!(
        access(id(&model).into()).await,
        json!({"owner": "bob", "general": ["metadata-read"], "groups": {}})
    );
    let dataset = reg
        .clone_item(DATASET, approve(), "bob", Value::Null)
        .await
        .unwrap();
    assert_eq!(
        access(id(&dataset).into()).await,
        json!({"owner": "bob", "general": ["metadata-read", "dataset-data-read"], "groups": {}})
    );
}

#[tokio::test]
async fn a_clone_of_a_locked_and_released_item_is_unlocked_and_unreleased() {
    let reg = with_items().await;
    let clone = reg
        .clone_item(DATASET, approve(), "ada", Value::Null)
        .await
        .unwrap();
    let lock = reg
        .json(&format!(
            "SELECT to_jsonb(l) - 'id' FROM reg.item_lock l WHERE id = '{}'",
            id(&clone)
        ))
        .await;
    assert_eq!(lock, json!({"locked": false, "history": []}));
    assert_eq!(clone["release_status"], "NOT_RELEASED");
    assert_eq!(clone["release_history"], json!([]));
    assert_eq!(clone.get("release_approver"), None);
    assert_eq!(clone.get("release_timestamp"), None);
}

#[tokio::test]
async fn storage_is_a_new_place_and_no_files_are_queued() {
    let reg = with_items().await;
    let clone = reg
        .clone_item(DATASET, approve(), "ada", Value::Null)
        .await
        .unwrap();
    let slug = id(&clone).replace(['.', '/'], "-");
    let place = json!({"bucket_name": "reef-bucket", "path": format!("datasets/{slug}/"),
                       "s3_uri": format!("s3://reef-bucket/datasets/{slug}/")});
    assert_eq!(clone["s3"], place);
    assert_eq!(clone["history"][0]["item"]["s3"], place);
    assert_eq!(reg.json("SELECT count(*) FROM clone.blob_copy").await, 0);
}

#[tokio::test]
async fn consents_are_reset_and_must_be_given_anew() {
    let reg = with_items().await;
    let person = reg
        .clone_item(PERSON, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        (person.code.as_str(), person.detail.as_str()),
        ("22023", "/ethics_approved: true was expected")
    );
    let dataset = reg
        .clone_item(DATASET, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        dataset.detail,
        "/collection_format/approvals/ethics_access/obtained: true was expected"
    );

    let person = reg
        .clone_item(PERSON, json!({"ethics_approved": true}), "ada", Value::Null)
        .await
        .unwrap();
    assert_eq!(person["ethics_approved"], true);
    let irrelevant = json!({"collection_format": {"approvals": {"ethics_access": {"relevant": false}}}});
    let dataset = reg
        .clone_item(DATASET, irrelevant, "ada", Value::Null)
        .await
        .unwrap();
    let approvals = dataset["collection_format"]["approvals"].as_object().unwrap();
    assert!(
        approvals.values().all(|a| a["obtained"] == false),
        "{approvals:?}"
    );
}

#[tokio::test]
async fn derived_fields_of_a_data_set_follow_its_content() {
    let reg = with_items().await;
    let edits = json!({"collection_format": {"approvals": {"ethics_access": {"obtained": true}},
        "dataset_info": {"name": "Reef 2024", "user_metadata": {"campaign": "south"},
                         "access_info": {"uri": "https://example.org/other"}}}});
    let clone = reg.clone_item(DATASET, edits, "ada", Value::Null).await.unwrap();
    assert_eq!(clone["display_name"], "Reef 2024");
    assert_eq!(
        clone["user_metadata"],
        json!({"campaign": "south"}),
        "an empty note is left out"
    );
    assert_eq!(clone["access_info_uri"], "https://example.org/other");
}

#[tokio::test]
async fn a_legacy_field_no_longer_in_the_model_does_not_stop_a_clone() {
    let reg = with_items().await;
    assert_eq!(
        reg.item(DATASET).await["collection_format"]["dataset_info"]["version"],
        "3"
    );
    let clone = reg
        .clone_item(DATASET, approve(), "ada", Value::Null)
        .await
        .unwrap();
    assert_eq!(clone["collection_format"]["dataset_info"].get("version"), None);
}

#[tokio::test]
async fn falsy_values_and_the_digits_of_numbers_survive() {
    let reg = with_items().await;
    let clone = reg.cloned(MODEL).await;
    assert_eq!(
        (&clone["zero"], &clone["off"], &clone["description"]),
        (&json!(0), &json!(false), &json!(""))
    );
    assert_eq!(clone["user_metadata"]["k"], "");
    let digits = format!(
        "SELECT domain_info->>'precise' FROM reg.item WHERE id = '{}'",
        id(&clone)
    );
    assert_eq!(reg.json(&digits).await, "1.50");
    let clone = reg
        .clone_item(DATASET, approve(), "ada", Value::Null)
        .await
        .unwrap();
    assert_eq!(
        clone["collection_format"]["dataset_info"]["access_info"]["reposited"],
        false
    );
}

#[tokio::test]
async fn all_other_content_is_carried_over_verbatim() {
    let reg = with_items().await;
    let (source, clone) = (reg.item(WORKFLOW).await, reg.cloned(WORKFLOW).await);
    for field in [
        "display_name",
        "software_id",
        "input_templates",
        "output_templates",
        "annotations",
    ] {
        assert_eq!(source[field], clone[field], "{field}");
    }
}

#[tokio::test]
async fn the_source_stays_as_it_is_even_in_its_history() {
    let reg = with_items().await;
    for (item, edits) in [
        (MODEL, Value::Null),
        (DATASET, approve()),
        (STUDY, json!({"title": "Another"})),
    ] {
        let before = reg.everything(item).await;
        reg.clone_item(item, edits, "ada", Value::Null).await.unwrap();
        assert_eq!(reg.everything(item).await, before, "{item}");
    }
}

#[tokio::test]
async fn what_can_be_cloned_alone() {
    let reg = with_items().await;
    for (item, subtype) in [(RUN_1, "MODEL_RUN"), (CREATE, "CREATE"), (VERSION, "VERSION")] {
        let refused = reg
            .clone_item(item, Value::Null, "ada", Value::Null)
            .await
            .unwrap_err();
        assert_eq!(refused.code, "22023");
        assert_eq!(
            refused.message,
            format!("item {item} is a {subtype}, which cannot be cloned")
        );
    }
    for subtype in ["SOFTWARE", "WORKFLOW_TEMPLATE", "WORKFLOW_RUN"] {
        let cloneable = format!("SELECT cloneable FROM reg.subtype WHERE name = '{subtype}'");
        assert_eq!(reg.json(&cloneable).await, "never", "{subtype}");
    }
    for item in [
        ORGANISATION,
        MODEL,
        INPUT_TEMPLATE,
        OUTPUT_TEMPLATE,
        WORKFLOW,
        STUDY,
    ] {
        reg.cloned(item).await;
    }
}

#[tokio::test]
async fn a_study_is_cloned_without_its_runs() {
    let reg = with_items().await;
    reg.cloned(STUDY).await;
    assert_eq!(
        reg.json("SELECT count(*) FROM reg.item WHERE item_subtype = 'MODEL_RUN'")
            .await,
        2
    );
}

#[tokio::test]
async fn a_seed_gives_an_empty_form_to_fill_in() {
    let reg = with_items().await;
    let empty = reg
        .clone_item(SEED, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        empty.message,
        format!("the clone of {SEED} would not be valid: 5 errors")
    );
    let filled = json!({"display_name": "n", "name": "n", "description": "", "documentation_url": "https://a.b",
                        "source_url": "https://a.b"});
    assert_eq!(
        reg.clone_item(SEED, filled, "ada", Value::Null).await.unwrap()["record_type"],
        "COMPLETE_ITEM"
    );
}

#[tokio::test]
async fn a_failed_clone_leaves_nothing() {
    let reg = with_items().await;
    reg.run("ALTER TABLE reg.item_history ADD CHECK (username <> 'bob')")
        .await;
    let failed = reg
        .clone_item(MODEL, Value::Null, "bob", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(failed.code, "23514");
    let left = "SELECT (SELECT count(*) FROM reg.item) + (SELECT count(*) FROM reg.item_auth) \
                + (SELECT count(*) FROM clone.run) + (SELECT count(*) FROM clone.item_origin)";
    assert_eq!(reg.json(left).await, 26);
}

/// The edit without which the data set is not valid: its approval is obtained anew.
fn approve() -> Value {
    json!({"collection_format": {"approvals": {"ethics_access": {"obtained": true}}}})
}
