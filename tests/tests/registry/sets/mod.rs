//! Sets: references among the items of a set name the clones, in documents and in serialised PROV.

use serde_json::{Value, json};

use super::fixture::*;

#[tokio::test]
async fn references_within_the_set_name_the_clones_and_others_stay() {
    let reg = with_items().await;
    let set = reg
        .clone_set(&[WORKFLOW, MODEL, INPUT_TEMPLATE], Value::Null, Value::Null)
        .await
        .unwrap();
    let [workflow, model, template] = &set[..] else {
        panic!("{set:?}")
    };
    assert_eq!(workflow["item_subtype"], "MODEL_RUN_WORKFLOW_TEMPLATE");
    assert_eq!(workflow["software_id"], model["id"]);
    assert_eq!(
        workflow["input_templates"],
        json!([{"template_id": template["id"], "optional": false}])
    );
    assert_eq!(
        workflow["output_templates"],
        json!([{"template_id": OUTPUT_TEMPLATE}])
    );
    assert_eq!(workflow["history"][0]["item"]["software_id"], model["id"]);
}

#[tokio::test]
async fn a_study_with_its_runs_keeps_together() {
    let reg = with_items().await;
    let set = reg
        .clone_set(&[STUDY, RUN_1, RUN_2], Value::Null, Value::Null)
        .await
        .unwrap();
    let study = &set[0]["id"];
    for run in &set[1..] {
        assert_eq!(&run["record"]["study_id"], study);
        assert_eq!(run["record"]["workflow_template_id"], WORKFLOW);
        let prov: Value = serde_json::from_str(run["prov_serialisation"].as_str().unwrap()).unwrap();
        let own = id(run);
        assert_eq!(prov["activity"][own][format!("model_run/{own}")], true);
        assert_eq!(
            prov["used"]["_:id2"],
            json!({"prov:activity": own, "prov:entity": DATASET})
        );
    }
}

#[tokio::test]
async fn free_text_is_left_alone() {
    let reg = with_items().await;
    let edits = json!({DATASET: {"collection_format": {"approvals": {"ethics_access": {"obtained": true}}}}});
    let set = reg
        .clone_set(&[STUDY, DATASET, MODEL, WORKFLOW, RUN_1], edits, Value::Null)
        .await
        .unwrap();
    assert_eq!(set[0]["description"], format!("what {DATASET} says"));
    let about = format!("Made by {MODEL}, see https://hdl.handle.net/{DATASET}");
    assert_eq!(set[1]["collection_format"]["dataset_info"]["description"], about);
    assert_eq!(set[2]["user_metadata"]["see"], WORKFLOW);
    assert_eq!(set[4]["record"]["annotations"]["note"], format!("see {WORKFLOW}"));
    assert_eq!(set[4]["record"]["inputs"][0]["dataset_id"], set[1]["id"]);
}

#[tokio::test]
async fn runs_are_cloned_in_sets_and_activities_of_the_system_never() {
    let reg = with_items().await;
    assert_eq!(
        reg.clone_set(&[RUN_1, RUN_2], Value::Null, Value::Null)
            .await
            .unwrap()
            .len(),
        2
    );
    for item in [CREATE, VERSION] {
        let refused = reg
            .clone_set(&[MODEL, item], Value::Null, Value::Null)
            .await
            .unwrap_err();
        assert_eq!(refused.code, "22023", "{item}");
    }
}

#[tokio::test]
async fn edits_go_by_source_and_a_star_means_all() {
    let reg = with_items().await;
    let edits = json!({"*": {"user_metadata": {"batch": "7"}}, MODEL: {"name": "eReefs 4"}});
    let set = reg.clone_set(&[STUDY, MODEL], edits, Value::Null).await.unwrap();
    assert_eq!(set[0]["user_metadata"]["batch"], "7");
    assert_eq!(
        (&set[1]["user_metadata"]["batch"], &set[1]["name"]),
        (&json!("7"), &json!("eReefs 4"))
    );
    for edits in [json!({"name": "x"}), json!({ORGANISATION: {}}), json!([])] {
        let refused = reg
            .clone_set(&[STUDY, MODEL], edits, Value::Null)
            .await
            .unwrap_err();
        assert_eq!(refused.code, "22023");
        assert!(refused.hint.contains("by source id"), "{}", refused.hint);
    }
}

#[tokio::test]
async fn errors_of_all_items_are_listed_together() {
    let reg = with_items().await;
    let edits = json!({MODEL: {"name": null}, STUDY: {"title": null}});
    let refused = reg
        .clone_set(&[STUDY, MODEL], edits, Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        refused.message,
        format!("the clone of {STUDY}, {MODEL} would not be valid: 2 errors")
    );
    assert_eq!(
        refused.detail,
        format!("{STUDY} /title: is required\n{MODEL} /name: is required")
    );
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 13);
}

#[tokio::test]
async fn an_item_given_twice_is_cloned_once_and_none_is_no_error() {
    let reg = with_items().await;
    assert_eq!(
        reg.clone_set(&[MODEL, MODEL], Value::Null, Value::Null)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        reg.clone_set(&[], Value::Null, Value::Null).await.unwrap().len(),
        0
    );
    assert_eq!(reg.failure("SELECT items_clone(NULL)").await.code, "22023");
    assert_eq!(reg.failure("SELECT item_clone(NULL)").await.code, "22023");
}

#[tokio::test]
async fn what_names_the_set_or_is_named_by_it_can_come_along() {
    let reg = with_items().await;
    let set = reg
        .clone_set(&[STUDY], Value::Null, json!({"include": ["MODEL_RUN"]}))
        .await
        .unwrap();
    assert_eq!(set.len(), 3);
    assert!(
        set[1..]
            .iter()
            .all(|run| run["record"]["study_id"] == set[0]["id"])
    );
    let set = reg
        .clone_set(
            &[RUN_1],
            Value::Null,
            json!({"include": ["MODEL_RUN_WORKFLOW_TEMPLATE", "MODEL", "DATASET_TEMPLATE"]}),
        )
        .await
        .unwrap();
    let mut subtypes: Vec<&str> = set.iter().map(|i| i["item_subtype"].as_str().unwrap()).collect();
    subtypes.sort_unstable();
    assert_eq!(
        subtypes,
        [
            "DATASET_TEMPLATE",
            "DATASET_TEMPLATE",
            "MODEL",
            "MODEL_RUN",
            "MODEL_RUN_WORKFLOW_TEMPLATE"
        ]
    );
    let unknown = reg
        .clone_set(&[STUDY], Value::Null, json!({"include": ["RUN"]}))
        .await
        .unwrap_err();
    assert_eq!(unknown.code, "22023");
    let alone = reg
        .clone_item(STUDY, Value::Null, "ada", json!({"include": ["MODEL_RUN"]}))
        .await
        .unwrap_err();
    assert_eq!(alone.code, "22023");
}

#[tokio::test]
async fn what_the_actor_may_not_read_does_not_come_along() {
    let reg = with_items().await;
    reg.run("UPDATE reg.item_auth SET general = '{}' WHERE id = '10378.1/109'")
        .await;
    let sql = "SELECT jsonb_agg(c) FROM items_clone($1, actor => 'bob', options => '{\"include\": [\"MODEL_RUN\"]}') c";
    let set = reg.call(sql, &[&vec![STUDY]]).await.unwrap();
    assert_eq!(set.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_set_is_one_run_with_one_origin_per_item() {
    let reg = with_items().await;
    let set = reg
        .clone_set(&[STUDY, RUN_1], Value::Null, Value::Null)
        .await
        .unwrap();
    assert_eq!(reg.json("SELECT count(*) FROM clone.run").await, 1);
    let origins = reg
        .json("SELECT jsonb_object_agg(item, source) FROM clone.item_origin")
        .await;
    assert_eq!(origins, json!({id(&set[0]): STUDY, id(&set[1]): RUN_1}));
    assert_eq!(reg.json("SELECT resources FROM clone.run").await, 2);
}

mod collections;
mod deletion;
mod included_items;
