//! Items included with a set: only those that it references, and members of the call's items; in time linear in the set.

use std::time::Instant;

use serde_json::{Value, json};

use crate::fixture::*;

/// A second study with a run of its own on the same data.
async fn with_another_study(reg: &Registry) {
    for (id, source, study) in [("10378.1/201", STUDY, ""), ("10378.1/202", RUN_1, "10378.1/201")] {
        reg.run(&format!(
            "INSERT INTO reg.item SELECT '{id}', collection_id, owner_username, 0, 0, item_category, item_subtype, record_type, NULL, NULL, \
             display_name, NULL, CASE WHEN '{study}' = '' THEN domain_info ELSE jsonb_set(domain_info, '{{record,study_id}}', to_jsonb('{study}'::text)) END \
             FROM reg.item WHERE id = '{source}'; \
             INSERT INTO reg.item_auth (id, owner) VALUES ('{id}', 'ada')"
        ))
        .await;
    }
}

fn sources(set: &[Value]) -> Vec<&str> {
    let mut sources: Vec<&str> = set.iter().map(|c| c["cloned_from"].as_str().unwrap()).collect();
    sources.sort_unstable();
    sources
}

#[tokio::test]
async fn a_study_brings_its_own_runs_and_what_they_name_but_no_other_studys() {
    let reg = with_items().await;
    with_another_study(&reg).await;
    let everything = json!({"include": ["MODEL_RUN", "MODEL_RUN_WORKFLOW_TEMPLATE", "MODEL", "DATASET_TEMPLATE", "STUDY"]});
    let set = reg
        .clone_set(&[STUDY], Value::Null, everything.clone())
        .await
        .unwrap();
    let expected = [
        MODEL,
        INPUT_TEMPLATE,
        OUTPUT_TEMPLATE,
        WORKFLOW,
        STUDY,
        RUN_1,
        RUN_2,
    ];
    assert_eq!(sources(&set), expected);
    // Neither does the clone that is there now come along.
    let again = reg.clone_set(&[STUDY], Value::Null, everything).await.unwrap();
    assert_eq!(sources(&again), expected);
}

#[tokio::test]
async fn the_direction_can_be_chosen() {
    let reg = with_items().await;
    with_another_study(&reg).await;
    let include = |include: Value| json!({"include": include});
    let named = reg
        .clone_set(&[WORKFLOW], Value::Null, include(json!({"named": ["MODEL"]})))
        .await
        .unwrap();
    assert_eq!(sources(&named), [MODEL, WORKFLOW]);
    let members = reg
        .clone_set(
            &[WORKFLOW],
            Value::Null,
            include(json!({"members": ["MODEL_RUN"]})),
        )
        .await
        .unwrap();
    assert_eq!(sources(&members), [WORKFLOW], "runs are members of studies only");
    let naming = reg
        .clone_set(
            &[WORKFLOW],
            Value::Null,
            include(json!({"naming": ["MODEL_RUN"]})),
        )
        .await
        .unwrap();
    assert!(sources(&naming).contains(&"10378.1/202") && sources(&naming).contains(&RUN_1));
    let wrong = reg
        .clone_set(&[WORKFLOW], Value::Null, include(json!({"up": ["MODEL"]})))
        .await
        .unwrap_err();
    assert_eq!(wrong.code, "22023");
}

/// How many items a study with its runs is, and how long their clone takes.
async fn time_of_study(reg: &Registry) -> (Value, std::time::Duration) {
    let sql = "SELECT to_jsonb(count(*)) FROM items_clone($1, actor => 'ada', options => '{\"include\": [\"MODEL_RUN\"]}')";
    let client = reg.session().await;
    client.batch_execute("BEGIN").await.unwrap();
    let began = Instant::now();
    let count: Value = client.query_one(sql, &[&vec![STUDY]]).await.unwrap().get(0);
    let took = began.elapsed();
    client.batch_execute("ROLLBACK").await.unwrap();
    (count, took)
}

#[tokio::test]
async fn sets_are_cloned_in_time_that_grows_with_them_and_not_faster() {
    let reg = with_items().await;
    let copies = |from: usize, to: usize| {
        format!(
            "INSERT INTO reg.item SELECT 'big/' || n, i.collection_id, 'ada', 0, 0, i.item_category, i.item_subtype, i.record_type, NULL, NULL, \
             i.display_name, NULL, i.domain_info FROM reg.item i, generate_series({from}, {to}) n WHERE i.id = '{RUN_1}'; \
             INSERT INTO reg.item_auth (id, owner) SELECT 'big/' || n, 'ada' FROM generate_series({from}, {to}) n; ANALYZE reg.item"
        )
    };
    reg.run(&copies(1, 300)).await;
    let (count, small) = time_of_study(&reg).await;
    assert_eq!(count, 303);
    reg.run(&copies(301, 2400)).await;
    let (count, large) = time_of_study(&reg).await;
    assert_eq!(count, 2403);
    assert!(large < small * 20, "300 runs take {small:?}, 2,400 {large:?}");
}

/// More handles than fit into an entry of an index, and a record that stays small.
#[tokio::test]
async fn a_large_set_is_recorded_whole() {
    let reg = with_items().await;
    reg.run(
        "INSERT INTO reg.item SELECT 'many/' || n, i.collection_id, 'ada', 0, 0, i.item_category, i.item_subtype, i.record_type, NULL, NULL, \
         i.display_name, NULL, i.domain_info FROM reg.item i, generate_series(1, 3000) n WHERE i.id = '10378.1/107'; \
         INSERT INTO reg.item_auth (id, owner) SELECT 'many/' || n, 'ada' FROM generate_series(1, 3000) n",
    )
    .await;
    let sql = "(SELECT count(*) FROM items_clone((SELECT array_agg(id ORDER BY length(id), id) FROM reg.item WHERE id LIKE 'many/%'), actor => 'ada'))";
    reg.run("BEGIN").await;
    assert_eq!(reg.json(sql).await, 3000);
    let kept = "SELECT sum(total_bytes)::bigint >> 20 FROM pg_backend_memory_contexts WHERE name = 'TopTransactionContext'";
    let megabytes = reg.json(kept).await;
    assert!(
        megabytes.as_i64().unwrap() < 4,
        "{megabytes} MB stay until the end"
    );
    reg.run("COMMIT").await;
    assert_eq!(reg.json("SELECT count(*) FROM clone.item_origin").await, 3000);
    assert_eq!(
        reg.json("SELECT target_project FROM clone.run").await,
        "10378.1/113 and 2999 more"
    );
    let complete = "SELECT count(*) FROM reg.item i JOIN reg.item_auth USING (id) JOIN reg.item_lock USING (id) \
                    JOIN reg.item_history h ON h.item_id = i.id JOIN clone.item_origin o ON o.item = i.id";
    assert_eq!(reg.json(complete).await, 3000);
}

#[tokio::test]
async fn a_large_set_can_be_cancelled_and_leaves_nothing() {
    let reg = with_items().await;
    reg.run(
        "INSERT INTO reg.item SELECT 'many/' || n, 'reef', 'ada', 0, 0, i.item_category, i.item_subtype, i.record_type, NULL, NULL, \
         i.display_name, NULL, i.domain_info FROM reg.item i, generate_series(1, 5000) n WHERE i.id = '10378.1/107'; \
         INSERT INTO reg.item_auth (id, owner) SELECT 'many/' || n, 'ada' FROM generate_series(1, 5000) n",
    )
    .await;
    let before = reg.json("SELECT count(*) FROM reg.item").await;
    for call in [
        "SELECT count(*) FROM items_clone((SELECT array_agg(id) FROM reg.item WHERE id LIKE 'many/%'), actor => 'ada')",
        "SELECT project_clone('reef', 'Two')",
    ] {
        reg.run("SET statement_timeout = '100ms'").await;
        let began = Instant::now();
        let failure = reg.failure(call).await;
        assert_eq!(failure.code, "57014", "{call}: {}", failure.message);
        assert!(began.elapsed().as_secs() < 5, "{call} took {:?}", began.elapsed());
        reg.run("RESET statement_timeout").await;
        assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, before);
    }
}
