//! Keys of every kind: one map per key; new values come from the column's default.

use super::{assert_verified, contents, described};
use crate::description::{answer_all, discovered};

const ORG: &str = "a0000000-0000-4000-8000-000000000001";

#[tokio::test]
async fn a_primary_key_that_is_a_foreign_key_takes_its_parents_new_key_through_several_levels() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE person (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, name text);
         CREATE TABLE nurse (person_ptr bigint PRIMARY KEY REFERENCES person, licence text);
         CREATE TABLE head (nurse_ptr bigint PRIMARY KEY REFERENCES nurse, ward text);
         CREATE TABLE shift (id bigserial PRIMARY KEY, head_ptr bigint NOT NULL REFERENCES head, day date);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'Ward');
         INSERT INTO person (org_id, name) SELECT 'a0000000-0000-4000-8000-000000000001', n FROM unnest('{Ivo,Mara,Pim}'::text[]) n;
         INSERT INTO nurse VALUES (2, 'L-2'), (3, 'L-3'); INSERT INTO head VALUES (3, 'north'); INSERT INTO shift (head_ptr, day) VALUES (3, '2026-01-01'), (3, '2026-01-02')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'person', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'nurse', 'derived', parent => 'person'); SELECT clone.store_table('s', 'head', 'derived', parent => 'nurse');
         SELECT clone.store_table('s', 'shift', 'derived', parent => 'head')",
    )
    .await;
    let tables = ["org", "person", "nurse", "head", "shift"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project(&format!("'{ORG}', 'Copy'")).await;
    assert_eq!(
        db.list(&format!(
            "SELECT concat_ws('|', p.name, n.licence, h.ward, s.day) FROM person p LEFT JOIN nurse n ON n.person_ptr = p.id
             LEFT JOIN head h ON h.nurse_ptr = n.person_ptr LEFT JOIN shift s ON s.head_ptr = h.nurse_ptr WHERE p.org_id = '{clone}' ORDER BY 1"
        ))
        .await,
        ["Ivo", "Mara|L-2", "Pim|L-3|north|2026-01-01", "Pim|L-3|north|2026-01-02"]
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);
}

#[tokio::test]
async fn a_one_to_one_table_with_a_tenant_column_of_its_own_follows_its_parent_too() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
         CREATE TABLE person (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text);
         CREATE TABLE nurse (id bigint PRIMARY KEY REFERENCES person, org_id int NOT NULL REFERENCES org, licence text);
         INSERT INTO org (name) VALUES ('Other'), ('Ward'); INSERT INTO person (org_id, name) VALUES (1, 'x'), (2, 'Ivo'), (2, 'Mara');
         INSERT INTO nurse VALUES (1, 1, 'X'), (3, 2, 'L-3')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'nurse', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'person', 'resource', project_column => 'org_id')",
    )
    .await;
    let clone = db.clone_project("'2'").await;
    let rows = format!(
        "SELECT p.name FROM nurse n JOIN person p ON p.id = n.id AND p.org_id = n.org_id WHERE n.org_id = {clone}"
    );
    assert_eq!(db.list(&rows).await, ["Mara"]);
    assert_verified(&db, &clone).await;
    // Left out by a filter, its parent stays.
    let clone = db.clone_project("'2', exclude_ids => '{nurse/3}'").await;
    assert_eq!(
        db.list(&format!("SELECT (SELECT count(*) FROM person WHERE org_id = {clone}) || '/' || (SELECT count(*) FROM nurse WHERE org_id = {clone})"))
            .await,
        ["2/0"]
    );
}

#[tokio::test]
async fn composite_keys_keep_numbers_that_are_unique_per_tenant() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE ticket (org_id uuid NOT NULL REFERENCES org, id int NOT NULL, title text, PRIMARY KEY (org_id, id));
         CREATE TABLE note (org_id uuid NOT NULL REFERENCES org, id int NOT NULL, ticket_id int NOT NULL, body text, PRIMARY KEY (org_id, id), FOREIGN KEY (org_id, ticket_id) REFERENCES ticket);
         CREATE TABLE box (org_id uuid NOT NULL REFERENCES org, id bigserial, label text, PRIMARY KEY (org_id, id));
         CREATE TABLE item (org_id uuid NOT NULL REFERENCES org, id bigserial, box_id bigint NOT NULL, parent_id bigint, label text, PRIMARY KEY (org_id, id),
             FOREIGN KEY (org_id, box_id) REFERENCES box, FOREIGN KEY (org_id, parent_id) REFERENCES item);
         CREATE TABLE line (org_id uuid NOT NULL, ticket_id int NOT NULL, text text, FOREIGN KEY (org_id, ticket_id) REFERENCES ticket);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'Reed'), ('b0000000-0000-4000-8000-000000000001', 'Moss');
         INSERT INTO ticket SELECT o.id, n, o.name || n FROM org o, generate_series(1, 3) n; INSERT INTO note SELECT o.id, n, 3 - n, 'note' || n FROM org o, generate_series(1, 2) n;
         INSERT INTO box (org_id, label) SELECT id, 'crate of ' || name FROM org; INSERT INTO item (org_id, box_id, label) SELECT org_id, id, 'cup' FROM box;
         INSERT INTO item (org_id, box_id, label, parent_id) SELECT org_id, box_id, 'saucer', id FROM item; INSERT INTO line SELECT org_id, id, title FROM ticket",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{ticket,note,box,item}'::text[]) t;
         SELECT clone.store_table('s', 'line', 'derived', parent => 'ticket')",
    )
    .await;
    let tables = ["org", "ticket", "note", "box", "item", "line"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project(&format!("'{ORG}', 'Copy'")).await;
    let notes = |org: &str| {
        format!(
            "SELECT concat_ws('|', t.id, t.title, n.id, n.body, l.text) FROM ticket t LEFT JOIN note n ON (n.org_id, n.ticket_id) = (t.org_id, t.id) LEFT JOIN line l ON (l.org_id, l.ticket_id) = (t.org_id, t.id) WHERE t.org_id = '{org}' ORDER BY 1"
        )
    };
    assert_eq!(db.list(&notes(&clone)).await, db.list(&notes(ORG)).await);
    let items = |org: &str| {
        format!(
            "SELECT concat_ws('|', i.label, b.label, p.label) FROM item i JOIN box b ON b.org_id = i.org_id AND b.id = i.box_id LEFT JOIN item p ON p.org_id = i.org_id AND p.id = i.parent_id WHERE i.org_id = '{org}' ORDER BY 1"
        )
    };
    assert_eq!(db.list(&items(&clone)).await, db.list(&items(ORG)).await);
    assert_eq!(
        db.number("SELECT count(DISTINCT id) FROM box").await,
        3,
        "a key with a sequence gets new values even where it need not"
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);
}

#[tokio::test]
async fn a_foreign_key_to_a_unique_column_follows_that_column_and_no_other_tenant_comes_along() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE orders (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, number bigserial UNIQUE, code uuid UNIQUE DEFAULT gen_random_uuid(), label text);
         CREATE TABLE order_line (id bigserial PRIMARY KEY, order_number bigint NOT NULL REFERENCES orders (number), item text);
         CREATE TABLE parcel (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, order_code uuid REFERENCES orders (code));
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'Ours'), ('b0000000-0000-4000-8000-000000000001', 'Rival');
         INSERT INTO orders (org_id, number, label) VALUES ('a0000000-0000-4000-8000-000000000001', 2, 'our order'), ('b0000000-0000-4000-8000-000000000001', 1, 'rival 1'),
             ('b0000000-0000-4000-8000-000000000001', 3, 'rival 3'); SELECT setval('orders_number_seq', 3);
         INSERT INTO order_line (order_number, item) VALUES (2, 'A'), (2, 'B'), (1, 'SECRET'); INSERT INTO parcel (org_id, order_code) SELECT org_id, code FROM orders",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'orders', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'order_line', 'derived', parent => 'orders'); SELECT clone.store_table('s', 'parcel', 'resource', project_column => 'org_id')",
    )
    .await;
    let tables = ["org", "orders", "order_line", "parcel"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project(&format!("'{ORG}', 'Copy'")).await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', o.label, l.item, p.org_id = o.org_id) FROM orders o JOIN order_line l ON l.order_number = o.number JOIN parcel p ON p.order_code = o.code WHERE o.org_id = '{clone}' ORDER BY 1")).await,
        ["our order|A|t", "our order|B|t"]
    );
    assert_eq!(
        db.number("SELECT count(*) FROM order_line WHERE item = 'SECRET'")
            .await,
        1
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);
}

#[tokio::test]
async fn equal_texts_of_two_tables_never_meet() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE theme (code text PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE lang (code text PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE page (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, theme text REFERENCES theme, lang text REFERENCES lang);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'X'); INSERT INTO theme VALUES ('main', 'a0000000-0000-4000-8000-000000000001');
         INSERT INTO lang VALUES ('main', 'a0000000-0000-4000-8000-000000000001'); INSERT INTO page (org_id, theme, lang) VALUES ('a0000000-0000-4000-8000-000000000001', 'main', 'main')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{theme,lang,page}'::text[]) t",
    )
    .await;
    for (types, themes, langs) in [
        ("theme,page", 1, 0),
        ("lang,page", 0, 1),
        ("theme,lang,page", 1, 1),
    ] {
        let clone = db
            .clone_project(&format!("'{ORG}', resource_types => '{{{types}}}'"))
            .await;
        assert_eq!(
            db.list(&format!("SELECT concat_ws('|', (SELECT count(*) FROM theme WHERE org_id = p.org_id), (SELECT count(*) FROM lang WHERE org_id = p.org_id),
                (SELECT t.org_id = p.org_id FROM theme t WHERE t.code = p.theme), (SELECT l.org_id = p.org_id FROM lang l WHERE l.code = p.lang)) FROM page p WHERE p.org_id = '{clone}'"))
            .await,
            [format!("{themes}|{langs}|{}|{}", if themes == 1 { "t" } else { "f" }, if langs == 1 { "t" } else { "f" })],
            "{types}"
        );
    }
}

#[tokio::test]
async fn new_keys_come_from_sequences_defaults_and_texts_of_the_same_form() {
    let db = described(
        "CREATE EXTENSION citext; CREATE SEQUENCE shared_seq;
         CREATE FUNCTION flake() RETURNS bigint LANGUAGE sql AS 'SELECT 7000000000 + nextval(''shared_seq'')';
         CREATE TABLE org (id text PRIMARY KEY, name text);
         CREATE TABLE snow (id bigint PRIMARY KEY DEFAULT flake(), org_id text NOT NULL REFERENCES org);
         CREATE TABLE one (id bigint PRIMARY KEY DEFAULT nextval('shared_seq'), org_id text NOT NULL REFERENCES org);
         CREATE TABLE always (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id text NOT NULL REFERENCES org, next int REFERENCES always);
         CREATE TABLE stripe (id varchar(40) PRIMARY KEY, org_id text NOT NULL REFERENCES org, up varchar(40) REFERENCES stripe);
         CREATE TABLE word (id citext PRIMARY KEY, org_id text NOT NULL REFERENCES org); CREATE TABLE use (id bigserial PRIMARY KEY, word citext NOT NULL REFERENCES word);
         CREATE TABLE price (id numeric PRIMARY KEY DEFAULT nextval('shared_seq'), org_id text NOT NULL REFERENCES org, was numeric REFERENCES price);
         CREATE TABLE fixed (id char(12) PRIMARY KEY, org_id text NOT NULL REFERENCES org, next char(12) REFERENCES fixed);
         INSERT INTO org VALUES ('cjld2cjxh0000qzrmn831i7rn', 'X');
         INSERT INTO snow (org_id) SELECT id FROM org, generate_series(1, 3); INSERT INTO one (org_id) SELECT id FROM org, generate_series(1, 3);
         INSERT INTO always (org_id) SELECT id FROM org; INSERT INTO always (org_id, next) SELECT id, 1 FROM org;
         INSERT INTO stripe SELECT 'cus_NffrFeUfNV2Hib', id FROM org; INSERT INTO stripe SELECT 'cus_9s6XKzkNRiz8i3', id, 'cus_NffrFeUfNV2Hib' FROM org;
         INSERT INTO word SELECT 'Alpha', id FROM org; INSERT INTO use (word) VALUES ('ALPHA'), ('alpha');
         INSERT INTO price (id, org_id) SELECT 1000.50, id FROM org; SELECT setval('shared_seq', 2000); INSERT INTO price (org_id, was) SELECT id, 1000.5 FROM org;
         INSERT INTO fixed SELECT 'ab', id FROM org; INSERT INTO fixed SELECT 'cd', id, 'ab' FROM org",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{snow,one,always,stripe,word,price,fixed}'::text[]) t;
         SELECT clone.store_table('s', 'use', 'derived', parent => 'word')",
    )
    .await;
    let clone = db.clone_project("'cjld2cjxh0000qzrmn831i7rn'").await;
    assert!(clone.starts_with('c') && clone.len() == 25, "{clone}");
    let of = |sql: &str| sql.replace("$1", &format!("'{clone}'"));
    assert_eq!(
        db.number(&of(
            "SELECT count(*) FROM snow WHERE org_id = $1 AND id > 7000000000"
        ))
        .await,
        3
    );
    assert_eq!(db.number(&of("SELECT count(*) FROM always a JOIN always b ON b.id = a.next AND b.org_id = a.org_id WHERE a.org_id = $1")).await, 1);
    assert_eq!(
        db.number(&of("SELECT count(*) FROM stripe a JOIN stripe b ON b.id = a.up AND b.org_id = a.org_id WHERE a.org_id = $1 AND a.id ~ '^cus_[A-Za-z0-9]{14}$'")).await,
        1
    );
    assert_eq!(
        db.number(&of(
            "SELECT count(*) FROM use u JOIN word w ON w.id = u.word WHERE w.org_id = $1"
        ))
        .await,
        2
    );
    assert_eq!(db.number(&of("SELECT count(*) FROM price a JOIN price b ON b.id = a.was AND b.org_id = a.org_id WHERE a.org_id = $1")).await, 1);
    assert_eq!(db.number(&of("SELECT count(*) FROM fixed a JOIN fixed b ON b.id = a.next AND b.org_id = a.org_id WHERE a.org_id = $1")).await, 1);
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_sequence_behind_its_data_and_a_key_without_a_source_of_values_are_refused_first() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE a (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'X'); INSERT INTO a VALUES (1, 'a0000000-0000-4000-8000-000000000001')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'a', 'resource', project_column => 'org_id')",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert_eq!(failure.code, "55000");
    assert!(
        failure.message.contains("is behind the keys in public.a.id") && failure.hint.contains("setval"),
        "{failure:?}"
    );
    db.run("SELECT setval('a_id_seq', 500); CREATE TABLE b (id bigint PRIMARY KEY, org_id uuid NOT NULL REFERENCES org); INSERT INTO b VALUES (1, 'a0000000-0000-4000-8000-000000000001');
            SELECT clone.store_table('s', 'b', 'resource', project_column => 'org_id')").await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert_eq!(failure.code, "55000");
    assert!(
        failure.message.contains("public.b.id") && failure.hint.contains("DEFAULT"),
        "{failure:?}"
    );
    assert_eq!(db.number("SELECT count(*) FROM org").await, 1);
}

#[tokio::test]
async fn the_caller_may_choose_the_new_projects_id() {
    let db = described(
        "CREATE TABLE ws (id text PRIMARY KEY, name text); CREATE TABLE app (ws text NOT NULL REFERENCES ws, path text NOT NULL, script text, PRIMARY KEY (ws, path));
         CREATE TABLE run (id uuid PRIMARY KEY, ws text NOT NULL REFERENCES ws, path text NOT NULL, FOREIGN KEY (ws, path) REFERENCES app);
         INSERT INTO ws VALUES ('demo', 'Demo'), ('other', 'Other'); INSERT INTO app SELECT id, 'f/main', name FROM ws; INSERT INTO run SELECT gen_random_uuid(), ws, path FROM app",
        "SELECT clone.store_table('s', 'ws', 'project'); SELECT clone.store_table('s', 'app', 'resource', project_column => 'ws'); SELECT clone.store_table('s', 'run', 'resource', project_column => 'ws')",
    )
    .await;
    assert_eq!(
        db.clone_project("'demo', options => '{\"target\": \"demo-staging\"}'")
            .await,
        "demo-staging"
    );
    assert_eq!(
        db.list(
            "SELECT a.path || a.script FROM run r JOIN app a USING (ws, path) WHERE r.ws = 'demo-staging'"
        )
        .await,
        ["f/mainDemo"]
    );
    assert_verified(&db, "demo-staging").await;
    let failure = db
        .fails("SELECT project_clone('demo', options => '{\"target\": \"other\"}')")
        .await;
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("22023", "project \"other\" already exists")
    );
}

#[tokio::test]
async fn a_sequence_that_begins_again_is_an_error_if_its_first_values_are_in_use() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours');
         CREATE SEQUENCE numbers MINVALUE 1 MAXVALUE 100 CYCLE; CREATE TABLE item (id int PRIMARY KEY DEFAULT nextval('numbers'), org_id int NOT NULL REFERENCES org);
         INSERT INTO item (org_id) SELECT 1 FROM generate_series(1, 60)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id')",
    )
    .await;
    for call in ["project_clone", "project_clone_plan"] {
        let failure = db.fails(&format!("SELECT * FROM {call}('1')")).await;
        assert_eq!(failure.code, "55000", "{failure:?}");
        assert_eq!(
            failure.message,
            "sequence public.numbers begins again before it has given 60 values, and its first ones are keys in public.item.id"
        );
        assert!(
            failure.hint.contains("ALTER SEQUENCE public.numbers NO CYCLE"),
            "{failure:?}"
        );
    }
    // Its first values are free again.
    db.run("UPDATE item SET id = id + 1000 WHERE id <= 20").await;
    db.clone_project("'1'").await;
}

/// The default of a key says what new keys are, not the sequence that it takes numbers from or that belongs to the column.
#[tokio::test]
async fn a_default_that_computes_with_a_sequence_is_evaluated() {
    let db = described(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); CREATE SEQUENCE apart; CREATE SEQUENCE snow START 900; CREATE SEQUENCE \"odd's\" START 70;
         CREATE FUNCTION next_id() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('public.snow') * 1000 + 1 $$;
         CREATE TABLE shifted (id bigint PRIMARY KEY DEFAULT nextval('apart') + 1000000, org_id int NOT NULL REFERENCES org);
         CREATE TABLE stepped (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); ALTER TABLE stepped ALTER id SET DEFAULT (nextval('stepped_id_seq') * 10) + 3;
         CREATE TABLE called (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org); ALTER TABLE called ALTER id SET DEFAULT next_id();
         CREATE TABLE other (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); ALTER TABLE other ALTER id SET DEFAULT nextval('\"odd''s\"');
         CREATE TABLE texts (id text PRIMARY KEY DEFAULT nextval('\"odd''s\"')::text, org_id int NOT NULL REFERENCES org);
         INSERT INTO org (name) VALUES ('A'); INSERT INTO shifted (org_id) VALUES (1), (1); INSERT INTO stepped (org_id) VALUES (1), (1); INSERT INTO called (org_id) VALUES (1), (1); INSERT INTO other (org_id) VALUES (1), (1); INSERT INTO texts (org_id) VALUES (1)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{shifted,stepped,called,other,texts}'::text[]) t",
    )
    .await;
    let clone = db.clone_project("'1'").await;
    for (table, expected) in [
        ("shifted", "1000003 1000004"),
        ("stepped", "33 43"),
        ("called", "902001 903001"),
    ] {
        assert_eq!(
            db.text(&format!(
                "SELECT string_agg(id::text, ' ' ORDER BY id) FROM {table} WHERE org_id = {clone}"
            ))
            .await,
            expected,
            "{table}"
        );
    }
    // Both draw from one sequence.
    assert_eq!(
        db.list(&format!("SELECT id FROM (SELECT id::text, org_id FROM other UNION ALL SELECT id, org_id FROM texts) AS q WHERE org_id = {clone} ORDER BY 1")).await,
        ["73", "74", "75"]
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn keys_of_type_oid_come_from_a_sequence_as_numbers_do() {
    let db = described(
        "CREATE SEQUENCE ids; CREATE TABLE org (id serial PRIMARY KEY, name text);
         CREATE TABLE item (id oid PRIMARY KEY DEFAULT nextval('ids'), org_id int REFERENCES org); CREATE TABLE part (id serial PRIMARY KEY, item_id oid REFERENCES item);
         INSERT INTO org (name) VALUES ('A'), ('B'); INSERT INTO item (org_id) VALUES (1), (2); INSERT INTO part (item_id) VALUES (1), (2)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'part', 'derived', parent => 'item')",
    )
    .await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.list("SELECT id || '-' || item_id FROM part ORDER BY 1").await,
        ["1-1", "2-2", "3-3"]
    );
    db.run("SELECT setval('ids', 4000000000 - 1); INSERT INTO item VALUES (4000000000, 2)")
        .await;
    let behind = db.fails("SELECT project_clone('1')").await;
    assert_eq!(
        behind.message,
        "sequence public.ids is behind the keys in public.item.id"
    );
}

#[tokio::test]
async fn keys_that_are_made_of_other_keys_are_made_of_their_new_values() {
    let db = discovered(
        "CREATE TABLE orgs (id serial PRIMARY KEY, name text); INSERT INTO orgs (name) VALUES ('a'), ('b');
         CREATE TABLE docs (id text PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, title text, body jsonb);
         CREATE TABLE tasks (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, name text); INSERT INTO tasks (org_id, name) SELECT 1 + n % 2, 't' || n FROM generate_series(1, 30) n;
         CREATE TABLE notes (id serial PRIMARY KEY, doc_id text REFERENCES docs); SELECT setval('notes_id_seq', 700);
         INSERT INTO docs SELECT 'task_' || id, org_id, name, jsonb_build_object('objectID', 'task_' || id) FROM tasks; INSERT INTO notes (doc_id) SELECT id FROM docs;
         INSERT INTO docs VALUES ('about', 1, 'about', '{}'), ('imprint', 2, 'imprint', '{}');
         CREATE TABLE cache_entries (key varchar(255) PRIMARY KEY, org_id int NOT NULL REFERENCES orgs); INSERT INTO cache_entries SELECT 'org:' || org_id || ':task:' || id || ':rights', org_id FROM tasks;
         CREATE TABLE locks (org_id int NOT NULL REFERENCES orgs, lock_key text NOT NULL, name text, PRIMARY KEY (org_id, lock_key)); INSERT INTO locks SELECT org_id, 'task:' || id, name FROM tasks",
        "orgs",
    )
    .await;
    let asked = db
        .list("SELECT format('%s %s', question, answer) FROM clone.store_check('s') WHERE subject IN ('public.docs.id', 'public.cache_entries.key')")
        .await;
    assert_eq!(
        asked,
        [
            "public.cache_entries.key holds numbers that are keys of public.orgs or public.tasks, such as \"org:1:task:10:rights\": 30 that were looked at are keys of rows of the same tenant. \
             A clone makes other keys, which hold the same numbers ",
            "public.docs.id holds numbers that are keys of public.tasks, such as \"task_1\": 30 that were looked at are keys of rows of the same tenant \
             SELECT clone.store_reference('s', 'public.docs', 'id', 'public.tasks', separators => '_');"
        ]
    );
    db.run("SELECT clone.store_reference('s', 'cache_entries', 'key', 'tasks', separators => ':', condition => $$key LIKE 'org:%'$$)")
        .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (count, sql) in [
        (
            15,
            "SELECT count(*) FROM docs d JOIN tasks t ON d.id = 'task_' || t.id AND t.org_id = d.org_id AND t.name = d.title AND d.body->>'objectID' = d.id WHERE d.org_id = $",
        ),
        (
            1,
            "SELECT count(*) FROM docs WHERE org_id = $ AND id ~ '^imprint-[a-z0-9]{10}$'",
        ),
        (
            15,
            "SELECT count(*) FROM notes n JOIN docs d ON d.id = n.doc_id WHERE d.org_id = $",
        ),
        (
            15,
            "SELECT count(*) FROM locks l JOIN tasks t ON t.org_id = l.org_id AND l.lock_key = 'task:' || t.id AND l.name = t.name WHERE l.org_id = $",
        ),
        (
            15,
            "SELECT count(*) FROM cache_entries c JOIN tasks t ON t.org_id = c.org_id AND c.key LIKE '%:task:' || t.id || ':rights' WHERE c.org_id = $",
        ),
    ] {
        assert_eq!(
            db.number(&sql.replace("org_id = $", &format!("org_id = {clone}")))
                .await,
            count,
            "{sql}"
        );
    }
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.number("SELECT count(*) FROM docs").await, 32);
}

#[tokio::test]
async fn a_key_within_a_key_is_found_in_the_form_of_its_type() {
    for (kind, first, second, named) in [
        ("citext", "'Red-1'", "'Blu-2'", "upper(code::text)"),
        ("numeric", "12.50", "7", "replace(code::text, '.50', '.5')"),
        (
            "uuid",
            "'a0000000-0000-4000-8000-00000000000a'",
            "'a0000000-0000-4000-8000-00000000000b'",
            "upper(code::text)",
        ),
    ] {
        let default = match kind {
            "numeric" => "DEFAULT trunc(random() * 1000000000)::numeric + 0.5",
            "uuid" => "DEFAULT gen_random_uuid()",
            _ => "",
        };
        let db = described(
            &format!(
                "CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE orgs (id serial PRIMARY KEY, name text); INSERT INTO orgs (name) VALUES ('a'), ('b');
                 CREATE TABLE part (code {kind} PRIMARY KEY {default}, org_id int NOT NULL REFERENCES orgs); INSERT INTO part VALUES ({first}, 1), ({second}, 2);
                 CREATE TABLE docs (id text PRIMARY KEY, org_id int NOT NULL REFERENCES orgs); INSERT INTO docs SELECT 'part:' || {named}, org_id FROM part"
            ),
            "SELECT clone.store_table('s', 'orgs', 'project'), clone.store_table('s', 'part', 'resource', project_column => 'org_id'), clone.store_table('s', 'docs', 'resource', project_column => 'org_id');
             SELECT clone.store_reference('s', 'docs', 'id', 'part', separators => ':')",
        )
        .await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM docs d JOIN part p ON p.org_id = d.org_id AND split_part(d.id, ':', 2)::{kind} = p.code WHERE d.org_id = {clone}")).await,
            1,
            "{kind}"
        );
    }
}
