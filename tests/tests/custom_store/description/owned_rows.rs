//! Rows that belong to the rows which name them, and those that several tenants share.

use super::{answer_all, discovered, open};
use crate::{assert_verified, contents};

const ORG: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO org (name) VALUES ('A'), ('B');";

#[tokio::test]
async fn rows_named_by_one_tenant_only_under_a_name_of_a_part_are_asked_about() {
    // The named table, the type of its key, the column, and the rows that four rows of two tenants name.
    for (table, key, column, rows) in [
        (
            "settings",
            "serial",
            "settings_id int REFERENCES settings",
            "1, 2, 3, 4",
        ),
        ("settings", "serial", "settings_id int", "1, 2, 3, 4"),
        (
            "settings",
            "serial",
            "defaults int REFERENCES settings",
            "1, 2, 3, 4",
        ),
        ("doc", "serial", "template int REFERENCES doc", "1, 1, 2, 2"),
        ("doc", "serial", "parent_id int REFERENCES doc", "1, 1, 2, 3"),
        ("template", "serial", "template_id int", "1, 1, 2, NULL"),
        ("template", "serial", "page_template_id int", "1, 1, 2, NULL"),
        ("template", "text", "template text", "1, 2, 3, NULL"),
        ("template", "uuid", "template_id uuid", "1, 2, 3, NULL"),
    ] {
        let value = |number: &str| match (number, key) {
            ("NULL", _) => "NULL".to_owned(),
            (_, "text") => format!("'t{number}'"),
            (_, "uuid") => format!("'00000000-0000-4000-8000-00000000000{number}'"),
            _ => number.to_owned(),
        };
        let named: Vec<String> = rows.split(", ").map(value).collect();
        let last = rows
            .split(", ")
            .filter_map(|row| row.parse::<u32>().ok())
            .max()
            .unwrap();
        let keys: Vec<String> = (1..=last)
            .map(|n| format!("({}, 'x{n}')", value(&n.to_string())))
            .collect();
        let name = column.split(' ').next().unwrap();
        let db = discovered(
            &format!(
                "{ORG} CREATE TABLE {table} (id {key} PRIMARY KEY, color text); INSERT INTO {table} VALUES {}; {};
                 CREATE TABLE team (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); CREATE TABLE page (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, {column});
                 INSERT INTO team (org_id) VALUES (1), (1), (2), (2); INSERT INTO page (team_id, {name}) VALUES (1, {}), (2, {}), (3, {}), (4, {})",
                keys.join(", "),
                if key == "serial" { format!("SELECT setval('{table}_id_seq', 100)") } else { String::new() },
                named[0], named[1], named[2], named[3]
            ),
            "org",
        )
        .await;
        let Err(failure) = db.attempt("SELECT project_clone('1')").await else {
            panic!("the rows were left out: {column}");
        };
        assert!(
            failure.code == "55000" && failure.message.contains(&format!("public.{table} is named by")),
            "{column}: {failure:?}"
        );
        answer_all(&db, "answer").await;
        let tables = ["org", "team", "page", table];
        let before = contents(&db, &tables).await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        let inside = |org: &str| {
            format!(
                "SELECT s.color FROM page p JOIN team t ON t.id = p.team_id JOIN {table} s ON s.id = p.{name} WHERE t.org_id = {org} ORDER BY 1"
            )
        };
        assert_eq!(
            db.list(&inside(&clone)).await,
            db.list(&inside("1")).await,
            "{column}"
        );
        assert_eq!(
            db.number(&format!(
                "SELECT count(DISTINCT p.{name}) - (SELECT count(*) FROM {table}) FROM page p"
            ))
            .await,
            0,
            "{column}"
        );
        assert_verified(&db, &clone).await;
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(contents(&db, &tables).await, before, "{column}");
    }
}

#[tokio::test]
async fn rows_that_several_tenants_name_and_lookup_tables_are_shared_without_a_question() {
    for (table, column, rows) in [
        ("template", "template_id int REFERENCES template", "1, 2, 2, 3"),
        ("template", "template_id int", "1, 2, 2, 3"),
        ("plan", "plan_id int REFERENCES plan", "1, 1, 2, 2"),
        ("country", "country_id int", "1, 2, 3, 3"),
        // One of many.
        ("template", "template_id int", "1, 1, NULL, 2"),
    ] {
        let count = if rows.contains("NULL") { 9 } else { 3 };
        let values: Vec<&str> = rows.split(", ").collect();
        let db = discovered(
            &format!(
                "{ORG} CREATE TABLE {table} (id serial PRIMARY KEY, color text); INSERT INTO {table} (color) SELECT 'x' || n FROM generate_series(1, {count}) n;
                 CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, {column}); INSERT INTO page (org_id, {}) VALUES (1, {}), (1, {}), (2, {}), (2, {})",
                column.split(' ').next().unwrap(), values[0], values[1], values[2], values[3]
            ),
            "org",
        )
        .await;
        assert_eq!(open(&db).await, ["note "], "{column}");
    }
}

#[tokio::test]
async fn rows_without_a_tenant_above_rows_of_one_tenant_are_asked_about() {
    // The column, the rows without a tenant that six rows name, and whether one tenant alone names each.
    for (column, rows, asked) in [
        ("parent_id int REFERENCES doc", "1, 1, 1, 2, 2, 2", true),
        ("template_id int REFERENCES doc", "1, 1, NULL, 2, 2, NULL", true),
        ("template_id int", "1, 1, NULL, 2, 2, NULL", true),
        ("template_ids int[]", "{1}, {1}, NULL, {2}, {2}, NULL", true),
        ("template_id int REFERENCES doc", "1, 2, NULL, 2, 2, NULL", false),
        ("parent_id int", "1, 2, NULL, 2, 2, NULL", false),
    ] {
        let name = column.split(' ').next().unwrap();
        let values: Vec<String> = rows
            .split(", ")
            .zip(1..)
            .map(|(row, n)| {
                format!(
                    "({}, {}, 'd{n}')",
                    if n <= 3 { 1 } else { 2 },
                    if row == "NULL" {
                        row.to_owned()
                    } else {
                        format!("'{row}'")
                    }
                )
            })
            .collect();
        let db = discovered(
            &format!(
                "{ORG} CREATE TABLE doc (id serial PRIMARY KEY, org_id int REFERENCES org, {column}, t text); INSERT INTO doc (t) VALUES ('x1'), ('x2'); INSERT INTO doc (org_id, {name}, t) VALUES {}",
                values.join(", ")
            ),
            "org",
        )
        .await;
        let found = open(&db).await;
        assert_eq!(
            found.contains(&format!("error public.doc.{name}")),
            asked,
            "{column}: {found:?}"
        );
        if asked {
            assert_eq!(db.fails("SELECT project_clone('1')").await.code, "55000");
            answer_all(&db, "answer").await;
            let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
            assert_eq!(
                db.number("SELECT count(*) FROM doc WHERE t = 'x1'").await,
                2,
                "{column}"
            );
            assert_eq!(
                db.number("SELECT count(*) FROM doc WHERE t = 'x2'").await,
                1,
                "{column}"
            );
            assert_verified(&db, &clone).await;
        }
    }
}
