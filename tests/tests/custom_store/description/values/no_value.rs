//! Values in place of NULL, such as 0 and 'none': references beside them are found, and they stay.

use super::super::{answer_all, discovered, open};
use crate::assert_verified;

const TABLES: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text NOT NULL UNIQUE, name text NOT NULL); INSERT INTO org (slug, name) VALUES ('alpha', 'A'), ('beta', 'B');
    CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO users (org_id) SELECT 1 + n % 2 FROM generate_series(1, 12) n;
    CREATE TABLE part (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, sku text NOT NULL UNIQUE); INSERT INTO part (org_id, sku) SELECT 1 + n % 2, 'sku-' || n FROM generate_series(1, 12) n;
    CREATE TABLE word (id text PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO word SELECT 'w' || n, 1 + n % 2 FROM generate_series(1, 12) n;";

#[tokio::test]
async fn a_value_in_place_of_null_does_not_hide_a_reference() {
    // The column, what it names, the value of a row that names none, and the keys in the column.
    for (column, target, value, none, keys) in [
        (
            "part_id int NOT NULL DEFAULT 0",
            "part.id",
            "id",
            "0",
            "x.part_id::text",
        ),
        ("part_id int", "part.id", "id", "-1", "x.part_id::text"),
        ("main_part_id int", "part.id", "id", "0", "x.main_part_id::text"),
        ("part int", "part.id", "id", "0", "x.part::text"),
        ("created_by int", "users.id", "id", "0", "x.created_by::text"),
        ("stored_id int", "part.id", "100 + id", "-1", "x.stored_id::text"),
        ("word_id text", "word.id", "id", "''", "x.word_id"),
        ("word text", "word.id", "id", "'None'", "x.word"),
        ("what text", "part.sku", "sku", "'N/A'", "x.what"),
        ("part_sku text", "part.sku", "sku", "''", "x.part_sku"),
        (
            "part_ids int[]",
            "part.id",
            "ARRAY[id]",
            "'{0}'",
            "x.part_ids[1]::text",
        ),
        (
            "part_ids text",
            "part.id",
            "id || ',' || id",
            "'none'",
            "split_part(x.part_ids, ',', 1)",
        ),
        (
            "doc jsonb",
            "part.id",
            "jsonb_build_object('part_id', id)",
            "'{\"part_id\": 0}'",
            "x.doc->>'part_id'",
        ),
        (
            "doc jsonb",
            "part.id",
            "jsonb_build_object('part', id)",
            "'{\"part\": \"none\"}'",
            "x.doc->>'part'",
        ),
    ] {
        let name = column.split(' ').next().unwrap();
        let (table, key) = target.split_once('.').unwrap();
        let shift = if value.starts_with("100") {
            "UPDATE part SET id = id + 100; SELECT setval('part_id_seq', 500);"
        } else {
            ""
        };
        let db = discovered(
            &format!(
                "{TABLES} CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, {column}); INSERT INTO page (org_id, {name}) SELECT org_id, {value} FROM {table}; INSERT INTO page (org_id, {name}) VALUES (1, {none}), (2, {none}); {shift}"
            ),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        let inside = db
            .number(&format!("SELECT count(*) FROM page x JOIN {table} k ON k.{key}::text = {keys} AND k.org_id = x.org_id WHERE x.org_id = {clone}"))
            .await;
        assert_eq!(inside, 6, "{column}");
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM page x WHERE x.org_id = {clone} AND x.{name} = {none}"
            ))
            .await,
            1,
            "{column}"
        );
        assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn a_value_in_place_of_null_does_not_hide_a_reference_to_the_own_table() {
    for (column, none) in [
        ("reply_to int NOT NULL DEFAULT 0", "0"),
        ("seen int NOT NULL DEFAULT -1", "-1"),
        ("seen int", "0"),
        ("parent_id int NOT NULL DEFAULT 0", "0"),
    ] {
        let name = column.split(' ').next().unwrap();
        let db = discovered(
            &format!(
                "{TABLES} CREATE TABLE msg (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, {column}); INSERT INTO msg (org_id, {name}) SELECT 1 + n % 2, CASE WHEN n > 2 AND n % 5 = 3 THEN n - 2 ELSE {none} END FROM generate_series(1, 40) n"
            ),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        let inside = |org: &str| {
            format!(
                "SELECT count(*) FROM msg m JOIN msg o ON o.id = m.{name} AND o.org_id = m.org_id WHERE m.org_id = {org}"
            )
        };
        assert_eq!(
            db.number(&inside(&clone)).await,
            db.number(&inside("1")).await,
            "{column}"
        );
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM msg WHERE org_id = {clone} AND {name} = {none}"
            ))
            .await,
            db.number(&format!(
                "SELECT count(*) FROM msg WHERE org_id = 1 AND {name} = {none}"
            ))
            .await
        );
    }
    // A rank and a count are none.
    let db = discovered(
        &format!("{TABLES} CREATE TABLE msg (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, rank int NOT NULL DEFAULT 0, votes int DEFAULT 0); INSERT INTO msg (org_id, rank, votes) SELECT 1 + n % 2, CASE WHEN n > 4 THEN n ELSE 0 END, n % 4 FROM generate_series(1, 40) n"),
        "org",
    )
    .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_value_in_place_of_null_does_not_hide_the_tenant_of_an_undescribed_table() {
    for (column, value, none) in [
        ("whose text", "slug", "'none'"),
        ("whose text", "slug", "''"),
        ("owner int", "id", "0"),
        ("tenant_slug text", "slug", "'-'"),
    ] {
        let name = column.split(' ').next().unwrap();
        let db = discovered(
            &format!("{TABLES} CREATE TABLE audit (id serial PRIMARY KEY, {column}); INSERT INTO audit ({name}) SELECT {value} FROM org; INSERT INTO audit ({name}) VALUES ({none})"),
            "org",
        )
        .await;
        assert_eq!(
            db.fails("SELECT project_clone('1')").await.code,
            "55000",
            "{column}"
        );
        answer_all(&db, "answer").await;
        db.clone_project("'1', options => '{\"verify\": true}'").await;
        assert_eq!(db.number("SELECT count(*) FROM audit").await, 4, "{column}");
    }
}

#[tokio::test]
async fn a_value_in_place_of_null_does_not_hide_a_pair() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE link (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, kind text NOT NULL DEFAULT '', ref int NOT NULL DEFAULT 0);
             INSERT INTO link (org_id, kind, ref) SELECT org_id, 'part', id FROM part; INSERT INTO link (org_id, kind, ref) SELECT org_id, 'user', id FROM users; INSERT INTO link (org_id, kind) VALUES (1, ''), (2, ''), (1, 'part')"
        ),
        "org",
    )
    .await;
    assert_eq!(open(&db).await, ["error public.link.ref"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    for (kind, table) in [("part", "part"), ("user", "users")] {
        let inside = format!(
            "SELECT count(*) FROM link l JOIN {table} k ON k.id = l.ref AND k.org_id = l.org_id WHERE l.kind = '{kind}' AND l.org_id = {clone}"
        );
        assert_eq!(db.number(&inside).await, 6, "{kind}");
    }
    assert_eq!(
        db.list(&format!(
            "SELECT kind FROM link WHERE ref = 0 AND org_id = {clone} ORDER BY 1"
        ))
        .await,
        ["", "part"]
    );
}
