//! A clone gives no additional permissions, and no short call exhausts the server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::*;

const FILES: &str = r#"{"collection_format": {"approvals": {"ethics_access": {"obtained": true}}}}"#;

async fn with_files(reg: &Registry, actor: &str) -> Result<Value, Failure> {
    let edits: Value = serde_json::from_str(FILES).unwrap();
    reg.clone_item(DATASET, edits, actor, json!({"files": true}))
        .await
}

#[tokio::test]
async fn files_come_along_only_for_who_may_read_them() {
    let reg = with_items().await;
    reg.run(
        "UPDATE reg.item_auth SET general = '{metadata-read,admin}', groups = '{}' WHERE id = '10378.1/106'",
    )
    .await;
    let refused = with_files(&reg, "bob").await.unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("42501", "\"bob\" may not read the files of item 10378.1/106")
    );
    let left = "SELECT (SELECT count(*) FROM clone.blob_copy) + (SELECT count(*) FROM clone.run)";
    assert_eq!(reg.json(left).await, 0);
    reg.run(
        "UPDATE reg.item_auth SET general = '{metadata-read,dataset-data-read}' WHERE id = '10378.1/106'",
    )
    .await;
    with_files(&reg, "bob").await.unwrap();
    with_files(&reg, "ada").await.unwrap();
    assert_eq!(reg.json("SELECT count(*) FROM clone.blob_copy").await, 2);
}

#[tokio::test]
async fn files_are_taken_from_the_items_own_place_only() {
    let reg = with_items().await;
    for path in [
        "hr-payroll/",
        "datasets/10378-1-106/../10378-1-1/",
        "datasets/",
        "datasets/10378-1-10/",
        "",
    ] {
        reg.run(&format!("UPDATE reg.item SET domain_info = jsonb_set(domain_info, '{{s3,path}}', '\"{path}\"') WHERE id = '10378.1/106'")).await;
        let refused = with_files(&reg, "ada").await.unwrap_err();
        assert_eq!(refused.code, "42501", "{path}");
    }
    assert_eq!(reg.json("SELECT count(*) FROM clone.blob_copy").await, 0);
}

#[tokio::test]
async fn an_item_that_may_not_be_seen_is_as_one_that_does_not_exist_in_edits_too() {
    let reg = with_items().await;
    reg.run("UPDATE reg.item_auth SET owner = 'root', general = '{}', groups = '{}' WHERE id IN ('10378.1/102', '10378.1/101')").await;
    for edits in [
        json!({"software_id": "@"}),
        json!({"output_templates": [{"template_id": "@"}]}),
    ] {
        let mut said = Vec::new();
        for id in [PERSON, "10378.1/999"] {
            let edits: Value = serde_json::from_str(&edits.to_string().replace('@', id)).unwrap();
            let sql = "SELECT item_clone_check($1, $2, 'bob')";
            let check = reg.call(sql, &[&WORKFLOW, &edits]).await.unwrap();
            let clone = reg
                .clone_item(WORKFLOW, edits, "bob", Value::Null)
                .await
                .unwrap_err();
            said.push((
                check.to_string().replace(id, "@"),
                clone.code,
                clone.detail.replace(id, "@"),
            ));
        }
        assert_eq!(said[0], said[1]);
        assert!(said[0].2.contains("no item @"), "{said:?}");
    }
    // A reference that the source has may stay.
    reg.clone_item(WORKFLOW, Value::Null, "bob", Value::Null)
        .await
        .unwrap();
    for call in ["item_clone", "item_clone_draft", "item_can_clone"] {
        let said = |id: &str| {
            let sql = format!("SELECT to_jsonb({call}('{id}', actor => 'bob'))");
            let (reg, id) = (&reg, id.to_owned());
            async move {
                match reg.call(&sql, &[]).await {
                    Ok(value) => value.to_string(),
                    Err(failure) => format!("{failure:?}").replace(&id, "@"),
                }
            }
        };
        assert_eq!(said(MODEL).await, said("10378.1/999").await, "{call}");
    }
}

#[tokio::test]
async fn edits_that_blow_up_are_refused_or_cancelled_in_time() {
    let reg = with_items().await;
    let double = json!({"op": "copy", "from": "/user_metadata", "path": "/user_metadata/x"});
    let bombs = [
        Value::Array(vec![json!({"op": "copy", "from": "/tmp", "path": "/tmp/-"}); 40]),
        Value::Array(vec![double; 40]),
        json!({"user_metadata": {"long": "x".repeat(17 << 20)}}),
    ];
    for mut edits in bombs {
        if let Value::Array(operations) = &mut edits
            && operations[0]["path"] == "/tmp/-"
        {
            operations.insert(
                0,
                json!({"op": "add", "path": "/tmp", "value": ["x".repeat(100)]}),
            );
        }
        let began = Instant::now();
        let refused = reg
            .clone_item(MODEL, edits, "ada", Value::Null)
            .await
            .unwrap_err();
        assert_eq!(refused.code, "22023", "{}", refused.message);
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    }
    // A hundred thousand operations on a long list: each is short, and between two of them the cancellation counts.
    let session = reg.session().await;
    session
        .batch_execute("SET statement_timeout = '2s'")
        .await
        .unwrap();
    let edits = "(SELECT jsonb_build_array(jsonb_build_object('op', 'add', 'path', '/tmp', 'value', (SELECT jsonb_agg(n) FROM generate_series(1, 200000) n))) \
                 || jsonb_agg(jsonb_build_object('op', 'add', 'path', '/tmp/0', 'value', n)) FROM generate_series(1, 200000) n)";
    let began = Instant::now();
    let sql = format!("SELECT item_clone('10378.1/102', {edits}, 'ada')");
    let failed = session
        .query(&sql, &[])
        .await
        .map(|_| ())
        .map_err(Failure::of)
        .unwrap_err();
    assert!(["57014", "22023"].contains(&failed.code.as_str()), "{failed:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn deep_arguments_are_refused_with_a_word() {
    let reg = with_items().await;
    for call in [
        "item_clone('10378.1/102', @)",
        "item_clone('10378.1/102', options => @)",
        "item_clone(@)",
    ] {
        let deep = "(repeat('[', 500) || repeat(']', 500))::jsonb";
        let refused = reg.failure(&format!("SELECT {}", call.replace('@', deep))).await;
        assert_eq!(refused.code, "22023", "{call}: {}", refused.message);
        assert!(!refused.hint.is_empty(), "{call}");
    }
}

#[tokio::test]
async fn a_generator_is_a_name_and_no_piece_of_sql() {
    let reg = empty().await;
    reg.run("CREATE TABLE public.canary (n int)").await;
    for generator in [
        "'x'::text); DROP TABLE public.canary; SELECT ('x'",
        "public.f(); DROP TABLE public.canary; --",
        "next_handle()",
        "(SELECT 'x')",
        "public.no_such()",
    ] {
        let options = json!({"id_generator": generator, "handle_prefix": "20.1", "schema": "two"});
        let refused = reg
            .call(
                "SELECT to_jsonb(clone.store_create('two', 'registry', $1))",
                &[&options],
            )
            .await
            .unwrap_err();
        assert_eq!(refused.code, "22023", "{generator}");
        // Nor is one executed that somebody has written into the catalog by hand.
        let filled = with_items().await;
        filled.run("CREATE TABLE public.canary (n int)").await;
        filled
            .client
            .execute(
                "UPDATE clone.store SET options = options || jsonb_build_object('id_generator', $1::text)",
                &[&generator],
            )
            .await
            .unwrap();
        let cloned = filled
            .clone_item(MODEL, Value::Null, "ada", Value::Null)
            .await
            .unwrap_err();
        assert!(
            ["22023", "42883"].contains(&cloned.code.as_str()),
            "{generator}: {}",
            cloned.message
        );
        assert_eq!(
            filled
                .json("SELECT to_regclass('public.canary') IS NOT NULL")
                .await,
            true
        );
    }
    assert_eq!(
        reg.json("SELECT to_regclass('public.canary') IS NOT NULL").await,
        true
    );
}

#[tokio::test]
async fn null_among_the_ids_and_a_broken_row_of_another_subtype_are_said_clearly() {
    let reg = with_items().await;
    let refused = reg
        .failure("SELECT items_clone(ARRAY['10378.1/102', NULL])")
        .await;
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("22023", "an element of item_ids is NULL")
    );
    reg.run("UPDATE reg.subtype SET resets = '[{\"op\": \"boil\", \"path\": \"/x\"}]', embedded = '{$..[?}' WHERE name = 'STUDY'").await;
    reg.cloned(MODEL).await;
    let broken = reg
        .clone_item(STUDY, Value::Null, "ada", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(broken.code, "55000");
    let list = "SELECT jsonb_object_agg(subtype, allowed) FROM clone.registry_cloneable('ada')";
    assert_eq!(reg.json(list).await["STUDY"], false);
    assert_eq!(reg.json(list).await["MODEL"], true);
}

#[tokio::test]
async fn handles_of_two_registries_never_collide() {
    let reg = with_items().await;
    for (options, word) in [
        ("{}", "neither handle_prefix"),
        (r#"{"handle_prefix": "10378.1"}"#, "already"),
        (r#"{"handle_prefix": "a b"}"#, "store option"),
    ] {
        let refused = reg
            .failure(&format!(
                "SELECT clone.store_create('two', 'registry', '{options}')"
            ))
            .await;
        assert_eq!(refused.code, "22023", "{options}");
        assert!(
            refused.message.contains(word) && !refused.hint.is_empty(),
            "{}",
            refused.message
        );
    }
    reg.run("SELECT clone.store_create('two', 'registry', '{\"handle_prefix\": \"10378.2\"}')")
        .await;
    assert_eq!(reg.json("SELECT two.next_handle()").await, "10378.2/1");
}
