//! Independent verification: references in documents, arrays and paths, polymorphic pairs, and texts with keys.

mod equal_rows;
mod mutations;
mod whole_rows;

use super::{assert_verified, described};

const TABLES: &str = "CREATE TABLE org (id bigserial PRIMARY KEY, name text);
    CREATE TABLE users (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, name text);
    CREATE TABLE page (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, tree text, watchers bigint[], doc jsonb, thing_type text, thing_id text, note json);
    INSERT INTO org (name) VALUES ('Other'), ('Ours'); INSERT INTO users (org_id, name) VALUES (1, 'x'), (2, 'Ada'), (2, 'Bob'), (1, 'shared');
    INSERT INTO page (org_id, tree, watchers, doc, thing_type, thing_id, note) VALUES (1, '1', '{1}', '{\"by\": 1}', 'User', '1', '{}'),
      (2, '/2/', '{2,3,4}', '{\"by\": 3, \"all\": [{\"u\": 2}, {\"u\": \"3\"}], \"votes\": {\"2\": true, \"4\": false}}', 'User', '3', '{\"by\": 2}'), (2, '/2/3/', '{}', '[]', 'Page', '2', NULL)";
const STORE: &str = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id', document_column => '') FROM unnest('{users,page}'::text[]) t;
    SELECT clone.store_reference('s', 'page', 'tree', 'page', separators => '/'); SELECT clone.store_reference('s', 'page', 'watchers', 'users');
    SELECT clone.store_reference('s', 'page', 'doc', 'users', path => p) FROM unnest(ARRAY['$.by', '$.all[*].u', '$.votes.*~']) p;
    SELECT clone.store_reference('s', 'page', 'note', 'users', path => '$.by');
    SELECT clone.store_reference('s', 'page', 'thing_id', 'users', type_column => 'thing_type', type_values => '{User}');
    SELECT clone.store_reference('s', 'page', 'thing_id', 'page', type_column => 'thing_type', type_values => '{Page}')";

#[tokio::test]
async fn every_form_of_a_reference_is_counted_in_the_clone_and_in_its_source() {
    let db = described(TABLES, STORE).await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_verified(&db, &clone).await;
    let found = |check: &str, subject: &str| {
        format!(
            "SELECT found FROM project_clone_verify('{clone}') WHERE check_name LIKE '%{check}' AND subject LIKE 'public.page.{subject}' ORDER BY expected DESC LIMIT 1"
        )
    };
    for (subject, own, shared) in [
        ("tree", 3, 0),
        ("watchers", 2, 1),
        ("doc $.by", 1, 0),
        ("doc $.all[*].u", 2, 0),
        ("doc $.votes.*~", 1, 1),
        ("note $.by", 1, 0),
        ("thing_id", 1, 0),
    ] {
        assert_eq!(
            db.number(&found("as many rows as in the source", subject)).await,
            own,
            "{subject}"
        );
        if shared > 0 {
            assert_eq!(
                db.number(&found("the same shared rows", subject)).await,
                shared,
                "{subject}"
            );
        }
    }
    // Each of them is seen when it names the source's row, and when it names nobody's.
    for change in [
        "tree = '/2/'",
        "watchers = '{2}'",
        "doc = '{\"by\": 2}'",
        "doc = '{\"all\": [{\"u\": 3}]}'",
        "doc = '{\"votes\": {\"2\": 1}}'",
        "note = '{\"by\": 3}'",
        "thing_type = 'User', thing_id = '2'",
        "tree = '/99/'",
        "watchers = '{99}'",
    ] {
        db.run(&format!("BEGIN; UPDATE page SET {change} WHERE org_id = {clone}"))
            .await;
        let failed = db
            .list(&format!(
                "SELECT check_name || ' ' || subject FROM project_clone_verify('{clone}') WHERE NOT ok"
            ))
            .await;
        let column = change.split(' ').next().unwrap_or_default();
        let names_source = !change.contains("99");
        assert!(
            failed.iter().any(|f| f.contains(if names_source {
                "source's rows"
            } else {
                "same shared rows"
            }) && (f.contains(&format!("page.{column}"))
                || f.contains("page.thing_id"))),
            "{change}: {failed:?}"
        );
        db.run("ROLLBACK").await;
    }
}

#[tokio::test]
async fn a_sample_looks_at_so_many_rows_of_each_table() {
    let db = described(TABLES, STORE).await;
    let clone = db.clone_project("'2', 'Copy'").await;
    db.run(&format!(
        "UPDATE page SET watchers = '{{2}}' WHERE id = (SELECT max(id) FROM page WHERE org_id = {clone})"
    ))
    .await;
    let failed = |arguments: &str| {
        format!("SELECT count(*) FROM project_clone_verify('{clone}'{arguments}) WHERE NOT ok")
    };
    assert_eq!(db.number(&failed(", sample => 1")).await, 0);
    assert!(db.number(&failed(", sample => 100")).await > 0);
    assert!(db.number(&failed("")).await > 0);
    let failure = db.fails(&failed(", sample => 0")).await;
    assert!(failure.code == "22023" && !failure.hint.is_empty(), "{failure:?}");
}

#[tokio::test]
async fn a_document_says_the_new_key_of_its_row() {
    for (kind, old) in [("text", "\"Uvn6LCg7dVU\""), ("bigint", "7")] {
        let db = described(
            &format!(
                "CREATE TABLE space (id uuid PRIMARY KEY, name text); CREATE TABLE page (id {kind} PRIMARY KEY DEFAULT nextval('page_id')::{kind}, space_id uuid NOT NULL REFERENCES space, doc jsonb);
                 INSERT INTO space VALUES ('a0000000-0000-4000-8000-000000000048', 'S'); INSERT INTO page VALUES ('{}', 'a0000000-0000-4000-8000-000000000048', '{{\"id\": {old}, \"n\": {old}}}')",
                old.trim_matches('"')
            )
            .replace("CREATE TABLE space", "CREATE SEQUENCE page_id START 100; CREATE TABLE space"),
            "SELECT clone.store_table('s', 'space', 'project'); SELECT clone.store_table('s', 'page', 'resource', project_column => 'space_id', document_column => 'doc')",
        )
        .await;
        let clone = db
            .clone_project("'a0000000-0000-4000-8000-000000000048', 'Copy'")
            .await;
        assert_eq!(
            db.list(&format!(
                "SELECT concat_ws('|', doc->>'id' = id::text, doc->'n') FROM page WHERE space_id = '{clone}'"
            ))
            .await,
            [format!("t|{old}")]
        );
    }
}

#[tokio::test]
async fn keys_that_get_an_ending_are_told_from_those_of_the_source() {
    let db = described(
        "CREATE TABLE space (id text PRIMARY KEY, name text); CREATE TABLE element (uid text PRIMARY KEY, space_id text NOT NULL REFERENCES space, expr text);
         INSERT INTO space VALUES ('x', 'X'); INSERT INTO element VALUES ('fbfJHSPpUQD', 'x', 'element/fbfJHSPpUQ'), ('fbfJHSPpUQ', 'x', '#{fbfJHSPpUQD.pq2}')",
        "SELECT clone.store_table('s', 'space', 'project'); SELECT clone.store_table('s', 'element', 'resource', project_column => 'space_id')",
    )
    .await;
    let clone = db.clone_project("'x', 'Copy'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT concat_ws('|', check_name, subject, found) FROM project_clone_verify('{clone}') WHERE NOT ok"
        ))
        .await,
        ["text keys of the source|public.element.expr|1, one is fbfJHSPpUQD"]
    );
}

#[tokio::test]
async fn ids_in_bytea_stay_and_verification_tells_which_rows_have_them() {
    let db = described(
        "CREATE TABLE firm (id uuid PRIMARY KEY, name text); CREATE TABLE parcel (id uuid PRIMARY KEY, firm_id uuid NOT NULL REFERENCES firm, n int, content bytea);
         INSERT INTO firm VALUES ('f0000000-0000-4000-8000-000000000001', 'A'); INSERT INTO parcel SELECT gen_random_uuid(), 'f0000000-0000-4000-8000-000000000001', n FROM generate_series(1, 5) n;
         UPDATE parcel SET content = CASE n WHEN 1 THEN convert_to('see parcel ' || id, 'UTF8') || '\\x00ff' WHEN 2 THEN uuid_send(id) WHEN 3 THEN '\\xdeadbeef' WHEN 4 THEN uuid_send(gen_random_uuid()) END",
        "SELECT clone.store_table('s', 'firm', 'project'); SELECT clone.store_table('s', 'parcel', 'resource', project_column => 'firm_id')",
    )
    .await;
    let clone = db
        .clone_project("'f0000000-0000-4000-8000-000000000001', options => '{\"verify\": true}'")
        .await;
    let check = db
        .text(&format!(
            "SELECT concat_ws('|', subject, regexp_replace(found, 'one is .*', ''), ok) FROM project_clone_verify('{clone}') WHERE check_name = 'ids of the source in bytea'"
        ))
        .await;
    assert_eq!(check, "public.parcel|in 2 rows, |t");
    let kept = "SELECT count(*) FROM parcel JOIN parcel s USING (n, content) WHERE parcel.firm_id <> s.firm_id AND s.firm_id = 'f0000000-0000-4000-8000-000000000001'";
    assert_eq!(db.number(kept).await, 4);
}

#[tokio::test]
async fn a_table_of_more_columns_than_a_function_has_arguments_is_verified() {
    let columns: String = (0..230).map(|number| format!(", c{number} text")).collect();
    let db = described(
        &format!("CREATE TABLE org (id uuid PRIMARY KEY, name text); INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'a'); CREATE TABLE wide (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org{columns});
            INSERT INTO wide (id, org_id, c0, c229) SELECT gen_random_uuid(), id, 'first', 'last' FROM org"),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'wide', 'resource', project_column => 'org_id')",
    )
    .await;
    let clone = db
        .clone_project("'a0000000-0000-4000-8000-000000000001', options => '{\"verify\": true}'")
        .await;
    assert_verified(&db, &clone).await;
    // In the last column.
    db.run(&format!("UPDATE wide SET c229 = (SELECT w.id FROM wide w WHERE w.org_id = 'a0000000-0000-4000-8000-000000000001') WHERE org_id = '{clone}'")).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM project_clone_verify('{clone}') WHERE NOT ok"
        ))
        .await,
        1
    );
}
