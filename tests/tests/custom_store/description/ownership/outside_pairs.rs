//! Tables that belong only through a type and a key, under names that do not say so.

use super::super::{answer_all, discovered};
use pg_clone_tests::scratch_database::Scratch;

const TABLES: &str = "CREATE TABLE tenant (id serial PRIMARY KEY, name text); INSERT INTO tenant (name) VALUES ('A'), ('B'), ('C'); CREATE TYPE subj AS ENUM ('task', 'photo', 'unused');
    CREATE TABLE task (id bigserial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant); INSERT INTO task (tenant_id) SELECT 1 + (n / 2) % 3 FROM generate_series(1, 60) n;
    CREATE TABLE photo (id bigserial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant); INSERT INTO photo (tenant_id) SELECT 1 + (n / 3) % 3 FROM generate_series(1, 50) n;
    CREATE TABLE django_content_type (id serial PRIMARY KEY, app_label text, model text); INSERT INTO django_content_type (app_label, model) VALUES ('auth', 'user'), ('app', 'task'), ('app', 'photo');";

/// The columns of the questions that stop a clone.
async fn errors(db: &Scratch) -> Vec<String> {
    db.list("SELECT subject FROM clone.store_check('s') WHERE severity = 'error'")
        .await
}

/// SQL that creates a table of remarks on tasks and photos with such a pair.
fn remarks(kind: &str, kinds: [&str; 2], name: &str, of: &str) -> String {
    let [task, photo] = kinds;
    format!(
        "{TABLES} CREATE TABLE remark (id bigserial PRIMARY KEY, {kind}, {name} {of}, rank int);
         INSERT INTO remark SELECT nextval('remark_id_seq'), {task}, id::{of}, 1 + id % 5 FROM task UNION ALL SELECT nextval('remark_id_seq'), {photo}, id::{of}, 1 FROM photo"
    )
}

#[tokio::test]
async fn types_that_name_tables_are_those_of_the_key_beside_them() {
    for (kind, kinds, name, of) in [
        ("subject text", ["'task'", "'photo'"], "subject_id", "bigint"),
        ("kind text", ["'Task'", "'Photo'"], "subject_id", "int"),
        (
            "subject_model text",
            ["'app.task'", "'app.photo'"],
            "subject_id",
            "text",
        ),
        (
            "subject_kind subj",
            ["'task'::subj", "'photo'::subj"],
            "subject_id",
            "bigint",
        ),
        (
            "actor_content_type_id int REFERENCES django_content_type",
            ["2", "3"],
            "actor_object_id",
            "text",
        ),
        ("target_ct_id int", ["2", "3"], "target_id", "int"),
        ("tab text", ["'task'", "'photo'"], "rec", "bigint"),
    ] {
        let db = discovered(&remarks(kind, kinds, name, of), "tenant").await;
        assert_eq!(errors(&db).await, [format!("public.remark.{name}")], "{kind}");
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let column = kind.split(' ').next().unwrap();
        for (table, value, rows) in [("task", kinds[0], 20), ("photo", kinds[1], 18)] {
            assert_eq!(
                db.number(&format!("SELECT count(*) FROM remark r JOIN {table} t ON t.id::text = r.{name}::text WHERE r.{column} = {value} AND t.tenant_id = {clone}")).await,
                rows,
                "{kind}"
            );
        }
        assert_eq!(db.number("SELECT count(*) FROM remark").await, 148, "{kind}");
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM remark").await, 110, "{kind}");
    }
}

#[tokio::test]
async fn types_that_the_data_do_not_explain_stop_a_clone() {
    for (kind, kinds, name) in [
        ("subject_type smallint", ["1", "2"], "subject_id"),
        ("subject_type \"char\"", ["'t'", "'p'"], "subject_id"),
        ("kind int", ["1", "2"], "what_id"),
        ("subject_kind text", ["'T'", "'P'"], "subject_id"),
    ] {
        let db = discovered(
            &format!(
                // All keys of a table would explain a type.
                "{}; DROP TABLE django_content_type; DELETE FROM remark WHERE {name} = 7",
                remarks(kind, kinds, name, "bigint")
            ),
            "tenant",
        )
        .await;
        assert_eq!(errors(&db).await, [format!("public.remark.{name}")], "{kind}");
        assert_eq!(
            db.number(
                "SELECT count(*) FROM clone.store_check('s') WHERE severity = 'error' AND answer IS NOT NULL"
            )
            .await,
            0,
            "{kind}"
        );
        let question = db.fails("SELECT project_clone('2')").await.message;
        assert!(
            question.contains("say which table each means with clone.store_reference("),
            "{question}"
        );
        // By the calls that the question has.
        let calls = question
            .split(" with ")
            .last()
            .unwrap()
            .trim_end_matches(". Its rows are not cloned")
            .split(", then ")
            .collect::<Vec<_>>();
        for (table, value) in [("task", kinds[0]), ("photo", kinds[1])] {
            let value = value.trim_matches('\'');
            db.run(&format!(
                "SELECT {}",
                calls[0]
                    .replace("<table>", &format!("'{table}'"))
                    .replace("<type>", &format!("'{{{value}}}'"))
            ))
            .await;
        }
        db.run(&format!("SELECT {}", calls[1])).await;
        answer_all(&db, "answer").await;
        db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(db.number("SELECT count(*) FROM remark").await, 108 + 38, "{kind}");
    }
}

#[tokio::test]
async fn types_whose_keys_are_those_of_one_table_each_have_an_answer() {
    for (kind, name) in [("subject_type", "subject_id"), ("flavour", "what_id")] {
        let db = discovered(
            &remarks(&format!("{kind} text"), ["'T'", "'P'"], name, "bigint").replace(
                "CREATE TABLE photo (id bigserial PRIMARY KEY,",
                "CREATE TABLE photo (id bigint GENERATED ALWAYS AS IDENTITY (START 1000) PRIMARY KEY,",
            ),
            "tenant",
        )
        .await;
        assert_eq!(errors(&db).await, [format!("public.remark.{name}")], "{kind}");
        answer_all(&db, "answer").await;
        db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(db.number("SELECT count(*) FROM remark").await, 148, "{kind}");
    }
}

#[tokio::test]
async fn two_pairs_of_a_table_are_one_question() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE action (id serial PRIMARY KEY, actor_object_id text, actor_content_type_id int, target_object_id text, target_content_type_id int);
             INSERT INTO action (actor_object_id, actor_content_type_id, target_object_id, target_content_type_id) SELECT t.id, 2, p.id, 3 FROM task t JOIN photo p USING (tenant_id) UNION ALL SELECT p.id, 3, t.id, 2 FROM task t JOIN photo p USING (tenant_id)"
        ),
        "tenant",
    )
    .await;
    assert_eq!(errors(&db).await, ["public.action.actor_object_id"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM action a JOIN photo p ON p.id::text = a.actor_object_id JOIN task t ON t.id::text = a.target_object_id WHERE a.actor_content_type_id = 3 AND a.target_content_type_id = 2 AND p.tenant_id = {clone} AND t.tenant_id = {clone}")).await,
        db.number("SELECT count(*) FROM task t JOIN photo p USING (tenant_id) WHERE t.tenant_id = 2").await
    );
}

#[tokio::test]
async fn a_state_beside_a_key_is_no_pair() {
    let db = discovered(
        "CREATE TABLE tenant (id serial PRIMARY KEY, name text); INSERT INTO tenant (name) VALUES ('A'), ('B');
         CREATE TABLE device (id bigserial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant); INSERT INTO device (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 60) n;
         CREATE TABLE reading (id bigserial PRIMARY KEY, kind int, state text, dev bigint); INSERT INTO reading (kind, state, dev) SELECT 1 + id % 3, CASE id % 2 WHEN 0 THEN 'on' ELSE 'off' END, id FROM device;
         CREATE TABLE country (id serial PRIMARY KEY, kind int, area_id int); INSERT INTO country (kind, area_id) SELECT 1 + n % 2, n % 7 FROM generate_series(1, 40) n;
         CREATE TABLE person (id serial PRIMARY KEY, provider text, availability int); INSERT INTO person (provider, availability) SELECT 'device', n % 4 FROM generate_series(1, 40) n;
         CREATE TABLE import (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant, data_type text, status int); INSERT INTO import (tenant_id, data_type, status) SELECT 1 + n % 2, 'devices', (1 - n % 2) * n % 8 FROM generate_series(0, 40) n;
         CREATE TABLE export (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant, kind text, mode int); INSERT INTO export (tenant_id, kind, mode) SELECT 1 + n % 2, 'devices', (1 - n % 2) * n % 8 FROM generate_series(0, 40) n",
        "tenant",
    )
    .await;
    assert_eq!(errors(&db).await, ["public.reading.dev"]);
    answer_all(&db, "answer").await;
    db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(db.number("SELECT count(*) FROM reading").await, 90);
}

#[tokio::test]
async fn a_pair_in_a_described_table_is_no_plain_key() {
    for (kind, kinds) in [
        ("subject text", ["'task'", "'photo'"]),
        ("kind text", ["'Task'", "'Photo'"]),
        ("subject_model subj", ["'task'::subj", "'photo'::subj"]),
    ] {
        let db = discovered(
            &format!("{}; ALTER TABLE remark ADD tenant_id int; UPDATE remark r SET tenant_id = t.tenant_id FROM task t WHERE r.id <= 60 AND t.id = r.subject_id; UPDATE remark r SET tenant_id = t.tenant_id FROM photo t WHERE r.id > 60 AND t.id = r.subject_id",
                remarks(kind, kinds, "subject_id", "bigint")),
            "tenant",
        )
        .await;
        assert_eq!(errors(&db).await, ["public.remark.subject_id"], "{kind}");
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM remark r JOIN photo p ON p.id = r.subject_id WHERE p.tenant_id = {clone} AND r.tenant_id = {clone} AND r.{} = {}", kind.split(' ').next().unwrap(), kinds[1])).await,
            18,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_type_that_names_a_table_outside_of_the_store_is_believed() {
    let db = discovered(
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text NOT NULL); CREATE TABLE users (id bigserial PRIMARY KEY, name text);
         CREATE TABLE account_users (id bigserial PRIMARY KEY, account_id bigint NOT NULL, user_id bigint NOT NULL REFERENCES users);
         CREATE TABLE access_tokens (id bigserial PRIMARY KEY, owner_type text, owner_id bigint, code text UNIQUE);
         INSERT INTO accounts (name) VALUES ('A'), ('B'); INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, 5) n;
         INSERT INTO account_users (account_id, user_id) SELECT 1 + (n > 14)::int, 1 + n % 5 FROM generate_series(1, 20) n;
         INSERT INTO access_tokens (owner_type, owner_id, code) SELECT 'User', n, md5(n::text) FROM generate_series(1, 5) n",
        "accounts",
    )
    .await;
    let asked = db
        .list("SELECT question FROM clone.store_check('s') WHERE severity <> 'note'")
        .await;
    assert!(
        !asked.iter().any(|question| question.contains("access_tokens")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn levels_that_numbers_code_are_told_by_all_keys_of_a_table() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE tasks (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text); INSERT INTO tasks (org_id, name) SELECT 1 + n % 2, 't' || n FROM generate_series(1, 90) n;
         CREATE TABLE people (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text); INSERT INTO people (org_id, name) SELECT 1 + n % 2, 'p' || n FROM generate_series(1, 40) n;
         CREATE TABLE context (id serial PRIMARY KEY, contextlevel int NOT NULL, instanceid int NOT NULL, note text, UNIQUE (contextlevel, instanceid)); INSERT INTO context (contextlevel, instanceid, note) SELECT 70, id, name FROM tasks UNION ALL SELECT 30, id, name FROM people",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (level, table, count) in [(70, "tasks", 45), (30, "people", 20)] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM context c JOIN {table} t ON c.contextlevel = {level} AND c.instanceid = t.id AND c.note = t.name WHERE t.org_id = {clone}")).await,
            count,
            "{table}"
        );
    }
}

#[tokio::test]
async fn parts_of_the_tenant_and_of_each_other_are_not_left_out_in_silence() {
    let tables = |below: &str| {
        format!(
            "CREATE TABLE spaces (id serial PRIMARY KEY, name text); INSERT INTO spaces (name) VALUES ('A'), ('B');
             CREATE TABLE blocks (id serial PRIMARY KEY, parent_table text, parent_id int, t text); SELECT setval('blocks_id_seq', 100);
             INSERT INTO blocks (parent_table, parent_id, t) SELECT 'space', 1 + n % 2, 'top' || n FROM generate_series(1, 20) n; INSERT INTO blocks (parent_table, parent_id, t) SELECT 'block', id, 'in ' || t FROM blocks;
             CREATE TABLE collections (id serial PRIMARY KEY, parent_table text, parent_id int, t text); SELECT setval('collections_id_seq', 500); INSERT INTO collections (parent_table, parent_id, t) SELECT 'block', id, t FROM blocks WHERE id % 4 = 0; {below}"
        )
    };
    let db = discovered(&tables(""), "spaces").await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    let found = format!(
        "SELECT format('%s %s', count(*), count(DISTINCT c.id)) FROM blocks b LEFT JOIN collections c ON c.parent_id = b.id WHERE b.id IN (WITH RECURSIVE r (id) AS (SELECT id FROM blocks WHERE parent_table = 'space' AND parent_id = {clone} UNION SELECT b.id FROM blocks b JOIN r ON b.parent_table = 'block' AND b.parent_id = r.id) SELECT id FROM r)"
    );
    assert_eq!(
        db.text(&found).await,
        db.text(&found.replace(&format!("= {clone} UNION"), "= 2 UNION"))
            .await
    );
    // Nothing shows whose the blocks in collections are.
    let db = discovered(&tables("INSERT INTO blocks (parent_table, parent_id, t) SELECT 'collection', id, 'row of ' || t FROM collections"), "spaces").await;
    for _ in 0..4 {
        for call in db
            .list("SELECT answer FROM clone.store_check('s') WHERE severity = 'error' AND answer IS NOT NULL")
            .await
        {
            db.run(&call).await;
        }
    }
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s') WHERE severity = 'error'")
            .await,
        [
            "public.blocks.parent_id names rows of the types collection, which no reference declares: are these rows left out? Those of collection are rows of public.collections, which belong through public.blocks: \
          give one of both a column with the tenant. If rows of one of them are meant, declare it with clone.store_reference('s', 'public.blocks', 'parent_id', <table>, type_column => 'parent_table', type_values => <type>)"
        ]
    );
}

#[tokio::test]
async fn rows_that_belong_by_a_pair_may_name_each_other() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE tasks (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO tasks (org_id) SELECT 1 + n % 2 FROM generate_series(1, 30) n;
         CREATE TABLE comments (id serial PRIMARY KEY, commentable_type text, commentable_id int, t text, reply_to int); SELECT setval('comments_id_seq', 200);
         INSERT INTO comments (commentable_type, commentable_id, t) SELECT 'Task', id, 'c' || id FROM tasks; INSERT INTO comments (commentable_type, commentable_id, t, reply_to) SELECT 'Task', commentable_id, 'r' || t, id FROM comments",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM tasks k JOIN comments c ON c.commentable_id = k.id JOIN comments p ON p.id = c.reply_to AND p.commentable_id = k.id AND c.t = 'r' || p.t WHERE k.org_id = {clone}")).await,
        15
    );
}

#[tokio::test]
async fn who_did_it_is_not_what_a_type_is_about() {
    // As Directus has it: both columns hold small numbers.
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE person (LIKE photo INCLUDING ALL); CREATE SEQUENCE person_id; ALTER TABLE person ALTER id SET DEFAULT nextval('person_id'), ADD FOREIGN KEY (tenant_id) REFERENCES tenant; INSERT INTO person (tenant_id) SELECT 1 + n % 3 FROM generate_series(1, 60) n;
             CREATE TABLE activity (id bigserial PRIMARY KEY, \"user\" int, collection text, item text);
             INSERT INTO activity (\"user\", collection, item) SELECT (SELECT p.id FROM person p WHERE p.tenant_id = k.tenant_id ORDER BY md5(p.id::text || k.id) LIMIT 1), k.kind, k.id FROM (SELECT 'task' AS kind, id, tenant_id FROM task UNION ALL SELECT 'photo', id, tenant_id FROM photo) k"
        ),
        "tenant",
    )
    .await;
    assert_eq!(errors(&db).await, ["public.activity.item"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM activity a JOIN task t ON a.collection = 'task' AND t.id::text = a.item WHERE t.tenant_id = {clone}"))
            .await,
        20
    );
}

#[tokio::test]
async fn a_column_named_after_a_table_says_more_than_a_type_without_a_name() {
    // As Gitea has it, without foreign keys: type says what kind of remark it is.
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE users (id bigserial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant); INSERT INTO users (tenant_id) SELECT 1 + n % 3 FROM generate_series(1, 60) n;
             CREATE TABLE remark (id bigserial PRIMARY KEY, type int, poster_id bigint, task_id bigint, words text);
             INSERT INTO remark (type, poster_id, task_id, words) SELECT (ARRAY[0, 3, 7])[1 + k.id % 3], (SELECT u.id FROM users u WHERE u.tenant_id = k.tenant_id ORDER BY md5(u.id::text || k.id || n) LIMIT 1), k.id, 'w' || n FROM task k, generate_series(1, 3) n"
        ),
        "tenant",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM remark r JOIN task t ON t.id = r.task_id JOIN users u ON u.id = r.poster_id AND u.tenant_id = t.tenant_id WHERE t.tenant_id = {clone}"))
            .await,
        60
    );
}

#[tokio::test]
async fn a_type_that_may_mean_two_tables_is_not_guessed() {
    // All rows of two tables, whose keys are the same numbers.
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE album (id bigserial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant); INSERT INTO album (tenant_id) SELECT 1 + n % 3 FROM generate_series(1, 50) n;
             CREATE TABLE property (id bigserial PRIMARY KEY, ref_type int, ref_id bigint); INSERT INTO property (ref_type, ref_id) SELECT 0, id FROM task UNION ALL SELECT 2, id FROM album"
        ),
        "tenant",
    )
    .await;
    assert_eq!(errors(&db).await, ["public.property.ref_id"]);
    assert_eq!(
        db.list("SELECT answer FROM clone.store_check('s') WHERE severity = 'error' AND answer IS NOT NULL")
            .await,
        [""; 0]
    );
}

#[tokio::test]
async fn negative_numbers_beside_keys_get_no_proposal() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE wall (id bigserial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant, photo_ref int);
             INSERT INTO wall (tenant_id, photo_ref) SELECT tenant_id, id FROM photo UNION ALL SELECT tenant_id, -id FROM task UNION ALL SELECT 1, -1"
        ),
        "tenant",
    )
    .await;
    let asked = db
        .text("SELECT concat_ws(' ', question, answer) FROM clone.store_check('s') WHERE severity = 'error'")
        .await;
    assert!(
        asked.ends_with("if they do not, declare it with condition => 'photo_ref > 0'"),
        "{asked}"
    );
}

#[tokio::test]
async fn types_that_a_small_table_explains_are_those_of_the_key_beside_them() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE entity_type (id smallint PRIMARY KEY, model text); INSERT INTO entity_type VALUES (31, 'task'), (32, 'photo');
             CREATE TABLE flag (entity_id int NOT NULL, entity_type_id smallint NOT NULL REFERENCES entity_type, no int, reason text, PRIMARY KEY (entity_type_id, entity_id, no));
             INSERT INTO flag SELECT id, 31, id, 'r' FROM task WHERE id <= 40 UNION ALL SELECT id, 32, id, 'r' FROM photo WHERE id <= 40"
        ),
        "tenant",
    )
    .await;
    assert_eq!(errors(&db).await, ["public.flag.entity_id"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (kind, table) in [(31, "task"), (32, "photo")] {
        let flags = |tenant: &str| {
            format!(
                "SELECT count(*) FROM flag f JOIN {table} t ON t.id = f.entity_id AND f.entity_type_id = {kind} WHERE t.tenant_id = {tenant}"
            )
        };
        let (cloned, source) = (db.number(&flags(&clone)).await, db.number(&flags("2")).await);
        assert!(cloned == source && cloned > 8, "{table}: {cloned} of {source}");
    }
}
