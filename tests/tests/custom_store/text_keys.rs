//! Verification finds text keys of the source that stay in a clone because no reference is declared there.

use super::{assert_verified, described};
use pg_clone_tests::scratch_database::Scratch;

const TABLES: &str = "CREATE EXTENSION hstore;
    CREATE TABLE workspace (id text PRIMARY KEY, name text);
    CREATE TABLE page (id text PRIMARY KEY, workspace_id text NOT NULL REFERENCES workspace, body text, settings jsonb, raw json, tags text[], attributes hstore, doc xml, old_id text);
    INSERT INTO workspace VALUES ('clh3am8hi0000356tdfk5hsgu', 'Ours'), ('clh3am8hi0001356tdfk5hsgu', 'Theirs');
    INSERT INTO page (id, workspace_id) VALUES ('clp3am8hi0000356tdfk5hsgu', 'clh3am8hi0000356tdfk5hsgu'), ('clp3am8hi0001356tdfk5hsgu', 'clh3am8hi0001356tdfk5hsgu');";

const STORE: &str = "SELECT clone.store_table('s', 'workspace', 'project'); SELECT clone.store_table('s', 'page', 'resource', project_column => 'workspace_id')";

#[tokio::test]
async fn a_text_key_of_the_source_is_found_in_columns_of_every_type() {
    for (column, value) in [
        ("body", "see /pages/clp3am8hi0000356tdfk5hsgu/edit"),
        ("body", "前clh3am8hi0000356tdfk5hsgu后"),
        ("settings", r#"{"lead": ["CLP3AM8HI0000356TDFK5HSGU"]}"#),
        ("settings", r#"{"clp3am8hi0000356tdfk5hsgu": 1}"#),
        ("raw", r#"{"text": "line\nclp3am8hi0000356tdfk5hsgu", "k":   1}"#),
        ("raw", r#"{"text": "\u0063lp3am8hi0000356tdfk5hsgu"}"#),
        ("tags", "{x,clp3am8hi0000356tdfk5hsgu}"),
        ("attributes", "k=>clp3am8hi0000356tdfk5hsgu"),
        ("doc", "<a>clp3am8hi0000356tdfk5hsgu</a>"),
    ] {
        let db = described(TABLES, STORE).await;
        db.run(&format!(
            "UPDATE page SET {column} = '{value}' WHERE id LIKE 'clp3am8hi0000%'"
        ))
        .await;
        let clone = db.clone_project("'clh3am8hi0000356tdfk5hsgu', 'Copy'").await;
        let failed = db
            .list(&format!(
                "SELECT concat_ws(' | ', check_name, subject, expected) FROM project_clone_verify('{clone}') WHERE NOT ok"
            ))
            .await;
        assert_eq!(
            failed,
            [format!("text keys of the source | public.page.{column} | 0")],
            "{value}"
        );
        let refused = db
            .fails(
                "SELECT project_clone('clh3am8hi0000356tdfk5hsgu', 'Copy', options => '{\"verify\": true}')",
            )
            .await;
        assert_eq!(refused.code, "55000");
        assert!(
            refused.message.contains(&format!("public.page.{column}")),
            "{}",
            refused.message
        );
    }
}

#[tokio::test]
async fn keys_of_others_words_and_columns_that_somebody_keeps_are_no_findings() {
    let db = described(
        TABLES,
        &format!("{STORE}; SELECT clone.store_column('s', 'page', 'old_id', 'keep')"),
    )
    .await;
    db.run("UPDATE page SET old_id = id, body = 'aclp3am8hi0000356tdfk5hsgu, clp3am8hi0001356tdfk5hsgu, clp3am8hi0000356tdfk5hsgu1'")
        .await;
    let clone = db.clone_project("'clh3am8hi0000356tdfk5hsgu', 'Copy'").await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_declared_place_is_rewritten_and_right() {
    let db = described(
        TABLES,
        &format!(
            "{STORE}; SELECT clone.store_reference('s', 'page', 'settings', 'page', path => '$.lead[*]')"
        ),
    )
    .await;
    db.run("UPDATE page SET settings = '{\"lead\": [\"clp3am8hi0000356tdfk5hsgu\"]}'")
        .await;
    let clone = db.clone_project("'clh3am8hi0000356tdfk5hsgu', 'Copy'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM page WHERE workspace_id = '{clone}' AND settings->'lead'->>0 = id"
        ))
        .await,
        1
    );
    assert_verified(&db, &clone).await;
}

const EVERYWHERE: &str = "UPDATE page SET body = 'see /pages/clp3am8hi0000356tdfk5hsgu/edit, page_clp3am8hi0000356tdfk5hsgu.png', old_id = id || '-thumb',
    settings = '{\"clp3am8hi0000356tdfk5hsgu\": {\"a\": [\"前clp3am8hi0000356tdfk5hsgu后\", 1]}}', raw = '{\"b\": \"x\\nclp3am8hi0000356tdfk5hsgu\", \"k\":   1}',
    tags = '{x,clp3am8hi0000356tdfk5hsgu}', attributes = 'k=>clp3am8hi0000356tdfk5hsgu', doc = '<a>clp3am8hi0000356tdfk5hsgu</a>' WHERE id LIKE 'clp3am8hi0000%'";
const ALL: &str = "concat_ws('|', body, settings, raw, tags, attributes, doc, old_id)";

#[tokio::test]
async fn with_the_option_text_keys_they_are_rewritten_wherever_they_stand() {
    let db = described(
        TABLES,
        &format!("{STORE}; SELECT clone.store_alter('s', '{{\"text_keys\": \"everywhere\"}}')"),
    )
    .await;
    db.run(EVERYWHERE).await;
    let clone = db.clone_project("'clh3am8hi0000356tdfk5hsgu', 'Copy'").await;
    assert_verified(&db, &clone).await;
    let same = format!(
        "SELECT count(*) FROM page c, page s WHERE c.workspace_id = '{clone}' AND s.id = 'clp3am8hi0000356tdfk5hsgu'
         AND c.{0} = replace(s.{0}, s.id, c.id)",
        "body"
    );
    assert_eq!(db.number(&same).await, 1);
    let row =
        |which: &str| format!("SELECT replace({ALL}, id, '<id>') FROM page WHERE workspace_id = '{which}'");
    assert_eq!(
        db.list(&row(&clone)).await,
        db.list(&row("clh3am8hi0000356tdfk5hsgu")).await
    );
}

#[tokio::test]
async fn keys_at_many_places_are_one_question() {
    for (answer, verified) in [("answer", true), ("otherwise", false)] {
        let db = Scratch::with_extension().await;
        db.run(TABLES).await;
        db.run(EVERYWHERE).await;
        db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"workspace\"}')")
            .await;
        let open = "FROM clone.store_check('s') WHERE severity = 'error'";
        assert_eq!(
            db.list(&format!("SELECT question LIKE 'keys of 1 tables stand in documents and texts at % places, as public.page.%' {open}"))
                .await,
            ["t"]
        );
        let refused = db
            .fails("SELECT project_clone('clh3am8hi0000356tdfk5hsgu')")
            .await;
        assert!(
            refused.code == "55000" && refused.hint.contains("text_keys"),
            "{refused:?}"
        );
        let call = db.list(&format!("SELECT {answer} {open}")).await;
        db.run(&call[0]).await;
        assert_eq!(db.number(&format!("SELECT count(*) {open}")).await, 0);
        let clone = db.clone_project("'clh3am8hi0000356tdfk5hsgu', 'Copy'").await;
        // What somebody said stays is no failure.
        assert_verified(&db, &clone).await;
        let rewritten =
            format!("SELECT count(*) FROM page WHERE workspace_id = '{clone}' AND strpos(body, id) > 0");
        assert_eq!(db.number(&rewritten).await == 1, verified);
    }
}

#[tokio::test]
async fn another_value_of_the_option_text_keys_is_refused() {
    let db = described(TABLES, STORE).await;
    let refused = db
        .fails("SELECT clone.store_alter('s', '{\"text_keys\": \"all\"}')")
        .await;
    assert!(
        refused.code == "22023" && refused.message.contains("\"all\"") && !refused.hint.is_empty(),
        "{refused:?}"
    );
}

#[tokio::test]
async fn uuids_in_text_keys_that_are_unique_in_their_project_are_kept_as_other_texts_are() {
    let db = described(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); CREATE TABLE item (org_id int REFERENCES org, code text, PRIMARY KEY (org_id, code));
         CREATE TABLE part (id serial PRIMARY KEY, org_id int, code text, note jsonb, FOREIGN KEY (org_id, code) REFERENCES item);
         INSERT INTO org (name) VALUES ('A'), ('B');
         INSERT INTO item SELECT o, c FROM generate_series(1, 2) AS o, unnest('{d0000000-0000-4000-8000-000000000008,D0000000-0000-4000-8000-000000000009,plain}'::text[]) AS c;
         INSERT INTO part (org_id, code, note) SELECT org_id, code, jsonb_build_object('of', code) FROM item",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', id_column => 'code', project_column => 'org_id');
         SELECT clone.store_table('s', 'part', 'resource', project_column => 'org_id')",
    )
    .await;
    let parts = |org: &str| {
        format!(
            "SELECT code || note FROM part JOIN item USING (org_id, code) WHERE org_id = {org} ORDER BY 1"
        )
    };
    let own = db.list(&parts("1")).await;
    assert_eq!(own.len(), 3);
    let clone = db.clone_project("'1'").await;
    assert_eq!(db.list(&parts(&clone)).await, own);
    assert_verified(&db, &clone).await;
    let replace = format!("'1', options => '{{\"replace\": \"{clone}\", \"verify\": true}}'");
    db.clone_project(&replace).await;
    assert_eq!(db.list(&parts(&clone)).await, own);
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.list(&parts("2")).await, own);
}

#[tokio::test]
async fn a_uuid_in_a_text_key_whose_new_values_are_given_in_another_way_is_refused() {
    for (role, value) in [
        ("expression", ", value => 'md5(id)'"),
        ("template", ", value => '{value}-{n}'"),
        ("random", ""),
    ] {
        let db = described(
            "CREATE TABLE org (id serial PRIMARY KEY, name text); CREATE TABLE item (id text PRIMARY KEY, org_id int REFERENCES org);
             INSERT INTO org (name) VALUES ('A'); INSERT INTO item VALUES ('plain', 1), ('d0000000-0000-4000-8000-000000000008', 1)",
            &format!(
                "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id');
                 SELECT clone.store_column('s', 'item', 'id', '{role}'{value})"
            ),
        )
        .await;
        let refused = db.fails("SELECT project_clone('1')").await;
        assert_eq!(refused.code, "55000", "{refused:?}");
        let word = if role == "template" { "suffix" } else { role };
        assert_eq!(
            refused.message,
            format!(
                "key \"d0000000-0000-4000-8000-000000000008\" of public.item is a UUID, which the role {word} of column id does not give a new value"
            )
        );
        db.run(&refused.hint).await;
        let clone = db.clone_project("'1'").await;
        assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn a_generated_text_that_is_new_in_the_clone_is_found_where_it_stays() {
    let db = described(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
         CREATE TABLE doc (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, url_id text UNIQUE, word text, link text, about jsonb);
         INSERT INTO doc (org_id, url_id, word, link, about) VALUES (1, 'hDYep1TPAM', 'administrator', '/doc/title-hDYep1TPAM', '{\"by\": \"administrator\"}'), (2, 'bQ7xW2mKzr', 'guest', NULL, '{\"see\": \"hDYep1TPAM\"}')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'doc', 'resource', project_column => 'org_id', document_column => '');
         SELECT clone.store_column('s', 'doc', c, 'random') FROM unnest('{url_id,word}'::name[]) c",
    )
    .await;
    let failed = |clone: &str| {
        format!(
            "SELECT concat_ws(' | ', check_name, subject, expected, found) FROM project_clone_verify('{clone}') WHERE NOT ok"
        )
    };
    let clone = db.clone_project("'1', 'Copy'").await;
    // Words say nothing.
    assert_eq!(
        db.list(&failed(&clone)).await,
        ["texts of the source that are new in the clone | public.doc.link | 0 | 1, one is hDYep1TPAM"]
    );
    let refused = db
        .fails("SELECT project_clone('1', 'Copy', options => '{\"verify\": true}')")
        .await;
    assert!(
        refused.code == "55000" && refused.message.contains("public.doc.link"),
        "{refused:?}"
    );
    db.run("SELECT clone.store_reference('s', 'doc', 'link', 'doc', target_column => 'url_id', separators => '/-')")
        .await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM doc WHERE org_id = {clone} AND link = '/doc/title-' || url_id AND url_id <> 'hDYep1TPAM'"
        ))
        .await,
        1
    );
    assert_verified(&db, &clone).await;
    // Kept by hand: it is meant to name the source.
    db.run("UPDATE doc SET about = '{\"see\": \"hDYep1TPAM\"}' WHERE org_id = 1; SELECT clone.store_column('s', 'doc', 'about', 'keep')")
        .await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn keys_of_derived_rows_are_searched_for_too() {
    let db = described(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('a'), ('b');
         CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO page (org_id) SELECT 1 + n % 2 FROM generate_series(1, 6) n;
         CREATE TABLE part (id text PRIMARY KEY, page_id int NOT NULL REFERENCES page, follows text); INSERT INTO part SELECT 'part_' || substr(md5(n::text), 1, 16), n FROM generate_series(1, 6) n;
         UPDATE part SET follows = id WHERE page_id = 3",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'page', 'resource', project_column => 'org_id'); SELECT clone.store_table('s', 'part', 'derived', parent => 'page')",
    )
    .await;
    let clone = db.clone_project("'2'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT concat_ws(' ', check_name, subject) FROM project_clone_verify('{clone}') WHERE NOT ok"
        ))
        .await,
        ["text keys of the source public.part.follows"]
    );
    db.run("SELECT clone.store_reference('s', 'part', 'follows', 'part')")
        .await;
    let clone = db.clone_project("'2'").await;
    assert_verified(&db, &clone).await;
}
