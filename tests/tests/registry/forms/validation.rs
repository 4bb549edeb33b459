//! Validation of edits: references, rules between values, JSON Schemas in rows of the store.

use serde_json::{Value, json};

use crate::fixture::*;

#[tokio::test]
async fn references_must_exist_be_complete_and_of_the_right_subtype() {
    let reg = with_items().await;
    let edits = json!({"software_id": SEED, "input_templates": [{"template_id": "10378.1/999"}],
                       "output_templates": [{"template_id": PERSON}]});
    let refused = reg
        .clone_item(WORKFLOW, edits, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "22023");
    assert_eq!(
        refused.message,
        format!("the clone of {WORKFLOW} would not be valid: 3 errors")
    );
    assert_eq!(
        refused.detail,
        "/input_templates/0/template_id: no item 10378.1/999\n\
         /output_templates/0/template_id: item 10378.1/101 is a PERSON, not a DATASET_TEMPLATE\n\
         /software_id: item 10378.1/112 is not complete"
    );
}

#[tokio::test]
async fn a_source_whose_reference_is_gone_cannot_be_cloned() {
    let reg = with_items().await;
    reg.run("DELETE FROM reg.item WHERE id = '10378.1/102'").await;
    let refused = reg
        .clone_item(WORKFLOW, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(refused.detail, "/software_id: no item 10378.1/102");
}

#[tokio::test]
async fn all_errors_are_listed_with_their_paths() {
    let reg = with_items().await;
    let edits = json!({"collection_format": {
        "associations": {"organisation_id": null, "extra": 1},
        "dataset_info": {"name": "", "access_info": {"reposited": true}, "published_date": {"value": "2022-12-31"},
            "spatial_info": {"resolution": "0", "coverage": "POINT (1 2)"}, "temporal_info": {"resolution": "a day",
                "duration": {"begin_date": "2023-02-01", "end_date": "2023-01-01"}}}}});
    let refused = reg
        .clone_item(DATASET, edits, "ada", Value::Null)
        .await
        .unwrap_err();
    let places: Vec<&str> = refused
        .detail
        .lines()
        .filter_map(|l| l.split(": ").next())
        .collect();
    assert_eq!(
        places,
        [
            "/collection_format/approvals/ethics_access/obtained",
            "/collection_format/associations/extra",
            "/collection_format/associations/organisation_id",
            "/collection_format/dataset_info/access_info/description",
            "/collection_format/dataset_info/access_info/uri",
            "/collection_format/dataset_info/name",
            "/collection_format/dataset_info/published_date/value",
            "/collection_format/dataset_info/spatial_info/coverage",
            "/collection_format/dataset_info/spatial_info/resolution",
            "/collection_format/dataset_info/temporal_info/duration/end_date",
            "/collection_format/dataset_info/temporal_info/resolution",
        ]
    );
}

#[tokio::test]
async fn values_that_must_differ_do() {
    let reg = with_items().await;
    let edits = json!({"input_templates": [{"template_id": INPUT_TEMPLATE}, {"template_id": INPUT_TEMPLATE}],
                       "annotations": {"optional": ["note"]}});
    let refused = reg
        .clone_item(WORKFLOW, edits, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        refused.detail,
        "/annotations/optional/0: \"note\" is here twice\n\
         /input_templates/1/template_id: \"10378.1/103\" is here twice"
    );
    let resource = json!({"key": "forcing", "description": "d", "usage_type": "CONFIG_FILE"});
    let edits = json!([{"op": "add", "path": "/deferred_resources/-", "value": resource}]);
    let refused = reg
        .clone_item(INPUT_TEMPLATE, edits, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        refused.detail,
        "/deferred_resources/1/key: \"forcing\" is here twice"
    );
}

#[tokio::test]
async fn whether_files_are_here_is_derived_where_the_source_does_not_say() {
    let reg = with_items().await;
    for (access, reposited) in [
        ("{}", true),
        (r#"{"uri": "https://a.b", "description": "d"}"#, false),
    ] {
        reg.run(&format!(
            "UPDATE reg.item SET domain_info = jsonb_set(domain_info, '{{collection_format,dataset_info,access_info}}', '{access}')
             WHERE id = '{DATASET}'"
        ))
        .await;
        let draft = reg
            .call("SELECT item_clone_draft($1, 'ada')", &[&DATASET])
            .await
            .unwrap();
        assert_eq!(
            draft["item"]["collection_format"]["dataset_info"]["access_info"]["reposited"],
            reposited
        );
    }
}

#[tokio::test]
async fn the_rules_are_rows_that_can_be_changed() {
    let reg = with_items().await;
    reg.run(
        "UPDATE reg.subtype SET json_schema = jsonb_set(json_schema, '{properties,name,maxLength}', '3'), \
             default_access = '{admin}' WHERE name = 'MODEL'",
    )
    .await;
    let refused = reg
        .clone_item(MODEL, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(refused.detail, "/name: \"eReefs\" is longer than 3 characters");
    let clone = reg
        .clone_item(MODEL, json!({"name": "abc"}), "ada", Value::Null)
        .await
        .unwrap();
    let access = format!("SELECT general FROM reg.item_auth WHERE id = '{}'", id(&clone));
    assert_eq!(reg.json(&access).await, json!(["admin"]));
    reg.run("UPDATE reg.subtype SET json_schema = '{\"type\": \"banana\"}' WHERE name = 'MODEL'")
        .await;
    let broken = reg
        .clone_item(MODEL, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(broken.code, "55000");
}
