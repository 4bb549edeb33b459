//! Pairs of a type and a key in documents.

use super::super::{answer_all, discovered, open};

/// Posts and photos with the same numbers, of two tenants, and a table `ev` with this column.
fn tables(column: &str, document: &str) -> String {
    format!(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours');
         CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY (START 500) PRIMARY KEY, org_id int NOT NULL REFERENCES org, t text); CREATE TABLE photos (id int GENERATED ALWAYS AS IDENTITY (START 500) PRIMARY KEY, org_id int NOT NULL REFERENCES org, t text);
         INSERT INTO posts (org_id, t) SELECT 1 + n % 2, 'Post' || n FROM generate_series(1, 12) n; INSERT INTO photos (org_id, t) SELECT 1 + n % 2, 'Photo' || n FROM generate_series(1, 8) n;
         CREATE TABLE ev (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, t text, d {column});
         INSERT INTO ev (org_id, t, d) SELECT org_id, t, {document} FROM (SELECT 'Post' AS y, id, org_id, t FROM posts UNION ALL SELECT 'Photo', id, org_id, t FROM photos) z"
    )
}

#[tokio::test]
async fn a_type_says_which_table_the_key_beside_it_names() {
    for (column, document, key) in [
        (
            "jsonb",
            "jsonb_build_object('record_type', y, 'record_id', id)",
            "d->>'record_id'",
        ),
        (
            "json",
            "json_build_object('recordType', y, 'recordId', id)",
            "d->>'recordId'",
        ),
        (
            "text",
            "jsonb_build_object('subjectType', y, 'subjectId', id)::text",
            "d::jsonb->>'subjectId'",
        ),
        (
            "text",
            "jsonb_build_object('type', 'App\\Models\\' || y, 'id', id)::text",
            "d::jsonb->>'id'",
        ),
        (
            "jsonb",
            "jsonb_build_object('items', jsonb_build_array(jsonb_build_object('entity_type', lower(y), 'entity_id', id)))",
            "d#>>'{items,0,entity_id}'",
        ),
        (
            "jsonb",
            "jsonb_build_array(jsonb_build_object('entity_kind', lower(y) || 's', 'entity_id', id::text))",
            "d#>>'{0,entity_id}'",
        ),
        ("jsonb", "jsonb_build_object('type', y, 'id', id)", "d->>'id'"),
        (
            "jsonb",
            "jsonb_build_object('type', 'App\\Models\\' || y, 'id', id::text)",
            "d->>'id'",
        ),
        (
            "jsonb",
            "jsonb_build_object('about', jsonb_build_object('model', y, 'pk', id))",
            "d#>>'{about,pk}'",
        ),
        (
            "jsonb",
            "jsonb_build_object('about', jsonb_build_object('type', y, 'id', id))",
            "d#>>'{about,id}'",
        ),
        (
            "jsonb",
            "jsonb_build_object('__typename', y, 'id', id)",
            "d->>'id'",
        ),
        (
            "jsonb",
            "jsonb_build_object('table', lower(y) || 's', 'key', id, 'n', 500)",
            "d->>'key'",
        ),
    ] {
        let db = discovered(&tables(column, document), "org").await;
        assert_eq!(open(&db).await, Vec::<String>::new(), "{document}");
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let own = format!(
            "SELECT count(*) FROM ev WHERE org_id = {clone} AND t = (SELECT p.t FROM posts p WHERE ev.t LIKE 'Post%' AND p.org_id = ev.org_id AND p.id::text = {key} UNION ALL SELECT p.t FROM photos p WHERE ev.t LIKE 'Photo%' AND p.org_id = ev.org_id AND p.id::text = {key})"
        );
        assert_eq!(db.number(&own).await, 10, "{document}");
    }
}

#[tokio::test]
async fn pairs_that_come_later_are_asked_about() {
    for (document, subject) in [
        (
            "jsonb_build_object('record_type', y, 'record_id', id)",
            "public.ev.d $[\"record_id\"]",
        ),
        (
            "jsonb_build_object('a', jsonb_build_object('record_type', y, 'record_id', id))",
            "public.ev.d $..[?@[\"record_type\"]][\"record_id\"]",
        ),
    ] {
        for (answer, own) in [("answer", 10), ("otherwise", 6)] {
            let db = discovered(&tables("jsonb", document), "org").await;
            db.run("DELETE FROM ev WHERE t LIKE 'Photo%'").await;
            db.run("SELECT clone.store_drop('s'); SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')").await;
            assert_eq!(open(&db).await, Vec::<String>::new());
            db.run(&format!("INSERT INTO ev (org_id, t, d) SELECT org_id, t, {document} FROM (SELECT 'Photo' AS y, id, org_id, t FROM photos) z")).await;
            assert_eq!(open(&db).await, [format!("error {subject}")]);
            answer_all(&db, answer).await;
            let clone = db.clone_project("'2', 'Copy'").await;
            let key = "d #>> CASE WHEN d ? 'a' THEN '{a,record_id}'::text[] ELSE '{record_id}' END";
            assert_eq!(
                db.number(&format!("SELECT count(*) FROM ev WHERE org_id = {clone} AND t = (SELECT p.t FROM posts p WHERE ev.t LIKE 'Post%' AND p.org_id = ev.org_id AND p.id::text = {key} UNION ALL SELECT p.t FROM photos p WHERE ev.t LIKE 'Photo%' AND p.org_id = ev.org_id AND p.id::text = {key})"))
                    .await,
                own,
                "{document} {answer}"
            );
        }
    }
}

#[tokio::test]
async fn types_and_numbers_that_name_no_rows_are_no_pairs() {
    for document in [
        "jsonb_build_object('type', 'text', 'id', id)",
        "jsonb_build_object('type', y, 'id', id + 100000)",
        "jsonb_build_object('name', 'post', 'n', 3)",
    ] {
        let db = discovered(&tables("jsonb", document), "org").await;
        assert_eq!(
            db.number("SELECT count(*) FROM clone.store_check('s') WHERE question LIKE '%beside it%'")
                .await
                + db.number("SELECT count(*) FROM clone.store_reference WHERE condition IS NOT NULL OR path LIKE '%?%'")
                    .await,
            0,
            "{document}"
        );
    }
}

#[tokio::test]
async fn logs_with_whole_rows_have_the_keys_of_the_table_that_a_column_names() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE person (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text); INSERT INTO person (org_id, name) SELECT 1 + n % 2, 'p' || n FROM generate_series(1, 20) n;
         CREATE TABLE job (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, title text); INSERT INTO job (org_id, title) SELECT 1 + n % 2, 'j' || n FROM generate_series(1, 20) n;
         CREATE TABLE audit (id bigserial PRIMARY KEY, org_id int NOT NULL, table_name text, row_pk text, actor int, new_row jsonb);
         INSERT INTO audit (org_id, table_name, row_pk, actor, new_row) SELECT org_id, 'person', id, id, to_jsonb(p) FROM person p UNION ALL SELECT org_id, 'job', id, id, to_jsonb(j) FROM job j",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM audit a JOIN person u ON u.id = a.actor AND u.org_id = a.org_id LEFT JOIN person p ON a.table_name = 'person' AND p.id::text = a.row_pk LEFT JOIN job j ON a.table_name = 'job' AND j.id::text = a.row_pk
             WHERE a.org_id = {clone} AND a.new_row->>'id' = a.row_pk AND COALESCE(p.org_id, j.org_id) = a.org_id AND COALESCE(a.new_row->>'name', a.new_row->>'title') = COALESCE(p.name, j.title)"
        ))
        .await,
        20
    );
}

#[tokio::test]
async fn many_documents_that_name_one_table_are_one_question() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE posts (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, a jsonb, b jsonb, c jsonb, d jsonb);
         INSERT INTO posts (org_id) SELECT 1 + n % 2 FROM generate_series(1, 12) n",
        "org",
    )
    .await;
    // A table that is described later than the documents that name it.
    db.run(
        "CREATE TABLE blobs (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, filename text); INSERT INTO blobs (org_id, filename) SELECT 1 + n % 2, 'f' || n FROM generate_series(1, 12) n;
         UPDATE posts SET (a, b, c, d) = (SELECT j, j, j, j FROM (SELECT jsonb_build_object('part', jsonb_build_object('type', 'blobs', 'id', id)) AS j) j);
         SELECT clone.store_table('s', 'blobs', 'resource', project_column => 'org_id')",
    )
    .await;
    assert_eq!(open(&db).await, ["error public.blobs.id $documents"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    let right = format!(
        "SELECT count(*) FROM posts p WHERE org_id = {clone} AND (SELECT count(*) FROM blobs b, unnest(ARRAY[p.a, p.b, p.c, p.d]) j WHERE b.org_id = {clone} AND b.id = (j->'part'->>'id')::int) = 4"
    );
    assert_eq!(db.number(&right).await, 6);
}

#[tokio::test]
async fn types_that_stand_in_a_type_column_say_which_table_the_key_names() {
    // Classes of one table, as in work_items.type, or types of a pair that a reference declares.
    for (document, class, path) in [
        (
            "jsonb_build_object('target_type', y, 'target_id', id)",
            "y",
            "d->>'target_id'",
        ),
        (
            "jsonb_build_object('about', jsonb_build_object('target_type', y, 'target_id', id))",
            "y",
            "d#>>'{about,target_id}'",
        ),
        (
            "jsonb_build_object('target_type', y, 'target_id', id)",
            "'x'",
            "d->>'target_id'",
        ),
    ] {
        let db = discovered(
            &format!(
                "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours'), ('Third');
                 CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY (START 236) PRIMARY KEY, org_id int NOT NULL REFERENCES org, type text NOT NULL); CREATE TABLE pulls (id int GENERATED ALWAYS AS IDENTITY (START 241) PRIMARY KEY, org_id int NOT NULL REFERENCES org);
                 CREATE TABLE ev (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, d jsonb); CREATE TABLE votes (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, votable_type text, votable_id int);
                 INSERT INTO pulls (org_id) SELECT 1 + n % 3 FROM generate_series(1, 60) n; INSERT INTO items (org_id, type) SELECT 1 + n % 3, '' FROM generate_series(1, 60) n;
                 CREATE TABLE z AS SELECT CASE id % 2 WHEN 0 THEN 'Issue' ELSE 'Epic' END AS y, id, org_id FROM items UNION ALL SELECT 'Pull', id, org_id FROM pulls;
                 UPDATE items SET type = {class} FROM z WHERE z.id = items.id AND y <> 'Pull'; INSERT INTO ev (org_id, d) SELECT org_id, {document} FROM z;
                 INSERT INTO votes (org_id, votable_type, votable_id) SELECT org_id, y, id FROM z; DROP TABLE z"
            ),
            "org",
        )
        .await;
        if class == "'x'" {
            db.run("SELECT clone.store_reference('s', 'votes', 'votable_id', 'items', type_column => 'votable_type', type_values => '{Issue,Epic}')")
                .await;
        }
        let asked = db
            .list("SELECT question FROM clone.store_check('s') WHERE subject LIKE 'public.ev%'")
            .await;
        let label = if document.contains("about") {
            "$..[?@[\"target_type\"]][\"target_id\"]"
        } else {
            "$[\"target_id\"]"
        };
        assert_eq!(
            asked,
            [format!(
                "public.ev.d at {label} holds keys of the tables that target_type beside it names: public.items, public.pulls"
            )],
            "{document} {class}"
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM ev e WHERE org_id = {clone} AND NOT ({path})::int IN (SELECT id FROM items WHERE org_id = {clone} UNION ALL SELECT id FROM pulls WHERE org_id = {clone})"
            ))
            .await,
            0
        );
        assert_eq!(
            db.number(&format!(
                "SELECT count(DISTINCT d) FROM ev WHERE org_id = {clone}"
            ))
            .await,
            db.number("SELECT count(DISTINCT d) FROM ev WHERE org_id = 2")
                .await
        );
    }
}

#[tokio::test]
async fn words_that_also_are_types_beside_other_numbers_are_no_pairs() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours'), ('Third');
         CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY (START 236) PRIMARY KEY, org_id int NOT NULL REFERENCES org, type text NOT NULL);
         CREATE TABLE pages (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, d jsonb);
         INSERT INTO items (org_id, type) SELECT 1 + n % 3, CASE n % 2 WHEN 0 THEN 'text' ELSE 'image' END FROM generate_series(1, 60) n;
         INSERT INTO pages (org_id, d) SELECT 1 + n % 3, jsonb_build_object('blocks', jsonb_build_array(jsonb_build_object('type', CASE n % 2 WHEN 0 THEN 'text' ELSE 'image' END, 'id', 1 + n % 7))) FROM generate_series(1, 60) n",
        "org",
    )
    .await;
    assert_eq!(
        db.number("SELECT count(*) FROM clone.store_check('s') WHERE severity = 'error' OR question LIKE '%beside it names%'").await,
        0
    );
}

#[tokio::test]
async fn documents_beside_a_declared_pair_hold_rows_of_the_tables_that_its_types_name() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE orders (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, code text); INSERT INTO orders (org_id, code) SELECT 1 + i % 3, 'o' || i FROM generate_series(1, 60) i;
         CREATE TABLE clients (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, code text); INSERT INTO clients (id, org_id, code) SELECT 10 + i, 1 + i % 3, 'c' || i FROM generate_series(1, 60) i; SELECT setval('clients_id_seq', 100);
         CREATE TABLE audit_log (id serial PRIMARY KEY, table_name text, row_id int, old_data jsonb, new_data text);
         INSERT INTO audit_log (table_name, row_id, old_data, new_data) SELECT 'orders', id, jsonb_build_object('id', id, 'code', code), json_build_object('id', id, 'code', code) FROM orders
            UNION ALL SELECT 'clients', id, jsonb_build_object('id', id, 'code', code), json_build_object('id', id, 'code', code) FROM clients;
         CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id int NOT NULL REFERENCES org, aggregate_type text, aggregate_id text, payload jsonb);
         INSERT INTO outbox (org_id, aggregate_type, aggregate_id, payload) SELECT org_id, 'Order', id, jsonb_build_object('op', 'u', 'after', jsonb_build_object('id', id, 'code', code)) FROM orders
            UNION ALL SELECT org_id, 'Client', id, jsonb_build_object('op', 'u', 'after', jsonb_build_object('id', id, 'code', code)) FROM clients",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (table, kind) in [("orders", "Order"), ("clients", "Client")] {
        assert_eq!(
            db.text(&format!(
                "SELECT (SELECT count(*) FROM audit_log a JOIN {table} t ON a.table_name = '{table}' AND t.id = a.row_id AND (a.old_data->>'id')::int = t.id AND a.old_data->>'code' = t.code AND a.new_data::jsonb = a.old_data WHERE t.org_id = {clone})
                 || ' ' || (SELECT count(*) FROM outbox o JOIN {table} t ON o.aggregate_type = '{kind}' AND o.aggregate_id = t.id::text AND o.payload->'after' = jsonb_build_object('id', t.id, 'code', t.code) WHERE o.org_id = {clone})"
            ))
            .await,
            "20 20",
            "{table}"
        );
    }
}
