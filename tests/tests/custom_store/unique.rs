//! Values that must be unique across projects: errors before rows are written, and roles that give new values.

use super::{assert_verified, described};
use crate::description::{answer_all, discovered};
use pg_clone_tests::scratch_database::Scratch;

const ORG: &str = "a0000000-0000-4000-8000-000000000007";
const KIOSK: &str = "CREATE TABLE org (id uuid PRIMARY KEY, name text NOT NULL UNIQUE, slug varchar(12) NOT NULL UNIQUE);
    CREATE TABLE device (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, token uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), label text);
    CREATE TABLE invoice (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, number bigserial UNIQUE, key text UNIQUE, email text);
    CREATE UNIQUE INDEX invoice_email ON invoice (lower(email)) WHERE email <> '';
    INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000007', 'Kiosk', 'kiosk-street');
    INSERT INTO device (org_id, label) SELECT id, 'till' FROM org; INSERT INTO invoice (org_id, key, email) SELECT id, 'sk_Ab12Cd34', 'Ada@x.example' FROM org";
const STORE: &str = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{device,invoice}'::text[]) t";

#[tokio::test]
async fn each_unique_value_that_would_meet_the_sources_is_refused_with_the_call_that_helps() {
    let db = described(KIOSK, STORE).await;
    for (given, column, answer) in [
        ("", "name", "SELECT 1"),
        (
            ", 'Copy'",
            "slug",
            "SELECT clone.store_column('s', 'org', 'slug', 'suffix')",
        ),
        (
            ", 'Copy'",
            "number",
            "SELECT clone.store_column('s', 'invoice', 'number', 'default')",
        ),
        (
            ", 'Copy'",
            "key",
            "SELECT clone.store_column('s', 'invoice', 'key', 'random')",
        ),
        (
            ", 'Copy'",
            "email",
            "SELECT clone.store_column('s', 'invoice', 'email', 'template', value => '{n}.{value}')",
        ),
    ] {
        for call in ["project_clone", "project_clone_plan"] {
            let failure = db.fails(&format!("SELECT * FROM {call}('{ORG}'{given})")).await;
            assert_eq!(failure.code, "55000", "{failure:?}");
            assert!(
                failure.message.contains(&format!("(\"{column}\")")) && !failure.hint.is_empty(),
                "{column}: {failure:?}"
            );
        }
        db.run(answer).await;
    }
    // More than once, for a value that is fresh each time never collides.
    for name in ["Copy", "Copy 2"] {
        let clone = db.clone_project(&format!("'{ORG}', '{name}'")).await;
        assert_verified(&db, &clone).await;
    }
    assert_eq!(db.number("SELECT count(DISTINCT token) FROM device").await, 3);
    assert_eq!(
        db.number(
            "SELECT count(*) FROM invoice WHERE key ~ '^[a-z]{2}_[A-Z][a-z][0-9]{2}[A-Z][a-z][0-9]{2}$'"
        )
        .await,
        3
    );
    assert_eq!(
        db.number("SELECT count(*) FROM invoice WHERE email ~ '^[0-9]+\\.Ada@x\\.example$'")
            .await,
        2
    );
    assert_eq!(
        db.number("SELECT count(*) FROM org WHERE length(slug) <= 12 AND slug LIKE 'kiosk-%'")
            .await,
        3
    );
}

#[tokio::test]
async fn values_for_one_call_and_expressions_over_the_row() {
    let db = described(KIOSK, STORE).await;
    db.run(
        "SELECT clone.store_column('s', 'invoice', 'number', 'default'); SELECT clone.store_column('s', 'invoice', 'key', 'null');
         SELECT clone.store_column('s', 'invoice', 'email', 'expression', value => 'pg_catalog.md5(email) || ''@test.example''')",
    )
    .await;
    let clone = db
        .clone_project(&format!("'{ORG}', 'Copy', options => '{{\"values\": {{\"org.slug\": \"staging\", \"device.label\": \"x\"}}, \"verify\": true}}'"))
        .await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', o.slug, d.label, i.key, i.email = md5('Ada@x.example') || '@test.example') FROM org o JOIN device d ON d.org_id = o.id JOIN invoice i ON i.org_id = o.id WHERE o.id = '{clone}'")).await,
        ["staging|x|t"]
    );
    let failure = db
        .fails(&format!(
            "SELECT project_clone('{ORG}', 'C', options => '{{\"values\": {{\"org.slag\": \"x\"}}}}')"
        ))
        .await;
    assert!(
        failure.code == "22023" && failure.message.contains("org.slag"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_name_or_an_owner_that_nothing_takes_is_refused() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, title text); INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000007', 'X')",
        "SELECT clone.store_table('s', 'org', 'project')",
    )
    .await;
    for argument in ["name => 'Staging'", "owner => 'User/1'"] {
        let failure = db
            .fails(&format!("SELECT project_clone('{ORG}', {argument})"))
            .await;
        assert!(
            failure.code == "22023" && failure.hint.contains("clone.store_column('s', 'public.org'"),
            "{failure:?}"
        );
    }
    db.run("SELECT clone.store_column('s', 'org', 'title', 'name')")
        .await;
    let clone = db.clone_project(&format!("'{ORG}', 'Staging'")).await;
    assert_eq!(
        db.text(&format!("SELECT title FROM org WHERE id = '{clone}'"))
            .await,
        "Staging"
    );
}

/// Whether a clone of project 1 is refused before anything is written, with the constraint's name; else it is right.
async fn is_foreseen(constraint: &str, row: &str, described_by: &str) -> bool {
    let db = described(
        &format!(
            "CREATE EXTENSION btree_gist; CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
             CREATE TABLE tag (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int REFERENCES org, name text);
             CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, tag_id int REFERENCES tag, n int, t text, during daterange, many datemultirange, gone boolean NOT NULL);
             INSERT INTO org (name) VALUES ('Ours'); INSERT INTO tag (org_id, name) VALUES (1, 'own'), (NULL, 'shared');
             {constraint}; INSERT INTO item (org_id, tag_id, n, t, during, many, gone) VALUES {row}"
        ),
        &format!(
            "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{{tag,item}}'::text[]) t; {described_by}"
        ),
    )
    .await;
    match db.attempt("SELECT * FROM project_clone_plan('1')").await {
        Ok(()) => {
            let clone = db.clone_project("'1'").await;
            assert_verified(&db, &clone).await;
            false
        }
        Err(failure) => {
            assert_eq!(failure.code, "55000", "{failure:?}");
            assert!(
                failure.message.contains("item_once") && !failure.hint.is_empty(),
                "{failure:?}"
            );
            true
        }
    }
}

const ROW: &str = "(1, 1, 1, 'x', '[2026-01-01,2026-02-01)', '{[2026-01-01,2026-02-01)}', false)";

#[tokio::test]
async fn whether_rows_meet_their_sources_is_seen_by_the_operators_of_an_exclusion_constraint() {
    for (constraint, row, expected) in [
        // Over all tenants, and with a column that changes.
        ("(n WITH =, during WITH &&)", ROW, true),
        ("(n WITH =, many WITH &&)", ROW, true),
        ("((n + 1) WITH =, during WITH &&)", ROW, true),
        ("(org_id WITH =, during WITH &&)", ROW, false),
        ("(tag_id WITH =, during WITH &&)", ROW, false),
        (
            "(tag_id WITH =, during WITH &&)",
            &ROW.replace("1, 1, 1,", "1, 2, 1,"),
            true,
        ),
        // What is empty or outside of the condition meets nothing.
        (
            "(n WITH =, during WITH &&)",
            "(1, 1, 1, 'x', 'empty', NULL, false)",
            false,
        ),
        (
            "(n WITH =, during WITH &&) WHERE (NOT gone)",
            &ROW.replace("false", "true"),
            false,
        ),
        // All rows of one number are of one tenant: those of a clone would be of another.
        ("(n WITH =, org_id WITH <>)", ROW, true),
        ("(n WITH =, tag_id WITH <>)", ROW, true),
        ("(n WITH =, t WITH <>)", ROW, false),
    ] {
        let sql = format!("ALTER TABLE item ADD CONSTRAINT item_once EXCLUDE USING gist {constraint}");
        assert_eq!(is_foreseen(&sql, row, "").await, expected, "{constraint} {row}");
    }
}

#[tokio::test]
async fn rows_meet_their_sources_where_a_reference_stays_or_null_counts() {
    let nothing = ROW.replace("'x'", "NULL");
    for (index, row, expected) in [
        ("(tag_id, n)", ROW, false),
        // A shared row is named by the source and the clone.
        ("(tag_id, n)", &ROW.replace("1, 1, 1,", "1, 2, 1,"), true),
        ("(t) WHERE n = 1", &nothing, false),
        ("(t) NULLS NOT DISTINCT WHERE n = 1", &nothing, true),
        ("(lower(t))", &nothing, false),
        ("(lower(t))", ROW, true),
        ("(lower(t), org_id)", ROW, false),
    ] {
        let sql = format!("CREATE UNIQUE INDEX item_once ON item {index}");
        assert_eq!(is_foreseen(&sql, row, "").await, expected, "{index} {row}");
    }
    // And a row that is left out, too.
    let live = "SELECT clone.store_table('s', 'tag', 'resource', project_column => 'org_id', live => $$name <> 'own'$$)";
    let index = "CREATE UNIQUE INDEX item_once ON item (tag_id, n)";
    assert!(is_foreseen(index, ROW, live).await);
    assert!(!is_foreseen(index, &ROW.replace("1, 1, 1,", "1, NULL, 1,"), live).await);
}

#[tokio::test]
async fn what_a_polymorphic_pair_or_a_computed_column_becomes_is_no_meeting() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
         CREATE TABLE post (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org);
         CREATE TABLE slug (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, about_type text, about_id int, UNIQUE (about_type, about_id));
         CREATE TABLE part (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, post_id int NOT NULL REFERENCES post, twice int GENERATED ALWAYS AS (post_id * 2) STORED UNIQUE);
         INSERT INTO org (name) VALUES ('Ours'); INSERT INTO post (org_id) VALUES (1); INSERT INTO part (post_id) VALUES (1); INSERT INTO slug (org_id, about_type, about_id) VALUES (1, 'Post', 1)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{post,slug}'::text[]) t;
         SELECT clone.store_table('s', 'part', 'derived', parent => 'post'); SELECT clone.store_polymorphic('s', 'slug', 'about_id', 'about_type')",
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM slug s JOIN post p ON p.id = s.about_id JOIN part a ON a.twice = p.id * 2 WHERE s.org_id = {clone} AND p.org_id = {clone}"
        ))
        .await,
        1
    );
}

#[tokio::test]
async fn a_generated_column_of_a_unique_index_changes_only_with_the_columns_that_make_it() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
         CREATE TABLE item (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, code text, live boolean, upper text GENERATED ALWAYS AS (upper(code)) STORED);
         CREATE UNIQUE INDEX ON item (upper) WHERE live; INSERT INTO item (org_id, code, live) VALUES (1, 'a1', true), (1, 'a1', false), (2, 'b', true);
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')",
    )
    .await;
    assert_eq!(
        db.text("SELECT role FROM clone.store_column WHERE relation = 'item'::regclass AND name = 'code'")
            .await,
        "suffix"
    );
    assert_verified(&db, &db.clone_project("'1'").await).await;
    db.run("SELECT clone.store_column('s', 'item', 'code', 'keep')")
        .await;
    for call in ["project_clone", "project_clone_plan"] {
        let failure = db.fails(&format!("SELECT * FROM {call}('1')")).await;
        assert_eq!(failure.code, "55000", "{failure:?}");
        assert_eq!(
            failure.message,
            "the clone would have the source's values in (\"code\") of public.item, which the unique index item_upper_idx forbids"
        );
        assert!(
            failure
                .hint
                .contains("clone.store_column('s', 'public.item', 'code', 'suffix')"),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn short_random_texts_do_not_meet_those_in_use() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
         CREATE TABLE card (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, pin varchar(2) UNIQUE, code text UNIQUE);
         CREATE TABLE use (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, code text REFERENCES card (code));
         INSERT INTO card (org_id, pin, code) SELECT 1 + n / 31, lpad(n::text, 2, '0'), 'c-' || lpad(n::text, 2, '0') FROM generate_series(1, 40) n WHERE n < 31 OR n > 31;
         INSERT INTO use (org_id, code) SELECT org_id, code FROM card",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{card,use}'::text[]) t;
         SELECT clone.store_column('s', 'card', c, 'random') FROM unnest('{pin,code}'::text[]) c",
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_verified(&db, &clone).await;
    let failure = db
        .fails("SELECT project_clone('1') FROM generate_series(1, 2)")
        .await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(
        failure.message.contains("has no value left of the form of '"),
        "{failure:?}"
    );
    assert!(failure.hint.contains("'suffix'"), "{failure:?}");
}

#[tokio::test]
async fn a_clone_that_is_replaced_does_not_stand_in_the_way_of_its_values() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours');
         CREATE TABLE item (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, code int UNIQUE); INSERT INTO item (org_id, code) VALUES (1, 10), (1, 11)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id');
         SELECT clone.store_column('s', 'item', 'code', 'expression', value => 'code + 1000')",
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(db.fails("SELECT project_clone('1')").await.code, "55000");
    let options = format!("options => '{{\"replace\": \"{clone}\"}}'");
    db.run(&format!("SELECT * FROM project_clone_plan('1', {options})"))
        .await;
    assert_eq!(db.clone_project(&format!("'1', {options}")).await, clone);
    assert_eq!(
        db.list(&format!(
            "SELECT code FROM item WHERE org_id = {clone} ORDER BY code"
        ))
        .await,
        ["1010", "1011"]
    );
}

#[tokio::test]
async fn the_hint_for_a_key_without_sequence_is_a_call_that_helps() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
         CREATE TABLE part (a int, b int, org_id int NOT NULL REFERENCES org, PRIMARY KEY (a, b)); INSERT INTO part VALUES (1, 1, 1), (1, 2, 1), (2, 1, 2);
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    let call = failure
        .hint
        .split(": ")
        .nth(1)
        .and_then(|text| text.split(". For one").next());
    let call = call.unwrap_or_else(|| panic!("{failure:?}"));
    assert_eq!(
        call,
        "SELECT clone.store_column('s', 'public.part', 'b', 'expression', value => $$(SELECT pg_catalog.max(m.\"b\") FROM public.part AS m) + \"b\"$$)"
    );
    db.run(call).await;
    let clone = db.clone_project("'1'").await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn unique_texts_that_look_random_get_random_ones_that_cannot_be_guessed() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text, handle text UNIQUE); INSERT INTO org (name, handle) VALUES ('A', 'acme-2024'), ('B', 'beta-corp');
         CREATE TABLE access (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, value varchar UNIQUE NOT NULL, sid text UNIQUE, bearer text UNIQUE, code varchar(40) UNIQUE, place text UNIQUE, number text UNIQUE, path text UNIQUE, title text UNIQUE);
         INSERT INTO access (org_id, value, sid, bearer, code, place, number, path, title)
         SELECT 1 + n % 2, gen_random_uuid(), md5(n::text), 'sk_live_' || replace(encode(sha256(n::text::bytea), 'base64'), '/', 'x'), substr(md5(n || 'c'), 1, 12), 'Room ' || n, 'INV-2024-' || (1000 + n), 'docs/a' || n || '/b' || n || '.pdf', 'quarterly-report-2024-q' || n FROM generate_series(1, 40) n",
        "org",
    )
    .await;
    let roles = "SELECT string_agg(format('%s %s', name, role), ', ' ORDER BY name) FROM clone.store_column WHERE relation IN ('org'::regclass, 'access'::regclass) AND name IN ('handle', 'value', 'sid', 'bearer', 'code', 'place', 'number', 'path', 'title')";
    assert_eq!(
        db.text(roles).await,
        "bearer random, code random, handle suffix, number suffix, path suffix, place suffix, sid random, title suffix, value random"
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM access a JOIN access s ON s.org_id = 2 AND s.place || '-1' = a.place WHERE a.org_id = {clone} AND (strpos(a.value, left(s.value, 12)) > 0 OR strpos(a.sid, s.sid) > 0 OR strpos(a.code, s.code) > 0 OR strpos(a.bearer, s.bearer) > 0 OR length(a.value) <> 36)"))
            .await,
        0
    );
}

/// The questions about unique texts of a store of `tables`, and the answer to each.
async fn asked_about(tables: &str) -> (Scratch, Vec<String>) {
    let db = discovered(
        &format!("CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'); {tables}"),
        "org",
    )
    .await;
    db.run("SELECT FROM clone.store_check('s')").await;
    let asked = "SELECT concat_ws(' ', \"column\", answer) FROM clone.store_question WHERE path = '$unique' ORDER BY 1";
    let asked = db.list(asked).await;
    (db, asked)
}

#[tokio::test]
async fn digests_and_telephone_numbers_are_asked_about() {
    let (db, asked) = asked_about(
        "CREATE TABLE file (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, content_sha256 text UNIQUE NOT NULL, etag text UNIQUE, token_digest text UNIQUE, phone_number varchar(24) UNIQUE, mobile text NOT NULL UNIQUE, phone text UNIQUE);
         INSERT INTO file (org_id, content_sha256, etag, token_digest, phone_number, mobile, phone) SELECT 1 + n % 2, encode(sha256(n::text::bytea), 'hex'), md5(n::text), md5('t' || n), '+4930' || 1000000 + n, '(030) 12345-' || n, 'kitchen ' || n FROM generate_series(1, 20) n;
         CREATE TABLE message (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, body text); INSERT INTO message (org_id, body) SELECT org_id, 'Call ' || phone_number || ' now' FROM file",
    )
    .await;
    let settled = |column: &str, role: &str| {
        format!(
            "{column} SELECT clone.store_column('s', 'public.file', '{column}', '{role}'); SELECT clone.store_no_reference('s', 'public.file', '{column}', '$unique');"
        )
    };
    assert_eq!(
        asked,
        [
            settled("content_sha256", "random"),
            settled("etag", "random"),
            settled("mobile", "suffix"),
            settled("phone_number", "null"),
        ]
    );
    assert_eq!(db.fails("SELECT project_clone('2')").await.code, "55000");
    // The other way: numbers that nobody can call, also in texts.
    db.run(settled("phone_number", "suffix").trim_start_matches("phone_number "))
        .await;
    answer_all(&db, "answer").await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s') WHERE severity <> 'note'")
            .await,
        [""; 0]
    );
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM file f JOIN file s ON s.org_id = 2 AND f.phone_number = s.phone_number || '-1' AND f.mobile = s.mobile || '-1' WHERE f.org_id = {clone}")).await,
        10
    );
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM message m JOIN file f ON f.org_id = m.org_id AND strpos(m.body, f.phone_number || ' now') > 0 WHERE m.org_id = {clone}")).await,
        10
    );
}

#[tokio::test]
async fn unique_paths_stay_a_tree() {
    for separator in ["/", ".", ">"] {
        let (db, asked) = asked_about(&format!(
            "CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, path text UNIQUE NOT NULL);
             INSERT INTO page (org_id, path) SELECT o.id, concat_ws('{separator}', root, a, b) FROM org o, concat('docs', o.id) AS root, unnest('{{NULL,intro,guide}}'::text[]) a, unnest('{{NULL,first,last}}'::text[]) b WHERE a IS NOT NULL OR b IS NULL"
        ))
        .await;
        assert_eq!(asked.len(), 1, "{separator}: {asked:?}");
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let with_parent = format!(
            "SELECT count(*) FROM page p WHERE org_id = {clone} AND EXISTS (SELECT FROM page o WHERE o.org_id = p.org_id AND p.path LIKE o.path || '{separator}%' AND length(o.path) < length(p.path))"
        );
        assert_eq!(db.number(&with_parent).await, 6, "{separator}");
        db.clone_project("'2', options => '{\"verify\": true}'").await;
    }
    // Steps of one length have no expression that is right everywhere.
    let steps = "CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, path text UNIQUE NOT NULL);
         INSERT INTO page (org_id, path) SELECT o.id, concat('000', o.id, a, b) FROM org o, unnest('{NULL,0001,0002}'::text[]) a, unnest('{NULL,0001,0002}'::text[]) b WHERE a IS NOT NULL OR b IS NULL";
    let (db, asked) = asked_about(steps).await;
    assert_eq!(asked, ["path"]);
    let refused = db.fails("SELECT project_clone('2')").await;
    assert!(
        refused.message.contains("its values form a tree") && refused.message.contains("'expression'"),
        "{refused:?}"
    );
    db.run(
        "SELECT clone.store_column('s', 'page', 'path', 'expression', value => $$'9' || substr(path, 2)$$)",
    )
    .await;
    db.clone_project("'2', options => '{\"verify\": true}'").await;
    // Names that begin with other names are no tree.
    let (_, asked) = asked_about(
        "CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, slug text UNIQUE, title text UNIQUE);
         INSERT INTO page (org_id, slug, title) SELECT 1 + n % 2, 'item' || n, 'a.' || n || '/b' FROM generate_series(1, 40) n",
    )
    .await;
    assert_eq!(asked, [""; 0]);
}

#[tokio::test]
async fn unique_texts_that_are_made_of_others_follow_them() {
    let (db, asked) = asked_about(
        "CREATE TABLE project (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, prefix text UNIQUE);
         INSERT INTO project (org_id, prefix) SELECT 1 + n % 2, 'PR' || chr(64 + n) FROM generate_series(1, 10) n;
         CREATE TABLE issue (id serial PRIMARY KEY, project_id int NOT NULL REFERENCES project, number int, label text UNIQUE);
         INSERT INTO issue (project_id, number, label) SELECT p.id, n, prefix || '-' || n FROM project p, generate_series(1, 3) n;
         CREATE TABLE change (id serial PRIMARY KEY, project_id int NOT NULL REFERENCES project, message text, doc jsonb);
         INSERT INTO change (project_id, message, doc) SELECT project_id, 'Fix well-known ' || label || ', again', jsonb_build_object('of', label) FROM issue",
    )
    .await;
    assert_eq!(
        asked,
        [
            "label SELECT clone.store_column('s', 'public.project', 'prefix', 'template', value => '{value}C{n}'); SELECT clone.store_reference('s', 'public.issue', 'label', 'public.project', target_column => 'prefix', separators => '-');"
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    let right = format!(
        "SELECT count(*) FROM issue i JOIN project p ON p.id = i.project_id AND p.org_id = {clone} AND i.label = p.prefix || '-' || i.number AND p.prefix LIKE 'PR_C1'
         JOIN change c ON c.project_id = p.id AND c.message = 'Fix well-known ' || i.label || ', again' AND c.doc->>'of' = i.label"
    );
    assert_eq!(db.number(&right).await, 15);
}
