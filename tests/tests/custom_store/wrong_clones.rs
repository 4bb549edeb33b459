//! Clones that were made wrong on purpose: verification says no, and names table, column and count.

use super::{assert_verified, described};

const TABLES: &str = "CREATE EXTENSION hstore; CREATE EXTENSION ltree;
    CREATE TABLE org (id bigserial PRIMARY KEY, name text);
    CREATE TABLE country (id bigserial PRIMARY KEY, name text);
    CREATE TABLE users (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, name text, code text, UNIQUE (org_id, code), UNIQUE (id, org_id));
    CREATE TABLE project (id uuid PRIMARY KEY, owner_id bigint NOT NULL REFERENCES users, country_id bigint REFERENCES country, title text);
    CREATE TABLE task (id bigserial PRIMARY KEY, project_id uuid NOT NULL REFERENCES project, parent_id bigint REFERENCES task, title text,
        org_id bigint NOT NULL, user_code text, FOREIGN KEY (org_id, user_code) REFERENCES users (org_id, code), done_by bigint, FOREIGN KEY (done_by, org_id) REFERENCES users (id, org_id));
    CREATE TABLE page (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, title text, tree ltree, trail text, watchers bigint[], teams uuid[], doc jsonb, raw json,
        about_type text, about_id text, attributes hstore, markup xml, link text);
    INSERT INTO org (name) VALUES ('Other'), ('Ours'); INSERT INTO country (name) VALUES ('CH'), ('UY'), ('NZ');
    INSERT INTO users (org_id, name, code) VALUES (1, 'x', 'a'), (2, 'Ada', 'a'), (2, 'Bob', 'b'), (2, 'Cy', 'c'), (1, 'y', 'b');
    INSERT INTO project VALUES ('a0000000-0000-4000-8000-000000000001', 1, 1, 'p'), ('b0000000-0000-4000-8000-000000000002', 2, 1, 'q'), ('b0000000-0000-4000-8000-000000000003', 3, 2, 'r');
    INSERT INTO task (project_id, parent_id, title, org_id, user_code, done_by) VALUES ('a0000000-0000-4000-8000-000000000001', NULL, 'o', 1, 'a', 1),
        ('b0000000-0000-4000-8000-000000000002', NULL, 's', 2, 'a', 2), ('b0000000-0000-4000-8000-000000000002', 2, 't', 2, 'b', 3),
        ('b0000000-0000-4000-8000-000000000003', 2, 'u', 2, 'c', 4), ('b0000000-0000-4000-8000-000000000003', 4, 'v', 2, 'a', 2);
    INSERT INTO page (org_id, title, tree, trail, watchers, teams, doc, raw, about_type, about_id, attributes, markup, link) VALUES
        (1, 'z', '1', '1', '{1}', '{}', '{}', '{}', 'User', '1', '', '<a/>', ''),
        (2, 'i', '2', '/2/', '{2,3}', '{b0000000-0000-4000-8000-000000000002}', '{\"by\": 2, \"votes\": {\"2\": 1, \"3\": 0}}', '{\"by\": \"2\"}', 'User', '2', 'by=>2', '<by>2</by>', 'https://x.org/users/2/edit'),
        (2, 'j', '2.3', '/2/3/', '{4}', '{b0000000-0000-4000-8000-000000000003}', '{\"by\": 3, \"votes\": {\"4\": 1}}', '{\"by\": \"4\"}', 'Page', '2', 'by=>4', '<by>4</by>', 'https://x.org/users/4/edit')";
const STORE: &str = "SELECT clone.store_table('s', 'org', 'project');
    SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id', document_column => '') FROM unnest('{users,page}'::text[]) t;
    SELECT clone.store_table('s', 'project', 'derived', id_column => 'id', parent => 'users', join_column => 'owner_id');
    SELECT clone.store_table('s', 'task', 'derived', id_column => 'id', parent => 'project', join_column => 'project_id');
    SELECT clone.store_shared('s', 'country');
    SELECT clone.store_reference('s', 'page', 'tree', 'page', separators => '.'); SELECT clone.store_reference('s', 'page', 'trail', 'page', separators => '/');
    SELECT clone.store_reference('s', 'page', 'watchers', 'users'); SELECT clone.store_reference('s', 'page', 'teams', 'project');
    SELECT clone.store_reference('s', 'page', 'doc', 'users', path => p) FROM unnest(ARRAY['$.by', '$.votes.*~']) p;
    SELECT clone.store_reference('s', 'page', 'raw', 'users', path => '$.by');
    SELECT clone.store_reference('s', 'page', 'about_id', 'users', type_column => 'about_type', type_values => '{User}');
    SELECT clone.store_reference('s', 'page', 'about_id', 'page', type_column => 'about_type', type_values => '{Page}');
    SELECT clone.store_reference('s', 'page', 'attributes', 'users', separators => '\"=> ,'); SELECT clone.store_reference('s', 'page', 'markup', 'users', separators => '<>/');
    SELECT clone.store_reference('s', 'page', 'link', 'users', separators => '/')";

/// What is done to a clone, and the table and column that verification names.
const WRONG: [(&str, &str); 40] = [
    // The source's row.
    (
        "UPDATE task SET parent_id = 2 WHERE title = 't'",
        "task.parent_id",
    ),
    (
        "UPDATE task SET project_id = 'b0000000-0000-4000-8000-000000000002' WHERE title = 't'",
        "task",
    ),
    ("UPDATE project SET owner_id = 2 WHERE title = 'q'", "project"),
    (
        "UPDATE page SET watchers = '{2}' WHERE title = 'i'",
        "page.watchers",
    ),
    (
        "UPDATE page SET teams = '{b0000000-0000-4000-8000-000000000002}' WHERE title = 'i'",
        "page.teams",
    ),
    (
        "UPDATE page SET doc = jsonb_set(doc, '{by}', '2') WHERE title = 'i'",
        "page.doc",
    ),
    (
        "UPDATE page SET doc = jsonb_set(doc, '{by}', '\"2\"') WHERE title = 'i'",
        "page.doc",
    ),
    (
        "UPDATE page SET doc = jsonb_set(doc, '{votes}', '{\"2\": 1, \"3\": 0}') WHERE title = 'i'",
        "page.doc",
    ),
    (
        "UPDATE page SET raw = '{\"by\": \"4\"}' WHERE title = 'j'",
        "page.raw",
    ),
    (
        "UPDATE page SET raw = '{\"by\": \"\\u0034\"}' WHERE title = 'j'",
        "page.raw",
    ),
    ("UPDATE page SET tree = '2' WHERE title = 'i'", "page.tree"),
    ("UPDATE page SET trail = '/2/' WHERE title = 'i'", "page.trail"),
    (
        "UPDATE page SET about_id = '2' WHERE title = 'i'",
        "page.about_id",
    ),
    (
        "UPDATE page SET about_id = '2' WHERE title = 'j'",
        "page.about_id",
    ),
    (
        "UPDATE page SET attributes = 'by=>2' WHERE title = 'i'",
        "page.attributes",
    ),
    (
        "UPDATE page SET markup = '<by>2</by>' WHERE title = 'i'",
        "page.markup",
    ),
    (
        "UPDATE page SET link = 'https://x.org/users/2/edit' WHERE title = 'i'",
        "page.link",
    ),
    // The neighbour's, and nobody's.
    (
        "UPDATE task SET parent_id = 1 WHERE title = 't'",
        "task.parent_id",
    ),
    ("UPDATE project SET owner_id = 1 WHERE title = 'q'", "project"),
    (
        "UPDATE page SET watchers = '{1}' WHERE title = 'i'",
        "page.watchers",
    ),
    (
        "UPDATE page SET about_id = '99' WHERE title = 'i'",
        "page.about_id",
    ),
    (
        "UPDATE page SET doc = jsonb_set(doc, '{by}', '1') WHERE title = 'i'",
        "page.doc",
    ),
    (
        "UPDATE page SET teams = '{a0000000-0000-4000-8000-000000000001}' WHERE title = 'i'",
        "page.teams",
    ),
    // Another shared row, or none.
    (
        "UPDATE project SET country_id = 3 WHERE title = 'q'",
        "project.country_id",
    ),
    (
        "UPDATE project SET country_id = NULL WHERE title = 'q'",
        "project.country_id",
    ),
    // Another row of the clone, or none.
    (
        "UPDATE task SET parent_id = (SELECT max(id) FROM task) WHERE title = 't'",
        "task.parent_id",
    ),
    (
        "UPDATE task SET parent_id = NULL WHERE title = 't'",
        "task.parent_id",
    ),
    (
        "UPDATE task SET user_code = 'b' WHERE title = 's' AND org_id = $1",
        "task.org_id, user_code",
    ),
    (
        "UPDATE task SET done_by = (SELECT max(id) FROM users WHERE org_id = $1) WHERE title = 's'",
        "task.done_by, org_id",
    ),
    (
        "UPDATE page SET watchers = ARRAY[watchers[1], watchers[1]] WHERE title = 'i'",
        "page.watchers",
    ),
    (
        "UPDATE page SET doc = jsonb_set(doc, '{by}', to_jsonb((SELECT max(id) FROM users WHERE org_id = $1))) WHERE title = 'i'",
        "page.doc",
    ),
    (
        "UPDATE page SET trail = '/' || id || '/' WHERE title = 'j'",
        "page.trail",
    ),
    (
        "UPDATE page SET about_type = 'User' WHERE title = 'j'",
        "page.about_id",
    ),
    (
        "UPDATE page SET attributes = hstore('by', (SELECT max(id)::text FROM users WHERE org_id = $1)) WHERE title = 'i'",
        "page.attributes",
    ),
    // Two rows that have changed places.
    (
        "UPDATE task SET project_id = (SELECT project_id FROM task o WHERE o.org_id = $1 AND o.title = CASE task.title WHEN 't' THEN 'u' ELSE 't' END) WHERE title IN ('t', 'u')",
        "task.project_id",
    ),
    (
        "UPDATE project SET owner_id = (SELECT owner_id FROM project o WHERE o.id <> project.id AND o.id::text !~ '^[ab]0000000-' LIMIT 1)",
        "project.owner_id",
    ),
    (
        "UPDATE page SET watchers = (SELECT watchers FROM page o WHERE o.org_id = $1 AND o.id <> page.id)",
        "page.watchers",
    ),
    (
        "UPDATE page SET raw = (SELECT raw FROM page o WHERE o.org_id = $1 AND o.id <> page.id)",
        "page.raw",
    ),
    // Rows that are missing, or twice.
    ("DELETE FROM task WHERE title = 'v'", "task"),
    (
        "INSERT INTO task (project_id, parent_id, title, org_id, user_code, done_by) SELECT project_id, parent_id, title, org_id, user_code, done_by FROM task WHERE title = 'v' AND org_id = $1",
        "task",
    ),
];

#[tokio::test]
async fn every_wrong_clone_is_found_out() {
    let db = described(TABLES, STORE).await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_verified(&db, &clone).await;
    let mut missed = Vec::new();
    for (change, place) in WRONG {
        let change = change.replace("$1", &clone);
        // Rows of the clone alone.
        let own = match change
            .split([' ', ','])
            .nth(1)
            .filter(|_| change.starts_with("UPDATE"))
        {
            Some("project") => " AND id::text !~ '^[ab]0000000-'".to_owned(),
            Some(_) => format!(" AND org_id = {clone}"),
            None if change.starts_with("DELETE") => format!(" AND org_id = {clone}"),
            None => String::new(),
        };
        let change = match change.contains(" WHERE title") || change.starts_with("INSERT") {
            true => format!("{change}{own}"),
            false => format!("{change} WHERE true{own}"),
        };
        db.run("BEGIN").await;
        let changed = db
            .number(&format!(
                "WITH c AS ({change} RETURNING 1) SELECT count(*) FROM c"
            ))
            .await;
        assert!(changed > 0, "{change}");
        let failed = db
            .list(&format!(
                "SELECT concat_ws('|', check_name, subject, expected, found) FROM project_clone_verify('{clone}') WHERE NOT ok"
            ))
            .await;
        db.run("ROLLBACK").await;
        if !failed.iter().any(|f| f.contains(&format!("|public.{place}"))) {
            missed.push(format!("{change}: {failed:?}"));
        }
    }
    assert_eq!(missed, Vec::<String>::new(), "{}", missed.join("\n"));
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn right_clones_are_verified_whatever_their_columns_get() {
    for (store, arguments) in [
        ("SELECT clone.store_column('s', 'task', 'parent_id', 'null')", "'2', 'Copy'"),
        ("SELECT clone.store_column('s', 'project', 'country_id', 'null')", "'2', 'Copy'"),
        ("SELECT clone.store_column('s', 'page', 'watchers', 'null')", "'2', 'Copy'"),
        ("SELECT 1", "'2', 'Copy', options => '{\"values\": {\"project.country_id\": \"3\", \"task.title\": \"t\"}}'"),
        (
            "UPDATE clone.store_relation SET live = 'title <> ''v''' WHERE relation = 'task'::regclass",
            "'2', 'Copy'",
        ),
        // Numbers in the order of insertion, which is another one.
        (
            "CREATE SEQUENCE n; ALTER TABLE users ADD number bigint; UPDATE users SET number = 10 - id; SELECT setval('n', 5);
             CREATE FUNCTION numbered() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN NEW.number := nextval('public.n'); RETURN NEW; END $f$;
             CREATE TRIGGER numbered BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION numbered(); SELECT clone.store_refresh('s')",
            "'2', 'Copy', options => '{\"triggers\": \"fire\"}'",
        ),
        ("UPDATE users SET name = 'same'; UPDATE task SET title = 'same'", "'2', 'Copy'"),
    ] {
        let db = described(TABLES, &format!("{STORE}; {store}")).await;
        let clone = db.clone_project(arguments).await;
        assert_verified(&db, &clone).await;
    }
}
