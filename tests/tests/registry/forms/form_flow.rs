//! A form from its draft to the new item, as an application uses it.

use serde_json::{Value, json};

use crate::fixture::*;

async fn check(reg: &Registry, id: &str, edits: Value, options: Value) -> Value {
    reg.call(
        "SELECT item_clone_check($1, $2, 'ada', options => $3)",
        &[&id, &edits, &options],
    )
    .await
    .unwrap()
}

fn same_name(items: &str) -> Value {
    json!({"path": "/display_name", "code": "same_name", "message": format!("{items} this name already")})
}

#[tokio::test]
async fn a_name_that_other_items_have_is_no_error_but_said() {
    let reg = with_items().await;
    let warnings = async |edits: Value, actor: &str| {
        let sql = "SELECT item_clone_check($1, $2, $3)->'warnings'";
        reg.call(sql, &[&MODEL, &edits, &actor]).await.unwrap()
    };
    assert_eq!(
        warnings(json!({"display_name": "Another"}), "ada").await,
        json!([])
    );
    assert_eq!(
        warnings(Value::Null, "ada").await,
        json!([same_name("item 10378.1/102 has")])
    );
    reg.cloned(MODEL).await;
    let both = json!([same_name("items 10378.1/102, 10378.1/113 have")]);
    assert_eq!(warnings(Value::Null, "ada").await, both);
    let draft = reg
        .call("SELECT item_clone_draft($1, 'ada')", &[&MODEL])
        .await
        .unwrap();
    assert_eq!(draft["warnings"], both);
    // What the actor may not see is not named; another subtype may have the name.
    reg.run("UPDATE reg.item_auth SET general = '{}' WHERE id = '10378.1/113'")
        .await;
    assert_eq!(
        warnings(Value::Null, "bob").await,
        json!([same_name("item 10378.1/102 has")])
    );
    let study = reg
        .json("SELECT display_name FROM reg.item WHERE id = '10378.1/107'")
        .await;
    assert_eq!(warnings(json!({"display_name": study}), "ada").await, json!([]));
    // The name of a data set follows from its content.
    let set = reg
        .json("SELECT items_clone_check('{10378.1/106, 10378.1/102}', NULL, 'ada')->'warnings'->0")
        .await;
    assert_eq!(
        (&set["path"], &set["item"]),
        (&json!("/collection_format/dataset_info/name"), &json!(DATASET))
    );
}

#[tokio::test]
async fn draft_edit_check_and_clone() {
    let reg = with_items().await;
    let draft = reg
        .call("SELECT item_clone_draft($1, 'ada')", &[&PERSON])
        .await
        .unwrap();
    assert_eq!(
        draft["required"],
        json!([{"path": "/ethics_approved", "code": "const", "message": "true was expected"}])
    );
    let mut form = draft["item"].clone();
    form["first_name"] = json!("Grace");
    form.as_object_mut().unwrap().shift_remove("orcid");
    let options = json!({"form": true, "etag": draft["etag"], "idempotency_key": "form-1"});
    let said = check(&reg, PERSON, form.clone(), options.clone()).await;
    assert_eq!(
        (&said["valid"], &said["problems"][0]["path"]),
        (&json!(false), &json!("/ethics_approved"))
    );
    form["ethics_approved"] = json!(true);
    assert_eq!(
        check(&reg, PERSON, form.clone(), options.clone()).await,
        json!({"valid": true, "problems": [], "warnings": [same_name("item 10378.1/101 has")], "etag": draft["etag"]})
    );
    let clone = reg
        .clone_item(PERSON, form.clone(), "ada", options.clone())
        .await
        .unwrap();
    assert_eq!(
        (&clone["first_name"], &clone["cloned_from"]),
        (&json!("Grace"), &json!(PERSON))
    );
    assert_eq!(clone.get("orcid"), None, "what the user deleted is gone");
    // Sent twice, made once.
    let again = reg
        .clone_item(PERSON, form.clone(), "ada", options.clone())
        .await
        .unwrap();
    assert_eq!(again["id"], clone["id"]);
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 14);
    form["first_name"] = json!("Mary");
    let other = reg.clone_item(PERSON, form, "ada", options).await.unwrap_err();
    assert_eq!(
        (other.code.as_str(), other.message.as_str()),
        ("22023", "idempotency key \"form-1\" was used for another call")
    );
}

#[tokio::test]
async fn a_source_that_changed_meanwhile_is_not_cloned() {
    let reg = with_items().await;
    let draft = reg
        .call("SELECT item_clone_draft($1, 'ada')", &[&MODEL])
        .await
        .unwrap();
    reg.run("UPDATE reg.item SET domain_info = jsonb_set(domain_info, '{name}', '\"new\"') WHERE id = '10378.1/102'").await;
    let stale = reg
        .clone_item(MODEL, Value::Null, "ada", json!({"etag": draft["etag"]}))
        .await
        .unwrap_err();
    assert_eq!(stale.code, "55000");
    assert!(
        stale.message.contains("has changed since the draft"),
        "{}",
        stale.message
    );
    let said = check(&reg, MODEL, Value::Null, json!({"etag": draft["etag"]})).await;
    assert_eq!(said["problems"][0]["code"], "55000");
}

#[tokio::test]
async fn a_draft_takes_edits_a_title_and_a_history_entry_and_shows_what_differs() {
    let reg = with_items().await;
    let draft = reg
        .call(
            "SELECT item_clone_draft($1, 'ada', edits => '{\"description\": \"d\"}', options => '{\"title\": \"Copy of %s\", \"from_history\": 0}')",
            &[&MODEL],
        )
        .await
        .unwrap();
    assert_eq!(
        (
            &draft["item"]["name"],
            &draft["item"]["description"],
            &draft["revisions"]
        ),
        (&json!("Copy of eReefs before"), &json!("d"), &json!([1, 0]))
    );
    let changed = |path: &str| {
        draft["diff"]
            .as_array()
            .unwrap()
            .iter()
            .any(|o| o["path"] == path && o["was"] == "eReefs before")
    };
    assert!(changed("/name"), "{}", draft["diff"]);
    assert_eq!(draft["title"], "Model");
    for name in ["name", "display_name", "documentation_url"] {
        assert!(
            draft["json_schema"]["properties"][name]["title"].is_string(),
            "{name}"
        );
    }
    assert!(draft["ui_schema"]["ui:order"].is_array());
}

#[tokio::test]
async fn unknown_fields_are_refused_by_name() {
    let reg = with_items().await;
    let refused = reg
        .clone_item(MODEL, json!({"descripton": "x"}), "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.detail.as_str()),
        ("22023", "/descripton: is not a field; did you mean description?")
    );
    let option = reg
        .clone_item(MODEL, Value::Null, "ada", json!({"etg": "x"}))
        .await
        .unwrap_err();
    assert!(option.hint.starts_with("Did you mean etag?"), "{}", option.hint);
}

#[tokio::test]
async fn consent_cannot_be_skipped_by_the_form_of_earlier_days() {
    let reg = with_items().await;
    let edits = json!({"collection_format": {"author": {"name": "n", "email": "a@b.org", "organisation": {}}, "dataset_info": {"publisher": {}}}});
    let refused = reg
        .clone_item(DATASET, edits, "ada", Value::Null)
        .await
        .unwrap_err();
    assert!(
        refused
            .detail
            .contains("/collection_format/author: is not a field"),
        "{}",
        refused.detail
    );
    assert!(
        refused.detail.contains("ethics_access/obtained"),
        "{}",
        refused.detail
    );
}

#[tokio::test]
async fn a_button_knows_whether_it_may_be_shown() {
    let reg = with_items().await;
    reg.run("UPDATE reg.item_auth SET general = '{}' WHERE id = '10378.1/102'")
        .await;
    for (item, actor, may) in [
        (MODEL, "ada", true),
        (MODEL, "bob", false),
        (STUDY, "bob", true),
        (STUDY, "eve", false),
        (RUN_1, "ada", false),
        (CREATE, "ada", false),
        ("none", "ada", false),
    ] {
        assert_eq!(
            reg.json(&format!("SELECT item_can_clone('{item}', '{actor}')"))
                .await,
            may,
            "{item} {actor}"
        );
    }
    let rows = "SELECT jsonb_object_agg(subtype, jsonb_build_array(cloneable, allowed)) FROM clone.registry_cloneable('eve')";
    assert_eq!(reg.json(rows).await["MODEL"], json!(["alone", false]));
}

#[tokio::test]
async fn origins_show_to_who_may_read_both_items() {
    let reg = with_items().await;
    let clone = reg.cloned(MODEL).await;
    let of = |actor: &'static str| {
        let reg = &reg;
        async move {
            reg.run(&format!("ALTER ROLE plain SET pg_clone.actor = '{actor}'"))
                .await;
            let session = reg.session_as("plain").await;
            let row = session
                .query_one(
                    "SELECT COALESCE(jsonb_agg(jsonb_build_array(item, source)), '[]') FROM reg.item_origin",
                    &[],
                )
                .await
                .unwrap();
            row.get::<_, Value>(0)
        }
    };
    assert_eq!(of("bob").await, json!([[clone["id"], MODEL]]));
    reg.run("UPDATE reg.item_auth SET general = '{}' WHERE id = '10378.1/102'")
        .await;
    assert_eq!(
        of("bob").await,
        json!([[clone["id"], null]]),
        "the source is hidden"
    );
    reg.run("UPDATE reg.item_auth SET general = '{}'").await;
    assert_eq!(of("bob").await, json!([]));
    assert_eq!(of("ada").await, json!([[clone["id"], MODEL]]));
    // A setting that the session made itself, before our library was there, is not believed.
    reg.run("ALTER ROLE plain RESET pg_clone.actor").await;
    let forged = reg.session_as("plain").await;
    let _ = forged.batch_execute("SET pg_clone.actor = 'ada'").await;
    let rows = forged.query("SELECT * FROM reg.item_origin", &[]).await.unwrap();
    assert_eq!(rows.len(), 0);
    assert!(
        forged
            .query("SELECT * FROM clone.item_origin", &[])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn arguments_may_be_one_object_of_json_or_jsonb() {
    let reg = with_items().await;
    for kind in ["json", "jsonb"] {
        let one = reg.json(&format!("SELECT item_clone(('{{\"item_id\": \"{MODEL}\", \"edits\": {{\"name\": \"{kind}\"}}, \"actor\": \"ada\"}}')::{kind})")).await;
        assert_eq!(
            (&one["name"], &one["owner_username"]),
            (&json!(kind), &json!("ada"))
        );
        let set = reg
            .json(&format!(
                "SELECT item_clone(('{{\"item_ids\": [\"{MODEL}\", \"{STUDY}\"], \"actor\": \"ada\"}}')::{kind})"
            ))
            .await;
        assert_eq!(set.as_array().unwrap().len(), 2);
    }
    for (params, word) in [
        ("{}", "item_id"),
        (r#"{"item_id": "x", "edit": {}}"#, "Did you mean edits?"),
        ("[]", "object"),
    ] {
        let refused = reg.failure(&format!("SELECT item_clone('{params}'::json)")).await;
        assert_eq!(refused.code, "22023", "{params}");
        assert!(
            format!("{} {}", refused.message, refused.hint).contains(word),
            "{params}: {} {}",
            refused.message,
            refused.hint
        );
    }
}

#[tokio::test]
async fn an_export_comes_back_as_it_was() {
    let reg = with_items().await;
    let bundle = reg.json("SELECT clone.registry_export()").await;
    assert_eq!(bundle["items"].as_array().unwrap().len(), 13);
    let entry = &bundle["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["id"] == DATASET)
        .unwrap()
        .clone();
    assert!(
        entry["auth_payload"]["access_settings"]["owner"] == "ada"
            && entry["lock_payload"]["lock_information"]["locked"] == true
    );
    let other = empty().await;
    other
        .call("SELECT to_jsonb(clone.registry_load($1))", &[&bundle])
        .await
        .unwrap();
    assert_eq!(other.json("SELECT clone.registry_export()").await, bundle);
    assert_eq!(
        reg.failure("SELECT clone.registry_export('{none}')").await.code,
        "P0002"
    );
    let some = reg.json("SELECT clone.registry_export('{10378.1/102}')").await;
    assert_eq!(some["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn loading_reports_entry_by_entry_and_is_all_or_nothing_unless_told() {
    let reg = empty().await;
    let bundle = json!({"items": [
        {"item_payload": {"id": "10378.1/1", "item_category": "AGENT", "item_subtype": "ORGANISATION", "owner_username": "ada", "created_timestamp": 1, "display_name": "O", "name": "O"}},
        {"item_payload": {"id": "10378.1/2", "item_category": "AGENT", "item_subtype": "PERSON", "owner_username": "ada", "created_timestamp": 1, "display_name": "P", "first_name": "P", "last_name": "P", "email": "nobody", "ethics_approved": true}},
        {"item_payload": {"id": "10378.1/3", "item_category": "ENTITY", "item_subtype": "MODEL_RUN_WORKFLOW_TEMPLATE", "owner_username": "ada", "created_timestamp": 1, "display_name": "W", "software_id": "10378.1/77"}},
        {"item_payload": {"id": "10378.1/4", "item_category": "ENTITY", "item_subtype": "ROCKET", "owner_username": "ada", "created_timestamp": 1, "display_name": "R"}},
        {"item_payload": {"id": "10378.1/5", "item_category": "AGENT", "item_subtype": "ORGANISATION", "owner_username": "ada", "created_timestamp": "yesterday", "display_name": "O", "name": "O"}}]});
    let report = reg
        .call(
            "SELECT jsonb_agg(jsonb_build_array(entry, status, problem)) FROM clone.registry_load_check($1)",
            &[&bundle],
        )
        .await
        .unwrap();
    let statuses: Vec<&str> = report
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[1].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["new", "invalid", "dangling", "invalid", "invalid"]);
    assert!(report[1][2].as_str().unwrap().starts_with("/email"), "{report}");
    assert_eq!(report[2][2], "no item 10378.1/77");
    let refused = reg
        .call("SELECT to_jsonb(clone.registry_load($1))", &[&bundle])
        .await
        .unwrap_err();
    assert_eq!(refused.code, "22023");
    assert_eq!(refused.detail.lines().count(), 3, "{}", refused.detail);
    assert!(
        refused.detail.starts_with("entry 2: /email")
            && refused.detail.contains("entry 5: created_timestamp"),
        "{}",
        refused.detail
    );
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 0);
    let loaded = reg
        .call(
            "SELECT to_jsonb(clone.registry_load($1, options => '{\"partial\": true}'))",
            &[&bundle],
        )
        .await
        .unwrap();
    assert_eq!(loaded, 2);
    let again = reg
        .call(
            "SELECT jsonb_agg(status) FROM clone.registry_load_check($1)",
            &[&bundle],
        )
        .await
        .unwrap();
    assert_eq!(
        again,
        json!(["present", "invalid", "present", "invalid", "invalid"])
    );
}
