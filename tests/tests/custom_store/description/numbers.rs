//! Unique values of business meaning for which no fresh value can be guessed: numbers of invoices, dates.

use super::{answer_all, discovered, open};
use crate::assert_verified;

const ORG: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO org (name) VALUES ('A'), ('B');";

#[tokio::test]
async fn unique_numbers_that_may_be_null_are_asked_about() {
    for (column, value, fresh) in [
        ("number int UNIQUE", "1000 + n", true),
        ("number bigint UNIQUE", "n - 5", true),
        ("number smallint", "CASE WHEN n > 2 THEN 500 + n END", true),
        ("number numeric(12, 2) UNIQUE", "n + 0.25", true),
        ("day date UNIQUE", "date '2026-01-01' + n", false),
        ("spot point", "point(n, n)", false),
    ] {
        let name = column.split(' ').next().unwrap();
        let index = match name {
            "spot" => "CREATE UNIQUE INDEX ON invoice ((spot[0]));".to_owned(),
            _ if !column.contains("UNIQUE") => {
                format!("CREATE UNIQUE INDEX ON invoice ({name}) WHERE {name} > 0;")
            }
            _ => String::new(),
        };
        let tables = format!(
            "{ORG} CREATE TABLE invoice (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, {column}); {index} INSERT INTO invoice (org_id, {name}) SELECT 1 + n % 2, {value} FROM generate_series(1, 8) n"
        );
        let filled = format!("SELECT count({name}) FROM invoice WHERE org_id = ");
        for (answer, left) in [("answer", fresh), ("otherwise", false)] {
            let db = discovered(&tables, "org").await;
            let Err(failure) = db.attempt("SELECT project_clone('1')").await else {
                panic!("the values were lost: {column}");
            };
            assert_eq!(failure.code, "55000", "{column}: {failure:?}");
            assert!(
                failure
                    .message
                    .contains(&format!("public.invoice.{name} is unique across all tenants")),
                "{failure:?}"
            );
            answer_all(&db, answer).await;
            for _ in 0..2 {
                let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
                let expected = if left {
                    db.number(&format!("{filled} 1")).await
                } else {
                    0
                };
                assert_eq!(
                    db.number(&format!("{filled} {clone}")).await,
                    expected,
                    "{column} {answer}"
                );
                assert_verified(&db, &clone).await;
            }
        }
    }
}

#[tokio::test]
async fn unique_numbers_of_which_fresh_ones_come_or_none_is_there_are_not_asked_about() {
    for column in [
        "number int UNIQUE",
        "number serial UNIQUE",
        "number int UNIQUE DEFAULT (random() * 1000000000)::int",
        "number int, UNIQUE (org_id, number)",
        "number int UNIQUE REFERENCES part",
        "part_id int UNIQUE",
    ] {
        let value = match column {
            "number int UNIQUE" => "NULL::int",
            _ => "n",
        };
        let db = discovered(
            &format!(
                "{ORG} CREATE TABLE part (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO part (org_id) SELECT 1 + n % 2 FROM generate_series(1, 8) n;
                 CREATE TABLE invoice (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, {column}); INSERT INTO invoice (org_id, {}) SELECT 1 + n % 2, {value} FROM generate_series(1, 8) n",
                column.split(' ').next().unwrap()
            ),
            "org",
        )
        .await;
        assert_eq!(open(&db).await, Vec::<String>::new(), "{column}");
        // Values that come later stop the next clone.
        if value != "n" {
            db.run("UPDATE invoice SET number = id").await;
            assert_ne!(db.fails("SELECT project_clone('1')").await.code, "");
            assert_eq!(open(&db).await, ["error public.invoice.number"]);
        }
    }
}
