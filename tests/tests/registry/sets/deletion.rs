//! Deleting and refreshing a collection: the error lists dangling references, handles are kept.

use serde_json::{Value, json};

use crate::fixture::*;

async fn cloned(reg: &Registry) -> String {
    let new = reg.json("SELECT project_clone('reef', 'Reef two')->>'id'").await;
    new.as_str().unwrap().to_owned()
}

/// The clone of an item in a collection.
async fn in_collection(reg: &Registry, collection: &str, source: &str) -> String {
    let sql = format!(
        "SELECT o.item FROM clone.item_origin o JOIN reg.item i ON i.id = o.item WHERE o.source = '{source}' AND i.collection_id = '{collection}'"
    );
    reg.json(&sql).await.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_deletion_names_what_would_dangle_and_refuses() {
    let reg = with_items().await;
    let collection = cloned(&reg).await;
    let (person, model) = (
        in_collection(&reg, &collection, PERSON).await,
        in_collection(&reg, &collection, MODEL).await,
    );
    reg.run(&format!(
        "INSERT INTO reg.username_person_link VALUES ('bob', '{person}'); INSERT INTO reg.dataset_reviewer VALUES ('{person}'); \
         UPDATE reg.item SET domain_info = jsonb_set(domain_info, '{{software_id}}', to_jsonb('{model}'::text)) WHERE id = '{WORKFLOW}'"
    ))
    .await;
    let delete = format!("SELECT project_delete('{collection}')");
    let refused = reg.failure(&delete).await;
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        (
            "23503",
            format!("3 references from outside name items of collection \"{collection}\"").as_str()
        )
    );
    for place in [
        format!("\"reg\".item {WORKFLOW} names {model}"),
        format!("username_person_link bob names {person}"),
        "dataset_reviewer".into(),
    ] {
        assert!(refused.detail.contains(&place), "{place}: {}", refused.detail);
    }
    assert!(refused.hint.contains("include"), "{}", refused.hint);
    let dry = reg
        .json(&format!(
            "SELECT project_delete('{collection}', options => '{{\"dry_run\": true}}')->'dangling'"
        ))
        .await;
    assert_eq!(dry.as_array().unwrap().len(), 3);
    let before = reg
        .json(&format!(
            "SELECT count(*) FROM reg.item WHERE collection_id = '{collection}'"
        ))
        .await;
    assert_eq!(before, 11);
    let told = reg
        .json(&format!(
            "SELECT project_delete('{collection}', options => '{{\"others\": \"include\"}}')->'dangling'"
        ))
        .await;
    assert_eq!(told.as_array().unwrap().len(), 3);
    let rest = "SELECT (SELECT count(*) FROM reg.item) + (SELECT count(*) FROM reg.item_auth) + (SELECT count(*) FROM reg.item_lock)";
    assert_eq!(
        reg.json(rest).await,
        39,
        "everything is as it was before the clone"
    );
}

#[tokio::test]
async fn persistent_identifiers_stay_in_a_refresh() {
    let reg = with_items().await;
    let collection = cloned(&reg).await;
    let handles = "SELECT jsonb_object_agg(o.source, o.item) FROM clone.item_origin o JOIN reg.item i ON i.id = o.item WHERE i.collection_id <> 'reef'";
    let before = reg.json(handles).await;
    reg.run("UPDATE reg.item SET domain_info = jsonb_set(domain_info, '{name}', '\"eReefs 5\"') WHERE id = '10378.1/102'").await;
    // Somebody names a clone from outside: after the refresh that is still right.
    let model = in_collection(&reg, &collection, MODEL).await;
    reg.run(&format!("UPDATE reg.item SET domain_info = jsonb_set(domain_info, '{{software_id}}', to_jsonb('{model}'::text)) WHERE id = '{WORKFLOW}'")).await;
    let refresh =
        format!("SELECT project_clone('reef', 'Reef two', options => '{{\"replace\": \"{collection}\"}}')");
    reg.run(&refresh).await;
    assert_eq!(reg.json(handles).await, before);
    assert_eq!(reg.item(&model).await["name"], "eReefs 5");
    assert_eq!(reg.item(&model).await["history"].as_array().unwrap().len(), 1);
    // An item that is no longer in the source goes; if it is named from outside, that is said.
    reg.run(&format!(
        "UPDATE reg.item SET collection_id = NULL WHERE id IN ('{MODEL}')"
    ))
    .await;
    let refused = reg.failure(&refresh).await;
    assert_eq!(refused.code, "23503");
    assert!(
        refused.detail.contains(&format!("{WORKFLOW} names {model}")),
        "{}",
        refused.detail
    );
}

#[tokio::test]
async fn a_collection_is_cloned_by_the_rules_of_one_item() {
    let reg = with_items().await;
    // Changed rows count at once, for references, resets and derived fields.
    reg.run(
        "UPDATE reg.subtype SET resets = '[{\"op\": \"set\", \"path\": \"/description\", \"value\": \"anew\", \"reason\": \"r\"}]', \
             \"references\" = '[{\"path\": \"$.user_ref\"}]', derived = '[{\"field\": \"alias\", \"from\": \"/name\"}]', \
             json_schema = jsonb_set(json_schema, '{properties,user_ref}', '{\"type\": \"string\"}') WHERE name = 'MODEL'; \
         UPDATE reg.item SET domain_info = domain_info || '{\"user_ref\": \"10378.1/103\"}' WHERE id = '10378.1/102'",
    )
    .await;
    let collection = cloned(&reg).await;
    let (model, template) = (
        in_collection(&reg, &collection, MODEL).await,
        in_collection(&reg, &collection, INPUT_TEMPLATE).await,
    );
    let clone = reg.item(&model).await;
    assert_eq!(clone["user_ref"], json!(template));
    assert_eq!(
        (&clone["description"], &clone["alias"]),
        (&json!("anew"), &json!("eReefs"))
    );
    let bad = format!("SELECT jsonb_agg(c) FROM project_clone_verify('{collection}') c WHERE NOT ok");
    assert_eq!(reg.json(&bad).await, Value::Null);
    // The schema is asked as well.
    reg.run("UPDATE reg.subtype SET json_schema = jsonb_set(json_schema, '{properties,name,maxLength}', '3') WHERE name = 'MODEL'").await;
    let refused = reg.failure("SELECT project_clone('reef', 'Reef three')").await;
    assert_eq!(refused.code, "22023");
    assert!(
        refused
            .detail
            .contains("/name: \"eReefs\" is longer than 3 characters"),
        "{}",
        refused.detail
    );
}

#[tokio::test]
async fn a_collection_is_cloned_for_its_owner_and_only_what_the_filters_choose_is_asked_for() {
    let reg = with_items().await;
    reg.run("UPDATE reg.item_auth SET general = '{}' WHERE id = '10378.1/102'; DELETE FROM reg.item_lock WHERE id = '10378.1/103'").await;
    let refused = reg
        .failure("SELECT project_clone('reef', 'Two', owner => 'bob')")
        .await;
    assert_eq!(refused.code, "42501");
    let without = reg
        .json("SELECT project_clone('reef', 'Two', owner => 'bob', exclude_ids => '{10378.1/102}')->>'id'")
        .await;
    let owners = format!(
        "SELECT jsonb_agg(DISTINCT x) FROM (SELECT owner_username AS x FROM reg.item WHERE collection_id = '{0}' UNION ALL SELECT a.owner FROM reg.item_auth a \
         JOIN reg.item i USING (id) WHERE collection_id = '{0}' UNION ALL SELECT owner_username FROM reg.collection WHERE id = '{0}') o",
        without.as_str().unwrap()
    );
    assert_eq!(reg.json(&owners).await, json!(["bob"]));
    let bad = format!(
        "SELECT jsonb_agg(c) FROM project_clone_verify('{}') c WHERE NOT ok",
        without.as_str().unwrap()
    );
    assert_eq!(
        reg.json(&bad).await,
        Value::Null,
        "a source without a lock row is no fault"
    );
    let link = reg
        .failure("SELECT project_clone('reef', 'Two', owner => '')")
        .await;
    assert_eq!(link.code, "22023");
    reg.run("UPDATE clone.store SET options = options || '{\"person_link\": \"require\"}'")
        .await;
    let unlinked = reg
        .failure("SELECT project_clone('reef', 'Two', owner => 'bob', exclude_ids => '{10378.1/102}')")
        .await;
    assert_eq!(unlinked.code, "42501");
}
