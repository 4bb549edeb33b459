//! Deletion and refresh never take another project's rows along, and say which rows are in the way.

use crate::state;
use pg_clone_tests::scratch_database::Scratch;

const OURS: &str = "a3900000-0000-4000-8000-000000000001";
const RIVAL: &str = "b3900000-0000-4000-8000-000000000001";

/// Two organisations with users; tables that the store does not describe name users and the organisation.
async fn users(log_key: &str) -> (Scratch, String) {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE usr (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, email text);
         CREATE TABLE api_log (id bigserial PRIMARY KEY, usr_id uuid NOT NULL, CONSTRAINT log_usr FOREIGN KEY (usr_id) REFERENCES usr {log_key});
         CREATE TABLE billing (org_id uuid PRIMARY KEY REFERENCES org, plan text);
         INSERT INTO org VALUES ('{OURS}', 'Prod'), ('{RIVAL}', 'Rival');
         INSERT INTO usr VALUES ('c2700000-0000-4000-8000-000000000001', '{OURS}', 'a@example.org'),
             ('c2700000-0000-4000-8000-000000000002', '{OURS}', 'b@example.org');
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'usr', 'resource', project_column => 'org_id')"
    ))
    .await;
    let clone = db.clone_project(&format!("'{OURS}', 'Staging'")).await;
    (db, clone)
}

#[tokio::test]
async fn rows_that_belong_by_a_join_belong_only_where_the_live_condition_holds() {
    let db = Scratch::with_extension().await;
    // Comments hang on tasks and on invoices, both with integer keys: record_type says on which.
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE task (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE invoice (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE comment (id bigserial PRIMARY KEY, record_type text, record_id bigint, body text);
         INSERT INTO org VALUES ('{OURS}', 'Ours'), ('{RIVAL}', 'Rival');
         INSERT INTO task (org_id) VALUES ('{OURS}'), ('{OURS}');
         INSERT INTO invoice (org_id) SELECT '{RIVAL}' FROM generate_series(1, 9);
         INSERT INTO comment (record_type, record_id, body) VALUES ('Task', 1, 'ours'), ('Invoice', 3, 'of the rival'), ('Invoice', 4, 'of the rival');
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'task', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'comment', 'derived', parent => 'task', join_column => 'record_id', live => 'record_type = ''Task''');
         SELECT clone.store_reference('s', 'comment', 'record_id', 'task', type_column => 'record_type');
         SELECT clone.store_shared('s', 'invoice')"
    ))
    .await;
    let before = state::of(&db, "public").await;
    // Its tasks are 3 and 4.
    let clone = db.clone_project(&format!("'{OURS}'")).await;
    assert_eq!(db.number("SELECT count(*) FROM comment").await, 4);
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(
        db.number("SELECT count(*) FROM comment WHERE body = 'of the rival'")
            .await,
        2
    );
    assert_eq!(state::of(&db, "public").await, before);
}

#[tokio::test]
async fn children_that_name_their_parent_by_another_column_are_not_deleted_by_its_id() {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE orders (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, number bigserial UNIQUE, label text);
         CREATE TABLE order_line (id bigserial PRIMARY KEY, order_number bigint NOT NULL REFERENCES orders (number), item text);
         INSERT INTO org VALUES ('{OURS}', 'Ours'), ('{RIVAL}', 'Rival');
         INSERT INTO orders (id, org_id, number, label) VALUES (11, '{OURS}', 7, 'ours'), (7, '{RIVAL}', 11, 'rival');
         INSERT INTO order_line (order_number, item) VALUES (7, 'ours'), (11, 'of the rival');
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'orders', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'order_line', 'derived', parent => 'orders')"
    ))
    .await;
    // Whether or not the store knows which column the lines name: the rival's line stays.
    let _ = db
        .attempt(&format!(
            "SELECT project_delete('{OURS}', options => '{{\"force\": true}}')"
        ))
        .await;
    assert_eq!(
        db.number("SELECT count(*) FROM order_line WHERE item = 'of the rival'")
            .await,
        1
    );
}

#[tokio::test]
async fn rows_of_which_nobody_can_say_whose_they_are_are_refused() {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE task (id bigint PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE invoice (id bigint PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE comment (id bigserial PRIMARY KEY, record_id bigint, body text);
         INSERT INTO org VALUES ('{OURS}', 'Ours'), ('{RIVAL}', 'Rival');
         INSERT INTO task VALUES (1, '{OURS}'); INSERT INTO invoice VALUES (1, '{RIVAL}');
         INSERT INTO comment (record_id, body) VALUES (1, 'whose?');
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'task', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'invoice', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'comment', 'derived', parent => 'task', join_column => 'record_id');
         -- As a preset of a product may describe it: those of the user's own tables refuse a column that refers to two keys.
         UPDATE clone.store SET preset = 'documents' WHERE name = 's';
         UPDATE clone.store_relation SET parents = '{{task,invoice}}' WHERE relation = 'comment'::regclass"
    ))
    .await;
    let before = state::of(&db, "public").await;
    let delete =
        |options: &str| format!("SELECT project_delete('{OURS}', options => '{{\"force\": true{options}}}')");
    let refused = db.fails(&delete("")).await;
    assert_eq!(refused.code, "23503", "{refused:?}");
    assert!(refused.message.contains("1 row of public.comment"), "{refused:?}");
    assert!(refused.hint.contains("others"), "{refused:?}");
    assert_eq!(state::of(&db, "public").await, before);
    db.run(&delete(", \"others\": \"include\"")).await;
    assert_eq!(db.number("SELECT count(*) FROM comment").await, 0);
}

#[tokio::test]
async fn rows_of_undescribed_tables_are_named_with_their_key_and_their_number() {
    for action in ["", "ON DELETE CASCADE"] {
        let (db, clone) = users(action).await;
        db.run(&format!(
            "INSERT INTO api_log (usr_id) SELECT id FROM usr WHERE org_id = '{clone}'; INSERT INTO billing VALUES ('{clone}', 'free')"
        ))
        .await;
        let before = state::of(&db, "public,clone").await;
        for call in [
            format!("SELECT project_delete('{clone}')"),
            format!("SELECT project_clone('{OURS}', 'Staging', options => '{{\"replace\": \"{clone}\"}}')"),
        ] {
            let refused = db.fails(&call).await;
            assert_eq!(refused.code, "23503", "{refused:?}");
            for said in [
                "2 rows of public.api_log",
                "log_usr",
                "keys: 1, 2",
                "1 row of public.billing",
                "billing_org_id_fkey",
            ] {
                assert!(refused.detail.contains(said), "{said}: {refused:?}");
            }
        }
        assert_eq!(state::of(&db, "public,clone").await, before);
        let dry = db
            .json(&format!(
                "SELECT project_delete('{clone}', options => '{{\"dry_run\": true}}')"
            ))
            .await;
        assert_eq!(dry["conflicts"][0]["relation"], "public.api_log");
        assert_eq!(dry["conflicts"][0]["rows"], 2);
        let done = db
            .json(&format!(
                "SELECT project_delete('{clone}', options => '{{\"others\": \"include\"}}')"
            ))
            .await;
        assert_eq!(done["tables"]["public.usr"], 2, "{done}");
        assert_eq!(
            db.number("SELECT (SELECT count(*) FROM api_log) + (SELECT count(*) FROM billing)")
                .await,
            0
        );
        assert_eq!(db.number("SELECT count(*) FROM usr").await, 2);
    }
}

#[tokio::test]
async fn a_row_of_another_project_that_names_a_clone_s_row_by_a_declared_column_is_in_the_way() {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE item (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, twin bigint);
         INSERT INTO org VALUES ('{OURS}', 'Ours'), ('{RIVAL}', 'Rival');
         INSERT INTO item (org_id) VALUES ('{OURS}'), ('{RIVAL}');
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id');
         SELECT clone.store_column('s', 'item', 'twin', 'map', 'item')"
    ))
    .await;
    let clone = db.clone_project(&format!("'{OURS}'")).await;
    db.run(&format!(
        "UPDATE item SET twin = (SELECT id FROM item WHERE org_id = '{clone}') WHERE org_id = '{RIVAL}'"
    ))
    .await;
    let refused = db.fails(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(refused.code, "23503", "{refused:?}");
    assert!(refused.message.contains("1 row of public.item"), "{refused:?}");
    assert!(refused.message.contains("column twin"), "{refused:?}");
}

#[tokio::test]
async fn a_refresh_keeps_the_ids_of_rows_without_documents_that_others_name_by_a_deferrable_key() {
    for key in ["DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"] {
        let (db, clone) = users(key).await;
        db.run("SELECT clone.preserve_ids('s', 'usr')").await;
        // What the first run gave is known from here on.
        let refresh =
            format!("SELECT project_clone('{OURS}', 'Staging', options => '{{\"replace\": \"{clone}\"}}')");
        db.run(&refresh).await;
        let ids = format!("SELECT id FROM usr WHERE org_id = '{clone}' ORDER BY email");
        let before = db.list(&ids).await;
        db.run(&format!(
            "INSERT INTO api_log (usr_id) SELECT id FROM usr WHERE org_id = '{clone}'"
        ))
        .await;
        db.run(&refresh).await;
        assert_eq!(db.list(&ids).await, before, "{key}");
        assert_eq!(db.number("SELECT count(*) FROM api_log").await, 2);
        // A user of the source that is gone is one that the log still names.
        db.run("DELETE FROM usr WHERE id = 'c2700000-0000-4000-8000-000000000002'")
            .await;
        let refused = db.fails(&refresh).await;
        assert_eq!(refused.code, "23503", "{refused:?}");
        assert!(refused.detail.contains("1 row of public.api_log"), "{refused:?}");
    }
}

#[tokio::test]
async fn nothing_found_where_a_run_wrote_rows_is_an_error_unless_forced() {
    let (db, clone) = users("").await;
    db.run(&format!(
        "DELETE FROM usr WHERE org_id = '{clone}'; DELETE FROM org WHERE id = '{clone}'"
    ))
    .await;
    let refused = db.fails(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(refused.code, "55000", "{refused:?}");
    assert!(refused.message.contains("run 1 wrote 3"), "{refused:?}");
    assert_eq!(db.text("SELECT deleted_at IS NULL FROM clone.run").await, "t");
    let done = db
        .json(&format!(
            "SELECT project_delete('{clone}', options => '{{\"force\": true}}')"
        ))
        .await;
    assert_eq!(done["rows"], 0);
    assert_eq!(db.text("SELECT deleted_at IS NULL FROM clone.run").await, "f");
}

#[tokio::test]
async fn rows_in_children_of_a_table_that_is_empty_itself_go_too() {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE asset (id uuid PRIMARY KEY, org_id uuid NOT NULL);
         CREATE TABLE vehicle (PRIMARY KEY (id)) INHERITS (asset);
         INSERT INTO org VALUES ('{OURS}', 'Ours');
         INSERT INTO vehicle SELECT gen_random_uuid(), '{OURS}' FROM generate_series(1, 150);
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'asset', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'vehicle', 'resource', project_column => 'org_id')"
    ))
    .await;
    let done = db
        .json(&format!(
            "SELECT project_delete('{OURS}', options => '{{\"force\": true}}')"
        ))
        .await;
    assert_eq!(done["rows"], 151, "{done}");
    assert_eq!(db.number("SELECT count(*) FROM vehicle").await, 0);
}

#[tokio::test]
async fn what_is_written_to_a_deleted_project_can_be_deleted() {
    let (db, clone) = users("").await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    let again = format!("SELECT project_delete('{clone}')");
    let nothing = db.fails(&again).await;
    assert_eq!(nothing.code, "P0002");
    assert!(nothing.message.contains("was deleted at"), "{nothing:?}");
    // A server that had the project in its cache writes to it.
    db.run(&format!(
        "ALTER TABLE usr DROP CONSTRAINT usr_org_id_fkey; INSERT INTO usr VALUES (gen_random_uuid(), '{clone}', 'late@example.org')"
    ))
    .await;
    let done = db.json(&again).await;
    assert_eq!(done["rows"], 1);
    assert!(done["deleted_before"].is_string(), "{done}");
    assert_eq!(db.number("SELECT count(*) FROM usr").await, 2);
    // A project of that id which somebody made since is nobody's clone.
    db.run(&format!("INSERT INTO org VALUES ('{clone}', 'made anew')"))
        .await;
    assert_eq!(db.fails(&again).await.code, "55000");
}

/// Tables that the store does not describe, one referring to the other: `log` to a clone's item, `bill` to `log`, `line` to `bill`.
async fn chain(log: &str, bill: &str, line: &str) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE tenants (id serial PRIMARY KEY, name text); CREATE TABLE items (id serial PRIMARY KEY, tenant_id int REFERENCES tenants);
         CREATE TABLE log (id int PRIMARY KEY, item_id int REFERENCES items {log}, up int REFERENCES log ON DELETE CASCADE);
         CREATE TABLE bill (id int PRIMARY KEY, log_id int REFERENCES log {bill}); CREATE TABLE line (id int PRIMARY KEY, bill_id int REFERENCES bill {line});
         INSERT INTO tenants (name) VALUES ('a'); INSERT INTO items (tenant_id) VALUES (1);
         SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'tenants', 'project'); SELECT clone.store_table('s', 'items', 'resource', project_column => 'tenant_id');
         SELECT clone.store_shared('s', 'log'), clone.store_shared('s', 'bill'), clone.store_shared('s', 'line'); SELECT project_clone('1', 'c');
         INSERT INTO log SELECT 1, id FROM items WHERE tenant_id = 2; INSERT INTO log VALUES (2, 1); INSERT INTO bill VALUES (1, 1), (2, 2); INSERT INTO line VALUES (1, 1), (2, 2)"
    ))
    .await;
    db
}

async fn conflicts(db: &Scratch) -> Vec<String> {
    db.list(
        "SELECT concat_ws(' ', c ->> 'relation', c ->> 'rows', c ->> 'why') FROM jsonb_array_elements(project_delete('2', options => '{\"dry_run\": true, \"others\": \"include\"}') -> 'conflicts') c ORDER BY 1",
    )
    .await
}

#[tokio::test]
async fn rows_that_refer_to_rows_of_others_that_go_are_listed_and_go_too() {
    for (log, bill, line) in [
        ("ON DELETE CASCADE", "ON DELETE CASCADE", "ON DELETE CASCADE"),
        ("", "", ""),
        ("ON DELETE CASCADE", "", "ON DELETE CASCADE"),
        ("", "ON DELETE CASCADE", ""),
    ] {
        let db = chain(log, bill, line).await;
        let found = conflicts(&db).await;
        assert_eq!(found.len(), 3, "{found:?}");
        for (found, table) in found.iter().zip(["bill", "line", "log"]) {
            assert!(
                found.starts_with(&format!("public.{table} 1 refers to rows of")),
                "{found}"
            );
        }
        db.run("SELECT project_delete('2', options => '{\"others\": \"include\"}')")
            .await;
        for table in ["log", "bill", "line"] {
            assert_eq!(
                db.list(&format!("SELECT id FROM {table}")).await,
                ["2"],
                "{table}"
            );
        }
    }
    // A row that only changes is listed, and what refers to it is not.
    let db = chain("ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE CASCADE").await;
    let found = conflicts(&db).await;
    assert!(
        found.len() == 2
            && found[0].starts_with("public.bill 1")
            && found[0].ends_with("which sets it to NULL)"),
        "{found:?}"
    );
    db.run("SELECT project_delete('2', options => '{\"others\": \"include\"}')")
        .await;
    assert_eq!(db.number("SELECT count(*) FROM line").await, 2);
}

#[tokio::test]
async fn rights_on_rows_that_refer_to_rows_of_others_are_checked_too() {
    let db = chain("ON DELETE CASCADE", "ON DELETE CASCADE", "").await;
    db.run(
        "DROP ROLE IF EXISTS tidy_chain; CREATE ROLE tidy_chain LOGIN; SELECT clone.allow('tidy_chain');
         GRANT SELECT, DELETE ON tenants, items, log TO tidy_chain",
    )
    .await;
    let role = db.session_as("tidy_chain").await;
    let call = "SELECT project_delete('2', options => '{\"others\": \"include\"}')";
    let refused = role.fails(call).await;
    assert!(
        refused.code == "42501" && refused.message.contains("public.bill"),
        "{refused:?}"
    );
    db.run("GRANT SELECT, DELETE ON bill TO tidy_chain; GRANT SELECT ON line TO tidy_chain")
        .await;
    let refused = role.fails(call).await;
    assert!(
        refused.code == "42501" && refused.hint.contains("GRANT DELETE ON public.line TO"),
        "{refused:?}"
    );
    db.run("GRANT DELETE ON line TO tidy_chain; ALTER TABLE bill ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON bill USING (false)")
        .await;
    assert_eq!(role.fails(call).await.code, "0A000");
    db.run("ALTER TABLE bill DISABLE ROW LEVEL SECURITY").await;
    role.run(call).await;
    assert_eq!(db.number("SELECT count(*) FROM line").await, 1);
    db.run("DROP OWNED BY tidy_chain; DROP ROLE tidy_chain").await;
}

#[tokio::test]
async fn rows_that_refer_to_each_other_are_refused() {
    let db = chain("ON DELETE CASCADE", "", "").await;
    db.run("DELETE FROM line; DELETE FROM bill; UPDATE log SET up = 1 WHERE id = 2")
        .await;
    assert_eq!(conflicts(&db).await.len(), 2);
    db.run("UPDATE log SET up = 2 WHERE id = 1").await;
    let refused = db
        .fails("SELECT project_delete('2', options => '{\"others\": \"include\"}')")
        .await;
    assert!(
        refused.code == "0A000"
            && refused.message
                == "rows of public.log would be deleted too, through more than 10 foreign keys in a row",
        "{refused:?}"
    );
    // A dry run lists them as far as they are known.
    let listed = db
        .json("SELECT project_delete('2', options => '{\"dry_run\": true}')->'conflicts'")
        .await;
    assert_eq!(listed.as_array().map(Vec::len), Some(11), "{listed}");
}

#[tokio::test]
async fn an_action_that_is_disabled_leaves_no_rows_of_others() {
    let db = chain("ON DELETE CASCADE", "ON DELETE SET NULL", "").await;
    let left = "SELECT count(*) FROM log l WHERE NOT EXISTS (SELECT FROM items i WHERE i.id = l.item_id)";
    for (disable, enable) in [
        (
            "SET session_replication_role = replica",
            "RESET session_replication_role",
        ),
        (
            "ALTER TABLE items DISABLE TRIGGER ALL",
            "ALTER TABLE items ENABLE TRIGGER ALL",
        ),
        (
            "ALTER TABLE log DISABLE TRIGGER ALL",
            "ALTER TABLE log ENABLE TRIGGER ALL",
        ),
    ] {
        db.run(disable).await;
        let refused = db
            .fails("SELECT project_delete('2', options => '{\"others\": \"include\"}')")
            .await;
        assert!(
            refused.code == "55000"
                && refused.message.starts_with("the action of foreign key \"")
                && refused.hint.contains("ENABLE TRIGGER"),
            "{refused:?}"
        );
        db.run(enable).await;
    }
    db.run("SELECT project_delete('2', options => '{\"others\": \"include\"}')")
        .await;
    assert_eq!(db.number(left).await, 0);
}
