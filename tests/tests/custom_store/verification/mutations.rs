//! Clones that were changed after they were made: what verification says of each change.

use crate::assert_verified;
use crate::described;
use crate::description::discovered;
use pg_clone_tests::scratch_database::Scratch;

/// Executes each change in a transaction of its own and asserts that a check fails whose subject matches.
pub(super) async fn assert_found(db: &Scratch, clone: &str, changes: &[(impl AsRef<str>, &str)]) {
    assert_verified(db, clone).await;
    let mut missed = Vec::new();
    for (change, subject) in changes {
        let change = change.as_ref();
        db.run("BEGIN").await;
        let rows = db
            .number(&format!(
                "WITH changed AS ({} RETURNING 1) SELECT count(*) FROM changed",
                change.replace("$clone", clone)
            ))
            .await;
        assert!(rows > 0, "{change}");
        let failed = db
            .list(&format!(
                "SELECT concat_ws(' ', check_name, subject, expected, found) FROM project_clone_verify('{clone}') WHERE NOT ok"
            ))
            .await;
        db.run("ROLLBACK").await;
        if !failed.iter().any(|check| check.contains(subject)) {
            missed.push(format!("{change}: {failed:?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

const TEAM: &str = "CREATE TABLE country (code text PRIMARY KEY); INSERT INTO country VALUES ('AT'), ('DE'), ('CH');
    CREATE TABLE org (id bigserial PRIMARY KEY, name text);
    CREATE TABLE users (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, name text, country_code text REFERENCES country, UNIQUE (org_id, id));
    CREATE TABLE roles (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, name text);
    CREATE TABLE user_roles (user_id bigint NOT NULL REFERENCES users, role_id bigint NOT NULL REFERENCES roles, PRIMARY KEY (user_id, role_id));
    CREATE TABLE orders (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, title text, owner_id bigint, FOREIGN KEY (org_id, owner_id) REFERENCES users (org_id, id));
    CREATE TABLE places (org_id bigint NOT NULL REFERENCES org, id bigserial, name text, PRIMARY KEY (org_id, id));
    CREATE TABLE user_places (org_id bigint NOT NULL REFERENCES org, user_id bigint, place_id bigint, PRIMARY KEY (org_id, user_id, place_id),
        FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id), FOREIGN KEY (org_id, place_id) REFERENCES places (org_id, id));
    CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, pos int);
    CREATE TABLE parts (id bigserial PRIMARY KEY, line_id bigint NOT NULL REFERENCES lines, pos int);
    CREATE TABLE topics (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, title text);
    CREATE TABLE messages (id bigserial PRIMARY KEY, topic_id bigint, body text, reader_ids bigint[]);
    INSERT INTO org (name) VALUES ('Other'), ('Ours');
    INSERT INTO users (org_id, name, country_code) SELECT 1 + n % 2, 'user ' || n, (ARRAY['AT','DE','CH'])[1 + n % 3] FROM generate_series(1, 12) n;
    INSERT INTO roles (org_id, name) SELECT 1 + n % 2, 'role ' || n FROM generate_series(1, 6) n;
    INSERT INTO user_roles SELECT u.id, r.id FROM users u JOIN roles r USING (org_id) WHERE (u.id + r.id) % 3 = 0;
    INSERT INTO places (org_id, name) SELECT 1 + n % 2, 'place ' || n FROM generate_series(1, 6) n;
    INSERT INTO user_places SELECT u.org_id, u.id, p.id FROM users u JOIN places p USING (org_id) WHERE (u.id + p.id) % 3 = 0;
    INSERT INTO orders (org_id, title, owner_id) SELECT org_id, 'order ' || id, id FROM users;
    INSERT INTO lines (order_id, pos) SELECT id, p FROM orders, generate_series(1, 3) p;
    INSERT INTO parts (line_id, pos) SELECT id, p FROM lines, generate_series(1, 2) p;
    INSERT INTO topics (org_id, title) SELECT 1 + n % 2, 'topic ' || n FROM generate_series(1, 6) n;
    INSERT INTO messages (topic_id, body, reader_ids) SELECT 1 + n % 6, 'message ' || n, ARRAY(SELECT u.id FROM users u WHERE u.org_id = 1 + (1 + n % 6 + 1) % 2 AND u.id % 3 <> n % 3 ORDER BY 1) FROM generate_series(1, 24) n;";

const MESSAGES: &str =
    "SELECT clone.store_table('s', 'messages', 'derived', parent => 'topics', join_column => 'topic_id')";

#[tokio::test]
async fn references_that_were_exchanged_are_found() {
    let db = discovered(TEAM, "org").await;
    crate::description::answer_all(&db, "answer").await;
    db.run(MESSAGES).await;
    let clone = db.clone_project("'2', 'Copy'").await;
    let users = "SELECT array_agg(id ORDER BY id) AS u FROM users WHERE org_id = $clone";
    let exchange = |table: &str, column: &str, of: &str| {
        format!(
            "UPDATE {table} SET {column} = CASE {column} WHEN x.u[1] THEN x.u[2] ELSE x.u[1] END FROM ({of}) x WHERE {column} IN (x.u[1], x.u[2])"
        )
    };
    let lines = "SELECT array_agg(l.id ORDER BY l.id) AS u FROM lines l JOIN orders o ON o.id = l.order_id WHERE o.org_id = $clone AND l.pos = 1";
    let topics = "SELECT array_agg(id ORDER BY id) AS u FROM topics WHERE org_id = $clone";
    assert_found(
        &db,
        &clone,
        &[
            // Rows that only their references distinguish.
            (exchange("user_roles", "user_id", users), "user_roles"),
            (exchange("user_places", "user_id", users), "user_places"),
            (format!("UPDATE parts SET line_id = x.u[1] FROM ({lines}) x WHERE line_id = x.u[2]"), "parts.line_id"),
            (exchange("orders", "owner_id", users), "orders.org_id, owner_id"),
            (exchange("messages", "topic_id", topics), "messages.topic_id"),
            (
                "UPDATE messages SET topic_id = (SELECT min(id) FROM topics WHERE org_id = $clone) WHERE topic_id IN (SELECT id FROM topics WHERE org_id = $clone)".to_owned(),
                "messages.topic_id",
            ),
            // Rows that all projects share.
            (
                "UPDATE users SET country_code = CASE country_code WHEN 'AT' THEN 'DE' WHEN 'DE' THEN 'AT' ELSE country_code END WHERE org_id = $clone".to_owned(),
                "users.country_code",
            ),
            // The place in an array, and an array of another row.
            (
                "UPDATE messages SET reader_ids = ARRAY(SELECT unnest(reader_ids) ORDER BY 1 DESC) WHERE topic_id IN (SELECT id FROM topics WHERE org_id = $clone)".to_owned(),
                "messages.reader_ids",
            ),
            (
                "UPDATE messages SET reader_ids = x.r FROM (SELECT m.id, COALESCE(lead(m.reader_ids) OVER (ORDER BY m.id), '{}') AS r FROM messages m JOIN topics t ON t.id = m.topic_id WHERE t.org_id = $clone) x WHERE x.id = messages.id".to_owned(),
                "messages.reader_ids",
            ),
        ],
    )
    .await;
    // Neither rows that the source has got since nor a trigger that only tells others hide them.
    db.run("INSERT INTO orders (org_id, title, owner_id) SELECT 2, 'later', min(id) FROM users WHERE org_id = 2;
            CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''orders'', ''''); RETURN NULL; END'; CREATE TRIGGER tell AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tell()")
        .await;
    assert_found(
        &db,
        &clone,
        &[
            (exchange("orders", "owner_id", users), "orders.org_id, owner_id"),
            (
                "UPDATE orders SET owner_id = NULL WHERE org_id = $clone".to_owned(),
                "orders.org_id, owner_id",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn one_reference_that_dangles_hides_no_others() {
    let db = described(
        TEAM,
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{users,roles,orders,topics}'::text[]) t;
         SELECT clone.store_table('s', 'lines', 'derived', parent => 'orders', join_column => 'order_id'); SELECT clone.store_table('s', 'messages', 'derived', parent => 'topics', join_column => 'topic_id');
         SELECT clone.store_reference('s', 'messages', 'reader_ids', 'users')",
    )
    .await;
    db.run("INSERT INTO users (org_id, name) VALUES (2, 'nobody names'); ALTER TABLE topics ADD author_id bigint REFERENCES users, ADD country_code text REFERENCES country DEFAULT 'AT'; UPDATE topics t SET author_id = u.id FROM (SELECT org_id, min(id) AS id FROM users GROUP BY 1) u WHERE u.org_id = t.org_id;
            UPDATE topics SET author_id = (SELECT max(id) FROM users WHERE org_id = 2) WHERE id = (SELECT max(id) FROM topics WHERE org_id = 2); SELECT clone.store_refresh('s')")
        .await;
    let clone = db
        .clone_project(
            "'2', 'Copy', exclude_ids => (SELECT ARRAY['users/' || max(id)] FROM users WHERE org_id = 2)",
        )
        .await;
    assert_found(
        &db,
        &clone,
        &[
            ("UPDATE topics SET country_code = 'DE' WHERE org_id = $clone", "topics.country_code"),
            ("UPDATE topics SET author_id = NULL WHERE org_id = $clone", "topics.author_id"),
            // The reference that dangles is no licence for another one.
            ("UPDATE topics SET author_id = NULL WHERE id = (SELECT min(id) FROM topics WHERE org_id = $clone)", "topics.author_id"),
            ("WITH x AS (SELECT array_agg(author_id ORDER BY id DESC) AS a, array_agg(id ORDER BY id DESC) AS t FROM topics WHERE org_id = $clone) UPDATE topics SET author_id = CASE id WHEN x.t[1] THEN x.a[2] ELSE x.a[1] END FROM x WHERE id IN (x.t[1], x.t[2])", "topics.author_id"),
            ("UPDATE topics SET author_id = (SELECT max(id) FROM users WHERE org_id = 1) WHERE org_id = $clone", "topics.author_id"),
        ],
    )
    .await;
}

#[tokio::test]
async fn uuids_without_a_foreign_key_are_compared_with_the_source() {
    let db = discovered(
        "CREATE TABLE org (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text);
         CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, name text);
         CREATE TABLE notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, body text, user_id uuid, user_ids uuid[], data jsonb);
         INSERT INTO org (id, name) VALUES ('a0000000-0000-4000-8000-000000000001', 'Other'), ('a0000000-0000-4000-8000-000000000002', 'Ours');
         INSERT INTO users (org_id, name) SELECT o.id, o.name || n FROM org o, generate_series(1, 6) n;
         INSERT INTO notes (org_id, body, user_id, user_ids, data) SELECT u.org_id, 'note of ' || u.name, u.id, ARRAY(SELECT o.id FROM users o WHERE o.org_id = u.org_id AND o.name <> u.name), jsonb_build_object('by', u.id, 'text', 'x', 'read', jsonb_build_array(u.id, (SELECT o.id FROM users o WHERE o.org_id = u.org_id AND o.name <> u.name ORDER BY o.name LIMIT 1))) FROM users u",
        "org",
    )
    .await;
    crate::description::answer_all(&db, "answer").await;
    let clone = db
        .clone_project("'a0000000-0000-4000-8000-000000000002', 'Copy'")
        .await;
    assert_found(
        &db,
        &clone,
        &[
            ("UPDATE notes SET user_id = (SELECT min(id::text)::uuid FROM users WHERE org_id = 'a0000000-0000-4000-8000-000000000001') WHERE org_id = '$clone'", "notes.user_id"),
            ("UPDATE notes SET user_id = (SELECT min(id::text)::uuid FROM users WHERE org_id = '$clone') WHERE org_id = '$clone'", "notes.user_id"),
            ("UPDATE notes SET user_id = NULL WHERE org_id = '$clone'", "notes.user_id"),
            ("UPDATE notes SET user_ids = '{}' WHERE org_id = '$clone'", "notes.user_ids"),
            ("UPDATE notes SET user_ids = user_ids || gen_random_uuid() WHERE org_id = '$clone'", "notes.user_ids"),
            ("UPDATE notes SET data = jsonb_set(data, '{read}', jsonb_build_array(data->'read'->1, data->'read'->0)) WHERE org_id = '$clone'", "notes.data"),
            ("UPDATE notes SET data = NULL WHERE org_id = '$clone'", "notes.data"),
            ("UPDATE notes n SET data = jsonb_set(n.data, '{by}', (SELECT to_jsonb(u.id) FROM users u WHERE u.org_id = n.org_id AND u.id <> n.user_id ORDER BY u.name LIMIT 1)) WHERE n.org_id = '$clone'", "notes.data"),
        ],
    )
    .await;
}

#[tokio::test]
async fn masked_values_and_large_objects_of_the_source_are_found() {
    let db = described(
        "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours');
         CREATE TABLE people (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, name text, secret text, token text UNIQUE, photo oid);
         INSERT INTO people (org_id, name, secret, token, photo) SELECT 2, 'p' || n, 'secret of ' || n, md5(n::text), lo_from_bytea(0, 'x') FROM generate_series(1, 4) n",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'people', 'resource', project_column => 'org_id');
         SELECT clone.store_column('s', 'people', 'secret', 'null'); SELECT clone.store_column('s', 'people', 'token', 'random'); SELECT clone.store_column('s', 'people', 'photo', 'large_object')",
    )
    .await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_found(
        &db,
        &clone,
        &[
            ("UPDATE people c SET secret = s.secret FROM people s WHERE s.org_id = 2 AND s.name = c.name AND c.org_id = $clone", "people.secret"),
            ("UPDATE people c SET photo = s.photo FROM people s WHERE s.org_id = 2 AND s.name = c.name AND c.org_id = $clone", "people.photo"),
        ],
    )
    .await;
    // Another value than the source's is the user's own.
    db.run(&format!(
        "UPDATE people SET secret = 'set in the clone' WHERE org_id = {clone}"
    ))
    .await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn values_that_differ_are_listed() {
    let db = described(
        "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours');
         CREATE TABLE goods (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, title text, price numeric);
         INSERT INTO goods (org_id, title, price) SELECT 2, 'g' || n, n FROM generate_series(1, 4) n",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'goods', 'resource', project_column => 'org_id')",
    )
    .await;
    let clone = db
        .clone_project("'2', 'Copy', options => '{\"verify\": true}'")
        .await;
    let differing = format!(
        "SELECT subject || ' ' || found || ' ' || ok FROM project_clone_verify('{clone}') WHERE check_name = 'values of the source'"
    );
    assert_eq!(db.list(&differing).await, [""; 0]);
    db.run(&format!("UPDATE goods SET price = 0 WHERE org_id = {clone}"))
        .await;
    assert_eq!(db.list(&differing).await, ["public.goods.price others true"]);
    // What changes rows after they were inserted.
    db.run("CREATE FUNCTION reprice() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE goods SET price = 1 WHERE id = NEW.id; RETURN NULL; END'; CREATE TRIGGER reprice AFTER INSERT ON goods FOR EACH ROW EXECUTE FUNCTION reprice()")
        .await;
    let clone = db
        .clone_project("'2', 'Copy', options => '{\"verify\": true, \"triggers\": \"fire\"}'")
        .await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn what_texts_and_documents_say_beside_their_keys_is_compared() {
    for (key, of_org, path) in [
        ("uuid", "'a0000000-0000-4000-8000-000000000002'", ""),
        ("bigint", "2", "$.by"),
    ] {
        let own = match key {
            "uuid" => "uuid PRIMARY KEY DEFAULT gen_random_uuid()",
            _ => "bigserial PRIMARY KEY",
        };
        let tables = "CREATE TABLE org (id $own, name text); CREATE TABLE users (id $own, org_id $key NOT NULL REFERENCES org, name text);
            CREATE TABLE notes (id $own, org_id $key NOT NULL REFERENCES org, body text, data jsonb);
            INSERT INTO org VALUES ($org, 'Ours'); INSERT INTO users (org_id, name) SELECT id, 'u' || n FROM org, generate_series(1, 4) n;
            INSERT INTO notes (org_id, body, data) SELECT org_id, 'note of ' || name, jsonb_build_object('by', id, 'text', 'written by ' || name, 'n', 7) FROM users";
        let reference = match path {
            "" => String::new(),
            path => {
                format!("; SELECT clone.store_reference('s', 'notes', 'data', 'users', path => '{path}')")
            }
        };
        let db = described(
            &tables.replace("$own", own).replace("$key", key).replace("$org", of_org),
            &format!("SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id', document_column => '') FROM unnest('{{users,notes}}'::text[]) t; SELECT setval(s, 100) FROM unnest(ARRAY[pg_get_serial_sequence('org', 'id'), pg_get_serial_sequence('users', 'id'), pg_get_serial_sequence('notes', 'id')]) s WHERE s IS NOT NULL{reference}"),
        )
        .await;
        let clone = db
            .clone_project(&format!(
                "'{}', 'Copy', options => '{{\"verify\": true}}'",
                of_org.trim_matches('\'')
            ))
            .await;
        let differing = format!(
            "SELECT subject || ' ' || found || ' ' || ok FROM project_clone_verify('{clone}') WHERE check_name = 'values of the source'"
        );
        assert_eq!(db.list(&differing).await, [""; 0], "{key}");
        for (change, column) in [
            ("body = body || '.'", "body"),
            ("data = data - 'text'", "data"),
            ("data = jsonb_set(data, '{text}', '\"other\"')", "data"),
            ("data = data || '{\"more\": null}'", "data"),
        ] {
            db.run(&format!(
                "BEGIN; UPDATE notes SET {change} WHERE org_id = '{clone}'"
            ))
            .await;
            assert_eq!(
                db.list(&differing).await,
                [format!("public.notes.{column} others true")],
                "{key} {change}"
            );
            db.run("ROLLBACK").await;
        }
    }
}

#[tokio::test]
async fn tables_that_cannot_be_compared_with_a_changed_source_are_listed() {
    let db = described(
        TEAM,
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{users,roles,orders,topics}'::text[]) t;
         SELECT clone.store_table('s', 'lines', 'derived', parent => 'orders', join_column => 'order_id')",
    )
    .await;
    let clone = db.clone_project("'2', 'Copy'").await;
    let listed = format!(
        "SELECT subject || ': ' || expected || ', ' || found || ' ' || ok FROM project_clone_verify('{clone}') WHERE check_name = 'not compared with the source'"
    );
    assert_eq!(db.list(&listed).await, [""; 0]);
    db.run("DROP TABLE parts; DELETE FROM lines WHERE order_id = (SELECT min(id) FROM orders WHERE org_id = 2); DELETE FROM orders WHERE id = (SELECT min(id) FROM orders WHERE org_id = 2); UPDATE orders SET title = 'later' WHERE id = (SELECT max(id) FROM orders WHERE org_id = 2)").await;
    assert_eq!(
        db.list(&listed).await,
        [
            "public.orders: 6 rows that have not changed since, 4 true",
            "public.lines: 18 rows that have not changed since, 15 true"
        ]
    );
    // The rows that are left say how many references there are at least.
    assert_found(
        &db,
        &clone,
        &[(
            "UPDATE orders SET owner_id = NULL WHERE org_id = $clone",
            "orders.org_id, owner_id at least 4 0",
        )],
    )
    .await;
}

#[tokio::test]
async fn a_clone_that_was_just_made_has_the_sources_values() {
    let db = described(
        "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours');
         CREATE TABLE goods (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, title text, price numeric); INSERT INTO goods (org_id, title, price) SELECT 2, 'g' || n, n FROM generate_series(1, 4) n;
         CREATE TABLE lines (id bigserial PRIMARY KEY, goods_id bigint NOT NULL REFERENCES goods); INSERT INTO lines (goods_id) SELECT id FROM goods",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'goods', 'resource', project_column => 'org_id'); SELECT clone.store_table('s', 'lines', 'derived', parent => 'goods', join_column => 'goods_id')",
    )
    .await;
    // A check is no trigger.
    db.run("CREATE FUNCTION reprice(bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN UPDATE goods SET price = 0 WHERE id = $1; RETURN true; END';
            ALTER TABLE lines ADD CHECK (reprice(goods_id)) NOT VALID")
        .await;
    let failure = db
        .fails("SELECT project_clone('2', 'Copy', options => '{\"verify\": true}')")
        .await;
    assert!(
        failure.code == "55000"
            && failure
                .message
                .ends_with("values of the source, public.goods.price: expected the same, found others"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn members_of_a_list_in_a_document_have_their_place() {
    let db = described(
        "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours');
         CREATE TABLE nodes (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, label text, data jsonb);
         INSERT INTO nodes (org_id, label, data) SELECT 2, 'n' || n, jsonb_build_object('steps', jsonb_build_array(1 + n % 4, 1 + (n + 1) % 4), 'by', jsonb_build_object((1 + n % 4)::text, true, (1 + (n + 2) % 4)::text, true)) FROM generate_series(1, 4) n",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'nodes', 'resource', project_column => 'org_id', document_column => '');
         SELECT clone.store_reference('s', 'nodes', 'data', 'nodes', path => p) FROM unnest(ARRAY['$.steps[*]', '$.by.*~']) p",
    )
    .await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_found(
        &db,
        &clone,
        &[(
            "UPDATE nodes SET data = jsonb_set(data, '{steps}', jsonb_build_array(data->'steps'->1, data->'steps'->0)) WHERE org_id = $clone",
            "nodes.data $.steps[*]",
        )],
    )
    .await;
}
