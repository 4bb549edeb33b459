//! Pairs of a type and a key, under any names and with types of any form.

use super::super::{answer_all, discovered, open};
use pg_clone_tests::scratch_database::Scratch;

/// Three tenants with orders and moves, whose keys partly are the same numbers.
const TABLES: &str = "CREATE TABLE company (id serial PRIMARY KEY, name text NOT NULL); INSERT INTO company (name) VALUES ('A'), ('B'), ('C');
    CREATE TABLE sale_orders (id serial PRIMARY KEY, company_id int NOT NULL REFERENCES company, name text);
    CREATE TABLE account_moves (id serial PRIMARY KEY, company_id int NOT NULL REFERENCES company, name text);
    SELECT setval('sale_orders_id_seq', 40), setval('account_moves_id_seq', 60);
    INSERT INTO sale_orders (company_id, name) SELECT 1 + i % 3, 'S' || i FROM generate_series(1, 60) i;
    INSERT INTO account_moves (company_id, name) SELECT 1 + i % 3, 'M' || i FROM generate_series(1, 60) i;";

/// A table with a pair; its types for orders and for moves are SQL expressions.
fn pair(table: &str, columns: (&str, &str), of_type: &str, types: (&str, &str)) -> String {
    let (kind, id) = columns;
    format!(
        "CREATE TABLE {table} (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), company_id int NOT NULL REFERENCES company, name text, {kind} {of_type}, {id} int, likes int, status text);
         INSERT INTO {table} (company_id, name, {kind}, {id}, likes, status) SELECT company_id, name, {}, id, id * 13 % 40, CASE id % 3 WHEN 0 THEN 'open' ELSE 'closed' END FROM sale_orders
            UNION ALL SELECT company_id, name, {}, id, id * 7 % 40, CASE id % 2 WHEN 0 THEN 'open' ELSE 'closed' END FROM account_moves;",
        types.0, types.1
    )
}

/// Answers all questions, clones, and compares each row of the clone with the row that it names.
async fn clone_follows(db: &Scratch, pairs: &[(String, &str)]) {
    let questions = open(db).await;
    for (table, id) in pairs {
        assert!(
            questions.contains(&format!("error public.{table}.{id}")),
            "{table}: {questions:?}"
        );
    }
    assert_eq!(
        questions.iter().filter(|q| q.starts_with("error")).count(),
        pairs.len(),
        "{questions:?}"
    );
    answer_all(db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (table, id) in pairs {
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM {table} t JOIN (SELECT id, company_id, name FROM sale_orders UNION ALL SELECT id, company_id, name FROM account_moves) o ON o.id = t.{id} AND o.company_id = t.company_id AND o.name = t.name WHERE t.company_id = {clone}"
            ))
            .await,
            40,
            "{table}"
        );
    }
}

#[tokio::test]
async fn types_are_names_of_tables_in_any_spelling() {
    let mut tables = TABLES.to_string();
    let mut pairs = Vec::new();
    for (number, (orders, moves)) in [
        ("sale.order", "account.move"),
        ("sale-order", "account-move"),
        ("sales/order", "account/moves"),
        ("SALE_ORDER", "ACCOUNT_MOVE"),
        ("Sale Order", "Account Move"),
        ("app.SaleOrder", "app.AccountMove"),
        ("public.sale_orders", "public.account_moves"),
        ("tbl_sale_orders", "tbl_account_moves"),
        ("erp_sale_order", "erp_account_move"),
        ("order", "move"),
    ]
    .into_iter()
    .enumerate()
    {
        let columns = [("res_model", "res_id"), ("model", "res_id"), ("about", "ref")][number % 3];
        let table = format!("note{number}");
        tables += &pair(
            &table,
            columns,
            "text",
            (&format!("'{orders}'"), &format!("'{moves}'")),
        );
        pairs.push((table, columns.1));
    }
    let db = discovered(&tables, "company").await;
    clone_follows(&db, &pairs).await;
}

#[tokio::test]
async fn types_of_any_form_are_told_by_the_keys_beside_them() {
    let mut tables = format!(
        "{TABLES} CREATE TYPE direction AS ENUM ('out', 'in'); CREATE TABLE kinds (id int PRIMARY KEY, label text); INSERT INTO kinds VALUES (7, 'sale-order'), (9, 'account-move');"
    );
    let mut pairs = Vec::new();
    for (number, (columns, of_type, orders, moves)) in [
        (("kind", "ref"), "int", "1", "2"),
        (("t", "x"), "smallint", "50", "70"),
        (("entity_type", "entity_id"), "int", "1", "2"),
        (("level", "instanceid"), "int", "50", "70"),
        (("what", "target"), "text", "'S'", "'M'"),
        (("is_sale", "about"), "boolean", "true", "false"),
        (
            ("flow", "document"),
            "direction",
            "'out'::direction",
            "'in'::direction",
        ),
        (
            ("letter", "object_pk"),
            "\"char\"",
            "'s'::\"char\"",
            "'m'::\"char\"",
        ),
        (("sort", "thing"), "int REFERENCES kinds", "7", "9"),
    ]
    .into_iter()
    .enumerate()
    {
        let table = format!("note{number}");
        tables += &pair(&table, columns, of_type, (orders, moves));
        pairs.push((table, columns.1));
    }
    let db = discovered(&tables, "company").await;
    clone_follows(&db, &pairs).await;
}

#[tokio::test]
async fn types_without_the_prefix_of_all_tables_name_them_and_numbers_may_stand_for_them() {
    let db = discovered(
        "CREATE TABLE acme_course (id bigserial PRIMARY KEY, fullname text NOT NULL); CREATE TABLE acme_modules (id bigserial PRIMARY KEY, name text);
         CREATE TABLE acme_assign (id bigserial PRIMARY KEY, course_id bigint NOT NULL, name text); CREATE TABLE acme_quiz (id bigserial PRIMARY KEY, course_id bigint NOT NULL, name text);
         CREATE TABLE acme_parts (id bigserial PRIMARY KEY, course_id bigint NOT NULL, module bigint NOT NULL, instance bigint NOT NULL); CREATE TABLE acme_event (id bigserial PRIMARY KEY, course_id bigint NOT NULL, modulename text, instance bigint);
         CREATE TABLE acme_context (id bigserial PRIMARY KEY, contextlevel bigint NOT NULL, instanceid bigint NOT NULL);
         INSERT INTO acme_course (fullname) VALUES ('A'), ('B'), ('C'); INSERT INTO acme_modules (name) VALUES ('assign'), ('quiz');
         SELECT setval('acme_assign_id_seq', 30), setval('acme_quiz_id_seq', 55), setval('acme_parts_id_seq', 17);
         INSERT INTO acme_assign (course_id) SELECT 1 + i % 3 FROM generate_series(1, 45) i; INSERT INTO acme_quiz (course_id) SELECT 1 + i % 3 FROM generate_series(1, 45) i;
         INSERT INTO acme_parts (course_id, module, instance) SELECT course_id, 1, id FROM acme_assign UNION ALL SELECT course_id, 2, id FROM acme_quiz;
         INSERT INTO acme_event (course_id, modulename, instance) SELECT course_id, 'assign', id FROM acme_assign UNION ALL SELECT course_id, 'quiz', id FROM acme_quiz;
         INSERT INTO acme_context (contextlevel, instanceid) SELECT 50, id FROM acme_course UNION ALL SELECT 70, id FROM acme_parts",
        "acme_course",
    )
    .await;
    for call in db
        .list("SELECT answer FROM clone.store_check('s') WHERE subject LIKE '%.course_id'")
        .await
    {
        db.run(&call).await;
    }
    assert_eq!(
        open(&db)
            .await
            .into_iter()
            .filter(|q| q.starts_with("error"))
            .collect::<Vec<_>>(),
        [
            "error public.acme_context.instanceid",
            "error public.acme_event.instance",
            "error public.acme_parts.instance"
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    for (table, kind, assign, quiz) in [
        ("acme_parts", "module", "1", "2"),
        ("acme_event", "modulename", "'assign'", "'quiz'"),
    ] {
        for (target, kind_value) in [("acme_assign", assign), ("acme_quiz", quiz)] {
            assert_eq!(
                db.number(&format!("SELECT count(*) FROM {table} t JOIN {target} o ON o.id = t.instance AND o.course_id = t.course_id WHERE t.course_id = {clone} AND t.{kind} = {kind_value}")).await,
                15,
                "{table} {target}"
            );
        }
    }
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM acme_context c LEFT JOIN acme_parts p ON p.id = c.instanceid WHERE c.contextlevel = 50 AND c.instanceid = {clone} OR c.contextlevel = 70 AND p.course_id = {clone}")).await,
        31
    );
}

#[tokio::test]
async fn the_type_of_a_pair_gets_no_other_value_where_the_pair_is_unique() {
    let db = discovered(
        "CREATE TABLE orgs (id bigserial PRIMARY KEY, name text NOT NULL); CREATE TABLE work_items (id bigserial PRIMARY KEY, org_id bigint NOT NULL, type text NOT NULL, title text);
         CREATE TABLE item_links (id bigserial PRIMARY KEY, org_id bigint NOT NULL, source_id bigint NOT NULL, source_type text NOT NULL, target_id bigint NOT NULL, target_type text NOT NULL, UNIQUE (source_id, source_type, target_id, target_type));
         INSERT INTO orgs (name) VALUES ('A'), ('B'), ('C'); SELECT setval('work_items_id_seq', 235);
         INSERT INTO work_items (org_id, type, title) SELECT 1 + i % 3, CASE WHEN i % 2 = 0 THEN 'Issue' ELSE 'Epic' END, 'w' || i FROM generate_series(1, 30) i;
         INSERT INTO item_links (org_id, source_id, source_type, target_id, target_type) SELECT a.org_id, a.id, a.type, b.id, b.type FROM work_items a JOIN work_items b ON b.org_id = a.org_id AND b.id IN (a.id - 3, a.id - 6)",
        "orgs",
    )
    .await;
    assert_eq!(
        open(&db).await,
        [
            "error public.item_links.source_id",
            "error public.item_links.target_id"
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM item_links l JOIN work_items a ON a.id = l.source_id AND a.type = l.source_type AND a.org_id = l.org_id JOIN work_items b ON b.id = l.target_id AND b.type = l.target_type AND b.org_id = l.org_id WHERE l.org_id = {clone}")).await,
        db.number("SELECT count(*) FROM item_links WHERE org_id = 1").await
    );
}

#[tokio::test]
async fn types_in_documents_may_be_spelled_in_other_ways() {
    let mut tables = TABLES.to_string();
    let forms = [
        (
            "note0",
            "jsonb_build_object('res_model', CASE kind WHEN 1 THEN 'sale.order' ELSE 'account.move' END, 'res_id', id)",
            "$.res_id",
        ),
        (
            "note1",
            "jsonb_build_object('about', jsonb_build_array(jsonb_build_object('type', CASE kind WHEN 1 THEN 'sale-order' ELSE 'account-move' END, 'id', id)))",
            "$.about[0].id",
        ),
        (
            "note2",
            "jsonb_build_object('about', jsonb_build_object('table', CASE kind WHEN 1 THEN 'public.sale_orders' ELSE 'public.account_moves' END, 'pk', id))",
            "$.about.pk",
        ),
    ];
    for (table, document, _) in forms {
        tables += &format!(
            "CREATE TABLE {table} (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), company_id int NOT NULL REFERENCES company, name text, doc jsonb);
             INSERT INTO {table} (company_id, name, doc) SELECT company_id, name, {document} FROM (SELECT *, 1 AS kind FROM sale_orders UNION ALL SELECT *, 2 FROM account_moves) o;"
        );
    }
    let db = discovered(&tables, "company").await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (table, _, path) in forms {
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM {table} t JOIN (SELECT id, company_id, name FROM sale_orders UNION ALL SELECT id, company_id, name FROM account_moves) o ON o.id = (jsonb_path_query_first(t.doc, '{path}') #>> '{{}}')::int AND o.company_id = t.company_id AND o.name = t.name WHERE t.company_id = {clone}"
            ))
            .await,
            40,
            "{table}"
        );
    }
}

#[tokio::test]
async fn numbers_beside_columns_with_few_values_are_no_pairs_by_chance() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE tasks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), company_id int NOT NULL REFERENCES company, status text, state int, kind text, likes int, place int, amount int, shelf int, minutes int);
             INSERT INTO tasks (company_id, status, state, kind, likes, place, amount, shelf, minutes)
                SELECT 1 + i % 3, CASE WHEN i < 60 THEN 'open' ELSE 'closed' END, i % 4, CASE i % 2 WHEN 0 THEN 'order' ELSE 'other' END, i * 13 % 70, i % 20, i * 3, 40 + i * 11 % 59, 40 + i / 2 FROM generate_series(1, 120) i"
        ),
        "company",
    )
    .await;
    assert_eq!(open(&db).await, [""; 0]);
}
