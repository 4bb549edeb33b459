//! Questions: discovery asks what it cannot know, and every printed answer can be executed unchanged.

use super::{answer_all, discovered, open};
use crate::{assert_verified, described};
use pg_clone_tests::scratch_database::Scratch;

/// Two shops: numbers as keys, named in documents in every way.
const SHOP: &str = r#"CREATE TABLE shops (id bigserial PRIMARY KEY, name text);
    CREATE TABLE products (id bigserial PRIMARY KEY, shop_id bigint NOT NULL REFERENCES shops, label text);
    CREATE TABLE crm_contacts (id bigserial PRIMARY KEY, shop_id bigint NOT NULL REFERENCES shops, label text);
    CREATE TABLE carts (id bigserial PRIMARY KEY, shop_id bigint NOT NULL REFERENCES shops, data jsonb, raw json, body text);
    INSERT INTO shops (name) VALUES ('Other'), ('Ours');
    INSERT INTO products (id, shop_id, label) SELECT 100 * s + n, s, 'p' || s || n FROM generate_series(1, 2) s, generate_series(1, 3) n;
    INSERT INTO crm_contacts (id, shop_id, label) SELECT 1000 * s + n, s, 'c' || s || n FROM generate_series(1, 2) s, generate_series(1, 3) n;
    SELECT setval('products_id_seq', 500), setval('crm_contacts_id_seq', 5000);"#;

#[tokio::test]
async fn members_of_documents_that_name_a_table_are_declared_or_asked_about() {
    // The member, its place, and whether the name says it beyond doubt.
    for (column, document, path, sure) in [
        ("data", r#"{"product_id": 201}"#, "$..['product_id']", true),
        (
            "data",
            r#"{"a": [{"productId": 201}, {"productId": 202}]}"#,
            "$..['productId']",
            true,
        ),
        (
            "data",
            r#"{"productIds": [201, 202]}"#,
            "$..['productIds'][*]",
            true,
        ),
        (
            "data",
            r#"{"default_product_id": 201}"#,
            "$..['default_product_id']",
            true,
        ),
        (
            "raw",
            r#"{"contact": {"id": 2001, "n": 1}}"#,
            "$..['contact']['id']",
            true,
        ),
        (
            "data",
            r#"{"contacts": [{"id": 2001}, {"id": "2002"}]}"#,
            "$..['contacts'][*]['id']",
            true,
        ),
        ("body", r#"{"product_id": 201}"#, "$..['product_id']", true),
        (
            "data",
            r#"{"refs": [{"type": "contact", "id": 2001}, {"type": "product", "id": 201}]}"#,
            "$..[?@.type == 'contact' || @.kind == 'contact']['id']",
            true,
        ),
        (
            "data",
            r#"{"n": 1, "product_ids": {"201": 3, "203": 1}}"#,
            "$..['product_ids'][*]~",
            true,
        ),
        (
            "body",
            r#"{"product_ids": "201, 202"}"#,
            "$..['product_ids']",
            false,
        ),
        (
            "data",
            r#"[{"product": 201}, {"product": 203}]"#,
            "$..['product']",
            false,
        ),
        ("data", r#"{"products": [201, 202]}"#, "$..['products'][*]", false),
        (
            "raw",
            r#"{"default_product":   201}"#,
            "$..['default_product']",
            false,
        ),
    ] {
        let db = discovered(
            &format!("{SHOP} INSERT INTO carts (shop_id, {column}) VALUES (2, '{document}')"),
            "shops",
        )
        .await;
        if sure {
            let reference = format!(
                "SELECT concat_ws(' ', path, reason LIKE '%looked at%') FROM clone.store_reference WHERE relation = 'carts'::regclass AND path = $p${path}$p$"
            );
            assert_eq!(db.list(&reference).await, [format!("{path} t")], "{document}");
        } else {
            assert_eq!(open(&db).await, [format!("error public.carts.{column} {path}")]);
            let failure = db.fails("SELECT project_clone('2', 'Copy')").await;
            assert_eq!(failure.code, "55000");
            assert!(
                failure.hint.contains("clone.store_reference(")
                    && failure.hint.contains("clone.store_no_reference("),
                "{failure:?}"
            );
            answer_all(&db, "answer").await;
        }
        let clone = db.clone_project("'2', 'Copy'").await;
        assert_verified(&db, &clone).await;
        // No number of the source's products and contacts is left.
        let left = db
            .number(&format!(
                "SELECT count(*) FROM carts WHERE shop_id = {clone} AND concat({column}) ~ '\\m20(0)?[123]\\M'"
            ))
            .await;
        assert_eq!(left, 0, "{document}");
    }
}

#[tokio::test]
async fn what_is_no_reference_is_said_once_and_stays() {
    let db = discovered(
        &format!(r#"{SHOP} INSERT INTO carts (shop_id, data) VALUES (2, '{{"product": 201, "order": 1}}')"#),
        "shops",
    )
    .await;
    answer_all(&db, "otherwise").await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_eq!(
        db.text(&format!("SELECT data FROM carts WHERE shop_id = {clone}"))
            .await,
        r#"{"order": 1, "product": 201}"#
    );
    let export = db.text("SELECT clone.store_export('s')").await;
    db.run(&format!(
        "SELECT clone.store_drop('s', force => true); SELECT clone.store_import($d${export}$d$)"
    ))
    .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
    for (call, code) in [
        ("'s', 'carts', 'data', 'product'", "22023"),
        ("'s', 'carts', 'nothing'", "22023"),
        ("'s', 'pg_class', 'relname'", "22023"),
        ("'none', 'carts', 'data'", "22023"),
    ] {
        assert_eq!(
            db.fails(&format!("SELECT clone.store_no_reference({call})"))
                .await
                .code,
            code,
            "{call}"
        );
    }
    // A member that names a table whose keys are other numbers is a sort order or a count.
    let db = discovered(
        &format!(
            r#"{SHOP} INSERT INTO carts (shop_id, data) VALUES (2, '{{"product": 7, "products": [1, 2]}}')"#
        ),
        "shops",
    )
    .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
}

/// Two workspaces with keys that a generator made.
const WORKSPACES: &str = r#"CREATE EXTENSION hstore;
    CREATE TABLE workspaces (id text PRIMARY KEY, name text);
    CREATE TABLE users (id text PRIMARY KEY, workspace_id text NOT NULL REFERENCES workspaces, label text);
    CREATE TABLE pages (id varchar(40) PRIMARY KEY, workspace_id text NOT NULL REFERENCES workspaces, settings jsonb, raw json, body text, tags text[], attributes hstore, doc xml);
    CREATE TABLE attributes (id bigserial PRIMARY KEY, page_id varchar(40) REFERENCES pages, key text, value text);
    INSERT INTO workspaces SELECT 'ws_' || md5('w' || n), 'W' || n FROM generate_series(1, 2) n;
    INSERT INTO users SELECT 'usr_' || md5('u' || w || n), 'ws_' || md5('w' || w), 'U' || w || n FROM generate_series(1, 2) w, generate_series(1, 2) n;
    INSERT INTO pages (id, workspace_id) SELECT 'pg_' || md5('p' || w || n), 'ws_' || md5('w' || w) FROM generate_series(1, 2) w, generate_series(1, 2) n;
    INSERT INTO attributes (page_id, key, value) SELECT id, 'color', 'red' FROM pages;"#;

#[tokio::test]
async fn text_keys_are_found_by_their_values() {
    // Where, the value with {u} and {p} for keys of a user and a page, and whether it is declared at once.
    for (column, value, sure) in [
        ("settings", r#"{"lead": "{u}"}"#, true),
        ("settings", r#"{"lead": {"to": ["{u}"]}, "n": "x"}"#, true),
        ("raw", r#"{"lead":   "{u}"}"#, true),
        ("body", "{u}", true),
        ("tags", "{{u}}", true),
        ("body", r#"{"lead": "{u}"}"#, true),
        (
            "settings",
            r#"{"votes": {"{u}": {"page": "{p}"}}, "{p}": true}"#,
            true,
        ),
        ("settings", r#"{"links": ["/p/{p}/edit", "/p/x"]}"#, false),
        (
            "settings",
            r#"{"link": "https://x.example/u/{u}?page={p}#top"}"#,
            false,
        ),
        ("body", "/users/{u}/pages/{p}", false),
        ("attributes", "k=>{p},x=>y", false),
        ("tags", "{u:{u},y}", false),
        ("doc", "<a href=\"/p/{p}\">{u}</a>", false),
    ] {
        let db = Scratch::with_extension().await;
        db.run(WORKSPACES).await;
        let user = db.text("SELECT 'usr_' || md5('u21')").await;
        let page = db.text("SELECT 'pg_' || md5('p22')").await;
        let value = value.replace("{u}", &user).replace("{p}", &page);
        db.run(&format!(
            "UPDATE pages SET {column} = '{value}' WHERE id = 'pg_' || md5('p21'); SELECT clone.store_create('s', 'discover', '{{\"tenant\": \"workspaces\"}}')"
        ))
        .await;
        let questions = open(&db).await;
        assert_eq!(questions.is_empty(), sure, "{value}: {questions:?}");
        if !sure {
            assert!(
                questions[0].starts_with(&format!("error public.pages.{column}")),
                "{questions:?}"
            );
            answer_all(&db, "answer").await;
        }
        let source = db.text("SELECT 'ws_' || md5('w2')").await;
        let clone = db
            .clone_project(&format!("'{source}', 'Copy', options => '{{\"verify\": true}}'"))
            .await;
        // The same text with the clone's keys.
        let found = db
            .text(&format!(
                "SELECT replace(replace(p.{column}::text, u.id, '{user}'), q.id, '{page}') FROM pages p, pages q, users u WHERE p.workspace_id = '{clone}' AND p.{column} IS NOT NULL \
                 AND q.workspace_id = p.workspace_id AND q.id <> p.id AND u.workspace_id = p.workspace_id AND u.label = 'U21'"
            ))
            .await;
        let before = db
            .text(&format!(
                "SELECT {column}::text FROM pages WHERE id = 'pg_' || md5('p21')"
            ))
            .await;
        assert_eq!(found, before);
    }
}

#[tokio::test]
async fn a_value_column_is_declared_if_all_keys_in_it_are_of_one_table_and_asked_about_else() {
    for (extra, expected) in [
        ("", Vec::new()),
        (
            "INSERT INTO attributes (key, value) VALUES ('owner', 'usr_' || md5('u21'))",
            vec!["error public.attributes.value".to_owned()],
        ),
        (
            "INSERT INTO attributes (key, value) VALUES ('sha', 'x1' || md5('something else'))",
            vec!["error public.attributes.value".to_owned()],
        ),
    ] {
        let db = discovered(
            &format!("{WORKSPACES} INSERT INTO attributes (page_id, key, value) SELECT 'pg_' || md5('p21'), 'copyOf', 'pg_' || md5('p22'); {extra}"),
            "workspaces",
        )
        .await;
        assert_eq!(open(&db).await, expected);
        answer_all(&db, "answer").await;
        let source = db.text("SELECT 'ws_' || md5('w2')").await;
        let clone = db.clone_project(&format!("'{source}', 'Copy'")).await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM attributes a JOIN pages p ON p.id = a.page_id JOIN pages q ON q.id = a.value WHERE a.key = 'copyOf' AND p.workspace_id = '{clone}' AND q.workspace_id = '{clone}'")).await,
            1
        );
    }
}

#[tokio::test]
async fn columns_that_are_named_like_keys_of_no_table_are_asked_about_by_their_values() {
    const TABLES: &str = "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
        CREATE TABLE docs (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, template_id bigint, \"rootId\" int, origin_ids bigint[], external_id bigint, display_id int, mirror_id text, UNIQUE (account_id, display_id));
        CREATE TABLE files (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, stored_id bigint);
        INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
        INSERT INTO docs (id, account_id, display_id) SELECT 10 * a + n, a, n FROM generate_series(1, 2) a, generate_series(1, 3) n;
        INSERT INTO files (id, account_id) VALUES (701, 2), (702, 2); SELECT setval('docs_id_seq', 500), setval('files_id_seq', 900);
        UPDATE docs SET template_id = 21, \"rootId\" = 22, origin_ids = '{21,23}', external_id = 99 WHERE id > 21; UPDATE files SET stored_id = 23;";
    let db = discovered(TABLES, "accounts").await;
    assert_eq!(
        open(&db).await,
        ["error public.docs.id $columns", "warning public.docs.mirror_id"]
    );
    assert_eq!(
        db.text("SELECT question FROM clone.store_check('s') WHERE severity = 'error'")
            .await,
        "4 columns look like references to public.docs, as all values that were looked at are keys there: public.docs.origin_ids, public.docs.\"rootId\", public.docs.template_id, public.files.stored_id"
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM docs d JOIN docs t ON t.id = d.template_id JOIN docs r ON r.id = d.\"rootId\" JOIN docs o ON o.id = d.origin_ids[2] JOIN files f ON f.stored_id = o.id \
            WHERE concat(d.account_id, t.account_id, r.account_id, o.account_id, f.account_id) = repeat('{clone}', 5) AND t.display_id = 1 AND r.display_id = 2")).await,
        4
    );
    // Described by hand, nothing stops what went before.
    let db = described(
        TABLES,
        "SELECT clone.store_table('s', 'accounts', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'account_id') FROM unnest('{docs,files}'::text[]) t",
    )
    .await;
    assert_eq!(
        db.number("SELECT count(*) FROM clone.store_check('s') WHERE severity = 'warning'")
            .await,
        5
    );
    db.clone_project("'2', 'Copy'").await;
}

#[tokio::test]
async fn one_question_about_keys_in_many_texts_leaves_members_that_are_keys_declared() {
    let db = discovered(
        "CREATE TABLE org (id text PRIMARY KEY, name text); INSERT INTO org SELECT 'cm' || substr(md5('o' || i), 1, 23), 'Org ' || i FROM generate_series(1, 2) i;
         CREATE TABLE envelope (id text PRIMARY KEY, org_id text NOT NULL REFERENCES org, n int); INSERT INTO envelope SELECT 'cm' || substr(md5('e' || i), 1, 20) || 'x9k', (SELECT id FROM org ORDER BY id OFFSET i % 2 LIMIT 1), i FROM generate_series(1, 40) i;
         CREATE TABLE integration (org_id text PRIMARY KEY REFERENCES org, url text); INSERT INTO integration SELECT id, 'x' FROM org;
         CREATE TABLE call (id serial PRIMARY KEY, org_id text NOT NULL REFERENCES org, body jsonb, a jsonb, b jsonb, c jsonb, d jsonb);
         INSERT INTO call (org_id, body, a, b, c, d) SELECT e.org_id, jsonb_build_object('envelopeId', e.id, 'orgId', e.org_id), u.x, u.x, u.x, u.x FROM envelope e CROSS JOIN LATERAL (SELECT jsonb_build_object('url', 'https://x.org/envelope/' || e.id || '/edit') AS x) u",
        "org",
    )
    .await;
    assert_eq!(
        db.list("SELECT format('%s %s', path, target) FROM clone.store_reference WHERE relation = 'call'::regclass ORDER BY 1")
            .await,
        ["$..['envelopeId'] envelope", "$..['orgId'] org"]
    );
    assert_eq!(
        db.list("SELECT answer FROM clone.store_check('s')").await,
        ["SELECT clone.store_alter('s', '{\"text_keys\": \"everywhere\"}');"]
    );
    answer_all(&db, "answer").await;
    let source = db.text("SELECT min(id) FROM org").await;
    let clone = db
        .clone_project(&format!("'{source}', options => '{{\"verify\": true}}'"))
        .await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM call c JOIN envelope e ON e.id = c.body->>'envelopeId' AND c.body->>'orgId' = c.org_id AND strpos(c.d->>'url', e.id) > 0 AND e.org_id = c.org_id WHERE c.org_id = '{clone}'"))
            .await,
        20
    );
}

#[tokio::test]
async fn keys_that_are_rewritten_everywhere_are_no_questions_place_by_place() {
    let db = discovered(
        "CREATE TABLE org (id text PRIMARY KEY, name text); INSERT INTO org SELECT 'cm' || substr(md5('o' || i), 1, 23), 'Org ' || i FROM generate_series(1, 2) i;
         CREATE TABLE note (id text PRIMARY KEY, org_id text NOT NULL REFERENCES org); INSERT INTO note SELECT 'cm' || substr(md5('n' || i), 1, 20) || 'a7b', (SELECT id FROM org ORDER BY id OFFSET i % 2 LIMIT 1) FROM generate_series(1, 40) i;
         CREATE TABLE task (id text PRIMARY KEY, org_id text NOT NULL REFERENCES org, a jsonb, b jsonb, c jsonb, d jsonb, single jsonb);
         INSERT INTO task SELECT 'cm' || substr(md5('t' || i), 1, 20) || 'x9k', n.org_id, v.x, v.x, v.x, v.x, jsonb_build_object('about', jsonb_build_object('key', n.id))
         FROM (SELECT n.*, row_number() OVER (ORDER BY id) AS i FROM note n) n
         CROSS JOIN LATERAL (SELECT jsonb_build_object('members', jsonb_build_array(CASE WHEN n.i % 3 = 0 THEN 'cm' || substr(md5('t' || n.i), 1, 20) || 'x9k' ELSE n.id END), 'about', jsonb_build_object('key', CASE WHEN n.i % 3 = 1 THEN 'cm' || substr(md5('t' || n.i), 1, 20) || 'x9k' ELSE n.id END)) AS x) v",
        "org",
    )
    .await;
    assert_eq!(
        db.list("SELECT path FROM clone.store_question WHERE severity = 'error' AND (path = '$text_keys' OR path ~ 'members|about') AND \"column\" <> 'single'")
            .await,
        ["$text_keys"]
    );
    db.run("SELECT clone.store_alter('s', '{\"text_keys\": \"everywhere\"}')")
        .await;
    assert_eq!(
        db.list("SELECT subject FROM clone.store_check('s')").await,
        [""; 0]
    );
    let source = db.text("SELECT min(id) FROM org").await;
    let clone = db
        .clone_project(&format!("'{source}', options => '{{\"verify\": true}}'"))
        .await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM task t WHERE t.org_id = '{clone}'
             AND t.a->'members'->>0 IN (SELECT id FROM note WHERE org_id = '{clone}' UNION SELECT t.id) AND t.d->'about'->>'key' IN (SELECT id FROM note WHERE org_id = '{clone}' UNION SELECT t.id)
             AND t.single->'about'->>'key' IN (SELECT id FROM note WHERE org_id = '{clone}')"
        ))
        .await,
        20
    );
    // Declared references alone: each place is one.
    db.run("SELECT clone.store_alter('s', '{\"text_keys\": \"declared\"}')")
        .await;
    assert_eq!(
        db.list("SELECT DISTINCT format('%s %s', \"column\", path) FROM clone.store_reference WHERE path <> '' AND \"column\" <> 'single' ORDER BY 1").await,
        ["a", "b", "c", "d"].map(|c| ["about", "members"].map(|m| format!("{c} {}", if m == "about" { "$..['about']['key']" } else { "$..['members'][*]" }))).concat()
    );
}

#[tokio::test]
async fn no_secret_becomes_null_where_a_check_constraint_may_forbid_it() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE hook (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, auth text NOT NULL, basic_password bytea, hmac_key text, pin_password text, invite_token uuid,
             CHECK (auth <> 'BASIC' OR basic_password IS NOT NULL AND pin_password IS NOT NULL));
         INSERT INTO hook (org_id, auth, basic_password, hmac_key, pin_password, invite_token) SELECT 1 + n % 2, 'BASIC', '\\x736563726574', 'abc123', 'p' || n, 'a0000000-0000-4000-8000-000000000001' FROM generate_series(1, 6) n",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM hook WHERE org_id = {clone} AND length(basic_password) = 6 AND basic_password <> '\\x736563726574' AND hmac_key <> 'abc123' AND pin_password ~ '^[a-z][0-9]$' AND invite_token <> 'a0000000-0000-4000-8000-000000000001'"))
            .await,
        3
    );
}

#[tokio::test]
async fn more_than_three_questions_of_one_kind_are_one() {
    let db = discovered(
        r#"CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
           CREATE TABLE page (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, crm_id text, erp_id text, lms_id text, sso_id text, a jsonb, b jsonb, c jsonb, d jsonb, e jsonb);
           INSERT INTO page SELECT 4710 + n, 1 + n % 2, NULL, NULL, NULL, NULL, o, o, o, o, o FROM (SELECT n, jsonb_build_object('text', 'see page/' || 4711 + (n + 1) % 30 || ' please') AS o FROM generate_series(1, 30) n) p;
           SELECT setval('page_id_seq', 4800)"#,
        "team",
    )
    .await;
    let asked = db
        .list("SELECT concat_ws(' ', severity, subject, question, answer) FROM clone.store_check('s') WHERE severity <> 'note' ORDER BY 1")
        .await;
    assert_eq!(asked.len(), 2, "{asked:#?}");
    assert!(
        asked[0].starts_with("error public.page.a $..[?@] ")
            && asked[0].contains("The same is asked about 4 others")
            && asked[0].matches("clone.store_reference(").count() == 5,
        "{asked:#?}"
    );
    assert!(
        asked[1].starts_with("warning public.page.crm_id ")
            && asked[1].contains("3 others")
            && asked[1].contains("public.page.erp_id, public.page.lms_id, public.page.sso_id")
            && asked[1].matches("'keep');").count() == 4,
        "{asked:#?}"
    );
    answer_all(&db, "answer").await;
    assert!(open(&db).await.is_empty());
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM page p, LATERAL (VALUES (a), (b), (c), (d), (e)) v (o) JOIN page q ON v.o->>'text' = 'see page/' || q.id || ' please' WHERE p.team_id = {clone} AND q.team_id = p.team_id"
        ))
        .await,
        75
    );
}

#[tokio::test]
async fn a_clone_may_follow_the_calls_of_its_hints() {
    // Questions about several columns, about members of documents, and about texts with the name of a table.
    let db = discovered(
        r#"CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'), ('C');
           CREATE TABLE post (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO post SELECT 4700 + n, 1 + n % 3 FROM generate_series(1, 60) n; SELECT setval('post_id_seq', 9999);
           CREATE TABLE score (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, a int, b int, c int, d int); INSERT INTO score (org_id, a, b, c, d) SELECT org_id, id, id, id, id FROM post;
           CREATE TABLE event (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, e jsonb, f jsonb, g jsonb, h jsonb, subject_type text, row jsonb);
           INSERT INTO event (org_id, e, f, g, h, subject_type, row) SELECT org_id, o, o, o, o, 'Post', jsonb_build_object('after', jsonb_build_object('id', id)) FROM post,
               LATERAL (SELECT jsonb_build_object('zz', id, 'text', 'see post/' || id || ' please') AS o) x"#,
        "org",
    )
    .await;
    let mut hints = 0;
    let clone = loop {
        let asked = db
            .list("SELECT question FROM clone_internal.store_questions('s') WHERE severity = 'error'")
            .await;
        if asked.is_empty() {
            break db.clone_project("'1', options => '{\"verify\": true}'").await;
        }
        let hint = db.fails("SELECT project_clone('1')").await.hint;
        let calls = hint
            .strip_prefix("Answer it: ")
            .and_then(|hint| hint.split(" If it is not so: ").next())
            .unwrap();
        db.run(calls).await;
        hints += 1;
        assert!(hints < 20, "{asked:#?}");
    };
    assert!(hints > 3);
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM event v JOIN post p ON p.id::text = v.e->>'zz' AND p.org_id = v.org_id JOIN score s ON s.a = p.id AND s.b = p.id AND s.c = p.id AND s.d = p.id AND s.org_id = v.org_id
            WHERE v.org_id = {clone} AND p.id::text = ALL (ARRAY[f->>'zz', g->>'zz', h->>'zz', v.row #>> '{{after,id}}']) AND h->>'text' = 'see post/' || p.id || ' please'")).await,
        20
    );
}
