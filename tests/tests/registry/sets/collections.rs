//! A whole collection cloned by `project_clone`: the same rules, for all its items at once.

use serde_json::{Value, json};

use crate::fixture::*;

async fn cloned_collection(reg: &Registry) -> String {
    reg.json("SELECT project_clone('reef', 'Reef two')->>'id'")
        .await
        .as_str()
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn every_item_but_the_systems_activities_is_cloned() {
    let reg = with_items().await;
    let new = cloned_collection(&reg).await;
    let count = format!("SELECT count(*) FROM reg.item WHERE collection_id = '{new}'");
    assert_eq!(reg.json(&count).await, 11);
    let name = format!("SELECT name FROM reg.collection WHERE id = '{new}'");
    assert_eq!(reg.json(&name).await, "Reef two");
}

#[tokio::test]
async fn references_and_serialised_prov_name_the_clones() {
    let reg = with_items().await;
    let new = cloned_collection(&reg).await;
    let of = |subtype: &str| {
        format!(
            "SELECT p.payload FROM reg.item i JOIN reg.item_payload p USING (id) WHERE collection_id = '{new}' AND item_subtype = '{subtype}' AND record_type = 'COMPLETE_ITEM' LIMIT 1"
        )
    };
    let (run, workflow, model) = (of("MODEL_RUN"), of("MODEL_RUN_WORKFLOW_TEMPLATE"), of("MODEL"));
    let (run, workflow, model) = (
        reg.json(&run).await,
        reg.json(&workflow).await,
        reg.json(&model).await,
    );
    assert_eq!(run["record"]["workflow_template_id"], workflow["id"]);
    let prov: Value = serde_json::from_str(run["prov_serialisation"].as_str().unwrap()).unwrap();
    assert_eq!(
        prov["activity"][id(&run)][format!("model_run/{}", id(&run))],
        true
    );
    assert_eq!(prov["used"]["_:id5"]["prov:entity"], workflow["id"]);
    assert_eq!(run["record_status"], "COMPLETE", "a clone was not lodged");
    let software = reg
        .json(&format!(
            "SELECT item_subtype FROM reg.item WHERE id = '{}' AND collection_id = '{new}'",
            workflow["software_id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(software, "MODEL");
    assert_eq!(model["user_metadata"]["see"], WORKFLOW, "free text");
    let dataset = reg.json(&of("DATASET")).await;
    let about = format!("Made by {MODEL}, see https://hdl.handle.net/{DATASET}");
    assert_eq!(
        dataset["collection_format"]["dataset_info"]["description"], about,
        "free text"
    );
    assert_eq!(
        run["record"]["annotations"]["note"],
        format!("see {WORKFLOW}"),
        "free text"
    );
}

#[tokio::test]
async fn each_item_starts_afresh() {
    let reg = with_items().await;
    let new = cloned_collection(&reg).await;
    let bad = format!(
        "SELECT jsonb_agg(i.id) FROM reg.item i JOIN reg.subtype s ON s.name = i.item_subtype
         LEFT JOIN reg.item_auth a USING (id) LEFT JOIN reg.item_lock l USING (id)
         WHERE collection_id = '{new}' AND (a.owner IS DISTINCT FROM 'postgres' OR i.owner_username <> 'postgres' OR a.groups <> '{{}}'
             OR a.general IS DISTINCT FROM s.default_access OR l.locked IS DISTINCT FROM false OR l.history <> '[]'
             OR i.workflow_links IS NOT NULL OR (i.versioning_info->'version') IS DISTINCT FROM CASE WHEN s.versionable THEN to_jsonb(1) END
             OR (i.record_type = 'COMPLETE_ITEM') <> EXISTS (SELECT FROM reg.item_history h WHERE h.item_id = i.id)
             OR 1 < (SELECT count(*) FROM reg.item_history h WHERE h.item_id = i.id))"
    );
    assert_eq!(reg.json(&bad).await, Value::Null);
    let dataset = reg
        .json(&format!("SELECT domain_info || jsonb_build_object('id', id) FROM reg.item WHERE collection_id = '{new}' AND item_subtype = 'DATASET'"))
        .await;
    assert_eq!(
        dataset["s3"]["path"],
        format!("datasets/{}/", id(&dataset).replace(['.', '/'], "-"))
    );
    assert_eq!(
        (&dataset["release_status"], &dataset["release_history"]),
        (&json!("NOT_RELEASED"), &json!([]))
    );
    assert_eq!(
        dataset["collection_format"]["approvals"]["ethics_access"]["obtained"],
        false
    );
}

#[tokio::test]
async fn the_actor_must_be_able_to_read_every_item() {
    let reg = with_items().await;
    reg.run("SET pg_clone.actor = 'bob'").await;
    cloned_collection(&reg).await;
    reg.run("UPDATE reg.item_auth SET general = '{}' WHERE id = '10378.1/102'")
        .await;
    let refused = reg.failure("SELECT project_clone('reef', 'Reef three')").await;
    assert_eq!(
        (refused.code.as_str(), refused.detail.as_str()),
        ("42501", "Items that are not readable: 1.")
    );
    reg.run("SET pg_clone.actor = 'eve'").await;
    assert_eq!(
        reg.failure("SELECT project_clone('reef', 'Reef three')")
            .await
            .code,
        "42501"
    );
}

#[tokio::test]
async fn each_row_of_a_collection_is_written_once() {
    let reg = with_items().await;
    reg.run("SELECT pg_stat_force_next_flush()").await;
    reg.run("BEGIN").await;
    let new = cloned_collection(&reg).await;
    let written = reg
        .json(
            "SELECT jsonb_object_agg(relname, jsonb_build_array(n_tup_ins, n_tup_upd, n_tup_del) ORDER BY relname) \
             FROM pg_stat_xact_user_tables WHERE schemaname = 'reg' AND n_tup_ins + n_tup_upd + n_tup_del > 0",
        )
        .await;
    reg.run("COMMIT").await;
    assert_eq!(
        written,
        json!({"collection": [1, 0, 0], "item": [11, 0, 0], "item_auth": [11, 0, 0], "item_history": [10, 0, 0], "item_lock": [11, 0, 0]})
    );
    let seed = format!(
        "SELECT owner_username FROM reg.item WHERE collection_id = '{new}' AND record_type = 'SEED_ITEM'"
    );
    assert_eq!(reg.json(&seed).await, "postgres");
    let failed = format!("SELECT count(*) FROM project_clone_verify('{new}') WHERE NOT ok");
    assert_eq!(reg.json(&failed).await, 0);
}

#[tokio::test]
async fn columns_of_ones_own_are_cloned_with_a_collection() {
    let reg = with_items().await;
    reg.run(
        "ALTER TABLE reg.item ADD COLUMN shelf text; UPDATE reg.item SET shelf = 'shelf of ' || id; SELECT clone.store_refresh('reg')",
    )
    .await;
    let new = cloned_collection(&reg).await;
    let shelves = format!(
        "SELECT jsonb_build_array(count(*), count(*) FILTER (WHERE shelf = 'shelf of ' || o.source)) FROM reg.item i \
         JOIN clone.item_origin o ON o.item = i.id WHERE collection_id = '{new}'"
    );
    assert_eq!(reg.json(&shelves).await, json!([10, 10]));
    let starts = format!(
        "SELECT count(*) FROM reg.item_history h JOIN reg.item i ON i.id = h.item_id WHERE collection_id = '{new}'"
    );
    assert_eq!(reg.json(&starts).await, 10);
}

#[tokio::test]
async fn rows_that_name_items_are_cloned_with_a_collection() {
    let reg = with_items().await;
    reg.run(
        "CREATE TABLE reg.note (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL REFERENCES reg.item, body text); \
         INSERT INTO reg.note (item, body) SELECT id, 'about ' || id FROM reg.item WHERE collection_id = 'reef' AND item_subtype = 'MODEL'; \
         SELECT clone.store_table('reg', 'reg.note', 'derived', parent => 'reg.item', join_column => 'item', columns => '{\"id\": \"default\", \"body\": \"keep\"}')",
    )
    .await;
    let new = cloned_collection(&reg).await;
    let notes = format!(
        "SELECT jsonb_agg(n.body = 'about ' || o.source) FROM reg.note n JOIN reg.item i ON i.id = n.item \
         JOIN clone.item_origin o ON o.item = i.id WHERE i.collection_id = '{new}'"
    );
    assert_eq!(reg.json(&notes).await, json!([true]));
}

#[tokio::test]
async fn an_item_without_a_lock_gets_one_and_the_verification_says_so() {
    let reg = with_items().await;
    reg.run(&format!(
        "DELETE FROM reg.item_lock WHERE id IN ('{MODEL}', '{SEED}')"
    ))
    .await;
    let new = cloned_collection(&reg).await;
    let locks =
        format!("SELECT count(*) FROM reg.item_lock JOIN reg.item USING (id) WHERE collection_id = '{new}'");
    assert_eq!(reg.json(&locks).await, 11);
    let failed = format!("SELECT count(*) FROM project_clone_verify('{new}') WHERE NOT ok");
    assert_eq!(reg.json(&failed).await, 0);
}

/// What a person has to fill in is still to be done in the clone of a clone.
#[tokio::test]
async fn a_clone_whose_consents_are_not_given_yet_is_cloned_again() {
    let reg = with_items().await;
    let first = cloned_collection(&reg).await;
    let second = reg
        .json(&format!("SELECT project_clone('{first}', 'Reef three')->>'id'"))
        .await;
    let second = second.as_str().unwrap();
    let todo = |collection: &str| {
        format!("SELECT jsonb_array_length(todo) FROM clone.run WHERE target_project = '{collection}'")
    };
    assert_eq!(reg.json(&todo(second)).await, reg.json(&todo(&first)).await);
    let failed = format!("SELECT count(*) FROM project_clone_verify('{second}') WHERE NOT ok");
    assert_eq!(reg.json(&failed).await, 0);
    // Anything else that is wrong is an error.
    reg.run(&format!("UPDATE reg.item SET domain_info = domain_info - 'name' WHERE collection_id = '{first}' AND item_subtype = 'MODEL'"))
        .await;
    let refused = reg
        .failure(&format!("SELECT project_clone('{first}', 'Reef four')"))
        .await;
    assert!(
        refused.code == "22023" && refused.detail.ends_with("/name: is required"),
        "{refused:?}"
    );
}
