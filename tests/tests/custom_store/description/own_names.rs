//! References whose names say nothing: to the own table, in Prisma's implicit link tables, in lists of unique values.

use super::{answer_all, discovered, open};
use crate::assert_verified;

const ORG: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO org (name) VALUES ('A'), ('B');";

#[tokio::test]
async fn a_column_with_keys_of_its_own_table_is_a_reference_whatever_its_name() {
    // The column, whether it has the values of a reference, and whether it must be asked about.
    for (column, value, asked) in [
        ("reply_to", "n - 2", true),
        ("in_response_to", "n - 2", true),
        ("seen", "n - 2", true),
        // Numbers of other tenants' rows, and of every row.
        ("priority", "n % 4", false),
        ("rank", "n", false),
    ] {
        let db = discovered(
            &format!(
                "{ORG} CREATE TABLE msg (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, {column} int{});
                 INSERT INTO msg (org_id, {column}) SELECT 1 + n % 2, {} FROM generate_series(1, 40) n",
                if column == "rank" { " NOT NULL" } else { "" },
                if asked { format!("CASE WHEN n > 2 AND n % 5 = 3 THEN {value} END") } else { value.to_owned() }
            ),
            "org",
        )
        .await;
        let subject = format!("error public.msg.{column}");
        assert_eq!(open(&db).await.contains(&subject), asked, "{column}");
        if !asked {
            continue;
        }
        assert_eq!(
            db.fails("SELECT project_clone('1')").await.code,
            "55000",
            "{column}"
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        let inside = |org: &str| {
            format!(
                "SELECT count(*) FROM msg m JOIN msg o ON o.id = m.{column} AND o.org_id = m.org_id WHERE m.org_id = {org}"
            )
        };
        let expected = db.number(&inside("1")).await;
        assert!(expected > 2);
        assert_eq!(db.number(&inside(&clone)).await, expected, "{column}");
    }
}

#[tokio::test]
async fn implicit_link_tables_of_prisma_are_cloned_with_both_references() {
    let db = discovered(
        &format!(
            "{ORG} CREATE TABLE \"Post\" (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO \"Post\" (org_id) SELECT 1 + n % 2 FROM generate_series(1, 6) n;
             CREATE TABLE \"Tag\" (id text PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO \"Tag\" SELECT 't' || n, 1 + n % 2 FROM generate_series(1, 6) n;
             CREATE TABLE \"ToDo\" (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO \"ToDo\" (org_id) SELECT 1 + n % 2 FROM generate_series(1, 8) n;
             CREATE TABLE \"Country\" (id serial PRIMARY KEY); INSERT INTO \"Country\" DEFAULT VALUES;
             CREATE TABLE \"_PostToTag\" (\"A\" int NOT NULL, \"B\" text NOT NULL); INSERT INTO \"_PostToTag\" VALUES (2, 't2'), (2, 't4'), (1, 't1');
             CREATE TABLE \"_TagToToDo\" (\"A\" text NOT NULL, \"B\" int NOT NULL); INSERT INTO \"_TagToToDo\" VALUES ('t2', 2), ('t1', 1);
             CREATE TABLE \"_CountryToPost\" (\"A\" int NOT NULL, \"B\" int NOT NULL); INSERT INTO \"_CountryToPost\" VALUES (1, 2), (1, 1);
             CREATE TABLE \"_Liked\" (\"A\" int NOT NULL, \"B\" text NOT NULL); INSERT INTO \"_Liked\" VALUES (2, 't2'), (4, 't2'), (1, 't1'), (8, 't2')"
        ),
        "org",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(
        failure.message,
        "public.\"_Liked\" links rows of two tables, and no foreign key says which. By the values these are A: public.\"ToDo\". B: public.\"Tag\""
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    let links = |org: &str| {
        format!(
            "SELECT (SELECT count(*) FROM \"_PostToTag\" l JOIN \"Post\" a ON a.id = l.\"A\" JOIN \"Tag\" b ON b.id = l.\"B\" WHERE a.org_id = {org} AND b.org_id = {org})
             || ' ' || (SELECT count(*) FROM \"_TagToToDo\" l JOIN \"Tag\" a ON a.id = l.\"A\" JOIN \"ToDo\" b ON b.id = l.\"B\" WHERE a.org_id = {org} AND b.org_id = {org})
             || ' ' || (SELECT count(*) FROM \"_CountryToPost\" l JOIN \"Post\" b ON b.id = l.\"B\" WHERE l.\"A\" = 1 AND b.org_id = {org})
             || ' ' || (SELECT count(*) FROM \"_Liked\" l JOIN \"ToDo\" a ON a.id = l.\"A\" JOIN \"Tag\" b ON b.id = l.\"B\" WHERE a.org_id = {org} AND b.org_id = {org})"
        )
    };
    assert_eq!(db.text(&links("1")).await, "2 1 1 3");
    assert_eq!(db.text(&links(&clone)).await, "2 1 1 3");
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.text(&links("1")).await, "2 1 1 3");
}

#[tokio::test]
async fn lists_of_unique_values_in_a_text_are_followed() {
    let db = discovered(
        &format!(
            "{ORG} CREATE TABLE item (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, sku text UNIQUE); INSERT INTO item (org_id, sku) VALUES (1, 'a1'), (1, 'b2'), (2, 'c3'), (2, 'd4');
             CREATE TABLE offer (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, tags text, lines text, path text);
             INSERT INTO offer (org_id, tags, lines, path) VALUES (1, 'a1,b2', E'a1\\nb2', 'a1 / b2'), (1, 'b2', 'b2', 'b2'), (2, 'c3, d4', E'c3\\nd4', 'c3 / d4')"
        ),
        "org",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert!(
        failure.message.contains("holds values of sku of public.item"),
        "{failure:?}"
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    let skus = db
        .list(&format!(
            "SELECT sku FROM item WHERE org_id = {clone} ORDER BY id"
        ))
        .await;
    for (column, separator) in [("tags", ","), ("lines", "\n"), ("path", " / ")] {
        assert_eq!(
            db.list(&format!(
                "SELECT {column} FROM offer WHERE org_id = {clone} ORDER BY id"
            ))
            .await,
            [skus.join(separator), skus[1].clone()]
        );
    }
}

#[tokio::test]
async fn a_pair_with_an_enum_or_with_words_that_are_no_tables_is_asked_about() {
    for (types, columns, value) in [
        (
            "CREATE TYPE kind AS ENUM ('user', 'page');",
            ("what kind", "which int"),
            "'user'",
        ),
        ("", ("about_type text", "about_id int"), "'U'"),
    ] {
        let names = [columns.0, columns.1].map(|column| column.split(' ').next().unwrap());
        let db = discovered(
            &format!(
                "{ORG} {types} CREATE TABLE users (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO users (org_id) SELECT 1 + n % 2 FROM generate_series(1, 8) n;
                 CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO page (org_id) SELECT 1 + n / 5 FROM generate_series(1, 8) n;
                 CREATE TABLE note (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, {}, {}); INSERT INTO note (org_id, {}, {}) SELECT org_id, {value}, id FROM users WHERE id > 2",
                columns.0, columns.1, names[0], names[1]
            ),
            "org",
        )
        .await;
        assert_eq!(
            db.fails("SELECT project_clone('1')").await.code,
            "55000",
            "{columns:?}"
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM note n JOIN users u ON u.id = n.{} AND u.org_id = n.org_id WHERE n.org_id = {clone}", names[1]))
                .await,
            3,
            "{columns:?}"
        );
    }
}
