//! About 900 forms, each with one change (kind of field by kind of fault), and the results of Provena's own models, JSON Schema and
//! validators (its registry's code of May 2026, run in Python). The extension gives the same results, with the exceptions listed here.

use serde_json::{Value, json};

use crate::fixture::*;

const FORMS: &str = include_str!("../../../golden/provena_forms.json");

/// Forms that Provena takes and we refuse, on purpose: fields that it drops in silence, and empty lists that it reads as empty objects.
fn on_purpose(case: &Value) -> bool {
    let path = case["path"].as_str().unwrap();
    case["accepted"] == true && (path.ends_with("/typo") || case.get("value") == Some(&json!([])))
}

fn item_of(subtype: &str) -> &'static str {
    match subtype {
        "ORGANISATION" => ORGANISATION,
        "PERSON" => PERSON,
        "MODEL" => MODEL,
        "DATASET_TEMPLATE" => INPUT_TEMPLATE,
        "MODEL_RUN_WORKFLOW_TEMPLATE" => WORKFLOW,
        "DATASET" => DATASET,
        "STUDY" => STUDY,
        _ => RUN_1,
    }
}

/// The form with the change that a case describes.
fn changed(form: &Value, case: &Value) -> Value {
    let mut form = form.clone();
    let path = case["path"].as_str().unwrap();
    let value = match (case.get("value"), case.get("repeat")) {
        (Some(value), _) => value.clone(),
        (None, Some(parts)) => {
            let (head, tail) = (parts[0].as_str().unwrap(), parts[1].as_str().unwrap());
            json!(format!(
                "{head}{}",
                tail.repeat(parts[2].as_u64().unwrap() as usize)
            ))
        }
        (None, None) => Value::Null,
    };
    let (parent, last) = path.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    match (form.pointer_mut(parent).unwrap(), case.get("absent").is_some()) {
        (Value::Object(members), true) => drop(members.shift_remove(&last)),
        (Value::Object(members), false) => drop(members.insert(last, value)),
        (Value::Array(elements), true) => drop(elements.remove(last.parse().unwrap())),
        (Value::Array(elements), false) => elements[last.parse::<usize>().unwrap()] = value,
        _ => panic!("{path}"),
    }
    form
}

#[tokio::test]
async fn forms_are_judged_as_provena_judges_them() {
    let reg = with_items().await;
    let all: Value = serde_json::from_str(FORMS).unwrap();
    let cases = all["cases"].as_array().unwrap();
    let mut differ = Vec::new();
    let mut different_on_purpose = 0;
    for case in cases {
        let subtype = case["subtype"].as_str().unwrap();
        let form = changed(&all["forms"][subtype], case);
        let item = item_of(subtype);
        let options = json!({"form": true});
        let answer = match subtype {
            "MODEL_RUN" => {
                let sql = "SELECT items_clone_check($1, $2, 'ada', options => $3)";
                reg.call(sql, &[&vec![STUDY, item], &json!({item: form}), &options])
                    .await
            }
            _ => {
                reg.call(
                    "SELECT item_clone_check($1, $2, 'ada', options => $3)",
                    &[&item, &form, &options],
                )
                .await
            }
        };
        let answer = answer.unwrap_or_else(|e| panic!("{case}: {e:?}"));
        // Which items there are is not what these forms are about.
        let problems = answer["problems"].as_array().unwrap();
        let accepted = problems
            .iter()
            .all(|p| p["code"] == "no_item" || p["code"] == "wrong_subtype");
        if accepted == (case["accepted"] == true) {
            continue;
        }
        match on_purpose(case) {
            true => different_on_purpose += 1,
            false => differ.push(format!(
                "{} {} {}: {problems:?}",
                case["subtype"], case["path"], case["value"]
            )),
        }
    }
    println!("{} forms, {different_on_purpose} differ on purpose", cases.len());
    assert!(cases.len() > 900 && different_on_purpose <= 12);
    assert_eq!(differ, Vec::<String>::new());
}
