//! Keys that stand in a text beside the name of their table, and in the values of named settings.

use super::super::{answer_all, discovered, open};
use crate::assert_verified;

const TABLES: &str = "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
    CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY (START 2000) PRIMARY KEY, org_id int NOT NULL REFERENCES org, title text); INSERT INTO posts (org_id, title) SELECT 1 + n % 2, 'p' || n FROM generate_series(1, 20) n;
    CREATE TABLE pages (id int GENERATED ALWAYS AS IDENTITY (START 2000) PRIMARY KEY, org_id int NOT NULL REFERENCES org, title text); INSERT INTO pages (org_id, title) SELECT 1 + n % 2, 'g' || n FROM generate_series(1, 20) n;";

#[tokio::test]
async fn keys_beside_the_name_of_their_table_follow_it() {
    for (post, page) in [
        ("post:", "page:"),
        ("gid://app/Post/", "gid://app/Page/"),
        ("/posts/", "/pages/"),
        ("Post#", "Page#"),
    ] {
        let db = discovered(
            &format!(
                "{TABLES} CREATE TABLE tagging (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, target text, label text);
                 INSERT INTO tagging (org_id, target, label) SELECT org_id, '{post}' || id, title FROM posts UNION ALL SELECT org_id, '{page}' || id, title FROM pages"
            ),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM tagging t LEFT JOIN posts p ON t.target = '{post}' || p.id AND p.org_id = t.org_id LEFT JOIN pages g ON t.target = '{page}' || g.id AND g.org_id = t.org_id
                 WHERE t.org_id = {clone} AND COALESCE(p.title, g.title) = t.label"
            ))
            .await,
            20,
            "{post}"
        );
        assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn a_table_with_one_key_beside_its_name_follows_where_others_do() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE tagging (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, target text, data jsonb);
             INSERT INTO tagging (org_id, target, data) SELECT org_id, 'posts/' || id, jsonb_build_object('gid', 'gid://app/Post/' || id) FROM posts;
             INSERT INTO tagging (org_id, target, data) SELECT org_id, 'pages/' || id, jsonb_build_object('gid', 'gid://app/Page/' || id) FROM pages WHERE title = 'g3';
             CREATE TABLE step (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text); INSERT INTO step (org_id, label) SELECT 2, 'page/' || id FROM pages WHERE title = 'g5';
             CREATE TABLE press_release (LIKE pages INCLUDING ALL); ALTER TABLE press_release ADD FOREIGN KEY (org_id) REFERENCES org; INSERT INTO press_release (org_id, title) SELECT org_id, title FROM pages;
             CREATE TABLE hint (LIKE step INCLUDING ALL, camel text); ALTER TABLE hint ADD FOREIGN KEY (org_id) REFERENCES org; INSERT INTO hint (org_id, label, camel) SELECT 2, 'press_release/' || id, 'PressRelease:' || id FROM press_release WHERE title = 'g5';
             CREATE TABLE leaf (LIKE pages INCLUDING ALL); ALTER TABLE leaf ADD FOREIGN KEY (org_id) REFERENCES org; INSERT INTO leaf (org_id, title) SELECT org_id, title FROM pages;
             CREATE TABLE mix (LIKE step INCLUDING ALL); ALTER TABLE mix ADD FOREIGN KEY (org_id) REFERENCES org; INSERT INTO mix (org_id, label) SELECT 2, 'post/' || id FROM posts WHERE title = 'p5'
             UNION ALL SELECT 2, 'page/' || id FROM pages WHERE title = 'g7' UNION ALL SELECT 2, 'leaf/' || id FROM leaf WHERE title = 'g9'"
        ),
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM tagging t JOIN pages g ON g.org_id = t.org_id AND t.target = 'pages/' || g.id AND t.data->>'gid' = 'gid://app/Page/' || g.id WHERE t.org_id = {clone} AND g.title = 'g3'"
        ))
        .await,
        1
    );
    // Alone, one number is no evidence.
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM step c JOIN step s USING (label) WHERE c.org_id = {clone} AND s.org_id = 2"
        ))
        .await,
        1
    );
    // A name of several words is.
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM hint h JOIN press_release p ON h.label = 'press_release/' || p.id AND h.camel = 'PressRelease:' || p.id AND p.org_id = h.org_id WHERE h.org_id = {clone} AND p.title = 'g5'"
        ))
        .await,
        1
    );
    // And so are the names of three tables.
    for (table, word, title) in [
        ("posts", "post", "p5"),
        ("pages", "page", "g7"),
        ("leaf", "leaf", "g9"),
    ] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM mix m JOIN {table} k ON m.label = '{word}/' || k.id AND k.org_id = m.org_id WHERE m.org_id = {clone} AND k.title = '{title}'"))
                .await,
            1,
            "{table}"
        );
    }
}

#[tokio::test]
async fn values_of_settings_are_keys_by_the_name_of_the_setting() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE settings (org_id int NOT NULL REFERENCES org, key text, value text, PRIMARY KEY (org_id, key));
             INSERT INTO settings SELECT o, k, (SELECT min(id) FROM posts WHERE org_id = o)::text FROM generate_series(1, 2) o, unnest('{{front_post,blog.post_id,_thumbnail_id}}'::text[]) k UNION ALL SELECT o, 'page_size', '2000' FROM generate_series(1, 2) o UNION ALL SELECT o, 'color', 'red' FROM generate_series(1, 2) o"
        ),
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws(' ', s.key, COALESCE(p.title, s.value)) FROM settings s LEFT JOIN posts p ON p.id::text = s.value AND p.org_id = s.org_id WHERE s.org_id = {clone} ORDER BY concat_ws(' ', s.key, COALESCE(p.title, s.value)) COLLATE \"C\"")).await,
        ["_thumbnail_id p1", "blog.post_id p1", "color red", "front_post p1", "page_size 2000"]
    );
}

#[tokio::test]
async fn a_list_between_separators_holds_keys_where_its_condition_says_so() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE list (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, kind text, members text); INSERT INTO list (org_id, kind, members) SELECT org_id, 'post', id || ',' || id FROM posts UNION ALL SELECT org_id, 'page', id || ',' || id FROM pages"
        ),
        "org",
    )
    .await;
    for (kind, table) in [("post", "posts"), ("page", "pages")] {
        db.run(&format!("SELECT clone.store_reference('s', 'list', 'members', '{table}', separators => ',', condition => 'kind = ''{kind}''')")).await;
    }
    db.run("INSERT INTO posts (org_id) SELECT 1 FROM generate_series(1, 7)")
        .await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM list l LEFT JOIN posts p ON l.kind = 'post' AND l.members = p.id || ',' || p.id AND p.org_id = l.org_id LEFT JOIN pages g ON l.kind = 'page' AND l.members = g.id || ',' || g.id AND g.org_id = l.org_id WHERE l.org_id = {clone} AND num_nulls(p.id, g.id) = 1")).await,
        20
    );
}

#[tokio::test]
async fn numbers_in_documents_are_compared_with_rows_of_the_same_tenant() {
    for column in ["jsonb", "json", "text"] {
        let db = discovered(
            &format!(
                "{TABLES} DROP TABLE pages; CREATE TABLE flow (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text, doc {column});
                 INSERT INTO flow (org_id, label, doc) SELECT org_id, title, jsonb_build_object('start', id, 'zoom', 1 + id % 7, 'edges', jsonb_build_array(jsonb_build_object('source', id, 'target', id::text)), 'recipients', jsonb_build_array(jsonb_build_object('type', 'post', 'id', id)))::text::{column} FROM posts"
            ),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM flow f JOIN posts p ON p.id = (f.doc::jsonb->>'start')::int AND p.org_id = f.org_id AND p.title = f.label
                 WHERE f.org_id = {clone} AND f.doc::jsonb#>'{{edges,0}}' = jsonb_build_object('source', p.id, 'target', p.id::text) AND f.doc::jsonb#>>'{{recipients,0,id}}' = p.id::text AND (f.doc::jsonb->>'zoom')::int < 8"
            ))
            .await,
            10,
            "{column}"
        );
    }
}

#[tokio::test]
async fn arrays_of_a_type_and_a_key_follow_the_type() {
    for column in ["jsonb", "json", "text"] {
        let db = discovered(
            &format!(
                "{TABLES} CREATE TABLE note (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text, doc {column});
                 INSERT INTO note (org_id, label, doc) SELECT org_id, title, jsonb_build_object('ref', jsonb_build_array('Post', id), 'size', jsonb_build_array('px', 2000))::text::{column} FROM posts
                 UNION ALL SELECT org_id, title, jsonb_build_object('deep', jsonb_build_object('ref', jsonb_build_array('Page', id::text)))::text::{column} FROM pages"
            ),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM note n LEFT JOIN posts p ON p.id = (n.doc::jsonb->'ref'->>1)::int AND p.org_id = n.org_id AND p.title = n.label AND n.doc::jsonb->'size'->>1 = '2000'
                 LEFT JOIN pages g ON g.id = (n.doc::jsonb#>>'{{deep,ref,1}}')::int AND g.org_id = n.org_id AND g.title = n.label WHERE n.org_id = {clone} AND num_nulls(p.id, g.id) = 1"
            ))
            .await,
            20,
            "{column}"
        );
    }
}

#[tokio::test]
async fn keys_beside_the_name_of_their_table_follow_it_in_documents_too() {
    // The values, with $ for the key.
    for (column, value) in [
        ("jsonb", "jsonb_build_object('ref', 'post:' || $, 'n', 7)"),
        ("json", "json_build_object('ref', 'gid://app/Post/' || $)"),
        ("text", "json_build_object('ref', 'post:' || $)::text"),
        (
            "jsonb",
            "jsonb_build_object('href', '/api/v1/posts/' || $ || '/edit')",
        ),
        ("jsonb", "jsonb_build_array('a', 'Post#' || $, 'help')"),
        ("jsonb", "jsonb_build_object('post:' || $, true)"),
        ("jsonb", "jsonb_build_object('ref', 'post_' || $)"),
        ("jsonb", "jsonb_build_array('Post', $)"),
        ("hstore", "hstore('post_id', $::text)"),
        (
            "text",
            "CASE $ % 3 WHEN 0 THEN 'help' ELSE '/posts/' || $ || '/edit?x=y' END",
        ),
        ("text[]", "ARRAY['post:' || $]"),
    ] {
        let db = discovered(
            &format!(
                "CREATE EXTENSION hstore; {TABLES} CREATE TABLE event (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text, payload {column});
                 INSERT INTO event (org_id, label, payload) SELECT org_id, title, {} FROM posts",
                value.replace('$', "id")
            ),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let right = format!(
            "SELECT count(*) FROM (SELECT event.*, posts.id AS post FROM event JOIN posts ON posts.title = label AND posts.org_id = event.org_id WHERE event.org_id = {clone}) e WHERE payload::text = ({})::text",
            value.replace('$', "post")
        );
        if !value.contains('%') {
            assert_eq!(db.number(&right).await, 10, "{column} {value}");
        }
        let left = format!(
            "SELECT count(*) FROM event e JOIN posts p ON p.org_id = 2 AND e.payload::text ~ p.id::text WHERE e.org_id = {clone}"
        );
        assert_eq!(db.number(&left).await, 0, "{column} {value}");
    }
}

#[tokio::test]
async fn small_numbers_after_the_name_of_a_table_are_no_keys_of_other_tenants() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'), ('C'), ('D');
         CREATE TABLE chapter (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, title text); INSERT INTO chapter (org_id, title) SELECT 1 + n % 4, 'c' || n FROM generate_series(1, 40) n;
         CREATE TABLE quote (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, place text); INSERT INTO quote (org_id, place) SELECT 1 + n % 4, 'Chapter-' || (1 + n / 4) FROM generate_series(1, 40) n",
        "org",
    )
    .await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s') WHERE subject LIKE '%quote%'")
            .await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn keys_within_prose_are_said() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE comment (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, body text);
             INSERT INTO comment (org_id, body) SELECT org_id, format('See <a href=\"/posts/%s\">this</a> and [[post:%1$s]].', id) FROM posts"
        ),
        "org",
    )
    .await;
    assert_eq!(
        db.list("SELECT severity || ' ' || left(question, 95) FROM clone.store_check('s')")
            .await,
        [
            "warning public.comment.body holds names of tables with keys of public.posts within longer texts, such a"
        ]
    );
    db.clone_project("'2', options => '{\"verify\": true}'").await;
}

#[tokio::test]
async fn keys_of_several_tables_in_lists_of_permissions_are_not_kept_unasked() {
    let db = discovered(
        "CREATE TABLE accounts (id serial PRIMARY KEY, name text); INSERT INTO accounts (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE projects (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, title text);
         CREATE TABLE tasks (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, title text);
         CREATE TABLE tokens (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, scopes text, grants text, note text, doc jsonb);
         INSERT INTO projects (account_id, title) SELECT a, 'P' || n FROM generate_series(1, 10) n, generate_series(1, 3) a ORDER BY n, a;
         INSERT INTO tasks (account_id, title) SELECT account_id, 'T' || id FROM projects ORDER BY id;
         INSERT INTO tokens (account_id, scopes, grants, note, doc)
         SELECT p.account_id, format('project:%s task:%s', p.id, t.id), format('project.%s.read,task.%s.write,billing.read', p.id, t.id), format('See project:%s and also task:%s', p.id, t.id), jsonb_build_object('scope', format('openid:x project:%s task:%s', p.id, t.id))
         FROM projects p JOIN tasks t ON t.account_id = p.account_id AND t.id <> p.id AND t.id % 5 = p.id % 5 ORDER BY p.title DESC, p.id",
        "accounts",
    )
    .await;
    assert_eq!(
        db.list("SELECT concat_ws(' ', severity, subject, CASE WHEN answer IS NULL THEN 'no proposal' END) FROM clone.store_check('s') ORDER BY subject").await,
        [
            "error public.tokens.doc no proposal",
            "error public.tokens.grants no proposal",
            "warning public.tokens.note",
            "error public.tokens.scopes no proposal",
        ]
    );
    let refused = db.fails("SELECT project_clone('2')").await;
    assert!(
        refused.code == "55000"
            && refused
                .message
                .contains("no declaration says which number in a list"),
        "{refused:?}"
    );
    answer_all(&db, "otherwise").await;
    db.clone_project("'2', options => '{\"verify\": true}'").await;
}

#[tokio::test]
async fn settings_that_are_keys_of_rows_of_other_tenants_are_none() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE themes (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, title text); INSERT INTO themes (org_id, title) SELECT 1 + n % 3, 'p' || n FROM generate_series(1, 60) n;
         CREATE TABLE settings (org_id int NOT NULL REFERENCES org, key text, value text, PRIMARY KEY (org_id, key)); INSERT INTO settings SELECT o, 'theme', o + 3 FROM generate_series(1, 3) o",
        "org",
    )
    .await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s') WHERE subject LIKE '%settings%'")
            .await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn names_of_rows_with_their_number_stay_and_so_do_copies_of_them() {
    let db = discovered(
        &format!(
            "{TABLES} UPDATE posts SET title = 'post-' || id;
             CREATE TABLE remark (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, post_title text, doc jsonb); INSERT INTO remark (org_id, post_title, doc) SELECT org_id, title, jsonb_build_object('title', title) FROM posts"
        ),
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM remark r JOIN posts p ON p.org_id = r.org_id AND p.title = r.post_title AND p.title = r.doc->>'title' WHERE r.org_id = {clone}")).await,
        10
    );
}

#[tokio::test]
async fn types_in_texts_and_documents_leave_out_the_name_of_the_application() {
    let db = discovered(
        "CREATE TABLE app_org (id serial PRIMARY KEY, name text NOT NULL);
         CREATE TABLE app_user (id serial PRIMARY KEY, login text);
         CREATE TABLE app_team (id int GENERATED BY DEFAULT AS IDENTITY (START 11) PRIMARY KEY, org_id int NOT NULL REFERENCES app_org);
         CREATE TABLE app_rule (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES app_org, owner text, actions jsonb);
         INSERT INTO app_org (name) VALUES ('A'), ('B'), ('C');
         INSERT INTO app_user (login) SELECT 'u' || i FROM generate_series(1, 30) AS i;
         INSERT INTO app_team (org_id) SELECT 1 + i % 3 FROM generate_series(0, 8) AS i;
         INSERT INTO app_rule (org_id, owner, actions) SELECT org_id, 'team:' || id, jsonb_build_array(jsonb_build_object('targetType', 'Team', 'targetIdentifier', id::text)) FROM app_team, generate_series(1, 2);
         INSERT INTO app_rule (org_id, owner, actions) SELECT o.id, 'user:' || 10 + u, jsonb_build_array(jsonb_build_object('targetType', 'Member', 'targetIdentifier', (10 + u)::text)) FROM app_org AS o, generate_series(1, 8) AS u",
        "app_org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', 'copy'").await;
    let teams = "JOIN app_team AS t ON t.org_id = r.org_id AND r.owner = 'team:' || t.id AND r.actions -> 0 ->> 'targetIdentifier' = t.id::text";
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM app_rule AS r {teams} WHERE r.org_id = {clone}"
        ))
        .await,
        6
    );
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM app_rule AS r JOIN app_user AS u ON r.owner = 'user:' || u.id AND r.actions -> 0 ->> 'targetIdentifier' = u.id::text WHERE r.org_id = {clone}"))
            .await,
        8
    );
}

#[tokio::test]
async fn values_of_fields_and_settings_are_keys_by_the_field() {
    let db = discovered(
        "CREATE TABLE projects (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL);
         CREATE TABLE custom_fields (id int PRIMARY KEY, name text);
         CREATE TABLE versions (id int GENERATED BY DEFAULT AS IDENTITY (START 501) PRIMARY KEY, project_id int NOT NULL REFERENCES projects);
         CREATE TABLE issues (id int GENERATED BY DEFAULT AS IDENTITY (START 2001) PRIMARY KEY, project_id int NOT NULL REFERENCES projects);
         CREATE TABLE custom_values (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, issue_id int NOT NULL REFERENCES issues, custom_field_id int NOT NULL, value text);
         CREATE TABLE options (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, project_id int NOT NULL REFERENCES projects, option_name text NOT NULL, option_value text);
         INSERT INTO projects (name) VALUES ('A'), ('B'), ('C'); INSERT INTO custom_fields VALUES (1, 'Customer'), (2, 'Target'), (3, 'Size');
         INSERT INTO versions (project_id) SELECT 1 + i * 7 % 3 FROM generate_series(1, 15) AS i;
         INSERT INTO issues (project_id) SELECT 1 + i % 3 FROM generate_series(1, 36) AS i;
         INSERT INTO custom_values (issue_id, custom_field_id, value) SELECT i.id, f, CASE f WHEN 1 THEN 'ACME ' || i.id % 7
             WHEN 2 THEN (SELECT v.id FROM versions AS v WHERE v.project_id = i.project_id ORDER BY (v.id * 7 + i.id) % 11 LIMIT 1)::text ELSE (i.id % 7)::text END FROM issues AS i, generate_series(1, 3) AS f;
         INSERT INTO options (project_id, option_name, option_value) SELECT p.id, n, CASE n WHEN 'title' THEN 'P' WHEN 'per_page' THEN '10' ELSE (SELECT min(i.id) FROM issues AS i WHERE i.project_id = p.id)::text END
             FROM projects AS p, unnest('{title,per_page,shown_first}'::text[]) AS n",
        "projects",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', 'copy'").await;
    for (found, rows) in [
        (
            "custom_values AS c JOIN issues AS i ON i.id = c.issue_id JOIN versions AS v ON v.id::text = c.value AND v.project_id = i.project_id WHERE c.custom_field_id = 2 AND i.project_id = $clone",
            12,
        ),
        (
            "custom_values AS c JOIN issues AS i ON i.id = c.issue_id WHERE c.custom_field_id = 3 AND c.value::int < 7 AND i.project_id = $clone",
            12,
        ),
        (
            "options AS o JOIN issues AS i ON i.id::text = o.option_value AND i.project_id = o.project_id WHERE o.option_name = 'shown_first' AND o.project_id = $clone",
            1,
        ),
    ] {
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM {}",
                found.replace("$clone", &clone)
            ))
            .await,
            rows,
            "{found}"
        );
    }
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn lists_in_settings_are_keys_also_beside_settings_that_are_declared() {
    let db = discovered(
        "CREATE TABLE sites (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO sites (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE pages (id int GENERATED BY DEFAULT AS IDENTITY (START 3001) PRIMARY KEY, site_id int NOT NULL REFERENCES sites); INSERT INTO pages (site_id) SELECT 1 + i * 7 % 3 FROM generate_series(1, 60) i;
         CREATE TABLE options (site_id int NOT NULL REFERENCES sites, name text NOT NULL, value text, PRIMARY KEY (site_id, name));
         INSERT INTO options SELECT s.id, n, CASE n WHEN 'title' THEN 'S' WHEN 'size' THEN '12|20' WHEN 'front' THEN min(p.id)::text ELSE '|' || min(p.id) || '|' || max(p.id) || '|' END
             FROM sites s JOIN pages p ON p.site_id = s.id, unnest('{title,size,front,sticky}'::text[]) n GROUP BY 1, 2",
        "sites",
    )
    .await;
    let questions = "SELECT question FROM clone.store_check('s')";
    assert_eq!(
        db.list(questions).await,
        [
            "public.options.value holds keys in rows with certain values of name: of public.pages (front), public.pages (sticky)"
        ]
    );
    answer_all(&db, "answer").await;
    // Of a plugin that came later.
    db.run("INSERT INTO options SELECT s.id, n, CASE n WHEN 'home' THEN max(p.id)::text ELSE max(p.id) || ',' || min(p.id) END FROM sites s JOIN pages p ON p.site_id = s.id, unnest('{home,menu}'::text[]) n GROUP BY 1, 2")
        .await;
    assert_eq!(
        db.list("SELECT subject || ': ' || question FROM clone.store_check('s')")
            .await,
        [
            "public.options.value: public.options.value holds keys in rows with certain values of name: of public.pages (home), public.pages (menu)"
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', 'copy'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.list(&format!(
            "SELECT o.name || ' ' || replace(replace(o.value, min(p.id)::text, 'first'), max(p.id)::text, 'last') FROM options o JOIN pages p ON p.site_id = o.site_id WHERE o.site_id = {clone} GROUP BY o.name, o.value ORDER BY 1"
        ))
        .await,
        ["front first", "home last", "menu last,first", "size 12|20", "sticky |first|last|", "title S"]
    );
}

#[tokio::test]
async fn the_other_answer_keeps_settings_beside_declared_ones() {
    let db = discovered(
        "CREATE TABLE sites (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO sites (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE pages (id int GENERATED BY DEFAULT AS IDENTITY (START 3001) PRIMARY KEY, site_id int NOT NULL REFERENCES sites); INSERT INTO pages (site_id) SELECT 1 + i * 7 % 3 FROM generate_series(1, 60) i;
         CREATE TABLE options (site_id int NOT NULL REFERENCES sites, name text NOT NULL, value text, PRIMARY KEY (site_id, name));
         INSERT INTO options SELECT s.id, 'front', min(p.id)::text FROM sites s JOIN pages p ON p.site_id = s.id GROUP BY 1",
        "sites",
    )
    .await;
    db.run("SELECT clone.store_reference('s', 'options', 'value', 'pages', condition => 'name = ''front''')")
        .await;
    db.run("INSERT INTO options SELECT s.id, 'home', max(p.id)::text FROM sites s JOIN pages p ON p.site_id = s.id GROUP BY 1").await;
    assert_eq!(open(&db).await, ["error public.options.value"]);
    answer_all(&db, "otherwise").await;
    assert_eq!(
        db.number("SELECT count(*) FROM clone.store_reference WHERE relation = 'options'::regclass")
            .await,
        1
    );
}
