//! New handles: the store's own generator, another one, many sessions at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fixture::*;

#[tokio::test]
async fn handles_go_on_behind_those_that_were_loaded_and_pass_over_taken_ones() {
    let reg = with_items().await;
    assert_eq!(id(&reg.cloned(MODEL).await), "10378.1/113");
    reg.run("INSERT INTO reg.item SELECT '10378.1/114', collection_id, owner_username, 0, 0, item_category, item_subtype, record_type, \
             NULL, NULL, display_name, NULL, domain_info FROM reg.item WHERE id = '10378.1/102'")
        .await;
    assert_eq!(id(&reg.cloned(MODEL).await), "10378.1/115");
}

#[tokio::test]
async fn a_store_can_have_another_generator() {
    let reg = with_items().await;
    reg.run(
        "CREATE SCHEMA ids; CREATE SEQUENCE ids.n;
         CREATE FUNCTION ids.next_handle() RETURNS text LANGUAGE sql AS $$ SELECT '20.500.1/abc-' || nextval('ids.n') $$;
         UPDATE clone.store SET options = options || '{\"id_generator\": \"ids.next_handle()\"}'",
    )
    .await;
    let set = reg
        .clone_set(&[WORKFLOW, MODEL], Value::Null, Value::Null)
        .await
        .unwrap();
    assert_eq!((id(&set[0]), id(&set[1])), ("20.500.1/abc-1", "20.500.1/abc-2"));
    assert_eq!(set[0]["software_id"], "20.500.1/abc-2");
}

#[tokio::test]
async fn a_generator_that_gives_nothing_or_a_taken_handle_leaves_nothing() {
    let reg = with_items().await;
    reg.run(
        "CREATE SCHEMA ids; CREATE FUNCTION ids.none() RETURNS text LANGUAGE sql AS $$ SELECT NULL::text $$;
         CREATE FUNCTION ids.taken() RETURNS text LANGUAGE sql AS $$ SELECT '10378.1/100' $$",
    )
    .await;
    for (call, code) in [("ids.none()", "55000"), ("ids.taken()", "23505")] {
        reg.run(&format!(
            "UPDATE clone.store SET options = options || '{{\"id_generator\": \"{call}\"}}'"
        ))
        .await;
        let failed = reg
            .clone_item(MODEL, Value::Null, "ada", Value::Null)
            .await
            .unwrap_err();
        assert_eq!(failed.code, code, "{call}");
    }
    assert_eq!(reg.json("SELECT count(*) FROM reg.item").await, 13);
    assert_eq!(reg.json("SELECT count(*) FROM clone.run").await, 0);
}

#[tokio::test]
async fn an_unknown_generator_is_refused_when_the_store_is_made() {
    let reg = empty().await;
    let refused = reg
        .failure("SELECT clone.store_create('two', 'registry', '{\"id_generator\": \"no.such()\"}')")
        .await;
    assert_eq!(refused.code, "22023");
}

#[tokio::test]
async fn an_invalid_clone_uses_no_handle() {
    let reg = with_items().await;
    let last = "SELECT last_value FROM reg.handle_number";
    let before = reg.json(last).await;
    reg.clone_item(PERSON, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    reg.clone_item(MODEL, json!({"name": null}), "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(reg.json(last).await, before);
}

#[tokio::test]
async fn concurrent_clones_never_get_the_same_handle() {
    const SESSIONS: usize = 8;
    const CLONES: usize = 25;
    let reg = with_items().await;
    let mut tasks = Vec::new();
    for _ in 0..SESSIONS {
        let session = reg.session().await;
        tasks.push(tokio::spawn(async move {
            let mut handles = Vec::new();
            for _ in 0..CLONES {
                let row = session
                    .query_one("SELECT item_clone('10378.1/102', actor => 'ada')->>'id'", &[])
                    .await;
                handles.push(row.unwrap().get::<_, String>(0));
            }
            handles
        }));
    }
    let mut all = BTreeSet::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    assert_eq!(all.len(), SESSIONS * CLONES);
    assert_eq!(
        reg.json("SELECT count(*) FROM reg.item").await,
        13 + SESSIONS * CLONES
    );
    let complete = "SELECT count(*) FROM reg.item i JOIN reg.item_auth USING (id) JOIN reg.item_lock USING (id) \
                    JOIN reg.item_history h ON h.item_id = i.id JOIN clone.item_origin o ON o.item = i.id";
    assert_eq!(reg.json(complete).await, SESSIONS * CLONES);
}

/// A generator learns the subtype of each item, in a collection too.
#[tokio::test]
async fn a_generator_gets_the_subtype_of_every_item_of_a_collection() {
    let reg = with_items().await;
    reg.run(
        "CREATE SEQUENCE reg.own; CREATE FUNCTION reg.own(subtype text) RETURNS text LANGUAGE sql AS $$ SELECT subtype || '/' || nextval('reg.own') $$;
         SELECT clone.store_alter('reg', '{\"id_generator\": \"reg.own(text)\"}')",
    )
    .await;
    let new = reg.json("SELECT project_clone('reef', 'Two')->>'id'").await;
    let new = new.as_str().unwrap();
    assert!(new.starts_with("COLLECTION/"), "{new}");
    let wrong = format!(
        "SELECT count(*) FROM reg.item WHERE collection_id = '{new}' AND split_part(id, '/', 1) <> item_subtype"
    );
    assert_eq!(reg.json(&wrong).await, 0);
    let failed = format!("SELECT count(*) FROM project_clone_verify('{new}') WHERE NOT ok");
    assert_eq!(reg.json(&failed).await, 0);
}
