//! Which tables a store can have: rows of a clone must get in, stay there, and get in once.

use super::refusal::refused;
use pg_clone_tests::scratch_database::Scratch;

const TABLES: &str = "CREATE TABLE org (id uuid PRIMARY KEY, name text);
    CREATE TABLE item (id uuid PRIMARY KEY, org_id uuid REFERENCES org, kind text);
    CREATE TABLE part (id uuid, org_id uuid, kind text) PARTITION BY LIST (kind); CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a') PARTITION BY LIST (org_id);
    CREATE TABLE part_a_rest PARTITION OF part_a DEFAULT;
    INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'O');
    INSERT INTO item SELECT gen_random_uuid(), 'a0000000-0000-4000-8000-000000000001', 'k' FROM generate_series(1, 3);
    INSERT INTO part SELECT id, org_id, 'a' FROM item;
    CREATE VIEW over_item AS SELECT * FROM item WHERE kind = 'k'; CREATE VIEW over_view AS SELECT * FROM over_item;
    CREATE VIEW filtered AS SELECT * FROM part_a_rest WHERE org_id IN (SELECT id FROM org);
    CREATE VIEW grouped AS SELECT org_id, min(id::text)::uuid AS id FROM item GROUP BY org_id;
    CREATE MATERIALIZED VIEW stored AS SELECT * FROM item;
    SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id')";

fn described(table: &str) -> String {
    format!(
        "SELECT clone.store_table('s', '{table}', 'resource', id_column => 'id', project_column => 'org_id')"
    )
}

#[tokio::test]
async fn a_table_that_cannot_hold_the_rows_of_a_clone_is_not_described() {
    let db = Scratch::with_extension().await;
    db.run(TABLES).await;
    db.run("CREATE TEMPORARY TABLE passing (id uuid PRIMARY KEY, org_id uuid)")
        .await;
    let before = db.json("SELECT clone.store_export('s')").await;
    for (table, code, message, hint) in [
        (
            "stored",
            "42809",
            "materialized view",
            "REFRESH MATERIALIZED VIEW public.stored",
        ),
        ("passing", "0A000", "temporary table", "permanent table"),
        (
            "grouped",
            "0A000",
            "rows cannot be inserted into public.grouped",
            "INSTEAD OF INSERT",
        ),
    ] {
        refused(&db, &described(table), code, message, hint).await;
        let schema = if table == "passing" { "pg_temp" } else { "public" };
        refused(
            &db,
            &format!(
                "SELECT clone.store_import(jsonb_set(clone.store_export('s'), '{{tables,1,table}}', to_jsonb('{schema}.{table}'::text)), 'imported')"
            ),
            code,
            message,
            hint,
        )
        .await;
        assert_eq!(db.json("SELECT clone.store_export('s')").await, before);
    }
}

#[tokio::test]
async fn a_row_is_not_cloned_twice_through_a_view_or_a_partition() {
    let db = Scratch::with_extension().await;
    db.run(TABLES).await;
    for view in ["over_item", "over_view"] {
        refused(
            &db,
            &described(view),
            "0A000",
            "public.item",
            "clone.store_remove_table('s', 'public.item')",
        )
        .await;
    }
    for (first, second) in [
        ("part", "part_a"),
        ("part_a_rest", "part"),
        ("filtered", "part_a_rest"),
        ("part_a_rest", "filtered"),
    ] {
        db.run("BEGIN").await;
        db.run(&described(first)).await;
        let failure = db.fails(&described(second)).await;
        assert_eq!(failure.code, "0A000", "{first}, {second}: {failure:?}");
        assert!(failure.hint.contains("clone.store_remove_table"), "{failure:?}");
        db.run("ROLLBACK").await;
    }
    // A view whose condition reads a described table has rows of its own.
    db.run(&described("filtered")).await;
    let clone = db.clone_project("'a0000000-0000-4000-8000-000000000001'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM part WHERE org_id = '{clone}'"))
            .await,
        3
    );
    // What happened to the tables since is seen by the run.
    db.run("CREATE OR REPLACE VIEW filtered AS SELECT * FROM item")
        .await;
    let call = "SELECT project_clone('a0000000-0000-4000-8000-000000000001')";
    refused(
        &db,
        call,
        "0A000",
        "view public.filtered",
        "clone.store_remove_table('s', 'public.filtered')",
    )
    .await;
    db.run("DROP VIEW filtered CASCADE; SELECT clone.store_remove_table('s', 'public.filtered')")
        .await;
    db.run("CREATE TABLE part_b (id uuid, org_id uuid, kind text)")
        .await;
    db.run(&described("part_b")).await;
    db.run(&described("part")).await;
    db.run("ALTER TABLE part ATTACH PARTITION part_b FOR VALUES IN ('b')")
        .await;
    refused(
        &db,
        call,
        "0A000",
        "public.part_b",
        "clone.store_remove_table('s', 'public.part')",
    )
    .await;
}

#[tokio::test]
async fn a_rule_for_delete_is_named_before_anything_is_deleted() {
    let db = Scratch::with_extension().await;
    db.run(TABLES).await;
    let clone = db.clone_project("'a0000000-0000-4000-8000-000000000001'").await;
    for rule in [
        "INSTEAD NOTHING",
        "ALSO NOTIFY deleted",
        "INSTEAD UPDATE item SET kind = 'gone' WHERE id = OLD.id",
    ] {
        db.run(&format!(
            "CREATE RULE \"keeps it\" AS ON DELETE TO item DO {rule}"
        ))
        .await;
        for call in [
            format!("SELECT project_delete('{clone}')"),
            format!("SELECT project_delete('{clone}', options => '{{\"dry_run\": true}}')"),
            format!(
                "SELECT project_clone('a0000000-0000-4000-8000-000000000001', options => '{{\"replace\": \"{clone}\"}}')"
            ),
        ] {
            refused(
                &db,
                &call,
                "0A000",
                "public.item has the rule \"keeps it\" for DELETE",
                "ALTER TABLE public.item DISABLE RULE \"keeps it\"",
            )
            .await;
        }
        db.run("DROP RULE \"keeps it\" ON item").await;
    }
    db.run(&format!("SELECT project_delete('{clone}')")).await;
}
