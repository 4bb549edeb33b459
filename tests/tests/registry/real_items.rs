//! 13 items exported from a real registry in early 2023, before owners, history and versions were part of items.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fixture::*;

async fn real() -> (Registry, Vec<Value>) {
    let text = shared("data/provena/registry_export_bundle_13_items.json");
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let reg = empty().await;
    let loaded: i32 = reg
        .client
        .query_one("SELECT clone.registry_load($1)", &[&bundle])
        .await
        .unwrap()
        .get(0);
    assert_eq!(loaded, 13);
    let items = bundle["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["item_payload"].clone())
        .collect();
    (reg, items)
}

fn of<'a>(items: &'a [Value], subtype: &str) -> Vec<&'a str> {
    items
        .iter()
        .filter(|i| i["item_subtype"] == subtype)
        .map(id)
        .collect()
}

async fn clone_as_peter(reg: &Registry, item: &str, edits: Value) -> Result<Value, Failure> {
    reg.clone_item(item, edits, "peter", Value::Null).await
}

#[tokio::test]
#[cfg_attr(not(provena_data), ignore = "needs ../shared/data/provena")]
async fn each_item_that_can_be_cloned_alone_is() {
    let (reg, items) = real().await;
    for item in &items {
        let edits = match item["item_subtype"].as_str().unwrap() {
            "MODEL_RUN" => continue,
            "PERSON" => json!({"ethics_approved": true}),
            _ => Value::Null,
        };
        let source = reg.everything(id(item)).await;
        let clone = clone_as_peter(&reg, id(item), edits)
            .await
            .unwrap_or_else(|e| panic!("{}: {e:?}", item["id"]));
        assert_eq!(reg.everything(id(item)).await, source);
        assert_ne!(clone["id"], item["id"]);
        assert_eq!(clone["owner_username"], "peter");
        assert_eq!(clone["history"].as_array().unwrap().len(), 1);
        // Fields that are no longer known are left out, and the draft says so.
        let draft = reg
            .call("SELECT item_clone_draft($1, 'peter')", &[&id(item)])
            .await
            .unwrap();
        let left_out: Vec<&str> = draft["reset"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["path"].as_str().unwrap())
            .collect();
        for (field, value) in item.as_object().unwrap() {
            let fresh = [
                "id",
                "updated_timestamp",
                "created_timestamp",
                "s3",
                "rocrate_metadata",
            ]
            .contains(&field.as_str());
            if fresh {
                continue;
            }
            if left_out.contains(&format!("/{field}").as_str()) {
                assert!(
                    ["software_version"].contains(&field.as_str()) && clone.get(field).is_none(),
                    "{field}"
                );
                continue;
            }
            assert!(fresh || &clone[field] == value, "{} {field}", item["id"]);
        }
    }
}

#[tokio::test]
#[cfg_attr(not(provena_data), ignore = "needs ../shared/data/provena")]
async fn a_locked_model_is_cloned_unlocked_and_a_data_set_to_a_place_of_its_own() {
    let (reg, _) = real().await;
    let model = clone_as_peter(&reg, "10378.1/1696226", Value::Null)
        .await
        .unwrap();
    assert_eq!(id(&model), "10378.1/1696294");
    let lock = reg
        .json("SELECT to_jsonb(l) FROM reg.item_lock l WHERE id = '10378.1/1696294'")
        .await;
    assert_eq!(
        lock,
        json!({"id": "10378.1/1696294", "locked": false, "history": []})
    );
    let dataset = clone_as_peter(&reg, "10378.1/1696278", Value::Null)
        .await
        .unwrap();
    assert_eq!(dataset["s3"]["path"], "datasets/10378-1-1696295/");
    assert_eq!(dataset["s3"]["bucket_name"], "example-bucket");
    let identifier = dataset["rocrate_metadata"]["@graph"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|n| n.get("identifier"));
    assert_eq!(identifier, Some(&json!("10378.1/1696295")));
    let access = reg
        .json("SELECT to_jsonb(a) - 'id' FROM reg.item_auth a WHERE id = '10378.1/1696295'")
        .await;
    assert_eq!(
        access,
        json!({"owner": "peter", "general": ["metadata-read", "dataset-data-read"], "groups": {}})
    );
}

#[tokio::test]
#[cfg_attr(not(provena_data), ignore = "needs ../shared/data/provena")]
async fn the_graph_of_four_model_runs_is_rewritten_among_itself() {
    let (reg, items) = real().await;
    let mut set: Vec<&str> = of(&items, "MODEL_RUN");
    assert_eq!(set.len(), 4);
    set.extend([
        "10378.1/1696289",
        "10378.1/1696284",
        "10378.1/1696285",
        "10378.1/1696286",
        "10378.1/1696283",
        "10378.1/1696288",
    ]);
    reg.run("SELECT setval('reg.handle_number', 99999999); INSERT INTO reg.user_role VALUES ('ada', 'registry-read'), ('ada', 'registry-write')").await;
    let edits = json!({"10378.1/1696288": {"ethics_approved": true}});
    let clones = reg.clone_set(&set, edits, Value::Null).await.unwrap();
    let map: BTreeMap<&str, &str> = set.iter().copied().zip(clones.iter().map(id)).collect();
    assert!(
        map.values().all(|new| new.len() > "10378.1/1696289".len()),
        "handles of another length"
    );

    for (source, clone) in set
        .iter()
        .map(|s| items.iter().find(|i| id(i) == *s).unwrap())
        .zip(&clones)
    {
        let mut expected = source.clone();
        for field in [
            "record",
            "prov_serialisation",
            "software_id",
            "input_templates",
            "output_templates",
        ] {
            let Some(value) = expected.get_mut(field) else {
                continue;
            };
            let mut text = value.to_string();
            for (old, new) in &map {
                text = text.replace(old, new);
            }
            *value = serde_json::from_str(&text).unwrap();
            let mut found = clone[field].clone();
            if field == "record" {
                // Runs of that time have no name of their own in the record; the clone takes the display name.
                assert_eq!(
                    found.as_object_mut().unwrap().remove("display_name"),
                    Some(source["display_name"].clone())
                );
            }
            if field == "prov_serialisation" {
                assert_same_prov(&found, value);
                continue;
            }
            assert_eq!(&found, value, "{} {field}", source["id"]);
        }
        assert_eq!(
            clone["display_name"], source["display_name"],
            "free text, though it names a handle"
        );
    }
    let run = &clones[0];
    let prov: Value = serde_json::from_str(run["prov_serialisation"].as_str().unwrap()).unwrap();
    assert_eq!(prov["prefix"]["default"], "http://hdl.handle.net/");
    assert_eq!(
        prov["activity"].as_object().unwrap().keys().collect::<Vec<_>>(),
        [id(run)]
    );
}

/// The same nodes and the same links, whatever the links are called.
fn assert_same_prov(found: &Value, expected: &Value) {
    let read = |text: &Value| -> BTreeMap<String, Vec<String>> {
        let document: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        let kinds = document.as_object().unwrap().clone();
        kinds
            .into_iter()
            .map(|(kind, members)| {
                let link = |(name, value): (&String, &Value)| match name.starts_with("_:") {
                    true => value.to_string(),
                    false => format!("{name} {value}"),
                };
                let mut list: Vec<String> = members.as_object().unwrap().iter().map(link).collect();
                list.sort();
                (kind, list)
            })
            .collect()
    };
    assert_eq!(read(found), read(expected));
}

#[tokio::test]
#[cfg_attr(not(provena_data), ignore = "needs ../shared/data/provena")]
async fn references_to_items_outside_the_set_stay() {
    let (reg, items) = real().await;
    let runs = of(&items, "MODEL_RUN");
    reg.run("INSERT INTO reg.user_role VALUES ('ada', 'registry-read'), ('ada', 'registry-write')")
        .await;
    let clones = reg.clone_set(&runs, Value::Null, Value::Null).await.unwrap();
    for clone in &clones {
        assert_eq!(clone["record"]["workflow_template_id"], "10378.1/1696289");
        assert_eq!(clone["record"]["associations"]["modeller_id"], "10378.1/1696288");
        let prov = clone["prov_serialisation"].as_str().unwrap();
        assert!(prov.contains(id(clone)) && prov.contains("10378.1/1696283"));
        assert!(
            runs.iter().all(|run| !prov.contains(run)),
            "no run is named by its old handle"
        );
    }
}

#[tokio::test]
#[cfg_attr(not(provena_data), ignore = "needs ../shared/data/provena")]
async fn an_assembled_item_of_todays_model_loads_and_clones() {
    let text = shared("data/provena/assembled_full_item_dataset.json");
    let entry: Value = serde_json::from_str(&text).unwrap();
    let reg = empty().await;
    reg.client
        .query_one("SELECT clone.registry_load($1)", &[&entry])
        .await
        .unwrap();
    let organisation = r#"[{"item_payload": {"id": "1234", "item_subtype": "ORGANISATION", "item_category": "AGENT",
        "owner_username": "peter", "created_timestamp": 1, "display_name": "O", "name": "O"}}]"#;
    let refused = clone_as_peter(&reg, "10378.1/1696283", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(
        refused.detail,
        "/collection_format/associations/organisation_id: no item 1234\n/collection_format/dataset_info/publisher_id: no item 1234"
    );
    reg.run(&format!("SELECT clone.registry_load('{organisation}')"))
        .await;
    let clone = clone_as_peter(&reg, "10378.1/1696283", Value::Null)
        .await
        .unwrap();
    assert_eq!(clone["display_name"], "test dataset 1");
}

#[tokio::test]
#[cfg_attr(not(provena_data), ignore = "needs ../shared/data/provena")]
async fn the_rules_accept_the_examples_of_todays_model() {
    for subtype in [
        "organisation",
        "person",
        "model",
        "dataset_template",
        "model_run_workflow_template",
        "study",
        "model_run",
        "dataset",
    ] {
        let text = shared(&format!("data/provena/testconfig_{subtype}_domain_info.json"));
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let reg = empty().await;
        let name = subtype.to_uppercase();
        let row = reg
            .json(&format!(
                "SELECT to_jsonb(s) FROM reg.subtype s WHERE name = '{name}'"
            ))
            .await;
        let rules = pg_clone_core::item::subtype::Subtype::from_row(row).unwrap();
        let form =
            pg_clone_core::item::form::draft::draft(&rules, None, document.as_object_mut().unwrap().clone());
        let rules = pg_clone_core::item::validation::validate::Rules {
            subtype: &rules,
            variant: None,
            known: &std::collections::HashSet::new(),
        };
        let mut problems =
            pg_clone_core::item::validation::validate::problems(&rules, &form.form, &BTreeMap::new())
                .unwrap();
        // The ids in the examples are placeholders, and a person's consent is reset.
        problems.retain(|p| !p.message.starts_with("no item") && p.path != "/ethics_approved");
        assert_eq!(problems, [], "{subtype}");
    }
}
