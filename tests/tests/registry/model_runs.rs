//! Clones of model runs have no claims of the source's run.

use serde_json::{Value, json};

use super::fixture::*;

fn prov(run: &Value) -> Value {
    serde_json::from_str(run["prov_serialisation"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_clone_is_never_lodged() {
    let reg = with_items().await;
    assert_eq!(reg.item(RUN_1).await["record_status"], "LODGED");
    let set = reg
        .clone_set(&[STUDY, RUN_1], Value::Null, Value::Null)
        .await
        .unwrap();
    assert_eq!(set[1]["record_status"], "COMPLETE");
    let edits = json!({RUN_1: {"record_status": "LODGED"}});
    let refused = reg
        .clone_set(&[STUDY, RUN_1], edits, Value::Null)
        .await
        .unwrap_err();
    assert!(refused.detail.contains("/record_status"), "{}", refused.detail);
}

#[tokio::test]
async fn provenance_follows_the_record_and_cannot_be_given() {
    let reg = with_items().await;
    reg.run(
        "INSERT INTO reg.item SELECT '10378.1/300', collection_id, 'ada', 0, 0, item_category, item_subtype, record_type, NULL, NULL, display_name, \
         NULL, domain_info FROM reg.item WHERE id = '10378.1/107'; INSERT INTO reg.item_auth (id, owner) VALUES ('10378.1/300', 'ada')",
    )
    .await;
    let edits = json!({RUN_1: {"record": {"study_id": "10378.1/300"}}});
    let set = reg.clone_set(&[RUN_1, RUN_2], edits, Value::Null).await.unwrap();
    let made = prov(&set[0]);
    assert_eq!(
        made["wasInformedBy"]["_:id1"],
        json!({"prov:informed": set[0]["id"], "prov:informant": "10378.1/300"})
    );
    assert_eq!(made["activity"].as_object().unwrap().len(), 2);
    assert!(
        !set[0]["prov_serialisation"].as_str().unwrap().contains(STUDY),
        "nothing of the old study is left"
    );
    assert_eq!(prov(&set[1])["wasInformedBy"]["_:id1"]["prov:informant"], STUDY);
    for edits in [
        json!({"*": {"prov_serialisation": "{}"}}),
        json!({"*": {"prov_serialisation": null}}),
        json!({"*": [{"op": "remove", "path": "/prov_serialisation"}]}),
    ] {
        let refused = reg
            .clone_set(&[RUN_1, RUN_2], edits, Value::Null)
            .await
            .unwrap_err();
        assert_eq!(refused.message, "edits may not change prov_serialisation");
    }
}

#[tokio::test]
async fn the_model_in_the_provenance_is_that_of_the_workflow_in_the_set() {
    let reg = with_items().await;
    let set = reg
        .clone_set(&[RUN_1, WORKFLOW, MODEL], Value::Null, Value::Null)
        .await
        .unwrap();
    let made = prov(&set[0]);
    let used: Vec<&Value> = made["used"]
        .as_object()
        .unwrap()
        .values()
        .map(|link| &link["prov:entity"])
        .collect();
    assert!(
        used.contains(&&set[1]["id"]) && used.contains(&&set[2]["id"]),
        "{used:?}"
    );
    let members: Vec<&Value> = made["hadMember"]
        .as_object()
        .unwrap()
        .values()
        .map(|link| &link["prov:entity"])
        .collect();
    assert!(members.contains(&&set[2]["id"]));
    assert_eq!(made["entity"][id(&set[2])]["item_subtype"], "MODEL");
    // Of a workflow outside of the set the model is found as well.
    let outside = reg
        .clone_set(&[RUN_1, RUN_2], Value::Null, Value::Null)
        .await
        .unwrap();
    assert!(prov(&outside[0])["entity"].get(MODEL).is_some());
}

#[tokio::test]
async fn a_set_of_one_run_is_no_set() {
    let reg = with_items().await;
    for options in [Value::Null, json!({"include": ["STUDY"], "dry_run": true})] {
        let cloned = reg.clone_set(&[RUN_1], Value::Null, options.clone()).await;
        match options.is_null() {
            true => {
                let refused = cloned.unwrap_err();
                assert_eq!(refused.code, "22023");
                assert!(
                    refused.message.contains("cannot be cloned alone"),
                    "{}",
                    refused.message
                );
            }
            false => assert_eq!(cloned.unwrap().len(), 2),
        }
    }
}
